/* What the receiving end keeps, and what the accord's limits have counted. */
#include "accord/inbound_place.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "sys/files.h"

#define MINUTE_US INT64_C(60000000)
#define DAY_US INT64_C(86400000000)

static const uint8_t magic[8] = "BWPLACE1";

enum {
	PLACE_FIXED = 8 + 4 * 8 + 4 + BW_SHA256_BYTES,
	PLACE_MAX = PLACE_FIXED + BW_INBOUND_STATE_MAX,
	FILE_MODE = 0600
};

void bw_inbound_place_release(struct bw_inbound_place *place)
{
	bw_buf_release(&place->state);
}

/* ---- the place: magic | counters | state block | SHA-256 of all before ---------------------------- */

static enum bw_err take_place(struct bw_slice file, struct bw_inbound_place *out)
{
	struct bw_cursor c = bw_cursor_over(file);
	uint8_t hash[BW_SHA256_BYTES];
	uint64_t numbers[4];
	struct bw_slice part;

	BW_NEED(file.len >= PLACE_FIXED, TRUNCATED);
	BW_TRY(bw_sha256(bw_slice_sub(file, 0, file.len - BW_SHA256_BYTES), hash));
	BW_NEED(memcmp(hash, file.ptr + file.len - BW_SHA256_BYTES, BW_SHA256_BYTES) == 0, CORRUPT);
	BW_TRY(bw_take(&c, sizeof(magic), &part));
	BW_NEED(bw_slice_equals(part, bw_slice_of(magic, sizeof(magic))), VERSION);
	for (size_t i = 0; i < BW_COUNT(numbers); i++)
		BW_TRY(bw_take_be64(&c, &numbers[i]));
	BW_TRY(bw_take_block(&c, BW_INBOUND_STATE_MAX, &part));
	BW_NEED(bw_cursor_left(&c) == BW_SHA256_BYTES, SYNTAX);
	out->limits = (struct bw_inbound_limits){ (int64_t)numbers[0], (int64_t)numbers[1], numbers[2], numbers[3] };
	bw_buf_clear(&out->state);
	return bw_buf_add(&out->state, part);
}

enum bw_err bw_inbound_place_load(const char *folder, struct bw_inbound_place *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(PLACE_MAX);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_folder_need(folder, why));
	BW_TRY(bw_path_join(path, folder, "place"));
	bw_buf_clear(&out->state);
	out->limits = (struct bw_inbound_limits){ 0 };
	err = bw_file_read(path, &file, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	err = take_place(bw_buf_slice(&file), out);
	return err == BW_OK || err == BW_ERR_MEMORY ? err : bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
}

enum bw_err bw_inbound_place_save(const char *folder, const struct bw_inbound_place *place, struct bw_why *why)
{
	const struct bw_inbound_limits *l = &place->limits;
	const uint64_t numbers[] = { (uint64_t)l->minute_us, (uint64_t)l->day_us, l->minute_objects, l->day_bytes };
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(PLACE_MAX);
	uint8_t hash[BW_SHA256_BYTES];
	char path[BW_PATH_BYTES];

	BW_TRY(bw_buf_add(&file, bw_slice_of(magic, sizeof(magic))));
	for (size_t i = 0; i < BW_COUNT(numbers); i++)
		BW_TRY(bw_buf_add_be64(&file, numbers[i]));
	BW_TRY(bw_buf_add_block(&file, bw_buf_slice(&place->state)));
	BW_TRY(bw_sha256(bw_buf_slice(&file), hash));
	BW_TRY(bw_buf_add(&file, bw_slice_of(hash, sizeof(hash))));
	BW_TRY(bw_path_join(path, folder, "place"));
	return bw_file_write(path, bw_buf_slice(&file), FILE_MODE, why);
}

/* ---- evidence, and being stopped ------------------------------------------------------------------ */

enum { EVIDENCE_NAME = 64, EVIDENCE_HEX = 16 };

static enum bw_err keep_note(const char *folder, const char *pair, const char *side, struct bw_slice note,
			     struct bw_why *why)
{
	char name[EVIDENCE_NAME];
	char path[BW_PATH_BYTES];
	enum bw_err err;

	(void)snprintf(name, sizeof(name), "evidence-%s-%s", pair, side);
	BW_TRY(bw_path_join(path, folder, name));
	err = bw_file_create(path, note, FILE_MODE, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

enum bw_err bw_inbound_evidence_keep(const char *folder, struct bw_slice old_checkpoint, struct bw_slice new_checkpoint,
				     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf both = BW_BUF_INIT(2 * (size_t)BW_NOTE_MAX);
	uint8_t hash[BW_SHA256_BYTES];
	char pair[EVIDENCE_HEX + 1];

	BW_TRY(bw_buf_add(&both, old_checkpoint));
	BW_TRY(bw_buf_add(&both, new_checkpoint));
	BW_TRY(bw_sha256(bw_buf_slice(&both), hash));
	bw_hex_encode(bw_slice_of(hash, EVIDENCE_HEX / 2), pair);
	BW_TRY(keep_note(folder, pair, "old", old_checkpoint, why));
	return keep_note(folder, pair, "new", new_checkpoint, why);
}

enum bw_err bw_inbound_stop(const char *folder, struct bw_slice reason, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_folder_need(folder, why));
	BW_TRY(bw_path_join(path, folder, "stopped"));
	return bw_file_write(path, bw_slice_sub(reason, 0, BW_INBOUND_REASON_MAX), FILE_MODE, why);
}

enum bw_err bw_inbound_stopped(const char *folder, struct bw_buf *reason, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, folder, "stopped"));
	return bw_file_read(path, reason, why);
}

/* ---- limits --------------------------------------------------------------------------------------- */

/* A span that is over, or that begins in the future of a clock that went back, begins anew. */
static void begin(int64_t *since_us, uint64_t *counted, int64_t span_us, int64_t now_us)
{
	if (now_us >= *since_us && now_us - *since_us < span_us)
		return;
	*since_us = now_us;
	*counted = 0;
}

/* One chunk may always pass when nothing was counted: else what is larger than the limit would wait for ever. */
static bool is_over(uint64_t counted, uint64_t more, uint64_t limit)
{
	return counted > 0 && (more > limit || counted > limit - more);
}

enum bw_err bw_inbound_count(struct bw_inbound_limits *limits, const struct bw_flow *flow, uint64_t objects,
			     uint64_t bytes, int64_t now_us, int64_t *out_wait_us)
{
	struct bw_inbound_limits now = *limits;

	begin(&now.minute_us, &now.minute_objects, MINUTE_US, now_us);
	begin(&now.day_us, &now.day_bytes, DAY_US, now_us);
	if (is_over(now.day_bytes, bytes, flow->per_day_bytes)) {
		*out_wait_us = now.day_us + DAY_US - now_us;
		return BW_ERR_AGAIN;
	}
	if (is_over(now.minute_objects, objects, flow->per_minute)) {
		*out_wait_us = now.minute_us + MINUTE_US - now_us;
		return BW_ERR_AGAIN;
	}
	now.minute_objects += objects;
	now.day_bytes += bytes;
	*limits = now;
	return BW_OK;
}
