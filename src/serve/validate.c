#include "serve/validate.h"

#include <stdlib.h>

enum {
	LINE_ID_MAX = 64 * 1024,
	SEEN_START = 1024,
	SEEN_MAX = 1 << 22, /* versions of one bundle watched for twins: 32 MiB; beyond, twins go untold */
};

struct seen {
	uint64_t *slots; /* 0: empty */
	size_t cap;
	size_t count;
};

struct bw_validate {
	struct bw_validate_options options;
	struct bw_checker *checker;
	struct bw_split *split;
	struct bw_report report;
	struct bw_validate_sum sum;
	const char *name;
	uint64_t earlier;   /* values of the streams before this one */
	uint64_t values;    /* of this stream */
	uint64_t in_bundle; /* the value whose list we are in */
	bool bundle_invalid;
	bool any; /* a result was written */
	struct seen seen;
	/* where lines rule: all that was found on the present line */
	struct {
		bool open;
		struct bw_split_item item; /* the first on it */
		struct bw_buf id;
		struct bw_report report;
	} line;
};

enum bw_err bw_validate_new(const struct bw_validate_options *options, struct bw_validate **out)
{
	struct bw_validate *v = calloc(1, sizeof(*v));
	unsigned flags = BW_CHECK_WARNINGS | BW_CHECK_IDS;
	enum bw_err err;

	BW_NEED(v != NULL, MEMORY);
	v->options = *options;
	v->line.id = BW_BUF_INIT(LINE_ID_MAX);
	for (size_t i = 0; i < options->ignored_count; i++) {
		if (options->ignored[i] == BW_FINDING_EXTENSIONS_USE)
			flags |= BW_CHECK_PREFIXES; /* §11.1.1 rules what §7.3 does not */
	}
	err = bw_report_init(&v->report);
	if (err == BW_OK)
		err = bw_report_init(&v->line.report);
	if (err == BW_OK)
		err = bw_checker_new(flags, &v->checker);
	if (err != BW_OK) {
		bw_validate_free(v);
		return err;
	}
	*out = v;
	return BW_OK;
}

void bw_validate_free(struct bw_validate *v)
{
	if (v == NULL)
		return;
	bw_checker_free(v->checker);
	bw_split_free(v->split);
	bw_report_release(&v->report);
	bw_report_release(&v->line.report);
	bw_buf_release(&v->line.id);
	free(v->seen.slots);
	free(v);
}

const struct bw_validate_sum *bw_validate_sum(const struct bw_validate *v)
{
	return &v->sum;
}

enum bw_err bw_validate_begin(struct bw_validate *v, const char *name)
{
	bw_split_free(v->split);
	v->split = NULL;
	v->name = name;
	v->earlier += v->values;
	v->values = 0;
	v->in_bundle = 0;
	return bw_split_new(&v->split);
}

/* ---- twins in a bundle (§3.6) ------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ text.ptr[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static bool seen_put(uint64_t *slots, size_t cap, uint64_t hash)
{
	size_t at = (size_t)hash & (cap - 1);

	while (slots[at] != 0) {
		if (slots[at] == hash)
			return false;
		at = (at + 1) & (cap - 1);
	}
	slots[at] = hash;
	return true;
}

static bool seen_grow(struct seen *seen)
{
	const size_t cap = seen->cap == 0 ? SEEN_START : seen->cap * 2;
	uint64_t *slots;

	if (cap > (size_t)SEEN_MAX * 2)
		return false;
	slots = calloc(cap, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < seen->cap; i++) {
		if (seen->slots[i] != 0)
			(void)seen_put(slots, cap, seen->slots[i]);
	}
	free(seen->slots);
	seen->slots = slots;
	seen->cap = cap;
	return true;
}

/* True when this version was seen in this bundle before. */
static bool is_twin(struct bw_validate *v)
{
	const struct bw_slice id = bw_checker_id(v->checker);
	const struct bw_slice modified = bw_checker_modified(v->checker);
	struct seen *seen = &v->seen;

	if (id.len == 0 || modified.len == 0)
		return false;
	if (seen->count * 2 >= seen->cap && !seen_grow(seen))
		return false;
	if (!seen_put(seen->slots, seen->cap, mix(mix(UINT64_C(0xcbf29ce484222325), id), modified) | 1))
		return true;
	seen->count++;
	return false;
}

