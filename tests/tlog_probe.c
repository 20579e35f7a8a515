/*
 * A transparency log in a folder, for the stories that hold it against an independent verifier.
 *
 *   tlog_probe make DIR SIZE...          a log that grows to each SIZE in turn: tiles, checkpoint, policy, and proofs
 *                                        of the first, the middle and the last entry (proof-N, entry-N)
 *   tlog_probe log DIR POLICY            the whole log
 *   tlog_probe proof FILE POLICY ENTRY   one proof
 *
 * Prints "ok", or the name of the error and where, and exits with 1.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sys/files.h"
#include "tlog/proof.h"
#include "tlog/reader.h"
#include "tlog/writer.h"

/* ---- files ------------------------------------------------------------------------------------- */

static enum bw_err read_file(const char *folder, const char *name, struct bw_buf *out)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, folder, name));
	return bw_file_read(path, out, NULL);
}

/* Without a sync: what a story makes need not survive it. */
static enum bw_err write_file(const char *folder, const char *name, struct bw_slice bytes)
{
	char path[BW_PATH_BYTES];
	FILE *file;
	bool is_written;

	BW_TRY(bw_path_join(path, folder, name));
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			return bw_err_from_errno(errno);
		*slash = '/';
	}
	file = fopen(path, "we");
	if (file == NULL)
		return bw_err_from_errno(errno);
	is_written = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len;
	return fclose(file) == 0 && is_written ? BW_OK : BW_ERR_IO;
}

static enum bw_err get(void *ctx, const struct bw_tile *tile, struct bw_buf *out)
{
	char path[BW_TILE_PATH_BYTES];

	bw_tile_path(tile, path);
	return read_file(ctx, path, out);
}

static enum bw_err put(void *ctx, const struct bw_tile *tile, struct bw_slice bytes)
{
	char path[BW_TILE_PATH_BYTES];

	bw_tile_path(tile, path);
	return write_file(ctx, path, bytes);
}

/* ---- making ------------------------------------------------------------------------------------ */

struct signer {
	const char *name;
	enum bw_note_type type;
	struct bw_sign_key *key;
	struct bw_vkey vkey;
};

static struct signer signers[] = {
	{ .name = "log.example/probe", .type = BW_NOTE_ED25519 },
	{ .name = "witness.example/one", .type = BW_COSIGN_ED25519 },
	{ .name = "witness.example/two", .type = BW_COSIGN_MLDSA44 },
};

static enum bw_err open_signers(void)
{
	for (size_t i = 0; i < BW_COUNT(signers); i++) {
		uint8_t seed[BW_SIGN_SEED_BYTES];

		memset(seed, (int)i + 1, sizeof(seed));
		BW_TRY(bw_sign_key_new(bw_note_kind(signers[i].type), bw_slice_of(seed, sizeof(seed)),
				       &signers[i].key));
		BW_TRY(bw_vkey_make(bw_slice_text(signers[i].name), signers[i].type, bw_sign_key_public(signers[i].key),
				    &signers[i].vkey));
	}
	return BW_OK;
}

static struct bw_slice entry_at(uint64_t index, char room[64])
{
	const int len = snprintf(room, 64, "entry %llu%.*s", (unsigned long long)index, (int)(index % 23),
				 "......................");

	return bw_slice_of(room, (size_t)len);
}

static enum bw_err grow(const struct bw_tile_store *store, uint64_t from, uint64_t to, struct bw_hash *root)
{
	struct bw_tlog_writer *writer;
	enum bw_err err;
	uint64_t size;

	BW_TRY(bw_tlog_writer_open(store, from, root, true, &writer));
	err = BW_OK;
	for (uint64_t i = from; i < to && err == BW_OK; i++) {
		char room[64];
		const struct bw_slice entry = entry_at(i, room);

		err = bw_tlog_writer_add_entries(writer, &entry, 1);
	}
	if (err == BW_OK)
		err = bw_tlog_writer_commit(writer, &size, root);
	bw_tlog_writer_free(writer);
	return err;
}

static enum bw_err write_checkpoint(const char *folder, uint64_t size, const struct bw_hash *root)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;

	BW_TRY(bw_buf_reserve(&note, BW_NOTE_MAX / 2)); /* what is parsed stays where it is */
	BW_TRY(bw_checkpoint_make(size, root, &signers[0].vkey, signers[0].key, 0, &note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	for (size_t i = 1; i < BW_COUNT(signers); i++)
		BW_TRY(bw_checkpoint_sign(&checkpoint, &signers[i].vkey, signers[i].key, 1700000000 + i, &note));
	return write_file(folder, "checkpoint", bw_buf_slice(&note));
}

static enum bw_err write_policy(const char *folder)
{
	static const char *const before[] = { "log ", "\nwitness one ", "\nwitness two " };
	BW_CLEANUP(bw_buf_release) struct bw_buf policy = BW_BUF_INIT(BW_TRUST_BYTES_MAX);

	for (size_t i = 0; i < BW_COUNT(signers); i++) {
		BW_TRY(bw_buf_add_text(&policy, before[i]));
		BW_TRY(bw_vkey_add(&policy, &signers[i].vkey));
	}
	BW_TRY(bw_buf_add_text(&policy, "\ngroup both all one two\nquorum both\n"));
	return write_file(folder, "policy", bw_buf_slice(&policy));
}

static enum bw_err write_proof(const char *folder, struct bw_tlog_reader *reader, struct bw_slice checkpoint,
			       uint64_t index)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	struct bw_slice entry;
	struct bw_proof proof;
	char name[64];

	BW_TRY(bw_tlog_reader_inclusion(reader, index, &proof));
	BW_TRY(bw_proof_file_add(&file, BW_LIT("made by the probe"), index, &proof, checkpoint));
	(void)snprintf(name, sizeof(name), "proof-%llu", (unsigned long long)index);
	BW_TRY(write_file(folder, name, bw_buf_slice(&file)));
	BW_TRY(bw_tlog_reader_entry(reader, index, &entry));
	(void)snprintf(name, sizeof(name), "entry-%llu", (unsigned long long)index);
	return write_file(folder, name, entry);
}

