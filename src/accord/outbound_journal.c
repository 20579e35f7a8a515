/* The journal: batches one after another, found again after any crash. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accord/outbound_inner.h"
#include "sys/files.h"

static const uint8_t magic[8] = "BWBATCH1";

enum { SEGMENT_NAME_BYTES = 32, SEGMENT_MODE = 0600, HASH_STEP = 1024 * 1024 };

/* ---- heads --------------------------------------------------------------------------------------- */

enum bw_err bw_journal_head_add(struct bw_buf *buf, const struct bw_journal_head *head)
{
	const size_t before = buf->len;
	static const uint8_t zeros[BW_JOURNAL_HEAD_BYTES];

	BW_TRY(bw_buf_reserve(buf, BW_JOURNAL_HEAD_BYTES));
	BW_TRY(bw_buf_add(buf, bw_slice_of(magic, sizeof(magic))));
	BW_TRY(bw_buf_add_be64(buf, head->number));
	BW_TRY(bw_buf_add_be64(buf, head->from));
	BW_TRY(bw_buf_add_be32(buf, head->entries));
	BW_TRY(bw_buf_add_be32(buf, head->items));
	BW_TRY(bw_buf_add_be32(buf, head->items_bytes));
	BW_TRY(bw_buf_add_be32(buf, head->source_bytes));
	BW_TRY(bw_buf_add_be64(buf, head->sealed_bytes));
	BW_TRY(bw_buf_add_be64(buf, (uint64_t)head->time_us));
	BW_TRY(bw_buf_add_be64(buf, (uint64_t)head->latest_us));
	BW_TRY(bw_buf_add(buf, bw_slice_of(head->nonce, sizeof(head->nonce))));
	BW_TRY(bw_buf_add(buf, bw_slice_of(head->previous, sizeof(head->previous))));
	return bw_buf_add(buf, bw_slice_of(zeros, BW_JOURNAL_HEAD_BYTES - (buf->len - before)));
}

static enum bw_err take_numbers(struct bw_cursor *c, struct bw_journal_head *h)
{
	uint64_t time;
	uint64_t latest;

	BW_TRY(bw_take_be64(c, &h->number));
	BW_TRY(bw_take_be64(c, &h->from));
	BW_TRY(bw_take_be32(c, &h->entries));
	BW_TRY(bw_take_be32(c, &h->items));
	BW_TRY(bw_take_be32(c, &h->items_bytes));
	BW_TRY(bw_take_be32(c, &h->source_bytes));
	BW_TRY(bw_take_be64(c, &h->sealed_bytes));
	BW_TRY(bw_take_be64(c, &time));
	BW_TRY(bw_take_be64(c, &latest));
	h->time_us = (int64_t)time;
	h->latest_us = (int64_t)latest;
	return BW_OK;
}

enum bw_err bw_journal_head_parse(struct bw_slice bytes, struct bw_journal_head *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_journal_head h;
	struct bw_slice found;

	BW_TRY(bw_take(&c, sizeof(magic), &found));
	BW_NEED(bw_slice_equals(found, bw_slice_of(magic, sizeof(magic))), SYNTAX);
	BW_TRY(take_numbers(&c, &h));
	BW_TRY(bw_take(&c, sizeof(h.nonce), &found));
	memcpy(h.nonce, found.ptr, sizeof(h.nonce));
	BW_TRY(bw_take(&c, sizeof(h.previous), &found));
	memcpy(h.previous, found.ptr, sizeof(h.previous));
	BW_NEED(h.entries <= BW_OUTBOUND_ITEMS_MAX && h.items <= BW_OUTBOUND_ITEMS_MAX && h.entries <= h.items, SYNTAX);
	BW_NEED(h.items_bytes <= BW_OUTBOUND_ITEMS_MAX * (BW_JOURNAL_ITEM_BYTES + BW_OUTBOUND_ID_MAX), SYNTAX);
	BW_NEED(h.source_bytes <= BW_OUTBOUND_SOURCE_MAX && h.sealed_bytes <= BW_JOURNAL_BATCH_MAX, SYNTAX);
	BW_NEED(h.from <= BW_TREE_SIZE_MAX, SYNTAX);
	*out = h;
	return BW_OK;
}

static uint64_t items_at(const struct bw_journal_head *head)
{
	return BW_JOURNAL_HEAD_BYTES + (uint64_t)head->source_bytes;
}

