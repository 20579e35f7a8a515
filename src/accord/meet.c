#include "accord/meet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/text.h"

enum { CARD_VERSION = 1, NONCE_BYTES = 32, CODE_DIGITS = 8, CODE_RANGE = 100000000 };

enum phase { BEGIN, WAIT_COMMITMENT, WAIT_CARD, WAIT_OPENING, WAIT_SIGNATURE, DONE, BROKEN };

#define COMMIT_WORDS "breakwater/v1/meet-commit"
#define HEARD_WORDS "breakwater/v1/meet-heard"
#define SIGN_DOMAIN "meet"

struct bw_meet {
	enum bw_meet_side side;
	enum phase phase;
	const struct bw_node_keys *keys;
	uint8_t exported[BW_MEET_EXPORT_BYTES];
	uint8_t commitment[BW_SHA256_BYTES];
	struct bw_buf opening[2]; /* card block and random bytes, of host and guest */
	struct bw_meet_card other;
	uint8_t heard[BW_SHA256_BYTES]; /* of everything */
	bool was_wrong;                 /* the code that was typed */
};

static enum bw_meet_side other_side(const struct bw_meet *meet)
{
	return meet->side == BW_MEET_HOST ? BW_MEET_GUEST : BW_MEET_HOST;
}

/* ---- cards --------------------------------------------------------------- */

static bool is_plain_text(struct bw_slice text)
{
	if (!bw_utf8_is_valid(text, NULL))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

static enum bw_err check_card(const struct bw_meet_card *card)
{
	BW_NEED(card->label.len <= BW_MEET_LABEL_MAX && is_plain_text(card->label), RANGE);
	BW_NEED(card->address.len <= BW_MEET_ADDRESS_MAX && is_plain_text(card->address), RANGE);
	BW_NEED(card->papers.len <= BW_MEET_PAPERS_MAX, RANGE);
	return BW_OK;
}

enum bw_err bw_meet_card_add(struct bw_buf *out, const struct bw_meet_card *card)
{
	BW_TRY(bw_buf_add_be16(out, CARD_VERSION));
	BW_TRY(bw_node_public_add(out, &card->node));
	BW_TRY(bw_buf_add_block(out, card->label));
	BW_TRY(bw_buf_add_block(out, card->address));
	BW_TRY(bw_buf_add(out, bw_slice_of(card->certificate, sizeof(card->certificate))));
	return bw_buf_add_block(out, card->papers);
}

enum bw_err bw_meet_card_take(struct bw_slice bytes, struct bw_meet_card *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_slice certificate;
	uint16_t version;

	BW_TRY(bw_take_be16(&c, &version));
	BW_NEED(version == CARD_VERSION, VERSION);
	BW_TRY(bw_node_public_take(&c, &out->node));
	BW_TRY(bw_take_block(&c, BW_MEET_LABEL_MAX, &out->label));
	BW_TRY(bw_take_block(&c, BW_MEET_ADDRESS_MAX, &out->address));
	BW_TRY(bw_take(&c, sizeof(out->certificate), &certificate));
	memcpy(out->certificate, certificate.ptr, certificate.len);
	BW_TRY(bw_take_block(&c, BW_MEET_PAPERS_MAX, &out->papers));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	return check_card(out);
}

/* ---- what is hashed and signed ------------------------------------------- */

static enum bw_err commit_to(struct bw_slice opening, uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);

	BW_TRY(bw_buf_add(&text, bw_slice_of(COMMIT_WORDS, sizeof(COMMIT_WORDS))));
	BW_TRY(bw_buf_add(&text, opening));
	return bw_sha256(bw_buf_slice(&text), out);
}

static enum bw_err hash_all(struct bw_meet *meet)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(3 * (size_t)BW_MEET_MESSAGE_MAX);

	BW_TRY(bw_buf_add(&text, bw_slice_of(HEARD_WORDS, sizeof(HEARD_WORDS))));
	BW_TRY(bw_buf_add(&text, bw_slice_of(meet->exported, sizeof(meet->exported))));
	BW_TRY(bw_buf_add(&text, bw_slice_of(meet->commitment, sizeof(meet->commitment))));
	BW_TRY(bw_buf_add_block(&text, bw_buf_slice(&meet->opening[BW_MEET_HOST])));
	BW_TRY(bw_buf_add_block(&text, bw_buf_slice(&meet->opening[BW_MEET_GUEST])));
	return bw_sha256(bw_buf_slice(&text), meet->heard);
}

