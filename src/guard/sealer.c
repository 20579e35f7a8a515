/*
 * The sealer holds the keys and does one thing: it signs manifests of evidence folders, for scribe. What is no
 * manifest it does not sign, whoever asks.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/evidence.h"
#include "guard/guard.h"
#include "guard/seal_keys.h"

struct sealer {
	struct bw_seat *seat;
	struct bw_node_keys *keys; /* NULL: they did not open */
};

/* ---- keys -------------------------------------------------------------------------------------- */

static void take_keys(struct sealer *sealer, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_slice passphrase;
	struct bw_slice file;
	enum bw_err err = bw_take_block(&c, BW_NODE_KEYS_FILE_MAX, &file);

	if (err == BW_OK)
		err = bw_take_block(&c, BW_PASSPHRASE_MAX, &passphrase);
	if (err == BW_OK) {
		err = bw_node_keys_open(file, passphrase, &sealer->keys);
		explicit_bzero((void *)(uintptr_t)passphrase.ptr, passphrase.len);
	}
	if (err != BW_OK)
		bw_log(BW_ERROR, "evidence will not be sealed",
		       BW_TEXT("why", err == BW_ERR_LOCKED
					      ? "the passphrase is wrong, or the file of the keys was changed"
					      : bw_err_text(err)));
}

/* ---- asked and answered -------------------------------------------------------------------------- */

static enum bw_err answer(const struct sealer *sealer, struct bw_channel *scribe, const struct bw_frame *frame)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf seal = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_report_word word;

	BW_NEED(frame->kind == BW_REPORT_SIGN, PROTOCOL);
	BW_TRY(bw_report_word_parse(frame->body, BW_REPORT_SIGN, &word));
	if (sealer->keys != NULL)
		BW_TRY(bw_evidence_seal(sealer->keys, word.words, &seal));
	word.words = bw_buf_slice(&seal);
	BW_TRY(bw_report_word_add(&body, BW_REPORT_SIGNED, &word));
	return bw_channel_put(scribe, BW_REPORT_SIGNED, bw_buf_slice(&body), -1);
}

static bool hear_scribe(const struct sealer *sealer)
{
	struct bw_channel *scribe = bw_seat_peer(sealer->seat, "scribe", 0);
	struct bw_frame frame;
	enum bw_err err = bw_channel_fill(scribe);

	while (err == BW_OK || err == BW_ERR_AGAIN) {
		err = bw_channel_next(scribe, &frame, NULL);
		if (err == BW_ERR_AGAIN)
			break;
		if (err == BW_OK)
			err = answer(sealer, scribe, &frame);
	}
	if (err == BW_ERR_AGAIN)
		err = bw_channel_flush(scribe);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		return true;
	if (err != BW_ERR_CLOSED) {
		bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", "scribe"),
		       BW_TEXT("why", bw_err_text(err)));
		bw_err_drop(bw_seat_renew(sealer->seat, "scribe", 0)); /* without a parent the next turn ends us */
	}
	return false;
}

/* False when it is time to go. */
static bool hear_parent(struct sealer *sealer)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(sealer->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER) {
			bw_channel_free(event.old);
		} else if (event.kind == BW_SEAT_MESSAGE) {
			if (event.message.kind == BW_TELL_SEAL_KEYS && sealer->keys == NULL)
				take_keys(sealer, event.message.body);
			if (event.fd >= 0)
				(void)close(event.fd);
		}
	}
}

static void work(struct sealer *sealer)
{
	enum { GONE_WAIT_MS = 20 };

	if (!hear_parent(sealer)) /* what came with the first word is read already, and no poll tells of it */
		return;
	for (;;) {
		const struct bw_channel *scribe = bw_seat_peer(sealer->seat, "scribe", 0);
		struct pollfd wanted[] = { { bw_seat_fd(sealer->seat), POLLIN, 0 },
					   { scribe == NULL ? -1 : bw_channel_fd(scribe), POLLIN, 0 } };

		if (scribe != NULL && bw_channel_has_output(scribe))
			wanted[1].events |= POLLOUT;
		if (poll(wanted, BW_COUNT(wanted), -1) < 0 && errno != EINTR)
			return;
		/* keys first: they come before the first question */
		if (wanted[0].revents != 0 && !hear_parent(sealer))
			return;
		if (wanted[1].revents != 0 && !hear_scribe(sealer))
			(void)poll(wanted, 1, GONE_WAIT_MS); /* it stays readable until the parent has sent another */
	}
}

int bw_sealer_run(struct bw_seat *seat)
{
	const struct bw_guard *guard = bw_guard_of(seat);
	struct sealer sealer = { .seat = seat };
	struct bw_why why = { 0 };

	if (bw_seat_confine(seat, NULL, guard->require_sandbox, &why) != BW_OK || bw_seat_ready(seat) != BW_OK) {
		bw_log(BW_ERROR, "sealer ends", BW_TEXT("why", why.text));
		return BW_EXIT_FAILED;
	}
	work(&sealer);
	bw_node_keys_free(sealer.keys);
	return BW_EXIT_OK;
}