static enum bw_err write_proofs(char *folder, uint64_t size, const struct bw_hash *root)
{
	const struct bw_tile_store store = { folder, get, put };
	BW_CLEANUP(bw_buf_release) struct bw_buf checkpoint = BW_BUF_INIT(BW_NOTE_MAX);
	const uint64_t indexes[] = { 0, size / 2, size - 1 };
	struct bw_tlog_reader *reader;
	enum bw_err err = BW_OK;

	BW_TRY(read_file(folder, "checkpoint", &checkpoint));
	BW_TRY(bw_tlog_reader_open(&store, size, root, 0, NULL, &reader));
	for (size_t i = 0; i < BW_COUNT(indexes) && err == BW_OK; i++)
		err = write_proof(folder, reader, bw_buf_slice(&checkpoint), indexes[i]);
	bw_tlog_reader_free(reader);
	return err;
}

static enum bw_err make(char *folder, char **sizes)
{
	const struct bw_tile_store store = { folder, get, put };
	struct bw_hash root = bw_hash_empty();
	uint64_t size = 0;

	BW_TRY(open_signers());
	for (; *sizes != NULL; sizes++) {
		uint64_t next;

		BW_TRY(bw_size_parse(bw_slice_text(*sizes), &next));
		BW_TRY(grow(&store, size, next, &root));
		size = next;
	}
	BW_TRY(write_checkpoint(folder, size, &root));
	BW_TRY(write_policy(folder));
	return size == 0 ? BW_OK : write_proofs(folder, size, &root);
}

/* ---- verifying ----------------------------------------------------------------------------------- */

static enum bw_err read_policy(const char *path, struct bw_trust **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_TRUST_BYTES_MAX);

	BW_TRY(bw_file_read(path, &text, NULL));
	return bw_trust_parse(bw_buf_slice(&text), NULL, out);
}

static enum bw_err check_tiles(char *folder, const struct bw_checkpoint *checkpoint, struct bw_tlog_reader_fault *fault)
{
	const struct bw_tile_store store = { folder, get, NULL };
	const struct bw_tlog_check check = { .has_entries = true };
	struct bw_tlog_reader *reader;
	enum bw_err err;

	BW_TRY(bw_tlog_reader_open(&store, checkpoint->size, &checkpoint->root, 0, fault, &reader));
	err = bw_tlog_check(reader, &check);
	*fault = bw_tlog_reader_fault(reader);
	bw_tlog_reader_free(reader);
	return err;
}

static enum bw_err verify_log(char *folder, const char *policy_path, struct bw_tlog_reader_fault *fault)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct bw_trust *policy;
	enum bw_err err;

	BW_TRY(read_file(folder, "checkpoint", &note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	BW_TRY(read_policy(policy_path, &policy));
	err = bw_trust_check(policy, NULL, &checkpoint, NULL);
	bw_trust_free(policy);
	BW_TRY(err);
	return check_tiles(folder, &checkpoint, fault);
}

static enum bw_err verify_proof(const char *path, const char *policy_path, const char *entry_path)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf entry = BW_BUF_INIT(BW_ENTRY_MAX);
	static struct bw_proof_file file;
	struct bw_trust *policy;
	struct bw_hash leaf;
	enum bw_err err;

	BW_TRY(bw_file_read(path, &text, NULL));
	BW_TRY(bw_file_read(entry_path, &entry, NULL));
	BW_TRY(bw_proof_file_parse(bw_buf_slice(&text), &file));
	BW_TRY(read_policy(policy_path, &policy));
	leaf = bw_hash_leaf(bw_buf_slice(&entry));
	err = bw_proof_file_verify(&file, &leaf, policy, NULL, NULL);
	bw_trust_free(policy);
	return err;
}

int main(int argc, char **argv)
{
	struct bw_tlog_reader_fault fault = { .tile.width = 1 };
	char where[BW_TILE_PATH_BYTES];
	enum bw_err err = BW_ERR_USAGE;

	if (argc >= 4 && strcmp(argv[1], "make") == 0)
		err = make(argv[2], argv + 3);
	else if (argc == 4 && strcmp(argv[1], "log") == 0)
		err = verify_log(argv[2], argv[3], &fault);
	else if (argc == 5 && strcmp(argv[1], "proof") == 0)
		err = verify_proof(argv[2], argv[3], argv[4]);
	for (size_t i = 0; i < BW_COUNT(signers); i++)
		bw_sign_key_free(signers[i].key);
	bw_tile_path(&fault.tile, where);
	if (err == BW_OK)
		puts("ok");
	else
		printf("%s %s\n", bw_err_name(err), where);
	return err == BW_OK ? 0 : 1;
}
