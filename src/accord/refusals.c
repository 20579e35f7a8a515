#include "accord/refusals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { TAG_BYTES = 16, TAG_CHARS = 2 * TAG_BYTES, FILE_MODE = 0600 };

static const char *const files[] = { "refused.1", "refused" };

void bw_refusals_release(struct bw_refusals *r)
{
	bw_buf_release(&r->lines);
	explicit_bzero(r->key, sizeof(r->key));
}

/* ---- under what one is found ---------------------------------------------------------------- */

static enum bw_err read_key(const char *folder, uint8_t key[32], bool make, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(32);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, "refused.key"));
	err = bw_file_read(path, &bytes, why);
	if (err == BW_ERR_NOT_FOUND && make) {
		bw_random(key, 32);
		return bw_file_write(path, bw_slice_of(key, 32), FILE_MODE, why);
	}
	BW_TRY(err);
	if (bytes.len != 32)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
	memcpy(key, bytes.ptr, 32);
	return BW_OK;
}

static void tag_of(const uint8_t key[32], struct bw_slice id, char out[TAG_CHARS + 1])
{
	uint8_t tag[TAG_BYTES];

	for (size_t i = 0; i < 2; i++) {
		const uint64_t hash = bw_siphash(key + i * BW_SIPHASH_KEY_BYTES, id);

		memcpy(tag + 8 * i, &hash, sizeof(hash));
	}
	bw_hex_encode(bw_slice_of(tag, sizeof(tag)), out);
}

/* ---- writing ------------------------------------------------------------------------------------ */

static enum bw_err add_words(struct bw_buf *out, const char *words)
{
	for (size_t i = 0; i < BW_REFUSED_WORDS_MAX && words[i] != '\0'; i++)
		BW_TRY(bw_buf_add_u8(out, (uint8_t)words[i] < ' ' ? ' ' : (uint8_t)words[i]));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_refusals_add(struct bw_refusals *r, struct bw_slice id, uint64_t entry, int64_t time_us,
			    const char *words, struct bw_why *why)
{
	const size_t before = r->lines.len;
	char tag[TAG_CHARS + 1];
	char time[BW_TIME_BYTES];
	enum bw_err err;

	if (!r->has_key)
		BW_TRY(read_key(r->folder, r->key, true, why));
	r->has_key = true;
	tag_of(r->key, id, tag);
	bw_time_format(time_us, time);
	err = bw_buf_addf(&r->lines, "%s %" PRIu64 " %s ", time, entry, tag);
	if (err == BW_OK)
		err = add_words(&r->lines, words);
	if (err != BW_OK)
		r->lines.len = before;
	return err == BW_ERR_TOO_BIG ? BW_OK : err;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static enum bw_err put_aside(const char *folder, const char *path, size_t more, struct bw_why *why)
{
	char old[BW_PATH_BYTES];
	struct stat st;

	if (stat(path, &st) != 0 || (size_t)st.st_size + more <= BW_REFUSED_FILE_BYTES)
		return BW_OK;
	BW_TRY(bw_path_join(old, folder, files[0]));
	return rename(path, old) == 0 ? BW_OK : bw_why_errno(why, errno, "put aside", path);
}

enum bw_err bw_refusals_write(struct bw_refusals *r, struct bw_why *why)
{
	BW_CLEANUP(close_fd) int fd = -1;
	char path[BW_PATH_BYTES];

	if (r->lines.len == 0)
		return BW_OK;
	BW_TRY(bw_path_join(path, r->folder, files[1]));
	BW_TRY(put_aside(r->folder, path, r->lines.len, why));
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0 || bw_fd_write(fd, bw_buf_slice(&r->lines)) != BW_OK)
		return bw_why_errno(why, errno, "write", path);
	bw_buf_clear(&r->lines);
	return BW_OK;
}

/* ---- finding -------------------------------------------------------------------------------------- */

static bool take_line(struct bw_slice line, const char *wanted, struct bw_refusal *out)
{
	struct bw_slice rest;
	struct bw_slice tag;

	return bw_slice_cut(line, ' ', &out->time, &rest) && bw_slice_cut(rest, ' ', &out->entry, &rest) &&
	       bw_slice_cut(rest, ' ', &tag, &out->words) && bw_slice_is(tag, wanted);
}

static enum bw_err find_in(const char *path, const char *tag,
			   enum bw_err (*found)(void *ctx, const struct bw_refusal *refusal), void *ctx,
			   struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * BW_REFUSED_FILE_BYTES);
	const enum bw_err err = bw_file_read(path, &text, why);
	struct bw_slice rest = bw_buf_slice(&text);
	struct bw_slice line;

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		struct bw_refusal refusal;

		if (take_line(line, tag, &refusal))
			BW_TRY(found(ctx, &refusal));
	}
	return BW_OK;
}

enum bw_err bw_refusals_find(const char *folder, struct bw_slice id,
			     enum bw_err (*found)(void *ctx, const struct bw_refusal *refusal), void *ctx,
			     struct bw_why *why)
{
	char tag[TAG_CHARS + 1];
	uint8_t key[32];
	enum bw_err err = read_key(folder, key, false, why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	tag_of(key, id, tag);
	for (size_t i = 0; i < BW_COUNT(files); i++) {
		char path[BW_PATH_BYTES];

		BW_TRY(bw_path_join(path, folder, files[i]));
		BW_TRY(find_in(path, tag, found, ctx, why));
	}
	return BW_OK;
}
