/*
 * What passes between clerk, ledger and keeper, read by each as a stranger's: a question, an answer, a delivery. A
 * delivery that is read is written again the same. What waits in the hold queue too.
 */
#include <stdlib.h>

#include "accord/facts.h"
#include "accord/hold.h"
#include "desk/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_delivery(struct bw_slice bytes)
{
	struct bw_buf again = BW_BUF_INIT(64 * BW_MIB);
	struct bw_provenance from;
	struct bw_delivery d;
	bool taken;

	if (bw_delivery_open(bytes, &d) == BW_OK) {
		check(bw_delivery_begin(&again, d.accord, d.count) == BW_OK);
		for (size_t i = 0; i < d.count; i++) {
			check(bw_delivery_next(&d, &taken, &from) == BW_OK);
			check((taken ? bw_delivery_take(&again, &from) : bw_delivery_skip(&again)) == BW_OK);
		}
		check(bw_delivery_next(&d, &taken, &from) == BW_ERR_PROTOCOL);
		check(bw_delivery_end(&again, d.batch) == BW_OK);
		check(bw_slice_equals(bw_buf_slice(&again), bytes));
	}
	bw_buf_release(&again);
}

static void check_answer(struct bw_slice bytes)
{
	struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_answer answer;
	struct bw_told told;

	if (bw_answer_open(bytes, &answer) == BW_OK) {
		size_t before = answer.in.at;

		while (bw_answer_next(&answer, &arena, &told) == BW_OK) {
			check(answer.in.at > before && answer.in.at <= bytes.len);
			check(told.problem != BW_OK || told.id.len > 0);
			before = answer.in.at;
		}
		check(answer.in.at == before);
	}
	bw_arena_release(&arena);
}

/* The answer to whatever was asked is one that can be read to its end. */
static void check_question(struct bw_slice bytes)
{
	struct bw_buf out = BW_BUF_INIT(64 * BW_MIB);
	struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_facts_worker *worker;
	struct bw_answer answer;
	struct bw_told told;
	enum bw_err err;

	if (!bw_slice_starts(bytes, BW_LIT("BWQ1"))) /* a worker costs a thousand times what it takes to say no */
		return;
	check(bw_facts_worker_new(&worker) == BW_OK);
	if (bw_facts_work(worker, bytes, &out) == BW_OK) {
		check(bw_answer_open(bw_buf_slice(&out), &answer) == BW_OK);
		do
			err = bw_answer_next(&answer, &arena, &told);
		while (err == BW_OK);
		check(err == BW_ERR_NOT_FOUND);
	}
	bw_facts_worker_free(worker);
	bw_arena_release(&arena);
	bw_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_held_object held = { .answer = BW_HELD_WAITS };

	check_delivery(bytes);
	check_answer(bytes);
	check_question(bytes);
	if (bw_held_read(bytes, &held) == BW_OK)
		check(held.id.len + held.version.len + held.words.len < size);
	if (bw_held_read_answer(bytes, &held) == BW_OK)
		check(held.answer == BW_HELD_RELEASED || held.answer == BW_HELD_REFUSED);
	return 0;
}
