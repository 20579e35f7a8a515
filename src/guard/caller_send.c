#include "guard/caller_send.h"

#include <stdio.h>

#include "base/log.h"
#include "guard/foreign.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	CONNECT_MS = 4000, /* events and the parent wait meanwhile */
	ANSWER_MS = 30 * 1000,
	HEADERS_BYTES = 16 * 1024,
	STEPS_MOST = 8,
};

static int64_t now_ms(void)
{
	return bw_clock_mono_us() / 1000;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void put(struct bw_seat *seat, const char *peer, uint8_t kind, const struct bw_foreign_sent *sent)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_channel *channel = bw_seat_peer(seat, peer, 0);
	enum bw_err err = bw_foreign_sent_add(&body, kind, sent);

	if (err == BW_OK)
		err = channel == NULL ? BW_ERR_CLOSED : bw_channel_put(channel, kind, bw_buf_slice(&body), -1);
	if (err == BW_OK)
		err = bw_channel_flush(channel);
	if (err != BW_OK && err != BW_ERR_AGAIN) /* scribe sends it again when it hears nothing */
		bw_log(BW_WARNING, "a worker could not be told", BW_TEXT("worker", peer),
		       BW_TEXT("why", bw_err_text(err)));
}

static void end(struct caller_send *send)
{
	bw_follow_free(send->follow);
	bw_buf_release(&send->answer);
	*send = (struct caller_send){ .follow = NULL };
}

static void fail(struct caller_send *send, struct bw_seat *seat, enum bw_err err, const char *words)
{
	struct bw_foreign_sent sent = { .incident = send->incident, .report = send->report, .result = (uint8_t)err };

	sent.answer = bw_slice_sub(bw_slice_text(words), 0, BW_FOREIGN_WORDS_BYTES);
	put(seat, "scribe", BW_FOREIGN_SENT, &sent);
	end(send);
}

static void finish(struct caller_send *send, struct bw_seat *seat)
{
	const struct bw_foreign_sent said = { .incident = send->incident,
					      .report = send->report,
					      .answer = bw_buf_slice(&send->answer) };
	char words[64];

	if (send->status >= 200 && send->status < 300) {
		put(seat, "reader", BW_FOREIGN_SAID, &said);
		end(send);
		return;
	}
	(void)snprintf(words, sizeof(words), "the exchange answers with status %u", send->status);
	fail(send, seat, send->status == 401 || send->status == 403 ? BW_ERR_DENIED : BW_ERR_IO, words);
}

/* ---- sending ------------------------------------------------------------------------------------ */

static enum bw_err post(struct caller_send *send, const struct bw_exchange *exchange, struct bw_tls_context *tls,
			struct bw_slice body, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf headers = BW_BUF_INIT(HEADERS_BYTES);
	struct bw_url url = exchange->report_to;
	const size_t len = strlen(url.target);

	BW_NEED(len + sizeof("objects/") <= sizeof(url.target), TOO_BIG);
	memcpy(url.target + len, "objects/", sizeof("objects/"));
	BW_TRY(bw_buf_reserve(&headers, headers.max - 1)); /* growing would leave copies of the key behind */
	BW_TRY(bw_buf_add_text(&headers, "Accept: application/taxii+json;version=2.1\r\n"
					 "Content-Type: application/taxii+json;version=2.1\r\n"));
	BW_TRY(bw_buf_add(&headers, bw_buf_slice(&exchange->header)));
	return bw_follow_post(&url, tls, bw_buf_slice(&headers), body, CONNECT_MS, &send->follow, why);
}

enum bw_err caller_send_take(struct caller_send *send, struct bw_seat *seat, const struct bw_exchange *exchange,
			     struct bw_tls_context *tls, struct bw_slice body, int fd)
{
	struct bw_foreign_sent what;
	struct bw_mapped request;
	struct bw_why why = { 0 };
	enum bw_err err;

	BW_TRY(bw_foreign_sent_parse(body, BW_FOREIGN_SEND, &what));
	BW_NEED(fd >= 0 && exchange->reports, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, BW_FOREIGN_SEND_BYTES, &request));
	end(send); /* of a scribe that is no more */
	send->incident = what.incident;
	send->report = what.report;
	send->answer = BW_BUF_INIT(BW_FOREIGN_SAID_BYTES);
	send->until_ms = now_ms() + ANSWER_MS;
	err = post(send, exchange, tls, request.bytes, &why);
	bw_mapped_release(&request);
	if (err != BW_OK)
		fail(send, seat, err, why.text[0] != '\0' ? why.text : bw_err_text(err));
	return BW_OK;
}

/* ---- the answer ----------------------------------------------------------------------------------- */

static enum bw_err on_body(void *ctx, const struct bw_http_response *answer, struct bw_slice body)
{
	struct caller_send *send = ctx;

	send->status = answer->status;
	return bw_buf_add(&send->answer, body);
}

int64_t caller_send_wish(const struct caller_send *send, struct pollfd *out)
{
	*out = (struct pollfd){ .fd = -1 };
	if (send->follow == NULL)
		return INT64_MAX;
	out->fd = bw_follow_fd(send->follow);
	out->events = (short)(POLLIN | (bw_follow_wants_write(send->follow) ? POLLOUT : 0));
	return send->until_ms;
}

void caller_send_turn(struct caller_send *send, struct bw_seat *seat, bool is_ready, int64_t now)
{
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;

	if (send->follow == NULL)
		return;
	/* TLS may hold bytes that no poll tells of: until AGAIN */
	for (unsigned i = 0; i < STEPS_MOST && is_ready && err == BW_OK; i++)
		err = bw_follow_step(send->follow, on_body, send, &why);
	if (bw_follow_is_whole(send->follow))
		finish(send, seat);
	else if (err != BW_OK && err != BW_ERR_AGAIN)
		fail(send, seat, err, why.text[0] != '\0' ? why.text : bw_err_text(err));
	else if (now >= send->until_ms)
		fail(send, seat, BW_ERR_TIMEOUT, "the exchange does not answer");
}

void caller_send_release(struct caller_send *send)
{
	end(send);
}
