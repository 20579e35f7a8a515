#include "guard/watch_cover.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"

enum { PLACES = 32 * 1024 }; /* folders remembered; each place holds the last one that fell on it */

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

static bool path_of(const struct bw_volume *volume, const struct bw_handle *handle, char out[BW_PATH_BYTES])
{
	char link[64];
	ssize_t len;
	int fd;

	if (bw_volume_open(volume, handle, O_PATH | O_DIRECTORY, &fd) != BW_OK)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	(void)close(fd);
	if (len <= 0)
		return false;
	out[len] = '\0';
	return true;
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
