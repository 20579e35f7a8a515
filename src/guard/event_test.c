#include "guard/event.h"

#include "base/test.h"

struct made {
	_Alignas(8) uint8_t bytes[sizeof(struct bw_event) + 64];
	size_t len;
};

static struct made made_of(struct bw_event event, const char *rest)
{
	struct made made = { .len = sizeof(event) + strlen(rest) };

	memcpy(made.bytes, &event, sizeof(event));
	memcpy(made.bytes + sizeof(event), rest, strlen(rest));
	return made;
}

static struct bw_event two_pieces(void)
{
	struct bw_event event = {
		.act = BW_ACT_MOVED, .name_len = 3, .name_to_len = 2, .size = 100, .sample_len = 7, .piece_count = 2
	};

	event.pieces[0].len = 4;
	event.pieces[1].at = 90;
	event.pieces[1].len = 3;
	return event;
}

static void names_and_pieces_come_out_where_they_were_put(void **state)
{
	const struct made made = made_of(two_pieces(), "oldnwHEADEND");
	struct bw_event_view view;

	(void)state;
	assert_ok(bw_event_parse(bw_slice_of(made.bytes, made.len), &view));
	assert_slice(view.name, "old");
	assert_slice(view.name_to, "nw");
	assert_int_equal(view.sample.count, 2);
	assert_slice(view.sample.pieces[0].bytes, "HEAD");
	assert_slice(view.sample.pieces[1].bytes, "END");
	assert_int_equal(view.sample.pieces[1].at, 90);
}

static void every_prefix_is_refused(void **state)
{
	const struct made made = made_of(two_pieces(), "oldnwHEADEND");
	struct bw_event_view view;

	(void)state;
	for (size_t n = 0; n < made.len; n++)
		assert_int_equal(bw_event_parse(bw_slice_of(made.bytes, n), &view), BW_ERR_PROTOCOL);
}

static void lengths_that_lie_are_refused(void **state)
{
	struct bw_event events[7];
	struct bw_event_view view;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(events); i++)
		events[i] = two_pieces();
	events[0].pieces[0].len = UINT32_MAX;
	events[1].piece_count = 200;
	events[2].name_len = 300;
	events[3].pieces[1].at = 2; /* overlaps the first */
	events[4].pieces[1].at = UINT64_MAX;
	events[5].act = 99;
	events[6].writer_count = BW_EVENT_WRITERS_MAX + 1;
	for (size_t i = 0; i < BW_COUNT(events); i++) {
		const struct made made = made_of(events[i], "oldnwHEADEND");

		assert_int_equal(bw_event_parse(bw_slice_of(made.bytes, made.len), &view), BW_ERR_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_pieces_come_out_where_they_were_put),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(lengths_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
