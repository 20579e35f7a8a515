/*
 * Whether the data folder of a running guard is still the one it began with: somebody may remove it, or unmount what
 * holds it, while the guard has its files open and goes on. And, from outside, whether a guard runs that has lost the
 * data folder of this path.
 */
#ifndef BW_GUARD_DATA_SEEN_H
#define BW_GUARD_DATA_SEEN_H

#include <sys/types.h>

#include "base/bytes.h"

struct bw_data_seen {
	uint64_t dev; /* of DATA/guard; both 0: it could not be looked at */
	uint64_t ino;
};

enum bw_data_state {
	BW_DATA_HERE,
	BW_DATA_GONE,
	BW_DATA_OTHER, /* another folder stands there */
};

void bw_data_look(const char *data, struct bw_data_seen *out);

/* An error other than that it is not there tells nothing: HERE. */
enum bw_data_state bw_data_state(const char *data, const struct bw_data_seen *seen);

/*
 * A process of root's that holds the lock of a data folder which was `data` and is not there any more: by the name
 * that the kernel has of its open lock, or, when that was moved elsewhere, by its command line. 0: none. A pass over
 * /proc: for when there is no other guard to ask.
 */
pid_t bw_data_keeper(const char *data);

/* The problem and the next step, for whoever asks; NOT_FOUND when no such guard runs. */
BW_MUST_USE enum bw_err bw_data_lost_words(const char *data, char *out, size_t max);

#endif
