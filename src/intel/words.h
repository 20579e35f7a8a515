/* Words of public registries that STIX refers to, found by binary search. */
#ifndef BW_INTEL_WORDS_H
#define BW_INTEL_WORDS_H

#include "base/bytes.h"

extern const char bw_words_charsets[];
extern const char bw_words_countries[];
extern const char bw_words_http_headers[];
extern const char bw_words_ipfix[];
extern const char bw_words_languages[];
extern const char bw_words_media_types[];
extern const char bw_words_pdf_info[];
extern const char bw_words_protocols[];
extern const char bw_words_socket_options[];

/* Is `word` one of `words` (one of the lists above), byte for byte? */
bool bw_words_have(const char *words, struct bw_slice word);

#endif
