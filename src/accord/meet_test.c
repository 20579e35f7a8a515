#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "accord/meet.h"

static struct bw_node_keys *ours;
static struct bw_node_keys *theirs;
static struct bw_node_keys *strangers;
static const uint8_t connection[BW_MEET_EXPORT_BYTES] = { 1, 2, 3 };
static const uint8_t another_connection[BW_MEET_EXPORT_BYTES] = { 3, 2, 1 };

static int make_keys(void **state)
{
	(void)state;
	assert_int_equal(bw_node_keys_make(&ours), BW_OK);
	assert_int_equal(bw_node_keys_make(&theirs), BW_OK);
	assert_int_equal(bw_node_keys_make(&strangers), BW_OK);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	bw_node_keys_free(ours);
	bw_node_keys_free(theirs);
	bw_node_keys_free(strangers);
	return 0;
}

static struct bw_meet_card card_of(const struct bw_node_keys *keys, const char *label)
{
	struct bw_meet_card card = { .label = bw_slice_text(label),
				     .address = BW_LIT("https://node.example:7443/"),
				     .certificate = { 7, 7, 7 },
				     .papers = BW_LIT("{\"signed\":true}") };

	bw_node_keys_public(keys, &card.node);
	return card;
}

static struct bw_meet *come(enum bw_meet_side side, const struct bw_node_keys *keys, const char *label,
			    const uint8_t exported[BW_MEET_EXPORT_BYTES])
{
	const struct bw_meet_card card = card_of(keys, label);
	struct bw_meet *meet;

	assert_int_equal(bw_meet_new(side, keys, &card, exported, &meet), BW_OK);
	return meet;
}

/* The four messages of a meeting, as they went over the line. */
struct line {
	struct bw_buf messages[4];
};

static void open_line(struct line *line)
{
	for (size_t i = 0; i < 4; i++)
		line->messages[i] = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
}

static void close_line(struct line *line)
{
	for (size_t i = 0; i < 4; i++)
		bw_buf_release(&line->messages[i]);
}

static struct bw_slice said(const struct line *line, size_t which)
{
	return bw_buf_slice(&line->messages[which]);
}

static void meet_each_other(struct bw_meet *host, struct bw_meet *guest, struct line *line)
{
	struct bw_buf nothing = BW_BUF_INIT(16);

	assert_int_equal(bw_meet_begin(guest, &line->messages[0]), BW_OK);
	assert_int_equal(bw_meet_take(host, said(line, 0), &line->messages[1]), BW_OK);
	assert_int_equal(bw_meet_take(guest, said(line, 1), &line->messages[2]), BW_OK);
	assert_false(bw_meet_is_done(host));
	assert_int_equal(bw_meet_take(host, said(line, 2), &line->messages[3]), BW_OK);
	assert_true(bw_meet_is_done(host));
	assert_false(bw_meet_is_done(guest));
	assert_int_equal(bw_meet_take(guest, said(line, 3), &nothing), BW_OK);
	assert_true(bw_meet_is_done(guest));
	assert_int_equal(nothing.len, 0);
}

static void two_nodes_meet_and_their_people_compare_two_codes(void **state)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "Harbour centre", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "Hôpital de l'Île", connection);
	char host_reads[BW_MEET_CODE_CHARS + 1];
	char guest_reads[BW_MEET_CODE_CHARS + 1];
	struct bw_node_public node;
	struct line line;

	(void)state;
	open_line(&line);
	meet_each_other(host, guest, &line);
	assert_true(bw_slice_is(bw_meet_other(host)->label, "Hôpital de l'Île"));
	assert_true(bw_slice_is(bw_meet_other(guest)->label, "Harbour centre"));
	assert_true(bw_slice_is(bw_meet_other(guest)->papers, "{\"signed\":true}"));
	assert_int_equal(bw_meet_other(guest)->certificate[2], 7);
	bw_node_keys_public(theirs, &node);
	assert_memory_equal(&bw_meet_other(host)->node, &node, sizeof(node));
	bw_meet_my_code(host, host_reads);
	bw_meet_my_code(guest, guest_reads);
	assert_string_not_equal(host_reads, guest_reads);
	assert_int_equal(strlen(host_reads), BW_MEET_CODE_CHARS);
	assert_true(bw_meet_check_code(guest, bw_slice_text(host_reads)));
	host_reads[4] = '-';
	assert_true(bw_meet_check_code(guest, bw_slice_text(host_reads)));
	assert_false(bw_meet_check_code(host, bw_slice_text(host_reads)));  /* his own screen is no answer */
	assert_false(bw_meet_check_code(host, bw_slice_text(guest_reads))); /* one wrong answer was enough */
	bw_meet_free(host);
	bw_meet_free(guest);
	close_line(&line);
}

