/*
 * This node's log of what it tells under an accord, opened for reading: whose word counts for it follows from the
 * accord and both nodes' papers.
 */
#ifndef BW_ACCORD_LOG_OPEN_H
#define BW_ACCORD_LOG_OPEN_H

#include "accord/book.h"
#include "accord/inbound_place.h"
#include "accord/outbound.h"
#include "desk/folder.h"

struct bw_log_open {
	struct bw_place folder;
	struct bw_buf policy; /* the text of `trust`, for whoever checks elsewhere */
	struct bw_trust *trust;
	struct bw_outbound *out;
};

/* NOT_FOUND: nothing was told yet, or the partner is no peer any more. Release also after a failure. */
BW_MUST_USE enum bw_err bw_log_open(const struct bw_book *book, const struct bw_book_entry *entry,
				    struct bw_arena *arena, struct bw_log_open *log, struct bw_why *why);
void bw_log_close(struct bw_log_open *log);

/*
 * What this node was told under the accord, as far as it has verified it: the place that it keeps (accord/
 * inbound_place.h), read by the partner's papers. NOT_FOUND: nothing was told us yet, or the partner is no peer any
 * more; CORRUPT: what was kept is damaged. Release also after a failure.
 */
struct bw_log_heard {
	struct bw_place folder;
	struct bw_buf origin;
	struct bw_buf policy;
	struct bw_trust *trust;
	struct bw_inbound_place place;
	struct bw_inbound *in;
};
BW_MUST_USE enum bw_err bw_log_heard_open(const struct bw_book *book, const struct bw_book_entry *entry,
					  struct bw_arena *arena, struct bw_log_heard *log, struct bw_why *why);
void bw_log_heard_close(struct bw_log_heard *log);

/* A policy's text; its errors in words. SYNTAX … */
BW_MUST_USE enum bw_err bw_log_policy(struct bw_slice text, struct bw_trust **out, struct bw_why *why);

#endif
