/* Which files are bait: the list of DATA/guard/bait as the index has it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/bait_book.h"
#include "guard/keep_parts.h"
#include "guard/volumes.h"
#include "sys/beneath.h"

/* A restore put it back as another file: under its name, of its size and time. */
static bool find_by_name(const struct bw_volume *volume, struct bw_slice inside, const struct bw_bait *bait,
			 struct bw_file_key *out)
{
	char path[BW_PATH_BYTES];
	struct stat status;
	bool found;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%.*s", BW_ARG(inside));
	if (bw_open_beneath(volume->root, path, O_PATH, 0, &fd) != BW_OK)
		return false;
	found = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == bait->size &&
		status.st_mtim.tv_sec == bait->mtime_s && status.st_mtim.tv_nsec == (long)bait->mtime_ns &&
		bw_volume_key(volume, fd, out) == BW_OK;
	(void)close(fd);
	return found;
}

static bool place(const struct bw_keep *keep, const struct bw_bait *bait, struct bw_copier_bait *out)
{
	const struct bw_guard *guard = keep->guard;
	struct bw_slice inside;
	const struct bw_volume *volume = bw_volumes_find(guard->volumes, guard->volume_count, bait->path, &inside);
	struct bw_index_file known;

	if (volume == NULL)
		return false;
	*out = (struct bw_copier_bait){ .key = bait->key,
					.size = bait->size,
					.mtime_us = bait->mtime_s * 1000000 + bait->mtime_ns / 1000 };
	out->key.volume = volume->number;
	if (bw_index_by_key(guard->index, &out->key, &known) != BW_OK)
		(void)find_by_name(volume, inside, bait, &out->key); /* else it is not kept yet, or gone */
	return true;
}

static enum bw_err give(struct bw_keep *keep, const struct bw_bait_book *book)
{
	struct bw_copier_bait *baits = calloc(book->count + 1, sizeof(*baits));
	size_t count = 0;
	enum bw_err err;

	BW_NEED(baits != NULL, MEMORY);
	for (size_t i = 0; i < book->count; i++)
		count += place(keep, &book->baits[i], &baits[count]);
	err = bw_copier_baits(keep->copier, baits, count);
	free(baits);
	return err;
}

enum bw_err bw_keep_baits(struct bw_keep *keep)
{
	struct bw_bait_book book;
	struct bw_why why = { 0 };
	enum bw_err err;

	BW_TRY(bw_bait_book_init(&book));
	err = bw_bait_book_load(keep->guard->data, &book, &why);
	if (err == BW_OK) {
		err = give(keep, &book);
	} else {
		bw_log(BW_WARNING, "the list of bait files cannot be read", BW_TEXT("why", why.text));
		err = BW_OK;
	}
	bw_bait_book_release(&book);
	return err;
}
