/* Forms, what is everybody's, and the book. */
#include <stdio.h>

#include "base/test.h"
#include "guard/foreign_book.h"
#include "guard/harm.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define NOW_US (INT64_C(1795392000) * 1000000)

enum { NEWS_BYTES = 1 << 20 };

/* ---- what is everybody's ------------------------------------------------------------- */

static enum bw_foreign_why look(enum bw_trait trait, const char *text)
{
	const struct bw_trait_value value = { trait, bw_slice_text(text) };

	return bw_foreign_look(&value);
}

static void what_everybody_has_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(look(BW_TRAIT_ENDING, "docx"), BW_FOREIGN_COMMON_ENDING);
	assert_int_equal(look(BW_TRAIT_ENDING, "id-7.pdf"), BW_FOREIGN_COMMON_ENDING);
	assert_int_equal(look(BW_TRAIT_ENDING, "js"), BW_FOREIGN_SHORT);
	assert_int_equal(look(BW_TRAIT_NAME, "readme.txt"), BW_FOREIGN_COMMON_NAME);
	assert_int_equal(look(BW_TRAIT_NAME, "a"), BW_FOREIGN_SHORT);
	assert_int_equal(look(BW_TRAIT_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), BW_FOREIGN_EMPTY_FILE);
	assert_int_equal(look(BW_TRAIT_HARM, "client smiles random"), BW_FOREIGN_NO_HARM);
	assert_int_equal(look(BW_TRAIT_HARM, ""), BW_FOREIGN_NO_HARM);
}

static void addresses_that_mean_something_else_elsewhere_are_not_taken(void **state)
{
	static const char *const none[] = { "0.0.0.0",    "10.0.0.7",    "127.0.0.1", "192.168.1.1",     "172.16.0.1",
					    "100.64.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "::",
					    "::1",        "fe80::1",     "fd00::1",   "::ffff:10.0.0.1", "no address" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(none); i++)
		assert_int_equal(look(BW_TRAIT_ADDRESS, none[i]), BW_FOREIGN_NO_ADDRESS);
	assert_int_equal(look(BW_TRAIT_ADDRESS, "203.0.113.7"), BW_FOREIGN_FINE);
	assert_int_equal(look(BW_TRAIT_ADDRESS, "2a00::7"), BW_FOREIGN_FINE);
}

static void what_only_an_attacker_has_is_taken(void **state)
{
	(void)state;
	assert_int_equal(look(BW_TRAIT_ENDING, "lockbit"), BW_FOREIGN_FINE);
	assert_int_equal(look(BW_TRAIT_NAME, "how_to_restore_files.txt"), BW_FOREIGN_FINE);
	assert_int_equal(look(BW_TRAIT_HARM, "client joined random"), BW_FOREIGN_FINE);
	assert_int_equal(look(BW_TRAIT_HARM, "local changed broken"), BW_FOREIGN_FINE);
}

/* ---- news ------------------------------------------------------------------------------- */

struct told {
	const char *peer;
	const char *id;
	int64_t modified_us;
	int64_t until_us;
	bool is_gone;
	enum bw_trait trait;
	const char *value;
};

static void add_item(struct bw_buf *news, const struct told *told)
{
	const struct bw_trait_value value = { told->trait, bw_slice_text(told->value) };
	const struct bw_foreign_item item = { .peer = bw_slice_text(told->peer),
					      .id = bw_slice_text(told->id),
					      .modified_us = told->modified_us,
					      .until_us = told->until_us,
					      .confidence = 85,
					      .is_gone = told->is_gone,
					      .refused = 1,
					      .count = 1 };

	assert_ok(bw_foreign_item_add(news, &item, &value));
}

static bool take(struct bw_foreign_book *book, const struct told *told, size_t count, int64_t now_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(NEWS_BYTES);
	const struct bw_foreign_news news = { .line = 1, .place = BW_LIT("00aa"), .count = (uint16_t)count };
	bool changed = false;

	assert_ok(bw_foreign_news_begin(&body, &news));
	for (size_t i = 0; i < count; i++)
		add_item(&body, &told[i]);
	assert_ok(bw_foreign_book_take(book, bw_buf_slice(&body), now_us, &changed));
	return changed;
}

