#include "guard/view_rights.h"

#include "base/test.h"

static struct bw_rights plain(uint32_t mode, uint32_t uid, uint32_t gid)
{
	return (struct bw_rights){ .mode = mode, .uid = uid, .gid = gid, .acl = bw_slice_empty };
}

/* What a user may do by owner, group and others alone. */
static uint32_t allowed(const struct bw_rights *rights, uint32_t uid, uint32_t gid)
{
	if (uid == rights->uid)
		return rights->mode >> 6 & 7u;
	return gid == rights->gid ? rights->mode >> 3 & 7u : rights->mode & 7u;
}

static void nobody_may_more_than_either_allows(void **state)
{
	static const uint32_t modes[] = { 0, 0700, 0750, 0070, 0007, 0644, 0604, 0777, 0111, 0440 };

	(void)state;
	for (uint32_t n = 0; n < BW_COUNT(modes) * BW_COUNT(modes) * 81; n++) {
		const uint32_t i = n / 81;
		const struct bw_rights a = plain(modes[i / BW_COUNT(modes)], n % 3, n / 3 % 3);
		const struct bw_rights b = plain(modes[i % BW_COUNT(modes)], n / 9 % 3, n / 27 % 3);
		const struct bw_rights both = bw_rights_both(&a, &b);

		for (uint32_t who = 1; who < 12; who++) { /* user 0 may all the same */
			const uint32_t uid = who % 3;
			const uint32_t may = allowed(&both, uid, who / 3);

			assert_true(uid == 0 || (may & ~(allowed(&a, uid, who / 3) & allowed(&b, uid, who / 3))) == 0);
		}
	}
}

static void what_did_not_change_stays_as_it_was(void **state)
{
	struct bw_rights a = plain(0640, 5, 6);

	(void)state;
	a.acl = BW_LIT("list");
	assert_int_equal(bw_rights_both(&a, &a).mode, 0640);
	assert_true(bw_slice_is(bw_rights_both(&a, &a).acl, "list"));
	assert_false(bw_rights_both(&a, &a).is_narrowed);
}

static void lists_that_differ_leave_the_owner_alone(void **state)
{
	struct bw_rights a = plain(0770, 5, 6);
	struct bw_rights b = plain(0750, 5, 6);

	(void)state;
	b.acl = BW_LIT("list");
	assert_int_equal(bw_rights_both(&a, &b).mode, 0700);
	assert_int_equal(bw_rights_both(&a, &b).acl.len, 0);
	assert_true(bw_rights_both(&a, &b).is_narrowed);
}

static void another_owner_leaves_it_to_root(void **state)
{
	const struct bw_rights a = plain(0777, 5, 6);
	const struct bw_rights b = plain(0777, 7, 6);

	(void)state;
	assert_int_equal(bw_rights_both(&a, &b).uid, 0);
	assert_int_equal(bw_rights_both(&a, &b).mode & 077, 0);
}

static void a_view_is_read_only(void **state)
{
	struct bw_rights a = plain(06777, 5, 6);

	(void)state;
	bw_rights_read_only(&a);
	assert_int_equal(a.mode, 0555);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_may_more_than_either_allows),
		cmocka_unit_test(what_did_not_change_stays_as_it_was),
		cmocka_unit_test(lists_that_differ_leave_the_owner_alone),
		cmocka_unit_test(another_owner_leaves_it_to_root),
		cmocka_unit_test(a_view_is_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
