#include "guard/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cursor.h"
#include "base/num.h"
#include "base/text.h"

enum {
	PACK_MAGIC = 0x4257504b, /* BWPK */
	GATHER_BYTES = 512 * 1024,
	VOLUME_SHARE = 256,
	NAME_CHARS = 13,                 /* "00000001.pack" */
	FULL_MAX = BW_PACKS_DUE_MAX - 1, /* full packs that are not on the disk yet */
};

struct bw_packs {
	int folder;
	bool read_only;
	uint32_t number; /* the one that grows */
	int fd;
	uint64_t end; /* with what is gathered */
	uint64_t bytes_max;
	struct bw_buf gathered;
	int full[FULL_MAX]; /* not synced yet */
	size_t full_count;
	bool is_new;      /* nor is the name of the one that grows */
	uint32_t reading; /* the pack read last, kept open */
	int reading_fd;
};

struct bw_sum bw_sum_of(struct bw_slice bytes)
{
	const XXH128_hash_t hash = XXH3_128bits(bytes.ptr, bytes.len);
	XXH128_canonical_t canonical;
	struct bw_sum sum;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(sum.bytes, canonical.digest, sizeof(sum.bytes));
	return sum;
}

static void pack_name(uint32_t number, char out[24])
{
	(void)snprintf(out, 24, "%08x.pack", number);
}

uint64_t bw_pack_bytes(uint64_t volume_bytes)
{
	const uint64_t share = volume_bytes / VOLUME_SHARE;

	if (share < BW_PACK_BYTES_MIN)
		return BW_PACK_BYTES_MIN;
	return share < BW_PACK_BYTES_MAX ? share : BW_PACK_BYTES_MAX;
}

static enum bw_err open_to_grow(const struct bw_packs *packs, uint32_t number, int *out_fd, uint64_t *out_size)
{
	char name[24];
	struct stat status;
	int fd;

	pack_name(number, name);
	fd = openat(packs->folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return bw_err_from_errno(errno);
	if (fstat(fd, &status) != 0) {
		(void)close(fd);
		return BW_ERR_IO;
	}
	*out_fd = fd;
	*out_size = (uint64_t)status.st_size;
	return BW_OK;
}

static enum bw_err open_growing(struct bw_packs *packs)
{
	uint64_t size = 0;

	BW_TRY(open_to_grow(packs, packs->number, &packs->fd, &size));
	if (size < packs->end) { /* a power cut: whoever opened the store sees what is missing */
		(void)close(packs->fd);
		packs->fd = -1;
		packs->number++;
		packs->end = 0;
		BW_TRY(open_to_grow(packs, packs->number, &packs->fd, &size));
	}
	if (size > packs->end && ftruncate(packs->fd, (off_t)packs->end) != 0)
		return bw_err_from_errno(errno);
	packs->is_new = packs->end == 0; /* its name may not be on the disk yet */
	return BW_OK;
}

enum bw_err bw_packs_open(const struct bw_packs_plan *plan, struct bw_packs **out, struct bw_why *why)
{
	struct bw_packs *packs = calloc(1, sizeof(*packs));
	enum bw_err err = BW_OK;

