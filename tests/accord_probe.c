/*
 * What one node told another, in a folder, for the stories that hold it against an independent verifier.
 *
 *   accord_probe DIR COUNT ERASED    a log of COUNT entries (accord/outbound.h), the first ERASED of which are erased
 *                                    since; policy, and for the first and the last entry: proof-N, entry-N
 *
 *   accord_probe forge DATA ACCORD FILE…   as a node that lies: what the files hold becomes the next entries of what
 *                                    DATA tells under that accord, whatever it is. Its `accord run` must not run.
 *
 *   accord_probe sign DATA ALLY ACCORD SIZE ROOT   writes to DATA/signed a checkpoint of that size and root (base64),
 *                                    signed as what DATA tells, cosigned as by ALLY: as a witness that was restored
 *
 * Prints "ok", or the name of the error, and exits with 1.
 */
#include <stdio.h>
#include <time.h>

#include "accord/notary.h"
#include "accord/outbound.h"
#include "accord/run_plan.h"
#include "desk/folder.h"
#include "sys/files.h"
#include "tlog/proof.h"

#define DAY_US INT64_C(86400000000)
#define BEGAN_US INT64_C(1795000000000000)
#define ORIGIN "bw1probe/uk-us"

enum { SIGNERS = 3, NAME_BYTES = 64 };

static struct {
	const char *name;
	enum bw_note_type type;
	struct bw_sign_key *key;
	struct bw_vkey vkey;
} signers[SIGNERS] = {
	{ .name = ORIGIN, .type = BW_NOTE_ED25519 },
	{ .name = ORIGIN, .type = BW_COSIGN_MLDSA44 },
	{ .name = "bw1ally", .type = BW_COSIGN_ED25519 },
};

static enum bw_err write_file(const char *folder, const char *name, struct bw_slice bytes)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, folder, name));
	return bw_file_write(path, bytes, 0600, NULL);
}

/* The same keys every time. */
static enum bw_err open_signers(const char *folder, struct bw_trust **trust)
{
	static const char *const before[SIGNERS] = { "log ", "\nlog ", "\nwitness ally " };
	BW_CLEANUP(bw_buf_release) struct bw_buf policy = BW_BUF_INIT(BW_TRUST_BYTES_MAX);

	for (size_t i = 0; i < SIGNERS; i++) {
		uint8_t seed[BW_SIGN_SEED_BYTES];

		memset(seed, (int)i + 1, sizeof(seed));
		BW_TRY(bw_sign_key_new(bw_note_kind(signers[i].type), bw_slice_of(seed, sizeof(seed)),
				       &signers[i].key));
		BW_TRY(bw_vkey_make(bw_slice_text(signers[i].name), signers[i].type, bw_sign_key_public(signers[i].key),
				    &signers[i].vkey));
		BW_TRY(bw_buf_add_text(&policy, before[i]));
		BW_TRY(bw_vkey_add(&policy, &signers[i].vkey));
	}
	BW_TRY(bw_buf_add_text(&policy, "\nquorum ally\n"));
	BW_TRY(bw_folder_need(folder, NULL));
	BW_TRY(write_file(folder, "policy", bw_buf_slice(&policy)));
	return bw_trust_parse(bw_buf_slice(&policy), NULL, trust);
}

/* Of every 300 entries one batch. */
static enum bw_err tell(struct bw_outbound *out, uint64_t from, uint64_t to, int64_t until_us)
{
	static struct bw_outbound_item items[300];
	static char texts[300][NAME_BYTES];

	while (from < to) {
		const size_t count = to - from < 300 ? (size_t)(to - from) : 300;

		for (size_t i = 0; i < count; i++) {
			(void)snprintf(texts[i], NAME_BYTES, "{\"object\":{\"n\":%llu}}",
				       (unsigned long long)(from + i));
			items[i] = (struct bw_outbound_item){ .id = bw_slice_text(texts[i]),
							      .version = BW_LIT("1"),
							      .crossing = bw_slice_text(texts[i]),
							      .keep_until_us = until_us };
		}
		BW_TRY(bw_outbound_add(out, items, count, bw_slice_empty, BEGAN_US, NULL, NULL));
		from += count;
	}
	return BW_OK;
}

