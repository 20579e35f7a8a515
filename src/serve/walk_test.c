#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "serve/walk.h"

/* A server as others have built it. */
enum { OBJECTS_MAX = 400, PAGES_MAX = 3000 };

struct odd_server {
	int64_t dates[OBJECTS_MAX]; /* ascending */
	size_t count;
	size_t cap;        /* most objects on a page, whatever the client asks for */
	int64_t precision; /* dates are printed cut to this many microseconds */
	bool gives_next;   /* an offset into what added_after leaves */
	bool gives_dates;
	bool ignores_after;
	bool repeats_next; /* the same token for ever */
	bool session;      /* one token for the whole walk; the server counts */
	size_t session_at;
	bool loses_answers; /* every seventh page is served, but does not arrive */
	bool next_expires;  /* every third `next` is refused */
	size_t grows;       /* objects that are added, one after each page */
	unsigned asked;
	int64_t now_us;
};

struct client {
	struct bw_walk walk;
	uint32_t got[OBJECTS_MAX]; /* how often each object came */
	unsigned pages;
	enum bw_walk_step end;
};

static int64_t cut(const struct odd_server *server, int64_t date)
{
	return date - date % server->precision;
}

/* Serves the page the walk asks for; false: refuses its `next`. */
static bool serve_page(struct odd_server *server, struct client *client, struct bw_walk_page *page, char next[32])
{
	const struct bw_walk *walk = &client->walk;
	size_t from = 0;
	size_t n = 0;

	server->asked++;
	if (walk->next[0] != '\0' && server->next_expires && server->asked % 3 == 0)
		return false;
	while (from < server->count && !server->ignores_after && server->dates[from] <= walk->base_us)
		from++;
	if (walk->next[0] != '\0' && server->session)
		from = server->session_at;
	else if (walk->next[0] != '\0' && !server->repeats_next)
		from += (size_t)strtoul(walk->next, NULL, 10);
	*page = (struct bw_walk_page){
		.first_us = -1, .last_us = -1, .next = bw_slice_empty, .now_us = server->now_us
	};
	page->hash = from * 1000003;
	while (from + n < server->count && n < walk->limit && n < server->cap) {
		n++;
	}
	server->session_at = from + n;
	if (server->loses_answers && random() % 7 == 0) {
		*page = (struct bw_walk_page){ .objects = SIZE_MAX };
		return true;
	}
	for (size_t i = from; i < from + n; i++)
		client->got[i]++;
	page->hash += n;
	page->objects = n;
	page->more = from + n < server->count;
	if (n > 0 && server->gives_dates) {
		page->first_us = cut(server, server->dates[from]);
		page->last_us = cut(server, server->dates[from + n - 1]);
	}
	if (page->more && server->gives_next) {
		const size_t before = walk->next[0] == '\0' ? 0 : (size_t)strtoul(walk->next, NULL, 10);

		snprintf(next, 32, "%zu", server->repeats_next ? 1 : before + n);
		if (server->session)
			snprintf(next, 32, "the same");
		page->next = bw_slice_text(next);
	}
	if (server->grows > 0 && server->count < OBJECTS_MAX) {
		server->dates[server->count] = server->dates[server->count - 1] + random() % 3;
		server->count++;
		server->grows--;
	}
	return true;
}

/* Pulls until an end; saves and reloads its state between pages, as a killed process would. */
static void pull(struct odd_server *server, struct client *client)
{
	struct bw_walk_page page;
	char next[32];
	int stops = 6;

	for (client->pages = 0; client->pages < PAGES_MAX; client->pages++) {
		if (!serve_page(server, client, &page, next)) {
			assert_true(bw_walk_next_refused(&client->walk));
			continue;
		}
		if (page.objects == SIZE_MAX) {
			assert_true(bw_walk_answer_lost(&client->walk));
			continue;
		}
		assert_int_equal(bw_walk_page(&client->walk, &page, &client->end), BW_OK);
		if (client->end != BW_WALK_ON)
			return;
		if (stops > 0 && random() % 5 == 0) {
			stops--;
			BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(16384);
			const bool may_lose = client->walk.may_lose;
			const uint32_t limit = client->walk.limit_usual;

			assert_int_equal(bw_walk_save(&client->walk, &text), BW_OK);
			bw_walk_release(&client->walk);
			bw_walk_init(&client->walk, limit);
			assert_int_equal(bw_walk_load(&client->walk, bw_buf_slice(&text)), BW_OK);
			client->walk.may_lose = may_lose;
		}
	}
	fail_msg("the walk does not end");
}

