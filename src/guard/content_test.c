#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "bench/content_files.h"
#include "bench/content_patterns.h"
#include "guard/content.h"
#include "guard/sim_parts.h"

static const size_t sizes[] = { 6000, 40000, 300000 };

static void sample_of(struct bw_slice bytes, uint64_t salt, struct bw_sample *out)
{
	struct bw_plan plan;

	bw_plan_make(bytes.len, salt, &plan);
	*out = (struct bw_sample){ .size = bytes.len, .count = plan.count };
	for (size_t i = 0; i < plan.count; i++)
		out->pieces[i] = (struct bw_piece){ plan.windows[i].at, bw_slice_sub(bytes, (size_t)plan.windows[i].at,
										     plan.windows[i].len) };
}

static struct bw_content content_of(const struct bw_buf *buf)
{
	struct bw_sample sample;
	struct bw_content content;

	sample_of(bw_buf_slice(buf), 42, &sample);
	bw_content_of(&sample, &content);
	return content;
}

struct both {
	struct bw_finding first;
	struct bw_finding second;
	struct bw_finding joined;
};

static struct both judge(const struct bw_buf *old, const struct bw_buf *new)
{
	const struct bw_versions versions = { bw_buf_slice(old), bw_buf_slice(new), old->len, new->len };
	const struct bw_content before = content_of(old);
	const struct bw_content after = content_of(new);
	struct both both;

	bw_content_compare(&before, &after, &both.first);
	bw_content_compare_bytes(&versions, &both.second);
	bw_content_join(&before, &after, &both.joined);
	return both;
}

static struct bw_buf made(const char *name, size_t size, uint64_t seed)
{
	struct bw_buf buf = BW_BUF_INIT(SIZE_MAX / 2);

	bw_maker_named(name)->make(size, seed, &buf);
	return buf;
}

/* ---- what is seen ------------------------------------------------------------------------------- */

static void every_made_file_is_seen_as_its_format_and_as_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		for (size_t s = 0; s < BW_COUNT(sizes); s++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf file = made(bw_makers[i].name, sizes[s], i);
			const struct bw_content content = content_of(&file);

			if (content.format != bw_makers[i].format || content.state != BW_STATE_GOOD)
				print_error("%s of %zu bytes: seen as %s, state %u\n", bw_makers[i].name, file.len,
					    bw_format_words((enum bw_format)content.format), content.state);
			assert_int_equal(content.format, bw_makers[i].format);
			assert_int_equal(content.state, BW_STATE_GOOD);
			if (content.format != BW_FORMAT_UNKNOWN)
				assert_true(content.grade >= BW_GRADE_FRAMED);
			assert_int_equal(bw_content_size(&content), file.len);
		}
	}
}

static void what_is_remembered_of_a_file_fits_in_24_bytes(void **state)
{
	(void)state;
	assert_true(sizeof(struct bw_content) <= 24);
}

static void an_empty_file_is_empty_and_no_more(void **state)
{
	const struct bw_buf nothing = BW_BUF_INIT(1);
	const struct bw_content content = content_of(&nothing);

	(void)state;
	assert_int_equal(content.format, BW_FORMAT_EMPTY);
	assert_int_equal(content.windows, 0);
}

static void the_plan_stays_within_the_file_and_its_budget(void **state)
{
	(void)state;
	for (unsigned log = 0; log < 48; log++) {
		for (uint64_t size = ((uint64_t)1 << log) - 1; size <= ((uint64_t)1 << log) + 1; size++) {
			struct bw_plan plan;
			uint64_t end = 0;
			uint64_t total = 0;

			bw_plan_make(size, size * 7, &plan);
			assert_true(plan.count <= BW_CONTENT_WINDOWS);
			for (size_t i = 0; i < plan.count; i++) {
				assert_true(plan.windows[i].at >= end);
				end = plan.windows[i].at + plan.windows[i].len;
				total += plan.windows[i].len;
			}
			assert_true(total <= BW_CONTENT_WHOLE_MAX);
			assert_int_equal(end, size);
		}
	}
}

static void a_footer_moves_no_inner_window_and_a_salt_moves_them(void **state)
{
	struct bw_plan plan;
	struct bw_plan longer;
	struct bw_plan salted;
	size_t moved = 0;

	(void)state;
	bw_plan_make(10000000, 1, &plan);
	bw_plan_make(10000512, 1, &longer);
	bw_plan_make(10000000, 2, &salted);
	for (size_t i = 0; i + 1 < plan.count; i++) {
		assert_int_equal(plan.windows[i].at, longer.windows[i].at);
		moved += plan.windows[i].at != salted.windows[i].at;
	}
	assert_true(moved >= 8);
}

