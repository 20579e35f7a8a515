#include "guard/mirror_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"

static const uint8_t journal_head[BW_MIRROR_JOURNAL_HEAD_BYTES] = { 'B', 'W', 'M', 'J', 0, 0, 0, 1 };

struct bw_mirror_journal {
	char head_path[BW_PATH_BYTES];
	int fd;
	struct bw_mirror_head head;
	struct bw_mirror_check check;
	struct bw_buf out; /* a batch as it is written */
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static enum bw_err read_head(const char *path, struct bw_mirror_head *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIRROR_HEAD_BYTES_MAX);
	enum bw_err err;

	*out = (struct bw_mirror_head){ .bytes = BW_MIRROR_JOURNAL_HEAD_BYTES };
	if (!bw_file_exists(path))
		return BW_OK;
	BW_TRY(bw_file_read(path, &bytes, why));
	err = bw_mirror_head_parse(bw_buf_slice(&bytes), out);
	return err == BW_OK ? BW_OK : bw_why_set(why, BW_ERR_CORRUPT, "'%s' does not say where a journal stands", path);
}

static enum bw_err write_head(struct bw_mirror_journal *journal, const struct bw_mirror_head *head)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIRROR_HEAD_BYTES_MAX);

	BW_TRY(bw_mirror_head_write(head, &bytes));
	return bw_file_write(journal->head_path, bw_buf_slice(&bytes), 0600, NULL);
}

static enum bw_err open_file(struct bw_mirror_journal *journal, const char *path, struct bw_why *why)
{
	struct stat status;

	journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0 || fstat(journal->fd, &status) != 0)
		return bw_why_errno(why, errno, "open", path);
	if (status.st_size == 0 && journal->head.versions == 0 && journal->head.bytes == sizeof(journal_head)) {
		BW_TRY(bw_fd_write(journal->fd, bw_slice_of(journal_head, sizeof(journal_head))));
		return fsync(journal->fd) == 0 ? BW_OK : bw_why_errno(why, errno, "write", path);
	}
	if ((uint64_t)status.st_size < journal->head.bytes)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is shorter than it was: something was cut off", path);
	/* what a crash left half-written was never confirmed to its sender */
	if (ftruncate(journal->fd, (off_t)journal->head.bytes) != 0)
		return bw_why_errno(why, errno, "cut", path);
	return BW_OK;
}

static enum bw_err open_parts(struct bw_mirror_journal *journal, const char *folder, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	const enum bw_err err = bw_folder_make(folder, why);

	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_path_join(journal->head_path, folder, "head"));
	BW_TRY(bw_path_join(path, folder, "journal"));
	BW_TRY(read_head(journal->head_path, &journal->head, why));
	BW_TRY(bw_mirror_check_init(&journal->check));
	return open_file(journal, path, why);
}

enum bw_err bw_mirror_journal_open(const char *folder, struct bw_mirror_journal **out, struct bw_why *why)
{
	struct bw_mirror_journal *journal = calloc(1, sizeof(*journal));
	enum bw_err err;

	BW_NEED(journal != NULL, MEMORY);
	journal->fd = -1;
	journal->out = BW_BUF_INIT(BW_MIRROR_BATCH_MAX + 4 + BW_SHA256_BYTES);
	err = open_parts(journal, folder, why);
	if (err != BW_OK) {
		bw_mirror_journal_close(journal);
		return err;
	}
	*out = journal;
	return BW_OK;
}

void bw_mirror_journal_close(struct bw_mirror_journal *journal)
{
	if (journal == NULL)
		return;
	close_fd(&journal->fd);
	bw_mirror_check_release(&journal->check);
	bw_buf_release(&journal->out);
	free(journal);
}

const struct bw_mirror_head *bw_mirror_journal_head(const struct bw_mirror_journal *journal)
{
	return &journal->head;
}

/* ---- adding ------------------------------------------------------------------------------------------ */

static enum bw_err check_all(struct bw_mirror_check *check, struct bw_slice records, struct bw_mirror_head *head)
{
	struct bw_cursor c = bw_cursor_over(records);
	struct bw_mirror_record record;

	while (bw_cursor_left(&c) > 0) {
		BW_TRY(bw_mirror_next(&c, &record));
		BW_TRY(bw_mirror_check_feed(check, &record));
		BW_TRY(bw_mirror_head_feed(head, check, &record));
	}
	return BW_OK;
}

