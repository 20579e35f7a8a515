/*
 * A sender's journal on the machine that keeps it: DATA/mirror/<fingerprint>/journal, and `head` beside it, which says
 * how much of it counts. It is added to and never changed; what stands behind `head` after a crash is cut off.
 */
#ifndef BW_GUARD_MIRROR_JOURNAL_H
#define BW_GUARD_MIRROR_JOURNAL_H

#include "guard/mirror.h"

#define BW_MIRROR_FOLDER "mirror" /* below DATA */

struct bw_mirror_journal;

/* The folder is made when there is none. CORRUPT: shorter than its head says. */
BW_MUST_USE enum bw_err bw_mirror_journal_open(const char *folder, struct bw_mirror_journal **out, struct bw_why *why);
void bw_mirror_journal_close(struct bw_mirror_journal *journal); /* NULL allowed */

const struct bw_mirror_head *bw_mirror_journal_head(const struct bw_mirror_journal *journal);

/*
 * Appends records that follow `chain`; on disk when it returns. CONFLICT: another chain, or records that do not follow.
 * SYNTAX, CORRUPT, TOO_BIG: nothing was added. DISK_FULL, IO.
 */
BW_MUST_USE enum bw_err bw_mirror_journal_add(struct bw_mirror_journal *journal, const uint8_t chain[BW_SHA256_BYTES],
					      struct bw_slice records);

/*
 * Reads and verifies all of it, record after record; an error of `see` ends it and is passed up. CORRUPT with the
 * place.
 */
typedef enum bw_err bw_mirror_see(void *context, const struct bw_mirror_check *check,
				  const struct bw_mirror_record *record);
BW_MUST_USE enum bw_err bw_mirror_journal_read(const char *folder, bw_mirror_see *see, void *context,
					       struct bw_mirror_head *out, struct bw_why *why);

#endif
