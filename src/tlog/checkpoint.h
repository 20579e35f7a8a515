/*
 * Checkpoints: C2SP tlog-checkpoint. A signed note (note.h) whose text is
 *
 *   origin LF  size LF  base64 of the root LF  [extension line LF]...
 *
 * Pure.
 */
#ifndef BW_TLOG_CHECKPOINT_H
#define BW_TLOG_CHECKPOINT_H

#include "tlog/merkle.h"
#include "tlog/note.h"

enum {
	BW_ORIGIN_MAX = 255, /* what an ML-DSA-44 cosignature can state */
};

/* What it is served as, at <prefix>/checkpoint, to be cached for seconds at most (tlog-tiles, "Checkpoints"). */
#define BW_CHECKPOINT_CONTENT_TYPE "text/plain; charset=utf-8"

struct bw_checkpoint {
	struct bw_note note;
	struct bw_slice origin;
	uint64_t size;
	struct bw_hash root;
	struct bw_slice extensions; /* lines, each with its newline; nobody but the log vouches for them */
};

/* "text" that says what a tree is; `origin`: 1 to 255 bytes of UTF-8 without controls. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_checkpoint_add_text(struct bw_buf *out, struct bw_slice origin, uint64_t size,
					       const struct bw_hash *root);

/* What bw_note_parse says, or SYNTAX, RANGE (size over BW_TREE_SIZE_MAX). Borrows from `bytes`. */
BW_MUST_USE enum bw_err bw_checkpoint_parse(struct bw_slice bytes, struct bw_checkpoint *out);

/*
 * Whether a log that stood at old_size and old_root (0 and the empty tree's: never seen) may stand where it is now.
 * ROLLBACK: it is smaller. SPLIT_VIEW: of the same size with another root. PROOF: the proof does not show it; made by
 * somebody who holds the log, that is a split view as well. From size 0, and to the same size, the proof is empty.
 */
BW_MUST_USE enum bw_err bw_checkpoint_follows(uint64_t old_size, const struct bw_hash *old_root, uint64_t size,
					      const struct bw_hash *root, const struct bw_proof *proof);

/* ---- numbers and hashes as C2SP's texts write them ------------------------------------------------------ */

/* Decimal, no leading zero. SYNTAX; RANGE: over BW_TREE_SIZE_MAX. */
BW_MUST_USE enum bw_err bw_size_parse(struct bw_slice text, uint64_t *out);

/* Base64 of 32 bytes. SYNTAX. */
BW_MUST_USE enum bw_err bw_hash_parse(struct bw_slice text, struct bw_hash *out);

/* Base64 and a newline. */
BW_MUST_USE enum bw_err bw_hash_add_line(struct bw_buf *out, const struct bw_hash *hash);

/* Lines of hashes up to an empty one, which is taken too; `rest` is what follows. SYNTAX; TOO_MANY: over `max`. */
BW_MUST_USE enum bw_err bw_proof_parse(struct bw_slice lines, size_t max, struct bw_proof *out, struct bw_slice *rest);

#endif
