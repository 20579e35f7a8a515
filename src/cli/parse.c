#include <assert.h>
#include <stdio.h>

#include "cli/call.h"
#include "cli/nearest.h"

const struct bw_option bw_common_options[] = {
	{ .name = "data",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "data folder (default: $BREAKWATER_DATA, else /var/lib/breakwater)" },
	{ .name = "format",
	  .kind = BW_OPT_CHOICE,
	  .value_name = "FORMAT",
	  .choices = "text|json",
	  .fallback = "text",
	  .help = "how facts are printed, json as one object a line" },
	{ .name = "quiet", .kind = BW_OPT_FLAG, .help = "no progress, and nothing in the log below a warning" },
	{ .name = "log-level",
	  .kind = BW_OPT_CHOICE,
	  .value_name = "LEVEL",
	  .choices = "crit|error|warning|notice|info|debug",
	  .fallback = "info",
	  .help = "least important line to log" },
	{ .name = "config",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "read options from FILE; its sections are named after commands" },
	{ .name = "help", .kind = BW_OPT_FLAG, .help = "show this" },
	{ 0 },
};

const struct bw_command *bw_command_find(const struct bw_command *const *commands, struct bw_slice name)
{
	for (; *commands != NULL; commands++) {
		if (bw_slice_is(name, (*commands)->name))
			return *commands;
	}
	return NULL;
}

const struct bw_command *bw_verb_find(const struct bw_command *parent, struct bw_slice name)
{
	for (const struct bw_command *verb = parent->verbs; verb != NULL && verb->name != NULL; verb++) {
		if (bw_slice_is(name, verb->name))
			return verb;
	}
	return NULL;
}

static const struct bw_option *find_in(const struct bw_option *rows, struct bw_slice name)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (bw_slice_is(name, rows->name))
			return rows;
	}
	return NULL;
}

const struct bw_option *bw_call_find(const struct bw_call *call, struct bw_slice name)
{
	const struct bw_option *row = NULL;

	if (call->command != NULL)
		row = find_in(call->command->options, name);
	if (row == NULL && call->parent != NULL)
		row = find_in(call->parent->options, name);
	return row != NULL ? row : find_in(bw_common_options, name);
}

static void offer_rows(struct bw_nearest *nearest, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		bw_nearest_offer(nearest, rows->name);
}

static enum bw_err refuse_option(const struct bw_call *call, struct bw_slice name, struct bw_buf *why)
{
	struct bw_nearest nearest = bw_nearest_to(name);

	if (call->command != NULL)
		offer_rows(&nearest, call->command->options);
	if (call->parent != NULL)
		offer_rows(&nearest, call->parent->options);
	offer_rows(&nearest, bw_common_options);
	BW_TRY(bw_buf_addf(why, "unknown option '--%.*s'", BW_ARG(name)));
	if (nearest.best != NULL)
		BW_TRY(bw_buf_addf(why, "; did you mean '--%s'?", nearest.best));
	return BW_ERR_USAGE;
}

static enum bw_err refuse_command(const struct bw_command *const *commands, struct bw_slice name, struct bw_buf *why)
{
	struct bw_nearest nearest = bw_nearest_to(name);

	for (; *commands != NULL; commands++)
		bw_nearest_offer(&nearest, (*commands)->name);
	BW_TRY(bw_buf_addf(why, "unknown command '%.*s'", BW_ARG(name)));
	if (nearest.best != NULL)
		BW_TRY(bw_buf_addf(why, "; did you mean '%s'?", nearest.best));
	return BW_ERR_USAGE;
}

static enum bw_err refuse_verb(const struct bw_command *parent, struct bw_slice name, struct bw_buf *why)
{
	struct bw_nearest nearest = bw_nearest_to(name);

	for (const struct bw_command *verb = parent->verbs; verb->name != NULL; verb++)
		bw_nearest_offer(&nearest, verb->name);
	BW_TRY(bw_buf_addf(why, "'%s' cannot '%.*s'", parent->name, BW_ARG(name)));
	if (nearest.best != NULL)
		BW_TRY(bw_buf_addf(why, "; did you mean '%s %s'?", parent->name, nearest.best));
	return BW_ERR_USAGE;
}

static bool is_given(const struct bw_call *call, const struct bw_option *row)
{
	for (size_t i = 0; i < call->values_n; i++) {
		if (call->values[i].row == row)
			return true;
	}
	return false;
}

static enum bw_err add_value(struct bw_call *call, const struct bw_option *row, const char *text, struct bw_buf *why)
{
	struct bw_value value = { .row = row, .text = text };

	if (!row->repeat && is_given(call, row)) {
		BW_TRY(bw_buf_addf(why, "--%s is given twice", row->name));
		return BW_ERR_USAGE;
	}
	BW_TRY(bw_value_read(row, text, &value.num, why));
	BW_NEED(call->values_n < call->values_cap, TOO_MANY);
	call->values[call->values_n++] = value;
	return BW_OK;
}

/* words[*at] begins with "--"; takes the next word too when the value stands there. */
static enum bw_err read_option(struct bw_call *call, size_t count, const char *const *words, size_t *at,
			       struct bw_buf *why)
{
	const struct bw_slice whole = bw_slice_from(bw_slice_text(words[*at]), 2);
	struct bw_slice name = whole;
	struct bw_slice text = bw_slice_empty;
	const bool has_text = bw_slice_cut(whole, '=', &name, &text);
	const struct bw_option *row = bw_call_find(call, name);

	if (row == NULL)
		return refuse_option(call, name, why);
	if (strcmp(row->name, "help") == 0)
		call->wants_help = true;
	if (has_text)
		return add_value(call, row, (const char *)text.ptr, why);
	if (row->kind == BW_OPT_FLAG)
		return add_value(call, row, "yes", why);
	if (*at + 1 == count) {
		BW_TRY(bw_buf_addf(why, "--%s needs a value", row->name));
		return BW_ERR_USAGE;
	}
	*at += 1;
	return add_value(call, row, words[*at], why);
}

