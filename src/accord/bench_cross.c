/*
 * What crossing costs. Telling is the text of each crossing, sealing, one append and sync for a batch, tiles, the log's
 * two signatures, the ally's check and two cosignatures, and the passage over TLS to another process. Hearing is
 * signatures, proofs, every leaf, and each object parsed and checked as the clerk does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/bench.h"
#include "accord/chunk.h"
#include "accord/facts.h"
#include "accord/outbound.h"
#include "bench/generate.h"
#include "intel/batch.h"
#include "intel/object.h"
#include "sys/clock.h"
#include "tlog/witness.h"

#define ORIGIN "bw1bench/bench"
#define ALLY "bw1ally"
#define KEEP_US (INT64_C(90) * 86400 * 1000000)

enum { BATCH = 4096, KEYS = 2, PASSAGE_STEP = 1024 * 1024, POLICY_BYTES = 32 * 1024, SEED = 11 };

struct cross {
	struct bw_accord_bench *bench;
	struct bw_sign_key *keys[KEYS];
	struct bw_vkey vkeys[KEYS];
	struct bw_sign_key *ally_keys[KEYS];
	struct bw_vkey ally_vkeys[KEYS];
	struct bw_trust *trust;
	uint64_t ally_size; /* what it cosigned last */
	struct bw_hash ally_root;
	struct bw_outbound *out;
	struct bw_passage_place place; /* of the partner */
	struct bw_accord_bench_line *line;
	struct bw_generated objects[BATCH];
	struct bw_buf texts[BATCH];
	struct bw_outbound_item items[BATCH];
	struct bw_buf passage;
	uint64_t bytes; /* that one run logged */
	/* the clerk's */
	struct bw_arena arena;
	struct bw_checker *checker;
	struct bw_facts_worker *worker;
	struct bw_report report;
	struct bw_buf batch;
	struct bw_buf question;
	struct bw_buf answer;
};

/* ---- keys ------------------------------------------------------------------------------------------- */

static enum bw_err make_key(const char *name, enum bw_note_type type, struct bw_sign_key **key, struct bw_vkey *vkey)
{
	uint8_t seed[BW_SIGN_SEED_BYTES];

	bw_random(seed, sizeof(seed));
	BW_TRY(bw_sign_key_new(bw_note_kind(type), bw_slice_of(seed, sizeof(seed)), key));
	return bw_vkey_make(bw_slice_text(name), type, bw_sign_key_public(*key), vkey);
}

static enum bw_err add_key(struct bw_buf *policy, const char *before, const struct bw_vkey *vkey)
{
	BW_TRY(bw_buf_add_text(policy, before));
	BW_TRY(bw_vkey_add(policy, vkey));
	return bw_buf_add_u8(policy, '\n');
}

static enum bw_err make_keys(struct cross *c)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf policy = BW_BUF_INIT(POLICY_BYTES);

	BW_TRY(make_key(ORIGIN, BW_NOTE_ED25519, &c->keys[0], &c->vkeys[0]));
	BW_TRY(make_key(ORIGIN, BW_COSIGN_MLDSA44, &c->keys[1], &c->vkeys[1]));
	BW_TRY(make_key(ALLY, BW_COSIGN_ED25519, &c->ally_keys[0], &c->ally_vkeys[0]));
	BW_TRY(make_key(ALLY, BW_COSIGN_MLDSA44, &c->ally_keys[1], &c->ally_vkeys[1]));
	BW_TRY(add_key(&policy, "log ", &c->vkeys[0]));
	BW_TRY(add_key(&policy, "log ", &c->vkeys[1]));
	BW_TRY(add_key(&policy, "witness a1 ", &c->ally_vkeys[0]));
	BW_TRY(add_key(&policy, "witness a2 ", &c->ally_vkeys[1]));
	BW_TRY(bw_buf_add_text(&policy, "group ally all a1 a2\nquorum ally\n"));
	return bw_trust_parse(bw_buf_slice(&policy), NULL, &c->trust);
}

/* ---- telling --------------------------------------------------------------------------------------- */

