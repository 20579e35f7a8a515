#include "base/text.h"
#include "codec/json_text.h"
#include "serve/validate.h"

enum { SAY_MAX = 2048 };

static const char *level_word(enum bw_finding_level level)
{
	switch (level) {
	case BW_FINDING_ERROR:
		return "error";
	case BW_FINDING_WARNING:
		return "warning";
	default:
		return "note";
	}
}

static enum bw_err say(const struct bw_finding *finding, struct bw_buf *out)
{
	bw_buf_clear(out);
	return bw_finding_say(finding, out);
}

/* ---- text -------------------------------------------------------------------------------- */

static enum bw_err write_text(const struct bw_validate_result *r, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sentence = BW_BUF_INIT(SAY_MAX);

	for (size_t i = 0; i < r->report->count; i++) {
		const struct bw_finding *f = &r->report->rows[i];

		BW_TRY(say(f, &sentence));
		BW_TRY(bw_buf_addf(out, "%s:%llu: ", r->name, (unsigned long long)r->n));
		BW_TRY(bw_text_escape(out, r->id));
		BW_TRY(bw_buf_addf(out, "%s%s ", r->id.len > 0 ? ": " : "", level_word(f->level)));
		BW_TRY(bw_buf_add_text(out, bw_finding_name(f->code)));
		if (f->path.len > 0) {
			BW_TRY(bw_buf_add_text(out, " at "));
			BW_TRY(bw_text_escape(out, f->path));
		}
		if (bw_finding_is_text(f->code))
			BW_TRY(bw_buf_addf(out, " at byte %llu", (unsigned long long)(r->offset + f->offset)));
		BW_TRY(bw_buf_add_text(out, ": "));
		BW_TRY(bw_buf_add(out, bw_buf_slice(&sentence)));
		BW_TRY(bw_buf_addf(out, " [%s]\n", f->clause));
	}
	return BW_OK;
}

/* ---- JSON: one object a line ------------------------------------------------------------------ */

static enum bw_err add_findings(const struct bw_validate_result *r, enum bw_finding_level level, const char *name,
				struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sentence = BW_BUF_INIT(SAY_MAX);
	bool first = true;

	BW_TRY(bw_json_add_name(out, name));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < r->report->count; i++) {
		const struct bw_finding *f = &r->report->rows[i];

		if (f->level != level)
			continue;
		BW_TRY(say(f, &sentence));
		BW_TRY(bw_buf_add_text(out, first ? "{" : ",{"));
		BW_TRY(bw_json_add_text(out, "code", bw_slice_text(bw_finding_name(f->code))));
		BW_TRY(bw_json_add_text(out, "path", f->path));
		BW_TRY(bw_json_add_text(out, "clause", bw_slice_text(f->clause)));
		BW_TRY(bw_json_add_text(out, "message", bw_buf_slice(&sentence)));
		if (bw_finding_is_text(f->code))
			BW_TRY(bw_json_add_num(out, "offset", (int64_t)(r->offset + f->offset)));
		BW_TRY(bw_buf_add_u8(out, '}'));
		first = false;
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err write_json(const struct bw_validate_result *r, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "n", (int64_t)r->n));
	BW_TRY(bw_json_add_text(out, "id", r->id));
	BW_TRY(bw_json_add_bool(out, "valid", r->valid));
	BW_TRY(add_findings(r, BW_FINDING_ERROR, "errors", out));
	BW_TRY(add_findings(r, BW_FINDING_WARNING, "warnings", out));
	BW_TRY(add_findings(r, BW_FINDING_NOTE, "notes", out));
	if (r->in_list)
		BW_TRY(bw_json_add_num(out, "index", (int64_t)r->index));
	return bw_buf_add_text(out, "}\n");
}

/* ---- SARIF 2.1.0 ---------------------------------------------------------------------------------- */