static void take_name(struct bw_call *call)
{
	const bool has_parent = call->parent != NULL;

	(void)snprintf(call->name, sizeof(call->name), "%s%s%s", has_parent ? call->parent->name : "",
		       has_parent ? " " : "", call->command->name);
}

static enum bw_err read_operand(struct bw_call *call, const struct bw_command *const *commands, const char *word,
				struct bw_buf *why)
{
	const struct bw_slice name = bw_slice_text(word);
	const struct bw_command *found;

	if (call->command == NULL) {
		found = bw_command_find(commands, name);
		if (found == NULL)
			return refuse_command(commands, name, why);
	} else if (call->command->verbs != NULL) {
		found = bw_verb_find(call->command, name);
		if (found == NULL)
			return refuse_verb(call->command, name, why);
		call->parent = call->command;
	} else {
		call->args[call->args_n++] = word;
		return BW_OK;
	}
	call->command = found;
	take_name(call);
	return BW_OK;
}

static enum bw_err prepare(struct bw_call *call, size_t count)
{
	*call = (struct bw_call){ .arena = BW_ARENA_INIT(BW_CALL_MEMORY_MAX) };
	call->values_cap = count + BW_CONFIG_VALUES_MAX;
	call->values = bw_arena_zero(&call->arena, call->values_cap, sizeof(*call->values));
	call->args = bw_arena_zero(&call->arena, count + 1, sizeof(*call->args));
	BW_NEED(call->values != NULL && call->args != NULL, MEMORY);
	return BW_OK;
}

enum bw_err bw_call_parse(struct bw_call *call, const struct bw_command *const *commands, size_t count,
			  const char *const *words, struct bw_buf *why)
{
	bool only_operands = false;

	BW_TRY(prepare(call, count));
	for (size_t i = 0; i < count; i++) {
		const char *word = words[i];

		if (only_operands || word[0] != '-' || word[1] == 0) {
			BW_TRY(read_operand(call, commands, word, why));
		} else if (strcmp(word, "--") == 0) {
			only_operands = true;
		} else if (strcmp(word, "-h") == 0) {
			call->wants_help = true;
		} else if (word[1] != '-') {
			BW_TRY(bw_buf_addf(why, "unknown option '%s'; options are words, like --help", word));
			return BW_ERR_USAGE;
		} else {
			BW_TRY(read_option(call, count, words, &i, why));
		}
	}
	return BW_OK;
}

/* Of a usage with several ways ("add NAME | list"), the one that begins with this word; the usage itself without. */
static struct bw_slice way_of(const char *usage, const char *first)
{
	const char *at = usage;

	while (first != NULL && at != NULL) {
		const char *end = strstr(at, " | ");
		const struct bw_slice way = bw_slice_of(at, end != NULL ? (size_t)(end - at) : strlen(at));

		if (bw_slice_starts(way, bw_slice_text(first)) &&
		    (way.len == strlen(first) || way.ptr[strlen(first)] == ' '))
			return way;
		at = end != NULL ? end + 3 : NULL;
	}
	return bw_slice_text(usage);
}

/* The n-th word of a usage that is neither an option, nor its value, nor in brackets. */
static struct bw_slice operand_of(const struct bw_command *command, size_t n, const char *first)
{
	struct bw_slice rest = command->usage != NULL ? way_of(command->usage, first) : bw_slice_empty;
	const bool has_ways = memmem(rest.ptr, rest.len, " | ", 3) != NULL;
	bool is_value = false;
	int depth = 0;

	if (has_ways && n == 0)
		return BW_LIT("what to do");
	while (rest.len > 0 && !has_ways) {
		struct bw_slice word;

		if (!bw_slice_cut(rest, ' ', &word, &rest)) {
			word = rest;
			rest = bw_slice_empty;
		}
		for (size_t i = 0; i < word.len; i++)
			depth += word.ptr[i] == '[';
		if (depth == 0 && !is_value && word.len > 0 && word.ptr[0] != '-' && n-- == 0)
			return word;
		is_value = depth == 0 && word.len > 0 && word.ptr[0] == '-';
		for (size_t i = 0; i < word.len; i++)
			depth -= word.ptr[i] == ']';
	}
	return BW_LIT("something");
}

enum bw_err bw_call_check(const struct bw_call *call, struct bw_buf *why)
{
	const struct bw_command *command = call->command;

	assert(command != NULL);
	if (command->verbs != NULL) {
		BW_TRY(bw_buf_addf(why, "'%s' needs to know what to do: ", command->name));
		for (const struct bw_command *verb = command->verbs; verb->name != NULL; verb++)
			BW_TRY(bw_buf_addf(why, "%s%s", verb == command->verbs ? "" : ", ", verb->name));
		return BW_ERR_USAGE;
	}
	if (call->args_n < command->min_args) {
		const struct bw_slice missing = operand_of(command, call->args_n,
							   call->args_n > 0 ? call->args[0] : NULL);

		BW_TRY(bw_buf_addf(why, "%.*s is missing after '%s'; usage: breakwater %s %s", BW_ARG(missing),
				   call->name, call->name, command->usage != NULL ? command->usage : ""));
		return BW_ERR_USAGE;
	}
	if (call->args_n > command->max_args) {
		BW_TRY(bw_buf_addf(why, "'%s' is one word too many", call->args[command->max_args]));
		return BW_ERR_USAGE;
	}
	return BW_OK;
}

void bw_call_release(struct bw_call *call)
{
	bw_arena_release(&call->arena);
	*call = (struct bw_call){ 0 };
}
