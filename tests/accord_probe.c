/*
 * What one node told another, in a folder, for the stories that hold it against an independent verifier.
 *
 *   accord_probe DIR COUNT ERASED    a log of COUNT entries (accord/outbound.h), the first ERASED of which are erased
 *                                    since; policy, and for the first and the last entry: proof-N, entry-N
 *
 * Prints "ok", or the name of the error, and exits with 1.
 */
#include <stdio.h>

#include "accord/outbound.h"
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

int main(int argc, char **argv)
{
	const enum bw_err err = argc == 4 ? make(argv[1], argv[2], argv[3]) : BW_ERR_USAGE;

	(void)puts(err == BW_OK ? "ok" : bw_err_name(err));
	return err == BW_OK ? 0 : 1;
}
