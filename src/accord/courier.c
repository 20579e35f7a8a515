/*
 * The courier goes out: to partners, known by the certificate they showed when the nodes met, and to operators of
 * witnesses. One loop for all of them; addresses come in numbers. It has no files and no documents; what it hears it
 * hands to the ledger, a few pieces at a time, and reads no more until those are taken.
 */
#include <stdlib.h>

#include "accord/line.h"
#include "accord/run_workers.h"
#include "accord/run_words.h"
#include "base/command.h"
#include "base/log.h"
#include "crypto/tls.h"
#include "net/errand.h"

enum {
	START_WAIT_MS = 20000,
	OPEN_MAX = 4 * BW_RUN_ACCORDS_MAX,
	PIECE_BYTES = 256 * 1024,
	PIECES_OPEN = 4,           /* handed over and not taken yet */
	STREAM_STALL_MS = 7200000, /* the hall ends a stream that rests for an hour */
	ASK_STALL_MS = 20000,
	GATHER_MS = 1,
};

#define ANSWER_MAX (UINT64_C(1) << 50)

struct going {
	struct courier *courier;
	uint64_t id; /* 0: free */
	struct bw_errand *errand;
	struct bw_buf heard; /* not handed over yet */
	unsigned pieces;     /* handed over, not taken */
	bool has_ended;      /* its end is told when all is handed over */
	enum bw_err end;
	struct bw_why why;
};

struct courier {
	struct bw_line line;
	struct bw_loop *loop;
	struct bw_timer *gather;
	struct bw_buf cert_pem;
	struct bw_buf key_pem;
	struct bw_run_party parties[BW_RUN_PARTIES_MAX];
	struct bw_tls_context *tls[BW_RUN_PARTIES_MAX]; /* of each party */
	struct bw_errand_spare spares[BW_RUN_PARTIES_MAX];
	size_t party_count;
	struct going goings[OPEN_MAX];
};

/* ---- telling the ledger ------------------------------------------------------------ */

static void forget(struct going *going)
{
	bw_errand_free(going->errand);
	bw_buf_release(&going->heard);
	*going = (struct going){ .courier = going->courier };
}

static enum bw_err tell_end(const struct going *going)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_KIB);

	BW_TRY(bw_form_add_num(&form, going->id));
	BW_TRY(bw_form_add_num(&form, going->end));
	BW_TRY(bw_form_add_text(&form, going->why.text));
	return bw_line_put(&going->courier->line, BW_COURIER_END, bw_buf_slice(&form), -1);
}

static enum bw_err tell_piece(struct going *going, struct bw_slice piece)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;

	BW_TRY(bw_form_add_num(&form, going->id));
	BW_TRY(bw_run_add_body(&form, piece, &memory));
	return bw_line_put(&going->courier->line, BW_COURIER_BODY, bw_buf_slice(&form), memory.fd);
}

/* As much as the ledger has room for; then the end. What cannot be said now is said at the next turn. */
static void hand_over(struct going *going)
{
	while (going->heard.len > 0 && going->pieces < PIECES_OPEN) {
		const struct bw_slice piece = bw_slice_sub(bw_buf_slice(&going->heard), 0, PIECE_BYTES);

		if (tell_piece(going, piece) != BW_OK) {
			bw_timer_set(going->courier->gather, GATHER_MS);
			return;
		}
		going->pieces++;
		bw_buf_eat(&going->heard, piece.len);
	}
	if (going->errand != NULL && !going->has_ended)
		bw_errand_hold(going->errand, going->heard.len >= PIECE_BYTES);
	if (!going->has_ended || going->heard.len > 0)
		return;
	if (tell_end(going) == BW_OK)
		forget(going);
	else
		bw_timer_set(going->courier->gather, GATHER_MS);
}

static void on_gather(void *ctx)
{
	struct courier *courier = ctx;

	for (size_t i = 0; i < OPEN_MAX; i++)
		if (courier->goings[i].id != 0)
			hand_over(&courier->goings[i]);
}

/* ---- an errand ------------------------------------------------------------------------ */

static enum bw_err on_head(void *ctx, const struct bw_http_response *response)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_KIB);
	struct going *going = ctx;
	struct bw_tls_facts facts = { .group = "" };

	if (bw_errand_tls(going->errand) != NULL)
		bw_tls_facts(bw_errand_tls(going->errand), &facts);
	BW_TRY(bw_form_add_num(&form, going->id));
	BW_TRY(bw_form_add_num(&form, response->status));
	BW_TRY(bw_form_add_text(&form, facts.group));
	return bw_line_put(&going->courier->line, BW_COURIER_HEAD, bw_buf_slice(&form), -1);
}

