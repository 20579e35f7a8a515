/*
 * What lies in a store, whatever its catalogue says: each whole record of each pack, each object. A pack is searched
 * for the mark of the next record wherever one is damaged, or was given back to the file system.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "guard/shadow_rebuild_parts.h"
#include "sys/clock.h"

enum { FOLDERS = 256, OBJECT_CHARS = 16, WINDOW_BYTES = 256 * 1024, MARK_BYTES = 4 };

static const uint8_t mark[MARK_BYTES] = { 'B', 'W', 'P', 'K' };

struct looking {
	struct bw_found *found;
	const struct bw_volume *volume;
	struct bw_packs *packs;
	int store;
	struct bw_buf content;
	struct bw_buf window;
};

static enum bw_err add(struct bw_found *found, const struct bw_found_content *content)
{
	if (found->count == found->room) {
		const size_t room = found->room == 0 ? 1024 : 2 * found->room;
		struct bw_found_content *list = realloc(found->list, room * sizeof(*list));

		BW_NEED(list != NULL, MEMORY);
		found->list = list;
		found->room = room;
	}
	found->list[found->count++] = *content;
	if (content->number > found->most)
		found->most = content->number;
	return BW_OK;
}

/* ---- packs -------------------------------------------------------------------------------------------- */

/* Where the next mark stands, at `at` or behind it; UINT64_MAX: nowhere. */
static enum bw_err find_mark(struct looking *looking, int fd, uint64_t at, uint64_t *out)
{
	struct bw_buf *window = &looking->window;

	bw_buf_clear(window);
	BW_TRY(bw_buf_reserve(window, WINDOW_BYTES));
	for (;;) {
		const off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		const uint8_t *there;
		ssize_t got;

		*out = UINT64_MAX;
		if (data < 0)
			return BW_OK;
		at = (uint64_t)data;
		got = pread(fd, window->ptr, WINDOW_BYTES, data);
		if (got < MARK_BYTES && (got >= 0 || errno != EIO))
			return BW_OK;
		there = got < 0 ? NULL : memmem(window->ptr, (size_t)got, mark, sizeof(mark));
		if (there != NULL) {
			*out = at + (uint64_t)(there - window->ptr);
			return BW_OK;
		}
		/* behind what cannot be read there may be more */
		at += got < 0 ? (uint64_t)WINDOW_BYTES : (uint64_t)got - (MARK_BYTES - 1);
	}
}

/* Only what its sum proves whole. */
static enum bw_err read_record(struct looking *looking, uint32_t pack, uint64_t at, const struct stat *status,
			       uint64_t *out_next)
{
	struct bw_found_content content = { .pack = pack, .at = at, .time_us = bw_clock_of(&status->st_mtim) };
	enum bw_err err = bw_packs_head(looking->packs, pack, at, &content.number, out_next);

	bw_buf_clear(&looking->content);
	if (err == BW_OK)
		err = bw_packs_read(looking->packs, pack, at, content.number, &looking->content);
	if (err == BW_OK && (content.number == 0 || content.number > INT64_MAX / 4))
		err = BW_ERR_CORRUPT;
	if (err != BW_OK) {
		*out_next = at + 1;
		return err == BW_ERR_MEMORY ? err : BW_OK;
	}
	content.size = looking->content.len;
	content.kept_bytes = BW_PACK_HEAD_BYTES + content.size;
	content.sum = bw_sum_of(bw_buf_slice(&looking->content));
	return add(looking->found, &content);
}

static enum bw_err look_through(struct looking *looking, uint32_t pack, int fd)
{
	struct stat status;
	uint64_t at = 0;

	if (fstat(fd, &status) != 0)
		return bw_err_from_errno(errno);
	for (;;) {
		BW_TRY(find_mark(looking, fd, at, &at));
		if (at == UINT64_MAX)
			return BW_OK;
		BW_TRY(read_record(looking, pack, at, &status, &at));
	}
}

static enum bw_err see_pack(void *context, uint32_t pack, uint64_t bytes)
{
	struct looking *looking = context;
	char name[32];
	int fd;
	enum bw_err err;