static uint64_t rows_at(const struct bw_journal_head *head)
{
	return items_at(head) + head->items_bytes;
}

static uint64_t sealed_at(const struct bw_journal_head *head)
{
	return rows_at(head) + (uint64_t)head->entries * BW_JOURNAL_ROW_BYTES;
}

uint64_t bw_journal_len(const struct bw_journal_head *head)
{
	return sealed_at(head) + head->sealed_bytes + BW_SHA256_BYTES;
}

/* ---- files --------------------------------------------------------------------------------------- */

static enum bw_err segment_path(const struct bw_outbound *out, uint32_t segment, char path[BW_PATH_BYTES])
{
	char name[SEGMENT_NAME_BYTES];

	(void)snprintf(name, sizeof(name), "journal/%08u", segment);
	return bw_outbound_path(out, name, path);
}

static enum bw_err open_segment(const struct bw_outbound *out, uint32_t segment, int flags, int *fd, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(segment_path(out, segment, path));
	*fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, SEGMENT_MODE);
	return *fd < 0 ? bw_why_errno(why, errno, "open", path) : BW_OK;
}

static enum bw_err need_segment(struct bw_outbound *out, uint32_t segment, struct bw_why *why)
{
	int fd;

	if (out->read_fd >= 0 && out->read_segment == segment)
		return BW_OK;
	BW_TRY(open_segment(out, segment, O_RDONLY, &fd, why));
	bw_close_fd(&out->read_fd);
	out->read_fd = fd;
	out->read_segment = segment;
	return BW_OK;
}

/* All of them, or TRUNCATED. Appended. */
static enum bw_err read_at(struct bw_outbound *out, uint64_t at, size_t len, struct bw_buf *buf, struct bw_why *why)
{
	BW_TRY(bw_buf_reserve(buf, len));
	for (size_t done = 0; done < len;) {
		const ssize_t got = pread(out->read_fd, buf->ptr + buf->len + done, len - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bw_why_errno(why, errno, "read", "the journal of an accord");
		BW_NEED(got > 0, TRUNCATED);
		done += (size_t)got;
	}
	buf->len += len;
	if (buf->ptr != NULL)
		buf->ptr[buf->len] = 0; /* base/bytes.h */
	return BW_OK;
}

/* ---- finding every batch ------------------------------------------------------------------------- */

struct scan {
	struct bw_outbound *out;
	struct bw_buf bytes;
	uint64_t at; /* in the segment */
	uint64_t end;
	struct bw_why *why;
};

static enum bw_err push(struct bw_outbound *out, const struct bw_journal_head *head, uint64_t at, uint32_t segment)
{
	if (out->batch_count == out->batch_cap) {
		const size_t cap = out->batch_cap == 0 ? 64 : 2 * out->batch_cap;
		struct bw_journal_batch *more = realloc(out->batches, cap * sizeof(*more));

		BW_NEED(more != NULL, MEMORY);
		out->batches = more;
		out->batch_cap = cap;
	}
	out->batches[out->batch_count++] = (struct bw_journal_batch){ head->from, at, segment, head->entries };
	out->size = head->from + head->entries;
	return BW_OK;
}

/* Does the hash at the end fit? Whatever lies behind `synced` has its sealed bytes still. */
static enum bw_err check_hash(struct scan *s, uint64_t len, uint8_t out_hash[BW_SHA256_BYTES])
{
	struct bw_sha256_run *run;
	const uint64_t end = s->at + len - BW_SHA256_BYTES;
	enum bw_err err = bw_sha256_new(&run);

	BW_TRY(err);
	for (uint64_t at = s->at; at < end && err == BW_OK;) {
		const size_t step = end - at < HASH_STEP ? (size_t)(end - at) : HASH_STEP;

		bw_buf_clear(&s->bytes);
		err = read_at(s->out, at, step, &s->bytes, s->why);
		if (err == BW_OK)
			err = bw_sha256_add(run, bw_buf_slice(&s->bytes));
		at += step;
	}
	if (err == BW_OK)
		err = bw_sha256_end(run, out_hash);
	bw_sha256_free(run);
	bw_buf_clear(&s->bytes);
	if (err == BW_OK)
		err = read_at(s->out, end, BW_SHA256_BYTES, &s->bytes, s->why);
	if (err == BW_OK && memcmp(s->bytes.ptr, out_hash, BW_SHA256_BYTES) != 0)
		err = BW_ERR_CORRUPT;
	return err;
}

static enum bw_err take_source(struct scan *s, const struct bw_journal_head *head)
{
	bw_buf_clear(&s->out->source);
	return read_at(s->out, s->at + BW_JOURNAL_HEAD_BYTES, head->source_bytes, &s->out->source, s->why);
}

/* CORRUPT, TRUNCATED, SYNTAX: no whole batch lies here. */
static enum bw_err take_batch(struct scan *s, uint32_t segment)
{
	struct bw_outbound *out = s->out;
	struct bw_journal_head head;
	uint8_t hash[BW_SHA256_BYTES];

