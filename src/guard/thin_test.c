#include "guard/thin.h"

#include "base/test.h"

#define MINUTE INT64_C(60000000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

enum { MANY = 400 };

static const int64_t now = 20000 * DAY + 11 * HOUR + 30 * MINUTE;

/* A version every `step` back from now, newest first; each stood until the next was taken. */
static size_t make(struct bw_thin_version *out, int64_t step)
{
	for (size_t i = 0; i < MANY; i++) {
		out[i] = (struct bw_thin_version){ .number = MANY - i,
						   .taken_us = now - (int64_t)i * step,
						   .until_us = i == 0 ? INT64_MAX : now - (int64_t)(i - 1) * step,
						   .kept_bytes = 1,
						   .good = true,
						   .newest = i == 0 };
	}
	return MANY;
}

static size_t count_kept(const struct bw_thin_version *versions, const bool *drop, int64_t from, int64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < MANY; i++) {
		const int64_t age = now - versions[i].taken_us;

		kept += !drop[i] && age >= from && age < to;
	}
	return kept;
}

static void all_of_the_last_hour_stay_then_one_an_hour_then_one_a_day(void **state)
{
	struct bw_thin_version versions[MANY];
	bool drop[MANY];

	(void)state;
	bw_thin_by_age(versions, make(versions, 5 * MINUTE), now, 30, drop);
	assert_int_equal(count_kept(versions, drop, 0, HOUR), 12);
	assert_in_range(count_kept(versions, drop, HOUR, DAY), 23, 24);
	bw_thin_by_age(versions, make(versions, 6 * HOUR), now, 30, drop);
	assert_in_range(count_kept(versions, drop, DAY, 30 * DAY), 29, 30);
	assert_int_equal(count_kept(versions, drop, 32 * DAY, 1000 * DAY), 0);
}

static void the_newest_good_version_and_what_is_pinned_stay_however_old(void **state)
{
	struct bw_thin_version versions[2] = {
		{ .number = 2, .taken_us = now - 900 * DAY, .until_us = INT64_MAX, .good = true, .newest = true },
		{ .number = 1, .taken_us = now - 999 * DAY, .until_us = now - 900 * DAY, .good = true, .pinned = true },
	};
	bool drop[2];

	(void)state;
	bw_thin_by_age(versions, 2, now, 30, drop);
	assert_false(drop[0]);
	assert_false(drop[1]);
	assert_true(bw_thin_worth(&versions[0], now) == UINT64_MAX);
	assert_true(bw_thin_worth(&versions[1], now) == UINT64_MAX);
}

static void a_version_that_stood_for_years_until_today_is_not_old(void **state)
{
	struct bw_thin_version versions[2] = {
		{ .number = 2, .taken_us = now - 2 * HOUR, .until_us = INT64_MAX, .good = true, .newest = true },
		{ .number = 1, .taken_us = now - 999 * DAY, .until_us = now - 2 * HOUR, .good = true },
	};
	bool drop[2];

	(void)state;
	bw_thin_by_age(versions, 2, now, 30, drop);
	assert_false(drop[1]);
}

static void what_is_doubtful_never_takes_the_place_of_what_is_good(void **state)
{
	struct bw_thin_version versions[3] = {
		{ .number = 3, .taken_us = now - 3 * HOUR + 2 * MINUTE, .until_us = now, .good = false },
		{ .number = 2, .taken_us = now - 3 * HOUR + MINUTE, .until_us = now, .good = true },
		{ .number = 1, .taken_us = now - 3 * HOUR, .until_us = now, .good = true },
	};
	bool drop[3];

	(void)state;
	bw_thin_by_age(versions, 3, now, 30, drop);
	assert_false(drop[0]);
	assert_false(drop[1]);
	assert_true(drop[2]);
}

static void patient_rewriting_pushes_out_its_own_states_before_what_stood_for_weeks(void **state)
{
	const struct bw_thin_version original = { .taken_us = now - 40 * DAY, .until_us = now - HOUR, .good = true };

	(void)state;
	for (int64_t pace = MINUTE; pace < 10 * DAY; pace *= 2) {
		const struct bw_thin_version between = { .taken_us = now - pace, .until_us = now, .good = true };

		assert_true(bw_thin_worth(&between, now) < bw_thin_worth(&original, now));
	}
}

static void a_clock_that_was_set_back_drops_nothing_by_age(void **state)
{
	struct bw_thin_version versions[MANY];
	bool drop[MANY];

	(void)state;
	bw_thin_by_age(versions, make(versions, MINUTE), now - 400 * DAY, 30, drop);
	for (size_t i = 0; i < MANY; i++)
		assert_false(drop[i]);
}