static void codes_of_two_meetings_differ_whoever_takes_part(void **state)
{
	char codes[2][BW_MEET_CODE_CHARS + 1] = { "", "" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
		struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", connection);
		struct line line;

		open_line(&line);
		meet_each_other(host, guest, &line);
		bw_meet_my_code(host, codes[i]);
		bw_meet_free(host);
		bw_meet_free(guest);
		close_line(&line);
	}
	assert_string_not_equal(codes[0], codes[1]);
}

/* Somebody in between meets each of the two under keys of his own: neither code that is read aloud fits. */
static void somebody_in_between_is_heard_on_the_telephone(void **state)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *false_guest = come(BW_MEET_GUEST, strangers, "b", connection);
	struct bw_meet *false_host = come(BW_MEET_HOST, strangers, "a", another_connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", another_connection);
	char code[BW_MEET_CODE_CHARS + 1];
	struct line here;
	struct line there;

	(void)state;
	open_line(&here);
	open_line(&there);
	meet_each_other(host, false_guest, &here);
	meet_each_other(false_host, guest, &there);
	bw_meet_my_code(guest, code);
	assert_false(bw_meet_check_code(host, bw_slice_text(code)));
	bw_meet_my_code(host, code);
	assert_false(bw_meet_check_code(guest, bw_slice_text(code)));
	bw_meet_free(host);
	bw_meet_free(false_guest);
	bw_meet_free(false_host);
	bw_meet_free(guest);
	close_line(&here);
	close_line(&there);
}

/* Passing every byte on does not help either: the two connections export different secrets. */
static void who_only_passes_bytes_on_fails_at_the_signature(void **state)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", another_connection);
	struct line line;

	(void)state;
	open_line(&line);
	assert_int_equal(bw_meet_begin(guest, &line.messages[0]), BW_OK);
	assert_int_equal(bw_meet_take(host, said(&line, 0), &line.messages[1]), BW_OK);
	assert_int_equal(bw_meet_take(guest, said(&line, 1), &line.messages[2]), BW_OK);
	assert_int_equal(bw_meet_take(host, said(&line, 2), &line.messages[3]), BW_ERR_SIGNATURE);
	assert_int_equal(bw_meet_take(host, said(&line, 2), &line.messages[3]), BW_ERR_PROTOCOL);
	bw_meet_free(host);
	bw_meet_free(guest);
	close_line(&line);
}

/* The guest saw the host's random bytes and would like to have committed to something else. */
static void what_was_committed_to_cannot_be_changed(void **state)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", connection);
	struct bw_meet *second = come(BW_MEET_GUEST, theirs, "b", connection);
	struct line line;

	(void)state;
	open_line(&line);
	assert_int_equal(bw_meet_begin(guest, &line.messages[0]), BW_OK);
	assert_int_equal(bw_meet_take(host, said(&line, 0), &line.messages[1]), BW_OK);
	bw_buf_clear(&line.messages[3]);
	assert_int_equal(bw_meet_begin(second, &line.messages[3]), BW_OK);
	assert_int_equal(bw_meet_take(second, said(&line, 1), &line.messages[2]), BW_OK);
	bw_buf_clear(&line.messages[3]);
	assert_int_equal(bw_meet_take(host, said(&line, 2), &line.messages[3]), BW_ERR_SIGNATURE);
	assert_int_equal(line.messages[3].len, 0);
	bw_meet_free(host);
	bw_meet_free(guest);
	bw_meet_free(second);
	close_line(&line);
}

/* A flipped bit in any of the messages ends the meeting at once or at the next signature. */
static bool meets_with_a_flip(size_t message, size_t byte)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", connection);
	struct bw_buf nothing = BW_BUF_INIT(16);
	struct line line;
	bool met = true;

	open_line(&line);
	for (size_t i = 0; met && i < 5; i++) {
		struct bw_buf *out = i < 4 ? &line.messages[i] : &nothing;

		if (i == 0)
			met = bw_meet_begin(guest, out) == BW_OK;
		else
			met = bw_meet_take(i % 2 == 1 ? host : guest, said(&line, i - 1), out) == BW_OK;
		if (met && i == message) {
			if (byte >= out->len)
				byte = out->len - 1;
			out->ptr[byte] ^= 1;
		}
	}
	met = met && bw_meet_is_done(host) && bw_meet_is_done(guest);
	bw_meet_free(host);
	bw_meet_free(guest);
	close_line(&line);
	return met;
}