static const struct told locked = { "us", "indicator--1", NOW_US, INT64_MAX, false, BW_TRAIT_ENDING, "lockbit" };

/* When the witness has found no file of that name. */
static bool has(struct bw_foreign_book *book, enum bw_trait trait, const char *value)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	struct bw_exact_found found;
	struct bw_exact set;
	size_t count;

	assert_ok(bw_foreign_book_set(book, BW_FOREIGN_FOR_WITNESS, &bytes, &count));
	assert_ok(bw_exact_open(bw_buf_slice(&bytes), &set));
	bw_foreign_book_check(book, &set);
	bw_buf_clear(&bytes);
	assert_ok(bw_foreign_book_set(book, BW_FOREIGN_FOR_JUDGE, &bytes, &count));
	assert_ok(bw_exact_open(bw_buf_slice(&bytes), &set));
	return bw_exact_find(&set, trait, bw_slice_text(value), &found);
}

static void a_newer_version_takes_the_place_and_an_older_one_does_nothing(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	struct told told = locked;

	(void)state;
	assert_true(take(&book, &told, 1, NOW_US));
	assert_false(take(&book, &told, 1, NOW_US));
	assert_true(has(&book, BW_TRAIT_ENDING, "lockbit"));
	told.modified_us++;
	told.value = "lockbit2";
	assert_true(take(&book, &told, 1, NOW_US));
	assert_int_equal(book.count, 1);
	assert_false(has(&book, BW_TRAIT_ENDING, "lockbit"));
	assert_false(take(&book, &locked, 1, NOW_US));
	assert_true(has(&book, BW_TRAIT_ENDING, "lockbit2"));
	told.modified_us++;
	told.is_gone = true;
	assert_true(take(&book, &told, 1, NOW_US));
	assert_int_equal(book.count, 0);
	assert_string_equal(book.places[1], "00aa");
}

static void nobody_takes_back_what_somebody_else_said(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	struct told liar = locked;

	(void)state;
	assert_true(take(&book, &locked, 1, NOW_US));
	liar.peer = "other";
	liar.modified_us++;
	liar.is_gone = true;
	assert_false(take(&book, &liar, 1, NOW_US)); /* of his own he has nothing */
	assert_true(has(&book, BW_TRAIT_ENDING, "lockbit"));
}

static void nothing_counts_for_ever(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	struct told told[] = { locked, locked, locked };

	(void)state;
	told[1].id = "indicator--2";
	told[1].value = "twodays";
	told[1].until_us = NOW_US + 2 * DAY_US;
	told[2].id = "indicator--3";
	told[2].value = "aeons";
	told[2].until_us = NOW_US + 10000 * DAY_US;
	assert_true(take(&book, told, BW_COUNT(told), NOW_US));
	assert_false(bw_foreign_book_expire(&book, NOW_US + DAY_US));
	assert_true(bw_foreign_book_expire(&book, NOW_US + 3 * DAY_US));
	assert_false(has(&book, BW_TRAIT_ENDING, "twodays"));
	assert_true(bw_foreign_book_expire(&book, NOW_US + 31 * DAY_US));
	assert_false(has(&book, BW_TRAIT_ENDING, "lockbit"));
	assert_true(bw_foreign_book_expire(&book, NOW_US + 91 * DAY_US));
	assert_int_equal(book.count, 0);
	told[1].modified_us++;
	assert_false(take(&book, &told[1], 1, NOW_US + 92 * DAY_US)); /* it was over before it came */
}