static enum bw_err sign(struct cross *c)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;
	struct bw_outbound_ask ask;

	BW_TRY(bw_outbound_ask(c->out, &ask));
	BW_TRY(bw_checkpoint_make(ask.size, &ask.root, &c->vkeys[0], c->keys[0], 0, &note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	BW_TRY(bw_checkpoint_sign(&checkpoint, &c->vkeys[1], c->keys[1], 1, &line));
	BW_TRY(bw_buf_add(&note, bw_buf_slice(&line)));
	return bw_outbound_signed(c->out, bw_buf_slice(&note), &c->bench->why);
}

/* The ally as a witness: it checks that the log goes on from what it saw, and signs with both its keys. */
static enum bw_err cosign(struct cross *c)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	const struct bw_witness_log log = { c->vkeys, KEYS, c->ally_size, c->ally_root };
	struct bw_witness_request request;
	struct bw_witness_verdict verdict;
	bool is_delivered;

	BW_TRY(bw_outbound_witness_body(c->out, c->ally_size, &body));
	BW_TRY(bw_witness_request_parse(bw_buf_slice(&body), &request));
	bw_witness_judge(&log, &request, &verdict);
	BW_TRY(verdict.why);
	c->ally_size = request.checkpoint.size;
	c->ally_root = request.checkpoint.root;
	for (size_t i = 0; i < KEYS; i++)
		BW_TRY(bw_checkpoint_sign(&request.checkpoint, &c->ally_vkeys[i], c->ally_keys[i], 1, &lines));
	BW_TRY(bw_outbound_cosigned(c->out, bw_buf_slice(&lines), &is_delivered, &c->bench->why));
	BW_NEED(is_delivered, PROTOCOL);
	return BW_OK;
}

static enum bw_err write_text(struct cross *c, size_t at, int64_t until_us)
{
	const struct bw_record *record = &c->objects[at].record;
	struct bw_crossing crossing = { .collection = BW_LIT("Ransomware"), .path_count = 1, .object = record->body };

	bw_policy_open(&crossing.policy);
	crossing.policy.tlp = BW_TLP_AMBER;
	crossing.policy.not_after_us = until_us;
	bw_buf_clear(&c->texts[at]);
	BW_TRY(bw_crossing_add(&c->texts[at], &crossing));
	c->items[at] = (struct bw_outbound_item){ .id = record->id,
						  .version = record->version,
						  .crossing = bw_buf_slice(&c->texts[at]),
						  .keep_until_us = until_us };
	c->bytes += c->texts[at].len;
	return BW_OK;
}

struct seconds {
	double tell;
	double tell_busy; /* of the processor */
	double read;
	double hear_busy;
};

static enum bw_err send_new(struct cross *c, struct seconds *took)
{
	for (;;) {
		const double began = bw_accord_bench_busy();

		bw_buf_clear(&c->passage);
		BW_TRY(bw_outbound_read(c->out, &c->place, bw_clock_now_us(), PASSAGE_STEP, &c->passage,
					&c->bench->why));
		took->read += bw_accord_bench_busy() - began;
		if (c->passage.len == 0)
			return BW_OK;
		BW_TRY(bw_accord_bench_line_send(c->line, bw_buf_slice(&c->passage)));
	}
}

static enum bw_err tell_batch(struct cross *c, size_t count, struct seconds *took)
{
	const int64_t now_us = bw_clock_now_us();

	for (size_t i = 0; i < count; i++)
		BW_TRY(write_text(c, i, now_us + KEEP_US));
	BW_TRY(bw_outbound_add(c->out, c->items, count, bw_slice_empty, now_us, NULL, &c->bench->why));
	BW_TRY(sign(c));
	BW_TRY(cosign(c));
	return send_new(c, took);
}

static enum bw_err tell_all(struct cross *c, struct seconds *took)
{
	c->bytes = 0;
	for (uint64_t at = 0; at < c->bench->objects; at += BATCH) {
		const uint64_t left = c->bench->objects - at;
		const size_t count = left < BATCH ? (size_t)left : BATCH;
		double began;
		double busy;

		for (size_t i = 0; i < count; i++)
			BW_TRY(bw_generate(SEED, at + i, &c->objects[i]));
		began = bw_accord_bench_now();
		busy = bw_accord_bench_busy();
		BW_TRY(tell_batch(c, count, took));
		took->tell += bw_accord_bench_now() - began;
		took->tell_busy += bw_accord_bench_busy() - busy;
	}
	return BW_OK;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* As many bytes and syncs, and nothing else. */
static enum bw_err write_alone(struct cross *c, double *seconds)
{
	const size_t step = (size_t)(c->bytes * BATCH / c->bench->objects) + 1;
	BW_CLEANUP(bw_buf_release) struct bw_buf block = BW_BUF_INIT(step);
	BW_CLEANUP(close_fd) int fd = -1;
	char path[BW_PATH_BYTES];
	double began;

