/*
 * The gate worker checks who is asking. It computes Argon2 so that no other
 * worker stands still for it, holds what it checks for as long as the check
 * lasts, and slows down whoever guesses.
 */
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "crypto/password.h"
#include "desk/form.h"
#include "desk/post.h"
#include "serve/ask.h"
#include "serve/penalty.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "sys/clock.h"

enum {
	CHECKS_MAX = 256, /* waiting at the same time; more are told to come back */
	SECRET_MAX = 1024,
	CHECK_TIMEOUT_MS = 5000, /* the pager was started again meanwhile */
};

struct check {
	bool used;
	uint64_t id;       /* ours */
	uint64_t front_id; /* the front's */
	struct bw_return_address from;
	enum bw_auth_way way;
	int64_t since_ms;
	struct bw_secret secret;
	char name[BW_PASSWORD_MAX];
	size_t name_len;
	uint8_t address[16];
};

struct gate {
	struct bw_post *post;
	struct bw_serve_settings settings;
	struct bw_penalties *penalties;
	uint64_t last_id;
	struct check checks[CHECKS_MAX];
};

static int64_t now_ms(void)
{
	return bw_clock_mono_us() / 1000;
}

static struct bw_slice subject_of(const struct check *check)
{
	return bw_slice_of(check->name, check->name_len);
}

static void check_end(struct check *check)
{
	bw_secret_wipe(&check->secret);
	explicit_bzero(check, sizeof(*check));
}

struct verdict {
	enum bw_auth_verdict verdict;
	uint64_t account;
	uint64_t wait_ms;
	uint64_t generation;
	struct bw_slice name;
};

static enum bw_err write_verdict(struct bw_buf *out, uint64_t front_id, const struct verdict *v)
{
	BW_TRY(bw_form_add_num(out, front_id));
	BW_TRY(bw_form_add_num(out, v->verdict));
	BW_TRY(bw_form_add_num(out, v->account));
	BW_TRY(bw_form_add_num(out, v->wait_ms));
	BW_TRY(bw_form_add_num(out, v->generation));
	return bw_form_add(out, v->name);
}

static void answer(struct gate *gate, struct bw_return_address to, uint64_t front_id, const struct verdict *v)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(4096);

	if (write_verdict(&form, front_id, v) == BW_OK)
		bw_err_drop(
			bw_post_answer(gate->post, to, BW_ANS_AUTH, bw_buf_slice(&form), -1)); /* the front is gone */
}

static void answer_plain(struct gate *gate, const struct check *check, enum bw_auth_verdict verdict, uint32_t wait_ms)
{
	answer(gate, check->from, check->front_id,
	       &(struct verdict){ .verdict = verdict, .wait_ms = wait_ms, .name = bw_slice_empty });
}

static struct check *free_check(struct gate *gate)
{
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		if (!gate->checks[i].used)
			return &gate->checks[i];
	}
	return NULL;
}

/* ---- from a front ------------------------------------------------------ */

static enum bw_err read_ask(const struct bw_letter *letter, struct check *out)
{
	struct bw_form form;
	uint64_t way;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_AUTH, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &out->front_id));
	BW_TRY(bw_form_num(&form, 1, BW_AUTH_WAY_MAX, &way));
	BW_NEED(form.fields[4].len == sizeof(out->address), PROTOCOL);
	out->way = (enum bw_auth_way)way;
	out->from = letter->from;
	memcpy(out->address, form.fields[4].ptr, sizeof(out->address));
	BW_NEED(form.fields[2].len <= sizeof(out->name) && form.fields[3].len <= SECRET_MAX, TOO_BIG);
	memcpy(out->name, form.fields[2].ptr, form.fields[2].len);
	out->name_len = form.fields[2].len;
	return form.fields[3].len == 0 ? BW_ERR_MISSING : bw_secret_set(&out->secret, form.fields[3]);
}

/* What the pager looks an account up by: the name, or the key's hash, or the fingerprint. */
static enum bw_err look_up_form(const struct check *check, struct bw_buf *out)
{
	uint8_t hash[BW_SHA256_BYTES];

	BW_TRY(bw_form_add_num(out, check->id));
	BW_TRY(bw_form_add_num(out, check->way));
	switch (check->way) {
	case BW_AUTH_PASSWORD:
		return bw_form_add(out, subject_of(check));
	case BW_AUTH_KEY:
		BW_TRY(bw_api_key_hash(bw_secret_slice(&check->secret), hash));
		return bw_form_add(out, bw_slice_of(hash, sizeof(hash)));
	case BW_AUTH_CERT:
		return bw_form_add(out, bw_secret_slice(&check->secret));
	default:
		return BW_ERR_PROTOCOL;
	}
}

static void fail(struct gate *gate, const struct check *check)
{
	bw_penalty_failed(gate->penalties, subject_of(check), bw_slice_of(check->address, sizeof(check->address)),
			  now_ms());
	answer_plain(gate, check, BW_AUTH_DENIED, 0);
}

static enum bw_err begin_check(struct gate *gate, struct check *check)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(8192);

	check->id = ++gate->last_id;
	check->since_ms = now_ms();
	BW_TRY(look_up_form(check, &form));
	return bw_post_ask(gate->post, "pager", BW_ASK_ACCOUNT, bw_buf_slice(&form), -1);
}

static enum bw_err on_auth(void *ctx, struct bw_letter *letter)
{
	struct gate *gate = ctx;
	struct check *check = free_check(gate);
	struct check refused = { .from = letter->from };
	uint32_t wait_ms;
	enum bw_err err;

