/*
 * What every writer does first: what lies in the store and what the catalogue says of it are made to agree.
 *
 * A content without a row goes: its version was never committed, or was forgotten before its content could be removed.
 * A row without its content goes too, as nothing brings it back: whoever walks the trees takes the file again. After a
 * power cut what had not been synced is not believed either: packed contents are read and compared with their sum, the
 * rest has none.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "guard/shadow_parts.h"

enum { OBJECT_CHARS = 16, FOLDERS = 256, MACHINE_BYTES = 96 };

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* Grows as it is added to; sorted when it is looked through. */
struct numbers {
	uint64_t *list;
	size_t count;
	size_t room;
};

struct pack_size {
	uint64_t number;
	uint64_t bytes;
};

struct mending {
	struct bw_shadow *shadow;
	struct numbers objects;
	size_t at; /* of them, in the order of numbers: how far the rows have come */
	struct pack_size *packs;
	size_t pack_count;
	size_t pack_room;
	struct numbers lost;
	bool in_doubt; /* the machine went down since */
	uint64_t synced;
};

static enum bw_err add_number(struct numbers *numbers, uint64_t number)
{
	if (numbers->count == numbers->room) {
		const size_t room = numbers->room == 0 ? 1024 : 2 * numbers->room;
		uint64_t *list = realloc(numbers->list, room * sizeof(*list));

		BW_NEED(list != NULL, MEMORY);
		numbers->list = list;
		numbers->room = room;
	}
	numbers->list[numbers->count++] = number;
	return BW_OK;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/* ---- which machine, since when ------------------------------------------------------------------- */

/* As long as this is the same, what the kernel was given is still there. */
static void machine(const struct bw_shadow *shadow, char out[MACHINE_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf boot = BW_BUF_INIT(64);
	struct stat status = { .st_dev = 0 };

	out[0] = '\0';
	if (bw_file_read(BOOT_ID, &boot, NULL) != BW_OK || fstat(shadow->folder, &status) != 0)
		return; /* never the same as anything */
	(void)snprintf(out, MACHINE_BYTES, "%.36s %u:%u", bw_buf_text(&boot), major(status.st_dev),
		       minor(status.st_dev));
}

static enum bw_err look_at_machine(struct mending *mending)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf saved = BW_BUF_INIT(MACHINE_BYTES);
	struct bw_shadow *shadow = mending->shadow;
	char now[MACHINE_BYTES];
	enum bw_err err = bw_shelf_setting_get(shadow->shelf, "machine", &saved);

	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	machine(shadow, now);
	mending->in_doubt = now[0] == '\0' || !bw_slice_is(bw_buf_slice(&saved), now);
	BW_TRY(bw_shadow_number(shadow, "synced", &mending->synced));
	if (!mending->in_doubt)
		return BW_OK;
	return bw_shelf_setting_put(shadow->shelf, "machine", bw_slice_text(now));
}

/* ---- what is there ---------------------------------------------------------------------------------- */

static enum bw_err see_object(struct mending *mending, unsigned folder, const char *name)
{
	uint8_t bytes[OBJECT_CHARS / 2];
	uint64_t number = 0;

	/* what is not ours stays: the store is root's, and root may have put it there */
	if (strlen(name) != OBJECT_CHARS ||
	    bw_hex_decode(bw_slice_of(name, OBJECT_CHARS), bytes, sizeof(bytes)) != BW_OK)
		return BW_OK;
	for (size_t i = 0; i < sizeof(bytes); i++)
		number = number << 8 | bytes[i];
	return (number >> 12 & 0xff) == folder ? add_number(&mending->objects, number) : BW_OK;
}

static enum bw_err list_folder(struct mending *mending, unsigned folder)
{
	const struct dirent *entry;
	enum bw_err err = BW_OK;
	DIR *listing;
	char name[8];
	int fd;

	(void)snprintf(name, sizeof(name), "%02x", folder & 0xff);
	fd = openat(mending->shadow->objects, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? BW_OK : bw_err_from_errno(errno);
	listing = fdopendir(fd);
	if (listing == NULL) {
		(void)close(fd);
		return BW_ERR_MEMORY;
	}
	while (err == BW_OK && (entry = readdir(listing)) != NULL)
		err = see_object(mending, folder, entry->d_name);
	(void)closedir(listing);
	return err;
}

static enum bw_err see_pack(void *context, uint32_t pack, uint64_t bytes)
{
	struct mending *mending = context;

