#include "serve/reply_cache.h"

#include <stdio.h>

#include "base/test.h"
#include "serve/limits.h"

static const struct bw_cache_stamp stamp = { .collection = 3, .generation = 7, .accounts = 9 };

static struct bw_reply *reply_of(size_t bytes)
{
	struct bw_buf body = BW_BUF_INIT(BW_MIB);
	struct bw_reply *reply = NULL;

	for (size_t i = 0; i < bytes; i++)
		assert_ok(bw_buf_add_u8(&body, 'x'));
	assert_ok(bw_reply_new(200, BW_LIT("X-Test: yes\r\n"), &body, &reply));
	return reply;
}

static void keep(struct bw_reply_cache *cache, const char *key, size_t bytes)
{
	struct bw_reply *reply = reply_of(bytes);

	bw_reply_cache_keep(cache, bw_slice_text(key), &stamp, reply);
	bw_reply_drop(reply); /* the cache holds its own */
}

static bool has(struct bw_reply_cache *cache, const char *key)
{
	struct bw_cache_stamp got;

	return bw_reply_cache_find(cache, bw_slice_text(key), &got) != NULL;
}

static void a_reply_is_found_under_its_key_with_its_stamp(void **state)
{
	struct bw_reply_cache *cache;
	struct bw_cache_stamp got;
	struct bw_reply *reply;

	(void)state;
	assert_ok(bw_reply_cache_new(BW_MIB, &cache));
	keep(cache, "alice /a", 10);
	reply = bw_reply_cache_find(cache, BW_LIT("alice /a"), &got);
	assert_non_null(reply);
	assert_int_equal(bw_reply_body_bytes(reply), 10);
	assert_int_equal(got.collection, 3);
	assert_int_equal(got.generation, 7);
	assert_int_equal(got.accounts, 9);
	assert_false(has(cache, "bob /a"));
	assert_false(has(cache, "alice /"));
	bw_reply_cache_free(cache);
}

static void a_newer_reply_takes_the_place_of_the_older(void **state)
{
	struct bw_reply_cache *cache;
	struct bw_cache_stamp got;

	(void)state;
	assert_ok(bw_reply_cache_new(BW_MIB, &cache));
	keep(cache, "k", 10);
	keep(cache, "k", 20);
	assert_int_equal(bw_reply_body_bytes(bw_reply_cache_find(cache, BW_LIT("k"), &got)), 20);
	bw_reply_cache_free(cache);
}

static void too_large_replies_and_keys_are_not_kept(void **state)
{
	struct bw_reply_cache *cache;
	static char key[4096];

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	assert_ok(bw_reply_cache_new(4 * BW_MIB, &cache));
	keep(cache, "large", BW_CACHE_ENTRY_MAX);
	assert_false(has(cache, "large"));
	keep(cache, key, 10);
	assert_false(has(cache, key));
	bw_reply_cache_free(cache);
}

static void old_replies_make_room(void **state)
{
	struct bw_reply_cache *cache;
	size_t held = 0;
	char key[32];

	(void)state;
	assert_ok(bw_reply_cache_new(64 * BW_KIB, &cache));
	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "key-%d", i);
		keep(cache, key, 1024);
		assert_true(has(cache, key));
	}
	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "key-%d", i);
		held += has(cache, key) ? 1 : 0;
	}
	assert_true(held > 0 && held * 1024 <= 64 * BW_KIB);
	bw_reply_cache_free(cache);
}

static void the_budget_holds_when_the_same_key_comes_again_and_again(void **state)
{
	struct bw_reply_cache *cache;

	(void)state;
	assert_ok(bw_reply_cache_new(8 * BW_KIB, &cache));
	for (int i = 0; i < 1000; i++)
		keep(cache, "same", 1024);
	assert_true(has(cache, "same"));
	keep(cache, "other", 1024);
	assert_true(has(cache, "other"));
	bw_reply_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_is_found_under_its_key_with_its_stamp),
		cmocka_unit_test(a_newer_reply_takes_the_place_of_the_older),
		cmocka_unit_test(too_large_replies_and_keys_are_not_kept),
		cmocka_unit_test(old_replies_make_room),
		cmocka_unit_test(the_budget_holds_when_the_same_key_comes_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
