/*
 * What may leave of an incident goes to the exchange that the guard reports to (--report-to), through the caller: at
 * once the first words of it, then each report; one request at a time, and again, ever more rarely, until it is there.
 * And what comes of it elsewhere: somebody met what was told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/log.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	ANSWER_S = 60,       /* the caller gives up sooner; then it is asked again */
	TRIES_SAID = 2,      /* as in scribe_share.c */
	LOOKED_THROUGH = 64, /* the newest incidents that have a report */
	HELPED_MOST = 100,   /* of one incident are written down */
};

#define SECOND_US INT64_C(1000000)

static int64_t wait_us(unsigned tries)
{
	static const int64_t seconds[] = { 2, 5, 30, 120, 600, 3600 };

	return seconds[tries < BW_COUNT(seconds) ? tries : BW_COUNT(seconds) - 1] * SECOND_US;
}

/* ---- whether ----------------------------------------------------------------------------------- */

bool scribe_may_send(const struct scribe *scribe, const struct bw_incident *incident)
{
	if (!scribe->guard->reports || incident == NULL)
		return false;
	return !scribe->guard->reports_when_approved || incident->allowed_us != 0;
}

void scribe_send_report(struct scribe *scribe, struct scribe_case *one)
{
	if (!one->leaves || !scribe_may_send(scribe, bw_incidents_find(&scribe->incidents, one->incident)))
		return;
	one->send_us = bw_clock_mono_us();
	one->send_tries = 0;
}

void scribe_send_allowed(struct scribe *scribe, uint64_t incident)
{
	struct scribe_case *one = scribe_case_of(scribe, incident);

	if (one == NULL)
		one = scribe_case_load(scribe, incident);
	if (one == NULL)
		return; /* the next start makes up for it */
	one->touched_us = bw_clock_mono_us();
	one->leaves = true; /* whether there is a bundle is seen when it is read */
	scribe_send_report(scribe, one);
}

/* ---- sending -------------------------------------------------------------------------------------- */

/* The request holds the objects of a bundle of ours and nothing else of it (TAXII 2.1 §3.7). NOT_FOUND: no bundle. */
static enum bw_err write_request(struct bw_slice bundle, struct bw_buf *out)
{
	static const char objects[] = "\"objects\":[";
	const uint8_t *at = memmem(bundle.ptr, bundle.len, objects, sizeof(objects) - 1);

	BW_NEED(at != NULL, NOT_FOUND);
	BW_TRY(bw_buf_add_u8(out, '{'));
	return bw_buf_add(out, bw_slice_from(bundle, (size_t)(at - bundle.ptr)));
}

static enum bw_err send_to_caller(struct scribe *scribe, const struct bw_foreign_sent *what, struct bw_slice request)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_channel *caller = bw_seat_peer(scribe->seat, "caller", 0);
	enum bw_err err;

	BW_NEED(caller != NULL, CLOSED);
	BW_TRY(bw_foreign_sent_add(&body, BW_FOREIGN_SEND, what));
	BW_TRY(bw_memfile_of("guard-report", request, &file));
	BW_TRY(bw_channel_put(caller, BW_FOREIGN_SEND, bw_buf_slice(&body), file.fd));
	err = bw_channel_flush(caller);
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static void send_request(struct scribe *scribe, struct scribe_case *one, uint32_t report, struct bw_slice request)
{
	const struct bw_foreign_sent what = { .incident = one->incident, .report = report, .answer = bw_slice_empty };
	const int64_t now_us = bw_clock_mono_us();
	const enum bw_err err = send_to_caller(scribe, &what, request);

	if (err != BW_OK) { /* a caller that is started again is heard of */
		one->send_us = report == 0 ? one->send_us : now_us + wait_us(one->send_tries++);
		return;
	}
	scribe->sending = (struct scribe_sending){ one->incident, report, now_us };
}

static enum bw_err read_leaves(const struct scribe *scribe, const struct scribe_case *one, struct bw_buf *request)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bundle = BW_BUF_INIT(BW_FOREIGN_SEND_BYTES);
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	BW_TRY(bw_evidence_report(scribe->guard->data, one->incident, one->number, folder));
	BW_TRY(bw_path_join(path, folder, BW_PAPER_LEAVES));
	BW_TRY(bw_file_read(path, &bundle, NULL));
	return write_request(bw_buf_slice(&bundle), request);
}

