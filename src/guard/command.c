/* `breakwater guard`: its verbs, each with a file and a row of its own. */
#include <assert.h>

#include "base/command.h"

extern const struct bw_command bw_guard_approve_command;
extern const struct bw_command bw_guard_bait_command;
extern const struct bw_command bw_guard_drill_command;
extern const struct bw_command bw_guard_enroll_command;
extern const struct bw_command bw_guard_exclude_command;
extern const struct bw_command bw_guard_unenroll_command;
extern const struct bw_command bw_guard_explain_command;
extern const struct bw_command bw_guard_foreign_command;
extern const struct bw_command bw_guard_incidents_command;
extern const struct bw_command bw_guard_job_command;
extern const struct bw_command bw_guard_mend_command;
extern const struct bw_command bw_guard_mirror_command;
extern const struct bw_command bw_guard_report_command;
extern const struct bw_command bw_guard_restore_command;
extern const struct bw_command bw_guard_run_command;
extern const struct bw_command bw_guard_status_command;
extern const struct bw_command bw_guard_verify_command;
extern const struct bw_command bw_guard_versions_command;
extern const struct bw_command bw_guard_view_command;

/* In the order in which a newcomer meets them. */
static const struct bw_command *const rows[] = {
	&bw_guard_enroll_command,   &bw_guard_run_command,    &bw_guard_status_command,  &bw_guard_incidents_command,
	&bw_guard_explain_command,  &bw_guard_report_command, &bw_guard_restore_command, &bw_guard_approve_command,
	&bw_guard_versions_command, &bw_guard_verify_command, &bw_guard_exclude_command, &bw_guard_unenroll_command,
	&bw_guard_drill_command,    &bw_guard_job_command,    &bw_guard_view_command,    &bw_guard_mirror_command,
	&bw_guard_mend_command,     &bw_guard_bait_command,   &bw_guard_foreign_command,
};

static struct bw_command verbs[BW_COUNT(rows) + 1]; /* the last one stays empty: the end */

/* C cannot put a row of another file into a constant array, and main() is too late: tests walk the rows as well. */
__attribute__((constructor)) static void gather(void)
{
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		verbs[i] = *rows[i];
}

const struct bw_command bw_guard_command = {
	.name = "guard",
	.summary = "protect folders of a file server from ransomware",
	.usage = "enroll|run|status|...",
	.details =
		"Every file below an enrolled folder gets a standing copy of its last good version on its own file "
		"system. Nobody waits for the guard: it copies behind the writer's back, and what is shadowed can be "
		"had back whatever is done to the file. Who destroys known-good content is stopped, alone.\n"
		"Needs root, and ext4, XFS or Btrfs. docs/guard.md leads from nothing to a drill.",
	.verbs = verbs,
};
