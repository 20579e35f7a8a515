/*
 * What the guard finds out at its start about the time it did not run: whether it was killed, whether a store was
 * changed meanwhile, whether the clock was set. DATA/guard/run-state, root's, 0600, one fact a line:
 *
 *   state running | stopped
 *   boot 0f3c...               the kernel's boot_id
 *   wall 1795420800000000      microseconds, when this was written
 *   since 3600000000           microseconds since the boot (CLOCK_BOOTTIME), then
 *   store 12 2049 81920 1795420799000000000 /srv/.breakwater-guard
 *                              catalogue.db: inode, device, bytes, mtime in ns; when stopped
 *
 * What was found is in DATA/guard/at-start, a sentence a line, until the next start; `guard status` shows it. Whoever
 * is root can write both files: this tells of accidents and of the careless.
 */
#ifndef BW_GUARD_START_BOOK_H
#define BW_GUARD_START_BOOK_H

#include "guard/settings.h"
#include "guard/volume.h"

enum { BW_START_STORES_MAX = 64, BW_BOOT_ID_BYTES = 40 };

struct bw_start_store {
	uint64_t ino;
	uint64_t device;
	uint64_t bytes;
	uint64_t mtime_ns;
	struct bw_slice path; /* borrows */
};

struct bw_start_facts {
	bool runs;
	char boot[BW_BOOT_ID_BYTES];
	int64_t wall_us;
	int64_t since_us;
	size_t store_count;
	struct bw_start_store stores[BW_START_STORES_MAX];
};

/* Pure. The text of run-state; lines with unknown words are passed over. SYNTAX. */
BW_MUST_USE enum bw_err bw_start_parse(struct bw_slice text, struct bw_start_facts *out);
BW_MUST_USE enum bw_err bw_start_write(const struct bw_start_facts *facts, struct bw_buf *out);

/* Pure. What `now` shows that `before` does not explain: a sentence a line; empty: nothing. */
BW_MUST_USE enum bw_err bw_start_compare(const struct bw_start_facts *before, const struct bw_start_facts *now,
					 struct bw_buf *out);

/*
 * At the start: compares, writes at-start, logs each sentence, and notes that the guard runs. At the end: notes that it
 * stopped, and how it left the stores. The disk's errors are logged, and keep nobody from guarding.
 */
void bw_start_begin(const char *data, const struct bw_volume *volumes, size_t count);
void bw_start_end(const char *data, const struct bw_volume *volumes, size_t count);

/*
 * A command of our own that writes to stores while no guard runs, around its work and with the stores closed at both:
 * what it changed is no finding of the next start, unless the store was not as the guard left it already before that.
 */
struct bw_start_own {
	bool was_as_left[BW_VOLUMES_MAX];
};
void bw_start_own_begin(const char *data, const struct bw_volume *volumes, size_t count, struct bw_start_own *out);
void bw_start_own_end(const char *data, const struct bw_volume *volumes, size_t count, const struct bw_start_own *own);

/* Pure. Which of `now`'s stores `before` has exactly so. */
void bw_start_as_left(const struct bw_start_facts *before, const struct bw_start_facts *now, bool *out);

/* Pure. Of the stores that were as left, `facts` has them from here on as `now` does. */
void bw_start_take_own(struct bw_start_facts *facts, const struct bw_start_facts *now, const bool *was_as_left);

/* What the last start found; empty when nothing or never. */
BW_MUST_USE enum bw_err bw_start_findings(const char *data, struct bw_buf *out);

#endif