	bw_buf_clear(&s->bytes);
	BW_NEED(s->end - s->at >= BW_JOURNAL_HEAD_BYTES, TRUNCATED);
	BW_TRY(read_at(out, s->at, BW_JOURNAL_HEAD_BYTES, &s->bytes, s->why));
	BW_TRY(bw_journal_head_parse(bw_buf_slice(&s->bytes), &head));
	BW_NEED(bw_journal_len(&head) <= s->end - s->at, TRUNCATED);
	BW_NEED(head.number == out->batch_count && head.from == out->size, CORRUPT);
	BW_NEED(memcmp(head.previous, out->last_hash, BW_SHA256_BYTES) == 0, CORRUPT);
	if (head.from + head.entries > out->synced.size || head.entries == 0) {
		BW_TRY(check_hash(s, bw_journal_len(&head), hash));
	} else {
		bw_buf_clear(&s->bytes);
		BW_TRY(read_at(out, s->at + bw_journal_len(&head) - BW_SHA256_BYTES, BW_SHA256_BYTES, &s->bytes,
			       s->why));
		memcpy(hash, s->bytes.ptr, sizeof(hash));
	}
	BW_TRY(take_source(s, &head));
	BW_TRY(push(out, &head, s->at, segment));
	memcpy(out->last_hash, hash, sizeof(hash));
	s->at += bw_journal_len(&head);
	return BW_OK;
}

static bool is_damage(enum bw_err err)
{
	return err == BW_ERR_CORRUPT || err == BW_ERR_TRUNCATED || err == BW_ERR_SYNTAX;
}

static enum bw_err scan_segment(struct scan *s, uint32_t segment, bool is_last, uint64_t *out_cut)
{
	struct stat st;
	enum bw_err err = BW_OK;

	BW_TRY(need_segment(s->out, segment, s->why));
	if (fstat(s->out->read_fd, &st) != 0)
		return bw_why_errno(s->why, errno, "read", "the journal of an accord");
	s->at = 0;
	s->end = (uint64_t)st.st_size;
	while (s->at < s->end && err == BW_OK)
		err = take_batch(s, segment);
	*out_cut = s->end - s->at;
	s->out->segment = segment;
	s->out->segment_end = s->at;
	if (is_damage(err) && !is_last)
		return bw_why_set(s->why, BW_ERR_CORRUPT, "segment %u of the journal is damaged at byte %llu", segment,
				  (unsigned long long)s->at);
	return is_damage(err) ? BW_OK : err;
}

static bool has_segment(const struct bw_outbound *out, uint32_t segment)
{
	char path[BW_PATH_BYTES];

	return segment_path(out, segment, path) == BW_OK && bw_file_exists(path);
}

enum bw_err bw_journal_scan(struct bw_outbound *out, uint64_t *out_cut, struct bw_why *why)
{
	struct scan s = { .out = out, .bytes = BW_BUF_INIT(2 * (size_t)HASH_STEP), .why = why };
	enum bw_err err = BW_OK;

	*out_cut = 0;
	for (uint32_t segment = 0; err == BW_OK && has_segment(out, segment); segment++)
		err = scan_segment(&s, segment, !has_segment(out, segment + 1), out_cut);
	bw_buf_release(&s.bytes);
	out->read_batch = out->batch_count;
	return err;
}

enum bw_err bw_journal_cut(struct bw_outbound *out, uint64_t cut, struct bw_why *why)
{
	BW_CLEANUP(bw_close_fd) int fd = -1;

