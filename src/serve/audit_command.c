/* `breakwater audit show|verify`. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/command.h"
#include "base/progress.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/folder.h"
#include "desk/desk_command.h"
#include "serve/seal.h"
#include "store/audit.h"
#include "store/audit_line.h"
#include "sys/clock.h"

enum { LAST_MAX = 100000, NODES_MAX = 32 };

/* ---- show ------------------------------------------------------------------ */

struct showing {
	bool as_json;
	int64_t since_us;
	struct bw_slice account; /* empty: any */
	struct bw_slice action;
	struct bw_arena arena; /* of one line */
	/* the last lines that match, when only so many are wanted; a ring */
	struct bw_buf *last;
	size_t last_max; /* 0: all are printed at once */
	uint64_t matched;
};

static void print_field(const char *before, struct bw_slice text)
{
	(void)fputs(before, stdout);
	bw_print_foreign(text);
}

static void print_text(const struct bw_audit_line *line)
{
	char time[BW_TIME_BYTES];

	bw_time_format(line->time_us, time);
	(void)printf("%s  ", time);
	print_field("", line->account.len > 0 ? line->account : BW_LIT("nobody"));
	if (line->address.len > 0)
		print_field(" from ", line->address);
	print_field("  ", line->action);
	print_field(" ", line->target);
	if (line->status > 0)
		(void)printf("  %" PRIu64, line->status);
	if (line->count > 1)
		(void)printf("  %" PRIu64 " times", line->count);
	if (line->note.len > 0)
		print_field("  ", line->note);
	(void)putchar('\n');
}

static enum bw_err print_line(struct showing *s, struct bw_slice text)
{
	struct bw_audit_line line;

	if (s->as_json) { /* as it stands in the log, so that the chain can be checked elsewhere */
		(void)fwrite(text.ptr, 1, text.len, stdout);
		(void)putchar('\n');
		return BW_OK;
	}
	bw_arena_reset(&s->arena);
	BW_TRY(bw_audit_line_parse(text, &s->arena, &line, NULL));
	print_text(&line);
	return BW_OK;
}

static bool matches(const struct showing *s, const struct bw_audit_line *line)
{
	return line->time_us >= s->since_us && (s->account.len == 0 || bw_slice_equals(s->account, line->account)) &&
	       (s->action.len == 0 || bw_slice_equals(s->action, line->action));
}

static enum bw_err show_line(void *ctx, uint64_t seq, struct bw_slice text)
{
	struct showing *s = ctx;
	struct bw_audit_line line;
	struct bw_buf *place;

	(void)seq;
	bw_arena_reset(&s->arena);
	if (bw_audit_line_parse(text, &s->arena, &line, NULL) != BW_OK)
		return BW_ERR_CORRUPT;
	if (!matches(s, &line))
		return BW_OK;
	s->matched++;
	if (s->last_max == 0)
		return ferror(stdout) != 0 ? BW_ERR_CLOSED : print_line(s, text);
	place = &s->last[(s->matched - 1) % s->last_max];
	bw_buf_clear(place);
	place->max = BW_AUDIT_LINE_MAX;
	return bw_buf_add(place, text);
}

static enum bw_err print_last(struct showing *s)
{
	const uint64_t count = s->matched < s->last_max ? s->matched : s->last_max;

	for (uint64_t i = s->matched - count; i < s->matched; i++)
		BW_TRY(print_line(s, bw_buf_slice(&s->last[i % s->last_max])));
	return BW_OK;
}

static enum bw_err show_all(struct showing *s, struct bw_store *store)
{
	if (s->last_max > 0) {
		s->last = calloc(s->last_max, sizeof(*s->last));
		BW_NEED(s->last != NULL, MEMORY);
	}
	BW_TRY(bw_store_audit_walk(store, 1, show_line, s));
	return s->last_max > 0 ? print_last(s) : BW_OK;
}

static void showing_release(struct showing *s)
{
	for (size_t i = 0; s->last != NULL && i < s->last_max; i++)
		bw_buf_release(&s->last[i]);
	free(s->last);
	bw_arena_release(&s->arena);
}

