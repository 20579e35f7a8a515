/* Looking after the store: backup, restore, verify, compact, what the indexes lag. */
#ifndef BW_STORE_KEEPING_H
#define BW_STORE_KEEPING_H

#include "store/store.h"

/* Called now and then with what is done of what; may be NULL. */
typedef void bw_keeping_progress(void *ctx, uint64_t done, uint64_t total);

/*
 * Online: copies the committed state into a new folder, with hashes of its
 * files and the list of erasures. EXISTS when the folder is not empty.
 */
BW_MUST_USE enum bw_err bw_store_backup(struct bw_store *store, const char *folder, bw_keeping_progress *progress,
					void *ctx);

/*
 * Makes the store of a data folder that has none from a backup. What was erased
 * after the backup (`erasures_from`: a data folder whose memory of erasures counts too; may be NULL) is erased
 * in it. CORRUPT when a hash does not fit, EXISTS when there is a store already.
 */
BW_MUST_USE enum bw_err bw_store_restore(const char *backup, const char *dir, const char *erasures_from,
					 bw_keeping_progress *progress, void *ctx);

struct bw_verify_report {
	uint64_t rows;      /* looked at */
	uint64_t bad_rows;  /* whose body does not fit its hash, or cannot be read */
	uint64_t bad_index; /* entries of catalogue or indexes that do not fit the rows */
	uint64_t bad_audit; /* lines of the audit chain that do not fit */
	char first[256];    /* words for the first thing found; "" when all is well */
};

/* Every object hashed again, every index checked, the audit chain walked. OK also when something was found. */
BW_MUST_USE enum bw_err bw_store_verify(struct bw_store *store, bw_keeping_progress *progress, void *ctx,
					struct bw_verify_report *out);

/* Commits first. What was erased or deleted leaves the file; WRITER. */
BW_MUST_USE enum bw_err bw_store_compact(struct bw_store *store);

#endif
