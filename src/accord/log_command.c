/* What stands in a log, held against its signatures; and a proof of one entry for somebody else. */
#include "accord/log_command.h"

#include <stdio.h>

#include "accord/book.h"
#include "accord/log_open.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "sys/clock.h"
#include "tlog/proof.h"
#include "tlog/reader.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

enum { SLOTS = 1024, LINE_BYTES = 64 * 1024, PROOF_MODE = 0644 };

const struct bw_option bw_accord_verify_options[] = {
	{ .name = "received",
	  .kind = BW_OPT_FLAG,
	  .help = "what this node was told under the accord, instead of what it told" },
	{ .name = "folder",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "a log's tiles and checkpoint, from anywhere, instead of an accord's" },
	{ .name = "policy",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "with --folder: whose signatures count (C2SP tlog-policy)" },
	{ 0 },
};

const struct bw_option bw_accord_prove_options[] = {
	{ .name = "to", .kind = BW_OPT_TEXT, .value_name = "DIR", .fallback = ".", .help = "where the files go" },
	{ 0 },
};

/* One call: a log in a folder, and whose word counts for it. */
struct looking {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_buf policy;
	struct bw_trust *trust;
	char folder[BW_PATH_BYTES];
	struct bw_outbound *out; /* NULL: somebody else's folder, or what was received */
	struct bw_log_heard heard;
	uint64_t verified; /* with `heard`: entries whose content was held against the checkpoint */
	struct bw_buf note;
	struct bw_checkpoint checkpoint;
	struct bw_trust_result signers;
	struct bw_tile_store store;
	struct bw_tlog_reader *reader;
	uint64_t erased;
	struct bw_why why;
};

static void release(struct looking *l)
{
	bw_tlog_reader_free(l->reader);
	bw_outbound_close(l->out);
	bw_log_heard_close(&l->heard);
	bw_trust_free(l->trust);
	bw_buf_release(&l->policy);
	bw_buf_release(&l->note);
	bw_arena_release(&l->arena);
}

/* Does the log, or the entry, fail to verify? Else something could not be read. */
static bool is_verdict(enum bw_err err)
{
	return err == BW_ERR_EDITED || err == BW_ERR_CUT_SHORT || err == BW_ERR_ROLLBACK || err == BW_ERR_SPLIT_VIEW ||
	       err == BW_ERR_PROOF || err == BW_ERR_SIGNATURE || err == BW_ERR_DENIED || err == BW_ERR_MISSING ||
	       err == BW_ERR_CORRUPT;
}

static int run(struct bw_call *call, enum bw_err (*work)(struct looking *l))
{
	struct looking l = { .call = call,
			     .arena = BW_ARENA_INIT(ARENA_BYTES),
			     .policy = BW_BUF_INIT(BW_TRUST_BYTES_MAX),
			     .note = BW_BUF_INIT(BW_NOTE_MAX) };
	const enum bw_err err = work(&l);
	int status = BW_EXIT_OK;

	if (err == BW_ERR_USAGE)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "%s", l.why.text);
	else if (is_verdict(err))
		status = bw_complain(call, BW_EXIT_FOUND, NULL, "%s: %s", bw_err_name(err),
				     l.why.text[0] != '\0' ? l.why.text : bw_err_text(err));
	else if (err != BW_OK)
		status = bw_complain_why(call, err, &l.why);
	release(&l);
	return status;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static enum bw_err open_ours(struct looking *l, struct bw_slice id)
{
	struct bw_book book;
	struct bw_book_entry entry;
	struct bw_log_open log;
	enum bw_err err;

	BW_TRY(bw_book_open(bw_call_data(l->call), &l->arena, &book, &l->why));
	BW_TRY(bw_book_find(&book, id, &entry, &l->why));
	err = bw_log_open(&book, &entry, &l->arena, &log, &l->why);
	l->policy = bw_buf_move(&log.policy);
	l->trust = log.trust;
	l->out = log.out;
	memcpy(l->folder, log.folder.path, sizeof(l->folder));
	return err;
}

