/*
 * The config file: libinih splits the lines, the option rows judge them.
 */
#include <ini.h>

#include "cli/call.h"
#include "cli/nearest.h"

struct reading {
	struct bw_call *call;
	const struct bw_command *const *commands;
	struct bw_buf *why;
	size_t from_line; /* values before this one came from the command line */
	enum bw_err err;
};

struct target {
	const struct bw_command *command; /* NULL: the common options */
	const struct bw_command *parent;
};

/* "serve", "collection add", or "" before the first section. */
static enum bw_err find_target(const struct reading *r, const char *section, struct target *out)
{
	struct bw_slice name = bw_slice_text(section);
	struct bw_slice verb = bw_slice_empty;
	struct target target = { 0 };

	if (name.len == 0) {
		*out = target;
		return BW_OK;
	}
	(void)bw_slice_cut(name, ' ', &name, &verb);
	target.command = bw_command_find(r->commands, name);
	if (target.command != NULL && verb.len > 0) {
		target.parent = target.command;
		target.command = bw_verb_find(target.parent, bw_slice_trim(verb));
	}
	if (target.command == NULL) {
		BW_TRY(bw_buf_addf(r->why, "section [%s] names no command", section));
		return BW_ERR_USAGE;
	}
	*out = target;
	return BW_OK;
}

static bool is_from_command_line(const struct reading *r, const struct bw_option *row)
{
	for (size_t i = 0; i < r->from_line; i++) {
		if (r->call->values[i].row == row)
			return true;
	}
	return false;
}

static bool is_given_again(const struct reading *r, const struct bw_option *row)
{
	for (size_t i = r->from_line; i < r->call->values_n; i++) {
		if (r->call->values[i].row == row)
			return true;
	}
	return false;
}

static enum bw_err refuse_key(const struct reading *r, const char *section, const char *key)
{
	BW_TRY(bw_buf_addf(r->why, "'%s' is no option of %s%s%s", key, section[0] != 0 ? "[" : "every command", section,
			   section[0] != 0 ? "]" : ""));
	return BW_ERR_USAGE;
}

static enum bw_err keep_value(struct reading *r, const struct bw_option *row, const char *text)
{
	struct bw_call *call = r->call;
	struct bw_value value = { .row = row };
	struct bw_slice copy;

	BW_TRY(bw_value_read(row, text, &value.num, r->why));
	if (is_from_command_line(r, row))
		return BW_OK;
	if (!row->repeat && is_given_again(r, row)) {
		BW_TRY(bw_buf_addf(r->why, "'%s' is given twice", row->name));
		return BW_ERR_USAGE;
	}
	BW_TRY(bw_arena_copy(&call->arena, bw_slice_text(text), &copy));
	BW_NEED(call->values_n < call->values_cap, TOO_MANY);
	value.text = (const char *)copy.ptr;
	call->values[call->values_n++] = value;
	return BW_OK;
}

static enum bw_err take_line(struct reading *r, const char *section, const char *key, const char *text)
{
	struct target target;
	struct bw_call seen_as = { 0 };
	const struct bw_option *row;
	int64_t ignored;

	BW_TRY(find_target(r, section, &target));
	seen_as.command = target.command;
	seen_as.parent = target.parent;
	row = bw_call_find(&seen_as, bw_slice_text(key));
	if (row == NULL)
		return refuse_key(r, section, key);
	if (strcmp(row->name, "config") == 0 || strcmp(row->name, "help") == 0)
		return refuse_key(r, section, key);
	/* a mistake in another command's section is told at once, not on the day it runs */
	if (target.command != NULL && target.command != r->call->command && target.command != r->call->parent)
		return bw_value_read(row, text, &ignored, r->why);
	if (target.command == NULL)
		row = bw_call_find(r->call, bw_slice_text(key)); /* the command may have its own, as "format" */
	return keep_value(r, row, text);
}

static int on_line(void *user, const char *section, const char *key, const char *text)
{
	struct reading *r = user;

	if (r->err == BW_OK)
		r->err = take_line(r, section, key, text);
	return r->err == BW_OK ? 1 : 0;
}

static enum bw_err check_lines(struct bw_slice text, struct bw_buf *why)
{
	size_t line = 0;

	while (text.len > 0) {
		struct bw_slice head = text;
		struct bw_slice rest = bw_slice_empty;

		line++;
		(void)bw_slice_cut(text, '\n', &head, &rest);
		if (head.len > BW_CONFIG_LINE_MAX) {
			BW_TRY(bw_buf_addf(why, "line %zu is longer than %d bytes", line, BW_CONFIG_LINE_MAX));
			return BW_ERR_USAGE;
		}
		if (memchr(head.ptr, 0, head.len) != NULL) {
			BW_TRY(bw_buf_addf(why, "line %zu holds a NUL byte", line));
			return BW_ERR_USAGE;
		}
		text = rest;
	}
	return BW_OK;
}

enum bw_err bw_call_config(struct bw_call *call, const struct bw_command *const *commands, struct bw_slice text,
			   struct bw_buf *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_WHY_MAX);
	struct reading r = { call, commands, &reason, call->values_n, BW_OK };
	struct bw_slice copy;
	int line;

	BW_TRY(check_lines(text, why));
	BW_TRY(bw_arena_copy(&call->arena, text, &copy));
	line = ini_parse_string((const char *)copy.ptr, on_line, &r);
	if (line == 0)
		return BW_OK;
	if (r.err == BW_OK) {
		BW_TRY(bw_buf_addf(why, "line %d is neither '[section]' nor 'name = value'", line));
		return BW_ERR_USAGE;
	}
	BW_TRY(bw_buf_addf(why, "line %d: %s", line, bw_buf_text(&reason)));
	return r.err;
}