static enum bw_err on_body(void *ctx, struct bw_slice bytes)
{
	struct going *going = ctx;

	BW_TRY(bw_buf_add(&going->heard, bytes));
	if (going->heard.len >= PIECE_BYTES)
		bw_errand_hold(going->errand, true);
	/* what comes in the same turn goes over together */
	bw_timer_set(going->courier->gather, 0);
	return BW_OK;
}

static void on_end(void *ctx, enum bw_err err, const struct bw_why *why)
{
	struct going *going = ctx;

	going->has_ended = true;
	going->end = err;
	going->why = *why;
	bw_timer_set(going->courier->gather, 0); /* not here: the errand is freed with it */
}

static struct going *find(struct courier *courier, uint64_t id)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (courier->goings[i].id == id)
			return &courier->goings[i];
	return NULL;
}

/* All that is asked may be asked twice: documents and checkpoints that are known already change nothing. */
static enum bw_err set_out(struct going *going, size_t at, const struct bw_form *form, struct bw_slice body)
{
	static const struct bw_errand_calls calls = { on_head, on_body, on_end };
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(2 * BW_RUN_TARGET_MAX);
	const struct bw_run_party *party = &going->courier->parties[at];
	struct bw_errand_plan plan = { .addresses = party->addresses,
				       .address_count = party->address_count,
				       .host = party->host,
				       .authority = party->authority,
				       .tls = going->courier->tls[at],
				       .spare = &going->courier->spares[at],
				       .body = body,
				       .answer_max = ANSWER_MAX,
				       .stall_ms = ASK_STALL_MS };
	uint64_t verb;

	BW_TRY(bw_form_num(form, 2, BW_ERRAND_VERBS - 1, &verb));
	BW_NEED(form->fields[3].len <= BW_RUN_TARGET_MAX, TOO_BIG);
	BW_TRY(bw_buf_addf(&target, "%s%.*s", party->prefix, BW_ARG(form->fields[3])));
	plan.has_body = verb == BW_ERRAND_POST;
	plan.method = plan.has_body ? "POST" : "GET";
	plan.target = bw_buf_slice(&target);
	if (plan.has_body) {
		BW_NEED(bw_http_is_field_value(form->fields[4]), PROTOCOL);
		BW_TRY(bw_buf_addf(&headers, "Content-Type: %.*s\r\n", BW_ARG(form->fields[4])));
	} else if (form->fields[4].len > 0) { /* what is asked for by its type is a stream */
		plan.stall_ms = STREAM_STALL_MS;
	}
	plan.headers = bw_buf_slice(&headers);
	return bw_errand_new(going->courier->loop, &plan, &calls, going, &going->errand);
}

static enum bw_err go(struct courier *courier, struct bw_slice bytes, int fd)
{
	struct bw_mapped mapped = { bw_slice_empty };
	struct going *going = find(courier, 0);
	struct bw_form form;
	struct bw_slice body;
	uint64_t at;
	uint64_t id;
	enum bw_err err;

	BW_TRY(bw_form_take(bytes, BW_FIELDS_COURIER_GO, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 1, UINT32_MAX, &at));
	BW_NEED(id != 0 && at < courier->party_count && going != NULL, PROTOCOL);
	BW_TRY(bw_run_body(form.fields[5], fd, &mapped, &body));
	*going = (struct going){ .courier = courier, .id = id, .heard = BW_BUF_INIT(BW_MIB) };
	err = set_out(going, (size_t)at, &form, body);
	if (fd >= 0)
		bw_mapped_release(&mapped);
	if (err != BW_OK) /* told like any other end */
		on_end(going, err, &(struct bw_why){ .text = "cannot set out" });
	return BW_OK;
}

static enum bw_err take(void *ctx, const struct bw_frame *frame, int fd)
{
	struct courier *courier = ctx;
	struct going *going;
	struct bw_form form;
	uint64_t id;