/* Side first: what one signs is of no use as the other's. */
static enum bw_err signed_text(const struct bw_meet *meet, enum bw_meet_side side, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)side));
	return bw_buf_add(out, bw_slice_of(meet->heard, sizeof(meet->heard)));
}

static enum bw_err add_signature(const struct bw_meet *meet, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64);
	struct bw_node_signature signature;

	BW_TRY(signed_text(meet, meet->side, &text));
	BW_TRY(bw_node_sign(meet->keys, SIGN_DOMAIN, bw_buf_slice(&text), &signature));
	return bw_node_signature_add(out, &signature);
}

static enum bw_err check_signature(const struct bw_meet *meet, struct bw_cursor *c)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(64);
	struct bw_node_signature signature;

	BW_TRY(bw_node_signature_take(c, &signature));
	BW_NEED(bw_cursor_left(c) == 0, SYNTAX);
	BW_TRY(signed_text(meet, other_side(meet), &text));
	return bw_node_verify(&meet->other.node, SIGN_DOMAIN, bw_buf_slice(&text), &signature);
}

/* ---- messages ------------------------------------------------------------ */

static enum bw_err add_opening(const struct bw_meet *meet, struct bw_buf *out)
{
	return bw_buf_add_block(out, bw_buf_slice(&meet->opening[meet->side]));
}

/* Card block and random bytes of the other side. */
static enum bw_err take_opening(struct bw_meet *meet, struct bw_cursor *c)
{
	struct bw_buf *kept = &meet->opening[other_side(meet)];
	struct bw_node_public mine;
	struct bw_cursor inner;
	struct bw_slice opening;
	struct bw_slice card;
	struct bw_slice nonce;

	BW_TRY(bw_take_block(c, BW_MEET_MESSAGE_MAX, &opening));
	BW_TRY(bw_buf_add(kept, opening));
	inner = bw_cursor_over(bw_buf_slice(kept));
	BW_TRY(bw_take_block(&inner, BW_MEET_MESSAGE_MAX, &card));
	BW_TRY(bw_take(&inner, NONCE_BYTES, &nonce));
	BW_NEED(bw_cursor_left(&inner) == 0, SYNTAX);
	BW_TRY(bw_meet_card_take(card, &meet->other));
	bw_node_keys_public(meet->keys, &mine);
	BW_NEED(memcmp(&mine, &meet->other.node, sizeof(mine)) != 0, CONFLICT);
	return BW_OK;
}

static enum bw_err host_takes_commitment(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out)
{
	BW_NEED(message.len == BW_SHA256_BYTES, SYNTAX);
	memcpy(meet->commitment, message.ptr, message.len);
	meet->phase = WAIT_OPENING;
	return add_opening(meet, out);
}

static enum bw_err guest_takes_card(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out)
{
	struct bw_cursor c = bw_cursor_over(message);

	BW_TRY(take_opening(meet, &c));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	BW_TRY(hash_all(meet));
	meet->phase = WAIT_SIGNATURE;
	BW_TRY(add_opening(meet, out));
	return add_signature(meet, out);
}

static enum bw_err host_takes_opening(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out)
{
	struct bw_cursor c = bw_cursor_over(message);
	uint8_t commitment[BW_SHA256_BYTES];

	BW_TRY(take_opening(meet, &c));
	BW_TRY(commit_to(bw_buf_slice(&meet->opening[BW_MEET_GUEST]), commitment));
	BW_NEED(memcmp(commitment, meet->commitment, sizeof(commitment)) == 0, SIGNATURE);
	BW_TRY(hash_all(meet));
	BW_TRY(check_signature(meet, &c));
	meet->phase = DONE;
	return add_signature(meet, out);
}

static enum bw_err guest_takes_signature(struct bw_meet *meet, struct bw_slice message)
{
	struct bw_cursor c = bw_cursor_over(message);

	BW_TRY(check_signature(meet, &c));
	meet->phase = DONE;
	return BW_OK;
}

static enum bw_err take(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out)
{
	BW_NEED(message.len <= BW_MEET_MESSAGE_MAX, TOO_BIG);
	switch (meet->phase) {
	case WAIT_COMMITMENT:
		return host_takes_commitment(meet, message, out);
	case WAIT_CARD:
		return guest_takes_card(meet, message, out);
	case WAIT_OPENING:
		return host_takes_opening(meet, message, out);
	case WAIT_SIGNATURE:
		return guest_takes_signature(meet, message);
	default:
		return BW_ERR_PROTOCOL;
	}
}

enum bw_err bw_meet_take(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out)
{
	const enum bw_err err = take(meet, message, out);

