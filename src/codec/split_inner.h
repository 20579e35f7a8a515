/* What split.c (the machine, the door) and split_lines.c (one value a line) share; no other file includes this. */
#ifndef BW_CODEC_SPLIT_INNER_H
#define BW_CODEC_SPLIT_INNER_H

#include "codec/split.h"

enum state {
	AT_TOP,     /* between values */
	IN_VALUE,   /* inside an object that may turn out to be a bundle */
	IN_LIST,    /* between the elements of a list */
	IN_ELEMENT, /* inside an element */
	IN_SCALAR,  /* inside an element that is no object */
	IN_TAIL,    /* after the list of a bundle */
	AT_END,
};

struct bw_split {
	/* input */
	struct bw_slice chunk;
	size_t at;
	uint64_t chunk_offset; /* of chunk.ptr[0] in the stream */
	bool last;
	/* the start of the stream, held until it is known whether lines rule */
	bool started;
	bool lines;
	struct bw_buf first;
	struct bw_slice after_first; /* the chunk to go on with (empty: all of it is in `first`) */
	/* one line, when lines rule */
	struct bw_buf line;
	uint64_t line_offset;
	struct bw_slice lines_chunk;
	size_t lines_at;
	uint64_t lines_offset;
	bool lines_last;
	bool in_line;
	bool line_counted;
	bool line_too_long;
	/* the machine */
	enum state state;
	struct bw_scan scan;
	struct bw_buf carry; /* what of the present value came with earlier chunks */
	uint64_t from;       /* offset of the present value or element */
	struct bw_buf frame;
	uint64_t frame_offset;
	enum bw_split_in in;
	bool bare_list;
	bool comma;       /* a comma (or the list's end) must come next */
	bool after_comma; /* an element must come next */
	bool skipping;    /* the element is too big to keep */
	uint64_t value;
	uint64_t index;
	struct bw_json_parser parser;
};

/* Makes an item of a fault; a fatal one ends the machine. OK. */
BW_MUST_USE enum bw_err bw_split_fault(struct bw_split *s, enum bw_err err, uint64_t offset, const char *reason,
				       bool fatal, struct bw_split_item *out);

/* The machine, over the chunk it was given: the next item; AGAIN: more of the chunk's stream; NOT_FOUND: the end. */
BW_MUST_USE enum bw_err bw_split_run(struct bw_split *s, struct bw_split_item *out);

/* The same, line after line. */
BW_MUST_USE enum bw_err bw_split_run_lines(struct bw_split *s, struct bw_split_item *out);

/* Whether the stream that begins so has one value a line. */
enum lines { LINES_UNKNOWN, LINES_NO, LINES_YES };

enum lines bw_split_judge_lines(struct bw_slice text);

#endif