	if (mending->pack_count == mending->pack_room) {
		const size_t room = mending->pack_room == 0 ? 64 : 2 * mending->pack_room;
		struct pack_size *packs = realloc(mending->packs, room * sizeof(*packs));

		BW_NEED(packs != NULL, MEMORY);
		mending->packs = packs;
		mending->pack_room = room;
	}
	mending->packs[mending->pack_count++] = (struct pack_size){ pack, bytes };
	return BW_OK;
}

static enum bw_err list_all(struct mending *mending)
{
	for (unsigned folder = 0; folder < FOLDERS; folder++)
		BW_TRY(list_folder(mending, folder));
	if (mending->objects.count > 0)
		qsort(mending->objects.list, mending->objects.count, sizeof(uint64_t), by_number);
	mending->shadow->object_count = mending->objects.count;
	BW_TRY(bw_packs_list(mending->shadow->packs, see_pack, mending));
	if (mending->pack_count > 0)
		qsort(mending->packs, mending->pack_count, sizeof(*mending->packs), by_number);
	return BW_OK;
}

/* ---- row by row --------------------------------------------------------------------------------------- */

static void remove_orphan(struct mending *mending, uint64_t number)
{
	bw_object_remove(mending->shadow, number);
	mending->shadow->mended.orphans++;
}

/* True when the object of this row is there; those without a row go on the way. */
static bool find_object(struct mending *mending, uint64_t number)
{
	struct numbers *objects = &mending->objects;

	while (mending->at < objects->count && objects->list[mending->at] < number)
		remove_orphan(mending, objects->list[mending->at++]);
	if (mending->at == objects->count || objects->list[mending->at] != number)
		return false;
	mending->at++;
	return true;
}

static bool is_whole(struct mending *mending, const struct bw_shelf_place *place)
{
	struct bw_buf *content = &mending->shadow->content;

	bw_buf_clear(content);
	return bw_packs_read(mending->shadow->packs, place->pack, place->at, place->number, content) == BW_OK &&
	       content->len == place->size;
}

static bool is_packed(struct mending *mending, const struct bw_shelf_place *place)
{
	const uint64_t wanted = place->pack;
	const struct pack_size *pack = mending->pack_count == 0 ? NULL
								: bsearch(&wanted, mending->packs, mending->pack_count,
									  sizeof(*mending->packs), by_number);

	if (pack == NULL || place->at + BW_PACK_HEAD_BYTES + place->size > pack->bytes)
		return false;
	return !mending->in_doubt || place->number <= mending->synced || is_whole(mending, place);
}

static enum bw_err see_row(void *context, const struct bw_shelf_place *place)
{
	struct mending *mending = context;
	bool there;

	if (!S_ISREG(place->kind))
		return BW_OK;
	if (place->pack != 0)
		there = is_packed(mending, place);
	else
		/* one that an incident holds is better than none, whatever the power cut made of it */
		there = find_object(mending, place->number) &&
			(!mending->in_doubt || place->number <= mending->synced || place->is_pinned);
	if (there)
		return BW_OK;
	mending->shadow->mended.lost_pinned += place->is_pinned ? 1 : 0;
	return add_number(&mending->lost, place->number);
}

static enum bw_err forget_lost(struct mending *mending)
{
	struct bw_shadow *shadow = mending->shadow;

	for (size_t i = 0; i < mending->lost.count; i++)
		BW_TRY(bw_shelf_lose(shadow->shelf, mending->lost.list[i]));
	shadow->mended.lost = mending->lost.count;
	/* for good: only then may a content of theirs go, or its number come again */
	return bw_shelf_sync(shadow->shelf);
}

static enum bw_err remove_empty_packs(struct mending *mending)
{
	struct bw_shadow *shadow = mending->shadow;

	for (size_t i = 0; i < mending->pack_count; i++) {
		const uint32_t pack = (uint32_t)mending->packs[i].number;
		uint64_t left = 0;

		BW_TRY(bw_shelf_pack_bytes(shadow->shelf, pack, &left));
		if (left > 0 || pack == bw_packs_number(shadow->packs))
			continue;
		BW_TRY(bw_packs_remove(shadow->packs, pack));
		shadow->mended.packs++;
	}
	return BW_OK;
}

static enum bw_err mend(struct mending *mending)
{
	enum bw_err err;

	BW_TRY(look_at_machine(mending));
	BW_TRY(list_all(mending));
	BW_TRY(bw_shelf_places(mending->shadow->shelf, see_row, mending));
	while (mending->at < mending->objects.count)
		remove_orphan(mending, mending->objects.list[mending->at++]);
	err = forget_lost(mending);
	if (err == BW_ERR_DISK_FULL && bw_shelf_held_bytes(mending->shadow->shelf) > 0)
		return BW_OK; /* it is forgotten when there is room; what is waste stays until the next start */
	BW_TRY(err);
	for (size_t i = 0; i < mending->lost.count; i++)
		bw_object_remove(mending->shadow, mending->lost.list[i]);
	return remove_empty_packs(mending);
}

enum bw_err bw_shadow_mend(struct bw_shadow *shadow)
{
	struct mending mending = { .shadow = shadow };
	const enum bw_err err = mend(&mending);

	free(mending.objects.list);
	free(mending.lost.list);
	free(mending.packs);
	return err;
}
