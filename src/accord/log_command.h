/* `breakwater accord verify` and `accord prove`: rows of the list of verbs in accord_command.c. */
#ifndef BW_ACCORD_LOG_COMMAND_H
#define BW_ACCORD_LOG_COMMAND_H

#include "base/command.h"

extern const struct bw_option bw_accord_verify_options[];
extern const struct bw_option bw_accord_prove_options[];

int bw_accord_verify_run(struct bw_call *call);
int bw_accord_prove_run(struct bw_call *call);

#endif