/* ---- destroyed ------------------------------------------------------------------------------------- */

/*
 * What no look at content can find, and why. Letters for letters is a way to write text: in
 * pictures and programs it changes too little, in places that no rule looks at.
 */
static bool is_beyond_content(const struct bw_maker *maker, const struct bw_shape *shape)
{
	return strcmp(shape->id, "S45") == 0 && bw_format_kind(maker->format) != BW_KIND_TEXT;
}

/* How many shapes of destruction of one made file are not found. */
static unsigned missed_shapes(size_t i, size_t s)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = made(bw_makers[i].name, sizes[s], i + 100);
	unsigned missed = 0;

	for (size_t k = 0; k < bw_shapes_n; k++) {
		const struct bw_shape *shape = &bw_shapes[k];
		BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);
		struct both both;

		shape->make(bw_buf_slice(&old), k * BW_COUNT(sizes) + s, &new);
		both = judge(&old, &new);
		if (both.first.strength != BW_STRENGTH_NONE || both.second.strength != BW_STRENGTH_NONE ||
		    is_beyond_content(&bw_makers[i], shape))
			continue;
		print_error("missed: %s of %zu bytes, %s %s\n", bw_makers[i].name, old.len, shape->id, shape->name);
		missed++;
	}
	return missed;
}

static void every_shape_of_destruction_is_found_in_every_format(void **state)
{
	unsigned missed = 0;

	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		for (size_t s = 0; s < BW_COUNT(sizes); s++)
			missed += missed_shapes(i, s);
	}
	assert_int_equal(missed, 0);
}

static void whole_encryption_is_strong_at_the_first_look(void **state)
{
	static const char *const shapes[] = { "S01", "S28a", "S28c", "S43a", "S43b", "S44", "S40a" };

	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf old = made(bw_makers[i].name, 40000, i + 7);

		for (size_t k = 0; k < bw_shapes_n; k++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);
			bool is_asked = false;

			for (size_t n = 0; n < BW_COUNT(shapes); n++)
				is_asked |= strcmp(bw_shapes[k].id, shapes[n]) == 0;
			if (!is_asked || (bw_makers[i].format == BW_FORMAT_UNKNOWN && bw_shapes[k].id[1] == '4'))
				continue;
			bw_shapes[k].make(bw_buf_slice(&old), k, &new);
			if (judge(&old, &new).first.strength != BW_STRENGTH_STRONG)
				print_error("not strong: %s, %s\n", bw_makers[i].name, bw_shapes[k].name);
			assert_int_equal(judge(&old, &new).first.strength, BW_STRENGTH_STRONG);
		}
	}
}

static void a_copy_encrypted_beside_a_deleted_original_joins_it(void **state)
{
	static const char *const shapes[] = { "S01", "S28c", "S43a", "S44", "S48", "S49a", "S49b", "S49c" };

	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		if (bw_makers[i].format == BW_FORMAT_UNKNOWN)
			continue;
		BW_CLEANUP(bw_buf_release) struct bw_buf old = made(bw_makers[i].name, 40000, i + 9);

		for (size_t k = 0; k < bw_shapes_n; k++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);
			bool is_asked = false;

			for (size_t n = 0; n < BW_COUNT(shapes); n++)
				is_asked |= strcmp(bw_shapes[k].id, shapes[n]) == 0;
			if (!is_asked)
				continue;
			bw_shapes[k].make(bw_buf_slice(&old), k, &new);
			assert_true(judge(&old, &new).joined.strength > BW_STRENGTH_NONE);
		}
	}
}

/* ---- left in peace -------------------------------------------------------------------------------- */

static void expect_none(const char *what, const struct bw_buf *old, const struct bw_buf *new)
{
	const struct both both = judge(old, new);
	const struct bw_finding *findings[] = { &both.first, &both.second, &both.joined };

	for (size_t i = 0; i < BW_COUNT(findings); i++) {
		for (size_t n = 0; n < findings[i]->count; n++) {
			char line[256];

			bw_evidence_say(&findings[i]->tests[n], line, sizeof(line));
			print_error("%s, look %zu: %s\n", what, i, line);
		}
		assert_int_equal(findings[i]->strength, BW_STRENGTH_NONE);
	}
}