	if (frame->kind == BW_COURIER_GO)
		return go(courier, frame->body, fd);
	BW_NEED(frame->kind == BW_COURIER_MORE || frame->kind == BW_COURIER_DROP, PROTOCOL);
	BW_TRY(bw_form_take(frame->body, 1, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_NEED(id != 0, PROTOCOL);
	going = find(courier, id);
	if (going == NULL)
		return BW_OK; /* its end is on the way */
	if (frame->kind == BW_COURIER_DROP) {
		forget(going);
		return BW_OK;
	}
	BW_NEED(going->pieces > 0, PROTOCOL);
	going->pieces--;
	bw_timer_set(courier->gather, 0);
	return BW_OK;
}

/* Who asked is not there any more: nobody takes what is heard. */
static void lost(void *ctx)
{
	struct courier *courier = ctx;

	for (size_t i = 0; i < OPEN_MAX; i++)
		if (courier->goings[i].id != 0)
			forget(&courier->goings[i]);
}

/* ---- the parent -------------------------------------------------------------------------- */

static enum bw_err make_context(struct courier *courier, size_t at)
{
	const struct bw_run_party *party = &courier->parties[at];
	struct bw_tls_client_options options = { .hybrid_only = !party->classical };
	struct bw_why why = { 0 };
	enum bw_err err;

	if (!party->tls || party->host[0] == '\0')
		return BW_OK;
	if (party->is_peer) {
		options.pin = party->pin;
		options.cert_pem = bw_buf_slice(&courier->cert_pem);
		options.key_pem = bw_buf_slice(&courier->key_pem);
	} else {
		options.any_server = true; /* its cosignature tells who it is; nothing secret goes there */
		options.hybrid_only = false;
	}
	err = bw_tls_client_new(&options, &courier->tls[at], &why);
	if (err != BW_OK)
		bw_log(BW_ERROR, "TLS cannot be set up", BW_TEXT("to", party->authority), BW_TEXT("why", why.text));
	return err;
}

static enum bw_err take_tls(struct courier *courier, struct bw_slice body)
{
	struct bw_cursor list;
	struct bw_slice item;
	struct bw_form form;
	bool bad = false;

	BW_TRY(bw_form_take(body, 3, &form));
	BW_TRY(bw_buf_reserve(&courier->key_pem, form.fields[1].len)); /* growing would leave copies behind */
	BW_TRY(bw_buf_add(&courier->cert_pem, form.fields[0]));
	BW_TRY(bw_buf_add(&courier->key_pem, form.fields[1]));
	explicit_bzero((void *)(uintptr_t)form.fields[1].ptr, form.fields[1].len);
	list = bw_cursor_over(form.fields[2]);
	while (bw_form_list_next(&list, &item, &bad)) {
		BW_NEED(courier->party_count < BW_RUN_PARTIES_MAX, TOO_MANY);
		BW_TRY(bw_run_party_take(item, &courier->parties[courier->party_count]));
		BW_TRY(make_context(courier, courier->party_count));
		courier->party_count++;
	}
	bw_buf_wipe(&courier->key_pem);
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct courier *courier = ctx;

	(void)fd;
	return message->kind == BW_RUN_TELL_TLS && courier->party_count == 0 ? take_tls(courier, message->body) : BW_OK;
}

static void stop(void *ctx)
{
	struct courier *courier = ctx;

	lost(courier);
	bw_loop_stop(courier->loop);
}

static enum bw_err run_courier(struct courier *courier, struct bw_seat *seat)
{
	static const struct bw_line_calls calls = { take, lost, told, stop };
	const struct bw_run_shared *shared = bw_seat_shared(seat);
	struct bw_why why = { 0 };

	BW_TRY(bw_loop_new(&courier->loop));
	BW_TRY(bw_timer_new(courier->loop, on_gather, courier, &courier->gather));
	courier->line = (struct bw_line){
		.seat = seat, .peer = "ledger", .loop = courier->loop, .calls = &calls, .ctx = courier
	};
	BW_TRY(bw_line_wait_for(&courier->line, BW_RUN_TELL_TLS, START_WAIT_MS));
	BW_TRY(bw_line_open(&courier->line));
	BW_TRY(bw_seat_confine(seat, NULL, shared->require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_loop_run(courier->loop);
}

int bw_courier_run(struct bw_seat *seat)
{
	struct courier *courier = calloc(1, sizeof(*courier));
	enum bw_err err;

	if (courier == NULL)
		return BW_EXIT_FAILED;
	courier->cert_pem = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	courier->key_pem = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	for (size_t i = 0; i < BW_RUN_PARTIES_MAX; i++)
		courier->spares[i] = BW_ERRAND_SPARE_NONE;
	err = run_courier(courier, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "courier ends", BW_TEXT("why", bw_err_text(err)));
	lost(courier);
	bw_line_close(&courier->line);
	for (size_t i = 0; i < BW_RUN_PARTIES_MAX; i++) {
		bw_errand_spare_drop(&courier->spares[i]);
		bw_tls_context_free(courier->tls[i]);
	}
	bw_buf_release(&courier->cert_pem);
	bw_buf_wipe(&courier->key_pem);
	bw_timer_free(courier->gather);
	bw_loop_free(courier->loop);
	free(courier);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
