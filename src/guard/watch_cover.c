#include "guard/watch_cover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"

enum {
	PLACES = 32 * 1024, /* folders remembered; each place holds the last one that fell on it */
	NAMES_MOST = 64,    /* counted in a folder */
	NAMES_FEW = 8,      /* from here on each removal is worth a look */
	LISTING_BYTES = 4096,
	FOLDER_BYTES_MOST = 128 * 1024,
	LEVELS_MOST = 64, /* gone up: a call each, while others wait to be seen */
};

struct bw_cover {
	const struct bw_guard *guard;
	bool has_patterns;
	uint32_t age;
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	struct bw_cover_folder folders[PLACES];
};

enum bw_err bw_cover_new(const struct bw_guard *guard, struct bw_cover **out)
{
	struct bw_cover *cover = calloc(1, sizeof(*cover));

	BW_NEED(cover != NULL, MEMORY);
	cover->guard = guard;
	bw_random(cover->key, sizeof(cover->key));
	bw_cover_forget(cover);
	*out = cover;
	return BW_OK;
}

void bw_cover_free(struct bw_cover *cover)
{
	free(cover);
}

void bw_cover_forget(struct bw_cover *cover)
{
	const struct bw_guard_settings *settings = &cover->guard->settings;

	cover->age++;
	cover->has_patterns = false;
	for (size_t i = 0; i < settings->exclude_count; i++)
		cover->has_patterns |= strpbrk(settings->excludes[i], "*?[") != NULL;
}

static bool path_of_open(int fd, char out[BW_PATH_BYTES])
{
	char link[64];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	if (len <= 0)
		return false;
	out[len] = '\0';
	return true;
}

/*
 * Of a folder that lies deeper than a path can say, where the nearest above it lies that a path can name: no tree and
 * no folder that is left out lies between them, as those are paths.
 */
static bool path_or_above(int fd, char out[BW_PATH_BYTES])
{
	bool done = path_of_open(fd, out);
	int at = fd;

	for (unsigned level = 0; !done && errno == ENAMETOOLONG && level < LEVELS_MOST; level++) {
		const int above = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (at != fd)
			(void)close(at);
		at = above;
		if (at < 0)
			return false;
		done = path_of_open(at, out);
	}
	if (at != fd)
		(void)close(at);
	return done;
}

static bool path_of(const struct bw_volume *volume, const struct bw_handle *handle, char out[BW_PATH_BYTES])
{
	bool done;
	int fd;

	if (bw_volume_open(volume, handle, O_PATH | O_DIRECTORY, &fd) != BW_OK)
		return false;
	done = path_or_above(fd, out);
	(void)close(fd);
	return done;
}

static bool covers(const struct bw_cover *cover, const struct bw_volume *volume, const char *path)
{
	const size_t len = strlen(volume->store);

	if (strncmp(path, volume->store, len) == 0 && (path[len] == '/' || path[len] == '\0'))
		return false;
	return bw_guard_settings_cover(&cover->guard->settings, path);
}

struct bw_cover_folder *bw_cover_of(struct bw_cover *cover, const struct bw_volume *volume,
				    const struct bw_file_key *key, const struct bw_handle *handle)
{
	uint8_t bytes[BW_KEY_BYTES];
	struct bw_cover_folder *folder;
	char path[BW_PATH_BYTES];

	bw_file_key_write(key, bytes);
	folder = &cover->folders[bw_siphash(cover->key, bw_slice_of(bytes, sizeof(bytes))) % PLACES];
	if (folder->there && folder->age == cover->age && bw_file_key_equals(&folder->key, key))
		return folder;
	*folder = (struct bw_cover_folder){ .key = *key, .age = cover->age };
	folder->there = path_of(volume, handle, path);
	folder->covered = folder->there && covers(cover, volume, path);
	return folder;
}

/* Names in one piece of a listing that are no folders; NAMES_MOST: as many, or more than one piece. */
static unsigned count_names(int fd)
{
	alignas(struct dirent64) char piece[LISTING_BYTES];
	const ssize_t len = getdents64(fd, piece, sizeof(piece));
	unsigned names = 0;

	for (ssize_t at = 0; at < len;) {
		const struct dirent64 *entry = (const struct dirent64 *)(const void *)(piece + at);

		names += entry->d_type != DT_DIR;
		at += entry->d_reclen;
	}
	if (len <= 0 || getdents64(fd, piece, sizeof(piece)) > 0)
		return NAMES_MOST;
	return names < NAMES_MOST ? names : NAMES_MOST;
}

/* Every folder on the way to it, and itself. */
static void find_way(const struct bw_cover *cover, const char *path, struct bw_event_left *out)
{
	size_t len = strlen(path);

	out->folder = (uint32_t)bw_siphash(cover->key, bw_slice_of(path, len));
	while (out->above_count < BW_EVENT_ABOVE_MAX) {
		while (len > 0 && path[len - 1] != '/')
			len--;
		if (len <= 1)
			return;
		len--;
		out->above[out->above_count++] = (uint32_t)bw_siphash(cover->key, bw_slice_of(path, len));
	}
}

void bw_cover_left(const struct bw_cover *cover, struct bw_cover_folder *folder, const struct bw_volume *volume,
		   const struct bw_handle *handle, struct bw_event_left *out)
{
	char path[BW_PATH_BYTES];
	struct stat status;
	unsigned names = NAMES_MOST;
	int fd;

	*out = (struct bw_event_left){ .names = BW_EVENT_LEFT_MANY };
	if (folder->names > NAMES_FEW) {
		folder->names--;
		return;
	}
	if (bw_volume_open(volume, handle, O_RDONLY | O_DIRECTORY, &fd) != BW_OK)
		return;
	/* a folder that was large keeps its blocks on ext4, and whoever lists it goes through all of them */
	if (fstat(fd, &status) == 0 && status.st_size <= FOLDER_BYTES_MOST)
		names = count_names(fd);
	if (path_of_open(fd, path))
		find_way(cover, path, out);
	(void)close(fd);
	folder->names = (uint8_t)names;
	out->names = names < NAMES_MOST ? (uint16_t)names : BW_EVENT_LEFT_MANY;
}

bool bw_cover_file(struct bw_cover *cover, const struct bw_volume *volume, const struct bw_cover_folder *folder,
		   const struct bw_handle *handle, struct bw_slice name)
{
	char path[BW_PATH_BYTES + BW_EVENT_NAME_BYTES + 2];
	size_t len;

	if (!folder->covered || !cover->has_patterns || name.len == 0)
		return folder->covered;
	if (!path_of(volume, handle, path))
		return false;
	len = strlen(path);
	(void)snprintf(path + len, sizeof(path) - len, "/%.*s", BW_ARG(name));
	return covers(cover, volume, path);
}
