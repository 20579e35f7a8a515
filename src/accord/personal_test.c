#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "accord/personal.h"
#include "accord/personal_set.h"

static struct bw_personal_list list;

static struct bw_slice part(struct bw_slice text, size_t i)
{
	return bw_slice_sub(text, list.of[i].at, list.of[i].len);
}

static void expect_one(const char *text, enum bw_personal kind, const char *what)
{
	bw_personal_scan(bw_slice_text(text), &list);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.of[0].kind, kind);
	assert_slice(part(bw_slice_text(text), 0), what);
}

static void expect_none(const char *text)
{
	bw_personal_scan(bw_slice_text(text), &list);
	assert_int_equal(list.count, 0);
}

static void checksums_tell_numbers_from_numbers(void **state)
{
	(void)state;
	expect_one("record 943 476 5919 was read", BW_PERSONAL_NHS, "943 476 5919");
	expect_none("record 943 476 5918 was read");
	expect_one("4539 1488 0343 6467", BW_PERSONAL_CARD, "4539 1488 0343 6467");
	expect_none("4539 1488 0343 6468");
	expect_one("to GB82 WEST 1234 5698 7654 32.", BW_PERSONAL_IBAN, "GB82 WEST 1234 5698 7654 32");
	expect_none("to GB83 WEST 1234 5698 7654 32.");
}

static void words_nearby_make_sure(void **state)
{
	(void)state;
	expect_none("offset 9434765919");
	expect_one("NHS no: 9434765919", BW_PERSONAL_NHS, "9434765919");
	expect_none("order 536228726");
	expect_one("SSN 536228726", BW_PERSONAL_SSN, "536228726");
}

static void every_place_in_a_text_is_looked_at(void **state)
{
	static const char mail[] = "anna.webb@example.org";
	char text[160];

	(void)state;
	for (size_t at = 0; at < 70; at++) {
		memset(text, ' ', sizeof(text));
		memcpy(text + at, mail, sizeof(mail) - 1);
		bw_personal_scan(bw_slice_of(text, at + sizeof(mail) - 1 + at % 3), &list);
		assert_int_equal(list.count, 1);
		assert_int_equal(list.of[0].at, at);
		assert_int_equal(list.of[0].len, sizeof(mail) - 1);
	}
}

static void more_than_can_be_kept_is_told(void **state)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);

	(void)state;
	for (int i = 0; i < BW_PERSONAL_FOUND_MAX + 10; i++)
		assert_ok(bw_buf_add_text(&text, "x@example.org, "));
	bw_personal_scan(bw_buf_slice(&text), &list);
	assert_int_equal(list.count, BW_PERSONAL_FOUND_MAX);
	assert_true(list.is_more);
	bw_buf_release(&text);
}

static void any_bytes_are_survived_and_findings_lie_inside(void **state)
{
	static const char dice[] = "0123456789 @.:/\\-+()ABCabcdefghGBnhstel\n\xc3\xa9";
	uint64_t seed = 1;
	char text[200];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t len = 0;
		size_t end = 0;

		for (; len < sizeof(text); len++) {
			seed = seed * 6364136223846793005U + 1442695040888963407U;
			text[len] = dice[(seed >> 40) % (sizeof(dice) - 1)];
		}
		bw_personal_scan(bw_slice_of(text, len - (size_t)round % 100), &list);
		for (size_t i = 0; i < list.count; i++) {
			assert_true(list.of[i].at >= end && list.of[i].len > 0);
			end = list.of[i].at + list.of[i].len;
			assert_true(end <= len && list.of[i].certainty >= BW_PERSONAL_UNSURE);
		}
	}
}

/*
 * What a stranger would write to keep us busy: pieces that make checks look back, forward, or again, over and over,
 * alone and in pairs, short and long. The work is counted, not timed: linear, and by no more than the header says.
 */
static void no_text_makes_it_work_more_than_in_proportion(void **state)
{
	static const char *const pieces[] = {
		"_.lan",   ".lan",       "a_b.local",  "@",       "a@",
		"a@b",     "x@y.zz ",    "@a.b",       "1 ",      "12 ",
		"1-",      "12345 ",     "07700 900 ", "+1 ",     "1",
		"a1",      "A1 1AA ",    "fc00:",      "fe80::",  ":",
		"A",       "Aa ",        "Mr. ",       "Aa-",     "\\",
		"\\\\a",   "\\\\a.",     "//home/",    " /home/", "\\users\\",
		"call ",   "ni ",        "AB12 ",      "GB82",    "A ",
		"10.1.1.", "10.10.1.1 ", "123.",       "(1)",     "@aaaaaaaaaaaaaaaaaaaa",
	};
	static const size_t sizes[] = { 100, 1000, 10000, 100000 };
	static char text[100000];
	uint64_t worst = 0;

	(void)state;
	for (size_t one = 0; one < BW_COUNT(pieces); one++)
		for (size_t two = 0; two < BW_COUNT(pieces); two++)
			for (size_t size = 0; size < BW_COUNT(sizes) - (one != two); size++) {
				size_t len = 0;

				for (size_t i = 0; len < sizes[size]; i++) {
					const char *piece = pieces[i % 2 == 0 ? one : two];
					const size_t room = sizes[size] - len;
					const size_t take = strlen(piece) < room ? strlen(piece) : room;

					memcpy(text + len, piece, take);
					len += take;
				}
				bw_personal_scan(bw_slice_of(text, len), &list);
				assert_true(list.work <= BW_PERSONAL_WORK * (uint64_t)len);
				worst = list.work / sizes[size] > worst ? list.work / sizes[size] : worst;
			}
	print_message("at most %llu bytes looked at for each of the text\n", (unsigned long long)worst);
}

