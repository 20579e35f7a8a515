#include "accord/redact.h"

#include "accord/members.h"
#include "base/text.h"
#include "codec/jcs.h"
#include "codec/json_walk.h"

enum { DEPTH_MAX = 64, OBJECT_MAX = 64 * 1024 * 1024 };

/* How a string is looked at. */
enum place { PROSE, SUBJECT, FIXED };

/* An open bracket, while looking. */
struct frame {
	struct bw_slice name; /* of the member we are in */
	size_t index;         /* or of the item */
	enum place place;     /* of the whole, from the names around it */
	enum place inside;    /* of the value of `name` */
	bool is_list;
	bool wants_name;
};

struct walker {
	enum bw_stix_type type;
	const struct frame *frames; /* looking: where we are; NULL while deriving */
	size_t depth;
	struct bw_redact_report *report;   /* looking; NULL while deriving */
	const struct bw_redact_plan *plan; /* deriving; NULL while looking */
	struct bw_buf *out;
	struct bw_buf said; /* what one string says */
	struct bw_personal_list list;
	char path[BW_REDACT_PATH_MAX + 1];
	bool sure;
	bool sure_subject;
	bool unsure;
};

/* ---- where a text stands -------------------------------------------------------------------------- */

/* What the standard or a vocabulary fixes, and machine's words: nothing about anybody can stand there. */
static enum place place_of(const struct walker *w, struct bw_slice name, enum place around)
{
	static const struct bw_slice fixed[] = {
		BW_MEMBER("type"),
		BW_MEMBER("id"),
		BW_MEMBER("spec_version"),
		BW_MEMBER("created"),
		BW_MEMBER("modified"),
		BW_MEMBER("hashes"),
		BW_MEMBER("pattern_type"),
		BW_MEMBER("marking_ref"),
		BW_MEMBER("selectors"),
		BW_MEMBER("valid_from"),
		BW_MEMBER("valid_until"),
		BW_MEMBER("first_seen"),
		BW_MEMBER("last_seen"),
		BW_MEMBER("first_observed"),
		BW_MEMBER("last_observed"),
		BW_MEMBER("published"),
		BW_MEMBER("lang"),
		BW_MEMBER("external_id"),
		BW_MEMBER("definition_type"),
		BW_MEMBER("extension_type"),
		BW_MEMBER("relationship_type"),
		BW_MEMBER("payload_bin"),
	};
	static const struct bw_slice subject[] = { BW_MEMBER("pattern"), BW_MEMBER("value") };

	if (around == FIXED || bw_member_is_one_of(name, fixed, BW_COUNT(fixed)) || bw_member_is_ref(name))
		return FIXED;
	if (around == SUBJECT || bw_member_is_one_of(name, subject, BW_COUNT(subject)))
		return SUBJECT;
	if (bw_stix_type_group(w->type) != BW_STIX_SCO || bw_slice_is(name, "body"))
		return PROSE;
	return SUBJECT;
}

/* What counts in a pattern or an observable: attackers have mailboxes and telephones too. */
static bool counts(enum place place, const struct bw_personal_found *found)
{
	if (place == PROSE)
		return true;
	switch ((enum bw_personal)found->kind) {
	case BW_PERSONAL_EMAIL:
	case BW_PERSONAL_PHONE:
	case BW_PERSONAL_POSTCODE:
	case BW_PERSONAL_ZIP:
	case BW_PERSONAL_NAME:
		return false;
	default:
		return true;
	}
}

/* ---- strings ---------------------------------------------------------------------------------------- */

/* "objects.0.name", "labels.[2]": written only when something was found. */
static void write_path(struct walker *w)
{
	size_t len = 0;

	for (size_t i = 0; i < w->depth && len < BW_REDACT_PATH_MAX; i++) {
		const struct frame *f = &w->frames[i];
		const size_t room = sizeof(w->path) - len;
		const char *dot = i > 0 ? "." : "";
		const int wrote = f->is_list ? snprintf(w->path + len, room, "%s[%zu]", dot, f->index)
					     : snprintf(w->path + len, room, "%s%.*s", dot, BW_ARG(f->name));

		len += (size_t)wrote < room ? (size_t)wrote : room - 1;
	}
}

