/*
 * What `pull` and `push` remember between runs: one small file below the data
 * folder for each pair of a collection elsewhere and one here.
 */
#ifndef BW_SERVE_SYNC_STATE_H
#define BW_SERVE_SYNC_STATE_H

#include "sys/files.h"

enum { BW_SYNC_STATE_MAX = 64 * 1024 };

struct bw_sync_state {
	char path[BW_PATH_BYTES];
	char subject[1024]; /* first line of the file: what it is about, for people and against mix-ups */
};

/*
 * `kind` is "pull" or "push", a folder that is made when missing. The file is
 * named by a digest of the rest.
 */
BW_MUST_USE enum bw_err bw_sync_state_at(const char *data, const char *kind, const char *origin, const char *remote,
					 const char *local, struct bw_sync_state *out, struct bw_why *why);

/* Appends what was saved. NOT_FOUND: nothing yet. CONFLICT: the file is about something else. */
BW_MUST_USE enum bw_err bw_sync_state_load(const struct bw_sync_state *state, struct bw_buf *out, struct bw_why *why);

/* On disk when it returns. */
BW_MUST_USE enum bw_err bw_sync_state_save(const struct bw_sync_state *state, struct bw_slice text, struct bw_why *why);

/* Forgets; fine when there is nothing. */
BW_MUST_USE enum bw_err bw_sync_state_drop(const struct bw_sync_state *state, struct bw_why *why);

#endif
