/*
 * What /proc and the proc connector might say. Properties: a name ends within its room; what is accepted as a
 * stat is accepted with more behind it, and says the same; a datagram has a process.
 */
#include <stdlib.h>

#include "guard/lineage_parts.h"
#include "guard/lineage_proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void try_stat(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf longer = BW_BUF_INIT(SIZE_MAX / 2);
	struct bw_process process;
	struct bw_process again;

	if (bw_process_parse_stat(text, &process) != BW_OK)
		return;
	check(memchr(process.comm, '\0', sizeof(process.comm)) != NULL);
	check(process.start_ns % BW_TICK_NS == 0);
	check(bw_buf_add(&longer, text) == BW_OK && bw_buf_add_text(&longer, " 0 0\n") == BW_OK);
	check(bw_process_parse_stat(bw_buf_slice(&longer), &again) == BW_OK);
	check(process.pid == again.pid && process.start_ns == again.start_ns && process.alive == again.alive);
	check(strcmp(process.comm, again.comm) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_of(data, size);
	struct bw_process_event event;

	try_stat(in);
	if (bw_connector_parse(in, &event) == BW_OK)
		check(event.act >= BW_PROCESS_FORK && event.act <= BW_PROCESS_EXIT);
	return 0;
}
