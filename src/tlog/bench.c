#include "tlog/bench.h"

#include <stdlib.h>
#include <time.h>

#include "tlog/cosign.h"
#include "tlog/reader.h"
#include "tlog/writer.h"

enum {
	BATCH = 10000,
	QUESTIONS = 20000, /* proofs in a run */
	WARM_TILES = 512,  /* that they are about: all of them stay in the cache */
	SLOTS = 1024,
	SIGNATURES = 200,
	ENTRY_BYTES = 32,
};

/* Tiles in memory: of each level, and bundles. */
struct shelf {
	struct bw_buf *tiles;
	size_t count;
};

struct bench {
	uint64_t entries;
	size_t runs;
	enum bw_err (*print)(void *ctx, const struct bw_bench_row *row);
	void *ctx;
	struct shelf shelves[BW_TILE_LEVELS + 1];
	struct bw_hash root;
	struct bw_tlog_reader *reader;
};

/* ---- the store ------------------------------------------------------------------------------- */

static struct shelf *shelf_of(struct bench *bench, const struct bw_tile *tile)
{
	return &bench->shelves[tile->is_entries ? BW_TILE_LEVELS : tile->level];
}

/* One place for partial and full: the latest is what the only checkpoint is about. */
static enum bw_err put(void *ctx, const struct bw_tile *tile, struct bw_slice bytes)
{
	struct shelf *shelf = shelf_of(ctx, tile);

	if (tile->index >= shelf->count) {
		const size_t count = 2 * (tile->index + 1);
		struct bw_buf *tiles = realloc(shelf->tiles, count * sizeof(*tiles));

		BW_NEED(tiles != NULL, MEMORY);
		for (size_t i = shelf->count; i < count; i++)
			tiles[i] = BW_BUF_INIT(BW_BUNDLE_MAX);
		shelf->tiles = tiles;
		shelf->count = count;
	}
	bw_buf_clear(&shelf->tiles[tile->index]);
	return bw_buf_add(&shelf->tiles[tile->index], bytes);
}

static enum bw_err get(void *ctx, const struct bw_tile *tile, struct bw_buf *out)
{
	const struct shelf *shelf = shelf_of(ctx, tile);

	BW_NEED(tile->index < shelf->count, NOT_FOUND);
	return bw_buf_add(out, bw_buf_slice(&shelf->tiles[tile->index]));
}

static void clear_shelves(struct bench *bench)
{
	for (size_t i = 0; i < BW_COUNT(bench->shelves); i++) {
		for (size_t j = 0; j < bench->shelves[i].count; j++)
			bw_buf_release(&bench->shelves[i].tiles[j]);
		free(bench->shelves[i].tiles);
		bench->shelves[i] = (struct shelf){ NULL, 0 };
	}
}

/* Of the processor, not of the wall: nothing here waits, and other programs do not count. */
static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time); /* the kernel always has this clock */
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- append --------------------------------------------------------------------------------------- */

static void make_batch(uint64_t from, uint8_t *bytes, struct bw_slice *entries)
{
	for (uint64_t i = 0; i < BATCH; i++) {
		const uint64_t number = from + i;

		memcpy(bytes + i * ENTRY_BYTES, &number, sizeof(number));
		entries[i] = bw_slice_of(bytes + i * ENTRY_BYTES, ENTRY_BYTES);
	}
}

static enum bw_err append_all(struct bench *bench, uint8_t *bytes, struct bw_slice *entries, double *seconds)
{
	const struct bw_tile_store store = { bench, get, put };
	const struct bw_hash empty = bw_hash_empty();
	struct bw_tlog_writer *writer;
	enum bw_err err;
	uint64_t size = 0;
	double busy = 0;

	BW_TRY(bw_tlog_writer_open(&store, 0, &empty, true, &writer));
	err = BW_OK;
	while (size < bench->entries && err == BW_OK) {
		const uint64_t left = bench->entries - size;
		double began;

		make_batch(size, bytes, entries);
		began = now();
		err = bw_tlog_writer_add_entries(writer, entries, left < BATCH ? left : BATCH);
		if (err == BW_OK)
			err = bw_tlog_writer_commit(writer, &size, &bench->root); /* each batch could be published */
		busy += now() - began;
	}
	bw_tlog_writer_free(writer);
	*seconds = busy;
	return err;
}

