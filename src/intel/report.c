#include "intel/report.h"

#include <stdlib.h>

#include "base/text.h"

enum { TEXTS_MAX = 128 * 1024 }; /* paths and values of BW_FINDINGS_MAX findings */

static const struct {
	const char *name;
	const char *clause;
	const char *sentence;
	enum bw_finding_level level;
} rows[BW_FINDING_COUNT] = {
#define X(name, code, level, clause, sentence) { code, clause, sentence, BW_FINDING_##level },
	BW_FINDING_ROWS(X)
#undef X
};

const char *bw_finding_name(enum bw_finding_code code)
{
	return rows[code].name;
}

enum bw_finding_level bw_finding_level(enum bw_finding_code code)
{
	return rows[code].level;
}

bool bw_finding_is_text(enum bw_finding_code code)
{
	return code <= BW_FINDING_NOT_OBJECT;
}

const char *bw_finding_sentence(enum bw_finding_code code)
{
	return rows[code].sentence;
}

enum bw_finding_code bw_finding_find(struct bw_slice name)
{
	unsigned code = 0;

	while (code < BW_FINDING_COUNT && !bw_slice_is(name, rows[code].name))
		code++;
	return (enum bw_finding_code)code;
}

enum bw_err bw_report_init(struct bw_report *report)
{
	*report = (struct bw_report){ .texts = BW_ARENA_INIT(TEXTS_MAX) };
	report->rows = calloc(BW_FINDINGS_MAX + 1, sizeof(*report->rows));
	BW_NEED(report->rows != NULL, MEMORY);
	return BW_OK;
}

void bw_report_release(struct bw_report *report)
{
	free(report->rows);
	report->rows = NULL;
	bw_arena_release(&report->texts);
}

void bw_report_reset(struct bw_report *report)
{
	report->count = 0;
	report->errors = 0;
	report->warnings = 0;
	bw_arena_reset(&report->texts);
}

/* At most `max` bytes, never half a character. */
static struct bw_slice clip(struct bw_slice text, size_t max)
{
	size_t len = text.len;

	if (len > max) {
		len = max;
		while (len > 0 && (text.ptr[len] & 0xc0) == 0x80)
			len--;
	}
	return bw_slice_sub(text, 0, len);
}

static struct bw_slice keep(struct bw_report *report, struct bw_slice text)
{
	struct bw_slice copy;

	if (text.len == 0 || bw_arena_copy(&report->texts, text, &copy) != BW_OK)
		return bw_slice_empty;
	return copy;
}

void bw_report_add(struct bw_report *report, const struct bw_finding *finding)
{
	struct bw_finding *row;

	if (finding->level == BW_FINDING_ERROR)
		report->errors++;
	else if (finding->level == BW_FINDING_WARNING)
		report->warnings++;
	if (report->count > BW_FINDINGS_MAX)
		return;
	row = &report->rows[report->count++];
	if (report->count > BW_FINDINGS_MAX) {
		*row = (struct bw_finding){ .code = BW_FINDING_VALUE_CUT, .level = BW_FINDING_NOTE };
		row->path = row->value = bw_slice_empty;
	} else {
		*row = *finding;
		row->path = keep(report, finding->path);
		row->value = keep(report, clip(finding->value, BW_FINDING_VALUE_MAX));
	}
	if (row->clause == NULL)
		row->clause = rows[row->code].clause;
}

enum bw_err bw_finding_say(const struct bw_finding *finding, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, rows[finding->code].sentence));
	if (finding->detail != NULL)
		BW_TRY(bw_buf_addf(out, " (%s)", finding->detail));
	if (finding->value.len > 0) {
		BW_TRY(bw_buf_add_text(out, ": '"));
		BW_TRY(bw_text_escape(out, finding->value));
		BW_TRY(bw_buf_add_u8(out, '\''));
	}
	return bw_buf_add_u8(out, '.');
}