static void fill(struct odd_server *server, size_t count, unsigned tie)
{
	int64_t date = 1700000000000000;

	for (size_t i = 0; i < count; i++) {
		server->dates[i] = date;
		if ((unsigned)random() % tie == 0)
			date += 1 + random() % 5000;
	}
	server->count = count;
}

static void expect_all(const struct odd_server *server, const struct client *client)
{
	for (size_t i = 0; i < server->count; i++)
		assert_true(client->got[i] > 0);
}

/* Any mixture of habits, from one pull to the next, with objects arriving meanwhile. */
static void nothing_is_lost_whatever_the_server_is_like(void **state)
{
	(void)state;
	srandom(4);
	for (int round = 0; round < 4000; round++) {
		struct odd_server server = { .gives_dates = true, .now_us = -1 };
		struct client client = { .pages = 0 };
		const uint32_t limit = 1 + (uint32_t)random() % 30;
		const unsigned ties[] = { 1, 2, 5, 40 };

		fill(&server, (size_t)random() % 300 + 1, ties[random() % 4]);
		server.cap = random() % 2 == 0 ? OBJECTS_MAX : 1 + (size_t)random() % 50;
		server.precision = random() % 2 == 0 ? 1 : 1000;
		server.gives_next = random() % 2 == 0;
		server.next_expires = server.gives_next && random() % 3 == 0;
		server.session = server.gives_next && random() % 3 == 0;
		server.loses_answers = random() % 2 == 0;
		server.grows = (size_t)random() % 60;
		bw_walk_init(&client.walk, limit);
		for (int again = 0; again < 3; again++) {
			pull(&server, &client);
			assert_int_equal(client.end, BW_WALK_DONE);
			server.grows = again == 0 ? (size_t)random() % 20 : 0;
		}
		if (!client.walk.may_lose)
			expect_all(&server, &client);
		else
			assert_true(!server.gives_next || server.next_expires || server.loses_answers);
		bw_walk_release(&client.walk);
	}
}

static void pages_that_are_large_enough_lose_nothing_without_next(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < 500; round++) {
		struct odd_server server = { .gives_dates = true, .precision = 1, .cap = OBJECTS_MAX };
		struct client client = { .pages = 0 };

		fill(&server, 300, 60);
		bw_walk_init(&client.walk, 1 + (uint32_t)random() % 20);
		pull(&server, &client);
		assert_false(client.walk.may_lose);
		expect_all(&server, &client);
		bw_walk_release(&client.walk);
	}
}

static void an_unchanged_collection_costs_one_small_page(void **state)
{
	struct odd_server server = {
		.gives_dates = true, .gives_next = true, .precision = 1, .cap = OBJECTS_MAX, .now_us = -1
	};
	struct client client = { .pages = 0 };
	uint32_t before = 0;
	uint32_t after = 0;

	(void)state;
	srandom(6);
	fill(&server, 300, 1);
	bw_walk_init(&client.walk, 100);
	pull(&server, &client);
	for (size_t i = 0; i < server.count; i++)
		before += client.got[i];
	assert_int_equal(before, 300); /* each object once */
	pull(&server, &client);
	for (size_t i = 0; i < server.count; i++)
		after += client.got[i];
	assert_int_equal(client.pages, 0);
	assert_int_equal(after, before + 1); /* the last one again, in case it had company */
	server.now_us = server.dates[299] + BW_WALK_SETTLED_US;
	pull(&server, &client);
	pull(&server, &client);
	assert_int_equal(client.got[299], 3); /* and once more, to hear that it is over */
	bw_walk_release(&client.walk);
}

static void a_server_that_turns_in_circles_is_left(void **state)
{
	(void)state;
	srandom(7);
	for (int which = 0; which < 3; which++) {
		struct odd_server server = { .gives_dates = true, .precision = 1, .cap = 10 };
		struct client client = { .pages = 0 };

		server.gives_next = which > 0;
		server.repeats_next = which == 1;
		server.ignores_after = which == 0;
		fill(&server, 50, 1);
		bw_walk_init(&client.walk, 10);
		if (which == 2) { /* other tokens, the same page */
			for (unsigned i = 0; i < 3; i++) {
				const struct bw_walk_page page = { .objects = 5,
								   .more = true,
								   .next = i == 0 ? BW_LIT("a") : BW_LIT("b"),
								   .first_us = 1,
								   .last_us = 5,
								   .hash = 77 };

				assert_int_equal(bw_walk_page(&client.walk, &page, &client.end), BW_OK);
				if (client.end != BW_WALK_ON)
					break;
			}
		} else {
			pull(&server, &client);
		}
		assert_int_equal(client.end, BW_WALK_LOOP);
		assert_true(client.pages < 5);
		bw_walk_release(&client.walk);
	}
}

