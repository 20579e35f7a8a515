#include "serve/penalty.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "net/address.h"

enum {
	SLOTS = 8192, /* a power of two; an attacker with more addresses than this pushes out his own rows */
	WAYS = 4,
	FORGET_MS = 15 * 60 * 1000,
	TRUST_MS = 24 * 3600 * 1000, /* a login from here once a day keeps strangers' guesses from slowing it */
};

enum subject { PAIR, ADDRESS, ACCOUNT, SUBJECT_COUNT };

/* Failures that cost nothing, and the longest wait. A wait doubles with each further failure. */
static const struct {
	uint32_t free;
	uint32_t longest_ms;
} rules[SUBJECT_COUNT] = {
	[PAIR] = { 3, 60000 },
	[ADDRESS] = { 10, 60000 },
	[ACCOUNT] = { 50, 2000 },
};

struct row {
	uint64_t key; /* 0: free */
	int64_t last_ms;
	uint32_t failures;
	bool trusted; /* of a pair: a right password came at passed_ms */
	int64_t passed_ms;
};

struct bw_penalties {
	uint8_t hash_key[BW_SIPHASH_KEY_BYTES];
	struct row rows[SLOTS];
};

enum bw_err bw_penalties_new(struct bw_penalties **out)
{
	struct bw_penalties *penalties = calloc(1, sizeof(*penalties));

	BW_NEED(penalties != NULL, MEMORY);
	bw_random(penalties->hash_key, sizeof(penalties->hash_key));
	*out = penalties;
	return BW_OK;
}

void bw_penalties_free(struct bw_penalties *penalties)
{
	free(penalties);
}

/* One client, however many addresses it has: those of an IPv6 /64 are all its own (RFC 4291 §2.5.4, RFC 8981). */
static uint64_t hash_address(const struct bw_penalties *penalties, struct bw_slice address)
{
	struct bw_net_address whole = { 0 };
	uint8_t client[16];

	memcpy(whole.ip, address.ptr, address.len < sizeof(whole.ip) ? address.len : sizeof(whole.ip));
	bw_net_address_client(&whole, client);
	return bw_siphash(penalties->hash_key, bw_slice_of(client, sizeof(client)));
}

static uint64_t key_of(const struct bw_penalties *penalties, enum subject subject, struct bw_slice account,
		       struct bw_slice address)
{
	const uint64_t a = subject == ADDRESS ? 0 : bw_siphash(penalties->hash_key, account);
	const uint64_t b = subject == ACCOUNT ? 0 : hash_address(penalties, address);
	const uint64_t parts[3] = { a, b, (uint64_t)subject };

	return bw_siphash(penalties->hash_key, bw_slice_of(parts, sizeof(parts))) | 1;
}

static size_t home_of(uint64_t key)
{
	return (size_t)(key >> 8) & (SLOTS - 1) & ~(size_t)(WAYS - 1);
}

static const struct row *find(const struct bw_penalties *penalties, uint64_t key)
{
	const size_t home = home_of(key);

	for (size_t i = home; i < home + WAYS; i++) {
		if (penalties->rows[i].key == key)
			return &penalties->rows[i];
	}
	return NULL;
}

static struct row *find_or_take(struct bw_penalties *penalties, uint64_t key)
{
	const size_t home = home_of(key);
	struct row *oldest = &penalties->rows[home];

	for (size_t i = home; i < home + WAYS; i++) {
		struct row *row = &penalties->rows[i];

		if (row->key == key)
			return row;
		if (row->key == 0 || (oldest->key != 0 && row->last_ms < oldest->last_ms))
			oldest = row;
	}
	*oldest = (struct row){ .key = key };
	return oldest;
}

static uint32_t wait_of(const struct row *row, enum subject subject, int64_t now_ms)
{
	const uint32_t over = row->failures - rules[subject].free;
	uint64_t wait;

	if (row->failures <= rules[subject].free || now_ms - row->last_ms > FORGET_MS)
		return 0;
	wait = over > 16 ? rules[subject].longest_ms : 500ULL << (over - 1);
	if (wait > rules[subject].longest_ms)
		wait = rules[subject].longest_ms;
	return now_ms - row->last_ms >= (int64_t)wait ? 0 : (uint32_t)((int64_t)wait - (now_ms - row->last_ms));
}

uint32_t bw_penalty_wait(const struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address,
			 int64_t now_ms)
{
	const struct row *pair = find(penalties, key_of(penalties, PAIR, account, address));
	const bool trusted = pair != NULL && pair->trusted && now_ms - pair->passed_ms < TRUST_MS;
	uint32_t longest = 0;

	/* whoever has logged in from this address does not wait for what others guess elsewhere */
	for (int s = PAIR; s < (trusted ? ACCOUNT : SUBJECT_COUNT); s++) {
		const struct row *row = find(penalties, key_of(penalties, (enum subject)s, account, address));
		const uint32_t wait = row == NULL ? 0 : wait_of(row, (enum subject)s, now_ms);

		if (wait > longest)
			longest = wait;
	}
	return longest;
}

void bw_penalty_failed(struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address, int64_t now_ms)
{
	for (int s = PAIR; s < SUBJECT_COUNT; s++) {
		struct row *row = find_or_take(penalties, key_of(penalties, (enum subject)s, account, address));

		if (now_ms - row->last_ms > FORGET_MS)
			row->failures = 0;
		if (row->failures < UINT32_MAX)
			row->failures++;
		row->last_ms = now_ms;
	}
}

void bw_penalty_passed(struct bw_penalties *penalties, struct bw_slice account, struct bw_slice address, int64_t now_ms)
{
	struct row *row = find_or_take(penalties, key_of(penalties, PAIR, account, address));

	row->failures = 0;
	row->last_ms = now_ms; /* else it would be the first to make room */
	row->trusted = true;
	row->passed_ms = now_ms;
}
