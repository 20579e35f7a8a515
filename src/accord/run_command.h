/* `breakwater accord run`, for the table of verbs (accord/accord_command.c). No other file includes this. */
#ifndef BW_ACCORD_RUN_COMMAND_H
#define BW_ACCORD_RUN_COMMAND_H

#include "base/command.h"

extern const struct bw_option bw_accord_run_options[];

int bw_accord_run(struct bw_call *call);

#endif
