#include "guard/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cursor.h"

enum {
	PACK_MAGIC = 0x4257504b, /* BWPK */
	GATHER_BYTES = 512 * 1024,
};

struct bw_packs {
	int folder;
	bool read_only;
	uint32_t number; /* the one that grows */
	int fd;
	uint64_t end; /* with what is gathered */
	struct bw_buf gathered;
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

static enum bw_err open_growing(struct bw_packs *packs, struct bw_why *why)
{
	char name[24];
	struct stat status;

	pack_name(packs->number, name);
	packs->fd = openat(packs->folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (packs->fd < 0)
		return bw_why_errno(why, errno, "open", name);
	if (fstat(packs->fd, &status) != 0)
		return bw_why_errno(why, errno, "read", name);
	if ((uint64_t)status.st_size < packs->end)
		return bw_why_set(why, BW_ERR_CORRUPT, "the pack '%s' ends before what the catalogue knows of it",
				  name);
	if ((uint64_t)status.st_size > packs->end && ftruncate(packs->fd, (off_t)packs->end) != 0)
		return bw_why_errno(why, errno, "cut", name);
	return BW_OK;
}

enum bw_err bw_packs_open(const char *folder, bool read_only, uint32_t number, uint64_t end, struct bw_packs **out,
			  struct bw_why *why)
{
	struct bw_packs *packs = calloc(1, sizeof(*packs));
	enum bw_err err = BW_OK;

	BW_NEED(packs != NULL, MEMORY);
	*packs = (struct bw_packs){ .read_only = read_only,
				    .number = number,
				    .fd = -1,
				    .end = end,
				    .gathered = BW_BUF_INIT(GATHER_BYTES + BW_PACK_CONTENT_MAX + BW_PACK_HEAD_BYTES),
				    .reading_fd = -1 };
	packs->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (packs->folder < 0)
		err = bw_why_errno(why, errno, "open", folder);
	if (err == BW_OK && !read_only)
		err = open_growing(packs, why);
	if (err != BW_OK) {
		bw_packs_close(packs);
		return err;
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
	if (fdatasync(packs->fd) != 0)
		return bw_err_from_errno(errno);
	return BW_OK;
}

/* A full pack is synced before the next begins: only the last one can be torn. */
static enum bw_err begin_next(struct bw_packs *packs)
{
	BW_TRY(bw_packs_sync(packs));
	close_fd(&packs->fd);
	packs->number++;
	packs->end = 0;
	BW_TRY(open_growing(packs, NULL));
	if (fsync(packs->folder) != 0)
		return bw_err_from_errno(errno);
	return BW_OK;
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
	if (packs->end >= BW_PACK_BYTES_MAX)
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

enum bw_err bw_packs_read(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t version, struct bw_buf *out)
{
	uint8_t head[BW_PACK_HEAD_BYTES];
	struct bw_cursor c = bw_cursor_over(bw_slice_of(head, sizeof(head)));
	struct bw_sum sum;
	uint64_t number = 0;
	uint32_t magic = 0;
	uint32_t len = 0;
	int fd = -1;

	BW_TRY(open_reading(packs, pack, &fd));
	BW_TRY(read_exactly(fd, head, sizeof(head), at));
	BW_TRY(bw_take_be32(&c, &magic));
	BW_TRY(bw_take_be32(&c, &len));
	BW_TRY(bw_take_be64(&c, &number));
	BW_NEED(magic == PACK_MAGIC && number == version && len <= BW_PACK_CONTENT_MAX, CORRUPT);
	BW_TRY(bw_buf_reserve(out, len));
	BW_TRY(read_exactly(fd, out->ptr + out->len, len, at + BW_PACK_HEAD_BYTES));
	sum = bw_sum_of(bw_slice_of(out->ptr + out->len, len));
	BW_NEED(memcmp(sum.bytes, head + 16, sizeof(sum.bytes)) == 0, CORRUPT);
	out->len += len;
	return BW_OK;
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