static enum bw_err deliver(struct bw_outbound *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct bw_outbound_ask ask;

	BW_TRY(bw_outbound_heard(out, 0, NULL));
	BW_TRY(bw_outbound_ask(out, &ask));
	BW_TRY(bw_checkpoint_make(ask.size, &ask.root, &signers[0].vkey, signers[0].key, 0, &note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	BW_TRY(bw_checkpoint_sign(&checkpoint, &signers[1].vkey, signers[1].key, 1795000000, &line));
	BW_TRY(bw_buf_add(&note, bw_buf_slice(&line)));
	BW_TRY(bw_outbound_signed(out, bw_buf_slice(&note), NULL));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	bw_buf_clear(&line);
	BW_TRY(bw_checkpoint_sign(&checkpoint, &signers[2].vkey, signers[2].key, 1795000001, &line));
	return bw_outbound_cosigned(out, bw_buf_slice(&line), NULL, NULL);
}

static enum bw_err write_proof(struct bw_outbound *out, const char *folder, uint64_t index)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf proof = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf entry = BW_BUF_INIT(BW_CROSSING_MAX + 64);
	char name[NAME_BYTES];

	BW_TRY(bw_outbound_entry(out, index, BEGAN_US, &entry, NULL));
	BW_TRY(bw_outbound_prove(out, index, &proof));
	(void)snprintf(name, sizeof(name), "proof-%llu", (unsigned long long)index);
	BW_TRY(write_file(folder, name, bw_buf_slice(&proof)));
	(void)snprintf(name, sizeof(name), "entry-%llu", (unsigned long long)index);
	return write_file(folder, name, bw_buf_slice(&entry));
}

static enum bw_err fill(struct bw_outbound *out, const char *folder, uint64_t count, uint64_t erased)
{
	size_t keys;

	BW_TRY(tell(out, 0, erased, BEGAN_US + DAY_US));
	BW_TRY(tell(out, erased, count, BEGAN_US + 1000 * DAY_US));
	BW_TRY(deliver(out));
	BW_TRY(write_proof(out, folder, 0));
	BW_TRY(write_proof(out, folder, count - 1));
	return bw_outbound_erase(out, BEGAN_US + 3 * DAY_US, false, &keys, NULL);
}

static enum bw_err make(const char *folder, const char *count_text, const char *erased_text)
{
	struct bw_trust *trust;
	struct bw_outbound *out;
	uint64_t count;
	uint64_t erased;
	enum bw_err err;

	BW_TRY(bw_size_parse(bw_slice_text(count_text), &count));
	BW_TRY(bw_size_parse(bw_slice_text(erased_text), &erased));
	BW_NEED(count > 0 && erased <= count, RANGE);
	BW_TRY(open_signers(folder, &trust));
	BW_TRY(bw_outbound_open(folder, &(struct bw_outbound_rules){ BW_LIT(ORIGIN), trust, false }, &out, NULL));
	err = fill(out, folder, count, erased);
	bw_outbound_close(out);
	bw_trust_free(trust);
	for (size_t i = 0; i < SIGNERS; i++)
		bw_sign_key_free(signers[i].key);
	return err;
}

/* ---- a node that lies ---- */

static enum bw_err forge_one(struct bw_outbound *out, const char *path)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_CROSSING_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf place = BW_BUF_INIT(BW_OUTBOUND_SOURCE_MAX);
	const int64_t now_us = (int64_t)time(NULL) * 1000000;
	struct bw_outbound_batch batch;
	struct bw_outbound_item item = { .id = bw_slice_text(path), .version = BW_LIT("1") };

	BW_TRY(bw_file_read(path, &text, NULL));
	BW_TRY(bw_buf_add(&place, bw_outbound_source(out)));
	item.crossing = bw_buf_slice(&text);
	item.keep_until_us = now_us + 30 * DAY_US;
	return bw_outbound_add(out, &item, 1, bw_buf_slice(&place), now_us, &batch, NULL);
}

static enum bw_err forge_all(struct bw_run_plan *plan, const char *accord, char **files)
{
	const struct bw_run_pact *pact = bw_run_pact_of(plan, bw_slice_text(accord));
	struct bw_outbound_rules rules = { 0 };
	struct bw_place folder;
	struct bw_trust *trust;
	struct bw_outbound *out = NULL;
	char name[BW_PATH_BYTES];
	enum bw_err err;