	BW_TRY(bw_path_join(path, c->bench->folder, "limit"));
	BW_TRY(bw_buf_reserve(&block, step));
	memset(block.ptr, 7, step);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return bw_why_errno(&c->bench->why, errno, "write", path);
	began = bw_accord_bench_now();
	for (uint64_t at = 0; at < c->bytes; at += step) {
		BW_TRY(bw_fd_write(fd, bw_slice_of(block.ptr, step)));
		if (fdatasync(fd) != 0)
			return bw_why_errno(&c->bench->why, errno, "sync", path);
	}
	*seconds = bw_accord_bench_now() - began;
	return BW_OK;
}

/* ---- hearing --------------------------------------------------------------------------------------- */

/* As the clerk: the object as the store will have it, and what a decision has to know of it. */
static enum bw_err take_entry(struct cross *c, const struct bw_inbound_entry *entry)
{
	struct bw_question_object item = { .profile = BW_REDACTION_NONE, .marking = bw_slice_empty };
	struct bw_crossing crossing;
	struct bw_record record;

	bw_arena_reset(&c->arena);
	BW_TRY(bw_crossing_parse(entry->text, &c->arena, &crossing, NULL));
	BW_TRY(bw_object_check(c->checker, crossing.object, &c->report, &record));
	BW_NEED(c->report.errors == 0, SYNTAX);
	BW_TRY(bw_batch_add(&c->batch, &record));
	item.object = crossing.object;
	return bw_question_object(&c->question, &item);
}

static enum bw_err take(void *ctx, const struct bw_inbound_chunk *chunk)
{
	struct cross *c = ctx;

	bw_buf_clear(&c->batch);
	bw_buf_clear(&c->question);
	bw_buf_clear(&c->answer);
	BW_TRY(bw_batch_begin(&c->batch));
	BW_TRY(bw_question_begin(&c->question));
	for (size_t i = 0; i < chunk->count; i++)
		BW_TRY(take_entry(c, &chunk->entries[i]));
	return bw_facts_work(c->worker, bw_buf_slice(&c->question), &c->answer);
}

static enum bw_err hear_all(struct cross *c, struct seconds *took)
{
	struct bw_passage_place place;
	struct bw_inbound *in;
	enum bw_err err;

