/*
 * From an incident's records to its sealed report. Indicators go out at once, from the records alone; the rest a
 * second later, when the client has a name and the first late evidence is in; and again when something has changed,
 * ever more rarely. What was cut short by a restart is begun again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	QUICK_MS = 8,           /* from it to the indicators: what else the actor did comes right behind it */
	FIRST_MS = 1200,        /* from the first evidence to the first whole report: Samba names a client in 300 ms */
	DECIDED_MS = 2000,      /* after a restore, an approval, a closing */
	COMPOSE_MS = 10 * 1000, /* then the reporter is asked again */
	SIGN_MS = 5 * 1000,     /* then a report is finished without a seal */
	SIGN_LATE_MS = 60 * 1000, /* and then it stays so until the next start */
	AGAIN_MS = 1000,
	TELL_MS = 8 * 1000,
	IDLE_MS = 10 * 60 * 1000,
	LOOK_BACK = 16, /* the newest incidents, at a start */
	MANIFEST_ROWS = BW_REPORT_MANIFEST_BYTES,
	PAGE_BYTES = BW_HAND_TEXT_BYTES,
};

#define MS INT64_C(1000)
#define DAY_US (INT64_C(86400) * 1000000)

/* How long more evidence is gathered before the next report of the same incident. */
static int64_t spacing_us(unsigned made)
{
	static const int64_t seconds[] = { 10, 30, 120, 600, 3600 };

	return seconds[made < BW_COUNT(seconds) ? made : BW_COUNT(seconds) - 1] * 1000000;
}

/* ---- cases -------------------------------------------------------------------------------------- */

struct scribe_case *scribe_case_of(struct scribe *scribe, uint64_t incident)
{
	for (size_t i = 0; i < SCRIBE_CASES_MAX; i++) {
		if (scribe->cases[i].incident == incident && incident != 0)
			return &scribe->cases[i];
	}
	return NULL;
}

static void drop_case(struct scribe_case *one)
{
	bw_buf_release(&one->rows);
	bw_buf_release(&one->manifest_text);
	bw_buf_release(&one->page);
	bw_buf_release(&one->first);
	free(one->manifest);
	*one = (struct scribe_case){ 0 };
}

static bool is_at_rest(const struct scribe_case *one)
{
	return one->due_us == 0 && one->asked_us == 0 && one->signing_us == 0 && one->share_us == 0 &&
	       one->sharing_us == 0 && one->tell_by_us == 0 && one->quick_us == 0 && one->send_us == 0 &&
	       one->first.len == 0;
}

/* A free place, else that of who has rested longest. NULL: all are at work. */
static struct scribe_case *new_case(struct scribe *scribe, uint64_t incident)
{
	struct scribe_case *place = NULL;

	for (size_t i = 0; i < SCRIBE_CASES_MAX; i++) {
		struct scribe_case *one = &scribe->cases[i];

		if (one->incident != 0 && !is_at_rest(one))
			continue;
		if (place == NULL || one->touched_us < place->touched_us)
			place = one;
	}
	if (place == NULL)
		return NULL;
	drop_case(place);
	*place = (struct scribe_case){ .incident = incident,
				       .rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES),
				       .manifest_text = BW_BUF_INIT(MANIFEST_ROWS),
				       .page = BW_BUF_INIT(PAGE_BYTES),
				       .first = BW_BUF_INIT(BW_FOREIGN_SEND_BYTES),
				       .indicators_ms = -1,
				       .number = bw_evidence_newest(scribe->guard->data, incident),
				       .touched_us = bw_clock_mono_us() };
	return place;
}

static bool is_notice(const struct bw_ledger_record *record)
{
	struct bw_acted acted;

	return record->kind == BW_LEDGER_ACTED && bw_acted_parse(record->body, &acted) == BW_OK &&
	       acted.what == BW_ACTED_NOTICED;
}

static void add_row(struct scribe_case *one, const struct bw_ledger_record *record)
{
	if (bw_dossier_row_add(&one->rows, record->kind, record->wall_us, record->body) != BW_OK)
		one->left_out++; /* it is in the ledger all the same */
	if (is_notice(record))
		one->is_told = true;
}

