/*
 * The list of all commands, in the groups in which help shows them.
 */
#ifndef BW_CLI_COMMANDS_H
#define BW_CLI_COMMANDS_H

#include "base/command.h"

struct bw_command_group {
	const char *title;                        /* NULL ends the list */
	const struct bw_command *const *commands; /* NULL ends it */
};

enum { BW_COMMANDS_MAX = 64 };

extern const struct bw_command_group bw_command_groups[];

/* All of them in one row, ended by NULL; the same array every time. */
const struct bw_command *const *bw_commands(void);

#endif
