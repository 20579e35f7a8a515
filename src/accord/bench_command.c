/*
 * `breakwater bench accord`: what the log costs. Telling is making the text of each crossing, sealing it, one append
 * and sync for a batch, tiles, the log's two signatures; hearing is signatures, proofs, every leaf, and reading each
 * text.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/inbound.h"
#include "accord/outbound.h"
#include "base/command.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "tlog/bench.h"

#define ORIGIN "bw1bench/bench"
#define KEEP_US (INT64_C(90) * 86400 * 1000000)

enum { BATCH = 4096, OBJECT_BYTES = 600, LOG_KEYS = 2, PASSAGE_STEP = 1024 * 1024, POLICY_BYTES = 16 * 1024 };

struct bench {
	const struct bw_call *call;
	uint64_t objects;
	size_t runs;
	char folder[BW_PATH_BYTES];
	struct bw_sign_key *keys[LOG_KEYS];
	struct bw_vkey vkeys[LOG_KEYS];
	struct bw_trust *trust;
	struct bw_buf texts[BATCH];
	struct bw_outbound_item items[BATCH];
	char ids[BATCH][64];
	uint64_t bytes; /* that one run logged */
	struct bw_why why;
};

static double now(void)
{
	return (double)bw_clock_mono_us() / 1e6;
}

static enum bw_err print_row(void *ctx, const struct bw_bench_row *row)
{
	const struct bench *b = ctx;
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(4096);

	BW_TRY(bw_bench_write(row, bw_call_json(b->call), &line));
	(void)fputs(bw_buf_text(&line), stdout);
	(void)fflush(stdout);
	return BW_OK;
}

/* ---- keys: no witness, whose time is the network's ------------------------------------------------- */

static enum bw_err make_keys(struct bench *b)
{
	static const enum bw_note_type types[LOG_KEYS] = { BW_NOTE_ED25519, BW_COSIGN_MLDSA44 };
	BW_CLEANUP(bw_buf_release) struct bw_buf policy = BW_BUF_INIT(POLICY_BYTES);
	uint8_t seed[BW_SIGN_SEED_BYTES];

	for (size_t i = 0; i < LOG_KEYS; i++) {
		bw_random(seed, sizeof(seed));
		BW_TRY(bw_sign_key_new(bw_note_kind(types[i]), bw_slice_of(seed, sizeof(seed)), &b->keys[i]));
		BW_TRY(bw_vkey_make(BW_LIT(ORIGIN), types[i], bw_sign_key_public(b->keys[i]), &b->vkeys[i]));
		BW_TRY(bw_buf_add_text(&policy, "log "));
		BW_TRY(bw_vkey_add(&policy, &b->vkeys[i]));
		BW_TRY(bw_buf_add_u8(&policy, '\n'));
	}
	BW_TRY(bw_buf_add_text(&policy, "quorum none\n"));
	return bw_trust_parse(bw_buf_slice(&policy), NULL, &b->trust);
}

static enum bw_err sign(struct bench *b, const struct bw_outbound_ask *ask, struct bw_buf *note)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;

	BW_TRY(bw_checkpoint_make(ask->size, &ask->root, &b->vkeys[0], b->keys[0], 0, note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(note), &checkpoint));
	BW_TRY(bw_checkpoint_sign(&checkpoint, &b->vkeys[1], b->keys[1], 1, &line));
	return bw_buf_add(note, bw_buf_slice(&line));
}

/* ---- telling --------------------------------------------------------------------------------------- */

static enum bw_err write_text(struct bench *b, size_t at, uint64_t number, int64_t until_us)
{
	char object[OBJECT_BYTES + 1];
	struct bw_crossing crossing = { .collection = BW_LIT("Ransomware"), .path_count = 1 };
	int len;

	(void)snprintf(b->ids[at], sizeof(b->ids[at]), "indicator--%012llu", (unsigned long long)number);
	len = snprintf(
		object, sizeof(object),
		"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"pattern\":\"[file:name = '%*s']\"}",
		b->ids[at], OBJECT_BYTES - 110, "x");
	crossing.object = bw_slice_of(object, len > OBJECT_BYTES ? OBJECT_BYTES : (size_t)len);
	bw_policy_open(&crossing.policy);
	crossing.policy.tlp = BW_TLP_AMBER;
	crossing.policy.not_after_us = until_us;
	bw_buf_clear(&b->texts[at]);
	BW_TRY(bw_crossing_add(&b->texts[at], &crossing));
	b->items[at] = (struct bw_outbound_item){ .id = bw_slice_text(b->ids[at]),
						  .version = BW_LIT("2026-01-01T00:00:00.000Z"),
						  .crossing = bw_buf_slice(&b->texts[at]),
						  .keep_until_us = until_us };
	b->bytes += b->texts[at].len;
	return BW_OK;
}