/* ---- the labelled set ------------------------------------------------------------------------------ */

struct mark {
	size_t at;
	size_t len;
	enum bw_personal kind;
};

struct score {
	unsigned wanted[BW_PERSONAL_COUNT];
	unsigned found[BW_PERSONAL_COUNT]; /* of the wanted */
	unsigned told[BW_PERSONAL_COUNT];
	unsigned right[BW_PERSONAL_COUNT]; /* of the told */
	unsigned sure_wrong;
};

/* "{NHS:943 476 5919}" becomes the number and a mark. */
static size_t unmark(const char *line, char *text, struct mark *marks, size_t max, size_t *out_count)
{
	static const char *const names[] = {
#define X(name, text, words) #name,
		BW_PERSONAL_ROWS(X)
#undef X
	};
	size_t len = 0;

	*out_count = 0;
	while (*line != '\0') {
		bool is_mark = false;

		for (unsigned k = 0; *line == '{' && k < BW_PERSONAL_COUNT && !is_mark; k++) {
			const size_t name = strlen(names[k]);

			if (strncmp(line + 1, names[k], name) == 0 && line[1 + name] == ':') {
				const char *from = line + name + 2;
				const char *to = strchr(from, '}');

				assert_non_null(to);
				assert_true(*out_count < max);
				marks[(*out_count)++] = (struct mark){ len, (size_t)(to - from), (enum bw_personal)k };
				memcpy(text + len, from, (size_t)(to - from));
				len += (size_t)(to - from);
				line = to + 1;
				is_mark = true;
			}
		}
		if (!is_mark)
			text[len++] = *line++;
	}
	return len;
}

static bool covers(const struct bw_personal_found *found, const struct mark *mark)
{
	return found->at <= mark->at && found->at + found->len >= mark->at + mark->len && found->kind == mark->kind;
}

static void score_line(const char *line, struct score *score)
{
	char text[1024];
	struct mark marks[16];
	size_t count;
	const size_t len = unmark(line, text, marks, BW_COUNT(marks), &count);
	const bool loud = getenv("BREAKWATER_LOUD") != NULL;

	bw_personal_scan(bw_slice_of(text, len), &list);
	for (size_t m = 0; m < count; m++) {
		bool hit = false;

		for (size_t i = 0; i < list.count; i++)
			hit = hit || covers(&list.of[i], &marks[m]);
		score->wanted[marks[m].kind]++;
		score->found[marks[m].kind] += hit;
		if (!hit && loud)
			print_message("missed %s in: %s\n", bw_personal_name(marks[m].kind), line);
	}
	for (size_t i = 0; i < list.count; i++) {
		bool right = false;

		for (size_t m = 0; m < count; m++)
			right = right ||
				(list.of[i].at < marks[m].at + marks[m].len &&
				 marks[m].at < list.of[i].at + list.of[i].len && marks[m].kind == list.of[i].kind);
		score->told[list.of[i].kind]++;
		score->right[list.of[i].kind] += right;
		score->sure_wrong += !right && list.of[i].certainty >= BW_PERSONAL_SURE;
		if (!right && loud)
			print_message("wrong %s '%.*s' in: %s\n", bw_personal_name((enum bw_personal)list.of[i].kind),
				      (int)list.of[i].len, text + list.of[i].at, line);
	}
}

static void score_set(const char *const *lines, size_t count, unsigned floor_recall, unsigned floor_precision)
{
	struct score score = { { 0 }, { 0 }, { 0 }, { 0 }, 0 };
	unsigned wanted = 0;
	unsigned found = 0;
	unsigned told = 0;
	unsigned right = 0;

	for (size_t i = 0; i < count; i++)
		score_line(lines[i], &score);
	print_message("%-18s %7s %7s %9s\n", "kind", "labels", "recall", "precision");
	for (unsigned k = 0; k < BW_PERSONAL_COUNT; k++) {
		print_message("%-18s %7u %6.1f%% %8.1f%%\n", bw_personal_name((enum bw_personal)k), score.wanted[k],
			      100.0 * score.found[k] / (score.wanted[k] > 0 ? score.wanted[k] : 1),
			      100.0 * score.right[k] / (score.told[k] > 0 ? score.told[k] : 1));
		wanted += score.wanted[k];
		found += score.found[k];
		told += score.told[k];
		right += score.right[k];
	}
	print_message(
		"%zu lines: %u of %u labels found (%.1f%%), %u of %u findings right (%.1f%%), %u wrong ones sure\n",
		count, found, wanted, 100.0 * found / wanted, right, told, 100.0 * right / told, score.sure_wrong);
	assert_true(found * 1000 >= wanted * floor_recall);
	assert_true(right * 1000 >= told * floor_precision);
}

static void recall_and_precision_hold_on_the_set_the_checks_were_made_with(void **state)
{
	(void)state;
	score_set(personal_set, BW_COUNT(personal_set), 950, 980);
}

static void recall_and_precision_hold_on_a_set_they_had_not_seen(void **state)
{
	(void)state;
	score_set(personal_fresh, BW_COUNT(personal_fresh), FLOOR_RECALL, FLOOR_PRECISION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_tell_numbers_from_numbers),
		cmocka_unit_test(words_nearby_make_sure),
		cmocka_unit_test(every_place_in_a_text_is_looked_at),
		cmocka_unit_test(more_than_can_be_kept_is_told),
		cmocka_unit_test(any_bytes_are_survived_and_findings_lie_inside),
		cmocka_unit_test(no_text_makes_it_work_more_than_in_proportion),
		cmocka_unit_test(recall_and_precision_hold_on_the_set_the_checks_were_made_with),
		cmocka_unit_test(recall_and_precision_hold_on_a_set_they_had_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