static int show_run(struct bw_call *call)
{
	struct showing s = { .as_json = bw_call_json(call),
			     .since_us = BW_TIME_MIN,
			     .account = bw_call_slice(call, "account"),
			     .action = bw_call_slice(call, "action"),
			     .last_max = (size_t)bw_call_num(call, "limit"),
			     .arena = BW_ARENA_INIT((size_t)4 * BW_AUDIT_LINE_MAX) };
	int status;
	struct bw_desk *desk;
	enum bw_err err;

	if (bw_call_has(call, "since") &&
	    bw_time_parse_any(bw_slice_text(bw_call_text(call, "since")), &s.since_us) != BW_OK)
		return bw_complain(call, BW_EXIT_USAGE, "write it like 2026-01-31T12:00:00Z",
				   "--since is '%s', and must be a timestamp", bw_call_text(call, "since"));
	desk = bw_desk_for(call, &status);
	if (desk == NULL)
		return status;
	err = show_all(&s, bw_desk_store(desk));
	if (err == BW_ERR_CORRUPT)
		status = bw_complain(call, BW_EXIT_FOUND, "breakwater audit verify",
				     "a line of the audit log is damaged");
	else if (err != BW_OK && ferror(stdout) == 0)
		status = bw_complain_store(call, desk, err, "read the audit log");
	showing_release(&s);
	bw_desk_close(desk);
	return status;
}

/* ---- verify ------------------------------------------------------------------ */

struct verifying {
	const struct bw_call *call;
	struct bw_audit_chain chain;
	uint64_t lines;
	uint64_t bad_line; /* counted from 1; 0: none */
	uint64_t seals;    /* signatures that fit */
	size_t node_count; /* 0: seals are passed over */
	struct bw_node_public nodes[NODES_MAX];
	struct bw_arena line_arena;
	const char *reason;
	struct bw_progress progress;
};

static enum bw_err add_node(struct verifying *v, const char *path, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT((size_t)2 * BW_NODE_PUBLIC_BYTES);
	struct bw_cursor c;

	if (v->node_count == NODES_MAX)
		return bw_why_set(why, BW_ERR_TOO_MANY, "more than %d files of public keys", NODES_MAX);
	BW_TRY(bw_file_read(path, &file, why));
	c = bw_cursor_over(bw_buf_slice(&file));
	if (bw_node_public_take(&c, &v->nodes[v->node_count]) != BW_OK || bw_cursor_left(&c) != 0)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' does not hold a node's public keys", path);
	v->node_count++;
	return BW_OK;
}

/* The node's own public keys, those before a rotation too; other files in the folder are not ours to judge. */
static void add_own_nodes(struct verifying *v)
{
	struct bw_place place;
	glob_t found = { 0 };

	if (bw_folder_place(bw_call_data(v->call), "keys/*.pub", &place) != BW_OK)
		return;
	if (glob(place.path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			bw_err_drop(add_node(v, found.gl_pathv[i], NULL));
	}
	globfree(&found);
}

/* A seal must fit the line before it; without the node's public keys seals are passed over. */
static enum bw_err verify_seal(struct verifying *v, struct bw_slice text)
{
	struct bw_audit_line line;

	if (v->node_count == 0)
		return BW_OK;
	bw_arena_reset(&v->line_arena);
	BW_TRY(bw_audit_line_parse(text, &v->line_arena, &line, NULL));
	if (!bw_slice_is(line.action, BW_SEAL_ACTION))
		return BW_OK;
	for (size_t i = 0; i < v->node_count; i++) {
		if (bw_seal_check(&v->nodes[i], line.seq - 1, line.prev, line.note) != BW_OK)
			continue;
		v->seals++;
		return BW_OK;
	}
	return BW_ERR_SIGNATURE;
}

static enum bw_err verify_line(void *ctx, uint64_t seq, struct bw_slice text)
{
	struct verifying *v = ctx;
	struct bw_fault fault = { 0 };
	enum bw_err err;

	(void)seq;
	v->lines++;
	if (v->lines % 1024 == 0)
		bw_progress_at(&v->progress, v->lines);
	err = bw_audit_chain_next(&v->chain, text, &fault);
	if (err == BW_OK) {
		err = verify_seal(v, text);
		fault.reason = "its signature does not fit the node's keys and the line before it";
	}
	if (err == BW_OK || err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO)
		return err;
	v->bad_line = v->lines;
	v->reason = fault.reason != NULL ? fault.reason : bw_err_text(err);
	return BW_ERR_CORRUPT;
}

/* The end of the chain must be as far on as the store says: a log cut off at its end is not whole. */
static enum bw_err verify_store(struct verifying *v, struct bw_store *store)
{
	struct bw_audit_head head;

	BW_TRY(bw_store_audit_head(store, &head));
	BW_TRY(bw_store_audit_walk(store, 1, verify_line, v));
	if (v->chain.first_seq > 1) {
		v->bad_line = 1;
		v->reason = "lines before it are gone";
		return BW_ERR_CORRUPT;
	}
	if (v->chain.seq < head.seq) {
		v->bad_line = v->lines + 1;
		v->reason = "it is gone, with all that follow";
		return BW_ERR_CORRUPT;
	}
	return BW_OK;
}

/* One line without its newline; NOT_FOUND at the end, TOO_BIG. */
static enum bw_err read_line(FILE *file, struct bw_buf *out)
{
	int c;

	bw_buf_clear(out);
	while ((c = getc(file)) != EOF && c != '\n')
		BW_TRY(bw_buf_add_u8(out, (uint8_t)c));
	BW_NEED(ferror(file) == 0, IO);
	return c == EOF && out->len == 0 ? BW_ERR_NOT_FOUND : BW_OK;
}

static enum bw_err verify_file(struct verifying *v, FILE *file)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_AUDIT_LINE_MAX);

	for (;;) {
		const enum bw_err err = read_line(file, &line);

		if (err == BW_ERR_NOT_FOUND)
			return BW_OK;
		if (err == BW_ERR_TOO_BIG) {
			v->bad_line = v->lines + 1;
			v->reason = "it is longer than any line of an audit log";
			return BW_ERR_CORRUPT;
		}
		BW_TRY(err);
		BW_TRY(verify_line(v, 0, bw_buf_slice(&line)));
	}
}