/* As many leaves and nodes as a log of that size has, and nothing else. */
static double hash_all(uint64_t entries, struct bw_slice entry)
{
	const double began = now();
	struct bw_hash hash = bw_hash_empty();

	for (uint64_t i = 0; i < entries; i++) {
		const struct bw_hash leaf = bw_hash_leaf(entry);

		hash = bw_hash_node(&hash, &leaf);
	}
	/* used, so that it is computed */
	return now() - began + (hash.bytes[0] == 0 && hash.bytes[1] == 0 && hash.bytes[2] == 0 ? 1e-12 : 0);
}

static enum bw_err measure_append(struct bench *bench)
{
	struct bw_bench_row row = { .name = "log: append in batches of 10,000",
				    .unit = "entries/s",
				    .limit_name = "its hashes alone" };
	uint8_t *bytes = calloc(BATCH, ENTRY_BYTES);
	struct bw_slice *entries = calloc(BATCH, sizeof(*entries));
	enum bw_err err = bytes != NULL && entries != NULL ? BW_OK : BW_ERR_MEMORY;

	for (size_t run = 0; run < bench->runs && err == BW_OK; run++) {
		double seconds;

		clear_shelves(bench);
		err = append_all(bench, bytes, entries, &seconds);
		if (err == BW_OK)
			bw_bench_add(&row, (double)bench->entries / seconds,
				     (double)bench->entries / hash_all(bench->entries, entries[0]));
	}
	free(bytes);
	free(entries);
	BW_TRY(err);
	return bench->print(bench->ctx, &row);
}

/* ---- proofs ------------------------------------------------------------------------------------------ */

static uint64_t pick(const struct bench *bench, size_t i)
{
	const uint64_t span = (uint64_t)WARM_TILES * BW_TILE_WIDTH;

	return i * UINT64_C(0x9e3779b97f4a7c15) % (bench->entries < span ? bench->entries : span);
}

static double node_us(void)
{
	struct bw_hash hash = bw_hash_empty();
	const double began = now();

	for (size_t i = 0; i < QUESTIONS; i++)
		hash = bw_hash_node(&hash, &hash);
	return (now() - began) * 1e6 / QUESTIONS + (hash.bytes[0] == 0 && hash.bytes[1] == 0 ? 1e-12 : 0);
}

static enum bw_err prove_all(struct bench *bench, struct bw_proof *proofs, double *us)
{
	const double began = now();

	for (size_t i = 0; i < QUESTIONS; i++)
		BW_TRY(bw_tlog_reader_inclusion(bench->reader, pick(bench, i), &proofs[i]));
	*us = (now() - began) * 1e6 / QUESTIONS;
	return BW_OK;
}

static enum bw_err verify_all(struct bench *bench, const struct bw_proof *proofs, double *us)
{
	double busy = 0;

	for (size_t i = 0; i < QUESTIONS; i += 100) {
		struct bw_hash leaves[100];
		double began;

		for (size_t j = 0; j < BW_COUNT(leaves); j++)
			BW_TRY(bw_tlog_reader_leaf(bench->reader, pick(bench, i + j), &leaves[j]));
		began = now();
		for (size_t j = 0; j < BW_COUNT(leaves); j++)
			BW_TRY(bw_inclusion_verify(pick(bench, i + j), bench->entries, &leaves[j], &bench->root,
						   &proofs[i + j]));
		busy += now() - began;
	}
	*us = busy * 1e6 / QUESTIONS;
	return BW_OK;
}

static enum bw_err measure_proofs(struct bench *bench)
{
	struct bw_bench_row prove = { .name = "log: inclusion proof from warm tiles",
				      .unit = "us",
				      .limit_name = "one node's hash",
				      .less_is_better = true };
	struct bw_bench_row verify = prove;
	struct bw_proof *proofs = calloc(QUESTIONS, sizeof(*proofs));
	enum bw_err err = proofs != NULL ? BW_OK : BW_ERR_MEMORY;
	double us;

