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

enum { ERASED_BYTES = 8, ERASED_MODE = 0600 };

enum bw_err bw_outbound_erased_open(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(ERASED_BYTES);
	char path[BW_PATH_BYTES];
	struct bw_cursor c;
	enum bw_err err;

	BW_TRY(bw_outbound_path(out, "erased", path));
	err = bw_file_read(path, &bytes, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	c = bw_cursor_over(bw_buf_slice(&bytes));
	if (bw_take_be64(&c, &out->erased) != BW_OK)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
	return BW_OK;
}

/* Written down before the keys go: what is added later on the same days has other keys. */
static enum bw_err note_erased(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(ERASED_BYTES);
	char path[BW_PATH_BYTES];

	BW_TRY(bw_buf_add_be64(&bytes, out->size));
	BW_TRY(bw_outbound_path(out, "erased", path));
	BW_TRY(bw_file_write(path, bw_buf_slice(&bytes), ERASED_MODE, why));
	out->erased = out->size;
	return BW_OK;
}

enum bw_err bw_outbound_erase(struct bw_outbound *out, int64_t now_us, bool everything, size_t *out_keys,
			      struct bw_why *why)
{
	const int64_t before_day = everything ? INT64_MAX : bw_outbound_day(now_us);
	size_t count = 0;

	BW_TRY(out->broken);
	BW_NEED(!out->is_reader, USAGE);
	if (everything)
		BW_TRY(note_erased(out, why));
	BW_TRY(bw_outbound_keys_destroy(out, before_day, &count, why));
	*out_keys = count;
	if (count == 0)
		return BW_OK;
	BW_TRY(bw_outbound_tiles_sync(out, why)); /* a batch that is punched is never hashed again */
	return punch(out, before_day, why);
}
