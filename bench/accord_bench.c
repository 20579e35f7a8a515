/*
 * How fast accords decide and look, without files or sockets: a line each, beside a limit of the same run.
 *
 *   accord_bench [FILE]     FILE: text to look for personal data in; else the labelled set, over and over
 */
#include <stdio.h>
#include <stdlib.h>

#include "accord/accord.h"
#include "accord/decide.h"
#include "accord/personal.h"
#include "accord/personal_set.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { OBJECTS = 1 << 16, CLASSES = 200, ROUNDS = 64, SCAN_BYTES = 32 << 20, NODE_BYTES = BW_SHA256_BYTES };

static void need(enum bw_err err)
{
	if (err != BW_OK) {
		(void)fprintf(stderr, "accord_bench: %s\n", bw_err_text(err));
		exit(3);
	}
}

static const struct bw_slice collections[] = { { (const uint8_t *)"Ransomware", 10 },
					       { (const uint8_t *)"Schools", 7 } };
static const struct bw_slice labels[] = { { (const uint8_t *)"education", 9 }, { (const uint8_t *)"health", 6 } };

static void make_accord(struct bw_accord *a)
{
	memset(a, 0, sizeof(*a));
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

static void make_facts(struct bw_policy_classes *classes, struct bw_lexicon *lexicon, struct bw_facts *facts)
{
	static uint32_t words[OBJECTS][2];
	uint64_t seed = 42;

	for (size_t i = 0; i < OBJECTS; i++) {
		struct bw_policy_inputs inputs;
		uint32_t number;

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		number = (uint32_t)(seed >> 33) % CLASSES;
		bw_policy_inputs_init(&inputs);
		inputs.of[number % BW_POLICY_INPUTS].tlp = (uint8_t)(1 + number % 5);
		inputs.of[BW_SOURCE_INHERITED].confidence = (uint8_t)(100 - number / 8);
		facts[i] = (struct bw_facts){ .came_from = BW_WORD_NONE,
					      .type = (uint8_t)(seed >> 20) % BW_STIX_TYPE_COUNT,
					      .tiding = (uint8_t)(seed >> 28) % BW_TIDING_COUNT,
					      .confidence = (uint8_t)(seed >> 36) % 101,
					      .by_sender = number % 3 == 0,
					      .keep_until_us = INT64_MAX,
					      .labels = words[i],
					      .label_count = 2 };
		need(bw_policy_class(classes, &inputs, &facts[i].policy_class));
		need(bw_lexicon_add(lexicon, collections[i % 2], &facts[i].collection));
		need(bw_lexicon_add(lexicon, BW_LIT("mining"), &words[i][0]));
		need(bw_lexicon_add(lexicon, labels[i % 2], &words[i][1]));
	}
}

static void bench_decisions(void)
{
	struct bw_facts *facts = calloc(OBJECTS, sizeof(*facts));
	struct bw_policy_classes *classes;
	struct bw_lexicon *lexicon;
	struct bw_accord accord;
	struct bw_gate *gate;
	uint64_t verdicts[BW_VERDICT_COUNT] = { 0 };
	int64_t start;
	double seconds;

	need(facts != NULL ? BW_OK : BW_ERR_MEMORY);
	need(bw_policy_classes_new(&classes));
	need(bw_lexicon_new(&lexicon));
	make_accord(&accord);
	make_facts(classes, lexicon, facts);
	need(bw_gate_new(&accord, 0, BW_SIDE_SENDER, 1, lexicon, classes, &gate));
	start = bw_clock_mono_us();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < OBJECTS; i++) {
			struct bw_decision decision;

			bw_gate_decide(gate, &facts[i], 1000, &decision);
			verdicts[decision.verdict]++;
		}
	seconds = (double)(bw_clock_mono_us() - start) / 1e6;
	printf("decisions    %12.0f a second  (%llu sent, %llu derived, %llu withheld; %u classes)\n",
	       (double)OBJECTS * ROUNDS / seconds, (unsigned long long)verdicts[BW_VERDICT_SENT],
	       (unsigned long long)verdicts[BW_VERDICT_DERIVED], (unsigned long long)verdicts[BW_VERDICT_WITHHELD],
	       bw_policy_class_count(classes));
	bw_gate_free(gate);
	bw_lexicon_free(lexicon);
	bw_policy_classes_free(classes);
	free(facts);
}

static void bench_scan(struct bw_slice text, const char *what)
{
	static struct bw_personal_list list;
	const size_t piece = 2048; /* what a long description has */
	uint8_t *copy = malloc(text.len + 1);
	size_t findings = 0;
	int64_t start;
	double scan;
	double plain;

	need(copy != NULL ? BW_OK : BW_ERR_MEMORY);
	start = bw_clock_mono_us();
	memcpy(copy, text.ptr, text.len);
	plain = (double)(bw_clock_mono_us() - start);
	start = bw_clock_mono_us();
	for (size_t at = 0; at < text.len; at += piece) {
		bw_personal_scan(bw_slice_sub(text, at, piece), &list);
		findings += list.count;
	}
	scan = (double)(bw_clock_mono_us() - start);
	printf("looking      %12.1f MB/s      (%s, %zu findings; copying the same: %.0f MB/s)\n",
	       (double)text.len / scan, what, findings, (double)text.len / (plain > 0 ? plain : 1));
	free(copy);
}

int main(int argc, char **argv)
{
	struct bw_buf text = BW_BUF_INIT((size_t)256 << 20);

	bench_decisions();
	if (argc > 1) {
		need(bw_file_read(argv[1], &text, NULL));
		bench_scan(bw_buf_slice(&text), argv[1]);
	}
	bw_buf_clear(&text);
	for (size_t i = 0; text.len < SCAN_BYTES; i++) {
		need(bw_buf_add_text(&text, personal_set[i % BW_COUNT(personal_set)]));
		need(bw_buf_add_u8(&text, '\n'));
	}
	bench_scan(bw_buf_slice(&text), "the labelled set, which is all anchors");
	bw_buf_release(&text);
	return 0;
}
