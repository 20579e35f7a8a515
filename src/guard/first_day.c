#include "guard/first_day.h"

#include "base/text.h"
#include "guard/plain.h"

enum { SHOWN = 50 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

int64_t bw_first_day_ends(const struct bw_guard_settings *settings)
{
	return settings->mode == BW_MODE_UNSET && settings->enrolled_us > 0 ? settings->enrolled_us + DAY_US
									    : INT64_MAX;
}

static enum bw_err say_incidents(const struct bw_incidents *incidents, struct bw_buf *out)
{
	char time[BW_PLAIN_BYTES];
	size_t shown = 0;

	if (incidents->count == 0)
		return bw_buf_add_text(out, "Nothing looked like an attack.\n");
	BW_TRY(bw_buf_addf(out, "%zu times something looked like an attack:\n", incidents->count));
	for (size_t i = 0; i < incidents->count && shown < SHOWN; i++, shown++) {
		const struct bw_incident *one = &incidents->list[i];

		(void)bw_plain_time(one->first_us, time);
		BW_TRY(bw_buf_addf(out, "  %s  incident %llu, %s: breakwater guard explain %llu\n", time,
				   (unsigned long long)one->id, bw_incident_state_name(one->state),
				   (unsigned long long)one->id));
	}
	if (incidents->count > shown)
		BW_TRY(bw_buf_addf(out, "  and %zu more: breakwater guard incidents\n", incidents->count - shown));
	return BW_OK;
}

enum bw_err bw_first_day_say(const struct bw_guard_settings *settings, const struct bw_incidents *incidents,
			     uint64_t files, struct bw_buf *out)
{
	char time[BW_PLAIN_BYTES];

	(void)bw_plain_time(settings->enrolled_us, time);
	BW_TRY(bw_buf_addf(out, "The first day of the guard is over. It began at %s; %llu files have copies now.\n",
			   time, (unsigned long long)files));
	BW_TRY(bw_buf_add_text(out, "Guarded:"));
	for (size_t i = 0; i < settings->tree_count; i++) {
		BW_TRY(bw_buf_add_u8(out, ' '));
		BW_TRY(bw_text_escape(out, bw_slice_text(settings->trees[i])));
	}
	BW_TRY(bw_buf_add_text(out, "\n\n"));
	BW_TRY(say_incidents(incidents, out));
	return bw_buf_add_text(
		out, "\nUntil now whoever destroyed files, or sealed or wiped many, was stopped; what looked "
		     "like a few files sealed,\nwiped or emptied was only written down. From now on that is held "
		     "too: frozen, never ended, until you say\n  breakwater guard approve last\n"
		     "If something above was meant and will come again: breakwater guard job sign.\n"
		     "To go on with only writing down: start the guard with --mode observe.\n");
}
