/*
 * The signer worker holds the node's private keys and does one thing: it signs
 * documents of the domains it knows, for the keeper. Without the passphrase it
 * runs locked and says so.
 */
#include <stdlib.h>

#include "base/command.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "desk/form.h"
#include "desk/post.h"
#include "serve/ask.h"
#include "serve/settings.h"
#include "serve/workers.h"

enum { MESSAGE_MAX = 1024 * 1024 };

/* What may be signed. A document of another kind is refused whoever asks. */
static const char *const domains[] = { "audit-head" };

struct signer {
	struct bw_post *post;
	struct bw_serve_settings settings;
	struct bw_node_keys *keys; /* NULL: locked */
};

static const char *domain_of(struct bw_slice text)
{
	for (size_t i = 0; i < BW_COUNT(domains); i++) {
		if (bw_slice_is(text, domains[i]))
			return domains[i];
	}
	return NULL;
}

static enum bw_err sign(const struct signer *signer, const char *domain, struct bw_slice message,
			struct bw_buf *signature, uint8_t fingerprint[BW_SHA256_BYTES])
{
	struct bw_node_signature both;
	struct bw_node_public node;

	BW_NEED(signer->keys != NULL, LOCKED);
	BW_TRY(bw_node_sign(signer->keys, domain, message, &both));
	bw_node_keys_public(signer->keys, &node);
	BW_TRY(bw_node_fingerprint(&node, fingerprint));
	return bw_node_signature_add(signature, &both);
}

static enum bw_err on_sign(void *ctx, struct bw_letter *letter)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(16 * BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf signature = BW_BUF_INIT(8 * BW_KIB);
	struct signer *signer = ctx;
	uint8_t fingerprint[BW_SHA256_BYTES] = { 0 };
	struct bw_form form;
	const char *domain;
	uint64_t id;
	bool fine;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_SIGN, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	domain = domain_of(form.fields[1]);
	BW_NEED(domain != NULL && form.fields[2].len <= MESSAGE_MAX, PROTOCOL);
	fine = sign(signer, domain, form.fields[2], &signature, fingerprint) == BW_OK;
	BW_TRY(bw_form_add_num(&answer, id));
	BW_TRY(bw_form_add_num(&answer, fine));
	BW_TRY(bw_form_add(&answer, bw_buf_slice(&signature)));
	BW_TRY(bw_form_add(&answer, bw_slice_of(fingerprint, sizeof(fingerprint))));
	return bw_post_answer(signer->post, letter->from, BW_ANS_SIGN, bw_buf_slice(&answer), -1);
}

static void log_keys(const struct bw_node_keys *keys)
{
	uint8_t fingerprint[BW_SHA256_BYTES];
	char name[BW_NODE_NAME_CHARS + 1];
	struct bw_node_public node;

	bw_node_keys_public(keys, &node);
	if (bw_node_fingerprint(&node, fingerprint) != BW_OK)
		return;
	bw_node_name(fingerprint, name);
	bw_log(BW_NOTICE, "node keys opened", BW_TEXT("node", name));
}

static const char *open_words(enum bw_err err)
{
	return err == BW_ERR_LOCKED ? "the passphrase is wrong, or the file of the keys was changed" : bw_err_text(err);
}

/* At the start, and again at every reload: keys that open take the place of those before them. */
static enum bw_err take_keys(struct signer *signer, struct bw_slice body)
{
	struct bw_node_keys *keys = NULL;
	struct bw_form form;
	enum bw_err err;

	BW_TRY(bw_form_take(body, 2, &form));
	if (form.fields[1].len == 0) {
		if (signer->keys == NULL)
			bw_log(BW_NOTICE,
			       "node keys stay locked: no passphrase was given; all works, but the audit log is not "
			       "signed",
			       { 0 });
		return BW_OK;
	}
	err = bw_node_keys_open(form.fields[0], form.fields[1], &keys);
	explicit_bzero((void *)(uintptr_t)form.fields[1].ptr, form.fields[1].len);
	if (err == BW_OK) {
		bw_node_keys_free(signer->keys);
		signer->keys = keys;
		log_keys(keys);
	} else if (signer->keys == NULL) {
		bw_log(BW_ERROR, "node keys stay locked", BW_TEXT("why", open_words(err)));
	} else {
		bw_log(BW_ERROR, "node keys do not open; those before them stay", BW_TEXT("why", open_words(err)));
	}
	return BW_OK;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct signer *signer = ctx;

	(void)fd;
	if (message->kind == BW_TELL_SETTINGS)
		return bw_settings_take(message->body, &signer->settings);
	return message->kind == BW_TELL_KEYS ? take_keys(signer, message->body) : BW_OK;
}

static const struct bw_post_rule signer_rules[] = {
	{ "keeper", BW_ASK_SIGN, on_sign },
	{ 0 },
};

static enum bw_err run_signer(struct signer *signer, struct bw_seat *seat)
{
	const struct bw_post_plan plan = { .rules = signer_rules, .ctx = signer, .told = told, .guests_fd = -1 };
	struct bw_why why = { 0 };

	BW_TRY(bw_post_new(seat, &plan, &signer->post));
	BW_TRY(bw_post_wait_for(signer->post, BW_TELL_KEYS, 20000));
	BW_TRY(bw_seat_confine(seat, NULL, signer->settings.require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(signer->post);
}

int bw_signer_run(struct bw_seat *seat)
{
	struct signer signer = { 0 };
	const enum bw_err err = run_signer(&signer, seat);

	bw_node_keys_free(signer.keys);
	bw_post_free(signer.post);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
