/* Who is asking: credentials of a request, checked by the gate, remembered for a short time. */
#include <stdio.h>

#include "base/log.h"
#include "codec/base64.h"
#include "crypto/tls.h"
#include "desk/form.h"
#include "serve/front_inner.h"

enum { CREDENTIAL_MAX = 4096 };

struct credential {
	enum bw_auth_way way;
	struct bw_slice name;   /* of a password */
	struct bw_slice secret; /* password, API key or fingerprint */
};

static void answer_401(struct request *r, const char *words, const char *more_headers)
{
	struct bw_problem problem;

	(void)bw_problem_set(&problem, 401, "Not authenticated", "%s", words);
	front_answer_problem(r, &problem, more_headers);
}

/* "Basic dXNlcjpwYXNz": RFC 7617. An API key may stand as the password, since TAXII clients speak Basic. */
static enum bw_err read_basic(struct request *r, struct bw_slice text, struct credential *out)
{
	uint8_t *decoded = bw_arena_take(&r->arena, text.len + 1);
	size_t len;
	struct bw_slice whole;

	BW_NEED(decoded != NULL, MEMORY);
	BW_TRY(bw_base64_decode(text, decoded, text.len, &len));
	whole = bw_slice_of(decoded, len);
	BW_NEED(bw_slice_cut(whole, ':', &out->name, &out->secret), SYNTAX);
	out->way = bw_slice_starts(out->secret, BW_LIT("bwk_")) ? BW_AUTH_KEY : BW_AUTH_PASSWORD;
	r->credential = whole;
	return BW_OK;
}

static enum bw_err read_key(struct request *r, struct bw_slice text, struct credential *out)
{
	BW_TRY(bw_arena_copy(&r->arena, text, &r->credential));
	*out = (struct credential){ BW_AUTH_KEY, bw_slice_empty, r->credential };
	return BW_OK;
}

static enum bw_err read_certificate(struct request *r, struct credential *out)
{
	const struct bw_tls *tls = bw_exchange_tls(r->x);
	struct bw_tls_facts facts;

	BW_NEED(tls != NULL, MISSING);
	bw_tls_facts(tls, &facts);
	BW_NEED(facts.has_peer_cert, MISSING);
	BW_TRY(bw_arena_copy(&r->arena, bw_slice_of(facts.peer_fingerprint, sizeof(facts.peer_fingerprint)),
			     &r->credential));
	*out = (struct credential){ BW_AUTH_CERT, bw_slice_empty, r->credential };
	return BW_OK;
}

/* MISSING: no credential at all. */
static enum bw_err read_credential(struct request *r, struct credential *out)
{
	const struct bw_http_head *head = &bw_exchange_head(r->x)->head;
	const struct bw_slice value = bw_http_known_value(head, BW_HTTP_AUTHORIZATION);
	struct bw_slice scheme;
	struct bw_slice rest;

	if (!bw_http_has(head, BW_HTTP_AUTHORIZATION))
		return read_certificate(r, out);
	BW_NEED(value.len <= CREDENTIAL_MAX && bw_slice_cut(value, ' ', &scheme, &rest), SYNTAX);
	rest = bw_slice_trim(rest);
	if (bw_slice_is_nocase(scheme, "basic"))
		return read_basic(r, rest, out);
	if (bw_slice_is_nocase(scheme, "bearer") || bw_slice_is_nocase(scheme, "token"))
		return read_key(r, rest, out);
	return BW_ERR_UNSUPPORTED;
}

static enum bw_err auth_form(const struct request *r, const struct credential *c, struct bw_buf *out)
{
	BW_TRY(bw_form_add_num(out, r->id));
	BW_TRY(bw_form_add_num(out, c->way));
	BW_TRY(bw_form_add(out, c->name));
	BW_TRY(bw_form_add(out, c->secret));
	return bw_form_add(out, bw_slice_of(bw_exchange_peer(r->x)->ip, 16));
}

void front_authenticate(struct request *r)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(3 * CREDENTIAL_MAX);
	struct front *front = r->front;
	struct credential credential;
	const enum bw_err err = read_credential(r, &credential);

	if (err == BW_ERR_MISSING) {
		answer_401(r, "give an account's name and password, an API key, or a client certificate", NULL);
		return;
	}
	if (err != BW_OK) {
		answer_401(r, "the Authorization header is not Basic, Bearer or Token, or not well-formed", NULL);
		return;
	}
	r->way = credential.way;
	if (front->has_bulletin &&
	    bw_auth_cache_find(front->auth, r->way, r->credential, bw_bulletin_accounts(&front->bulletin),
			       bw_loop_now_ms(), &r->who)) {
		front_identified(r);
		return;
	}
	if (auth_form(r, &credential, &form) == BW_OK)
		(void)front_ask(r, PEER_GATE, STAGE_AUTH, BW_ASK_AUTH, &form, -1);
	else
		answer_401(r, "the credentials are too long", NULL);
}

static void accept_verdict(struct request *r, const struct bw_form *form)
{
	struct bw_identity who = { 0 };
	uint64_t account;
	uint64_t generation;

	if (bw_form_num(form, 2, UINT32_MAX, &account) != BW_OK || account == 0 ||
	    bw_form_num(form, 4, UINT64_MAX, &generation) != BW_OK ||
	    bw_form_text(form, 5, who.name, sizeof(who.name)) != BW_OK) {
		front_answer_status(r, 503, "Unavailable", "accounts cannot be checked now; try again");
		return;
	}
	who.account = (uint32_t)account;
	r->who = who;
	bw_auth_cache_keep(r->front->auth, r->way, r->credential, generation, bw_loop_now_ms(), &who);
	front_identified(r);
}

void front_auth_answered(struct front *front, struct bw_slice body)
{
	struct bw_form form;
	struct request *r;
	uint64_t id;
	uint64_t verdict;
	uint64_t wait_ms;

	if (bw_form_take(body, BW_FIELDS_ANS_AUTH, &form) != BW_OK || bw_form_num(&form, 0, UINT64_MAX, &id) != BW_OK ||
	    bw_form_num(&form, 1, BW_AUTH_VERDICT_MAX, &verdict) != BW_OK ||
	    bw_form_num(&form, 3, UINT32_MAX, &wait_ms) != BW_OK) {
		bw_log(BW_ERROR, "gate gave a malformed answer", { 0 });
		return;
	}
	r = front_find(front, id);
	if (r == NULL || r->stage != STAGE_AUTH)
		return; /* the client has left meanwhile */
	if (verdict == BW_AUTH_OK) {
		accept_verdict(r, &form);
	} else if (verdict == BW_AUTH_SLOW_DOWN) {
		char header[64];

		(void)snprintf(header, sizeof(header), "Retry-After: %llu\r\n",
			       (unsigned long long)(wait_ms + 999) / 1000);
		answer_401(r, "too many failed attempts; wait before the next", header);
	} else if (verdict == BW_AUTH_DENIED) {
		answer_401(r, "account, password or key do not fit", NULL);
	} else {
		front_answer_status(r, 503, "Unavailable", "accounts cannot be checked now; try again");
	}
}
