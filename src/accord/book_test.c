#include "base/test.h"

#include "accord/book.h"
#include "accord/test_accord.h"

static void an_accord_is_over_by_its_date_or_by_a_party_and_destroys_only_when_both_have_said_so(void **state)
{
	struct bw_book_version version = { .before = NULL };
	struct bw_book_entry entry = { .now = &version };

	(void)state;
	test_accord(&version.accord);
	for (unsigned said = 0; said < 2; said++) {
		version.accord.destroy_at_end = said == 1;
		for (unsigned at = 0; at < BW_ACCORD_STATES; at++) {
			const bool over = at == BW_ACCORD_ENDED || at == BW_ACCORD_OVER;

			entry.state = (enum bw_accord_state)at;
			assert_int_equal(bw_book_is_over(&entry), over);
			assert_int_equal(bw_book_is_to_destroy(&entry), over && said == 1);
		}
	}
	entry.now = NULL; /* one that was never agreed destroys nothing */
	assert_false(bw_book_is_over(&entry));
	assert_false(bw_book_is_to_destroy(&entry));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_accord_is_over_by_its_date_or_by_a_party_and_destroys_only_when_both_have_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