static void report_one(struct walker *w, enum place place, const struct bw_personal_found *found)
{
	struct bw_redact_report *report = w->report;
	struct bw_redact_place *row;

	if (found->certainty < BW_PERSONAL_SURE)
		w->unsure = true;
	else if (place == SUBJECT)
		w->sure_subject = true;
	else
		w->sure = true;
	if (report == NULL)
		return;
	if (report->count == BW_REDACT_PLACES_MAX) {
		report->is_more = true;
		return;
	}
	write_path(w);
	row = &report->places[report->count++];
	memcpy(row->path, w->path, sizeof(row->path));
	row->at = (uint32_t)found->at;
	row->len = found->len;
	row->kind = found->kind;
	row->certainty = found->certainty;
	row->is_subject = place == SUBJECT;
}

/* The string again, with what is sure replaced. */
static enum bw_err rewrite(struct walker *w, struct bw_slice said)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf kept = BW_BUF_INIT(OBJECT_MAX);
	size_t at = 0;

	if (w->list.is_more) { /* it cannot be told where the rest are */
		BW_TRY(bw_buf_add_text(&kept, "[personal data removed]"));
		at = said.len;
	}
	for (size_t i = 0; at < said.len && i < w->list.count; i++) {
		const struct bw_personal_found *found = &w->list.of[i];

		if (found->certainty < BW_PERSONAL_SURE)
			continue;
		BW_TRY(bw_buf_add(&kept, bw_slice_sub(said, at, found->at - at)));
		BW_TRY(bw_buf_addf(&kept, "[%s removed]", bw_personal_words((enum bw_personal)found->kind)));
		at = found->at + found->len;
	}
	BW_TRY(bw_buf_add(&kept, bw_slice_from(said, at)));
	return bw_jcs_add_string(w->out, bw_buf_slice(&kept));
}

static enum bw_err look_string(struct walker *w, struct bw_slice value, enum place place)
{
	struct bw_slice said = bw_slice_sub(value, 1, value.len - 2);
	bool rewritten = false;

	if (place != FIXED && value.len > 2) {
		if (memchr(value.ptr, '\\', value.len) != NULL) {
			bw_buf_clear(&w->said);
			BW_TRY(bw_json_walk_string(value, &w->said));
			said = bw_buf_slice(&w->said);
		}
		bw_personal_scan(said, &w->list);
		for (size_t i = 0; i < w->list.count; i++) {
			if (!counts(place, &w->list.of[i]))
				continue;
			report_one(w, place, &w->list.of[i]);
			rewritten = rewritten || (place == PROSE && w->list.of[i].certainty >= BW_PERSONAL_SURE);
		}
		if (w->list.is_more)
			w->sure = true;
		rewritten = rewritten || w->list.is_more;
	}
	if (w->out == NULL)
		return BW_OK;
	if (rewritten && w->plan->personal)
		return rewrite(w, said);
	return bw_buf_add(w->out, value);
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

static bool is_dropped_ref(const struct walker *w, struct bw_slice value)
{
	if (w->plan == NULL || value.len < 2 || value.ptr[0] != '"')
		return false;
	for (size_t i = 0; i < w->plan->drop_ref_count; i++)
		if (bw_slice_equals(bw_slice_sub(value, 1, value.len - 2), w->plan->drop_refs[i]))
			return true;
	return false;
}

/* The id that stands in its place; NULL: the string stays. */
static const struct bw_slice *swapped(const struct walker *w, struct bw_slice value)
{
	for (size_t i = 0; w->plan != NULL && i + 1 < w->plan->swap_count; i += 2)
		if (bw_slice_equals(bw_slice_sub(value, 1, value.len - 2), w->plan->swap[i]))
			return &w->plan->swap[i + 1];
	return NULL;
}

static enum bw_err visit(struct walker *w, struct bw_slice value, enum place place, unsigned depth);

static enum bw_err visit_string(struct walker *w, struct bw_slice value, enum place place)
{
	const struct bw_slice *id = value.len > 2 ? swapped(w, value) : NULL;

	return id == NULL ? look_string(w, value, place) : bw_buf_addf(w->out, "\"%.*s\"", BW_ARG(*id));
}

static enum bw_err visit_list(struct walker *w, struct bw_slice value, enum place place, unsigned depth)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice item;
	size_t kept = 0;
	bool more;

