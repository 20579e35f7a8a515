#include "codec/split.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

/* Everything a stream gives, as one text: "o0:{..} f2:{..} !SYNTAX@5 ". */
static void cut(const char *text, size_t len, size_t piece, struct bw_buf *out)
{
	struct bw_split *split;
	struct bw_split_item item;
	size_t at = 0;

	bw_buf_clear(out);
	assert_ok(bw_buf_add_text(out, ""));
	assert_ok(bw_split_new(&split));
	for (;;) {
		const size_t take = len - at < piece ? len - at : piece;
		/* a copy of its own, so that reading past it shows */
		uint8_t *copy = malloc(take + 1);
		enum bw_err err;

		memcpy(copy, text + at, take);
		at += take;
		bw_split_feed(split, bw_slice_of(copy, take), at == len);
		while ((err = bw_split_next(split, &item)) == BW_OK) {
			if (item.kind == BW_SPLIT_FAULT)
				assert_ok(bw_buf_addf(out, "!%s@%d ", bw_err_name(item.err), (int)item.offset));
			else if (item.kind == BW_SPLIT_FRAME)
				assert_ok(bw_buf_addf(out, "f%d:%.*s ", (int)item.objects, BW_ARG(item.text)));
			else
				assert_ok(bw_buf_addf(out, "%c%d.%d:%.*s ", "aleb2"[item.in], (int)item.value,
						      (int)item.index, BW_ARG(item.text)));
			if (item.kind == BW_SPLIT_OBJECT)
				assert_memory_equal(text + item.offset, item.text.ptr, item.text.len);
		}
		free(copy);
		if (err == BW_ERR_NOT_FOUND)
			break;
		assert_int_equal(err, BW_ERR_AGAIN);
		assert_true(at < len);
	}
	bw_split_free(split);
}

static const struct {
	const char *text;
	const char *items;
} streams[] = {
	{ "", "" },
	{ " \n ", "" },
	{ "{}", "a1.0:{} " },
	{ "[{\"a\":1} , {\"b\":[{}]}]", "l1.0:{\"a\":1} l1.1:{\"b\":[{}]} " },
	{ "[]", "" },
	{ "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{\"x\":\"]}\"},{}]}",
	  "b1.0:{\"x\":\"]}\"} b1.1:{} f2:{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[]} " },
	{ "{\"id\":\"bundle--1\",\"objects\" : [ {} ], \"type\":\"bundle\"}",
	  "b1.0:{} f1:{\"id\":\"bundle--1\",\"objects\" : [], \"type\":\"bundle\"} " },
	{ "{\"type\":\"bundle\",\"spec_version\":\"2.0\",\"objects\":[{}]}",
	  "21.0:{} f1:{\"type\":\"bundle\",\"spec_version\":\"2.0\",\"objects\":[]} " },
	{ "{\"more\":true,\"objects\":[{}],\"next\":\"x\"}",
	  "e1.0:{} f1:{\"more\":true,\"objects\":[],\"next\":\"x\"} " },
	{ "{\"type\":\"x-thing\",\"objects\":[{}]}", "a1.0:{\"type\":\"x-thing\",\"objects\":[{}]} " },
	{ "{\"type\":\"observed-data\",\"objects\":{\"0\":{}}}",
	  "a1.0:{\"type\":\"observed-data\",\"objects\":{\"0\":{}}} " },
	{ "{\"labels\":[\"objects\"],\"a\":{\"objects\":[1]}}",
	  "a1.0:{\"labels\":[\"objects\"],\"a\":{\"objects\":[1]}} " },
	{ "{\"a\":\"\\\\\\\"{\"}{\"b\":2}", "a1.0:{\"a\":\"\\\\\\\"{\"} a2.0:{\"b\":2} " },
	{ "{\"a\":1}\n{\"b\":2}\n\n{\"c\":3}", "a1.0:{\"a\":1} a2.0:{\"b\":2} a3.0:{\"c\":3} " },
	{ "{\"a\":1}\nnonsense\n{\"c\":3}\n", "a1.0:{\"a\":1} !SYNTAX@8 a3.0:{\"c\":3} " },
	{ "{\"a\":1}\n{\"b\":\n{\"c\":3}\n", "a1.0:{\"a\":1} !TRUNCATED@8 a3.0:{\"c\":3} " },
	{ "{\"a\":[1}\n{\"b\":2}\n", "!TRUNCATED@0 a2.0:{\"b\":2} " },
	{ "{\n\"a\":1}\n{\n\"b\":2}", "a1.0:{\n\"a\":1} a2.0:{\n\"b\":2} " },
	{ "[{},1,\"a,]\",[{}],{}]", "l1.0:{} !TYPE@4 !TYPE@6 !TYPE@12 l1.4:{} " },
	{ "[{}{}]", "l1.0:{} !SYNTAX@3 " },
	{ "[{},]", "l1.0:{} !SYNTAX@4 " },
	{ "[,]", "!SYNTAX@1 " },
	{ "[{}", "l1.0:{} !TRUNCATED@3 " },
	{ "{\"a\":1", "!TRUNCATED@0 " },
	{ "x", "!SYNTAX@0 " },
	{ "\xef\xbb\xbf{}", "a1.0:{} " },
};

