/* How many decisions a core makes: facts of many kinds, met with an accord again and again. */
#include <stdlib.h>

#include "accord/accord.h"
#include "accord/bench.h"
#include "accord/decide.h"

enum { OBJECTS = 1 << 16, CLASSES = 200, ROUNDS = 32 };

struct made {
	struct bw_facts facts[OBJECTS];
	uint32_t words[OBJECTS][2];
	struct bw_policy_classes *classes;
	struct bw_lexicon *lexicon;
	struct bw_gate *gate;
	struct bw_accord accord;
};

static const struct bw_slice collections[] = { { (const uint8_t *)"Ransomware", 10 },
					       { (const uint8_t *)"Schools", 7 } };
static const struct bw_slice labels[] = { { (const uint8_t *)"education", 9 }, { (const uint8_t *)"health", 6 } };

static void make_accord(struct bw_accord *a)
{
	a->id = BW_LIT("bench");
	a->sequence = 1;
	a->party[0].name = BW_LIT("One");
	a->party[1].name = BW_LIT("Other");
	a->party[1].node[0] = 1;
	a->purposes = BW_PURPOSE_BIT(DEFENCE);
	a->basis = BW_LIT("none");
	a->until_us = INT64_C(4000000000000000);
	a->witnessing = BW_WITNESS_ALLY;
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		a->flow[i] = (struct bw_flow){ .collections = { collections, 2 },
					       .labels = { labels, 2 },
					       .types = (UINT64_C(1) << BW_STIX_TYPE_COUNT) - 1,
					       .kinds = 63,
					       .confidence_min = 20,
					       .highest = BW_TLP_AMBER,
					       .retention_days = 90,
					       .per_minute = 1,
					       .per_day_bytes = 1,
					       .redaction = BW_REDACTION_DERIVE };
}

static enum bw_err make_one(struct made *made, size_t i, uint64_t *seed)
{
	struct bw_facts *facts = &made->facts[i];
	struct bw_policy_inputs inputs;
	uint32_t number;

	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	number = (uint32_t)(*seed >> 33) % CLASSES;
	bw_policy_inputs_init(&inputs);
	inputs.of[number % BW_POLICY_INPUTS].tlp = (uint8_t)(1 + number % 5);
	inputs.of[BW_SOURCE_INHERITED].confidence = (uint8_t)(100 - number / 8);
	*facts = (struct bw_facts){ .came_from = BW_WORD_NONE,
				    .type = (uint8_t)(*seed >> 20) % BW_STIX_TYPE_COUNT,
				    .tiding = (uint8_t)(*seed >> 28) % BW_TIDING_COUNT,
				    .confidence = (uint8_t)(*seed >> 36) % 101,
				    .by_sender = number % 3 == 0,
				    .keep_until_us = INT64_MAX,
				    .labels = made->words[i],
				    .label_count = 2 };
	BW_TRY(bw_policy_class(made->classes, &inputs, &facts->policy_class));
	BW_TRY(bw_lexicon_add(made->lexicon, collections[i % 2], &facts->collection));
	BW_TRY(bw_lexicon_add(made->lexicon, BW_LIT("mining"), &made->words[i][0]));
	return bw_lexicon_add(made->lexicon, labels[i % 2], &made->words[i][1]);
}

static enum bw_err make(struct made *made)
{
	uint64_t seed = 42;

	BW_TRY(bw_policy_classes_new(&made->classes));
	BW_TRY(bw_lexicon_new(&made->lexicon));
	make_accord(&made->accord);
	for (size_t i = 0; i < OBJECTS; i++)
		BW_TRY(make_one(made, i, &seed));
	return bw_gate_new(&made->accord, 0, BW_SIDE_SENDER, 1, made->lexicon, made->classes, &made->gate);
}

/* The same facts read, and counted by their class. */
static double read_alone(const struct made *made)
{
	const double began = bw_accord_bench_busy();
	uint64_t sum = 0;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < OBJECTS; i++)
			sum = sum * 31 + made->facts[i].policy_class;
	return bw_accord_bench_busy() - began + (sum == 0 ? 1e-12 : 0); /* used, so that it is computed */
}

static double decide_all(const struct made *made)
{
	const double began = bw_accord_bench_busy();
	volatile uint64_t verdicts[BW_VERDICT_COUNT] = { 0 };

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < OBJECTS; i++) {
			struct bw_decision decision;

			bw_gate_decide(made->gate, &made->facts[i], 1000, &decision);
			verdicts[decision.verdict]++;
		}
	return bw_accord_bench_busy() - began;
}

enum bw_err bw_accord_bench_decide(struct bw_accord_bench *bench)
{
	const double count = (double)OBJECTS * ROUNDS;
	struct bw_bench_row row = { .name = "accord: decide, of the processor",
				    .unit = "objects/s",
				    .limit_name = "reading the same facts" };
	struct made *made = calloc(1, sizeof(*made));
	enum bw_err err = made != NULL ? make(made) : BW_ERR_MEMORY;

	for (size_t run = 0; err == BW_OK && run < bench->runs; run++)
		bw_bench_add(&row, count / decide_all(made), count / read_alone(made));
	if (made != NULL) {
		bw_gate_free(made->gate);
		bw_lexicon_free(made->lexicon);
		bw_policy_classes_free(made->classes);
		free(made);
	}
	return err == BW_OK ? bw_accord_bench_print(bench, &row) : err;
}
