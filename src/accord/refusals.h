/*
 * What a node refused of what it was told, so that a person can ask why (`accord explain --from PEER OBJECT`). Beside
 * the place of the direction, in DATA/accord/in/ID:
 *
 *   refused, refused.1   lines "TIME ENTRY TAG words"; the newer file is put aside when it is full
 *   refused.key          what ids are hashed with: nobody who has the lines alone can guess an observable's id
 *
 * They are no evidence: the audit log has the numbers. A partner who sends nothing but what is refused costs twice
 * BW_REFUSED_FILE_BYTES.
 */
#ifndef BW_ACCORD_REFUSALS_H
#define BW_ACCORD_REFUSALS_H

#include "base/bytes.h"
#include "sys/why.h"

enum { BW_REFUSED_FILE_BYTES = 2 * 1024 * 1024, BW_REFUSED_WORDS_MAX = 300 };

struct bw_refusals {
	const char *folder;
	struct bw_buf lines; /* not written down yet */
	uint8_t key[32];
	bool has_key;
};

#define BW_REFUSALS_OVER(in_folder) \
	((struct bw_refusals){ .folder = (in_folder), .lines = BW_BUF_INIT(BW_REFUSED_FILE_BYTES) })

void bw_refusals_release(struct bw_refusals *r);

/* One more, in memory. `words` is ours, and cut; control characters become spaces. What has no room is left out. */
BW_MUST_USE enum bw_err bw_refusals_add(struct bw_refusals *r, struct bw_slice id, uint64_t entry, int64_t time_us,
					const char *words, struct bw_why *why);

/* Writes down what was added. */
BW_MUST_USE enum bw_err bw_refusals_write(struct bw_refusals *r, struct bw_why *why);

struct bw_refusal {
	struct bw_slice time; /* as it is written */
	struct bw_slice entry;
	struct bw_slice words;
};

/* Each that is about this id, oldest first. Nothing when there are none; a line that is none is passed over. */
BW_MUST_USE enum bw_err bw_refusals_find(const char *folder, struct bw_slice id,
					 enum bw_err (*found)(void *ctx, const struct bw_refusal *refusal), void *ctx,
					 struct bw_why *why);

#endif