static void send_newest(struct scribe *scribe, struct scribe_case *one)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf request = BW_BUF_INIT(BW_FOREIGN_SEND_BYTES);
	const enum bw_err err = read_leaves(scribe, one, &request);

	if (err == BW_OK) {
		send_request(scribe, one, one->number, bw_buf_slice(&request));
		return;
	}
	one->send_us = 0; /* a drill's has none; another one would be no smaller next time */
	if (err != BW_ERR_NOT_FOUND)
		bw_log(BW_ERROR, "an incident cannot be reported", BW_NUM("incident", one->incident),
		       BW_TEXT("why", bw_err_text(err)));
}

void scribe_send(struct scribe *scribe, struct scribe_case *one)
{
	const int64_t now_us = bw_clock_mono_us();

	if (scribe->sending.incident != 0 && now_us - scribe->sending.since_us > ANSWER_S * SECOND_US)
		scribe_send_renew(scribe);
	if (scribe->sending.incident != 0)
		return;
	if (one->first.len > 0) {
		send_request(scribe, one, 0, bw_buf_slice(&one->first));
		bw_buf_clear(&one->first); /* once: the whole report comes after it, and that is tried again */
	} else if (one->send_us != 0 && now_us >= one->send_us && one->number != 0) {
		send_newest(scribe, one);
	}
}

int64_t scribe_send_next_us(const struct scribe *scribe, const struct scribe_case *one)
{
	if (scribe->sending.incident != 0)
		return scribe->sending.since_us + (ANSWER_S + 1) * SECOND_US;
	if (one->first.len > 0)
		return 0;
	return one->send_us != 0 ? one->send_us : INT64_MAX;
}

void scribe_send_first(struct scribe *scribe, struct scribe_case *one, struct bw_slice bundle)
{
	bw_buf_clear(&one->first);
	if (bundle.len == 0 || !scribe_may_send(scribe, bw_incidents_find(&scribe->incidents, one->incident)))
		return;
	if (write_request(bundle, &one->first) != BW_OK)
		bw_buf_clear(&one->first); /* the report comes */
}

/* The caller, or the reader who tells what came of it, is another one. */
void scribe_send_renew(struct scribe *scribe)
{
	struct scribe_case *one = scribe_case_of(scribe, scribe->sending.incident);

	if (one != NULL && scribe->sending.report != 0)
		one->send_us = bw_clock_mono_us() + wait_us(one->send_tries++);
	scribe->sending = (struct scribe_sending){ 0 };
}

/* ---- what came of it -------------------------------------------------------------------------------- */

static void note_sent(struct scribe *scribe, struct scribe_case *one, const struct bw_foreign_sent *sent)
{
	char sentence[BW_FOREIGN_PEER_BYTES + 96];
	const bool is_whole = sent->result == BW_OK;

	one->send_us = 0;
	(void)snprintf(sentence, sizeof(sentence), "report %u to '%s'%s", sent->report, scribe->guard->reports_to,
		       is_whole ? "" : ", but what the exchange refused of it");
	if (scribe_append(scribe, BW_LEDGER_SENT, one->incident, bw_slice_text(sentence)) == BW_OK)
		bw_err_drop(scribe_sync(scribe)); /* logged there */
	bw_log(is_whole ? BW_NOTICE : BW_WARNING,
	       is_whole ? "the incident is reported" : "the incident is reported, and some of it was refused",
	       BW_NUM("incident", one->incident), BW_NUM("report", sent->report),
	       BW_TEXT("to", scribe->guard->reports_to), BW_SLICE("what", sent->answer));
}

static void note_unsent(struct scribe_case *one, const struct bw_foreign_sent *sent)
{
	one->send_us = bw_clock_mono_us() + wait_us(one->send_tries++);
	if (one->send_tries <= TRIES_SAID)
		bw_log(BW_WARNING, "the incident could not be reported yet; it is tried again",
		       BW_NUM("incident", one->incident), BW_SLICE("why", sent->answer));
}

enum bw_err scribe_sent(struct scribe *scribe, struct bw_slice body)
{
	struct bw_foreign_sent sent;
	struct scribe_case *one;
	bool is_there;