static void a_content_compared_with_itself_is_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf file = made(bw_makers[i].name, 100000, i);

		expect_none(bw_makers[i].name, &file, &file);
	}
}

static void a_file_saved_again_with_other_content_of_its_format_is_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		for (size_t s = 0; s < BW_COUNT(sizes); s++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf old = made(bw_makers[i].name, sizes[s], i);
			BW_CLEANUP(bw_buf_release) struct bw_buf same = made(bw_makers[i].name, sizes[s], i + 1000);
			BW_CLEANUP(bw_buf_release)
			struct bw_buf more = made(bw_makers[i].name, sizes[s] * 5 / 4, i + 2000);
			BW_CLEANUP(bw_buf_release)
			struct bw_buf less = made(bw_makers[i].name, sizes[s] * 3 / 4, i + 3000);

			expect_none(bw_makers[i].name, &old, &same);
			expect_none(bw_makers[i].name, &old, &more);
			expect_none(bw_makers[i].name, &old, &less);
		}
	}
}

static void text_edited_grown_shortened_or_replaced_by_other_text_is_nothing(void **state)
{
	static const char *const texts[] = { "prose", "utf-8", "csv", "xml", "json", "source", "mbox" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(texts) * BW_COUNT(texts); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf old = made(texts[i / BW_COUNT(texts)], 90000, i);
		BW_CLEANUP(bw_buf_release) struct bw_buf new = made(texts[i % BW_COUNT(texts)], 70000, i + 50);
		BW_CLEANUP(bw_buf_release) struct bw_buf edited = BW_BUF_INIT(SIZE_MAX / 2);

		expect_none("replaced", &old, &new);
		assert_ok(bw_buf_add(&edited, bw_slice_sub(bw_buf_slice(&old), 0, 30000)));
		assert_ok(bw_buf_add_text(&edited, "a new sentence in the middle of it"));
		assert_ok(bw_buf_add(&edited, bw_slice_from(bw_buf_slice(&old), 30000)));
		expect_none("edited", &old, &edited);
		assert_ok(bw_buf_add(&edited, bw_buf_slice(&new)));
		expect_none("grown", &old, &edited);
		expect_none("shortened", &edited, &old);
	}
}

static void text_in_other_case_is_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = made("prose", 20000, 1);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);

	(void)state;
	for (size_t i = 0; i < old.len; i++)
		assert_ok(bw_buf_add_u8(
			&new, (uint8_t)(old.ptr[i] >= 'a' && old.ptr[i] <= 'z' ? old.ptr[i] - 32 : old.ptr[i])));
	expect_none("upper case", &old, &new);
}

static void noise_replaced_by_noise_is_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(SIZE_MAX / 2);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);

	(void)state;
	for (size_t s = 0; s < BW_COUNT(sizes); s++) {
		bw_buf_clear(&old);
		bw_buf_clear(&new);
		assert_ok(bw_buf_reserve(&old, sizes[s]));
		assert_ok(bw_buf_reserve(&new, sizes[s]));
		old.len = new.len = sizes[s];
		bw_shape_noise(1, old.ptr, old.len);
		bw_shape_noise(2, new.ptr, new.len);
		expect_none("noise", &old, &new);
	}
}

static void pages_changed_within_a_database_are_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = made("sqlite", 300000, 5);
	BW_CLEANUP(bw_buf_release) struct bw_buf other = made("sqlite", 300000, 6);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);

	(void)state;
	assert_ok(bw_buf_add(&new, bw_buf_slice(&old)));
	for (size_t page = 3; page < 60; page += 4)
		memcpy(new.ptr + page * 4096, other.ptr + page * 4096, 4096);
	expect_none("pages", &old, &new);
}

/* Packed, a document keeps its own beginning inside the archive, or is deflated; noise is neither. */
static void an_archive_is_asked_what_it_holds(void **state)
{
	static const char *const makers[] = { "docx", "jpeg", "pdf", "prose" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(makers); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf old = made(makers[i], 40000, i);
		BW_CLEANUP(bw_buf_release) struct bw_buf good = BW_BUF_INIT(BW_MIB);
		BW_CLEANUP(bw_buf_release) struct bw_buf bad = BW_BUF_INIT(BW_MIB);
		struct both both;

		assert_ok(sim_zip_stored(makers[i], bw_buf_slice(&old), &good));
		both = judge(&old, &good);
		assert_int_equal(both.joined.strength, BW_STRENGTH_NONE);
		bw_shape_noise(i, old.ptr, old.len);
		assert_ok(sim_zip_stored(makers[i], bw_buf_slice(&old), &bad));
		bw_buf_release(&old);
		old = made(makers[i], 40000, i);
		both = judge(&old, &bad);
		assert_int_equal(both.joined.strength, BW_STRENGTH_SUSPICIOUS);
		assert_true(both.joined.tests[0].test == BW_TEST_HOLDS_NOISE ||
			    both.joined.tests[0].test == BW_TEST_NO_GAIN);
	}
}

