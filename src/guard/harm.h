/*
 * A way of destroying files, in three words that others can look for: what the guard saw done, and neither who nor to
 * whose file. "client joined random": over a share, known-good files were removed, and new ones named after them hold
 * what looks random. Another strain of the same kind does it the same way, with another note and ending.
 *
 *   client | local                                who: a client of the share, or a program here
 *   changed | replaced | joined | beside          how (enum bw_proof_kind)
 *   random | encoded | broken                     what stands there now: noise; an even stream of few symbols; the
 *                                                 old format, with its rules broken
 *
 * Pure.
 */
#ifndef BW_GUARD_HARM_H
#define BW_GUARD_HARM_H

#include "guard/proof.h"

enum { BW_HARM_BYTES = 64 };

/*
 * What a proof shows, when it is sure: two strong tests agree and nothing gentle about it. False: not sure enough to
 * tell others, nor to be recognised by what they told.
 */
bool bw_harm_of(const struct bw_proof *proof, bool is_client, char out[BW_HARM_BYTES]);

bool bw_harm_is_known(struct bw_slice text);

#endif