static struct bw_thin_version old(uint32_t actor, int64_t stood, uint64_t bytes)
{
	return (struct bw_thin_version){ .number = actor,
					 .taken_us = now - stood,
					 .until_us = now,
					 .kept_bytes = bytes,
					 .actor = actor,
					 .good = true };
}

static size_t dropped_of(const struct bw_thin_version *versions, size_t count, uint32_t actor)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += versions[i].actor == actor;
	return found;
}

static void who_has_most_history_gives_first_however_patient_he_is(void **state)
{
	const struct bw_thin_need need = { .bytes = 80 };
	struct bw_thin_version versions[120];
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	/* the one rewrites every 25 hours, so that each state stands longer than the other's of an afternoon */
	for (size_t i = 0; i < 100; i++)
		versions[i] = old(1, 25 * HOUR, 1);
	for (size_t i = 100; i < 120; i++)
		versions[i] = old(2, 2 * HOUR, 1);
	assert_ok(bw_thin_for_room(versions, 120, &need, NULL, now, &count, &freed));
	assert_int_equal(count, 80);
	assert_int_equal(freed.bytes, 80);
	assert_int_equal(dropped_of(versions, count, 1), 80);
	/* level now: both give the same */
	assert_ok(
		bw_thin_for_room(versions + 80, 40, &(struct bw_thin_need){ .bytes = 10 }, NULL, now, &count, &freed));
	assert_int_equal(dropped_of(versions + 80, count, 1), 5);
	assert_int_equal(dropped_of(versions + 80, count, 2), 5);
}

static void of_one_actor_what_stood_longest_goes_last(void **state)
{
	struct bw_thin_version versions[3] = { old(1, 40 * DAY, 1), old(1, HOUR, 1), old(1, DAY, 1) };
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	assert_ok(bw_thin_for_room(versions, 3, &(struct bw_thin_need){ .bytes = 2 }, NULL, now, &count, &freed));
	assert_int_equal(count, 2);
	assert_true(now - versions[2].taken_us == 40 * DAY);
}

static void evidence_goes_first_and_what_a_file_holds_now_is_not_evidence(void **state)
{
	struct bw_thin_version versions[3] = { old(1, HOUR, 1), old(2, 9 * DAY, 1), old(3, 2 * HOUR, 1) };
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	versions[1].good = false;
	versions[2].good = false;
	versions[2].last = true;
	assert_ok(bw_thin_for_room(versions, 3, &(struct bw_thin_need){ .bytes = 1 }, NULL, now, &count, &freed));
	assert_int_equal(count, 1);
	assert_int_equal(versions[0].actor, 2);
}

static void what_is_pinned_or_newest_never_goes_for_room(void **state)
{
	struct bw_thin_version versions[3] = { old(1, HOUR, 1), old(2, HOUR, 1), old(3, HOUR, 1) };
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	versions[0].pinned = true;
	versions[1].newest = true;
	assert_ok(bw_thin_for_room(versions, 3, &(struct bw_thin_need){ .bytes = 1000, .objects = 9 }, NULL, now,
				   &count, &freed));
	assert_int_equal(count, 1);
	assert_int_equal(versions[0].actor, 3);
	assert_int_equal(freed.bytes, 1);
}

static void inodes_are_given_by_objects_only(void **state)
{
	struct bw_thin_version versions[4] = { old(1, HOUR, 9), old(1, DAY, 9), old(2, HOUR, 9), old(2, DAY, 9) };
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	versions[1].is_object = versions[3].is_object = true;
	assert_ok(bw_thin_for_room(versions, 4, &(struct bw_thin_need){ .objects = 2 }, NULL, now, &count, &freed));
	assert_int_equal(count, 2);
	assert_int_equal(freed.objects, 2);
}

/* One who floods takes his own history, and that of others who hold more; of all others nothing. */
static void room_for_somebody_is_never_taken_from_who_holds_less(void **state)
{
	struct bw_fair held = { .list = NULL };
	const struct bw_thin_claim flood = { .owner = 1, .held = &held };
	struct bw_thin_claim modest = { .owner = 2, .held = &held };
	const struct bw_fair_level level = { .bytes = 510, .objects = UINT64_MAX };
	struct bw_thin_version versions[60];
	struct bw_thin_need freed;
	size_t count;

	(void)state;
	assert_ok(bw_fair_add(&held, 1, 500, 0));
	assert_ok(bw_fair_add(&held, 3, 900, 0));
	for (size_t i = 0; i < 60; i++)
		versions[i] = old(1 + (uint32_t)(i % 3), HOUR, 1);
	assert_ok(bw_thin_for_room(versions, 60, &(struct bw_thin_need){ .bytes = 50 }, &flood, now, &count, &freed));
	assert_int_equal(dropped_of(versions, count, 1), 20);
	assert_int_equal(dropped_of(versions, count, 2), 0);
	assert_int_equal(dropped_of(versions, count, 3), 20);
	assert_int_equal(freed.bytes, 40);
	assert_ok(bw_thin_for_room(versions, 60, &(struct bw_thin_need){ .bytes = 50 }, &modest, now, &count, &freed));
	assert_int_equal(freed.bytes, 50);
	assert_int_equal(dropped_of(versions, count, 1), 20);
	assert_int_equal(dropped_of(versions, count, 3), 20);
	assert_int_equal(dropped_of(versions, count, 2), 10); /* and his own, when that is not enough */
	modest.level = &level;
	assert_ok(bw_thin_for_room(versions, 60, &(struct bw_thin_need){ .bytes = 50 }, &modest, now, &count, &freed));
	assert_int_equal(freed.bytes, 30); /* within his share: what is above the level, and no more */
	assert_int_equal(dropped_of(versions, count, 1), 10);
	assert_int_equal(dropped_of(versions, count, 3), 20);
	bw_fair_release(&held);
}

