/*
 * Who is told of a report: people, once an incident; the node's exchange, until it has it; nobody else of a drill. And
 * what makes room.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

enum {
	SUBJECT_BYTES = 128,
	TRIES_SAID = 2, /* the log says that it goes on trying; after that only when it has succeeded */
	INCIDENTS_KEPT = 1000,
	LOOK_S = 3600,
};

#define KEPT_BYTES (UINT64_C(2) * 1024 * 1024 * 1024) /* of all evidence together */
#define SECOND_US INT64_C(1000000)

/* ---- people -------------------------------------------------------------------------------------- */

static enum bw_err write_notice(const struct scribe *scribe, const struct scribe_case *one, struct bw_buf *text)
{
	char place[BW_PATH_BYTES];

	if (one->made == 0)
		return bw_buf_addf(text,
				   "Incident %llu was opened; its report is not ready yet.\n"
				   "What happened: breakwater guard explain %llu\n"
				   "To bring the files back: breakwater guard restore --incident %llu\n",
				   (unsigned long long)one->incident, (unsigned long long)one->incident,
				   (unsigned long long)one->incident);
	BW_TRY(bw_evidence_report(scribe->guard->data, one->incident, one->number, place));
	BW_TRY(bw_buf_add(text, bw_buf_slice(&one->page)));
	return bw_buf_addf(text, "\nThe whole report lies on the server in %s\n", place);
}

void scribe_tell_people(struct scribe *scribe, struct scribe_case *one)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_TEXT_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_notice notice = { .incident = one->incident,
					  .subject = BW_LIT("Breakwater: files are being destroyed on this server") };
	struct bw_notice told = notice;

	one->tell_by_us = 0;
	if (one->is_told)
		return;
	one->is_told = true;
	if (write_notice(scribe, one, &text) != BW_OK)
		return;
	told.text = bw_buf_slice(&text);
	if (bw_notice_add(&body, &told) == BW_OK)
		scribe_tell(scribe, "hand", BW_RECORD_NOTICE, bw_buf_slice(&body));
}

/* ---- a drill ------------------------------------------------------------------------------------------ */

/* Written down while its files can be found: they are gone soon after, and later reports could not tell. */
void scribe_note_drill(struct scribe *scribe, struct scribe_case *one, uint32_t records)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(sizeof(records));

	if (records <= one->of_drill || bw_buf_add_be32(&body, records) != BW_OK ||
	    scribe_append(scribe, BW_LEDGER_DRILL, one->incident, bw_buf_slice(&body)) != BW_OK)
		return; /* logged there; the next report tries again */
	one->of_drill = records;
}

/* ---- the exchange ----------------------------------------------------------------------------------- */

static int64_t wait_us(unsigned tries)
{
	static const int64_t seconds[] = { 5, 30, 120, 600, 3600 };

	return seconds[tries < BW_COUNT(seconds) ? tries : BW_COUNT(seconds) - 1] * SECOND_US;
}

void scribe_share(struct scribe *scribe, struct scribe_case *one)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);
	const struct bw_report_word word = { .incident = one->incident, .number = one->number };
	const int64_t now_us = bw_clock_mono_us();

	if (one->share_us == 0 || one->sharing_us != 0 || now_us < one->share_us || one->number == 0)
		return;
	if (bw_report_word_add(&body, BW_REPORT_SHARE, &word) != BW_OK)
		return;
	one->sharing_us = now_us; /* until it answers, or is started again */
	scribe_tell(scribe, "hand", BW_REPORT_SHARE, bw_buf_slice(&body));
}

static void note_shared(struct scribe *scribe, struct scribe_case *one, const struct bw_report_word *word)
{
	char sentence[64];

	const bool is_whole = word->result == BW_OK;

	one->share_us = 0;
	(void)snprintf(sentence, sizeof(sentence), "report %u%s", word->number,
		       is_whole ? "" : ", but what the exchange refused of it");
	if (scribe_append(scribe, BW_LEDGER_SHARED, one->incident, bw_slice_text(sentence)) == BW_OK)
		bw_err_drop(scribe_sync(scribe)); /* logged there */
	bw_log(is_whole ? BW_NOTICE : BW_WARNING,
	       is_whole ? "the exchange has the incident"
			: "the exchange has a part of the incident, and refused the rest",
	       BW_NUM("incident", one->incident), BW_NUM("report", word->number), BW_SLICE("what", word->words));
}

enum bw_err scribe_shared(struct scribe *scribe, struct bw_slice body)
{
	struct bw_report_word word;
	struct scribe_case *one;

	BW_TRY(bw_report_word_parse(body, BW_REPORT_SHARED, &word));
	one = scribe_case_of(scribe, word.incident);
	if (one == NULL || one->sharing_us == 0)
		return BW_OK;
	one->sharing_us = 0;
	one->touched_us = bw_clock_mono_us();
	if ((word.result == BW_OK || word.result == BW_ERR_CONFLICT) && word.number == one->number) {
		note_shared(scribe, one, &word); /* what was refused once would be again */
	} else if (word.result == BW_OK || word.result == BW_ERR_CONFLICT) {
		one->share_us = one->touched_us; /* a newer report came meanwhile */
	} else if (word.result == BW_ERR_NOT_FOUND) {
		one->share_us = 0; /* this node has no exchange, or the report nothing for it */
		bw_log(BW_INFO, "there is no exchange to tell, or nothing to tell it",
		       BW_NUM("incident", one->incident));
	} else {
		one->share_us = one->touched_us + wait_us(one->share_tries++);
		if (one->share_tries <= TRIES_SAID)
			bw_log(BW_WARNING, "the exchange does not have the incident yet; it is tried again",
			       BW_NUM("incident", one->incident), BW_SLICE("why", word.words));
	}
	return BW_OK;
}

/* ---- room ---------------------------------------------------------------------------------------------- */

struct room {
	struct scribe *scribe;
	uint64_t bytes;
	size_t count;
	uint64_t oldest; /* of those that are over */
};

static enum bw_err see_folder(void *context, uint64_t incident)
{
	struct room *room = context;
	const struct bw_incident *one = bw_incidents_find(&room->scribe->incidents, incident);

	room->count++;
	room->bytes += bw_evidence_bytes(room->scribe->guard->data, incident);
	if ((one == NULL || one->state != BW_INCIDENT_OPEN) && scribe_case_of(room->scribe, incident) == NULL &&
	    (room->oldest == 0 || incident < room->oldest))
		room->oldest = incident;
	return BW_OK;
}

/* Once an hour: of what is over, the oldest goes while there is too much. What is open stays whatever it takes. */
void scribe_keep_room(struct scribe *scribe)
{
	const int64_t now_us = bw_clock_mono_us();

	if (scribe->kept_us != 0 && now_us - scribe->kept_us < LOOK_S * SECOND_US)
		return;
	scribe->kept_us = now_us;
	for (unsigned n = 0; n < INCIDENTS_KEPT; n++) {
		struct room room = { .scribe = scribe };

		if (bw_evidence_each(scribe->guard->data, see_folder, &room) != BW_OK ||
		    (room.bytes <= KEPT_BYTES && room.count <= INCIDENTS_KEPT) || room.oldest == 0)
			return;
		bw_log(BW_NOTICE, "old evidence was removed for room", BW_NUM("incident", room.oldest));
		bw_evidence_remove(scribe->guard->data, room.oldest);
	}
}
