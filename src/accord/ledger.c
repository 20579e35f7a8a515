/* The ledger worker: its life, and who may say what to it (accord/ledger_inner.h). */
#include "accord/ledger_inner.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "desk/delivery.h"
#include "intel/batch.h"
#include "sys/clock.h"

enum { RETRY_LEAST_MS = 500, RETRY_MOST_MS = 15000, KEPT_BYTES = 64 * 1024 * 1024 };

/* ---- words ---------------------------------------------------------------------------- */

void ledger_log(enum bw_level level, const struct pact *pact, const char *event, const char *why)
{
	if (why[0] == '\0')
		bw_log(level, event, BW_SLICE("accord", pact_id(pact)));
	else
		bw_log(level, event, BW_SLICE("accord", pact_id(pact)), BW_TEXT("why", why));
}

void ledger_retry_later(struct retry *retry)
{
	int64_t wait_ms = RETRY_LEAST_MS;

	for (unsigned i = 0; i < retry->failures && wait_ms < RETRY_MOST_MS; i++)
		wait_ms *= 2;
	retry->failures++;
	retry->at_us = bw_clock_mono_us() + (wait_ms < RETRY_MOST_MS ? wait_ms : RETRY_MOST_MS) * 1000;
}

void ledger_note(struct ledger *ledger, const char *action, struct bw_slice target, const char *words)
{
	struct bw_why why = { 0 };

	if (ledger->handover == NULL)
		return;
	if (bw_handover_note(ledger->handover, action, target, bw_slice_text(words), &why) != BW_OK)
		ledger_lose_store(ledger);
}

void ledger_begin_again(struct ledger *ledger)
{
	if (ledger->has_asked_again)
		return;
	ledger->has_asked_again = true;
	if (bw_seat_ask(ledger->seat, BW_RUN_ASK_AGAIN, bw_slice_empty, -1) != BW_OK)
		bw_log(BW_ERROR, "the parent does not listen", { 0 });
}

struct pact *ledger_pact_of(struct ledger *ledger, struct bw_slice id)
{
	for (size_t i = 0; i < ledger->pact_count; i++)
		if (bw_slice_equals(pact_id(&ledger->pacts[i]), id))
			return &ledger->pacts[i];
	return NULL;
}

/* ---- the store --------------------------------------------------------------------------- */

void ledger_lose_store(struct ledger *ledger)
{
	bw_sources_close(ledger->sources);
	bw_handover_close(ledger->handover);
	ledger->sources = NULL;
	ledger->handover = NULL;
	/* definitions may be others after a restore */
	for (size_t i = 0; i < ledger->pact_count; i++) {
		memset(&ledger->pacts[i].out.told, 0, sizeof(ledger->pacts[i].out.told));
		ledger->pacts[i].is_destroyed = false;
		ledger->pacts[i].in.is_taught = false;
	}
}

/* A delivery of nothing. */
static enum bw_err make_inbound(struct ledger *ledger, const struct pact *pact, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf delivery = BW_BUF_INIT(BW_KIB);
	const struct bw_peer *peer = &ledger->plan->book.peers[pact->plan->peer];
	struct bw_handover_outcome outcome;

	BW_TRY(bw_batch_begin(&batch));
	BW_TRY(bw_delivery_begin(&delivery, pact->plan->entry.now->hash, 0));
	BW_TRY(bw_delivery_end(&delivery, bw_buf_slice(&batch)));
	return bw_handover_import(ledger->handover, pact->peer.node, peer->label, bw_buf_slice(&delivery), &outcome,
				  why);
}

/* A partner's collection is there before his first object, so that readers can be let in and wait. */
static void make_all_inbound(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->pact_count && ledger->handover != NULL; i++) {
		struct bw_why why = { 0 };
		const enum bw_err err = ledger->pacts[i].plan->flows ? make_inbound(ledger, &ledger->pacts[i], &why)
								     : BW_OK;

		if (err != BW_OK)
			ledger_log(BW_WARNING, &ledger->pacts[i], "no collection for the partner yet",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	}
}

static enum bw_err open_store(struct ledger *ledger, int fd)
{
	struct bw_why why = { 0 };
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	enum bw_err err = own >= 0 ? BW_OK : BW_ERR_TOO_MANY;

