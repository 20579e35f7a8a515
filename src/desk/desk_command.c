#include "desk/desk_command.h"

#include <stdio.h>

#include "base/text.h"
#include "codec/json_text.h"

enum { ANSWER_MAX = 4096 };

struct bw_slice bw_call_slice(const struct bw_call *call, const char *option)
{
	const char *text = bw_call_text(call, option);

	return text == NULL ? bw_slice_empty : bw_slice_text(text);
}

int bw_complain_why(const struct bw_call *call, enum bw_err err, const struct bw_why *why)
{
	return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why->text[0] != 0 ? why->text : bw_err_text(err));
}

int bw_complain_store(const struct bw_call *call, struct bw_desk *desk, enum bw_err err, const char *what)
{
	const char *words = bw_store_why(bw_desk_store(desk));

	return bw_complain(call, BW_EXIT_FAILED, NULL, "cannot %s: %s", what, words[0] != 0 ? words : bw_err_text(err));
}

int bw_print_json(const struct bw_call *call, enum bw_err err, const struct bw_buf *json)
{
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "cannot write the answer: %s", bw_err_text(err));
	(void)fwrite(json->ptr, 1, json->len, stdout);
	(void)putchar('\n');
	return BW_EXIT_OK;
}

static bool must_be_escaped(struct bw_slice text, size_t at)
{
	const uint8_t c = text.ptr[at];

	return c < 0x20 || c >= 0x7f;
}

void bw_print_foreign(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf shown = BW_BUF_INIT(64 * BW_MIB);
	size_t from = 0;

	while (from < text.len) {
		size_t to = from;

		while (to < text.len && !must_be_escaped(text, to))
			to++;
		(void)fwrite(text.ptr + from, 1, to - from, stdout);
		for (from = to; to < text.len && must_be_escaped(text, to);)
			to++;
		bw_buf_clear(&shown);
		if (bw_text_escape(&shown, bw_slice_sub(text, from, to - from)) != BW_OK)
			return;
		(void)fputs(bw_buf_text(&shown), stdout);
		from = to;
	}
}

enum bw_err bw_errand_do(const struct bw_call *call, const struct bw_errand *errand, struct bw_buf *result, int *status)
{
	struct bw_desk *desk = bw_desk_for(call, status);
	struct bw_why why = { 0 };
	enum bw_err err;

	if (desk == NULL)
		return BW_ERR_NOT_FOUND;
	err = bw_desk_do(desk, errand->verb, errand->fields, errand->count, -1, result, &why);
	bw_desk_close(desk);
	*status = err == BW_OK ? BW_EXIT_OK : bw_complain_why(call, err, &why);
	return err;
}

static enum bw_err write_json(const struct bw_errand *errand, const struct bw_buf *result, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	if (errand->json_name == NULL) {
		BW_TRY(bw_json_add_text(out, "done", bw_slice_text(bw_office_name(errand->verb))));
		if (errand->count > 0)
			BW_TRY(bw_json_add_text(out, "subject", errand->fields[0]));
	} else if (errand->answer_is_number) {
		BW_TRY(bw_json_add_name(out, errand->json_name));
		BW_TRY(bw_buf_add(out, bw_buf_slice(result)));
	} else {
		BW_TRY(bw_json_add_text(out, errand->json_name, bw_buf_slice(result)));
	}
	return bw_buf_add_u8(out, '}');
}

int bw_errand_run(const struct bw_call *call, const struct bw_errand *errand)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(ANSWER_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);
	int status;

	if (bw_errand_do(call, errand, &result, &status) != BW_OK)
		return status;
	if (bw_call_json(call))
		return bw_print_json(call, write_json(errand, &result, &json), &json);
	(void)printf("%s%s\n", errand->say, bw_buf_text(&result));
	return BW_EXIT_OK;
}
