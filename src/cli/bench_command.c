/* `breakwater bench`: its verbs, each a row of the room it measures. */
#include "base/command.h"

extern const struct bw_command bw_bench_accord_command;
extern const struct bw_command bw_bench_exchange_command;
extern const struct bw_command bw_bench_guard_command;

static const struct bw_command *const rows[] = {
	&bw_bench_accord_command,
	&bw_bench_exchange_command,
	&bw_bench_guard_command,
};

static struct bw_command verbs[BW_COUNT(rows) + 1]; /* the last one stays empty: the end */

/* C cannot put a row of another file into a constant array, and main() is too late: tests walk the rows as well. */
__attribute__((constructor)) static void gather(void)
{
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		verbs[i] = *rows[i];
}

const struct bw_command bw_bench_command = {
	.name = "bench",
	.summary = "measure this machine with this program",
	.usage = "accord|exchange|guard",
	.details =
		"Every figure is a median of interleaved runs and stands beside a limit or a peer that was measured in "
		"the same run. docs/benchmarks.md holds such a table and tells the machine it was made on.",
	.verbs = verbs,
};