static enum bw_err tell_batch(struct bench *b, struct bw_outbound *out, uint64_t from, size_t count)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	const int64_t now_us = bw_clock_now_us();
	struct bw_outbound_ask ask;

	for (size_t i = 0; i < count; i++)
		BW_TRY(write_text(b, i, from + i, now_us + KEEP_US));
	BW_TRY(bw_outbound_add(out, b->items, count, bw_slice_empty, now_us, NULL, &b->why));
	BW_TRY(bw_outbound_ask(out, &ask));
	BW_TRY(sign(b, &ask, &note));
	return bw_outbound_signed(out, bw_buf_slice(&note), &b->why);
}

static enum bw_err tell_all(struct bench *b, struct bw_outbound *out, double *seconds)
{
	const double began = now();

	b->bytes = 0;
	for (uint64_t at = 0; at < b->objects; at += BATCH) {
		const uint64_t left = b->objects - at;

		BW_TRY(tell_batch(b, out, at, left < BATCH ? (size_t)left : BATCH));
	}
	*seconds = now() - began;
	return BW_OK;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* As many bytes and syncs, and nothing else. */
static enum bw_err write_alone(struct bench *b, double *seconds)
{
	const size_t step = (size_t)(b->bytes * BATCH / b->objects) + 1;
	BW_CLEANUP(bw_buf_release) struct bw_buf block = BW_BUF_INIT(step);
	BW_CLEANUP(close_fd) int fd = -1;
	char path[BW_PATH_BYTES];
	double began;

	BW_TRY(bw_path_join(path, b->folder, "limit"));
	BW_TRY(bw_buf_reserve(&block, step));
	memset(block.ptr, 7, step);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return bw_why_errno(&b->why, errno, "write", path);
	began = now();
	for (uint64_t at = 0; at < b->bytes; at += step) {
		BW_TRY(bw_fd_write(fd, bw_slice_of(block.ptr, step)));
		if (fdatasync(fd) != 0)
			return bw_why_errno(&b->why, errno, "sync", path);
	}
	*seconds = now() - began;
	return BW_OK;
}

/* ---- hearing --------------------------------------------------------------------------------------- */

static enum bw_err take(void *ctx, const struct bw_inbound_chunk *chunk)
{
	struct bw_arena *arena = ctx;

	for (size_t i = 0; i < chunk->count; i++) {
		struct bw_crossing crossing;

		bw_arena_reset(arena);
		BW_TRY(bw_crossing_parse(chunk->entries[i].text, arena, &crossing, NULL));
	}
	return BW_OK;
}

/* Nobody cosigns here: the newest signed checkpoint is delivered as it is. */
static enum bw_err deliver(struct bench *b, struct bw_outbound **out)
{
	const struct bw_outbound_rules rules = { BW_LIT(ORIGIN), b->trust, false };
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	char log[BW_PATH_BYTES];
	char from[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];

	bw_outbound_close(*out);
	*out = NULL;
	BW_TRY(bw_path_join(log, b->folder, "out"));
	BW_TRY(bw_path_join(from, log, "signed"));
	BW_TRY(bw_path_join(to, log, "checkpoint"));
	BW_TRY(bw_file_read(from, &note, &b->why));
	BW_TRY(bw_file_write(to, bw_buf_slice(&note), 0600, &b->why));
	return bw_outbound_open(log, &rules, out, &b->why);
}

struct hearing {
	double read; /* seconds of the sender */
	double heard;
};

static enum bw_err hear_all(struct bench *b, struct bw_outbound *out, struct hearing *seconds)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 20);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_PASSAGE_BODY_MAX);
	struct bw_passage_place place;
	struct bw_inbound *in;
	enum bw_err err;

	BW_TRY(bw_inbound_new(BW_LIT(ORIGIN), b->trust, bw_slice_empty, &in));
	err = bw_inbound_connect(in, &place);
	*seconds = (struct hearing){ 0 };
	while (err == BW_OK && place.verified < b->objects) {
		double began = now();

		bw_buf_clear(&bytes);
		err = bw_outbound_read(out, &place, bw_clock_now_us(), PASSAGE_STEP, &bytes, &b->why);
		seconds->read += now() - began;
		began = now();
		if (err == BW_OK)
			err = bw_inbound_feed(in, bw_buf_slice(&bytes), take, &arena);
		seconds->heard += now() - began;
	}
	bw_inbound_free(in);
	return err;
}

static double hash_alone(const struct bench *b)
{
	const struct bw_slice text = bw_buf_slice(&b->texts[0]);
	struct bw_hash hash = bw_hash_empty();
	const double began = now();

	for (uint64_t i = 0; i < b->objects; i++) {
		const struct bw_hash leaf = bw_hash_leaf(text);

		hash = bw_hash_node(&hash, &leaf);
	}
	return now() - began +
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
	struct bw_bench_row read;
	struct bw_bench_row hear;
};

static enum bw_err one_run(struct bench *b, struct rows *rows, struct bw_outbound **out)
{
	const struct bw_outbound_rules rules = { BW_LIT(ORIGIN), b->trust, false };
	const double count = (double)b->objects;
	struct hearing heard = { 0 };
	double told = 0;
	double alone = 0;
	char log[BW_PATH_BYTES];

