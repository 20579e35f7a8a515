/* Keys by day: what was sealed under one is gone when it is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "accord/outbound_inner.h"
#include "base/num.h"
#include "sys/files.h"

enum { KEY_NAME_BYTES = 32, KEY_MODE = 0600 };

static enum bw_err key_path(const struct bw_outbound *out, int64_t day, char path[BW_PATH_BYTES])
{
	char name[KEY_NAME_BYTES];

	(void)snprintf(name, sizeof(name), "keys/%lld", (long long)day);
	return bw_outbound_path(out, name, path);
}

/* On disk before anything is sealed under it: a key that is lost erases. */
static enum bw_err make_key(const char *path, struct bw_secret *key, struct bw_why *why)
{
	BW_TRY(bw_secret_make(key, BW_AEAD_KEY_BYTES));
	bw_random(key->ptr, key->len);
	return bw_file_create(path, bw_secret_slice(key), KEY_MODE, why);
}

static enum bw_err read_key(const char *path, struct bw_secret *key, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(BW_AEAD_KEY_BYTES);

	BW_TRY(bw_file_read(path, &bytes, why));
	if (bytes.len != BW_AEAD_KEY_BYTES)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is no key", path);
	return bw_secret_set(key, bw_buf_slice(&bytes));
}

static enum bw_err open_key(struct bw_outbound *out, int64_t day, bool make, struct bw_aead **aead, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(key_path(out, day, path));
	err = read_key(path, &key, why);
	if (err == BW_ERR_NOT_FOUND && make)
		err = make_key(path, &key, why);
	BW_TRY(err);
	return bw_aead_new(bw_secret_slice(&key), aead);
}

enum bw_err bw_outbound_key(struct bw_outbound *out, int64_t day, bool make, struct bw_aead **aead, struct bw_why *why)
{
	struct bw_outbound_key *slot;

	for (size_t i = 0; i < BW_OUTBOUND_KEYS_OPEN; i++)
		if (out->keys[i].aead != NULL && out->keys[i].day == day) {
			*aead = out->keys[i].aead;
			return BW_OK;
		}
	slot = &out->keys[out->next_key];
	BW_TRY(open_key(out, day, make, aead, why));
	out->next_key = (out->next_key + 1) % BW_OUTBOUND_KEYS_OPEN;
	bw_aead_free(slot->aead);
	*slot = (struct bw_outbound_key){ day, *aead };
	return BW_OK;
}

void bw_outbound_keys_close(struct bw_outbound *out)
{
	for (size_t i = 0; i < BW_OUTBOUND_KEYS_OPEN; i++)
		bw_aead_free(out->keys[i].aead);
	memset(out->keys, 0, sizeof(out->keys));
}

/* ---- destroying ---------------------------------------------------------------------------------- */

/*
 * Written over before the name goes: on most file systems the same blocks are written. Those that write elsewhere
 * (Btrfs, flash below) may keep a copy for a while: docs/tlog.md says so.
 */
static enum bw_err destroy(const char *path, struct bw_why *why)
{
	BW_CLEANUP(bw_close_fd) const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	uint8_t noise[BW_AEAD_KEY_BYTES];

	if (fd < 0)
		return bw_why_errno(why, errno, "erase", path);
	bw_random(noise, sizeof(noise));
	if (bw_fd_write(fd, bw_slice_of(noise, sizeof(noise))) != BW_OK || fsync(fd) != 0 || unlink(path) != 0)
		return bw_why_errno(why, errno, "erase", path);
	return BW_OK;
}

static void free_folder(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

static bool is_before(const struct dirent *row, int64_t before_day)
{
	int64_t day;

	return bw_parse_i64(bw_slice_text(row->d_name), &day) == BW_OK && day < before_day;
}

bool bw_outbound_is_due(const char *folder, int64_t now_us, bool everything)
{
	BW_CLEANUP(free_folder) DIR *keys = NULL;
	char path[BW_PATH_BYTES];
	const struct dirent *row;

	if (bw_path_join(path, folder, "keys") != BW_OK || (keys = opendir(path)) == NULL)
		return false;
	while ((row = readdir(keys)) != NULL)
		if (is_before(row, everything ? INT64_MAX : bw_outbound_day(now_us)))
			return true;
	return false;
}

enum bw_err bw_outbound_keys_destroy(struct bw_outbound *out, int64_t before_day, size_t *out_count, struct bw_why *why)
{
	BW_CLEANUP(free_folder) DIR *folder = NULL;
	char path[BW_PATH_BYTES];
	const struct dirent *row;
	size_t count = 0;

	BW_TRY(bw_outbound_path(out, "keys", path));
	folder = opendir(path);
	if (folder == NULL)
		return bw_why_errno(why, errno, "read", path);
	bw_outbound_keys_close(out);
	while ((row = readdir(folder)) != NULL) {
		char key[BW_PATH_BYTES];

		if (!is_before(row, before_day))
			continue;
		BW_TRY(bw_path_join(key, path, row->d_name));
		BW_TRY(destroy(key, why));
		count++;
	}
	*out_count = count;
	return count == 0 ? BW_OK : bw_folder_sync(path, why);
}