	BW_TRY(bw_json_walk_open(value, &walk));
	BW_TRY(bw_buf_add_u8(w->out, '['));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &item, &more));
		if (!more)
			return bw_buf_add_u8(w->out, ']');
		if (is_dropped_ref(w, item))
			continue;
		if (kept++ > 0)
			BW_TRY(bw_buf_add_u8(w->out, ','));
		BW_TRY(visit(w, item, place, depth));
	}
}

/* A name that holds somebody's data stays where it is: it can only keep the whole at home. */
static enum bw_err look_name(struct walker *w, struct bw_slice name)
{
	struct bw_buf *const out = w->out;
	const struct bw_slice quoted = { name.ptr - 1, name.len + 2 }; /* the walk gives what stands between quotes */
	enum bw_err err;

	w->out = NULL;
	err = look_string(w, quoted, SUBJECT);
	w->out = out;
	return err;
}

static enum bw_err visit_member(struct walker *w, struct bw_slice name, struct bw_slice value, enum place place,
				unsigned depth, bool *first)
{
	if (place != FIXED && name.len > 0)
		BW_TRY(look_name(w, name));
	BW_TRY(bw_buf_addf(w->out, "%s\"%.*s\":", *first ? "" : ",", BW_ARG(name)));
	*first = false;
	return visit(w, value, place_of(w, name, place), depth);
}

static enum bw_err visit_object(struct walker *w, struct bw_slice value, enum place place, unsigned depth)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice inner;
	bool first = true;
	bool more;

	BW_TRY(bw_json_walk_open(value, &walk));
	BW_TRY(bw_buf_add_u8(w->out, '{'));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &inner, &more));
		if (!more)
			return bw_buf_add_u8(w->out, '}');
		if (!is_dropped_ref(w, inner))
			BW_TRY(visit_member(w, name, inner, place, depth, &first));
	}
}

static enum bw_err visit(struct walker *w, struct bw_slice value, enum place place, unsigned depth)
{
	BW_NEED(depth < DEPTH_MAX, TOO_DEEP);
	BW_NEED(value.len > 0, SYNTAX);
	switch (value.ptr[0]) {
	case '{':
		return visit_object(w, value, place, depth + 1);
	case '[':
		return visit_list(w, value, place, depth + 1);
	case '"':
		return visit_string(w, value, place);
	default: /* numbers of people are written as text, or they would lose their zeros */
		return bw_buf_add(w->out, value);
	}
}

/* "individual": the object is a person, whom only another person can tell from an office. */
static void look_class(struct walker *w, struct bw_slice name, struct bw_slice value)
{
	const struct bw_personal_found found = { 0, 0, BW_PERSONAL_NAME, 70 };

	if (w->type == BW_STIX_IDENTITY && bw_slice_is(name, "identity_class") && bw_slice_is(value, "\"individual\""))
		report_one(w, PROSE, &found);
}

/* ---- looking: one pass, for most objects are clean -------------------------------------------------------- */

/* The string that begins at a quote, with both; 0: it does not end. */
static size_t string_len(struct bw_slice text, size_t at)
{
	size_t from = at + 1;

	for (;;) {
		const uint8_t *quote = from < text.len ? memchr(text.ptr + from, '"', text.len - from) : NULL;
		size_t escapes = 0;

		if (quote == NULL)
			return 0;
		from = (size_t)(quote - text.ptr);
		while (text.ptr[from - 1 - escapes] == '\\') /* stops at the opening quote at the latest */
			escapes++;
		from++;
		if (escapes % 2 == 0)
			return from - at;
	}
}

static enum bw_err pass_string(struct walker *w, struct frame *top, struct bw_slice quoted)
{
	if (top->is_list)
		return look_string(w, quoted, top->inside);
	if (!top->wants_name) {
		look_class(w, top->name, quoted);
		return look_string(w, quoted, top->inside);
	}
	top->wants_name = false;
	top->name = bw_slice_sub(quoted, 1, quoted.len - 2);
	top->inside = place_of(w, top->name, top->place);
	return top->place == FIXED || quoted.len == 2 ? BW_OK : look_name(w, top->name);
}

