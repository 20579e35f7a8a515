/*
 * A signed job's file, and the ledger's notes of jobs. Properties: what is read of a job, written again, is the part
 * that was signed, byte for byte; nothing that was not signed by a key we know verifies; hours that are read are
 * written in one form that reads as the same; a note that is read writes as it stood.
 */
#include <stdlib.h>

#include "guard/job_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 1024 * 1024 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void job(struct bw_slice text)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(MEMORY);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_JOB_BYTES_MAX);
	static const struct bw_node_public nobody;
	struct bw_job_file file;
	int64_t until;

	if (bw_job_parse(text, &arena, &file) != BW_OK)
		return;
	check(file.signed_bytes <= text.len && bw_job_name_is_plain(bw_slice_text(file.name)));
	check(bw_job_write(&file, &again) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(text, 0, file.signed_bytes)));
	check(bw_job_check(&file, text, &nobody) != BW_OK);
	if (bw_job_when(&file, file.from_us, &until) == BW_OK)
		check(until > file.from_us && until <= file.until_us);
}

static void hours(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf once = BW_BUF_INIT(BW_KIB);
	struct bw_job_hours first;
	struct bw_job_hours second;

	if (bw_job_hours_parse(text, &first) != BW_OK)
		return;
	check(bw_job_hours_write(&first, &once) == BW_OK);
	check(bw_job_hours_parse(bw_buf_slice(&once), &second) == BW_OK);
	check(first.days == second.days && first.from == second.from && first.to == second.to);
}

static void note(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_KIB);
	struct bw_job_note read;

	if (bw_job_note_parse(body, &read) != BW_OK)
		return;
	check(bw_job_note_write(&read, &again) == BW_OK && bw_slice_equals(bw_buf_slice(&again), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	job(bytes);
	hours(bytes);
	note(bytes);
	return 0;
}
