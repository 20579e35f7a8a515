/*
 * The config file, and single values of options. Properties: every mistake has its sentence,
 * a value that was kept fits its row, and reading never ends the program. The first byte chooses the
 * command that reads the file.
 */
#include <stdlib.h>

#include "cli/call.h"
#include "cli/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_values(const struct bw_call *call, struct bw_buf *why)
{
	for (size_t i = 0; i < call->values_n; i++) {
		const struct bw_value *value = &call->values[i];
		int64_t num = 0;

		check(value->row != NULL && value->text != NULL);
		check(bw_value_read(value->row, value->text, &num, why) == BW_OK && num == value->num);
		if (value->row->max > value->row->min)
			check(num >= value->row->min && num <= value->row->max);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "serve", "pull", "export", "validate" };
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };
	enum bw_err err;

	if (size == 0 || size > 64 * BW_KIB)
		return 0;
	check(bw_call_parse(&call, bw_commands(), 1, &words[data[0] % BW_COUNT(words)], &why) == BW_OK);
	err = bw_call_config(&call, bw_commands(), bw_slice_from(bw_slice_of(data, size), 1), &why);
	check(err == BW_OK || why.len > 0 || err == BW_ERR_MEMORY || err == BW_ERR_TOO_BIG);
	if (err != BW_OK)
		return 0;
	check_values(&call, &why);
	bw_buf_clear(&why);
	check(bw_call_check(&call, &why) == BW_OK || why.len > 0);
	return 0;
}
