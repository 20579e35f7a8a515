/*
 * For tests: one direction of an accord with everything that real processes would bring to it: a folder of its own, the
 * keys of its log, of the ally and of an operator, and the policy that the accord asks for.
 */
#ifndef BW_ACCORD_LOG_IN_TESTS_H
#define BW_ACCORD_LOG_IN_TESTS_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/inbound.h"
#include "accord/outbound.h"
#include "accord/test_accord.h"
#include "sys/files.h"
#include "tlog/keys_in_tests.h"
#include "tlog/proof.h"
#include "tlog/witness.h"

#define TEST_ORIGIN "bw1/uk-us"

enum { TEST_LOG_KEYS = 2, TEST_ALLY_KEYS = 2, TEST_TEXT_MAX = 4096 };

struct test_log {
	char root[64];
	char folder[BW_PATH_BYTES];
	struct test_key log[TEST_LOG_KEYS];
	struct test_key ally[TEST_ALLY_KEYS];
	struct test_key operator_;
	struct bw_trust *trust;
	struct bw_outbound *out;
	uint64_t ally_size; /* what it cosigned last */
	struct bw_hash ally_root;
	int64_t now_us;
};

static inline void test_add_key(struct bw_buf *text, const char *before, const struct test_key *key)
{
	assert_ok(bw_buf_add_text(text, before));
	assert_ok(bw_vkey_add(text, &key->vkey));
	assert_ok(bw_buf_add_u8(text, '\n'));
}

static inline void test_log_keys(struct test_log *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64 * 1024);

	assert_ok(test_key_make(TEST_ORIGIN, BW_NOTE_ED25519, 1, &t->log[0]));
	assert_ok(test_key_make(TEST_ORIGIN, BW_COSIGN_MLDSA44, 2, &t->log[1]));
	assert_ok(test_key_make("bw1ally", BW_COSIGN_ED25519, 3, &t->ally[0]));
	assert_ok(test_key_make("bw1ally", BW_COSIGN_MLDSA44, 4, &t->ally[1]));
	assert_ok(test_key_make("operator.example", BW_COSIGN_ED25519, 5, &t->operator_));
	test_add_key(&text, "log ", &t->log[0]);
	test_add_key(&text, "log ", &t->log[1]);
	test_add_key(&text, "witness a1 ", &t->ally[0]);
	test_add_key(&text, "witness a2 ", &t->ally[1]);
	test_add_key(&text, "witness op ", &t->operator_);
	assert_ok(bw_buf_add_text(&text, "group ally all a1 a2\ngroup both all ally op\nquorum both\n"));
	assert_ok(bw_trust_parse(bw_buf_slice(&text), NULL, &t->trust));
}

static inline enum bw_err test_log_try(struct test_log *t, bool is_reader, struct bw_outbound **out)
{
	const struct bw_outbound_rules rules = { BW_LIT(TEST_ORIGIN), t->trust, is_reader };

	return bw_outbound_open(t->folder, &rules, out, NULL);
}

static inline void test_log_open(struct test_log *t)
{
	assert_ok(test_log_try(t, false, &t->out));
}

static inline void test_log_close(struct test_log *t)
{
	bw_outbound_close(t->out);
	t->out = NULL;
}

static inline int test_log_make(void **state)
{
	struct test_log *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	(void)snprintf(t->root, sizeof(t->root), "/tmp/bw-log-XXXXXX");
	assert_non_null(mkdtemp(t->root));
	assert_ok(bw_path_join(t->folder, t->root, "out/uk-us"));
	t->now_us = TEST_TIME;
	t->ally_root = bw_hash_empty();
	test_log_keys(t);
	test_log_open(t);
	*state = t;
	return 0;
}

