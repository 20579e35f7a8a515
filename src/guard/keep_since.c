/*
 * Since when shares of the room are counted (keep_share.c): from the enrolment on, and anew for all that has been there
 * for `days`. What stood before is nobody's growth, so that nobody's old files are in anybody's reach, however many
 * accounts somebody has.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "guard/keep_parts.h"
#include "sys/clock.h"

enum { SETTING_BYTES = 128 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct bw_shelf *shelf_of(struct bw_keep *keep, uint32_t volume)
{
	return bw_shadow_shelf(bw_copier_shadow(keep->copier, volume));
}

static bool take_number(struct bw_slice *rest, uint64_t *out)
{
	struct bw_slice word;

	return bw_slice_cut(*rest, ' ', &word, rest) && bw_parse_u64(word, out) == BW_OK;
}

/* "version file next_us next_version next_file "; false: this store has none. */
static enum bw_err load(struct bw_shelf *shelf, struct bw_keep_share *share, bool *out_found)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SETTING_BYTES);
	const enum bw_err err = bw_shelf_setting_get(shelf, "shares", &text);
	struct bw_slice rest = bw_buf_slice(&text);
	uint64_t when = 0;

	*out_found = false;
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	*out_found = take_number(&rest, &share->version) && take_number(&rest, &share->file) &&
		     take_number(&rest, &when) && take_number(&rest, &share->next_version) &&
		     take_number(&rest, &share->next_file);
	share->next_us = (int64_t)when;
	return BW_OK;
}

static enum bw_err save(struct bw_keep *keep, uint32_t volume)
{
	const struct bw_keep_share *share = &keep->shares[volume];
	char text[SETTING_BYTES];

	(void)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRIu64 " %" PRIu64 " ",
		       share->version, share->file, share->next_us, share->next_version, share->next_file);
	bw_keep_soil(keep, volume);
	return bw_shelf_setting_put(shelf_of(keep, volume), "shares", bw_slice_text(text));
}

static enum bw_err mark_next(struct bw_keep *keep, uint32_t volume, int64_t now_us)
{
	struct bw_keep_share *share = &keep->shares[volume];

	BW_TRY(bw_shelf_last_file(shelf_of(keep, volume), &share->next_file));
	share->next_version = bw_shelf_next(shelf_of(keep, volume)) - 1;
	share->next_us = now_us;
	return BW_OK;
}

enum bw_err bw_keep_share_settle(struct bw_keep *keep, uint32_t volume)
{
	struct bw_keep_share *share = &keep->shares[volume];

	BW_TRY(mark_next(keep, volume, bw_clock_now_us()));
	share->version = share->next_version;
	share->file = share->next_file;
	share->counted_ns = 0;
	return save(keep, volume);
}

enum bw_err bw_keep_share_begin(struct bw_keep *keep, uint32_t volume)
{
	bool found = false;

	BW_TRY(load(shelf_of(keep, volume), &keep->shares[volume], &found));
	if (found)
		return BW_OK;
	BW_TRY(bw_keep_share_settle(keep, volume));
	keep->must_settle_shares |= keep->shares[volume].file == 0; /* the first walk is the enrolment */
	return BW_OK;
}

enum bw_err bw_keep_share_age(struct bw_keep *keep, uint32_t volume, int64_t now_us)
{
	struct bw_keep_share *share = &keep->shares[volume];

	/* a clock that was set back only makes it later */
	if (now_us - share->next_us < (int64_t)keep->guard->settings.days * DAY_US)
		return BW_OK;
	share->version = share->next_version;
	share->file = share->next_file;
	share->counted_ns = 0;
	BW_TRY(mark_next(keep, volume, now_us));
	return save(keep, volume);
}
