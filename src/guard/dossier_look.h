/*
 * What the witness saw, taken into a dossier, and what may be a note of the attacker's. Pure. A text counts as one
 * when the same one lies in two folders or more, or when it speaks as such notes do; a person judges.
 */
#ifndef BW_GUARD_DOSSIER_LOOK_H
#define BW_GUARD_DOSSIER_LOOK_H

#include "guard/report_form.h"

/* The samples, notes and executables that go into the folder beside what is written. */
struct bw_copies {
	struct bw_buf *pieces;
	unsigned samples;
};

/* Of the n-th file. Its sample becomes a piece while there are few. MEMORY, TOO_BIG. */
BW_MUST_USE enum bw_err bw_dossier_saw_file(struct bw_dossier *dossier, size_t n, const struct bw_seen *seen,
					    struct bw_copies *copies);

/* Candidates of one folder. */
BW_MUST_USE enum bw_err bw_dossier_saw_folder(struct bw_dossier *dossier, const struct bw_seen *seen);

/* A new file of the actor's: what may be a note. */
BW_MUST_USE enum bw_err bw_dossier_saw_made(struct bw_dossier *dossier, const struct bw_seen *seen);

/* Of the n-th process; `image` is its executable, when it was copied. */
BW_MUST_USE enum bw_err bw_dossier_saw_process(struct bw_dossier *dossier, size_t n, const struct bw_seen *seen,
					       struct bw_slice image, struct bw_copies *copies);

/* When all folders were seen: keeps those that are notes, and makes pieces of them. */
BW_MUST_USE enum bw_err bw_dossier_settle_notes(struct bw_dossier *dossier, struct bw_copies *copies);

/* Text that a person could read: no NUL, hardly a control, mostly ASCII. */
bool bw_note_is_readable(struct bw_slice text);

/* Whether a text speaks as notes of extortion do. */
bool bw_note_speaks(struct bw_slice text);

#endif