	BW_TRY(bw_inbound_new(BW_LIT(ORIGIN), c->trust, bw_slice_empty, &in));
	err = bw_inbound_connect(in, &place);
	while (err == BW_OK && place.verified < c->bench->objects) {
		double began;

		bw_buf_clear(&c->passage);
		err = bw_outbound_read(c->out, &place, bw_clock_now_us(), PASSAGE_STEP, &c->passage, &c->bench->why);
		began = bw_accord_bench_busy();
		if (err == BW_OK)
			err = bw_inbound_feed(in, bw_buf_slice(&c->passage), take, c);
		took->hear_busy += bw_accord_bench_busy() - began;
	}
	bw_inbound_free(in);
	return err;
}

static double hash_alone(const struct cross *c)
{
	const struct bw_slice text = bw_buf_slice(&c->texts[0]);
	struct bw_hash hash = bw_hash_empty();
	const double began = bw_accord_bench_busy();

	for (uint64_t i = 0; i < c->bench->objects; i++) {
		const struct bw_hash leaf = bw_hash_leaf(text);

		hash = bw_hash_node(&hash, &leaf);
	}
	return bw_accord_bench_busy() - began +
	       (hash.bytes[0] == 0 && hash.bytes[1] == 0 ? 1e-12 : 0); /* used, so that it is computed */
}

/* ---- rows ------------------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

struct rows {
	struct bw_bench_row tell;
	struct bw_bench_row tell_busy;
	struct bw_bench_row read;
	struct bw_bench_row hear;
};

static enum bw_err begin_run(struct cross *c)
{
	const struct bw_outbound_rules rules = { BW_LIT(ORIGIN), c->trust, false };
	char log[BW_PATH_BYTES];

	BW_TRY(bw_path_join(log, c->bench->folder, "out"));
	bw_outbound_close(c->out);
	c->out = NULL;
	c->ally_size = 0;
	c->ally_root = bw_hash_empty();
	c->place = (struct bw_passage_place){ 0 };
	(void)nftw(log, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	BW_TRY(bw_outbound_open(log, &rules, &c->out, &c->bench->why));
	return bw_outbound_heard(c->out, 0, NULL);
}

static enum bw_err one_run(struct cross *c, struct rows *rows)
{
	const double count = (double)c->bench->objects;
	struct seconds took = { 0 };
	double alone = 0;

	BW_TRY(begin_run(c));
	BW_TRY(tell_all(c, &took));
	BW_TRY(write_alone(c, &alone));
	bw_bench_add(&rows->tell, count / took.tell, count / alone);
	BW_TRY(hear_all(c, &took));
	alone = hash_alone(c);
	bw_bench_add(&rows->tell_busy, count / took.tell_busy, count / alone);
	bw_bench_add(&rows->read, count / took.read, count / alone);
	bw_bench_add(&rows->hear, count / took.hear_busy, count / alone);
	return BW_OK;
}

static enum bw_err measure(struct cross *c)
{
	struct rows rows = {
		.tell = { .name = "accord: tell in batches of 4,096 (text, seal, log, sync, sign, cosign, TLS)",
			  .unit = "objects/s",
			  .limit_name = "write and sync of the same bytes" },
		.tell_busy = { .name = "accord: the same, of the processor",
			       .unit = "objects/s",
			       .limit_name = "their hashes alone" },
		.read = { .name = "accord: of it, read for a partner (unseal, prove)",
			  .unit = "objects/s",
			  .limit_name = "their hashes alone" },
		.hear = { .name = "accord: hear (signatures, proofs, leaves, STIX), of the processor",
			  .unit = "objects/s",
			  .limit_name = "their hashes alone" },
	};

	BW_TRY(make_keys(c));
	BW_TRY(bw_facts_worker_new(&c->worker));
	BW_TRY(bw_checker_new(0, &c->checker));
	BW_TRY(bw_accord_bench_line_open(&c->line, &c->bench->why));
	for (size_t run = 0; run < c->bench->runs; run++)
		BW_TRY(one_run(c, &rows));
	BW_TRY(bw_accord_bench_print(c->bench, &rows.tell));
	BW_TRY(bw_accord_bench_print(c->bench, &rows.tell_busy));
	BW_TRY(bw_accord_bench_print(c->bench, &rows.read));
	return bw_accord_bench_print(c->bench, &rows.hear);
}

static void release(struct cross *c)
{
	bw_accord_bench_line_close(c->line);
	bw_outbound_close(c->out);
	for (size_t i = 0; i < BATCH; i++)
		bw_buf_release(&c->texts[i]);
	for (size_t i = 0; i < KEYS; i++) {
		bw_sign_key_free(c->keys[i]);
		bw_sign_key_free(c->ally_keys[i]);
	}
	bw_trust_free(c->trust);
	bw_arena_release(&c->arena);
	bw_checker_free(c->checker);
	bw_facts_worker_free(c->worker);
	bw_buf_release(&c->passage);
	bw_buf_release(&c->batch);
	bw_buf_release(&c->question);
	bw_buf_release(&c->answer);
	free(c);
}

enum bw_err bw_accord_bench_cross(struct bw_accord_bench *bench)
{
	struct cross *c = calloc(1, sizeof(*c));
	enum bw_err err;

	BW_NEED(c != NULL, MEMORY);
	c->bench = bench;
	c->arena = BW_ARENA_INIT(1 << 20);
	c->passage = BW_BUF_INIT(BW_PASSAGE_BODY_MAX);
	c->batch = BW_BUF_INIT(BW_CHUNK_MAX);
	c->question = BW_BUF_INIT(BW_QUESTION_MAX);
	c->answer = BW_BUF_INIT(BW_ANSWER_MAX);
	for (size_t i = 0; i < BATCH; i++)
		c->texts[i] = BW_BUF_INIT(BW_CROSSING_MAX);
	err = measure(c);
	release(c);
	return err;
}