static enum bw_err pass(struct walker *w, struct bw_slice text, struct frame frames[DEPTH_MAX])
{
	bool opened = false;
	size_t i = 0;

	while (!opened || w->depth > 0) {
		const uint8_t c = i < text.len ? text.ptr[i] : 0;
		struct frame *top = w->depth > 0 ? &frames[w->depth - 1] : NULL;

		BW_NEED(i < text.len, TRUNCATED);
		if (c == '"') {
			const size_t len = string_len(text, i);

			BW_NEED(len > 0, TRUNCATED);
			BW_NEED(top != NULL, SYNTAX);
			BW_TRY(pass_string(w, top, bw_slice_sub(text, i, len)));
			i += len;
			continue;
		}
		if (c == '{' || c == '[') {
			const enum place place = top != NULL ? top->inside : PROSE;

			BW_NEED(w->depth < DEPTH_MAX, TOO_DEEP);
			opened = true;
			frames[w->depth++] = (struct frame){ bw_slice_empty, 0, place, place, c == '[', c == '{' };
		} else if (c == '}' || c == ']') {
			BW_NEED(top != NULL && top->is_list == (c == ']'), SYNTAX);
			w->depth--;
		} else if (c == ',' && top != NULL) {
			top->index++;
			top->wants_name = !top->is_list;
		}
		i++;
	}
	while (i < text.len && bw_is_space(text.ptr[i]))
		i++;
	BW_NEED(i == text.len, SYNTAX); /* what nobody has looked at must not go */
	return BW_OK;
}

/* ---- what becomes of it ---- */

static enum bw_redact_outcome outcome_of(const struct walker *w, enum bw_redaction profile)
{
	if (!w->sure && !w->sure_subject && !w->unsure)
		return BW_REDACT_CLEAN;
	if (w->sure_subject || (w->sure && profile == BW_REDACTION_WITHHOLD))
		return BW_REDACT_WITHHOLD;
	if (w->unsure)
		return BW_REDACT_HOLD;
	return bw_stix_type_group(w->type) == BW_STIX_SCO ? BW_REDACT_WITHHOLD : BW_REDACT_DERIVE;
}

enum bw_err bw_redact_look(struct bw_slice object, enum bw_redaction profile, struct bw_redact_report *out)
{
	struct frame frames[DEPTH_MAX];
	struct walker w = { .report = out, .frames = frames, .said = BW_BUF_INIT(BW_REDACT_STRING_MAX) };
	enum bw_err err;

	out->count = 0;
	out->is_more = false;
	out->outcome = BW_REDACT_CLEAN;
	if (profile == BW_REDACTION_NONE)
		return BW_OK;
	err = bw_members_type(object, NULL, &w.type);
	if (err == BW_OK)
		err = pass(&w, object, frames);
	bw_buf_release(&w.said);
	out->outcome = err == BW_OK ? outcome_of(&w, profile) : BW_REDACT_WITHHOLD;
	return err;
}

enum bw_err bw_redact_say(const struct bw_redact_place *place, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "%s in ", bw_personal_words((enum bw_personal)place->kind)));
	BW_TRY(bw_text_escape(out, bw_slice_text(place->path)));
	return bw_buf_addf(out, " (certainty %u of 100%s)", place->certainty,
			   place->is_subject ? "; what the object is about" : "");
}

/* ---- deriving ------------------------------------------------------------------------------------------------- */

/* What the new object says of itself, in place of what the old one said. */
static bool is_own(struct bw_slice name)
{
	return bw_slice_is(name, "id") || bw_slice_is(name, "created") || bw_slice_is(name, "modified") ||
	       bw_slice_is(name, "created_by_ref") || bw_slice_is(name, "revoked");
}

static bool is_dropped(const struct bw_redact_plan *plan, struct bw_slice name)
{
	for (size_t i = 0; i < plan->drop_count; i++)
		if (bw_slice_equals(plan->drop[i], name))
			return true;
	return false;
}