static void text_packed_in_place_is_suspicious_at_most_and_beside_it_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = made("prose", 90000, 5);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);
	struct both both;

	(void)state;
	bw_make_gzip_of(bw_buf_slice(&old), &new);
	both = judge(&old, &new);
	assert_int_equal(both.first.strength, BW_STRENGTH_SUSPICIOUS);
	assert_int_equal(both.second.strength, BW_STRENGTH_SUSPICIOUS);
	assert_int_equal(both.first.tests[0].test, BW_TEST_PACKED);
	assert_int_equal(both.joined.strength, BW_STRENGTH_NONE);
}

static void a_good_file_of_another_format_is_never_strong(void **state)
{
	(void)state;
	for (size_t i = 0; i < bw_makers_n * bw_makers_n; i++) {
		const struct bw_maker *a = &bw_makers[i / bw_makers_n];
		const struct bw_maker *b = &bw_makers[i % bw_makers_n];
		BW_CLEANUP(bw_buf_release) struct bw_buf old = made(a->name, 50000, i);
		BW_CLEANUP(bw_buf_release) struct bw_buf new = made(b->name, 70000, i + 1);
		struct both both;

		both = judge(&old, &new);
		if (both.first.strength == BW_STRENGTH_STRONG || both.second.strength == BW_STRENGTH_STRONG)
			print_error("%s became %s\n", a->name, b->name);
		assert_true(both.first.strength < BW_STRENGTH_STRONG && both.second.strength < BW_STRENGTH_STRONG);
	}
}

/* A picture in codes of eight bits: its table is begun anew before it would need nine. */
static void make_gif(uint64_t seed, struct bw_buf *out)
{
	enum { ACROSS = 200, DOWN = 100, RUN = 100, BLOCK = 101 };
	uint8_t noise[ACROSS * DOWN];

	bw_shape_noise(seed, noise, sizeof(noise));
	assert_ok(bw_buf_add(out, bw_slice_of((const uint8_t *)"GIF89a\xc8\0\x64\0\xf6\0\0", 13)));
	for (unsigned i = 0; i < 3 * 128; i++)
		assert_ok(bw_buf_add_u8(out, (uint8_t)i));
	assert_ok(bw_buf_add(out, bw_slice_of((const uint8_t *)",\0\0\0\0\xc8\0\x64\0\0\7", 11)));
	for (size_t at = 0; at < sizeof(noise); at += RUN) {
		assert_ok(bw_buf_add_u8(out, BLOCK));
		assert_ok(bw_buf_add_u8(out, 128));
		for (size_t i = 0; i < RUN; i++)
			assert_ok(bw_buf_add_u8(out, noise[at + i] % 8));
	}
	assert_ok(bw_buf_add(out, bw_slice_of((const uint8_t *)"\1\x81\0;", 4)));
}

static void a_gif_whose_codes_lead_nowhere_is_broken_at_the_second_look(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(SIZE_MAX / 2);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);
	struct both both;

	(void)state;
	make_gif(1, &old);
	make_gif(2, &new);
	both = judge(&old, &new);
	assert_true(both.second.strength < BW_STRENGTH_STRONG);
	bw_buf_clear(&new);
	assert_ok(bw_buf_add(&new, bw_buf_slice(&old)));
	for (size_t at = 1000; at + 500 < new.len; at += 25)
		new.ptr[at] ^= 0x55;
	new.ptr[13 + 384 + 11] = 101; /* block lengths are left alone */
	for (size_t at = 13 + 384 + 11; at < new.len - 4; at += 102)
		new.ptr[at] = 101;
	both = judge(&old, &new);
	assert_int_equal(both.second.strength, BW_STRENGTH_STRONG);
}