	BW_TRY(bw_foreign_sent_parse(body, BW_FOREIGN_SENT, &sent));
	if (sent.incident != scribe->sending.incident || sent.report != scribe->sending.report)
		return BW_OK; /* it was asked again since */
	scribe->sending = (struct scribe_sending){ 0 };
	is_there = sent.result == BW_OK || sent.result == BW_ERR_CONFLICT; /* what is refused would be again */
	one = scribe_case_of(scribe, sent.incident);
	if (one == NULL)
		return BW_OK;
	one->touched_us = bw_clock_mono_us();
	if (sent.report == 0)
		bw_log(BW_NOTICE,
		       is_there ? "the first words of the incident are reported"
				: "the first words of the incident could not be reported",
		       BW_NUM("incident", one->incident), BW_SLICE("what", sent.answer));
	else if (is_there && sent.report == one->number)
		note_sent(scribe, one, &sent);
	else if (is_there)
		one->send_us = one->touched_us; /* a newer report came meanwhile */
	else
		note_unsent(one, &sent);
	return BW_OK;
}

/* ---- whether it helped -------------------------------------------------------------------------------- */

static bool has_told(const struct scribe *scribe, uint64_t incident, struct bw_slice id)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bundle = BW_BUF_INIT(BW_FOREIGN_SEND_BYTES);
	const uint32_t number = bw_evidence_newest(scribe->guard->data, incident);
	char wanted[BW_FOREIGN_ID_BYTES + 16];
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	int len;

	len = snprintf(wanted, sizeof(wanted), "\"id\":\"%.*s\"", BW_ARG(id));
	return number != 0 && bw_evidence_report(scribe->guard->data, incident, number, folder) == BW_OK &&
	       bw_path_join(path, folder, BW_PAPER_LEAVES) == BW_OK && bw_file_read(path, &bundle, NULL) == BW_OK &&
	       bundle.len > 0 && memmem(bundle.ptr, bundle.len, wanted, (size_t)len) != NULL;
}

/* Of which incident it was told; NULL: it was not this guard who told it. */
static const struct bw_incident *told_of(const struct scribe *scribe, struct bw_slice id)
{
	const struct bw_incidents *incidents = &scribe->incidents;
	unsigned looked = 0;

	for (size_t i = incidents->count; i-- > 0 && looked < LOOKED_THROUGH;) {
		if (incidents->list[i].reported_us == 0)
			continue;
		looked++;
		if (has_told(scribe, incidents->list[i].id, id))
			return &incidents->list[i];
	}
	return NULL;
}

/* Each report there says it again; once is enough. */
static bool is_known(struct scribe *scribe, const struct bw_foreign_seen *seen)
{
	const uint64_t digest = XXH3_64bits_withSeed(seen->id.ptr, seen->id.len,
						     XXH3_64bits(seen->peer.ptr, seen->peer.len));

	for (size_t i = 0; i < SCRIBE_SEEN_MAX; i++) {
		if (scribe->seen[i] == digest)
			return true;
	}
	scribe->seen[scribe->seen_at++ % SCRIBE_SEEN_MAX] = digest;
	return false;
}

enum bw_err scribe_seen(struct scribe *scribe, struct bw_slice body)
{
	char sentence[BW_FOREIGN_PEER_BYTES + BW_FOREIGN_ID_BYTES + 32];
	const struct bw_incident *incident;
	struct bw_foreign_seen seen;

	BW_TRY(bw_foreign_seen_parse(body, &seen));
	if (is_known(scribe, &seen))
		return BW_OK;
	incident = told_of(scribe, seen.id);
	if (incident == NULL || incident->helped >= HELPED_MOST)
		return BW_OK;
	bw_log(BW_NOTICE, "what this server told helped elsewhere", BW_NUM("incident", incident->id),
	       BW_SLICE("peer", seen.peer), BW_SLICE("indicator", seen.id));
	(void)snprintf(sentence, sizeof(sentence), "'%.*s' met %.*s", BW_ARG(seen.peer), BW_ARG(seen.id));
	if (scribe_append(scribe, BW_LEDGER_HELPED, incident->id, bw_slice_text(sentence)) == BW_OK)
		bw_err_drop(scribe_sync(scribe)); /* logged there */
	return BW_OK;
}