	if (err != BW_OK)
		meet->phase = BROKEN;
	return err;
}

enum bw_err bw_meet_begin(struct bw_meet *meet, struct bw_buf *out)
{
	BW_NEED(meet->phase == BEGIN, PROTOCOL);
	BW_TRY(commit_to(bw_buf_slice(&meet->opening[BW_MEET_GUEST]), meet->commitment));
	meet->phase = WAIT_CARD;
	return bw_buf_add(out, bw_slice_of(meet->commitment, sizeof(meet->commitment)));
}

/* ---- codes ----------------------------------------------------------------- */

/* The digits `side` reads aloud: no code is likelier than another by more than one in 10^11. */
static void digits_of(const struct bw_meet *meet, enum bw_meet_side side, char out[CODE_DIGITS + 1])
{
	const uint8_t *half = meet->heard + (side == BW_MEET_HOST ? 0 : BW_SHA256_BYTES / 2);
	uint64_t value = 0;

	for (size_t i = 0; i < sizeof(value); i++)
		value = value << 8 | half[i];
	(void)snprintf(out, CODE_DIGITS + 1, "%08u", (unsigned)(value % CODE_RANGE));
}

void bw_meet_my_code(const struct bw_meet *meet, char out[BW_MEET_CODE_CHARS + 1])
{
	char digits[CODE_DIGITS + 1];

	digits_of(meet, meet->side, digits);
	(void)snprintf(out, BW_MEET_CODE_CHARS + 1, "%.4s %.4s", digits, digits + CODE_DIGITS / 2);
}

bool bw_meet_check_code(struct bw_meet *meet, struct bw_slice typed)
{
	char wanted[CODE_DIGITS + 1];
	char digits[CODE_DIGITS] = { 0 };
	size_t count = 0;

	digits_of(meet, other_side(meet), wanted);
	for (size_t i = 0; i < typed.len; i++) {
		if (typed.ptr[i] == ' ' || typed.ptr[i] == '-')
			continue;
		if (count < CODE_DIGITS)
			digits[count] = (char)typed.ptr[i];
		count++;
	}
	if (meet->phase != DONE || count != CODE_DIGITS ||
	    !bw_equal_ct(bw_slice_of(digits, sizeof(digits)), bw_slice_of(wanted, CODE_DIGITS)))
		meet->was_wrong = true;
	return !meet->was_wrong;
}

/* ---- life ------------------------------------------------------------------ */

static enum bw_err make_opening(struct bw_meet *meet, const struct bw_meet_card *mine)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf card = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	struct bw_node_public node;
	uint8_t nonce[NONCE_BYTES];

	BW_TRY(check_card(mine));
	bw_node_keys_public(meet->keys, &node);
	BW_NEED(memcmp(&node, &mine->node, sizeof(node)) == 0, RANGE);
	BW_TRY(bw_meet_card_add(&card, mine));
	bw_random(nonce, sizeof(nonce));
	BW_TRY(bw_buf_add_block(&meet->opening[meet->side], bw_buf_slice(&card)));
	return bw_buf_add(&meet->opening[meet->side], bw_slice_of(nonce, sizeof(nonce)));
}

enum bw_err bw_meet_new(enum bw_meet_side side, const struct bw_node_keys *keys, const struct bw_meet_card *mine,
			const uint8_t exported[BW_MEET_EXPORT_BYTES], struct bw_meet **out)
{
	struct bw_meet *meet = calloc(1, sizeof(*meet));
	enum bw_err err;

	BW_NEED(meet != NULL, MEMORY);
	meet->side = side;
	meet->phase = side == BW_MEET_HOST ? WAIT_COMMITMENT : BEGIN;
	meet->keys = keys;
	memcpy(meet->exported, exported, sizeof(meet->exported));
	for (size_t i = 0; i < BW_COUNT(meet->opening); i++)
		meet->opening[i] = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	err = make_opening(meet, mine);
	if (err != BW_OK) {
		bw_meet_free(meet);
		return err;
	}
	*out = meet;
	return BW_OK;
}

void bw_meet_free(struct bw_meet *meet)
{
	if (meet == NULL)
		return;
	for (size_t i = 0; i < BW_COUNT(meet->opening); i++)
		bw_buf_wipe(&meet->opening[i]);
	explicit_bzero(meet, sizeof(*meet));
	free(meet);
}

bool bw_meet_is_done(const struct bw_meet *meet)
{
	return meet->phase == DONE;
}

const struct bw_meet_card *bw_meet_other(const struct bw_meet *meet)
{
	return &meet->other;
}