static enum bw_err write_json(const struct verifying *v, struct bw_buf *out)
{
	char hex[2 * BW_AUDIT_HASH_BYTES + 1];

	bw_hex_encode(bw_slice_of(v->chain.hash, BW_AUDIT_HASH_BYTES), hex);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_bool(out, "whole", v->bad_line == 0));
	BW_TRY(bw_json_add_num(out, "lines", (int64_t)(v->bad_line == 0 ? v->lines : v->bad_line - 1)));
	BW_TRY(bw_json_add_num(out, "first", (int64_t)v->chain.first_seq));
	BW_TRY(bw_json_add_num(out, "last", (int64_t)v->chain.seq));
	BW_TRY(bw_json_add_text(out, "head", bw_slice_text(hex)));
	BW_TRY(bw_json_add_num(out, "seals", (int64_t)v->seals));
	if (v->bad_line > 0) {
		BW_TRY(bw_json_add_num(out, "bad_line", (int64_t)v->bad_line));
		BW_TRY(bw_json_add_text(out, "reason", bw_slice_text(v->reason)));
	}
	return bw_buf_add_u8(out, '}');
}

static int report(const struct verifying *v)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);
	char hex[2 * BW_AUDIT_HASH_BYTES + 1];
	int status = BW_EXIT_OK;

	if (bw_call_json(v->call))
		status = bw_print_json(v->call, write_json(v, &json), &json);
	if (v->bad_line > 0)
		return bw_complain(v->call, BW_EXIT_FOUND, NULL, "line %" PRIu64 " does not fit the chain: %s",
				   v->bad_line, v->reason);
	if (bw_call_json(v->call))
		return status;
	bw_hex_encode(bw_slice_of(v->chain.hash, BW_AUDIT_HASH_BYTES), hex);
	(void)printf("the chain is whole: %" PRIu64 " lines, numbers %" PRIu64 " to %" PRIu64 "\nlast hash %s\n",
		     v->lines, v->chain.first_seq, v->chain.seq, hex);
	if (v->node_count == 0)
		(void)printf("signatures in it were not checked: no node keys were given (--node FILE)\n");
	else if (v->seals == 0)
		(void)printf("not signed by the node: a server that has the passphrase (serve --passphrase-file) signs "
			     "it\n");
	else
		(void)printf("signed by the node %" PRIu64 " times, and every signature fits\n", v->seals);
	return BW_EXIT_OK;
}