	if (cut == 0)
		return BW_OK;
	BW_TRY(open_segment(out, out->segment, O_WRONLY, &fd, why));
	if (ftruncate(fd, (off_t)out->segment_end) != 0 || fsync(fd) != 0)
		return bw_why_errno(why, errno, "cut", "the journal of an accord");
	return BW_OK;
}

/* ---- appending ----------------------------------------------------------------------------------- */

static enum bw_err need_append(struct bw_outbound *out, struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	int fd;

	if (out->append_fd >= 0 && out->segment_end < BW_JOURNAL_SEGMENT_BYTES)
		return BW_OK;
	if (out->segment_end >= BW_JOURNAL_SEGMENT_BYTES) {
		out->segment++;
		out->segment_end = 0;
	}
	BW_TRY(open_segment(out, out->segment, O_WRONLY | O_CREAT, &fd, why));
	bw_close_fd(&out->append_fd);
	out->append_fd = fd;
	BW_TRY(bw_outbound_path(out, "journal", folder));
	return bw_folder_sync(folder, why);
}

static enum bw_err append(struct bw_outbound *out, struct bw_slice bytes, struct bw_why *why)
{
	for (size_t done = 0; done < bytes.len;) {
		const ssize_t put = pwrite(out->append_fd, bytes.ptr + done, bytes.len - done,
					   (off_t)(out->segment_end + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return bw_why_errno(why, errno, "write", "the journal of an accord");
		done += (size_t)put;
	}
	return fdatasync(out->append_fd) == 0 ? BW_OK : bw_why_errno(why, errno, "sync", "the journal of an accord");
}

enum bw_err bw_journal_append(struct bw_outbound *out, const struct bw_journal_head *head, struct bw_slice bytes,
			      struct bw_why *why)
{
	BW_TRY(need_append(out, why));
	BW_TRY(append(out, bytes, why));
	BW_TRY(push(out, head, out->segment_end, out->segment));
	out->segment_end += bytes.len;
	memcpy(out->last_hash, bytes.ptr + bytes.len - BW_SHA256_BYTES, BW_SHA256_BYTES);
	out->read_batch = out->batch_count;
	return BW_OK;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static enum bw_err read_head(struct bw_outbound *out, size_t batch, struct bw_journal_head *head, struct bw_why *why)
{
	const struct bw_journal_batch *b = &out->batches[batch];
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_JOURNAL_HEAD_BYTES);

	BW_TRY(need_segment(out, b->segment, why));
	BW_TRY(read_at(out, b->offset, BW_JOURNAL_HEAD_BYTES, &bytes, why));
	BW_TRY(bw_journal_head_parse(bw_buf_slice(&bytes), head));
	BW_NEED(head->from == b->from && head->entries == b->entries, CORRUPT);
	return BW_OK;
}

enum bw_err bw_journal_load(struct bw_outbound *out, size_t batch, struct bw_why *why)
{
	const struct bw_journal_batch *b = &out->batches[batch];

	if (out->read_batch == batch)
		return BW_OK;
	out->read_batch = out->batch_count;
	bw_buf_clear(&out->rows);
	bw_buf_clear(&out->window);
	BW_TRY(read_head(out, batch, &out->read_head, why));
	BW_TRY(read_at(out, b->offset + rows_at(&out->read_head), (size_t)b->entries * BW_JOURNAL_ROW_BYTES, &out->rows,
		       why));
	out->read_batch = batch;
	return BW_OK;
}

enum bw_err bw_journal_items(struct bw_outbound *out, size_t batch, struct bw_journal_head *head, struct bw_buf *items,
			     struct bw_why *why)
{
	BW_TRY(read_head(out, batch, head, why));
	bw_buf_clear(items);
	return read_at(out, out->batches[batch].offset + items_at(head), head->items_bytes, items, why);
}

enum bw_err bw_journal_item(struct bw_outbound *out, size_t batch, uint32_t offset, struct bw_journal_head *head,
			    struct bw_buf *item, struct bw_why *why)
{
	size_t len = BW_JOURNAL_ITEM_BYTES + BW_OUTBOUND_ID_MAX;

	BW_TRY(read_head(out, batch, head, why));
	BW_NEED(offset < head->items_bytes, RANGE);
	if (len > head->items_bytes - offset)
		len = head->items_bytes - offset;
	bw_buf_clear(item);
	return read_at(out, out->batches[batch].offset + items_at(head) + offset, len, item, why);
}

/* The last batch that begins at or before it and has entries. */
static size_t find_batch(const struct bw_outbound *out, uint64_t index)
{
	size_t low = 0;
	size_t high = out->batch_count;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (out->batches[middle].from <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

enum bw_err bw_journal_row(struct bw_outbound *out, uint64_t index, struct bw_journal_row *row, struct bw_why *why)
{
	struct bw_cursor c;
	struct bw_slice leaf;
	uint64_t until;
	size_t batch;

	BW_NEED(index < out->size, RANGE);
	batch = find_batch(out, index);
	BW_TRY(bw_journal_load(out, batch, why));
	BW_NEED(index - out->batches[batch].from < out->batches[batch].entries, CORRUPT);
	c = bw_cursor_over(bw_slice_sub(bw_buf_slice(&out->rows),
					(size_t)(index - out->batches[batch].from) * BW_JOURNAL_ROW_BYTES,
					BW_JOURNAL_ROW_BYTES));
	BW_TRY(bw_take_be64(&c, &until));
	row->keep_until_us = (int64_t)until;
	BW_TRY(bw_take(&c, BW_SHA256_BYTES, &leaf));
	memcpy(row->leaf.bytes, leaf.ptr, leaf.len);
	BW_TRY(bw_take_be64(&c, &row->offset));
	BW_TRY(bw_take_be32(&c, &row->len));
	BW_NEED(row->offset <= out->read_head.sealed_bytes && row->len <= out->read_head.sealed_bytes - row->offset &&
			row->len > BW_CROSSING_SALT_BYTES + BW_AEAD_TAG_BYTES,
		CORRUPT);
	return BW_OK;
}

/* Of the batch loaded last, by bw_journal_row. */
enum bw_err bw_journal_sealed(struct bw_outbound *out, const struct bw_journal_row *row, struct bw_slice *sealed,
			      struct bw_why *why)
{
	const bool is_there = row->offset >= out->window_at && row->offset - out->window_at <= out->window.len &&
			      out->window.len - (row->offset - out->window_at) >= row->len;

	if (!is_there) {
		const uint64_t left = out->read_head.sealed_bytes - row->offset;
		const uint64_t want = row->len > BW_JOURNAL_WINDOW_BYTES ? row->len : BW_JOURNAL_WINDOW_BYTES;

		bw_buf_clear(&out->window);
		out->window_at = row->offset;
		BW_TRY(need_segment(out, out->batches[out->read_batch].segment, why));
		BW_TRY(read_at(out, out->batches[out->read_batch].offset + sealed_at(&out->read_head) + row->offset,
			       (size_t)(left < want ? left : want), &out->window, why));
	}
	*sealed = bw_slice_sub(bw_buf_slice(&out->window), (size_t)(row->offset - out->window_at), row->len);
	return BW_OK;
}

void bw_journal_nonce(const struct bw_outbound *out, uint64_t index, uint8_t nonce[BW_AEAD_NONCE_BYTES])
{
	const uint32_t place = (uint32_t)(index - out->read_head.from);

	memcpy(nonce, out->read_head.nonce, sizeof(out->read_head.nonce));
	for (unsigned i = 0; i < 4; i++)
		nonce[8 + i] = (uint8_t)(place >> (24 - 8 * i));
}

void bw_journal_with(uint64_t index, const struct bw_hash *leaf, uint8_t with[8 + BW_SHA256_BYTES])
{
	for (unsigned i = 0; i < 8; i++)
		with[i] = (uint8_t)(index >> (56 - 8 * i));
	memcpy(with + 8, leaf->bytes, BW_SHA256_BYTES);
}

enum bw_err bw_journal_punch(struct bw_outbound *out, size_t batch, struct bw_why *why)
{
	const struct bw_journal_batch *b = &out->batches[batch];
	BW_CLEANUP(bw_close_fd) int fd = -1;

	BW_TRY(open_segment(out, b->segment, O_RDWR, &fd, why));
	bw_buf_clear(&out->window);
	/* where the file system cannot, the bytes stay: without their key they say nothing */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(b->offset + sealed_at(&out->read_head)),
		      (off_t)out->read_head.sealed_bytes) != 0 &&
	    errno != EOPNOTSUPP)
		return bw_why_errno(why, errno, "punch a hole into", "the journal of an accord");
	return BW_OK;
}