	BW_TRY(bw_path_join(log, b->folder, "out"));
	(void)nftw(log, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	BW_TRY(bw_outbound_open(log, &rules, out, &b->why));
	BW_TRY(bw_outbound_heard(*out, 0, NULL));
	BW_TRY(tell_all(b, *out, &told));
	BW_TRY(write_alone(b, &alone));
	bw_bench_add(&rows->tell, count / told, count / alone);
	BW_TRY(deliver(b, out));
	BW_TRY(hear_all(b, *out, &heard));
	alone = hash_alone(b);
	bw_bench_add(&rows->read, count / heard.read, count / alone);
	bw_bench_add(&rows->hear, count / heard.heard, count / alone);
	return BW_OK;
}

static enum bw_err measure(struct bench *b)
{
	struct rows rows = {
		.tell = { .name = "accord: tell, in batches of 4,096 (seal, log, sign)",
			  .unit = "objects/s",
			  .limit_name = "write and sync of the same bytes" },
		.read = { .name = "accord: read for a partner (unseal, prove)",
			  .unit = "objects/s",
			  .limit_name = "their hashes alone" },
		.hear = { .name = "accord: hear (signatures, proofs, leaves, texts)",
			  .unit = "objects/s",
			  .limit_name = "their hashes alone" },
	};
	enum bw_err err = make_keys(b);

	for (size_t run = 0; run < b->runs && err == BW_OK; run++) {
		struct bw_outbound *out = NULL;

		err = one_run(b, &rows, &out);
		bw_outbound_close(out);
	}
	BW_TRY(err);
	BW_TRY(print_row(b, &rows.tell));
	BW_TRY(print_row(b, &rows.read));
	return print_row(b, &rows.hear);
}

/* ---- the command ------------------------------------------------------------------------------------ */

static void release(struct bench *b)
{
	for (size_t i = 0; i < BATCH; i++)
		bw_buf_release(&b->texts[i]);
	for (size_t i = 0; i < LOG_KEYS; i++)
		bw_sign_key_free(b->keys[i]);
	bw_trust_free(b->trust);
	if (b->folder[0] != '\0')
		(void)nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(b);
}

static enum bw_err make_folder(struct bench *b)
{
	const char *parent = bw_call_text(b->call, "dir");
	const char *tmp = getenv("TMPDIR");
	char path[BW_PATH_BYTES];

	if (parent == NULL)
		parent = tmp != NULL ? tmp : "/var/tmp";
	BW_TRY(bw_path_join(path, parent, "breakwater-bench-XXXXXX"));
	if (mkdtemp(path) == NULL)
		return bw_why_errno(&b->why, errno, "make a folder in", parent);
	memcpy(b->folder, path, sizeof(path));
	return BW_OK;
}

static enum bw_err run_all(struct bench *b)
{
	const uint64_t entries = (uint64_t)bw_call_num(b->call, "entries");

	BW_TRY(make_folder(b));
	BW_TRY(measure(b));
	return entries == 0 ? BW_OK : bw_tlog_bench(entries, b->runs, print_row, b);
}

static int accord_run(struct bw_call *call)
{
	struct bench *b = calloc(1, sizeof(*b));
	enum bw_err err;
	int status = BW_EXIT_OK;

	if (b == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "bench accord: %s", bw_err_text(BW_ERR_MEMORY));
	b->call = call;
	b->objects = (uint64_t)bw_call_num(call, "objects");
	b->runs = (size_t)bw_call_num(call, "runs");
	for (size_t i = 0; i < BATCH; i++)
		b->texts[i] = BW_BUF_INIT(BW_CROSSING_MAX);
	err = run_all(b);
	if (err != BW_OK)
		status = bw_complain(call, BW_EXIT_FAILED, NULL, "bench accord: %s",
				     b->why.text[0] != '\0' ? b->why.text : bw_err_text(err));
	release(b);
	return status;
}

static const struct bw_option accord_options[] = {
	{ .name = "objects",
	  .kind = BW_OPT_NUM,
	  .unit = "objects",
	  .min = 1000,
	  .max = 20000000,
	  .fallback = "200000",
	  .help = "made-up objects to tell and hear; a million takes about 1.3 GB of disk" },
	{ .name = "entries",
	  .kind = BW_OPT_NUM,
	  .unit = "entries",
	  .min = 0,
	  .max = 100000000,
	  .fallback = "10000000",
	  .help = "of the log that is appended to, proved and verified in memory; 10 million take 800 MB; 0: none" },
	{ .name = "runs",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = BW_BENCH_RUNS_MAX,
	  .fallback = "3",
	  .help = "interleaved runs; the median is shown" },
	{ .name = "dir",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "where the data goes meanwhile; default TMPDIR or /var/tmp" },
	{ 0 },
};

/* A row of `breakwater bench` (cli/bench_command.c). */
const struct bw_command bw_bench_accord_command = {
	.name = "accord",
	.summary = "what telling a partner and hearing one cost, and the log under both",
	.usage = "",
	.options = accord_options,
	.max_args = 0,
	.run = accord_run,
};
