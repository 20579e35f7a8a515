/*
 * A servant is a child process that parses for a command: it gets a descriptor
 * to read from, and gives back sealed batches of checked objects. It has given
 * up files, network and everything else before it reads its first byte.
 *
 * Start it before the store is opened, so that it never saw it.
 */
#ifndef BW_DESK_SERVANT_H
#define BW_DESK_SERVANT_H

#include "base/bytes.h"
#include "sys/why.h"

struct bw_servant;

BW_MUST_USE enum bw_err bw_servant_start(struct bw_servant **out, struct bw_why *why);
void bw_servant_free(struct bw_servant *servant); /* ends the child; NULL allowed */

/* A stream to read to its end: STIX bundle, envelope, list, objects a line. `fd` stays the caller's. */
BW_MUST_USE enum bw_err bw_servant_give(struct bw_servant *servant, int fd);

struct bw_servant_part {
	int batch_fd;             /* sealed; the caller closes; -1 at the end */
	uint64_t total;           /* objects in this part, bad ones too */
	uint64_t valid;           /* in the batch */
	struct bw_slice failures; /* list: id, message, … ; borrowed until the next call */
	uint64_t bytes_read;      /* of the stream so far */
	bool end;                 /* no more parts of this stream */
	struct bw_slice problem;  /* at the end: why the stream could not be read further; empty: all was read */
};

/* The next part, waiting for it. The servant works on the part after it meanwhile. CLOSED: it died. */
BW_MUST_USE enum bw_err bw_servant_next(struct bw_servant *servant, struct bw_servant_part *out);

#endif
