/*
 * What an administrator wants of `guard enroll`: its options, and what they and the folders named make of the settings.
 */
#ifndef BW_GUARD_ENROLL_WISH_H
#define BW_GUARD_ENROLL_WISH_H

#include "base/command.h"
#include "guard/settings.h"

/* Ends with a row of zeros. */
extern const struct bw_option bw_enroll_options[];

/*
 * Changes `settings` as the call says; paths are copied into `arena`. BW_EXIT_OK, or the exit status after the
 * complaint: a folder that cannot be reached, one that is the guard's own or holds its data folder, too many, a
 * strategy its file system is not capable of.
 */
int bw_enroll_wish(struct bw_call *call, struct bw_arena *arena, struct bw_guard_settings *settings);

#endif