	BW_NEED(packs != NULL, MEMORY);
	*packs = (struct bw_packs){ .read_only = plan->read_only,
				    .number = plan->number,
				    .fd = -1,
				    .end = plan->end,
				    .bytes_max = plan->bytes_max,
				    .gathered = BW_BUF_INIT(GATHER_BYTES + BW_PACK_CONTENT_MAX + BW_PACK_HEAD_BYTES),
				    .reading_fd = -1 };
	packs->folder = open(plan->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (packs->folder < 0)
		err = bw_err_from_errno(errno);
	if (err == BW_OK && !plan->read_only)
		err = open_growing(packs);
	if (err != BW_OK) {
		bw_packs_close(packs);
		return bw_why_set(why, err, "cannot open the packs in '%s': %s", plan->folder, bw_err_text(err));
	}
	*out = packs;
	return BW_OK;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void bw_packs_close(struct bw_packs *packs)
{
	if (packs == NULL)
		return;
	close_fd(&packs->folder);
	close_fd(&packs->fd);
	while (packs->full_count > 0)
		close_fd(&packs->full[--packs->full_count]);
	close_fd(&packs->reading_fd);
	bw_buf_release(&packs->gathered);
	free(packs);
}

/* ---- writing ------------------------------------------------------------------------------- */

enum bw_err bw_packs_flush(struct bw_packs *packs)
{
	uint64_t at = packs->end - packs->gathered.len;
	size_t done = 0;

	while (done < packs->gathered.len) {
		const ssize_t wrote = pwrite(packs->fd, packs->gathered.ptr + done, packs->gathered.len - done,
					     (off_t)(at + done));

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return bw_err_from_errno(errno);
		done += (size_t)wrote;
	}
	bw_buf_clear(&packs->gathered);
	return BW_OK;
}

enum bw_err bw_packs_sync(struct bw_packs *packs)
{
	BW_TRY(bw_packs_flush(packs));
	for (; packs->full_count > 0; packs->full_count--) {
		if (fdatasync(packs->full[packs->full_count - 1]) != 0)
			return bw_err_from_errno(errno);
		close_fd(&packs->full[packs->full_count - 1]);
	}
	if (fdatasync(packs->fd) != 0 || (packs->is_new && fsync(packs->folder) != 0))
		return bw_err_from_errno(errno);
	packs->is_new = false;
	return BW_OK;
}

enum bw_err bw_packs_hand_out(struct bw_packs *packs, struct bw_packs_due *out)
{
	struct bw_packs_due due = { .folder = -1 };
	int fd;

	BW_TRY(bw_packs_flush(packs));
	fd = fcntl(packs->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return bw_err_from_errno(errno);
	if (packs->is_new)
		due.folder = fcntl(packs->folder, F_DUPFD_CLOEXEC, 0);
	if (packs->is_new && due.folder < 0) {
		const enum bw_err err = bw_err_from_errno(errno);

		(void)close(fd);
		return err;
	}
	memcpy(due.files, packs->full, packs->full_count * sizeof(*due.files));
	due.count = packs->full_count;
	due.files[due.count++] = fd;
	packs->full_count = 0;
	packs->is_new = false;
	*out = due;
	return BW_OK;
}

/*
 * Nobody waits for the full pack: whoever syncs beside the writer takes it to the disk while the next one fills. Until
 * then a power cut may tear any of them, and what was not synced is not believed (shadow_mend.c).
 */
static enum bw_err begin_next(struct bw_packs *packs)
{
	uint64_t size = 0;
	int fd = -1;

	BW_TRY(packs->full_count == FULL_MAX ? bw_packs_sync(packs) : bw_packs_flush(packs));
	BW_TRY(open_to_grow(packs, packs->number + 1, &fd, &size));
	if (size > 0 && ftruncate(fd, 0) != 0) {
		const enum bw_err err = bw_err_from_errno(errno);

		(void)close(fd);
		return err;
	}
	packs->full[packs->full_count++] = packs->fd;
	packs->fd = fd;
	packs->is_new = true;
	packs->number++;
	packs->end = 0;
	return BW_OK;
}

enum bw_err bw_packs_turn(struct bw_packs *packs)
{
	return packs->end == 0 ? BW_OK : begin_next(packs);
}

static enum bw_err gather(struct bw_packs *packs, uint64_t version, struct bw_slice content, const struct bw_sum *sum)
{
	BW_TRY(bw_buf_add_be32(&packs->gathered, PACK_MAGIC));
	BW_TRY(bw_buf_add_be32(&packs->gathered, (uint32_t)content.len));
	BW_TRY(bw_buf_add_be64(&packs->gathered, version));
	BW_TRY(bw_buf_add(&packs->gathered, bw_slice_of(sum->bytes, sizeof(sum->bytes))));
	return bw_buf_add(&packs->gathered, content);
}

enum bw_err bw_packs_add(struct bw_packs *packs, uint64_t version, struct bw_slice content, struct bw_sum *out_sum,
			 uint32_t *out_pack, uint64_t *out_at)
{
	const size_t before = packs->gathered.len;
	struct bw_sum sum;
	enum bw_err err;

	BW_NEED(content.len <= BW_PACK_CONTENT_MAX, TOO_BIG);
	if (packs->end >= packs->bytes_max)
		BW_TRY(begin_next(packs));
	if (packs->gathered.len >= GATHER_BYTES)
		BW_TRY(bw_packs_flush(packs));
	sum = bw_sum_of(content);
	err = gather(packs, version, content, &sum);
	if (err != BW_OK) {
		packs->gathered.len = before;
		return err;
	}
	*out_sum = sum;
	*out_pack = packs->number;
	*out_at = packs->end;
	packs->end += BW_PACK_HEAD_BYTES + content.len;
	return BW_OK;
}

uint32_t bw_packs_number(const struct bw_packs *packs)
{
	return packs->number;
}

uint64_t bw_packs_end(const struct bw_packs *packs)
{
	return packs->end;
}

/* ---- reading -------------------------------------------------------------------------------- */

static enum bw_err read_exactly(int fd, uint8_t *to, size_t len, uint64_t at)
{
	while (len > 0) {
		const ssize_t got = pread(fd, to, len, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bw_err_from_errno(errno);
		BW_NEED(got > 0, CORRUPT);
		to += got;
		at += (size_t)got;
		len -= (size_t)got;
	}
	return BW_OK;
}

static enum bw_err open_reading(struct bw_packs *packs, uint32_t pack, int *out_fd)
{
	char name[24];

	if (!packs->read_only && pack == packs->number) {
		BW_TRY(bw_packs_flush(packs));
		*out_fd = packs->fd;
		return BW_OK;
	}
	if (packs->reading_fd < 0 || packs->reading != pack) {
		close_fd(&packs->reading_fd);
		pack_name(pack, name);
		packs->reading_fd = openat(packs->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (packs->reading_fd < 0)
			return bw_err_from_errno(errno);
		packs->reading = pack;
	}
	*out_fd = packs->reading_fd;
	return BW_OK;
}

struct record {
	uint64_t version;
	uint32_t len;
	uint8_t sum[BW_SUM_BYTES];
};

static enum bw_err read_head(int fd, uint64_t at, struct record *out)
{
	uint8_t head[BW_PACK_HEAD_BYTES];
	struct bw_cursor c = bw_cursor_over(bw_slice_of(head, sizeof(head)));
	struct bw_slice sum;
	uint32_t magic = 0;

	BW_TRY(read_exactly(fd, head, sizeof(head), at));
	BW_TRY(bw_take_be32(&c, &magic));
	BW_TRY(bw_take_be32(&c, &out->len));
	BW_TRY(bw_take_be64(&c, &out->version));
	BW_TRY(bw_take(&c, sizeof(out->sum), &sum));
	memcpy(out->sum, sum.ptr, sizeof(out->sum));
	BW_NEED(magic == PACK_MAGIC && out->len <= BW_PACK_CONTENT_MAX, CORRUPT);
	return BW_OK;
}

enum bw_err bw_packs_read(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t version, struct bw_buf *out)
{
	struct record record = { .version = 0 };
	struct bw_sum sum;
	int fd = -1;

	BW_TRY(open_reading(packs, pack, &fd));
	BW_TRY(read_head(fd, at, &record));
	BW_NEED(record.version == version, CORRUPT);
	BW_TRY(bw_buf_reserve(out, record.len));
	BW_TRY(read_exactly(fd, out->ptr + out->len, record.len, at + BW_PACK_HEAD_BYTES));
	sum = bw_sum_of(bw_slice_of(out->ptr + out->len, record.len));
	BW_NEED(memcmp(sum.bytes, record.sum, sizeof(sum.bytes)) == 0, CORRUPT);
	out->len += record.len;
	return BW_OK;
}

enum bw_err bw_packs_head(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t *out_version, uint64_t *out_next)
{
	struct record record = { .version = 0 };
	struct stat status;
	int fd = -1;

	BW_TRY(open_reading(packs, pack, &fd));
	if (fstat(fd, &status) != 0)
		return bw_err_from_errno(errno);
	BW_NEED(at < (uint64_t)status.st_size, NOT_FOUND);
	BW_TRY(read_head(fd, at, &record));
	*out_version = record.version;
	*out_next = at + BW_PACK_HEAD_BYTES + record.len;
	return BW_OK;
}

/* ---- all of them, and their end -------------------------------------------------------------- */

/* The number in a pack's name; 0: it is no pack's. */
static uint32_t number_of(const char *name)
{
	uint8_t bytes[4];

	if (strlen(name) != NAME_CHARS || strcmp(name + 2 * sizeof(bytes), ".pack") != 0 ||
	    bw_hex_decode(bw_slice_of((const uint8_t *)name, 2 * sizeof(bytes)), bytes, sizeof(bytes)) != BW_OK)
		return 0;
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

enum bw_err bw_packs_list(struct bw_packs *packs, enum bw_err (*see)(void *context, uint32_t pack, uint64_t bytes),
			  void *context)
{
	const int fd = openat(packs->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	enum bw_err err = BW_OK;

	if (listing == NULL) {
		err = bw_err_from_errno(errno);
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	while (err == BW_OK && (entry = readdir(listing)) != NULL) {
		const uint32_t number = number_of(entry->d_name);
		struct stat status;

		if (number != 0 && fstatat(packs->folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode))
			err = see(context, number, (uint64_t)status.st_size);
	}
	(void)closedir(listing);
	return err;
}

void bw_packs_punch(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t len)
{
	char name[24];
	int fd;

	if (pack == packs->number || len == 0)
		return;
	pack_name(pack, name);
	fd = openat(packs->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	/* one that cannot gives the room back when the whole pack goes */
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len);
	(void)close(fd);
}

enum bw_err bw_packs_remove(struct bw_packs *packs, uint32_t pack)
{
	char name[24];

	BW_NEED(pack != packs->number, BUSY);
	if (packs->reading == pack)
		close_fd(&packs->reading_fd);
	pack_name(pack, name);
	if (unlinkat(packs->folder, name, 0) != 0 && errno != ENOENT)
		return bw_err_from_errno(errno);
	return BW_OK;
}