	if (ledger->handover != NULL) {
		if (own >= 0)
			(void)close(own);
		return BW_OK;
	}
	if (err == BW_OK)
		err = bw_handover_over(own, &ledger->handover, &why);
	if (err == BW_OK)
		err = bw_sources_open(ledger->plan->data, bw_handover_catalogue_fd(ledger->handover),
				      bw_handover_bulletin_fd(ledger->handover), &ledger->sources, &why);
	if (err == BW_OK) {
		make_all_inbound(ledger);
		bw_log(BW_NOTICE, "store opened", { 0 });
		ledger->store_was_missed = false;
		return BW_OK;
	}
	bw_log(BW_ERROR, "store cannot be opened", BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	ledger_lose_store(ledger);
	return BW_OK; /* it is asked for again */
}

static void look_for_store(struct ledger *ledger, int64_t mono_us)
{
	if (ledger->handover != NULL && !bw_handover_is_alive(ledger->handover)) {
		bw_log(BW_WARNING, "the server has gone: nothing is told or taken until it is back", { 0 });
		ledger_lose_store(ledger);
	}
	if (ledger->handover != NULL || mono_us < ledger->store_asked_us + LEDGER_SECOND_US)
		return;
	if (ledger->store_asked_us != 0 && !ledger->store_was_missed) {
		ledger->store_was_missed = true;
		bw_log(BW_WARNING, "no server runs on this data folder: breakwater serve", { 0 });
	}
	ledger->store_asked_us = mono_us;
	if (bw_seat_ask(ledger->seat, BW_RUN_ASK_STORE, bw_slice_empty, -1) != BW_OK)
		bw_log(BW_ERROR, "the parent does not listen", { 0 });
}

/* ---- letters of the notary ------------------------------------------------------------------------- */

static enum bw_err on_signed(void *ctx, struct bw_letter *letter)
{
	struct ledger *ledger = ctx;
	struct bw_form form;
	uint64_t at;
	uint64_t err;
	uint64_t last_size;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_NOTARY_SIGNED, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &at));
	BW_TRY(bw_form_num(&form, 1, BW_ERR_COUNT - 1, &err));
	BW_TRY(bw_form_num(&form, 2, BW_TREE_SIZE_MAX, &last_size));
	BW_NEED(at < ledger->pact_count, PROTOCOL);
	sign_signed(&ledger->pacts[at], (enum bw_err)err, last_size, form.fields[3]);
	return BW_OK;
}

static enum bw_err on_cosigned(void *ctx, struct bw_letter *letter)
{
	struct bw_form form;
	uint64_t id;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_NOTARY_COSIGNED, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	hall_witnessed(ctx, id, &form);
	return BW_OK;
}

/* ---- the parent, time ---------------------------------------------------------------------------------- */

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	if (message->kind == BW_RUN_ASK_STORE && fd >= 0)
		return open_store(ctx, fd);
	return BW_OK;
}

static void replaced(void *ctx, const char *peer, unsigned copy)
{
	struct ledger *ledger = ctx;

	if (strcmp(peer, "hall") == 0)
		hall_lost(ledger);
	if (strcmp(peer, "courier") == 0)
		courier_lost(ledger);
	for (size_t i = 0; i < ledger->pact_count; i++) {
		struct pact *pact = &ledger->pacts[i];

		if (strcmp(peer, "notary") == 0)
			pact->out.signs = false;
		if (strcmp(peer, "clerk") != 0 || !pact->plan->flows)
			continue;
		if (pact->plan->clerk == copy)
			out_clerk_replaced(pact);
		else if (pact->plan->clerk + 1 == copy)
			in_clerk_replaced(pact);
	}
	if (strcmp(peer, "notary") == 0)
		memset(ledger->at_notary, 0,
		       sizeof(ledger->at_notary)); /* the hall's visitors time out, and ask again */
}

/* An accord begins or is over by the clock alone. */
static bool has_its_time(const struct pact *pact, int64_t now_us)
{
	const struct bw_accord *accord = pact_accord(pact);

	if (pact->plan->entry.state == BW_ACCORD_NOT_YET)
		return now_us >= accord->from_us;
	return pact->plan->entry.state == BW_ACCORD_IN_FORCE && now_us >= accord->until_us;
}

/* Something was written. A proposal, and what is taken back, are nobody's business but that of who signs. */
static bool has_changed(struct ledger *ledger)
{
	const uint64_t mark = bw_run_mark(ledger->plan->data);
	uint8_t basis[BW_SHA256_BYTES];
	struct bw_why why = { 0 };

	if (mark == ledger->plan->mark)
		return false;
	if (bw_run_basis(ledger->plan->data, basis, &why) != BW_OK ||
	    memcmp(basis, ledger->plan->basis, sizeof(basis)) != 0)
		return true;
	ledger->plan->mark = mark;
	return false;
}

static void look_each_second(struct ledger *ledger, int64_t now_us)
{
	bool is_changed = has_changed(ledger);

	for (size_t i = 0; i < ledger->pact_count; i++) {
		is_changed |= has_its_time(&ledger->pacts[i], now_us);
		in_look_each_second(&ledger->pacts[i]);
		over_look(&ledger->pacts[i]);
	}
	if (is_changed)
		ledger_begin_again(ledger);
}

static void woken(void *ctx)
{
	struct ledger *ledger = ctx;
	const int64_t now_us = bw_clock_now_us();
	const int64_t mono_us = bw_clock_mono_us();

	look_for_store(ledger, mono_us);
	if (mono_us - ledger->second_us >= LEDGER_SECOND_US / 4) {
		ledger->second_us = mono_us;
		look_each_second(ledger, now_us);
	}
	for (size_t i = 0; i < ledger->pact_count; i++) {
		struct pact *pact = &ledger->pacts[i];

		if (pact->plan->flows) {
			out_look(pact, now_us);
			sign_look(pact);
		}
		visit_look(pact);
		in_look(pact);
	}
}

