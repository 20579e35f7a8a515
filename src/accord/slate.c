#include "accord/slate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "sys/files.h"

#define MAGIC "BWSLATE1"

enum { SLOT_BYTES = 128, SUMMED_BYTES = 96, SLOTS = 2 };

struct row {
	uint64_t turn;
	uint8_t key[BW_SHA256_BYTES];
	uint64_t size;
	struct bw_hash root;
};

struct bw_slate {
	int fd;
	size_t count;
	struct row rows[BW_SLATE_LOGS_MAX];
};

static off_t place_of(size_t row, uint64_t turn)
{
	return (off_t)(SLOT_BYTES * (1 + SLOTS * row + turn % SLOTS));
}

/* ---- slots ---------------------------------------------------------------------- */

static enum bw_err write_slot(int fd, off_t at, struct bw_slice bytes)
{
	const ssize_t n = pwrite(fd, bytes.ptr, bytes.len, at);

	if (n < 0)
		return bw_err_from_errno(errno);
	return (size_t)n == bytes.len ? BW_OK : BW_ERR_IO;
}

static enum bw_err write_row(int fd, size_t at, const struct row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf slot = BW_BUF_INIT(SLOT_BYTES);
	uint8_t sum[BW_SHA256_BYTES];

	BW_TRY(bw_buf_add_be64(&slot, row->turn));
	BW_TRY(bw_buf_add(&slot, bw_slice_of(row->key, sizeof(row->key))));
	BW_TRY(bw_buf_add_be64(&slot, row->size));
	BW_TRY(bw_buf_add(&slot, bw_hash_slice(&row->root)));
	while (slot.len < SUMMED_BYTES)
		BW_TRY(bw_buf_add_u8(&slot, 0));
	BW_TRY(bw_sha256(bw_buf_slice(&slot), sum));
	BW_TRY(bw_buf_add(&slot, bw_slice_of(sum, sizeof(sum))));
	return write_slot(fd, place_of(at, row->turn), bw_buf_slice(&slot));
}

static bool is_blank(struct bw_slice slot)
{
	for (size_t i = 0; i < slot.len; i++)
		if (slot.ptr[i] != 0)
			return false;
	return true;
}

/* turn 0: nothing was ever written there. */
static enum bw_err read_slot(struct bw_slice slot, struct row *out)
{
	struct bw_cursor c = bw_cursor_over(slot);
	uint8_t sum[BW_SHA256_BYTES];
	struct bw_slice part;

	*out = (struct row){ 0 };
	if (is_blank(slot))
		return BW_OK;
	BW_TRY(bw_sha256(bw_slice_sub(slot, 0, SUMMED_BYTES), sum));
	BW_NEED(bw_slice_equals(bw_slice_from(slot, SUMMED_BYTES), bw_slice_of(sum, sizeof(sum))), CORRUPT);
	BW_TRY(bw_take_be64(&c, &out->turn));
	BW_TRY(bw_take(&c, sizeof(out->key), &part));
	memcpy(out->key, part.ptr, sizeof(out->key));
	BW_TRY(bw_take_be64(&c, &out->size));
	BW_TRY(bw_take(&c, sizeof(out->root.bytes), &part));
	memcpy(out->root.bytes, part.ptr, sizeof(out->root.bytes));
	BW_NEED(out->turn > 0 && out->size <= BW_TREE_SIZE_MAX, CORRUPT);
	return BW_OK;
}

/* Both slots of one log. One that was written for the first time when power failed has neither. */
static enum bw_err read_row(struct bw_slate *slate, struct bw_slice pair)
{
	struct row rows[SLOTS];

	for (size_t i = 0; i < SLOTS; i++) {
		BW_TRY(read_slot(bw_slice_sub(pair, i * SLOT_BYTES, SLOT_BYTES), &rows[i]));
		BW_NEED(rows[i].turn == 0 || rows[i].turn % SLOTS == i, CORRUPT);
	}
	if (rows[0].turn != 0 && rows[1].turn != 0)
		BW_NEED(memcmp(rows[0].key, rows[1].key, sizeof(rows[0].key)) == 0, CORRUPT);
	slate->rows[slate->count++] = rows[0].turn > rows[1].turn ? rows[0] : rows[1];
	return BW_OK;
}

static enum bw_err read_all(struct bw_slate *slate, struct bw_slice bytes)
{
	const size_t rest = bytes.len % (SLOTS * SLOT_BYTES);