/* As the index has a file between its copy and its features. */
static void what_nobody_looked_at_says_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = made("prose", 9000, 5);
	const struct bw_content whole = content_of(&text);
	const struct bw_content size_only = { .size_low = whole.size_low };
	struct bw_finding finding;

	(void)state;
	bw_content_compare(&whole, &size_only, &finding);
	assert_int_equal(finding.strength, BW_STRENGTH_NONE);
	assert_true(finding.blind);
	bw_content_join(&whole, &size_only, &finding);
	assert_int_equal(finding.strength, BW_STRENGTH_NONE);
	bw_content_compare(&size_only, &whole, &finding);
	assert_int_equal(finding.strength, BW_STRENGTH_NONE);
}

/* Certificates and keys are base64 by nature. */
static void a_renewed_certificate_is_no_loss(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct bw_buf files[2] = { BW_BUF_INIT(SIZE_MAX / 2), BW_BUF_INIT(SIZE_MAX / 2) };

	(void)state;
	for (size_t seed = 0; seed < 40; seed++) {
		struct both both;

		for (size_t k = 0; k < 2; k++) {
			uint8_t noise[1600];

			bw_buf_clear(&files[k]);
			bw_shape_noise(2 * seed + k, noise, sizeof(noise));
			assert_ok(bw_buf_add_text(&files[k], "-----BEGIN CERTIFICATE-----\n"));
			for (size_t i = 0; i < sizeof(noise); i++) {
				assert_ok(bw_buf_add_u8(&files[k], (uint8_t)alphabet[noise[i] % 64]));
				if (i % 64 == 63)
					assert_ok(bw_buf_add_u8(&files[k], '\n'));
			}
			assert_ok(bw_buf_add_text(&files[k], "-----END CERTIFICATE-----\n"));
		}
		both = judge(&files[0], &files[1]);
		assert_true(both.first.strength < BW_STRENGTH_STRONG && both.second.strength < BW_STRENGTH_STRONG);
	}
	bw_buf_release(&files[0]);
	bw_buf_release(&files[1]);
}

/* ---- words ------------------------------------------------------------------------------------------- */

static void every_test_has_a_name_and_a_sentence_that_ends(void **state)
{
	(void)state;
	for (int test = 0; test < BW_TEST_COUNT; test++) {
		const struct bw_evidence evidence = {
			.test = (uint8_t)test, .format_before = BW_FORMAT_PDF, .before = 12, .after = 7
		};
		char line[256];
		char brief[10];

		assert_true(strlen(bw_test_name((enum bw_test)test)) > 2);
		bw_evidence_say(&evidence, line, sizeof(line));
		assert_true(strlen(line) > 20 && strlen(line) < 200);
		assert_null(strchr(line, '%'));
		bw_evidence_say(&evidence, brief, sizeof(brief));
		assert_int_equal(strlen(brief), 9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_made_file_is_seen_as_its_format_and_as_good),
		cmocka_unit_test(what_is_remembered_of_a_file_fits_in_24_bytes),
		cmocka_unit_test(an_empty_file_is_empty_and_no_more),
		cmocka_unit_test(the_plan_stays_within_the_file_and_its_budget),
		cmocka_unit_test(a_footer_moves_no_inner_window_and_a_salt_moves_them),
		cmocka_unit_test(every_shape_of_destruction_is_found_in_every_format),
		cmocka_unit_test(whole_encryption_is_strong_at_the_first_look),
		cmocka_unit_test(a_copy_encrypted_beside_a_deleted_original_joins_it),
		cmocka_unit_test(a_content_compared_with_itself_is_nothing),
		cmocka_unit_test(a_file_saved_again_with_other_content_of_its_format_is_nothing),
		cmocka_unit_test(text_edited_grown_shortened_or_replaced_by_other_text_is_nothing),
		cmocka_unit_test(text_in_other_case_is_nothing),
		cmocka_unit_test(noise_replaced_by_noise_is_nothing),
		cmocka_unit_test(pages_changed_within_a_database_are_nothing),
		cmocka_unit_test(an_archive_is_asked_what_it_holds),
		cmocka_unit_test(text_packed_in_place_is_suspicious_at_most_and_beside_it_nothing),
		cmocka_unit_test(a_good_file_of_another_format_is_never_strong),
		cmocka_unit_test(a_gif_whose_codes_lead_nowhere_is_broken_at_the_second_look),
		cmocka_unit_test(what_nobody_looked_at_says_nothing),
		cmocka_unit_test(a_renewed_certificate_is_no_loss),
		cmocka_unit_test(every_test_has_a_name_and_a_sentence_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
