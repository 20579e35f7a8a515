/*
 * Cuts a stream of JSON into objects without ever holding the whole: a STIX
 * bundle, a TAXII envelope, a bare object, a list, values after one another, or
 * one value a line. Objects are cut out by their brackets only; parsing them
 * comes after (bw_json_parse). Linear; memory is bounded by one object and one chunk.
 *
 * One value a line is recognised by the first line being whole in itself; then
 * a broken line costs that line only. In all other streams a broken value ends
 * the stream, since nothing says where the next one starts.
 */
#ifndef BW_CODEC_SPLIT_H
#define BW_CODEC_SPLIT_H

#include "codec/json.h"
#include "codec/scan.h"

enum {
	BW_SPLIT_HEAD_MAX = 64 * 1024, /* what stands around the objects of a bundle or envelope */
	BW_SPLIT_LOOK = 64 * 1024,     /* the first line must end within this to count as a line */
};

enum bw_split_kind {
	BW_SPLIT_OBJECT, /* one object */
	BW_SPLIT_FRAME,  /* the end of a bundle or envelope: its text with the objects taken out */
	BW_SPLIT_FAULT,  /* something that is no object; `fatal` when nothing can follow */
};

enum bw_split_in {
	BW_SPLIT_ALONE,     /* not in a list */
	BW_SPLIT_LIST,      /* an element of a bare list */
	BW_SPLIT_ENVELOPE,  /* an element of "objects" of something that does not say it is a bundle */
	BW_SPLIT_BUNDLE,    /* an element of "objects" of a bundle */
	BW_SPLIT_BUNDLE_20, /* the same, which says spec_version 2.0 */
};

struct bw_split_item {
	enum bw_split_kind kind;
	enum bw_split_in in;
	struct bw_slice text; /* OBJECT, FRAME; valid until the next call */
	uint64_t offset;      /* of the first byte (of the fault) in the stream */
	uint64_t value;   /* which value of the stream, from 1; where lines rule: which line, blank ones not counted */
	uint64_t index;   /* OBJECT: place in its list, from 0 */
	uint64_t objects; /* FRAME: how many there were */
	enum bw_err err;  /* FAULT */
	const char *reason; /* FAULT; static */
	bool fatal;
	bool line; /* lines rule */
};

struct bw_split;

BW_MUST_USE enum bw_err bw_split_new(struct bw_split **out);
void bw_split_free(struct bw_split *split);

/*
 * Gives the next piece of the stream, which stays the caller's and must stay
 * as it is until bw_split_next says AGAIN (or the end). `last`: no more will come.
 */
void bw_split_feed(struct bw_split *split, struct bw_slice chunk, bool last);

/* The next item; AGAIN: feed more; NOT_FOUND: the end; MEMORY. */
BW_MUST_USE enum bw_err bw_split_next(struct bw_split *split, struct bw_split_item *out);

#endif