	if (check == NULL) {
		struct bw_form form;

		BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_AUTH, &form));
		BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &refused.front_id));
		answer_plain(gate, &refused, BW_AUTH_UNAVAILABLE, 0);
		return BW_OK;
	}
	err = read_ask(letter, check);
	if (err == BW_ERR_TOO_BIG || err == BW_ERR_MISSING) {
		fail(gate, check);
		check_end(check);
		return BW_OK;
	}
	if (err != BW_OK) {
		check_end(check);
		return err;
	}
	wait_ms = bw_penalty_wait(gate->penalties, subject_of(check), bw_slice_of(check->address, 16), now_ms());
	/* nobody guesses 256 random bits or a certificate's key: who has one does not wait for others' guesses */
	if (wait_ms > 0 && check->way == BW_AUTH_PASSWORD) {
		answer_plain(gate, check, BW_AUTH_SLOW_DOWN, wait_ms);
		check_end(check);
		return BW_OK;
	}
	check->used = true;
	err = begin_check(gate, check);
	if (err == BW_ERR_SYNTAX) /* not an API key at all */
		fail(gate, check);
	else if (err != BW_OK)
		answer_plain(gate, check, BW_AUTH_UNAVAILABLE, 0);
	if (err != BW_OK)
		check_end(check);
	return BW_OK;
}

/* ---- from the pager ---------------------------------------------------- */

enum { ACC_ID, ACC_FOUND, ACC_ACCOUNT, ACC_GENERATION, ACC_PASSWORD, ACC_NAME };

static bool secret_fits(const struct check *check, bool found, struct bw_slice stored)
{
	const struct bw_slice secret = bw_secret_slice(&check->secret);

	if (check->way != BW_AUTH_PASSWORD)
		return found; /* looked up by the hash of 256 random bits, or by the fingerprint TLS proved */
	/* an account that is not there, or has no password, costs the same time */
	if (!found || stored.len == 0)
		return bw_password_verify_nobody(secret) == BW_OK;
	return bw_password_verify(secret, stored) == BW_OK;
}

static void conclude(struct gate *gate, const struct check *check, const struct bw_form *form)
{
	struct verdict v = { .verdict = BW_AUTH_OK, .name = form->fields[ACC_NAME] };
	uint64_t found;

	if (bw_form_num(form, ACC_FOUND, 1, &found) != BW_OK ||
	    bw_form_num(form, ACC_ACCOUNT, UINT32_MAX, &v.account) != BW_OK ||
	    bw_form_num(form, ACC_GENERATION, UINT64_MAX, &v.generation) != BW_OK) {
		answer_plain(gate, check, BW_AUTH_UNAVAILABLE, 0);
		return;
	}
	if (!secret_fits(check, found == 1, form->fields[ACC_PASSWORD])) {
		fail(gate, check);
		return;
	}
	bw_penalty_passed(gate->penalties, subject_of(check), bw_slice_of(check->address, sizeof(check->address)),
			  now_ms());
	answer(gate, check->from, check->front_id, &v);
}

static enum bw_err on_account(void *ctx, struct bw_letter *letter)
{
	struct gate *gate = ctx;
	struct bw_form form;
	uint64_t id;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ANS_ACCOUNT, &form));
	BW_TRY(bw_form_num(&form, ACC_ID, UINT64_MAX, &id));
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		struct check *check = &gate->checks[i];

		if (check->used && check->id == id) {
			conclude(gate, check, &form);
			check_end(check);
			break;
		}
	}
	return BW_OK;
}

static void on_wake(void *ctx)
{
	struct gate *gate = ctx;
	const int64_t now = now_ms();

	for (size_t i = 0; i < CHECKS_MAX; i++) {
		struct check *check = &gate->checks[i];

		if (check->used && now - check->since_ms > CHECK_TIMEOUT_MS) {
			answer_plain(gate, check, BW_AUTH_UNAVAILABLE, 0);
			check_end(check);
		}
	}
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct gate *gate = ctx;

	(void)fd;
	return message->kind == BW_TELL_SETTINGS ? bw_settings_take(message->body, &gate->settings) : BW_OK;
}

static const struct bw_post_rule gate_rules[] = {
	{ "front", BW_ASK_AUTH, on_auth },
	{ "pager", BW_ANS_ACCOUNT, on_account },
	{ 0 },
};

static enum bw_err run_gate(struct gate *gate, struct bw_seat *seat)
{
	const struct bw_post_plan plan = {
		.rules = gate_rules, .ctx = gate, .told = told, .wake_ms = 1000, .woken = on_wake, .guests_fd = -1
	};
	struct bw_why why = { 0 };

	BW_TRY(bw_penalties_new(&gate->penalties));
	BW_TRY(bw_post_new(seat, &plan, &gate->post));
	BW_TRY(bw_post_wait_for(gate->post, BW_TELL_SETTINGS, 20000));
	/* one check now, so that the library has loaded what it needs before files are out of reach */
	bw_err_drop(bw_password_verify_nobody(BW_LIT("warm-up")));
	BW_TRY(bw_seat_confine(seat, NULL, gate->settings.require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(gate->post);
}

int bw_gate_run(struct bw_seat *seat)
{
	struct gate *gate = calloc(1, sizeof(*gate));
	enum bw_err err;

	if (gate == NULL)
		return BW_EXIT_FAILED;
	err = run_gate(gate, seat);
	for (size_t i = 0; i < CHECKS_MAX; i++)
		check_end(&gate->checks[i]);
	bw_post_free(gate->post);
	bw_penalties_free(gate->penalties);
	free(gate);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
