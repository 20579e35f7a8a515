/*
 * JSON from strangers: RFC 8259 text held to the I-JSON profile (RFC 7493).
 *
 * Refused, with the offset of the byte: text that is not UTF-8 (UTF8), anything
 * not well-formed (SYNTAX, TRUNCATED), a name that appears twice in one object
 * (DUPLICATE), nesting deeper than BW_JSON_DEPTH_MAX (TOO_DEEP), text longer than
 * BW_JSON_TEXT_MAX (TOO_BIG), whole numbers beyond 2^53 - 1 either way and numbers
 * that a double cannot hold (RANGE).
 *
 * yyjson does the parsing and shows in these two rooms only: codec and intel.
 */
#ifndef BW_CODEC_JSON_H
#define BW_CODEC_JSON_H

#include <yyjson.h>

#include "base/bytes.h"

enum {
	BW_JSON_DEPTH_MAX = 64,              /* STIX itself needs eight; one frame of stack each */
	BW_JSON_TEXT_MAX = 64 * 1024 * 1024, /* one object: an artifact's payload can be large */
};

/*
 * Parses text after text into the same memory. The document of one parse is
 * gone at the next, and so is every string in it.
 */
struct bw_json_parser {
	uint8_t *text; /* a padded copy, in which yyjson unescapes strings */
	size_t text_cap;
	uint8_t *pool; /* yyjson's values */
	size_t pool_cap;
	size_t pool_used;
	yyjson_doc *doc;
	const void **scratch; /* names of one large object while looking for twins */
	size_t scratch_cap;
};

void bw_json_parser_init(struct bw_json_parser *parser);
void bw_json_parser_release(struct bw_json_parser *parser);

/* `out_root` lives until the next parse or release. `fault` may be NULL. */
BW_MUST_USE enum bw_err bw_json_parse(struct bw_json_parser *parser, struct bw_slice text, yyjson_val **out_root,
				      struct bw_fault *fault);

/* The offset in the parsed text at which a string (or name) of this document starts. */
size_t bw_json_offset(const struct bw_json_parser *parser, yyjson_val *string);

static inline struct bw_slice bw_json_text(yyjson_val *string)
{
	return (struct bw_slice){ (const uint8_t *)unsafe_yyjson_get_str(string), unsafe_yyjson_get_len(string) };
}

/*
 * Appends the text without the white space between tokens; every token keeps
 * its own bytes. `text` must be well-formed (bw_json_parse accepted it).
 */
BW_MUST_USE enum bw_err bw_json_minify(struct bw_slice text, struct bw_buf *out);

#endif