static void a_flood_fills_only_its_makers_own_room(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	char ids[BW_FOREIGN_NEWS_ITEMS][48];
	struct told told[BW_FOREIGN_NEWS_ITEMS];

	(void)state;
	for (unsigned n = 0; n < BW_FOREIGN_PEER_VALUES + 1000; n += BW_FOREIGN_NEWS_ITEMS) {
		for (unsigned i = 0; i < BW_FOREIGN_NEWS_ITEMS; i++) {
			(void)snprintf(ids[i], sizeof(ids[i]), "indicator--x%u", n + i);
			told[i] = locked;
			told[i].peer = "flood";
			told[i].id = ids[i];
			told[i].value = ids[i];
		}
		(void)take(&book, told, BW_FOREIGN_NEWS_ITEMS, NOW_US);
	}
	assert_int_equal(book.count, BW_FOREIGN_PEER_VALUES);
	assert_true(take(&book, &locked, 1, NOW_US));
	assert_true(has(&book, BW_TRAIT_ENDING, "lockbit"));
	assert_ok(bw_foreign_book_undo(&book, BW_LIT("flood"), NOW_US));
	assert_int_equal(book.count, 1);
}

static void one_word_undoes_all_of_a_peer_and_another_lets_him_in_again(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	struct told other = locked;

	(void)state;
	other.peer = "other";
	other.value = "kept";
	(void)take(&book, &locked, 1, NOW_US);
	(void)take(&book, &other, 1, NOW_US);
	assert_int_equal(bw_foreign_book_undo(&book, BW_LIT("nobody"), NOW_US), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_foreign_book_undo(&book, bw_slice_empty, NOW_US), BW_ERR_NOT_FOUND);
	assert_ok(bw_foreign_book_undo(&book, BW_LIT("us"), NOW_US));
	assert_false(has(&book, BW_TRAIT_ENDING, "lockbit"));
	assert_true(has(&book, BW_TRAIT_ENDING, "kept"));
	assert_false(take(&book, &locked, 1, NOW_US));
	assert_ok(bw_foreign_book_accept(&book, BW_LIT("us")));
	assert_string_equal(book.places[1], "");
	assert_true(take(&book, &locked, 1, NOW_US));
}

static void the_book_is_written_and_read_again(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book again = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(NEWS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf second = BW_BUF_INIT(NEWS_BYTES);
	struct told spaced = locked;
	struct bw_fault fault;

	(void)state;
	spaced.peer = "United States (lake)";
	spaced.value = "how to pay.txt";
	spaced.trait = BW_TRAIT_NAME;
	(void)take(&book, &locked, 1, NOW_US);
	(void)take(&book, &spaced, 1, NOW_US);
	assert_ok(bw_foreign_book_write(&book, &first));
	assert_ok(bw_foreign_book_parse(bw_buf_slice(&first), &again, &fault));
	assert_ok(bw_foreign_book_write(&again, &second));
	assert_true(bw_slice_equals(bw_buf_slice(&first), bw_buf_slice(&second)));
	assert_true(has(&again, BW_TRAIT_NAME, "how to pay.txt"));
	assert_true(bw_foreign_book_mark(&again, BW_TRAIT_NAME, BW_LIT("how to pay.txt"), BW_FOREIGN_OWN));
	assert_false(bw_foreign_book_mark(&again, BW_TRAIT_NAME, BW_LIT("how to pay.txt"), BW_FOREIGN_MET));
	assert_false(has(&again, BW_TRAIT_NAME, "how to pay.txt")); /* this server's own files are called so */
	assert_int_equal(bw_foreign_book_parse(BW_LIT("item 0 x 1 2 3 4 0 name y\n"), &again, &fault), BW_ERR_RANGE);
	assert_int_equal(bw_foreign_book_parse(BW_LIT("# fine\nnonsense\n"), &again, &fault), BW_ERR_SYNTAX);
	assert_int_equal(fault.offset, 7);
}

/* ---- forms --------------------------------------------------------------------------------- */

static void every_prefix_of_news_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(NEWS_BYTES);
	const struct bw_foreign_news news = { .place = BW_LIT("00aa"), .count = 1 };
	struct bw_foreign_news out;

	(void)state;
	assert_ok(bw_foreign_news_begin(&body, &news));
	add_item(&body, &locked);
	assert_ok(bw_foreign_news_parse(bw_buf_slice(&body), &out));
	for (size_t n = 0; n < body.len; n++)
		assert_int_equal(bw_foreign_news_parse(bw_slice_sub(bw_buf_slice(&body), 0, n), &out), BW_ERR_PROTOCOL);
	assert_ok(bw_buf_add_u8(&body, 0));
	assert_int_equal(bw_foreign_news_parse(bw_buf_slice(&body), &out), BW_ERR_PROTOCOL);
}

