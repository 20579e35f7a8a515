#include <stdio.h>

#include "base/test.h"
#include "base/text.h"
#include "guard/sim_parts.h"

/* Two of a kind from one seed, one from the next. */
static void every_kind_is_the_same_for_its_seed_and_other_for_another(void **state)
{
	(void)state;
	for (int kind = 0; kind < SIM_KINDS; kind++) {
		struct bw_buf one = BW_BUF_INIT(SIM_CONTENT_MAX);
		struct bw_buf same = BW_BUF_INIT(SIM_CONTENT_MAX);
		struct bw_buf other = BW_BUF_INIT(SIM_CONTENT_MAX);

		assert_ok(sim_make((enum sim_kind)kind, 1, 20000, &one));
		assert_ok(sim_make((enum sim_kind)kind, 1, 20000, &same));
		assert_ok(sim_make((enum sim_kind)kind, 2, 20000, &other));
		assert_true(bw_slice_equals(bw_buf_slice(&one), bw_buf_slice(&same)));
		assert_false(bw_slice_equals(bw_buf_slice(&one), bw_buf_slice(&other)));
		assert_true(one.len >= 7000 && one.len <= 90000);
		bw_buf_release(&one);
		bw_buf_release(&same);
		bw_buf_release(&other);
	}
}

static void names_that_could_leave_the_sandbox_are_unsafe(void **state)
{
	static const char *const bad[] = { "",
					   "/etc",
					   "..",
					   "a/../b",
					   "a//b",
					   "a/",
					   "./a",
					   ".",
					   "a/.",
					   "a/..",
					   ".breakwater-sim",
					   "a/.breakwater-sim/key" };

	(void)state;
	for (size_t n = 0; n < BW_COUNT(bad); n++)
		assert_false(sim_name_is_safe(bw_slice_text(bad[n])));
	assert_false(sim_name_is_safe(SIM_LITERAL("a\0b")));
	assert_true(sim_name_is_safe(BW_LIT("a")));
	assert_true(sim_name_is_safe(BW_LIT("a/..b/c d\n")));
}

static void a_manifest_reads_as_it_was_written_and_no_prefix_of_it_does(void **state)
{
	struct sim_manifest manifest = { .seed = 7 };
	struct sim_manifest again = { 0 };
	struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
	const struct sim_row file = { .type = SIM_FILE, .mode = 0640, .uid = 3, .want = 9, .size = 9, .mtime_ns = -5 };
	const struct sim_row twin = { .type = SIM_TWIN, .mode = 0640, .seed = 0 };

	(void)state;
	assert_ok(sim_manifest_add(&manifest, &file, BW_LIT("a/b")));
	assert_ok(sim_manifest_add(&manifest, &twin, BW_LIT("a/c")));
	assert_ok(sim_manifest_write(&manifest, &bytes));
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_not_equal(sim_manifest_parse(bw_slice_of(bytes.ptr, len), &again), BW_OK);
	assert_ok(sim_manifest_parse(bw_buf_slice(&bytes), &again));
	assert_int_equal(again.count, 2);
	assert_string_equal(again.rows[1].name, "a/c");
	assert_int_equal(again.rows[0].mtime_ns, -5);
	sim_manifest_release(&again);
	sim_manifest_release(&manifest);
	bw_buf_release(&bytes);
}

static void spans_stay_inside_the_file_and_go_forward(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 15, 16, 17, 4095, 4096, 65537, 3000001 };

	(void)state;
	for (size_t p = 0; p < bw_sim_pattern_count(); p++) {
		for (uint64_t strain = 0; strain < 20; strain++) {
			struct sim_plan plan;

			sim_plan_draw(&sim_patterns[p], strain, &plan);
			for (size_t n = 0; n < BW_COUNT(sizes); n++) {
				struct sim_spans spans;
				uint64_t at = 0;
				uint64_t len = 0;
				uint64_t end = 0;

				sim_spans_over(&plan, sizes[n], strain, &spans);
				while (sim_span_next(&spans, &at, &len)) {
					assert_true(len > 0 && at < sizes[n] && len <= sizes[n] - at);
					assert_true(sim_patterns[p].spread == SIM_CHANCE || at >= end);
					end = at + len;
				}
			}
		}
	}
}

static void intermittent_spans_change_the_share_they_say(void **state)
{
	struct sim_plan plan;
	struct sim_spans spans;
	uint64_t changed = 0;
	uint64_t at;
	uint64_t len;

	(void)state;
	sim_plan_draw(sim_pattern_named(BW_LIT("S08")), 0, &plan);
	sim_spans_over(&plan, 64000, 1, &spans);
	while (sim_span_next(&spans, &at, &len))
		changed += len;
	assert_int_equal(changed, 32000);
}

static void every_literature_pattern_has_its_row(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 68; n++) {
		char id[8];
		const bool is_attack_on_the_guard = n == 64 || n == 65; /* not the simulator's: proofs of their own */

		(void)snprintf(id, sizeof(id), "S%02u", n);
		assert_true((sim_pattern_named(bw_slice_text(id)) != NULL) == !is_attack_on_the_guard);
	}
}

static void another_strain_has_other_parameters_and_names(void **state)
{
	struct sim_trail_head one = { 0 };
	struct sim_trail_head other = { 0 };
	struct sim_plan usual;
	struct sim_plan drawn;
	bool differs = false;

	(void)state;
	sim_names_draw(sim_patterns, 1, &one);
	sim_names_draw(sim_patterns, 2, &other);
	assert_string_not_equal(one.ext, other.ext);
	assert_string_not_equal(one.note, other.note);
	sim_plan_draw(sim_pattern_named(BW_LIT("S09")), 0, &usual);
	for (uint64_t strain = 1; strain < 10; strain++) {
		sim_plan_draw(sim_pattern_named(BW_LIT("S09")), strain, &drawn);
		differs = differs || drawn.enc != usual.enc || drawn.skip != usual.skip;
		assert_true(drawn.enc >= 32 && drawn.enc <= 96);
	}
	assert_true(differs);
}

static void letters_stay_letters_and_xor_undoes_itself(void **state)
{
	uint8_t key[SIM_KEY_BYTES];
	uint8_t text[] = "Seven pupils of class 9b";
	uint8_t before[sizeof(text)];

	(void)state;
	for (size_t n = 0; n < sizeof(key); n++)
		key[n] = (uint8_t)(n * 31 + 7);
	memcpy(before, text, sizeof(text));
	sim_code_bytes(key, SIM_LETTERS, 3, 0, text, sizeof(text) - 1);
	assert_memory_not_equal(text, before, sizeof(text));
	for (size_t n = 0; n + 1 < sizeof(text); n++)
		assert_true(bw_is_alnum(text[n]) || text[n] == ' ');
	memcpy(text, before, sizeof(text));
	sim_code_bytes(key, SIM_XOR, 3, 70000, text, sizeof(text));
	sim_code_bytes(key, SIM_XOR, 3, 70000, text, sizeof(text));
	assert_memory_equal(text, before, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_the_same_for_its_seed_and_other_for_another),
		cmocka_unit_test(names_that_could_leave_the_sandbox_are_unsafe),
		cmocka_unit_test(a_manifest_reads_as_it_was_written_and_no_prefix_of_it_does),
		cmocka_unit_test(spans_stay_inside_the_file_and_go_forward),
		cmocka_unit_test(intermittent_spans_change_the_share_they_say),
		cmocka_unit_test(every_literature_pattern_has_its_row),
		cmocka_unit_test(another_strain_has_other_parameters_and_names),
		cmocka_unit_test(letters_stay_letters_and_xor_undoes_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
