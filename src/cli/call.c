/*
 * What a command asks about its own call (base/command.h).
 */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/call.h"

static const struct bw_option *row_of(const struct bw_call *call, const char *option)
{
	const struct bw_option *row = bw_call_find(call, bw_slice_text(option));

	assert(row != NULL); /* a command asks only for options in its rows */
	return row;
}

static const struct bw_value *nth_value(const struct bw_call *call, const struct bw_option *row, size_t n)
{
	for (size_t i = 0; i < call->values_n; i++) {
		if (call->values[i].row == row && n-- == 0)
			return &call->values[i];
	}
	return NULL;
}

const char *bw_call_text(const struct bw_call *call, const char *option)
{
	const struct bw_option *row = row_of(call, option);
	const struct bw_value *value = nth_value(call, row, 0);

	return value != NULL ? value->text : row->fallback;
}

int64_t bw_call_num(const struct bw_call *call, const char *option)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	const struct bw_option *row = row_of(call, option);
	const struct bw_value *value = nth_value(call, row, 0);
	int64_t num = 0;

	if (value != NULL)
		return value->num;
	if (row->fallback != NULL) {
		const enum bw_err err = bw_value_read(row, row->fallback, &num, &why);

		assert(err == BW_OK); /* commands_test.c reads every fallback of every row */
		(void)err;
	}
	return num;
}

bool bw_call_flag(const struct bw_call *call, const char *option)
{
	return bw_call_num(call, option) != 0;
}

bool bw_call_has(const struct bw_call *call, const char *option)
{
	return nth_value(call, row_of(call, option), 0) != NULL;
}

size_t bw_call_count(const struct bw_call *call, const char *option)
{
	const struct bw_option *row = row_of(call, option);
	size_t count = 0;

	while (nth_value(call, row, count) != NULL)
		count++;
	return count;
}

const char *bw_call_nth(const struct bw_call *call, const char *option, size_t n)
{
	const struct bw_value *value = nth_value(call, row_of(call, option), n);

	return value != NULL ? value->text : NULL;
}

size_t bw_call_args(const struct bw_call *call)
{
	return call->args_n;
}

const char *bw_call_arg(const struct bw_call *call, size_t n)
{
	return n < call->args_n ? call->args[n] : NULL;
}

bool bw_call_json(const struct bw_call *call)
{
	return strcmp(bw_call_text(call, "format"), "json") == 0;
}

const char *bw_call_data(const struct bw_call *call)
{
	const char *given = bw_call_text(call, "data");

	if (given == NULL)
		given = getenv("BREAKWATER_DATA");
	return given != NULL && given[0] != 0 ? given : "/var/lib/breakwater";
}

/* Quotes stay as they are: only what could steer a terminal or forge a line is escaped. */
static enum bw_err escape_message(struct bw_buf *out, struct bw_slice text)
{
	size_t from = 0;

	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.ptr[i] != '"' && text.ptr[i] != '\\')
			continue;
		BW_TRY(bw_text_escape(out, bw_slice_sub(text, from, i - from)));
		BW_TRY(bw_buf_add(out, bw_slice_sub(text, i, 1)));
		from = i + 1;
	}
	return BW_OK;
}

int bw_complain(const struct bw_call *call, enum bw_exit status, const char *next_step, const char *fmt, ...)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf shown = BW_BUF_INIT(64 * BW_KIB);
	char message[8192];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (escape_message(&shown, bw_slice_text(message)) != BW_OK)
		bw_buf_clear(&shown);
	(void)fflush(stdout); /* so that facts stand before the complaint about them */
	(void)fprintf(stderr, "breakwater%s%s: %s\n", call != NULL && call->name[0] != 0 ? " " : "",
		      call != NULL ? call->name : "", bw_buf_text(&shown));
	if (next_step != NULL)
		(void)fprintf(stderr, "  %s\n", next_step);
	return (int)status;
}