static inline int test_remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static inline int test_log_drop(void **state)
{
	struct test_log *t = *state;

	test_log_close(t);
	bw_trust_free(t->trust);
	for (size_t i = 0; i < TEST_LOG_KEYS; i++) {
		bw_sign_key_free(t->log[i].key);
		bw_sign_key_free(t->ally[i].key);
	}
	bw_sign_key_free(t->operator_.key);
	assert_int_equal(nftw(t->root, test_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(t);
	return 0;
}

/* ---- what the ledger does ------------------------------------------------------------------------ */

/* The text of the number-th crossing: the sender's second is the receiver's test_node(1). */
static inline struct bw_slice test_crossing(uint64_t number, size_t padding, struct bw_buf *text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf object = BW_BUF_INIT(BW_CROSSING_OBJECT_MAX);
	struct bw_crossing crossing = {
		.clause = BW_CLAUSE_FREE,
		.tiding = BW_TIDING_INDICATOR,
		.collection = BW_LIT("Ransomware"),
		.path_count = 1,
	};

	test_node(0, crossing.path[0]);
	bw_policy_open(&crossing.policy);
	crossing.policy.tlp = BW_TLP_AMBER;
	crossing.policy.not_after_us = TEST_TIME + 90 * TEST_DAY;
	assert_ok(bw_buf_addf(&object, "{\"id\":\"indicator--%llu\",\"name\":\"", (unsigned long long)number));
	for (size_t i = 0; i < padding; i++)
		assert_ok(bw_buf_add_u8(&object, 'x'));
	assert_ok(bw_buf_add_text(&object, "\"}"));
	crossing.object = bw_buf_slice(&object);
	bw_buf_clear(text);
	assert_ok(bw_crossing_add(text, &crossing));
	return bw_buf_slice(text);
}

struct test_batch {
	size_t crossing; /* objects that cross */
	size_t withheld; /* and those that do not, behind them */
	int64_t keep_days;
	size_t padding;
};

static inline enum bw_err test_add(struct test_log *t, const struct test_batch *b, struct bw_outbound_batch *out)
{
	const size_t count = b->crossing + b->withheld;
	struct bw_outbound_item *items = calloc(count + 1, sizeof(*items));
	struct bw_buf *texts = calloc(count + 1, sizeof(*texts));
	char(*ids)[64] = calloc(count + 1, sizeof(*ids));
	struct bw_outbound_status status;
	char source[32];
	enum bw_err err;

	assert_true(items != NULL && texts != NULL && ids != NULL);
	bw_outbound_status(t->out, &status);
	for (size_t i = 0; i < count; i++) {
		const uint64_t number = i < b->crossing ? status.size + i : 1000000 + i;

		texts[i] = BW_BUF_INIT(BW_CROSSING_MAX);
		(void)snprintf(ids[i], sizeof(ids[i]), "indicator--%llu", (unsigned long long)number);
		items[i].id = bw_slice_text(ids[i]);
		items[i].version = BW_LIT("2026-11-23T00:00:00.000Z");
		items[i].decision.verdict = i < b->crossing ? BW_VERDICT_SENT : BW_VERDICT_WITHHELD;
		items[i].decision.clause = i < b->crossing ? BW_CLAUSE_FREE : BW_CLAUSE_COLOUR;
		items[i].keep_until_us = t->now_us + b->keep_days * TEST_DAY;
		items[i].crossing = i < b->crossing ? test_crossing(number, b->padding, &texts[i]) : bw_slice_empty;
	}
	(void)snprintf(source, sizeof(source), "place %llu", (unsigned long long)status.batches);
	err = bw_outbound_add(t->out, items, count, bw_slice_text(source), t->now_us, out, NULL);
	for (size_t i = 0; i < count; i++)
		bw_buf_release(&texts[i]);
	free(texts);
	free(ids);
	free(items);
	return err;
}

/* ---- what the notary and the witnesses do ---------------------------------------------------------- */

static inline struct bw_buf test_sign(const struct test_log *t, uint64_t size, const struct bw_hash *root)
{
	struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;

	assert_ok(bw_checkpoint_make(size, root, &t->log[0].vkey, t->log[0].key, 0, &note));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	assert_ok(bw_checkpoint_sign(&checkpoint, &t->log[1].vkey, t->log[1].key, 7, &line));
	assert_ok(bw_buf_add(&note, bw_buf_slice(&line)));
	return note;
}

static inline void test_cosign(const struct bw_checkpoint *checkpoint, const struct test_key *key, struct bw_buf *lines)
{
	assert_ok(bw_checkpoint_sign(checkpoint, &key->vkey, key->key, 9, lines));
}

/* A witness that keeps to the rule: it cosigns what goes on from what it saw. */
static inline enum bw_err test_ally_cosigns(struct test_log *t, struct bw_buf *lines)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_vkey keys[] = { t->log[0].vkey, t->log[1].vkey };
	const struct bw_witness_log log = { keys, 2, t->ally_size, t->ally_root };
	struct bw_witness_request request;
	struct bw_witness_verdict verdict;

	BW_TRY(bw_outbound_witness_body(t->out, t->ally_size, &body));
	BW_TRY(bw_witness_request_parse(bw_buf_slice(&body), &request));
	bw_witness_judge(&log, &request, &verdict);
	BW_TRY(verdict.why);
	t->ally_size = request.checkpoint.size;
	t->ally_root = request.checkpoint.root;
	test_cosign(&request.checkpoint, &t->ally[0], lines);
	test_cosign(&request.checkpoint, &t->ally[1], lines);
	return BW_OK;
}

static inline void test_operator_cosigns(struct test_log *t, struct bw_buf *lines)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	struct bw_witness_request request;

	assert_ok(bw_outbound_witness_body(t->out, 0, &body));
	assert_ok(bw_witness_request_parse(bw_buf_slice(&body), &request));
	test_cosign(&request.checkpoint, &t->operator_, lines);
}

