/* The end of retention: keys go first, the bytes they sealed when it suits. */
#include "accord/outbound_inner.h"

/* Sealed bytes of batches whose last day is over. Their leaves are in tiles, which are on disk by then. */
static enum bw_err punch(struct bw_outbound *out, int64_t before_day, struct bw_why *why)
{
	for (size_t i = 0; i < out->batch_count; i++) {
		if (out->batches[i].entries == 0 || out->batches[i].from + out->batches[i].entries > out->synced.size)
			continue;
		BW_TRY(bw_journal_load(out, i, why));
		if (bw_outbound_day(out->read_head.latest_us) < before_day)
			BW_TRY(bw_journal_punch(out, i, why));
	}
	return BW_OK;
}

enum bw_err bw_outbound_erase(struct bw_outbound *out, int64_t now_us, bool everything, size_t *out_keys,
			      struct bw_why *why)
{
	const int64_t before_day = everything ? INT64_MAX : bw_outbound_day(now_us);
	size_t count = 0;

	BW_TRY(out->broken);
	BW_NEED(!out->is_reader, USAGE);
	BW_TRY(bw_outbound_keys_destroy(out, before_day, &count, why));
	*out_keys = count;
	if (count == 0)
		return BW_OK;
	BW_TRY(bw_outbound_tiles_sync(out, why)); /* a batch that is punched is never hashed again */
	return punch(out, before_day, why);
}