static void a_flipped_bit_ends_the_meeting(void **state)
{
	static const size_t step[4] = { 5, 331, 397, 397 };
	static const size_t bytes[4] = { BW_SHA256_BYTES, 2200, 5600, BW_NODE_SIGNATURE_BYTES };

	(void)state;
	for (size_t message = 0; message < 4; message++) {
		for (size_t byte = 0; byte < bytes[message]; byte += step[message])
			assert_false(meets_with_a_flip(message, byte));
	}
	for (size_t byte = 0; byte < 12; byte++) /* lengths and versions */
		assert_false(meets_with_a_flip(1, byte) || meets_with_a_flip(2, byte));
}

static void what_is_cut_or_too_long_or_out_of_turn_is_refused(void **state)
{
	static uint8_t zeros[BW_MEET_MESSAGE_MAX + 1];
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, theirs, "b", connection);
	struct line line;

	(void)state;
	open_line(&line);
	assert_int_equal(bw_meet_begin(host, &line.messages[0]), BW_ERR_PROTOCOL);
	assert_int_equal(bw_meet_take(guest, bw_slice_empty, &line.messages[0]), BW_ERR_PROTOCOL);
	assert_int_equal(bw_meet_take(host, bw_slice_of(zeros, 31), &line.messages[1]), BW_ERR_SYNTAX);
	bw_meet_free(host);
	bw_meet_free(guest);
	host = come(BW_MEET_HOST, ours, "a", connection);
	assert_int_equal(bw_meet_take(host, bw_slice_of(zeros, sizeof(zeros)), &line.messages[1]), BW_ERR_TOO_BIG);
	bw_meet_free(host);
	host = come(BW_MEET_HOST, ours, "a", connection);
	assert_int_equal(bw_meet_take(host, bw_slice_of(zeros, 32), &line.messages[1]), BW_OK);
	assert_int_equal(bw_meet_take(host, bw_slice_of(zeros, 3), &line.messages[2]), BW_ERR_TRUNCATED);
	bw_meet_free(host);
	close_line(&line);
}

static void a_node_does_not_meet_itself(void **state)
{
	struct bw_meet *host = come(BW_MEET_HOST, ours, "a", connection);
	struct bw_meet *guest = come(BW_MEET_GUEST, ours, "b", connection);
	struct line line;

	(void)state;
	open_line(&line);
	assert_int_equal(bw_meet_begin(guest, &line.messages[0]), BW_OK);
	assert_int_equal(bw_meet_take(host, said(&line, 0), &line.messages[1]), BW_OK);
	assert_int_equal(bw_meet_take(guest, said(&line, 1), &line.messages[2]), BW_ERR_CONFLICT);
	bw_meet_free(host);
	bw_meet_free(guest);
	close_line(&line);
}

static void a_card_of_other_keys_or_with_odd_text_is_not_shown(void **state)
{
	struct bw_meet_card card = card_of(theirs, "fine");
	struct bw_meet *meet;

	(void)state;
	assert_int_equal(bw_meet_new(BW_MEET_HOST, ours, &card, connection, &meet), BW_ERR_RANGE);
	card.label = BW_LIT("two\nlines");
	assert_int_equal(bw_meet_new(BW_MEET_HOST, theirs, &card, connection, &meet), BW_ERR_RANGE);
	card.label = BW_LIT("\xff");
	assert_int_equal(bw_meet_new(BW_MEET_HOST, theirs, &card, connection, &meet), BW_ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_meet_and_their_people_compare_two_codes),
		cmocka_unit_test(codes_of_two_meetings_differ_whoever_takes_part),
		cmocka_unit_test(somebody_in_between_is_heard_on_the_telephone),
		cmocka_unit_test(who_only_passes_bytes_on_fails_at_the_signature),
		cmocka_unit_test(what_was_committed_to_cannot_be_changed),
		cmocka_unit_test(a_flipped_bit_ends_the_meeting),
		cmocka_unit_test(what_is_cut_or_too_long_or_out_of_turn_is_refused),
		cmocka_unit_test(a_node_does_not_meet_itself),
		cmocka_unit_test(a_card_of_other_keys_or_with_odd_text_is_not_shown),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