static enum bw_err write_sarif(const struct bw_validate_result *r, bool first, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sentence = BW_BUF_INIT(SAY_MAX);

	for (size_t i = 0; i < r->report->count; i++) {
		const struct bw_finding *f = &r->report->rows[i];

		BW_TRY(say(f, &sentence));
		BW_TRY(bw_buf_add_text(out, first && i == 0 ? "\n{" : ",\n{"));
		BW_TRY(bw_json_add_text(out, "ruleId", bw_slice_text(bw_finding_name(f->code))));
		BW_TRY(bw_json_add_text(out, "level", bw_slice_text(level_word(f->level))));
		BW_TRY(bw_buf_add_text(out, ",\"message\":{"));
		BW_TRY(bw_json_add_text(out, "text", bw_buf_slice(&sentence)));
		BW_TRY(bw_buf_add_text(out, "},\"locations\":[{\"physicalLocation\":{\"artifactLocation\":{"));
		BW_TRY(bw_json_add_text(out, "uri", bw_slice_text(r->name)));
		BW_TRY(bw_buf_addf(out, "},\"region\":{\"byteOffset\":%llu}},\"logicalLocations\":[{",
				   (unsigned long long)(r->offset + f->offset)));
		BW_TRY(bw_json_add_text(out, "name", r->id));
		BW_TRY(bw_json_add_text(out, "fullyQualifiedName", f->path));
		BW_TRY(bw_buf_add_text(out, "}]}]}"));
	}
	return BW_OK;
}

static enum bw_err add_rule(enum bw_finding_code code, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, code == 0 ? "{" : ",{"));
	BW_TRY(bw_json_add_text(out, "id", bw_slice_text(bw_finding_name(code))));
	BW_TRY(bw_buf_add_text(out, ",\"shortDescription\":{"));
	BW_TRY(bw_json_add_text(out, "text", bw_slice_text(bw_finding_sentence(code))));
	BW_TRY(bw_buf_add_text(out, "},\"defaultConfiguration\":{"));
	BW_TRY(bw_json_add_text(out, "level", bw_slice_text(level_word(bw_finding_level(code)))));
	return bw_buf_add_text(out, "}}");
}

static enum bw_err sarif_head(struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "{\"version\":\"2.1.0\",\"runs\":[{\"tool\":{\"driver\":{\"name\":\"breakwater\","
				    "\"rules\":["));
	for (unsigned code = 0; code < BW_FINDING_COUNT; code++)
		BW_TRY(add_rule((enum bw_finding_code)code, out));
	return bw_buf_add_text(out, "]}},\"results\":[");
}

/* ---- the door ------------------------------------------------------------------------------------- */

enum bw_err bw_validate_write(enum bw_validate_format format, const struct bw_validate_result *result, bool first,
			      struct bw_buf *out)
{
	switch (format) {
	case BW_VALIDATE_JSON:
		return write_json(result, out);
	case BW_VALIDATE_SARIF:
		return write_sarif(result, first, out);
	default:
		return write_text(result, out);
	}
}

enum bw_err bw_validate_write_head(enum bw_validate_format format, struct bw_buf *out)
{
	return format == BW_VALIDATE_SARIF ? sarif_head(out) : BW_OK;
}

enum bw_err bw_validate_write_tail(enum bw_validate_format format, const struct bw_validate_sum *sum, bool strict,
				   struct bw_buf *out)
{
	if (format == BW_VALIDATE_SARIF)
		return bw_buf_add_text(out, "\n]}]}\n");
	if (format == BW_VALIDATE_JSON)
		return BW_OK;
	return bw_buf_addf(out, "%llu objects: %llu valid, %llu invalid; %llu errors, %llu warnings%s\n",
			   (unsigned long long)sum->objects, (unsigned long long)(sum->objects - sum->invalid),
			   (unsigned long long)sum->invalid, (unsigned long long)sum->errors,
			   (unsigned long long)sum->warnings, strict ? " (strict: warnings count)" : "");
}