/* Does each selector of this granular marking point into something that is dropped? Then it points at nothing. */
static enum bw_err marks_dropped(const struct bw_redact_plan *plan, struct bw_slice marking, bool *out)
{
	struct bw_json_walk walk;
	struct bw_json_walk list;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	*out = false;
	BW_TRY(bw_json_walk_open(marking, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (!bw_slice_is(name, "selectors"))
			continue;
		BW_TRY(bw_json_walk_open(value, &list));
		for (*out = true;;) {
			struct bw_slice first;
			struct bw_slice rest;

			BW_TRY(bw_json_walk_next(&list, &name, &value, &more));
			if (!more)
				return BW_OK;
			if (!bw_slice_cut(bw_slice_sub(value, 1, value.len - 2), '.', &first, &rest))
				first = bw_slice_sub(value, 1, value.len - 2);
			if (!is_dropped(plan, first)) {
				*out = false;
				return BW_OK;
			}
		}
	}
}

/* Granular markings without those whose parts are gone; no member at all when none is left. */
static enum bw_err add_granular(struct walker *w, struct bw_slice list)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice marking;
	size_t kept = 0;
	bool more;

	BW_TRY(bw_json_walk_open(list, &walk));
	for (;;) {
		bool gone;

		BW_TRY(bw_json_walk_next(&walk, &name, &marking, &more));
		if (!more)
			return kept > 0 ? bw_buf_add_u8(w->out, ']') : BW_OK;
		BW_TRY(marks_dropped(w->plan, marking, &gone));
		if (gone)
			continue;
		BW_TRY(bw_buf_add_text(w->out, kept++ > 0 ? "," : ",\"granular_markings\":["));
		BW_TRY(bw_buf_add(w->out, marking));
	}
}

/* A list of references that would be left empty is no list (STIX 2.1 §2.12): the member goes. */
static enum bw_err keeps_something(const struct walker *w, struct bw_slice value, bool *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice item;
	bool more;

	*out = !is_dropped_ref(w, value);
	if (value.ptr[0] != '[')
		return BW_OK;
	BW_TRY(bw_json_walk_open(value, &walk));
	for (*out = false; !*out;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &item, &more));
		if (!more)
			return BW_OK;
		*out = !is_dropped_ref(w, item);
	}
	return BW_OK;
}

static enum bw_err add_own(struct walker *w, struct bw_slice type)
{
	const struct bw_redact_plan *plan = w->plan;

	BW_TRY(bw_buf_addf(w->out, "{\"type\":\"%.*s\",\"id\":\"%.*s\",\"created\":\"%.*s\",\"modified\":\"%.*s\"",
			   BW_ARG(type), BW_ARG(plan->id), BW_ARG(plan->time), BW_ARG(plan->time)));
	if (plan->creator.len > 0)
		BW_TRY(bw_buf_addf(w->out, ",\"created_by_ref\":\"%.*s\"", BW_ARG(plan->creator)));
	return BW_OK;
}

static enum bw_err derive(struct walker *w, struct bw_slice object)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool first = false;
	bool keeps;
	bool more;

	BW_TRY(bw_json_walk_open(object, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return bw_buf_add_u8(w->out, '}');
		if (is_own(name) || bw_slice_is(name, "type") || is_dropped(w->plan, name))
			continue;
		BW_TRY(keeps_something(w, value, &keeps));
		if (!keeps)
			continue;
		if (bw_slice_is(name, "granular_markings"))
			BW_TRY(add_granular(w, value));
		else
			BW_TRY(visit_member(w, name, value, PROSE, 1, &first));
	}
}

enum bw_err bw_redact_derive(struct bw_slice object, const struct bw_redact_plan *plan, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf made = BW_BUF_INIT(OBJECT_MAX);
	struct walker w = { .plan = plan, .out = &made, .said = BW_BUF_INIT(BW_REDACT_STRING_MAX) };
	struct bw_slice type;
	enum bw_err err;

	BW_TRY(bw_members_type(object, &type, &w.type));
	BW_NEED(bw_stix_type_group(w.type) != BW_STIX_SCO, USAGE);
	err = add_own(&w, type);
	if (err == BW_OK)
		err = derive(&w, object);
	bw_buf_release(&w.said);
	BW_TRY(err);
	BW_NEED(!plan->personal || !w.sure_subject, DENIED);
	return bw_buf_add(out, bw_buf_slice(&made));
}