static void streams_come_apart_into_objects(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	for (size_t i = 0; i < BW_COUNT(streams); i++) {
		cut(streams[i].text, strlen(streams[i].text), SIZE_MAX, &out);
		assert_string_equal(bw_buf_text(&out), streams[i].items);
	}
	bw_buf_release(&out);
}

static void pieces_of_any_size_give_the_same(void **state)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	for (size_t i = 0; i < BW_COUNT(streams); i++) {
		for (size_t piece = 1; piece < 40; piece++) {
			cut(streams[i].text, strlen(streams[i].text), piece, &out);
			assert_string_equal(bw_buf_text(&out), streams[i].items);
		}
	}
	bw_buf_release(&out);
}

static void large_bundles_pass_in_small_pieces(void **state)
{
	struct bw_buf text = BW_BUF_INIT(8 * BW_MIB);
	struct bw_split *split;
	struct bw_split_item item;
	size_t objects = 0;

	(void)state;
	assert_ok(bw_buf_add_text(&text, "{\"type\":\"bundle\",\"id\":\"bundle--x\",\"objects\":["));
	for (int i = 0; i < 20000; i++)
		assert_ok(bw_buf_addf(
			&text, "%s{\"n\":%d,\"t\":\"%.*s \\\" { \\\\ ]\"}", i == 0 ? "" : ",", i, i % 90,
			"a text with brackets ][ and braces }{ that goes on and on and on, and on and on .."));
	assert_ok(bw_buf_add_text(&text, "]}"));
	assert_ok(bw_split_new(&split));
	for (size_t at = 0; at < text.len; at += 1000) {
		const struct bw_slice piece = bw_slice_sub(bw_buf_slice(&text), at, 1000);
		enum bw_err err;

		bw_split_feed(split, piece, at + 1000 >= text.len);
		while ((err = bw_split_next(split, &item)) == BW_OK) {
			char start[32];

			if (item.kind == BW_SPLIT_FRAME) {
				assert_int_equal(item.objects, 20000);
				continue;
			}
			assert_int_equal(item.kind, BW_SPLIT_OBJECT);
			(void)snprintf(start, sizeof(start), "{\"n\":%zu,", objects++);
			assert_true(bw_slice_starts(item.text, bw_slice_text(start)));
		}
	}
	assert_int_equal(objects, 20000);
	bw_split_free(split);
	bw_buf_release(&text);
}

/* ---- the scanner ------------------------------------------------------------------------- */

static void all_ways_to_scan_agree(void **state)
{
	static const char alphabet[] = "{}[]\"\\ab ,";
	uint32_t random = 12345;
	uint8_t text[300];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len;
		struct bw_scan first = { 0 };
		size_t first_used = 0;
		enum bw_scan_stop first_stop = BW_SCAN_MORE;

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (uint8_t)alphabet[(random >> 16) % (round % 2 ? 10 : 6)];
		}
		len = (random >> 8) % sizeof(text);
		for (int way = 0; way < BW_SCAN_WAYS; way++) {
			struct bw_scan scan = { .depth = (uint32_t)(round % 5),
						.depth_max = 40,
						.watch = round % 3 == 0 };
			size_t used;
			enum bw_scan_stop stop;

			if (!bw_scan_has((enum bw_scan_way)way))
				continue;
			stop = bw_scan_by((enum bw_scan_way)way, &scan, bw_slice_of(text, len), &used);
			if (way == BW_SCAN_PLAIN) {
				first = scan;
				first_used = used;
				first_stop = stop;
				continue;
			}
			assert_int_equal(stop, first_stop);
			assert_int_equal(used, first_used);
			assert_int_equal(scan.depth, first.depth);
			assert_true(scan.in_string == first.in_string && scan.escaped == first.escaped);
		}
	}
}

/* One byte at a time is the plainest reading there is. */
static void blocks_and_single_bytes_agree(void **state)
{
	static const char alphabet[] = "{}[]\"\\a";
	uint32_t random = 99;
	uint8_t text[200];

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct bw_scan whole = { .depth = 3, .depth_max = 100 };
		struct bw_scan single = whole;
		size_t used;
		size_t at = 0;
		enum bw_scan_stop stop;

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (uint8_t)alphabet[(random >> 16) % 7];
		}
		stop = bw_scan(&whole, bw_slice_of(text, sizeof(text)), &used);
		while (at < sizeof(text)) {
			size_t one;
			const enum bw_scan_stop here = bw_scan_by(BW_SCAN_PLAIN, &single, bw_slice_of(text + at, 1),
								  &one);

			at++;
			if (here != BW_SCAN_MORE)
				break;
		}
		assert_int_equal(at, used);
		assert_int_equal(whole.depth, single.depth);
		if (stop == BW_SCAN_MORE)
			assert_true(whole.in_string == single.in_string && whole.escaped == single.escaped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_come_apart_into_objects),
		cmocka_unit_test(pieces_of_any_size_give_the_same),
		cmocka_unit_test(large_bundles_pass_in_small_pieces),
		cmocka_unit_test(all_ways_to_scan_agree),
		cmocka_unit_test(blocks_and_single_bytes_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