static bool is_told_of(uint8_t kind)
{
	return kind == BW_LEDGER_EVIDENCE || kind == BW_LEDGER_ACTED || kind == BW_LEDGER_TRACE ||
	       kind == BW_LEDGER_RESTORING || kind == BW_LEDGER_RESTORED || kind == BW_LEDGER_APPROVED ||
	       kind == BW_LEDGER_CLOSED || kind == BW_LEDGER_REOPENED || kind == BW_LEDGER_DRILL;
}

static enum bw_err see_row(void *context, const struct bw_ledger_record *record)
{
	struct scribe_case *one = context;

	if (record->incident == one->incident && is_told_of(record->kind))
		add_row(one, record);
	return BW_OK;
}

/* An incident of before this start, or one that rested: its records from the ledger. */
struct scribe_case *scribe_case_load(struct scribe *scribe, uint64_t incident)
{
	struct scribe_case *one = new_case(scribe, incident);
	struct bw_ledger_seen seen;
	struct bw_why why = { 0 };

	if (one != NULL && bw_ledger_read(scribe->guard->data, see_row, one, &seen, &why) != BW_OK) {
		bw_log(BW_ERROR, "a report cannot be made", BW_NUM("incident", incident), BW_TEXT("why", why.text));
		drop_case(one);
		one = NULL;
	}
	return one;
}

/* ---- asking the reporter --------------------------------------------------------------------------- */

static enum bw_err put_to(struct scribe *scribe, const char *peer, uint8_t kind, const struct bw_buf *body, int fd)
{
	struct bw_channel *channel = bw_seat_peer(scribe->seat, peer, 0);
	enum bw_err err;

	BW_NEED(channel != NULL, CLOSED);
	BW_TRY(bw_channel_put(channel, kind, bw_buf_slice(body), fd));
	err = bw_channel_flush(channel);
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static enum bw_err ask_reporter(struct scribe *scribe, struct scribe_case *one, enum bw_report_stage stage)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile rows = BW_MEMFILE_NONE;
	const struct bw_compose what = { .incident = one->incident,
					 .stage = (uint8_t)stage,
					 .number = one->number + 1,
					 .since_us = bw_ledger_began(scribe->ledger),
					 .left_out = one->left_out };

	BW_TRY(bw_compose_add(&body, &what, false));
	BW_TRY(bw_memfile_of("guard-records", bw_buf_slice(&one->rows), &rows));
	return put_to(scribe, "reporter", BW_REPORT_COMPOSE, &body, rows.fd);
}

static void compose(struct scribe *scribe, struct scribe_case *one, int64_t now_us)
{
	const enum bw_err err = ask_reporter(scribe, one, BW_STAGE_WHOLE);

	if (err != BW_OK) {
		bw_log(BW_WARNING, "the reporter could not be asked", BW_TEXT("why", bw_err_text(err)));
		one->due_us = now_us + AGAIN_MS * MS;
		return;
	}
	one->due_us = 0;
	one->asked_us = now_us;
}

static void want(struct scribe_case *one, int64_t at_us)
{
	if (one->due_us == 0 || at_us < one->due_us)
		one->due_us = at_us;
}

/* ---- what comes in ------------------------------------------------------------------------------------ */

static void compose_quick(struct scribe *scribe, struct scribe_case *one)
{
	const enum bw_err err = ask_reporter(scribe, one, BW_STAGE_INDICATORS);

	one->quick_us = 0;
	if (err != BW_OK)
		bw_log(BW_WARNING, "the reporter could not be asked", BW_TEXT("why", bw_err_text(err)));
}

static void begin_case(struct scribe_case *one, int64_t now_us)
{
	one->quick_us = now_us + QUICK_MS * MS;
	one->tell_by_us = now_us + TELL_MS * MS;
	want(one, now_us + FIRST_MS * MS);
}