static void a_hit_is_one_name_and_comes_apart_again(void **state)
{
	const struct bw_foreign_hit hit = { BW_LIT("us"), BW_LIT("indicator--1"), BW_LIT("a.lockbit") };
	struct bw_foreign_hit again;
	uint8_t name[BW_EVENT_NAME_BYTES];
	size_t len;

	(void)state;
	len = bw_foreign_hit_write(&hit, name, sizeof(name));
	assert_true(bw_foreign_hit_parse(bw_slice_of(name, len), &again));
	assert_slice(again.peer, "us");
	assert_slice(again.id, "indicator--1");
	assert_slice(again.value, "a.lockbit");
	assert_int_equal(bw_foreign_hit_write(&hit, name, 5), 5);
	assert_false(bw_foreign_hit_parse(BW_LIT("plan.docx"), &again));
}

static void a_value_that_was_compared_stays_so_in_the_next_version(void **state)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	struct told told = locked;
	size_t count = 9;

	(void)state;
	(void)take(&book, &told, 1, NOW_US);
	assert_true(has(&book, BW_TRAIT_ENDING, "lockbit"));
	told.modified_us++;
	(void)take(&book, &told, 1, NOW_US);
	assert_ok(bw_foreign_book_set(&book, BW_FOREIGN_FOR_JUDGE, &bytes, &count));
	assert_int_equal(count, 1);
	told.modified_us++;
	told.value = "another";
	(void)take(&book, &told, 1, NOW_US);
	bw_buf_clear(&bytes);
	assert_ok(bw_foreign_book_set(&book, BW_FOREIGN_FOR_JUDGE, &bytes, &count));
	assert_int_equal(count, 0);
}

/* ---- reporting ------------------------------------------------------------------------------ */

static void every_prefix_of_what_is_sent_is_refused(void **state)
{
	static const uint8_t kinds[] = { BW_FOREIGN_SEND, BW_FOREIGN_SAID, BW_FOREIGN_SENT };
	const struct bw_foreign_sent sent = { 7, 2, BW_ERR_CONFLICT, BW_LIT("words") };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(kinds); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(NEWS_BYTES);
		struct bw_foreign_sent out;

		assert_ok(bw_foreign_sent_add(&body, kinds[i], &sent));
		assert_ok(bw_foreign_sent_parse(bw_buf_slice(&body), kinds[i], &out));
		assert_true(out.incident == 7 && out.report == 2);
		assert_int_equal(out.result, kinds[i] == BW_FOREIGN_SENT ? BW_ERR_CONFLICT : 0);
		assert_slice(out.answer, kinds[i] == BW_FOREIGN_SEND ? "" : "words");
		for (size_t n = 0; n < body.len; n++)
			assert_int_equal(bw_foreign_sent_parse(bw_slice_sub(bw_buf_slice(&body), 0, n), kinds[i], &out),
					 BW_ERR_PROTOCOL);
		assert_ok(bw_buf_add_u8(&body, 0));
		assert_int_equal(bw_foreign_sent_parse(bw_buf_slice(&body), kinds[i], &out), BW_ERR_PROTOCOL);
	}
}

static void only_an_indicator_can_have_been_seen(void **state)
{
	static const char *const wrong[] = { "", "indicator--", "sighting--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f",
					     "indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3", "indicator--\n" };
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	struct bw_foreign_seen seen = { BW_LIT("from-us"), BW_LIT("indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f") };

	(void)state;
	assert_ok(bw_foreign_seen_add(&body, &seen));
	assert_ok(bw_foreign_seen_parse(bw_buf_slice(&body), &seen));
	assert_slice(seen.peer, "from-us");
	for (size_t i = 0; i < BW_COUNT(wrong); i++) {
		bw_buf_clear(&body);
		assert_ok(
			bw_foreign_seen_add(&body, &(struct bw_foreign_seen){ BW_LIT("us"), bw_slice_text(wrong[i]) }));
		assert_int_equal(bw_foreign_seen_parse(bw_buf_slice(&body), &seen), BW_ERR_PROTOCOL);
	}
}