static void a_version_whose_times_make_no_sense_is_not_worthless(void **state)
{
	struct bw_thin_version version = old(1, HOUR, 1);

	(void)state;
	version.until_us = version.taken_us - 5 * DAY; /* the clock was set back before the next one was taken */
	assert_true(bw_thin_worth(&version, now) == (uint64_t)DAY);
}

static void a_clock_that_jumps_ahead_ages_nothing_until_it_has_stayed_there(void **state)
{
	struct bw_thin_clock clock = { 0 };
	int64_t wall = now;

	(void)state;
	assert_true(bw_thin_clock_look(&clock, wall, -1) == now);
	wall += HOUR;
	assert_true(bw_thin_clock_look(&clock, wall, HOUR) == now + HOUR);
	wall += 3650 * DAY;
	assert_true(bw_thin_clock_look(&clock, wall, 0) == now + HOUR);
	for (int hours = 1; hours < 7 * 24; hours++) {
		wall += HOUR;
		assert_true(bw_thin_clock_look(&clock, wall, HOUR) == now + (1 + hours) * HOUR);
	}
	wall += HOUR;
	assert_true(bw_thin_clock_look(&clock, wall, HOUR) == wall);
}

static void a_clock_that_jumps_back_is_believed_and_forgotten_when_it_returns(void **state)
{
	struct bw_thin_clock clock = { 0 };

	(void)state;
	(void)bw_thin_clock_look(&clock, now, -1);
	assert_true(bw_thin_clock_look(&clock, now - 400 * DAY, 0) == now - 400 * DAY);
	assert_true(bw_thin_clock_look(&clock, now + HOUR, HOUR) == now + HOUR);
}

static void a_machine_that_was_off_for_months_comes_back_a_day_older(void **state)
{
	struct bw_thin_clock clock = { 0 };

	(void)state;
	(void)bw_thin_clock_look(&clock, now, -1);
	assert_true(bw_thin_clock_look(&clock, now + 90 * DAY, -1) == now + DAY);
	assert_true(bw_thin_clock_look(&clock, now + 90 * DAY + HOUR, HOUR) == now + DAY + HOUR);
	assert_true(bw_thin_clock_look(&clock, now + 90 * DAY + 2 * HOUR, -1) == now + DAY + 2 * HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_the_last_hour_stay_then_one_an_hour_then_one_a_day),
		cmocka_unit_test(the_newest_good_version_and_what_is_pinned_stay_however_old),
		cmocka_unit_test(a_version_that_stood_for_years_until_today_is_not_old),
		cmocka_unit_test(what_is_doubtful_never_takes_the_place_of_what_is_good),
		cmocka_unit_test(patient_rewriting_pushes_out_its_own_states_before_what_stood_for_weeks),
		cmocka_unit_test(a_clock_that_was_set_back_drops_nothing_by_age),
		cmocka_unit_test(who_has_most_history_gives_first_however_patient_he_is),
		cmocka_unit_test(of_one_actor_what_stood_longest_goes_last),
		cmocka_unit_test(evidence_goes_first_and_what_a_file_holds_now_is_not_evidence),
		cmocka_unit_test(what_is_pinned_or_newest_never_goes_for_room),
		cmocka_unit_test(inodes_are_given_by_objects_only),
		cmocka_unit_test(room_for_somebody_is_never_taken_from_who_holds_less),
		cmocka_unit_test(a_version_whose_times_make_no_sense_is_not_worthless),
		cmocka_unit_test(a_clock_that_jumps_ahead_ages_nothing_until_it_has_stayed_there),
		cmocka_unit_test(a_clock_that_jumps_back_is_believed_and_forgotten_when_it_returns),
		cmocka_unit_test(a_machine_that_was_off_for_months_comes_back_a_day_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