	BW_NEED(pact != NULL, NOT_FOUND);
	(void)snprintf(name, sizeof(name), "accord/out/%s", accord);
	BW_TRY(bw_folder_place(plan->data, name, &folder));
	BW_TRY(bw_trust_parse(pact->policy[BW_RUN_OUT], NULL, &trust));
	rules = (struct bw_outbound_rules){ .origin = pact->origin[BW_RUN_OUT], .trust = trust };
	err = bw_outbound_open(folder.path, &rules, &out, NULL);
	for (; err == BW_OK && *files != NULL; files++)
		err = forge_one(out, *files);
	bw_outbound_close(out);
	bw_trust_free(trust);
	return err;
}

static enum bw_err forge(const char *data, const char *accord, char **files)
{
	struct bw_run_plan plan;
	enum bw_err err = bw_run_plan_make(data, &plan, NULL);

	if (err == BW_OK)
		err = forge_all(&plan, accord, files);
	bw_run_plan_release(&plan);
	return err;
}

static enum bw_err sign_as(const char *data, bool as_log, struct bw_slice origin, struct bw_checkpoint *checkpoint,
			   struct bw_buf *note)
{
	static const enum bw_note_type types[2][2] = { { BW_COSIGN_ED25519, BW_COSIGN_MLDSA44 },
						       { BW_NOTE_ED25519, BW_COSIGN_MLDSA44 } };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };

	BW_TRY(bw_notary_seeds(data, &seeds, NULL));
	for (size_t i = 0; i < 2; i++) {
		const size_t at = (i + (as_log ? 0 : 2)) * BW_SIGN_SEED_BYTES;
		const enum bw_note_type type = types[as_log ? 1 : 0][i];
		struct bw_sign_key *key;
		struct bw_vkey vkey;
		enum bw_err err;

		BW_TRY(bw_sign_key_new(bw_note_kind(type),
				       bw_slice_sub(bw_secret_slice(&seeds), at, BW_SIGN_SEED_BYTES), &key));
		err = bw_vkey_make(origin, type, bw_sign_key_public(key), &vkey);
		if (err == BW_OK)
			err = bw_checkpoint_sign(checkpoint, &vkey, key,
						 type == BW_NOTE_ED25519 ? 0 : (uint64_t)time(NULL), note);
		bw_sign_key_free(key);
		BW_TRY(err);
	}
	return BW_OK;
}

static enum bw_err sign(char **words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	const struct bw_run_pact *pact;
	struct bw_run_plan plan;
	enum bw_err err = bw_run_plan_make(words[0], &plan, NULL);
	struct bw_slice ally;
	struct bw_slice rest;

	BW_TRY(err);
	pact = bw_run_pact_of(&plan, bw_slice_text(words[2]));
	BW_NEED(pact != NULL, NOT_FOUND);
	checkpoint.origin = pact->origin[BW_RUN_OUT];
	BW_NEED(bw_slice_cut(pact->origin[BW_RUN_IN], '/', &ally, &rest), SYNTAX);
	BW_TRY(bw_size_parse(bw_slice_text(words[3]), &checkpoint.size));
	BW_TRY(bw_hash_parse(bw_slice_text(words[4]), &checkpoint.root));
	BW_TRY(bw_checkpoint_add_text(&text, checkpoint.origin, checkpoint.size, &checkpoint.root));
	checkpoint.note.text = bw_buf_slice(&text);
	BW_TRY(bw_buf_add(&note, bw_buf_slice(&text)));
	BW_TRY(bw_buf_add_u8(&note, '\n'));
	BW_TRY(sign_as(words[0], true, checkpoint.origin, &checkpoint, &note));
	BW_TRY(sign_as(words[1], false, ally, &checkpoint, &note));
	err = write_file(words[0], "signed", bw_buf_slice(&note));
	bw_run_plan_release(&plan);
	return err;
}

static enum bw_err run(int argc, char **argv)
{
	if (argc == 7 && bw_slice_is(bw_slice_text(argv[1]), "sign"))
		return sign(argv + 2);
	if (argc >= 5 && bw_slice_is(bw_slice_text(argv[1]), "forge"))
		return forge(argv[2], argv[3], argv + 4);
	return argc == 4 ? make(argv[1], argv[2], argv[3]) : BW_ERR_USAGE;
}

int main(int argc, char **argv)
{
	const enum bw_err err = run(argc, argv);

	(void)puts(err == BW_OK ? "ok" : bw_err_name(err));
	return err == BW_OK ? 0 : 1;
}