static void forget(struct seen *seen)
{
	if (seen->count > 0)
		memset(seen->slots, 0, seen->cap * sizeof(*seen->slots));
	seen->count = 0;
}

/* ---- results ------------------------------------------------------------------------------- */

static bool is_ignored(const struct bw_validate *v, enum bw_finding_code code)
{
	for (size_t i = 0; i < v->options.ignored_count; i++) {
		if (v->options.ignored[i] == code)
			return true;
	}
	return false;
}

static void drop_ignored(struct bw_validate *v)
{
	struct bw_report *report = &v->report;
	size_t kept = 0;

	if (v->options.ignored_count == 0)
		return;
	for (size_t i = 0; i < report->count; i++) {
		const struct bw_finding row = report->rows[i];

		if (row.level == BW_FINDING_WARNING && is_ignored(v, row.code))
			report->warnings--;
		else
			report->rows[kept++] = row;
	}
	report->count = kept;
}

static bool is_list(enum bw_split_in in)
{
	return in != BW_SPLIT_ALONE;
}

static bool is_bundle(enum bw_split_in in)
{
	return in == BW_SPLIT_BUNDLE || in == BW_SPLIT_BUNDLE_20;
}

static enum bw_err write_result(struct bw_validate *v, const struct bw_split_item *item, struct bw_slice id,
				const struct bw_report *report, bool also_invalid, struct bw_buf *out)
{
	struct bw_validate_result result = {
		.name = v->name,
		.n = v->earlier + item->value,
		.in_list = is_list(item->in) && item->kind != BW_SPLIT_FRAME && !item->line,
		.index = item->index,
		.offset = item->offset,
		.id = id,
		.report = report,
	};

	result.valid = report->errors == 0 && !(v->options.strict && report->warnings > 0) && !also_invalid;
	v->sum.objects++;
	v->sum.errors += report->errors;
	v->sum.warnings += report->warnings;
	if (!result.valid) {
		v->sum.invalid++;
		v->bundle_invalid = true;
	}
	v->values = item->value;
	if (v->options.quiet && v->options.format == BW_VALIDATE_TEXT)
		return BW_OK;
	BW_TRY(bw_validate_write(v->options.format, &result, !v->any, out));
	v->any = v->any || v->options.format != BW_VALIDATE_SARIF || report->count > 0;
	return BW_OK;
}

/* ---- one line in, one result out ------------------------------------------------------------ */

/* What was found in an object of a list says where in the list it is. */
static void add_to_line(struct bw_validate *v, const struct bw_split_item *item)
{
	struct bw_report *line = &v->line.report;
	const char *list = item->in == BW_SPLIT_LIST ? "" : "objects";
	const bool inside = is_list(item->in) && item->kind != BW_SPLIT_FRAME;
	const size_t errors = line->errors + v->report.errors;
	const size_t warnings = line->warnings + v->report.warnings;

	for (size_t i = 0; i < v->report.count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(8 * BW_KIB);
		struct bw_finding finding = v->report.rows[i];

		if (inside && bw_buf_addf(&path, "%s[%llu]%s%.*s", list, (unsigned long long)item->index,
					  finding.path.len > 0 ? "." : "", BW_ARG(finding.path)) == BW_OK)
			finding.path = bw_buf_slice(&path);
		if (bw_finding_is_text(finding.code))
			finding.offset += item->offset - v->line.item.offset;
		bw_report_add(line, &finding);
	}
	line->errors = errors; /* with those that were counted only */
	line->warnings = warnings;
}

static enum bw_err end_line(struct bw_validate *v, struct bw_buf *out)
{
	if (!v->line.open)
		return BW_OK;
	v->line.open = false;
	return write_result(v, &v->line.item, bw_buf_slice(&v->line.id), &v->line.report, false, out);
}

static enum bw_err on_line(struct bw_validate *v, const struct bw_split_item *item, struct bw_slice id)
{
	const bool first = !v->line.open;

	if (first) {
		v->line.open = true;
		v->line.item = *item;
		bw_report_reset(&v->line.report);
		bw_buf_clear(&v->line.id);
	}
	if ((first && !is_list(item->in)) || item->kind == BW_SPLIT_FRAME) {
		bw_buf_clear(&v->line.id);
		if (bw_buf_add(&v->line.id, id) == BW_ERR_MEMORY)
			return BW_ERR_MEMORY; /* an id too long to show is none */
	}
	add_to_line(v, item);
	return BW_OK;
}