static void more_without_a_way_on_is_said(void **state)
{
	struct odd_server server = { .precision = 1, .cap = 10 };
	struct client client = { .pages = 0 };

	(void)state;
	fill(&server, 50, 1);
	bw_walk_init(&client.walk, 10);
	pull(&server, &client);
	assert_int_equal(client.end, BW_WALK_BLIND);
	bw_walk_release(&client.walk);
}

static void empty_pages_with_more_are_followed_for_a_while(void **state)
{
	struct bw_walk walk;
	enum bw_walk_step step = BW_WALK_ON;
	char next[16];
	unsigned pages = 0;

	(void)state;
	bw_walk_init(&walk, 0);
	while (step == BW_WALK_ON) {
		snprintf(next, sizeof(next), "%u", pages++);
		const struct bw_walk_page page = {
			.more = true, .next = bw_slice_text(next), .first_us = -1, .last_us = -1
		};

		assert_int_equal(bw_walk_page(&walk, &page, &step), BW_OK);
	}
	assert_int_equal(step, BW_WALK_LOOP);
	assert_int_equal(pages, BW_WALK_EMPTY_MAX + 1);
	bw_walk_release(&walk);
}

static void the_query_says_where_and_how_much(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4096);
	struct bw_walk walk;

	(void)state;
	bw_walk_init(&walk, 0);
	assert_int_equal(bw_walk_query(&walk, &text), BW_OK);
	assert_string_equal(bw_buf_text(&text), "?limit=1000");
	bw_buf_clear(&text);
	walk.base_us = 1700000000000001;
	strcpy(walk.next, "a b&c=%/\xc3\xa5");
	assert_int_equal(bw_walk_query(&walk, &text), BW_OK);
	assert_string_equal(bw_buf_text(&text),
			    "?limit=1000&added_after=2023-11-14T22:13:20.000001Z&next=a%20b%26c%3D%25%2F%C3%A5");
}

static void what_was_saved_loads_and_nothing_else_does(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(16384);
	struct bw_walk walk;
	struct bw_walk again;

	(void)state;
	bw_walk_init(&walk, 50);
	walk.base_us = 5;
	walk.last_us = 7;
	strcpy(walk.next, "tok\nen %");
	walk.next_changes = true;
	walk.ordered = false; /* else the date says it better */
	assert_int_equal(bw_walk_save(&walk, &text), BW_OK);
	for (size_t n = 0; n < text.len; n++) {
		bw_walk_init(&again, 50);
		assert_int_equal(bw_walk_load(&again, bw_slice_sub(bw_buf_slice(&text), 0, n)), BW_ERR_SYNTAX);
		assert_int_equal(again.base_us, -1);
	}
	bw_walk_init(&again, 50);
	assert_int_equal(bw_walk_load(&again, bw_buf_slice(&text)), BW_OK);
	assert_int_equal(again.base_us, 5);
	assert_string_equal(again.next, walk.next);
	bw_walk_init(&again, 51); /* `next` belongs to the limit it came with */
	assert_int_equal(bw_walk_load(&again, bw_buf_slice(&text)), BW_OK);
	assert_string_equal(again.next, "");
	assert_int_equal(again.base_us, 5);
}

static void a_walk_that_was_stopped_goes_on_by_date_where_dates_can_be_trusted(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(16384);
	struct bw_walk walk;
	struct bw_walk again;

	(void)state;
	bw_walk_init(&walk, 50);
	walk.base_us = 5;
	walk.last_us = 70;
	strcpy(walk.next, "a session's token would skip a page");
	assert_int_equal(bw_walk_save(&walk, &text), BW_OK);
	bw_walk_init(&again, 50);
	assert_int_equal(bw_walk_load(&again, bw_buf_slice(&text)), BW_OK);
	assert_string_equal(again.next, "");
	assert_int_equal(again.base_us, 69);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_whatever_the_server_is_like),
		cmocka_unit_test(pages_that_are_large_enough_lose_nothing_without_next),
		cmocka_unit_test(an_unchanged_collection_costs_one_small_page),
		cmocka_unit_test(a_server_that_turns_in_circles_is_left),
		cmocka_unit_test(more_without_a_way_on_is_said),
		cmocka_unit_test(empty_pages_with_more_are_followed_for_a_while),
		cmocka_unit_test(the_query_says_where_and_how_much),
		cmocka_unit_test(what_was_saved_loads_and_nothing_else_does),
		cmocka_unit_test(a_walk_that_was_stopped_goes_on_by_date_where_dates_can_be_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