static enum bw_err open_folder(struct looking *l)
{
	const char *policy = bw_call_text(l->call, "policy");

	if (policy == NULL)
		return bw_why_set(&l->why, BW_ERR_USAGE, "--folder needs --policy: whose signatures count?");
	BW_TRY(bw_file_read(policy, &l->policy, &l->why));
	BW_TRY(bw_log_policy(bw_buf_slice(&l->policy), &l->trust, &l->why));
	return bw_path_join(l->folder, bw_call_text(l->call, "folder"), "");
}

static enum bw_err open_checkpoint(struct looking *l)
{
	char path[BW_PATH_BYTES];
	enum bw_err err = BW_OK;

	BW_TRY(bw_path_join(path, l->folder, "checkpoint"));
	if (l->out != NULL) /* as it was when the rest was read: its owner goes on meanwhile */
		err = bw_buf_add(&l->note, bw_outbound_checkpoint(l->out));
	else
		err = bw_file_read(path, &l->note, &l->why);
	if (err == BW_ERR_NOT_FOUND || (err == BW_OK && l->note.len == 0))
		return bw_why_set(&l->why, BW_ERR_NOT_FOUND, "nothing was delivered from '%s' yet", l->folder);
	BW_TRY(err);
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&l->note), &l->checkpoint));
	return bw_trust_check_all(l->trust, &l->checkpoint, &l->signers);
}

static enum bw_err open_log(struct looking *l)
{
	const bool has_id = bw_call_args(l->call) == 1;

	if (has_id == (bw_call_text(l->call, "folder") != NULL))
		return bw_why_set(&l->why, BW_ERR_USAGE, "either the ID of an accord, or --folder and --policy");
	BW_TRY(has_id ? open_ours(l, bw_slice_text(bw_call_arg(l->call, 0))) : open_folder(l));
	return open_checkpoint(l);
}

/* ---- verify -------------------------------------------------------------------------------------- */

static enum bw_err say_fault(struct looking *l, enum bw_err err)
{
	char path[BW_TILE_PATH_BYTES];
	struct bw_tlog_reader_fault fault;

	if (err != BW_ERR_EDITED && err != BW_ERR_CUT_SHORT)
		return err;
	fault = bw_tlog_reader_fault(l->reader);
	bw_tile_path(&fault.tile, path);
	return bw_why_set(&l->why, err, "%s: %s/%s", bw_err_text(err), l->folder, path);
}

/* Of our own log: what was sealed is what the leaf commits to, or gone. */
static enum bw_err check_entries(struct looking *l)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf entry = BW_BUF_INIT(BW_CROSSING_SALT_BYTES + BW_CROSSING_MAX + 64);
	const int64_t now_us = bw_clock_now_us();

	for (uint64_t i = 0; i < l->checkpoint.size; i++) {
		struct bw_hash leaf;
		struct bw_hash made;
		enum bw_err err;

		bw_buf_clear(&entry);
		err = bw_outbound_entry(l->out, i, now_us, &entry, &l->why);
		l->erased += err == BW_ERR_ERASED;
		if (err == BW_ERR_ERASED)
			continue;
		BW_TRY(err);
		BW_TRY(bw_tlog_reader_leaf(l->reader, i, &leaf));
		made = bw_hash_leaf(bw_buf_slice(&entry));
		if (!bw_hash_equals(&leaf, &made))
			return bw_why_set(&l->why, BW_ERR_EDITED, "entry %llu is not what was logged",
					  (unsigned long long)i);
	}
	return BW_OK;
}

static enum bw_err check_all(struct looking *l)
{
	char bundles[BW_PATH_BYTES];
	struct bw_tlog_check check = { 0 };
	enum bw_err err;

