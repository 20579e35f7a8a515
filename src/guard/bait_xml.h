/* The visible words of the XML parts of a document. Pure; no parser of XML, but enough to tell tags from text. */
#ifndef BW_GUARD_BAIT_XML_H
#define BW_GUARD_BAIT_XML_H

#include "guard/bait_words.h"

struct bw_bait_tally {
	size_t letters;
	size_t digits;
};

/* `whole`: all text of it is shown (ODF's content.xml); else what stands in the elements known to hold such. */
/* UNSUPPORTED: not well-formed, or with what these formats do not use (DOCTYPE, CDATA). */
BW_MUST_USE enum bw_err bw_bait_xml_learn(struct bw_slice xml, bool whole, struct bw_bait_pool *pool,
					  struct bw_bait_tally *tally);

/* The same again with its words stirred; tags, blanks and entities stay. */
BW_MUST_USE enum bw_err bw_bait_xml_stir(struct bw_slice xml, bool whole, const struct bw_bait_pool *pool,
					 struct bw_bait_dice *dice, struct bw_buf *out);

#endif