	(void)bytes;
	if (pack > looking->found->last_pack)
		looking->found->last_pack = pack;
	(void)snprintf(name, sizeof(name), "packs/%08x.pack", pack);
	fd = openat(looking->store, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? BW_OK : bw_err_from_errno(errno);
	err = look_through(looking, pack, fd);
	(void)close(fd);
	return err;
}

/* ---- objects ------------------------------------------------------------------------------------------- */

static enum bw_err see_object(struct looking *looking, unsigned folder, int fd, const char *name)
{
	struct bw_found_content content = { .number = 0 };
	uint8_t bytes[OBJECT_CHARS / 2];
	struct stat status;

	if (strlen(name) != OBJECT_CHARS ||
	    bw_hex_decode(bw_slice_of(name, OBJECT_CHARS), bytes, sizeof(bytes)) != BW_OK ||
	    fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
		return BW_OK;
	for (size_t i = 0; i < sizeof(bytes); i++)
		content.number = content.number << 8 | bytes[i];
	if ((content.number >> 12 & 0xff) != folder || content.number == 0 || content.number > INT64_MAX / 4)
		return BW_OK;
	content.size = (uint64_t)status.st_size;
	content.time_us = bw_clock_of(&status.st_mtim);
	if (looking->volume->strategy == BW_STRATEGY_COPY) /* a reflink is weighed later */
		content.kept_bytes = (uint64_t)status.st_blocks * 512;
	return add(looking->found, &content);
}

static enum bw_err list_folder(struct looking *looking, unsigned folder)
{
	const struct dirent *entry;
	enum bw_err err = BW_OK;
	DIR *listing;
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "objects/%02x", folder & 0xff);
	fd = openat(looking->store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? BW_OK : bw_err_from_errno(errno);
	listing = fdopendir(fd);
	if (listing == NULL) {
		(void)close(fd);
		return BW_ERR_MEMORY;
	}
	while (err == BW_OK && (entry = readdir(listing)) != NULL)
		err = see_object(looking, folder, fd, entry->d_name);
	(void)closedir(listing);
	return err;
}

/* ---- all of it -------------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct bw_found_content *x = a;
	const struct bw_found_content *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at ? 1 : 0;
}

static enum bw_err look(struct looking *looking, const char *packs, struct bw_why *why)
{
	const struct bw_packs_plan plan = { .folder = packs, .read_only = true };

	BW_TRY(bw_packs_open(&plan, &looking->packs, why));
	BW_TRY(bw_packs_list(looking->packs, see_pack, looking));
	for (unsigned folder = 0; folder < FOLDERS; folder++)
		BW_TRY(list_folder(looking, folder));
	return BW_OK;
}

enum bw_err bw_found_look(const struct bw_volume *volume, int store, struct bw_found *out, struct bw_why *why)
{
	struct looking looking = { .found = out,
				   .volume = volume,
				   .store = store,
				   .content = BW_BUF_INIT(BW_PACK_CONTENT_MAX + 1),
				   .window = BW_BUF_INIT(WINDOW_BYTES + 1) };
	char packs[BW_PATH_BYTES];
	enum bw_err err = bw_path_join(packs, volume->store, "packs");

	if (err == BW_OK)
		err = look(&looking, packs, why);
	bw_packs_close(looking.packs);
	bw_buf_release(&looking.content);
	bw_buf_release(&looking.window);
	if (out->count > 0)
		qsort(out->list, out->count, sizeof(*out->list), by_number);
	return err;
}

void bw_found_release(struct bw_found *found)
{
	free(found->list);
	*found = (struct bw_found){ .list = NULL };
}

struct bw_found_content *bw_found_first(const struct bw_found *found, uint64_t number)
{
	size_t low = 0;
	size_t high = found->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (found->list[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < found->count && found->list[low].number == number ? &found->list[low] : NULL;
}

struct bw_found_content *bw_found_next(const struct bw_found *found, const struct bw_found_content *content)
{
	const size_t at = (size_t)(content - found->list) + 1;

	return at < found->count && found->list[at].number == content->number ? &found->list[at] : NULL;
}
