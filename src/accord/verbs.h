/* Verbs of `breakwater accord` that have files of their own (accord/accord_command.c lists them). */
#ifndef BW_ACCORD_VERBS_H
#define BW_ACCORD_VERBS_H

#include "base/command.h"

int bw_accord_propose_run(struct bw_call *call);
extern const struct bw_option bw_accord_propose_options[];

int bw_accord_preview_run(struct bw_call *call);
extern const struct bw_option bw_accord_preview_options[];

int bw_accord_explain_run(struct bw_call *call);
extern const struct bw_option bw_accord_explain_options[];

int bw_accord_held_run(struct bw_call *call);
extern const struct bw_option bw_accord_held_options[];

#endif