	verify.name = "log: verify an inclusion proof";
	if (err == BW_OK)
		err = prove_all(bench, proofs, &us); /* warms them */
	for (size_t run = 0; run < bench->runs && err == BW_OK; run++) {
		err = prove_all(bench, proofs, &us);
		if (err == BW_OK)
			bw_bench_add(&prove, us, node_us());
		if (err == BW_OK)
			err = verify_all(bench, proofs, &us);
		if (err == BW_OK)
			bw_bench_add(&verify, us, node_us());
	}
	free(proofs);
	BW_TRY(err);
	BW_TRY(bench->print(bench->ctx, &prove));
	return bench->print(bench->ctx, &verify);
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static enum bw_err measure_whole(struct bench *bench, bool has_entries)
{
	const struct bw_tlog_check check = { .has_entries = has_entries };
	struct bw_bench_row row = { .name = has_entries ? "log: verify the whole, tiles and entries"
							: "log: verify the whole, tiles",
				    .unit = "s",
				    .limit_name = "its hashes alone",
				    .less_is_better = true };
	const uint8_t zeros[ENTRY_BYTES] = { 0 };

	for (size_t run = 0; run < bench->runs; run++) {
		const double began = now();
		double seconds;

		BW_TRY(bw_tlog_check(bench->reader, &check));
		seconds = now() - began;
		bw_bench_add(&row, seconds, hash_all(bench->entries, bw_slice_of(zeros, sizeof(zeros))));
	}
	return bench->print(bench->ctx, &row);
}

/* ---- signatures --------------------------------------------------------------------------------------- */

static enum bw_err time_bare(enum bw_note_type type, const struct bw_sign_key *key, double *us)
{
	uint8_t signature[BW_SIGN_SIGNATURE_MAX];
	const struct bw_slice message = BW_LIT("a message about as long as a checkpoint, of a hundred bytes or so, "
					       "which hardly matters to either");
	double began;

	BW_TRY(bw_sign(key, message, signature));
	began = now();
	for (size_t i = 0; i < SIGNATURES; i++)
		BW_TRY(bw_sign_verify(bw_note_kind(type), bw_sign_key_public(key), bw_slice_empty, message,
				      bw_slice_of(signature, bw_sign_signature_bytes(bw_note_kind(type)))));
	*us = (now() - began) * 1e6 / SIGNATURES;
	return BW_OK;
}

static enum bw_err time_checkpoint(struct bench *bench, enum bw_note_type type, const struct bw_sign_key *key,
				   double *us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;
	struct bw_vkey vkey;
	double began;
	uint64_t time;

	BW_TRY(bw_vkey_make(BW_LIT("log.example/bench"), type, bw_sign_key_public(key), &vkey));
	BW_TRY(bw_checkpoint_make(bench->entries, &bench->root, &vkey, key, 0, &note));
	began = now();
	for (size_t i = 0; i < SIGNATURES; i++) {
		BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
		BW_TRY(bw_checkpoint_verify(&checkpoint, &vkey, &time));
	}
	*us = (now() - began) * 1e6 / SIGNATURES;
	return BW_OK;
}

static enum bw_err measure_signatures(struct bench *bench, enum bw_note_type type, const char *name)
{
	struct bw_bench_row row = {
		.name = name, .unit = "us", .limit_name = "the signature alone", .less_is_better = true
	};
	const uint8_t seed[BW_SIGN_SEED_BYTES] = { 7 };
	struct bw_sign_key *key;
	enum bw_err err = BW_OK;

	BW_TRY(bw_sign_key_new(bw_note_kind(type), bw_slice_of(seed, sizeof(seed)), &key));
	for (size_t run = 0; run < bench->runs && err == BW_OK; run++) {
		double whole = 0;
		double bare = 0;

		err = time_checkpoint(bench, type, key, &whole);
		if (err == BW_OK)
			err = time_bare(type, key, &bare);
		if (err == BW_OK)
			bw_bench_add(&row, whole, bare);
	}
	bw_sign_key_free(key);
	BW_TRY(err);
	return bench->print(bench->ctx, &row);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

static enum bw_err measure_reading(struct bench *bench)
{
	const struct bw_tile_store store = { bench, get, put };
	enum bw_err err;

	BW_TRY(bw_tlog_reader_open(&store, bench->entries, &bench->root, SLOTS, NULL, &bench->reader));
	err = measure_proofs(bench);
	if (err == BW_OK)
		err = measure_whole(bench, false);
	if (err == BW_OK)
		err = measure_whole(bench, true);
	bw_tlog_reader_free(bench->reader);
	return err;
}

enum bw_err bw_tlog_bench(uint64_t entries, size_t runs,
			  enum bw_err (*print)(void *ctx, const struct bw_bench_row *row), void *ctx)
{
	struct bench bench = { .entries = entries, .runs = runs, .print = print, .ctx = ctx };
	enum bw_err err = measure_append(&bench);

	if (err == BW_OK)
		err = measure_reading(&bench);
	clear_shelves(&bench);
	BW_TRY(err);
	BW_TRY(measure_signatures(&bench, BW_NOTE_ED25519, "log: verify a checkpoint, Ed25519"));
	return measure_signatures(&bench, BW_COSIGN_MLDSA44, "log: verify a checkpoint, ML-DSA-44");
}