/* From what was added to what is delivered. */
static inline void test_deliver(struct test_log *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_outbound_ask ask;
	bool is_delivered = true;

	assert_ok(bw_outbound_heard(t->out, t->ally_size, &t->ally_root));
	assert_ok(bw_outbound_ask(t->out, &ask));
	note = test_sign(t, ask.size, &ask.root);
	assert_ok(bw_outbound_signed(t->out, bw_buf_slice(&note), NULL));
	assert_ok(test_ally_cosigns(t, &lines));
	assert_ok(bw_outbound_cosigned(t->out, bw_buf_slice(&lines), &is_delivered, NULL));
	assert_false(is_delivered);
	bw_buf_clear(&lines);
	test_operator_cosigns(t, &lines);
	assert_ok(bw_outbound_cosigned(t->out, bw_buf_slice(&lines), &is_delivered, NULL));
	assert_true(is_delivered);
}

/* The proof of an entry verifies, and of no other. */
static inline void test_verify_proof(struct test_log *t, uint64_t index, struct bw_slice entry)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf proof = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	struct bw_proof_file file;
	struct bw_hash leaf = bw_hash_leaf(entry);

	assert_ok(bw_outbound_prove(t->out, index, &proof));
	assert_ok(bw_proof_file_parse(bw_buf_slice(&proof), &file));
	assert_ok(bw_proof_file_verify(&file, &leaf, t->trust, NULL, NULL));
	leaf.bytes[0] ^= 1;
	assert_int_equal(bw_proof_file_verify(&file, &leaf, t->trust, NULL, NULL), BW_ERR_PROOF);
}

/* ---- what the receiver does ------------------------------------------------------------------------ */

struct test_taken {
	uint64_t next; /* index */
	uint64_t gone;
	uint64_t chunks;
	struct bw_buf state;
};

#define TEST_TAKEN_INIT ((struct test_taken){ .state = BW_BUF_INIT(BW_INBOUND_STATE_MAX) })

static inline enum bw_err test_take(void *ctx, const struct bw_inbound_chunk *chunk)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 20);
	struct test_taken *taken = ctx;

	assert_int_equal(chunk->from, taken->next);
	for (size_t i = 0; i < chunk->count; i++) {
		const struct bw_inbound_entry *entry = &chunk->entries[i];
		struct bw_crossing crossing;

		assert_int_equal(entry->index, taken->next);
		taken->next++;
		taken->gone += entry->is_gone;
		if (entry->is_gone)
			continue;
		bw_arena_reset(&arena);
		assert_ok(bw_crossing_parse(entry->text, &arena, &crossing, NULL));
		assert_slice(crossing.collection, "Ransomware");
	}
	taken->chunks++;
	bw_buf_clear(&taken->state);
	return bw_buf_add(&taken->state, chunk->state);
}

static inline struct bw_inbound *test_inbound(const struct test_log *t, struct bw_slice state)
{
	struct bw_inbound *in;

	assert_ok(bw_inbound_new(BW_LIT(TEST_ORIGIN), t->trust, state, &in));
	return in;
}

/* The whole passage from a place, and the end of it. */
static inline struct bw_buf test_passage(struct test_log *t, struct bw_passage_place place)
{
	struct bw_buf bytes = BW_BUF_INIT((size_t)1 << 30);
	size_t before;

	do {
		before = bytes.len;
		assert_ok(bw_outbound_read(t->out, &place, t->now_us, 10000, &bytes, NULL));
	} while (bytes.len > before);
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_END, bw_slice_empty));
	return bytes;
}

#endif