void scribe_report_row(struct scribe *scribe, const struct bw_ledger_record *record)
{
	const int64_t now_us = bw_clock_mono_us();
	const struct bw_incident *incident;
	struct scribe_case *one = scribe_case_of(scribe, record->incident);
	bool is_first;

	if (record->incident != 0 && record->kind == BW_LEDGER_ALLOWED)
		scribe_send_allowed(scribe, record->incident);
	if (record->incident == 0 || !is_told_of(record->kind))
		return;
	incident = bw_incidents_find(&scribe->incidents, record->incident);
	is_first = incident != NULL && incident->evidence == 1 && record->kind == BW_LEDGER_EVIDENCE;
	if (one != NULL) {
		add_row(one, record);
	} else if (is_first) {
		one = new_case(scribe, record->incident);
		if (one != NULL)
			add_row(one, record);
	} else if (incident != NULL && incident->evidence > 0) {
		one = scribe_case_load(scribe, record->incident); /* the ledger has it already */
	}
	if (one == NULL)
		return; /* all are at work; the next start makes up for it */
	one->touched_us = now_us;
	if (is_first)
		begin_case(one, now_us);
	else if (is_notice(record) || record->kind == BW_LEDGER_DRILL)
		return; /* that people were told, or what a report found, needs no other report */
	else if (record->kind == BW_LEDGER_EVIDENCE || record->kind == BW_LEDGER_ACTED ||
		 record->kind == BW_LEDGER_TRACE)
		want(one, now_us + (one->made == 0 ? FIRST_MS * MS : spacing_us(one->made - 1)));
	else
		want(one, now_us + DECIDED_MS * MS);
}

/* ---- what the reporter composed -------------------------------------------------------------------------- */

/* Milliseconds since the verdict; -1 when it is not of this start. */
static int64_t since_verdict_ms(const struct scribe_case *one)
{
	const int64_t ms = bw_clock_mono_us() / 1000 - (int64_t)(one->decided_ns / 1000000);

	return one->decided_ns != 0 && ms >= 0 && ms < 3600 * 1000 ? ms : -1;
}

static struct bw_slice piece_of(struct bw_slice pieces, const char *name)
{
	struct bw_cursor c = bw_cursor_over(pieces);
	struct bw_report_piece piece;

	while (bw_report_piece_next(&c, &piece) == BW_OK) {
		if (bw_slice_is(piece.name, name))
			return piece.bytes;
	}
	return bw_slice_empty;
}

static void take_indicators(struct scribe *scribe, struct scribe_case *one, struct bw_slice pieces)
{
	struct bw_why why = { 0 };
	const enum bw_err err = bw_evidence_first(scribe->guard->data, one->incident, BW_PAPER_INDICATORS,
						  piece_of(pieces, BW_PAPER_INDICATORS), &why);

	if (err != BW_OK) {
		bw_log(BW_ERROR, "indicators could not be written", BW_TEXT("why", why.text));
		return;
	}
	one->indicators_ms = since_verdict_ms(one);
	scribe_send_first(scribe, one, piece_of(pieces, BW_PAPER_FIRST));
	bw_log(BW_NOTICE, "indicators are ready", BW_NUM("incident", one->incident),
	       BW_NUM("after_ms", one->indicators_ms));
}

enum bw_err scribe_ask_sealer(struct scribe *scribe, struct scribe_case *one)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_report_word word = { .incident = one->incident,
					     .number = one->manifest->number,
					     .words = bw_buf_slice(&one->manifest_text) };

	BW_TRY(bw_report_word_add(&body, BW_REPORT_SIGN, &word));
	return put_to(scribe, "sealer", BW_REPORT_SIGN, &body, -1);
}

static enum bw_err write_report(struct scribe *scribe, struct scribe_case *one, struct bw_slice pieces,
				struct bw_why *why)
{
	struct bw_evidence_manifest *manifest = one->manifest;

