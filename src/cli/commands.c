/*
 * Every command of the house. A room's command.c defines its rows; to add one,
 * declare it and name it in a group. meson.build reads the declarations, one a
 * line, to know which manual pages to make.
 */
#include "cli/commands.h"

#include <assert.h>

extern const struct bw_command bw_accord_command;
extern const struct bw_command bw_account_command;
extern const struct bw_command bw_audit_command;
extern const struct bw_command bw_backup_command;
extern const struct bw_command bw_bench_command;
extern const struct bw_command bw_collection_command;
extern const struct bw_command bw_compact_command;
extern const struct bw_command bw_completion_command;
extern const struct bw_command bw_delete_command;
extern const struct bw_command bw_doctor_command;
extern const struct bw_command bw_erase_command;
extern const struct bw_command bw_export_command;
extern const struct bw_command bw_guard_command;
extern const struct bw_command bw_help_command;
extern const struct bw_command bw_import_command;
extern const struct bw_command bw_init_command;
extern const struct bw_command bw_keys_command;
extern const struct bw_command bw_peer_command;
extern const struct bw_command bw_pull_command;
extern const struct bw_command bw_push_command;
extern const struct bw_command bw_restore_command;
extern const struct bw_command bw_search_command;
extern const struct bw_command bw_serve_command;
extern const struct bw_command bw_show_command;
extern const struct bw_command bw_validate_command;
extern const struct bw_command bw_verify_command;
extern const struct bw_command bw_witness_command;

static const struct bw_command *const exchange[] = {
	&bw_init_command,    &bw_serve_command,   &bw_collection_command,
	&bw_account_command, &bw_keys_command,    &bw_peer_command,
	&bw_accord_command,  &bw_witness_command, NULL,
};

static const struct bw_command *const objects[] = {
	&bw_validate_command, &bw_import_command, &bw_export_command, &bw_pull_command,  &bw_push_command,
	&bw_show_command,     &bw_search_command, &bw_delete_command, &bw_erase_command, NULL,
};

static const struct bw_command *const keeping[] = {
	&bw_audit_command,
	&bw_verify_command,
	&bw_backup_command,
	&bw_restore_command,
	&bw_compact_command,
	&bw_bench_command,
	NULL,
};

static const struct bw_command *const files[] = {
	&bw_guard_command,
	NULL,
};

static const struct bw_command *const machine[] = {
	&bw_doctor_command,
	&bw_completion_command,
	&bw_help_command,
	NULL,
};

const struct bw_command_group bw_command_groups[] = {
	{ "an exchange", exchange },
	{ "STIX objects", objects },
	{ "keeping it well", keeping },
	{ "a file server", files },
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