	BW_TRY(bw_path_join(bundles, l->folder, "tile/entries"));
	check.has_entries = bw_file_exists(bundles);
	l->store = bw_outbound_tile_folder(l->folder);
	err = bw_tlog_reader_open(&l->store, l->checkpoint.size, &l->checkpoint.root, SLOTS, NULL, &l->reader);
	if (err != BW_OK)
		return bw_why_set(&l->why, err, "%s: the right edge of '%s'", bw_err_text(err), l->folder);
	BW_TRY(say_fault(l, bw_tlog_check(l->reader, &check)));
	return l->out == NULL ? BW_OK : check_entries(l);
}

static void print_signers(const struct looking *l)
{
	const struct bw_trust *trust = l->heard.in != NULL ? l->heard.trust : l->trust;

	for (size_t i = 0; i < bw_trust_witness_count(trust); i++) {
		const struct bw_trust_party *witness = bw_trust_witness(trust, i);
		char time[BW_TIME_BYTES];

		if (!l->signers.is_cosigned[i])
			continue;
		bw_time_format((int64_t)(l->signers.times[i] % (UINT64_C(1) << 38)) * 1000000, time);
		(void)printf("  cosigned by ");
		bw_print_foreign(bw_vkey_name(&witness->vkey));
		(void)printf(" (%s) at %s\n", witness->vkey.type == BW_COSIGN_MLDSA44 ? "ML-DSA-44" : "Ed25519", time);
	}
}

static enum bw_err add_result(struct bw_buf *out, const struct looking *l)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "origin", l->checkpoint.origin));
	BW_TRY(bw_json_add_num(out, "entries", (int64_t)l->checkpoint.size));
	BW_TRY(bw_json_add_num(out, "erased", (int64_t)l->erased));
	if (l->heard.in != NULL)
		BW_TRY(bw_json_add_num(out, "taken", (int64_t)l->verified));
	BW_TRY(bw_json_add_num(out, "cosignatures", (int64_t)l->signers.cosigned));
	BW_TRY(bw_json_add_bool(out, "verifies", true));
	return bw_buf_add_u8(out, '}');
}

/*
 * What was received: the partner's checkpoint as the accord asks for it, and the tree of all entries that were taken in
 * as they came. Their contents are in the store, without the salts: those nobody needs any more.
 */
static enum bw_err check_received(struct looking *l)
{
	struct bw_book book;
	struct bw_book_entry entry;
	struct bw_hash root;

	BW_TRY(bw_book_open(bw_call_data(l->call), &l->arena, &book, &l->why));
	BW_TRY(bw_book_find(&book, bw_slice_text(bw_call_arg(l->call, 0)), &entry, &l->why));
	BW_TRY(bw_log_heard_open(&book, &entry, &l->arena, &l->heard, &l->why));
	BW_TRY(bw_buf_add(&l->note, bw_inbound_checkpoint(l->heard.in)));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&l->note), &l->checkpoint));
	BW_TRY(bw_trust_check_all(l->heard.trust, &l->checkpoint, &l->signers));
	bw_inbound_verified(l->heard.in, &l->verified, &root);
	if (l->verified == l->checkpoint.size && !bw_hash_equals(&root, &l->checkpoint.root))
		return bw_why_set(&l->why, BW_ERR_EDITED, "what was taken in is not what the partner signed");
	return BW_OK;
}

static enum bw_err check(struct looking *l)
{
	if (!bw_call_flag(l->call, "received")) {
		BW_TRY(open_log(l));
		return check_all(l);
	}
	if (bw_call_args(l->call) != 1 || bw_call_text(l->call, "folder") != NULL)
		return bw_why_set(&l->why, BW_ERR_USAGE, "--received needs the ID of an accord");
	return check_received(l);
}