	*manifest = (struct bw_evidence_manifest){ .incident = one->incident,
						   .number = one->number + 1,
						   .decided_us = one->decided_us,
						   .indicators_ms = one->indicators_ms,
						   .ledger = bw_ledger_link(scribe->ledger) };
	BW_TRY(bw_evidence_write(scribe->guard->data, pieces, manifest, why));
	manifest->sealed_us = bw_clock_now_us();
	manifest->sealed_ms = one->made == 0 ? since_verdict_ms(one) : -1;
	bw_buf_clear(&one->manifest_text);
	return bw_evidence_manifest_add(&one->manifest_text, manifest);
}

static void take_report(struct scribe *scribe, struct scribe_case *one, struct bw_slice pieces)
{
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;

	if (one->manifest == NULL)
		one->manifest = calloc(1, sizeof(*one->manifest));
	if (one->manifest == NULL)
		err = BW_ERR_MEMORY;
	if (err == BW_OK)
		err = write_report(scribe, one, pieces, &why);
	if (err != BW_OK) {
		bw_log(BW_ERROR, "a report could not be written", BW_NUM("incident", one->incident),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
		want(one, bw_clock_mono_us() + spacing_us(1));
		return;
	}
	one->leaves = piece_of(pieces, BW_PAPER_LEAVES).len > 0;
	bw_buf_clear(&one->page);
	bw_err_drop(bw_buf_add(&one->page, bw_slice_sub(piece_of(pieces, BW_PAPER_PAGE_TEXT), 0, PAGE_BYTES / 2)));
	one->signing_us = bw_clock_mono_us();
	err = scribe_ask_sealer(scribe, one);
	if (err != BW_OK)
		bw_log(BW_WARNING, "the sealer could not be asked", BW_TEXT("why", bw_err_text(err)));
}

enum bw_err scribe_composed(struct scribe *scribe, struct bw_slice body, int fd)
{
	struct bw_mapped pieces = { bw_slice_empty };
	struct bw_compose what;
	struct scribe_case *one;

	BW_TRY(bw_compose_parse(body, true, &what));
	if (fd >= 0)
		BW_TRY(bw_mapped_open(fd, BW_REPORT_PIECES_BYTES, &pieces));
	one = scribe_case_of(scribe, what.incident);
	if (one != NULL && what.decided_ns != 0 && one->decided_us == 0) {
		one->decided_ns = what.decided_ns;
		one->decided_us = what.decided_us;
	}
	if (one != NULL && fd >= 0)
		scribe_note_drill(scribe, one, what.of_drill);
	if (one != NULL && fd >= 0 && what.stage == BW_STAGE_INDICATORS) {
		take_indicators(scribe, one, pieces.bytes);
	} else if (one != NULL && what.stage == BW_STAGE_WHOLE && one->asked_us != 0 && one->signing_us == 0) {
		one->asked_us = 0;
		if (fd >= 0)
			take_report(scribe, one, pieces.bytes);
	}
	bw_mapped_release(&pieces);
	return BW_OK;
}

/* ---- the seal ------------------------------------------------------------------------------------------------ */

static void note_report(struct scribe *scribe, const struct scribe_case *one)
{
	char hex[2 * BW_SHA256_BYTES + 1];
	uint8_t sum[BW_SHA256_BYTES];

	if (bw_sha256(bw_buf_slice(&one->manifest_text), sum) != BW_OK)
		return;
	bw_hex_encode(bw_slice_of(sum, sizeof(sum)), hex);
	if (scribe_append(scribe, BW_LEDGER_REPORTED, one->incident, bw_slice_text(hex)) == BW_OK)
		bw_err_drop(scribe_sync(scribe)); /* logged there */
}

/* -1 ms: it is not the first, and nobody waited for it. */
static void log_written(const struct scribe_case *one, bool is_sealed)
{
	const struct bw_field fields[] = { BW_NUM("incident", one->incident),
					   BW_NUM("report", one->number),
					   BW_NUM("after_ms", one->manifest->sealed_ms),
					   { 0 } };
	const struct bw_field later[] = { fields[0], fields[1], { 0 } };

	bw_log_fields(is_sealed ? BW_NOTICE : BW_ERROR,
		      is_sealed ? "a report is written and sealed" : "a report is written, and not sealed",
		      one->manifest->sealed_ms < 0 ? later : fields);
}

static void finish(struct scribe *scribe, struct scribe_case *one, struct bw_slice seal)
{
	struct bw_why why = { 0 };
	enum bw_err err;

	one->signing_us = 0;
	err = bw_evidence_finish(scribe->guard->data, one->manifest, bw_buf_slice(&one->manifest_text), seal, &why);
	if (err != BW_OK) {
		bw_log(BW_ERROR, "a report could not be written", BW_NUM("incident", one->incident),
		       BW_TEXT("why", why.text));
		want(one, bw_clock_mono_us() + spacing_us(1));
		return;
	}
	one->number = one->manifest->number;
	log_written(one, seal.len > 0);
	one->made++;
	note_report(scribe, one);
	bw_evidence_thin(scribe->guard->data, one->incident);
	one->share_us = one->leaves ? bw_clock_mono_us() : 0;
	one->share_tries = 0;
	scribe_send_report(scribe, one);
	scribe_tell_people(scribe, one);
	if (seal.len == 0) /* the sealer may only be slow */
		scribe_seal_begin(scribe, one, one->number - 1);
}

enum bw_err scribe_signed(struct scribe *scribe, struct bw_slice body)
{
	struct bw_report_word word;
	struct scribe_case *one;

	BW_TRY(bw_report_word_parse(body, BW_REPORT_SIGNED, &word));
	one = scribe_case_of(scribe, word.incident);
	if (one == NULL || one->signing_us == 0 || one->manifest->number != word.number)
		return BW_OK;
	if (one->is_late)
		scribe_seal_end(scribe, one, word.words);
	else
		finish(scribe, one, word.words);
	return BW_OK;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static int64_t sign_us(const struct scribe_case *one)
{
	return (one->is_late ? SIGN_LATE_MS : SIGN_MS) * MS;
}

static void turn_one(struct scribe *scribe, struct scribe_case *one, int64_t now_us)
{
	if (one->quick_us != 0 && now_us >= one->quick_us)
		compose_quick(scribe, one);
	if (one->asked_us != 0 && now_us - one->asked_us > COMPOSE_MS * MS) {
		one->asked_us = 0;
		want(one, now_us);
	}
	if (one->signing_us != 0 && now_us - one->signing_us > sign_us(one)) {
		if (one->is_late)
			scribe_seal_end(scribe, one, bw_slice_empty);
		else
			finish(scribe, one, bw_slice_empty);
	}
	if (one->due_us != 0 && now_us >= one->due_us && one->asked_us == 0 && one->signing_us == 0)
		compose(scribe, one, now_us);
	if (one->tell_by_us != 0 && now_us >= one->tell_by_us)
		scribe_tell_people(scribe, one);
	scribe_share(scribe, one);
	scribe_send(scribe, one);
	if (is_at_rest(one) && now_us - one->touched_us > IDLE_MS * MS)
		drop_case(one);
}

static void sooner(int64_t *next_us, int64_t at_us)
{
	if (at_us < *next_us)
		*next_us = at_us;
}

/* When one of its steps is due. */
static int64_t next_of(const struct scribe *scribe, const struct scribe_case *one)
{
	int64_t next_us = one->touched_us + IDLE_MS * MS;

	if (one->asked_us != 0)
		sooner(&next_us, one->asked_us + COMPOSE_MS * MS);
	else if (one->signing_us != 0)
		sooner(&next_us, one->signing_us + sign_us(one));
	else if (one->due_us != 0)
		sooner(&next_us, one->due_us);
	if (one->quick_us != 0)
		sooner(&next_us, one->quick_us);
	if (one->tell_by_us != 0)
		sooner(&next_us, one->tell_by_us);
	if (one->share_us != 0 && one->sharing_us == 0)
		sooner(&next_us, one->share_us);
	sooner(&next_us, scribe_send_next_us(scribe, one));
	return next_us;
}

int scribe_report_turn(struct scribe *scribe)
{
	const int64_t now_us = bw_clock_mono_us();
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < SCRIBE_CASES_MAX; i++) {
		struct scribe_case *one = &scribe->cases[i];

		if (one->incident != 0)
			turn_one(scribe, one, now_us);
		if (one->incident != 0)
			sooner(&next_us, next_of(scribe, one));
	}
	scribe_keep_room(scribe);
	if (next_us == INT64_MAX)
		return -1;
	if (next_us <= now_us)
		return next_us == now_us ? 0 : 10; /* a step that is late waits for somebody: no spinning on it */
	return next_us - now_us > INT64_C(3600000) * MS ? 3600 * 1000 : (int)((next_us - now_us) / MS) + 1;
}

void scribe_report_renew(struct scribe *scribe, const char *peer)
{
	const int64_t now_us = bw_clock_mono_us();

	if (strcmp(peer, "caller") == 0 || strcmp(peer, "reader") == 0)
		scribe_send_renew(scribe);
	for (size_t i = 0; i < SCRIBE_CASES_MAX; i++) {
		struct scribe_case *one = &scribe->cases[i];

		if (one->incident == 0)
			continue;
		if (strcmp(peer, "reporter") == 0 && one->asked_us != 0) {
			one->asked_us = 0;
			want(one, now_us + AGAIN_MS * MS);
		}
		if (strcmp(peer, "sealer") == 0 && one->signing_us != 0)
			bw_err_drop(scribe_ask_sealer(scribe, one)); /* else it stays without, which is logged */
		if (strcmp(peer, "hand") == 0 && one->sharing_us != 0) {
			one->sharing_us = 0;
			one->share_us = now_us + AGAIN_MS * MS;
		}
	}
}

/* ---- start and end -------------------------------------------------------------------------------- */

static bool has_unsealed(const struct scribe *scribe, uint64_t incident)
{
	uint32_t numbers[BW_EVIDENCE_KEPT + 1];
	const size_t count = bw_evidence_reports(scribe->guard->data, incident, numbers, BW_COUNT(numbers));

	for (size_t i = 0; i < count; i++) {
		if (!bw_evidence_has_seal(scribe->guard->data, incident, numbers[i]))
			return true;
	}
	return false;
}

/* What was not reported, not sealed, or not told to the exchange, when the last guard ended. */
void scribe_report_begin(struct scribe *scribe)
{
	const struct bw_incidents *incidents = &scribe->incidents;
	const size_t from = incidents->count > LOOK_BACK ? incidents->count - LOOK_BACK : 0;
	const int64_t now_us = bw_clock_mono_us();

	scribe->kept_us = 0;
	for (size_t i = from; i < incidents->count; i++) {
		const struct bw_incident *incident = &incidents->list[i];
		const bool is_open = incident->evidence > 0 && incident->last_us > bw_clock_now_us() - 30 * DAY_US;
		const bool to_report = incident->reported_us < incident->evidence_us;
		const bool to_share = incident->reported_us != 0 && incident->shared_us < incident->reported_us;
		const bool to_send = incident->reported_us != 0 && incident->sent_us < incident->reported_us &&
				     scribe_may_send(scribe, incident);
		const bool to_seal = incident->reported_us != 0 && has_unsealed(scribe, incident->id);
		struct scribe_case *one;

		if (!is_open || (!to_report && !to_share && !to_seal && !to_send))
			continue;
		one = scribe_case_load(scribe, incident->id);
		if (one == NULL)
			continue;
		if (to_seal)
			scribe_seal_begin(scribe, one, 0);
		if (to_report) {
			want(one, now_us + FIRST_MS * MS);
			one->tell_by_us = one->is_told ? 0 : now_us + TELL_MS * MS;
		} else if (to_share) {
			one->share_us = now_us + FIRST_MS * MS;
		}
		if (to_send && !to_report)
			one->send_us = now_us + FIRST_MS * MS;
	}
}

void scribe_report_end(struct scribe *scribe)
{
	for (size_t i = 0; i < SCRIBE_CASES_MAX; i++)
		drop_case(&scribe->cases[i]);
}