static enum bw_err write_batch(struct bw_mirror_journal *journal, struct bw_slice records,
			       const struct bw_mirror_head *head)
{
	bw_buf_clear(&journal->out);
	BW_TRY(bw_buf_add_be32(&journal->out, (uint32_t)records.len));
	BW_TRY(bw_buf_add(&journal->out, records));
	BW_TRY(bw_buf_add(&journal->out, bw_slice_of(head->chain, sizeof(head->chain))));
	if (lseek(journal->fd, (off_t)journal->head.bytes, SEEK_SET) < 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_fd_write(journal->fd, bw_buf_slice(&journal->out)));
	return fdatasync(journal->fd) == 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err add(struct bw_mirror_journal *journal, struct bw_slice records, struct bw_mirror_head *head)
{
	BW_TRY(check_all(&journal->check, records, head));
	BW_TRY(bw_mirror_chain(journal->head.chain, records, head->chain));
	head->bytes += 4 + records.len + BW_SHA256_BYTES;
	BW_TRY(write_batch(journal, records, head));
	return write_head(journal, head);
}

enum bw_err bw_mirror_journal_add(struct bw_mirror_journal *journal, const uint8_t chain[BW_SHA256_BYTES],
				  struct bw_slice records)
{
	struct bw_mirror_head head = journal->head;
	enum bw_err err;

	BW_NEED(records.len > 0 && records.len <= BW_MIRROR_BATCH_MAX, TOO_BIG);
	BW_NEED(memcmp(chain, journal->head.chain, BW_SHA256_BYTES) == 0, CONFLICT);
	err = add(journal, records, &head);
	if (err == BW_OK)
		journal->head = head;
	else
		journal->check.is_open = false; /* its sender begins that version again */
	return err;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

struct reading {
	int fd;
	const char *path;
	struct bw_mirror_head said; /* what `head` says */
	struct bw_mirror_head found;
	struct bw_mirror_check check;
	struct bw_buf batch;
	bw_mirror_see *see;
	void *context;
};

static enum bw_err read_exactly(const struct reading *r, size_t len, struct bw_buf *out)
{
	bw_buf_clear(out);
	BW_TRY(bw_buf_reserve(out, len));
	while (out->len < len) {
		const ssize_t got = read(r->fd, out->ptr + out->len, len - out->len);

		BW_NEED(got >= 0 || errno == EINTR, IO);
		BW_NEED(got != 0, CORRUPT);
		out->len += got > 0 ? (size_t)got : 0;
	}
	return BW_OK;
}

static enum bw_err read_records(struct reading *r, struct bw_slice records)
{
	struct bw_cursor c = bw_cursor_over(records);
	struct bw_mirror_record record;

	while (bw_cursor_left(&c) > 0) {
		BW_NEED(bw_mirror_next(&c, &record) == BW_OK, CORRUPT);
		BW_TRY(bw_mirror_check_feed(&r->check, &record));
		BW_TRY(bw_mirror_head_feed(&r->found, &r->check, &record));
		BW_TRY(r->see(r->context, &r->check, &record));
	}
	return BW_OK;
}

static enum bw_err read_batch(struct reading *r)
{
	uint8_t chain[BW_SHA256_BYTES];
	struct bw_cursor c;
	uint32_t length;

	BW_TRY(read_exactly(r, 4, &r->batch));
	c = bw_cursor_over(bw_buf_slice(&r->batch));
	BW_TRY(bw_take_be32(&c, &length));
	BW_NEED(length > 0 && length <= BW_MIRROR_BATCH_MAX, CORRUPT);
	BW_TRY(read_exactly(r, length + BW_SHA256_BYTES, &r->batch));
	BW_TRY(bw_mirror_chain(r->found.chain, bw_slice_sub(bw_buf_slice(&r->batch), 0, length), chain));
	BW_NEED(memcmp(chain, r->batch.ptr + length, sizeof(chain)) == 0, CORRUPT);
	memcpy(r->found.chain, chain, sizeof(chain));
	r->found.bytes += 4 + length + BW_SHA256_BYTES;
	return read_records(r, bw_slice_sub(bw_buf_slice(&r->batch), 0, length));
}

static enum bw_err read_all(struct reading *r)
{
	BW_TRY(read_exactly(r, sizeof(journal_head), &r->batch));
	BW_NEED(memcmp(r->batch.ptr, journal_head, sizeof(journal_head)) == 0, CORRUPT);
	while (r->found.bytes < r->said.bytes)
		BW_TRY(read_batch(r));
	BW_NEED(r->found.bytes == r->said.bytes && r->found.versions == r->said.versions &&
			memcmp(r->found.chain, r->said.chain, sizeof(r->said.chain)) == 0,
		CORRUPT);
	return BW_OK;
}

enum bw_err bw_mirror_journal_read(const char *folder, bw_mirror_see *see, void *context, struct bw_mirror_head *out,
				   struct bw_why *why)
{
	struct reading r = { .see = see,
			     .context = context,
			     .found = { .bytes = BW_MIRROR_JOURNAL_HEAD_BYTES },
			     .batch = BW_BUF_INIT(BW_MIRROR_BATCH_MAX + BW_SHA256_BYTES) };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, "head"));
	BW_TRY(read_head(path, &r.said, why));
	BW_TRY(bw_path_join(path, folder, "journal"));
	r.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (r.fd < 0)
		return bw_why_errno(why, errno, "open", path);
	err = bw_mirror_check_init(&r.check);
	if (err == BW_OK)
		err = read_all(&r);
	if (err == BW_ERR_CORRUPT || err == BW_ERR_CONFLICT)
		err = bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged behind byte %llu", path,
				 (unsigned long long)r.found.bytes);
	(void)close(r.fd);
	bw_mirror_check_release(&r.check);
	bw_buf_release(&r.batch);
	*out = r.found;
	return err;
}