static enum bw_err answer(const char *json, const char *words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_FOREIGN_WORDS_BYTES);
	const enum bw_err err = bw_foreign_answer_read(bw_slice_text(json), &out);

	if (words != NULL)
		assert_string_equal(bw_buf_text(&out), words);
	return err;
}

static void a_status_tells_what_was_taken(void **state)
{
	(void)state;
	assert_ok(answer("{\"id\":\"x\",\"status\":\"complete\",\"success_count\":4,\"failure_count\":0}",
			 "4 objects taken, 0 refused"));
	assert_ok(answer("{\"status\":\"pending\"}", "0 objects taken, 0 refused"));
	assert_int_equal(answer("{\"status\":\"complete\",\"success_count\":1,\"failure_count\":3}",
				"1 objects taken, 3 refused"),
			 BW_ERR_CONFLICT);
	assert_int_equal(answer("<html>", NULL), BW_ERR_PROTOCOL);
	assert_int_equal(answer("{}", NULL), BW_ERR_PROTOCOL);
	assert_int_equal(answer("{\"status\":\"complete\",\"failure_count\":-1}", NULL), BW_ERR_PROTOCOL);
}

static enum bw_err sighting(const char *json)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf id = BW_BUF_INIT(BW_FOREIGN_ID_BYTES + 1);
	const enum bw_err err = bw_foreign_sighting_read(bw_slice_text(json), &id);

	if (err == BW_OK)
		assert_string_equal(bw_buf_text(&id), "indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f");
	return err;
}

static void a_sighting_is_of_an_indicator_or_none_of_ours(void **state)
{
	(void)state;
	assert_ok(sighting("{\"type\":\"sighting\",\"count\":2,"
			   "\"sighting_of_ref\":\"indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f\"}"));
	assert_int_equal(sighting("{\"type\":\"sighting\",\"revoked\":true,"
				  "\"sighting_of_ref\":\"indicator--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f\"}"),
			 BW_ERR_MISSING);
	assert_int_equal(sighting("{\"type\":\"sighting\","
				  "\"sighting_of_ref\":\"malware--8e2e8d2b-17d4-4cbf-938f-98ee46b3cd3f\"}"),
			 BW_ERR_MISSING);
	assert_int_equal(sighting("{\"type\":\"indicator\"}"), BW_ERR_MISSING);
	assert_int_equal(sighting("[]"), BW_ERR_MISSING);
	assert_int_equal(sighting("{\"type\":\"sighting\""), BW_ERR_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_everybody_has_is_not_taken),
		cmocka_unit_test(addresses_that_mean_something_else_elsewhere_are_not_taken),
		cmocka_unit_test(what_only_an_attacker_has_is_taken),
		cmocka_unit_test(a_newer_version_takes_the_place_and_an_older_one_does_nothing),
		cmocka_unit_test(nobody_takes_back_what_somebody_else_said),
		cmocka_unit_test(nothing_counts_for_ever),
		cmocka_unit_test(a_flood_fills_only_its_makers_own_room),
		cmocka_unit_test(one_word_undoes_all_of_a_peer_and_another_lets_him_in_again),
		cmocka_unit_test(the_book_is_written_and_read_again),
		cmocka_unit_test(every_prefix_of_news_is_refused),
		cmocka_unit_test(a_hit_is_one_name_and_comes_apart_again),
		cmocka_unit_test(a_value_that_was_compared_stays_so_in_the_next_version),
		cmocka_unit_test(every_prefix_of_what_is_sent_is_refused),
		cmocka_unit_test(only_an_indicator_can_have_been_seen),
		cmocka_unit_test(a_status_tells_what_was_taken),
		cmocka_unit_test(a_sighting_is_of_an_indicator_or_none_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
