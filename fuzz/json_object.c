/*
 * Hostile JSON through the splitter, the object check and the record. Properties:
 * objects lie inside the stream and in order, however it is cut, and the same
 * objects come out of any cut; a record's body is the text without white space and
 * parses to the same canonical bytes and the same verdict;
 * every record survives a batch; findings stay in their bounds.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/jcs.h"
#include "codec/split.h"
#include "intel/batch.h"
#include "intel/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static struct bw_checker *checker;
static struct bw_report report;
static struct bw_report again;

static void set_up(void)
{
	if (checker != NULL)
		return;
	check(bw_checker_new(BW_CHECK_WARNINGS | BW_CHECK_IDS, &checker) == BW_OK);
	check(bw_report_init(&report) == BW_OK && bw_report_init(&again) == BW_OK);
}

static void check_report(const struct bw_report *r)
{
	check(r->count <= BW_FINDINGS_MAX + 1);
	for (size_t i = 0; i < r->count; i++) {
		struct bw_buf say = BW_BUF_INIT(4096);

		check(r->rows[i].clause != NULL && r->rows[i].value.len <= BW_FINDING_VALUE_MAX);
		check(bw_finding_say(&r->rows[i], &say) == BW_OK && say.len > 1);
		bw_buf_release(&say);
	}
}

static void check_carried(const struct bw_record *record)
{
	struct bw_buf bytes = BW_BUF_INIT(SIZE_MAX - 1);
	struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_batch batch;
	struct bw_record out;

	check(bw_batch_begin(&bytes) == BW_OK && bw_batch_add(&bytes, record) == BW_OK);
	check(bw_batch_open(bw_buf_slice(&bytes), &batch) == BW_OK);
	check(bw_batch_next(&batch, &arena, &out) == BW_OK);
	check(bw_slice_equals(out.body, record->body) && bw_slice_equals(out.version, record->version));
	check(out.value_count == record->value_count && out.text_count == record->text_count);
	bw_buf_release(&bytes);
	bw_arena_release(&arena);
}

static void check_object(struct bw_slice text)
{
	struct bw_record record;
	struct bw_buf body = BW_BUF_INIT(BW_JSON_TEXT_MAX);
	uint8_t hash[BW_HASH_BYTES];

	check(bw_object_check(checker, text, &report, &record) == BW_OK);
	check_report(&report);
	if (report.errors > 0)
		return;
	check(record.body.len <= text.len && bw_utf8_is_valid(record.body, NULL));
	check(record.value_count <= BW_RECORD_TERMS_MAX && record.text_count <= BW_RECORD_TERMS_MAX);
	for (size_t i = 0; i < record.value_count; i++)
		check(bw_utf8_is_valid(record.values[i], NULL));
	check_carried(&record);
	check(bw_buf_add(&body, record.body) == BW_OK);
	memcpy(hash, record.hash, sizeof(hash));
	check(bw_object_check(checker, bw_buf_slice(&body), &again, &record) == BW_OK);
	check(again.errors == 0 && again.warnings == report.warnings && again.count == report.count);
	check(memcmp(hash, record.hash, sizeof(hash)) == 0);
	check(bw_slice_equals(record.body, bw_buf_slice(&body)));
	bw_buf_release(&body);
}

/* A fingerprint of all items; objects are checked in the first pass. */
static uint64_t cut(struct bw_slice stream, size_t piece, bool check_objects)
{
	struct bw_split *split;
	struct bw_split_item item;
	uint64_t print = 1469598103934665603U;
	uint64_t last = 0;
	size_t at = 0;
	enum bw_err err;

	check(bw_split_new(&split) == BW_OK);
	do {
		const size_t take = stream.len - at < piece ? stream.len - at : piece;

		bw_split_feed(split, bw_slice_sub(stream, at, take), at + take == stream.len);
		at += take;
		while ((err = bw_split_next(split, &item)) == BW_OK) {
			if (item.kind == BW_SPLIT_OBJECT) {
				check(item.offset >= last && item.offset + item.text.len <= stream.len);
				check(memcmp(stream.ptr + item.offset, item.text.ptr, item.text.len) == 0);
				last = item.offset + item.text.len;
				if (check_objects)
					check_object(item.text);
			} else if (item.kind == BW_SPLIT_FRAME && check_objects) {
				check(bw_bundle_check(checker, item.text, (size_t)item.objects, &report) == BW_OK);
			}
			print = (print ^ item.offset ^ (uint64_t)item.kind << 60 ^ item.value << 40 ^
				 item.index << 20) *
				1099511628211U;
		}
		check(err == BW_ERR_AGAIN || err == BW_ERR_NOT_FOUND);
	} while (err == BW_ERR_AGAIN);
	bw_split_free(split);
	return print;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice stream = bw_slice_of(data, size);
	uint64_t whole;

	set_up();
	whole = cut(stream, SIZE_MAX, true);
	/* whether lines rule is decided on the first piece, which reaches past the first line */
	if (memchr(stream.ptr, '\n', stream.len) == NULL && size > 0) {
		check(cut(stream, 1 + data[0] % 7, false) == whole);
		check(cut(stream, 64, false) == whole);
	}
	return 0;
}