/* A partner who was cut off: what is kept verifies all the same. */
static void print_stopped(const struct looking *l)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_KIB);

	if (l->heard.in == NULL || bw_inbound_stopped(l->heard.folder.path, &reason, NULL) != BW_OK)
		return;
	(void)printf("  nothing more is taken: ");
	bw_print_foreign(bw_buf_slice(&reason));
	(void)printf("\n");
}

static enum bw_err verify(struct looking *l)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(LINE_BYTES);

	BW_TRY(check(l));
	if (bw_call_json(l->call)) {
		(void)bw_print_json(l->call, add_result(&json, l), &json);
		return BW_OK;
	}
	(void)printf("Verifies: %llu entries", (unsigned long long)l->checkpoint.size);
	if (l->erased > 0)
		(void)printf(", %llu of them erased at the end of their time", (unsigned long long)l->erased);
	if (l->heard.in != NULL)
		(void)printf(" told us, %llu of them taken in", (unsigned long long)l->verified);
	(void)printf("\n  log ");
	bw_print_foreign(l->checkpoint.origin);
	(void)printf("\n");
	print_signers(l);
	print_stopped(l);
	return BW_OK;
}

int bw_accord_verify_run(struct bw_call *call)
{
	return run(call, verify);
}

/* ---- prove --------------------------------------------------------------------------------------- */

struct newest {
	bool is_there;
	struct bw_outbound_found found;
};

static enum bw_err note_newest(void *ctx, const struct bw_outbound_found *found)
{
	struct newest *newest = ctx;

	if (found->is_logged)
		*newest = (struct newest){ true, *found };
	return BW_OK;
}

static enum bw_err write_part(struct looking *l, uint64_t index, const char *ending, struct bw_slice bytes)
{
	char name[BW_ACCORD_ID_MAX + 64];
	char path[BW_PATH_BYTES];

	(void)snprintf(name, sizeof(name), "%s-%llu.%s", bw_call_arg(l->call, 0), (unsigned long long)index, ending);
	BW_TRY(bw_path_join(path, bw_call_text(l->call, "to"), name));
	BW_TRY(bw_file_write(path, bytes, PROOF_MODE, &l->why));
	(void)printf("%s\n", path);
	return BW_OK;
}

static enum bw_err prove(struct looking *l)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf proof = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	BW_CLEANUP(bw_buf_wipe) struct bw_buf entry = BW_BUF_INIT(BW_CROSSING_SALT_BYTES + BW_CROSSING_MAX + 64);
	const struct bw_slice object = bw_slice_text(bw_call_arg(l->call, 1));
	struct newest newest = { 0 };
	enum bw_err err;

	BW_TRY(open_ours(l, bw_slice_text(bw_call_arg(l->call, 0))));
	BW_TRY(bw_outbound_find(l->out, object, bw_slice_empty, note_newest, &newest, &l->why));
	if (!newest.is_there)
		return bw_why_set(&l->why, BW_ERR_NOT_FOUND, "'%.*s' never crossed under this accord", BW_ARG(object));
	err = bw_outbound_prove(l->out, newest.found.index, &proof);
	if (err == BW_ERR_AGAIN || err == BW_ERR_RANGE)
		return bw_why_set(&l->why, BW_ERR_AGAIN, "it is logged, but the witnesses have not cosigned it yet");
	BW_TRY(err);
	err = bw_outbound_entry(l->out, newest.found.index, bw_clock_now_us(), &entry, &l->why);
	if (err == BW_OK)
		err = write_part(l, newest.found.index, "entry", bw_buf_slice(&entry));
	if (err == BW_ERR_ERASED)
		(void)printf("its content is erased here: whoever has the entry can hold it against the proof\n");
	else
		BW_TRY(err);
	BW_TRY(write_part(l, newest.found.index, "tlog-proof", bw_buf_slice(&proof)));
	return write_part(l, newest.found.index, "policy", bw_buf_slice(&l->policy));
}

int bw_accord_prove_run(struct bw_call *call)
{
	return run(call, prove);
}
