#include "codec/sse.h"

#include <stdio.h>

#include "base/test.h"

enum { MAX = 4096 };

struct heard {
	size_t count;
	char text[MAX]; /* "id|name|data;" of each */
	enum bw_err says;
};

static enum bw_err hear(void *ctx, const struct bw_sse_event *event)
{
	struct heard *heard = ctx;
	const size_t at = strlen(heard->text);

	heard->count++;
	(void)snprintf(heard->text + at, sizeof(heard->text) - at, "%.*s|%.*s|%.*s;", BW_ARG(event->id),
		       BW_ARG(event->name), BW_ARG(event->data));
	return heard->says;
}

static enum bw_err take(struct bw_sse *sse, const char *text, struct heard *heard)
{
	return bw_sse_take(sse, bw_slice_text(text), hear, heard);
}

static const char stream[] = "\xef\xbb\xbf: a comment\n"
			     "retry: 2000\n\n"
			     "id: 1\nevent: objects\ndata: {\"a\":1}\n\n"
			     "data:first\rdata:  second\r\r"
			     "id\r\ndata: x\r\n\r\n"
			     "event: nothing\n\n"
			     "data: never ended\n";
static const char meant[] = "1|objects|{\"a\":1};1|message|first\n second;|message|x;";

static void events_come_out_whatever_pieces_they_came_in(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < sizeof(stream); piece++) {
		struct heard heard = { 0 };
		struct bw_sse sse;

		bw_sse_init(&sse, MAX);
		for (size_t at = 0; at < sizeof(stream) - 1; at += piece)
			assert_int_equal(
				bw_sse_take(&sse, bw_slice_sub(bw_slice_text(stream), at, piece), hear, &heard), BW_OK);
		assert_string_equal(heard.text, meant);
		assert_int_equal(sse.retry_ms, 2000);
		bw_sse_release(&sse);
	}
}

static void what_was_half_read_is_forgotten_and_the_place_is_not(void **state)
{
	struct heard heard = { 0 };
	struct bw_sse sse;

	(void)state;
	bw_sse_init(&sse, MAX);
	assert_int_equal(take(&sse, "id: 7\ndata: a\n\nevent: x\ndata: ha", &heard), BW_OK);
	bw_sse_restart(&sse);
	assert_int_equal(take(&sse, "data: b\n\n", &heard), BW_OK);
	assert_string_equal(heard.text, "7|message|a;7|message|b;");
	bw_sse_release(&sse);
}

static void too_much_is_refused_and_so_is_what_is_no_text(void **state)
{
	struct heard heard = { 0 };
	struct bw_sse sse;

	(void)state;
	bw_sse_init(&sse, 16);
	assert_int_equal(take(&sse, "data: 0123456789abcdef", &heard), BW_ERR_TOO_BIG);
	bw_sse_restart(&sse);
	assert_int_equal(take(&sse, "data: 0123456\ndata: 01234567\n", &heard), BW_ERR_TOO_BIG);
	bw_sse_restart(&sse);
	assert_int_equal(take(&sse, "data: \xff\n\n", &heard), BW_ERR_UTF8);
	assert_int_equal(heard.count, 0);
	bw_sse_release(&sse);
}

static void the_listener_may_end_it(void **state)
{
	struct heard heard = { .says = BW_ERR_BUSY };
	struct bw_sse sse;

	(void)state;
	bw_sse_init(&sse, MAX);
	assert_int_equal(take(&sse, "data: a\n\ndata: b\n\n", &heard), BW_ERR_BUSY);
	assert_int_equal(heard.count, 1);
	bw_sse_release(&sse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_out_whatever_pieces_they_came_in),
		cmocka_unit_test(what_was_half_read_is_forgotten_and_the_place_is_not),
		cmocka_unit_test(too_much_is_refused_and_so_is_what_is_no_text),
		cmocka_unit_test(the_listener_may_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
