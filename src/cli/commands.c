/*
 * Every command of the house. A room's command.c defines its rows; to add one,
 * declare it and name it in a group. meson.build reads the declarations, one a
 * line, to know which manual pages to make.
 */
#include "cli/commands.h"

#include <assert.h>

extern const struct bw_command bw_completion_command;
extern const struct bw_command bw_doctor_command;
extern const struct bw_command bw_help_command;
extern const struct bw_command bw_validate_command;

static const struct bw_command *const objects[] = {
	&bw_validate_command,
	NULL,
};

static const struct bw_command *const machine[] = {
	&bw_doctor_command,
	&bw_completion_command,
	&bw_help_command,
	NULL,
};

const struct bw_command_group bw_command_groups[] = {
	{ "STIX objects", objects },
	{ "the machine and the manual", machine },
	{ 0 },
};

const struct bw_command *const *bw_commands(void)
{
	static const struct bw_command *flat[BW_COMMANDS_MAX + 1];
	size_t n = 0;

	if (flat[0] != NULL)
		return flat;
	for (const struct bw_command_group *group = bw_command_groups; group->title != NULL; group++) {
		for (const struct bw_command *const *c = group->commands; *c != NULL; c++) {
			assert(n < BW_COMMANDS_MAX);
			flat[n++] = *c;
		}
	}
	return flat;
}