static enum bw_err give(struct bw_validate *v, const struct bw_split_item *item, struct bw_slice id, bool also_invalid,
			struct bw_buf *out)
{
	drop_ignored(v);
	if (item->line)
		return on_line(v, item, id);
	return write_result(v, item, id, &v->report, also_invalid, out);
}

static enum bw_err object(struct bw_validate *v, const struct bw_split_item *item, struct bw_buf *out)
{
	if (is_list(item->in) && v->in_bundle != item->value) {
		v->in_bundle = item->value;
		v->bundle_invalid = false;
		forget(&v->seen);
	}
	bw_checker_wrap(v->checker, item->in == BW_SPLIT_BUNDLE      ? BW_WRAP_BUNDLE
				    : item->in == BW_SPLIT_BUNDLE_20 ? BW_WRAP_BUNDLE_20
								     : BW_WRAP_NONE);
	BW_TRY(bw_object_check(v->checker, item->text, &v->report, NULL));
	if (is_list(item->in) && is_twin(v)) {
		const struct bw_finding twin = {
			.code = BW_FINDING_DUPLICATE_IDS,
			.level = BW_FINDING_WARNING,
			.path = bw_slice_empty,
			.value = bw_checker_id(v->checker),
		};

		bw_report_add(&v->report, &twin);
	}
	return give(v, item, bw_checker_id(v->checker), false, out);
}

static enum bw_err frame(struct bw_validate *v, const struct bw_split_item *item, struct bw_buf *out)
{
	const bool inner_invalid = v->in_bundle == item->value && v->bundle_invalid;

	if (!is_bundle(item->in)) {
		/* a TAXII envelope is no STIX object; what else calls itself nothing should be a bundle */
		return BW_OK;
	}
	bw_checker_wrap(v->checker, BW_WRAP_NONE);
	BW_TRY(bw_bundle_check(v->checker, item->text, (size_t)item->objects, &v->report));
	return give(v, item, bw_checker_id(v->checker), inner_invalid, out);
}

static enum bw_finding_code code_of(enum bw_err err)
{
	switch (err) {
	case BW_ERR_TYPE:
		return BW_FINDING_NOT_OBJECT;
	case BW_ERR_TOO_BIG:
		return BW_FINDING_JSON_SIZE;
	case BW_ERR_TOO_DEEP:
		return BW_FINDING_JSON_DEPTH;
	default:
		return BW_FINDING_JSON_SYNTAX;
	}
}

static enum bw_err fault(struct bw_validate *v, const struct bw_split_item *item, struct bw_buf *out)
{
	const struct bw_finding finding = {
		.code = code_of(item->err),
		.level = BW_FINDING_ERROR,
		.detail = item->reason,
		.path = bw_slice_empty,
		.value = bw_slice_empty,
	};

	bw_report_reset(&v->report);
	bw_report_add(&v->report, &finding);
	return give(v, item, bw_slice_empty, false, out);
}

enum bw_err bw_validate_feed(struct bw_validate *v, struct bw_slice chunk, bool last)
{
	bw_split_feed(v->split, chunk, last);
	return BW_OK;
}

enum bw_err bw_validate_step(struct bw_validate *v, struct bw_buf *out, bool *out_more)
{
	struct bw_split_item item;
	const enum bw_err err = bw_split_next(v->split, &item);

	*out_more = false;
	if (err == BW_ERR_AGAIN)
		return BW_OK;
	if (err == BW_ERR_NOT_FOUND)
		return end_line(v, out);
	BW_TRY(err);
	*out_more = true;
	if (v->line.open && v->line.item.value != item.value)
		BW_TRY(end_line(v, out));
	switch (item.kind) {
	case BW_SPLIT_OBJECT:
		return object(v, &item, out);
	case BW_SPLIT_FRAME:
		return frame(v, &item, out);
	default:
		return fault(v, &item, out);
	}
}

enum bw_err bw_validate_head(struct bw_validate *v, struct bw_buf *out)
{
	return bw_validate_write_head(v->options.format, out);
}

enum bw_err bw_validate_tail(struct bw_validate *v, struct bw_buf *out)
{
	return bw_validate_write_tail(v->options.format, &v->sum, v->options.strict, out);
}
