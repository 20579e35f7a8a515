/*
 * The text of an accord from a stranger. What is read is written as the same bytes, is shown
 * and compared with itself without a word of difference; what is refused says where, inside
 * the text. Every accord that is read makes four gates.
 */
#include <stdlib.h>

#include "accord/accord_show.h"
#include "accord/decide.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_gates(const struct bw_accord *accord)
{
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;

	check(bw_lexicon_new(&lexicon) == BW_OK && bw_policy_classes_new(&classes) == BW_OK);
	for (size_t from = 0; from < BW_ACCORD_NODES; from++)
		for (int side = BW_SIDE_SENDER; side <= BW_SIDE_RECEIVER; side++) {
			const struct bw_facts facts = { .came_from = BW_WORD_NONE };
			struct bw_decision decision;
			struct bw_gate *gate;

			check(bw_gate_new(accord, from, (enum bw_side)side, 1, lexicon, classes, &gate) == BW_OK);
			bw_gate_decide(gate, &facts, accord->from_us, &decision); /* of a class nobody has made */
			check(decision.verdict == BW_VERDICT_WITHHELD || decision.verdict == BW_VERDICT_REFUSED);
			bw_gate_free(gate);
		}
	bw_policy_classes_free(classes);
	bw_lexicon_free(lexicon);
}

static void check_accord(struct bw_slice text, const struct bw_accord *accord)
{
	struct bw_buf out = BW_BUF_INIT(4 * BW_MIB);
	size_t changes;

	check(bw_accord_add(&out, accord) == BW_OK && bw_slice_equals(bw_buf_slice(&out), text));
	bw_buf_clear(&out);
	check(bw_accord_show(accord, &out) == BW_OK && out.len > 500);
	bw_buf_clear(&out);
	check(bw_accord_diff(accord, accord, &out, &changes) == BW_OK && changes == 0);
	check(bw_slice_is(bw_buf_slice(&out), "Nothing changes.\n"));
	bw_buf_release(&out);
	check_gates(accord);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_fault fault = { SIZE_MAX, NULL };
	struct bw_accord accord;

	if (bw_accord_parse(text, &arena, &accord, &fault) == BW_OK)
		check_accord(text, &accord);
	else
		check(fault.offset <= size && fault.reason != NULL);
	bw_arena_release(&arena);
	return 0;
}
