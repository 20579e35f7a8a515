/*
 * This node's log of what it tells under an accord, opened for reading: whose word counts for it follows from the
 * accord and both nodes' papers.
 */
#ifndef BW_ACCORD_LOG_OPEN_H
#define BW_ACCORD_LOG_OPEN_H

#include "accord/book.h"
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

/* A policy's text; its errors in words. SYNTAX … */
BW_MUST_USE enum bw_err bw_log_policy(struct bw_slice text, struct bw_trust **out, struct bw_why *why);

#endif