	BW_NEED(bytes.len >= SLOT_BYTES && bw_slice_starts(bytes, BW_LIT(MAGIC)), VERSION);
	/* the last log may have its first slot only */
	BW_NEED(rest == SLOT_BYTES || rest == 0, CORRUPT);
	for (size_t at = SLOT_BYTES; at < bytes.len; at += SLOTS * SLOT_BYTES) {
		uint8_t pair[SLOTS * SLOT_BYTES] = { 0 };
		const struct bw_slice there = bw_slice_sub(bytes, at, sizeof(pair));

		BW_NEED(slate->count < BW_SLATE_LOGS_MAX, TOO_MANY);
		memcpy(pair, there.ptr, there.len);
		BW_TRY(read_row(slate, bw_slice_of(pair, sizeof(pair))));
	}
	return BW_OK;
}

/* ---- the file --------------------------------------------------------------------- */

static enum bw_err begin_file(int fd, const char *path, struct bw_why *why)
{
	uint8_t head[SLOT_BYTES] = MAGIC;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bw_why_errno(why, errno, "read", path);
	/* nothing can have been signed before the head was whole */
	if (st.st_size < SLOT_BYTES && write_slot(fd, 0, bw_slice_of(head, sizeof(head))) != BW_OK)
		return bw_why_errno(why, errno, "write", path);
	return BW_OK;
}

enum bw_err bw_slate_file(const char *path, int *out_fd, struct bw_why *why)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_DSYNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	char folder[BW_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "open", path);
	err = begin_file(fd, path, why);
	if (err == BW_OK && slash != NULL && slash != path) {
		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
		err = bw_folder_sync(folder, why);
	}
	if (err != BW_OK) {
		(void)close(fd);
		return err;
	}
	*out_fd = fd;
	return BW_OK;
}

enum bw_err bw_slate_open(int fd, struct bw_slate **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(SLOT_BYTES * (2 + SLOTS * BW_SLATE_LOGS_MAX));
	struct bw_slate *slate = calloc(1, sizeof(*slate));
	enum bw_err err = BW_OK;

	BW_NEED(slate != NULL, MEMORY);
	slate->fd = fd;
	if (lseek(fd, 0, SEEK_SET) != 0)
		err = bw_err_from_errno(errno);
	if (err == BW_OK)
		err = bw_file_read_fd(fd, "slate", &bytes, NULL);
	if (err == BW_OK)
		err = read_all(slate, bw_buf_slice(&bytes));
	if (err != BW_OK) {
		free(slate);
		return err;
	}
	*out = slate;
	return BW_OK;
}

void bw_slate_free(struct bw_slate *slate)
{
	free(slate);
}

/* ---- rows ---------------------------------------------------------------------------- */

static size_t find(const struct bw_slate *slate, const uint8_t key[BW_SHA256_BYTES])
{
	size_t at = 0;

	while (at < slate->count && memcmp(slate->rows[at].key, key, BW_SHA256_BYTES) != 0)
		at++;
	return at;
}

enum bw_err bw_slate_get(const struct bw_slate *slate, struct bw_slice name, uint64_t *out_size,
			 struct bw_hash *out_root)
{
	uint8_t key[BW_SHA256_BYTES];
	size_t at;

	BW_TRY(bw_sha256(name, key));
	at = find(slate, key);
	*out_size = at < slate->count ? slate->rows[at].size : 0;
	*out_root = at < slate->count ? slate->rows[at].root : bw_hash_empty();
	return BW_OK;
}

enum bw_err bw_slate_put(struct bw_slate *slate, struct bw_slice name, uint64_t size, const struct bw_hash *root)
{
	struct row fresh = { .turn = 1, .size = size, .root = *root };
	size_t at;

	BW_TRY(bw_sha256(name, fresh.key));
	at = find(slate, fresh.key);
	if (at < slate->count) {
		const struct row *old = &slate->rows[at];

		BW_NEED(size >= old->size, ROLLBACK);
		BW_NEED(size > old->size || bw_hash_equals(root, &old->root), SPLIT_VIEW);
		if (size == old->size)
			return BW_OK;
		fresh.turn = old->turn + 1;
	}
	BW_NEED(at < BW_SLATE_LOGS_MAX, TOO_MANY);
	BW_TRY(write_row(slate->fd, at, &fresh));
	slate->rows[at] = fresh;
	if (at == slate->count)
		slate->count++;
	return BW_OK;
}
