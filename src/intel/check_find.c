#include "intel/check.h"

#include <stdlib.h>

enum {
	TERMS_START = 64,
	WORK_MAX = 20 * 1000 * 1000, /* steps of look-ups in one object: a fraction of a second */
};

static enum bw_err add_path(struct bw_buf *out, const struct bw_at *at)
{
	if (at == NULL)
		return BW_OK;
	BW_TRY(add_path(out, at->up));
	if (at->index != SIZE_MAX)
		return bw_buf_addf(out, "[%zu]", at->index);
	if (out->len > 0)
		BW_TRY(bw_buf_add_u8(out, '.'));
	return bw_buf_add(out, at->name);
}

static struct bw_slice path_of(struct bw_checker *c, const struct bw_at *at)
{
	bw_buf_clear(&c->path);
	if (c->report->count > BW_FINDINGS_MAX) /* it will be counted only */
		return bw_slice_empty;
	if (add_path(&c->path, at) != BW_OK)
		return bw_slice_empty; /* too long to be of use, or no memory: the finding matters more */
	return bw_buf_slice(&c->path);
}

static void add(struct bw_checker *c, enum bw_finding_code code, enum bw_finding_level level, struct bw_slice path,
		yyjson_val *value, const char *detail, const char *clause)
{
	const struct bw_finding finding = {
		.code = code,
		.level = level,
		.clause = clause,
		.detail = detail,
		.path = path,
		.value = bw_is_text(value) ? bw_json_text(value) : bw_slice_empty,
	};

	bw_report_add(c->report, &finding);
}

void bw_find_at(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value,
		const char *detail, const char *clause)
{
	const enum bw_finding_level level = bw_finding_level(code);

	if (level != BW_FINDING_ERROR && !c->warn)
		return;
	add(c, code, level, path_of(c, at), value, detail, clause);
}

void bw_find(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value,
	     const char *detail)
{
	bw_find_at(c, code, at, value, detail, NULL);
}

void bw_find_name(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *up, const char *name,
		  const char *clause)
{
	const struct bw_at at = BW_AT_NAME(up, bw_slice_text(name));
	const enum bw_finding_level level = bw_finding_level(code);
	const struct bw_finding finding = {
		.code = code, .level = level, .clause = clause, .path = path_of(c, &at), .value = bw_slice_text(name)
	};

	if (level == BW_FINDING_ERROR || c->warn)
		bw_report_add(c->report, &finding);
}

void bw_find_mild(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value)
{
	if (c->warn)
		add(c, code, BW_FINDING_WARNING, path_of(c, at), value, NULL, NULL);
}

bool bw_may_look(struct bw_checker *c, yyjson_val *value)
{
	if (c->work > WORK_MAX)
		return false;
	c->work += 1 + (unsafe_yyjson_is_ctn(value) ? unsafe_yyjson_get_len(value) : 0);
	if (c->work <= WORK_MAX)
		return true;
	bw_find(c, BW_FINDING_JSON_SIZE, NULL, NULL, "selectors or references into lists of this length");
	return false;
}

void bw_terms_add(struct bw_terms *terms, struct bw_slice text)
{
	if (text.len == 0)
		return;
	if (terms->count == terms->cap) {
		const size_t cap = terms->cap == 0 ? TERMS_START : terms->cap * 2;
		struct bw_slice *rows;

		if (terms->count >= BW_RECORD_TERMS_MAX)
			return;
		rows = realloc(terms->rows, cap * sizeof(*rows));
		if (rows == NULL)
			return; /* the object is kept all the same; full text still finds it by what fits */
		terms->rows = rows;
		terms->cap = cap;
	}
	terms->rows[terms->count++] = text;
}