static int verify_given_file(struct verifying *v, const char *path)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	enum bw_err err;

	if (file == NULL)
		return bw_complain(v->call, BW_EXIT_FAILED, NULL, "cannot read '%s': %s", path,
				   bw_err_text(bw_err_from_errno(errno)));
	err = verify_file(v, file);
	if (!is_stdin)
		(void)fclose(file);
	if (err != BW_OK && err != BW_ERR_CORRUPT)
		return bw_complain(v->call, BW_EXIT_FAILED, NULL, "cannot read '%s': %s", path, bw_err_text(err));
	return report(v);
}

static int verify_own_log(struct verifying *v)
{
	int status;
	struct bw_desk *desk = bw_desk_for(v->call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	bw_progress_begin(&v->progress, "checking", "lines", 0, bw_call_flag(v->call, "quiet"));
	err = verify_store(v, bw_desk_store(desk));
	bw_progress_end(&v->progress);
	if (err != BW_OK && v->bad_line == 0)
		status = bw_complain_store(v->call, desk, err, "read the audit log");
	else
		status = report(v);
	bw_desk_close(desk);
	return status;
}

static int verify_run(struct bw_call *call)
{
	struct verifying v = { .call = call,
			       .chain = { .arena = BW_ARENA_INIT((size_t)4 * BW_AUDIT_LINE_MAX) },
			       .line_arena = BW_ARENA_INIT((size_t)4 * BW_AUDIT_LINE_MAX) };
	struct bw_why why = { 0 };
	int status;

	for (size_t i = 0; i < bw_call_count(call, "node"); i++) {
		if (add_node(&v, bw_call_nth(call, "node", i), &why) != BW_OK)
			return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text);
	}
	if (bw_call_args(call) == 0)
		add_own_nodes(&v);
	status = bw_call_args(call) > 0 ? verify_given_file(&v, bw_call_arg(call, 0)) : verify_own_log(&v);
	bw_arena_release(&v.chain.arena);
	bw_arena_release(&v.line_arena);
	return status;
}

/* ---- rows ------------------------------------------------------------------------ */

static const struct bw_option verify_options[] = {
	{ .name = "node",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .repeat = true,
	  .help = "public keys of the node (keys/node.pub), to check its signatures in an exported log" },
	{ 0 },
};

static const struct bw_option show_options[] = {
	{ .name = "since", .kind = BW_OPT_TEXT, .value_name = "TIME", .help = "only lines from then on" },
	{ .name = "account", .kind = BW_OPT_TEXT, .value_name = "NAME", .help = "only what this account did" },
	{ .name = "action", .kind = BW_OPT_TEXT, .value_name = "WORD", .help = "only this, e.g. POST or account-add" },
	{ .name = "limit",
	  .kind = BW_OPT_NUM,
	  .min = 0,
	  .max = LAST_MAX,
	  .fallback = "0",
	  .unit = "lines",
	  .help = "only the last so many; 0: all" },
	{ 0 },
};

static const struct bw_command audit_verbs[] = {
	{ .name = "show",
	  .summary = "print the audit log, oldest line first",
	  .usage = "[--since TIME] [--account NAME] [--action WORD] [--limit N]",
	  .details = "With --format json each line is printed exactly as it stands in the log; such a file, if no line "
		     "is missing between its first and its last, is what 'audit verify FILE' checks on any machine.",
	  .options = show_options,
	  .max_args = 0,
	  .run = show_run },
	{ .name = "verify",
	  .summary = "check that no line of the audit log was changed, dropped or put in",
	  .usage = "[FILE]",
	  .details =
		  "Follows the chain of hashes through the log of the data folder, or through FILE ('-': standard "
		  "input), written by 'audit show --format json'. Exit status 1 when it breaks, with the first line "
		  "that does not fit. Lines with the action audit-head hold the node's signature over the line before "
		  "them; they are checked with the node's public keys (those in the data folder, or --node FILE). A "
		  "chain without such lines that was made anew from its first line on verifies too: keep the last hash "
		  "elsewhere to notice that.",
	  .options = verify_options,
	  .max_args = 1,
	  .run = verify_run },
	{ 0 },
};

const struct bw_command bw_audit_command = {
	.name = "audit",
	.summary = "print the audit log and check that it is whole",
	.usage = "show|verify",
	.verbs = audit_verbs,
};