/* ---- start -------------------------------------------------------------------------------------------------- */

static const struct bw_post_rule rules[] = {
	{ "hall", BW_HALL_ASKS, hall_asks },
	{ "hall", BW_HALL_HAS_ROOM, hall_has_room },
	{ "hall", BW_HALL_GONE, hall_gone },
	{ "courier", BW_COURIER_HEAD, courier_head },
	{ "courier", BW_COURIER_BODY, courier_body },
	{ "courier", BW_COURIER_END, courier_end },
	{ "notary", BW_NOTARY_SIGNED, on_signed },
	{ "notary", BW_NOTARY_COSIGNED, on_cosigned },
	{ "clerk", BW_CLERK_WORKED, clerk_worked },
	{ "clerk", BW_CLERK_BEGUN, clerk_begun },
	{ "clerk", BW_CLERK_FED, clerk_fed },
	{ "clerk", BW_CLERK_CHUNK, clerk_chunk },
	{ "clerk", BW_CLERK_EVIDENCE, clerk_evidence },
	{ 0 },
};

static enum bw_err open_pact(struct ledger *ledger, size_t at)
{
	struct pact *pact = &ledger->pacts[at];
	struct bw_run_pact *plan = &ledger->plan->pacts[at];

	pact->ledger = ledger;
	pact->plan = plan;
	pact->peer.number = plan->peer;
	memcpy(pact->peer.node, plan->entry.now->accord.party[1 - plan->entry.we].node, BW_SHA256_BYTES);
	pact->flow[BW_RUN_OUT] = &plan->entry.now->accord.flow[plan->entry.we];
	pact->flow[BW_RUN_IN] = &plan->entry.now->accord.flow[1 - plan->entry.we];
	if (plan->flows)
		BW_TRY(out_open(pact));
	return in_open(pact);
}

static enum bw_err open_all(struct ledger *ledger)
{
	BW_TRY(bw_lexicon_new(&ledger->lexicon));
	BW_TRY(bw_policy_classes_new(&ledger->classes));
	ledger->pacts = calloc(ledger->plan->pact_count + 1, sizeof(*ledger->pacts));
	BW_NEED(ledger->pacts != NULL, MEMORY);
	for (size_t i = 0; i < ledger->plan->pact_count; i++) {
		ledger->pact_count++;
		BW_TRY(open_pact(ledger, i));
	}
	return BW_OK;
}

static void close_all(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->pact_count; i++) {
		out_close(&ledger->pacts[i]);
		in_close(&ledger->pacts[i]);
	}
	for (size_t i = 0; i < LEDGER_ERRANDS_MAX; i++)
		bw_buf_release(&ledger->errands[i].heard);
	ledger_lose_store(ledger);
	free(ledger->pacts);
	bw_policy_classes_free(ledger->classes);
	bw_lexicon_free(ledger->lexicon);
	bw_post_free(ledger->post);
	free(ledger);
}

static enum bw_err run_ledger(struct ledger *ledger)
{
	const struct bw_post_plan plan = { .rules = rules,
					   .ctx = ledger,
					   .told = told,
					   .wake_ms = LEDGER_LOOK_MS,
					   .woken = woken,
					   .replaced = replaced,
					   .guests_fd = -1 };
	const struct bw_run_shared *shared = bw_seat_shared(ledger->seat);
	struct bw_place folder;
	struct bw_place store;
	struct bw_place node;
	const char *const read_also[] = { store.path, node.path, NULL };
	const struct bw_sandbox_paths paths = { .folder = folder.path, .read_also = read_also };
	struct bw_why why = { 0 };

	ledger->plan = shared->plan;
	BW_TRY(bw_folder_place(shared->data, "accord", &folder));
	BW_TRY(bw_folder_place(shared->data, "store", &store));
	BW_TRY(bw_folder_place(shared->data, BW_FOLDER_NODE_PUBLIC, &node));
	BW_TRY(bw_post_new(ledger->seat, &plan, &ledger->post));
	BW_TRY(bw_seat_confine(ledger->seat, &paths, shared->require_sandbox, &why));
	BW_TRY(open_all(ledger));
	BW_TRY(bw_seat_ready(ledger->seat));
	return bw_post_run(ledger->post);
}

/*
 * A batch takes tens of megabytes and gives them back. What one has given back serves the next: else the kernel clears
 * every page of it anew, which was a third of the work.
 */
static void keep_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

int bw_ledger_run(struct bw_seat *seat)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	enum bw_err err;

	if (ledger == NULL)
		return BW_EXIT_FAILED;
	ledger->seat = seat;
	keep_memory();
	err = run_ledger(ledger);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "ledger ends", BW_TEXT("why", bw_err_text(err)));
	close_all(ledger);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
