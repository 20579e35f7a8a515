#include "accord/hold.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "desk/folder.h"
#include "sys/clock.h"
#include "sys/files.h"

#define MAGIC "BWHELD1\n"
#define ANSWER ".answer"

enum {
	ID_MAX = 64 * 1024,
	FILE_MAX = 256 * 1024,
	KEY_LEAST = 8,
	ACCORD_ID_MAX = 64,
	WHO_MAX = 256,
};

void bw_held_key(struct bw_slice id, struct bw_slice version, char out[BW_HELD_KEY_CHARS + 1])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * (size_t)FILE_MAX);
	uint8_t hash[BW_SHA256_BYTES] = { 0 };

	/* what does not fit is no id that the store holds */
	if (bw_buf_add(&text, id) == BW_OK && bw_buf_add_u8(&text, 0) == BW_OK && bw_buf_add(&text, version) == BW_OK)
		bw_err_drop(bw_sha256(bw_buf_slice(&text), hash)); /* all zero: one key for all that cannot be hashed */
	bw_hex_encode(bw_slice_of(hash, BW_HELD_KEY_CHARS / 2), out);
}

/* ---- places ------------------------------------------------------------------------------ */

/* An accord's id has no slash and no dot (accord/accord.h); who asks for another finds nothing. */
static enum bw_err folder_of(const char *data, struct bw_slice accord_id, struct bw_place *out)
{
	char name[ACCORD_ID_MAX + 32];

	BW_NEED(accord_id.len > 0 && accord_id.len <= ACCORD_ID_MAX, NOT_FOUND);
	for (size_t i = 0; i < accord_id.len; i++)
		BW_NEED(bw_is_alnum(accord_id.ptr[i]) || accord_id.ptr[i] == '-', NOT_FOUND);
	(void)snprintf(name, sizeof(name), "accord/out/%.*s/held", BW_ARG(accord_id));
	return bw_folder_place(data, name, out);
}

static enum bw_err file_of(const struct bw_place *folder, const char *key, const char *ending, char out[BW_PATH_BYTES])
{
	char name[BW_HELD_KEY_CHARS + 16];

	(void)snprintf(name, sizeof(name), "%.*s%s", BW_HELD_KEY_CHARS, key, ending);
	return bw_path_join(out, folder->path, name);
}

/* ---- files --------------------------------------------------------------------------------- */

static enum bw_err write_held(const struct bw_held_object *held, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, MAGIC));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)held->date_added_us));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)held->since_us));
	BW_TRY(bw_buf_add_block(out, held->id));
	BW_TRY(bw_buf_add_block(out, held->version));
	return bw_buf_add_block(out, bw_slice_sub(held->words, 0, BW_HELD_WORDS_MAX));
}

static enum bw_err take_magic(struct bw_cursor *c)
{
	struct bw_slice magic;

	BW_TRY(bw_take(c, sizeof(MAGIC) - 1, &magic));
	return bw_slice_is(magic, MAGIC) ? BW_OK : BW_ERR_SYNTAX;
}

enum bw_err bw_held_read(struct bw_slice bytes, struct bw_held_object *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	uint64_t added;
	uint64_t since;

	BW_TRY(take_magic(&c));
	BW_TRY(bw_take_be64(&c, &added));
	BW_TRY(bw_take_be64(&c, &since));
	BW_TRY(bw_take_block(&c, ID_MAX, &out->id));
	BW_TRY(bw_take_block(&c, ID_MAX, &out->version));
	BW_TRY(bw_take_block(&c, BW_HELD_WORDS_MAX, &out->words));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	out->date_added_us = (int64_t)added;
	out->since_us = (int64_t)since;
	bw_held_key(out->id, out->version, out->key);
	return BW_OK;
}

enum bw_err bw_held_read_answer(struct bw_slice bytes, struct bw_held_object *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	uint8_t answer;
	uint64_t time;

	BW_TRY(take_magic(&c));
	BW_TRY(bw_take_u8(&c, &answer));
	BW_NEED(answer == BW_HELD_RELEASED || answer == BW_HELD_REFUSED, SYNTAX);
	BW_TRY(bw_take_be64(&c, &time));
	BW_TRY(bw_take_block(&c, WHO_MAX, &out->who));
	BW_TRY(bw_take_block(&c, BW_HELD_REASON_MAX, &out->reason));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	out->answer = answer;
	out->answered_us = (int64_t)time;
	return BW_OK;
}

/* The file's text, kept. */
static enum bw_err read_kept(const char *path, struct bw_arena *arena, struct bw_slice *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(FILE_MAX);

	BW_TRY(bw_file_read(path, &bytes, why));
	return bw_arena_copy(arena, bw_buf_slice(&bytes), out);
}

static enum bw_err load(const struct bw_place *folder, const char *key, struct bw_arena *arena,
			struct bw_held_object *out, struct bw_why *why)
{
	struct bw_held_object held = { .answer = BW_HELD_WAITS, .who = bw_slice_empty, .reason = bw_slice_empty };
	char path[BW_PATH_BYTES];
	struct bw_slice bytes;

	BW_TRY(file_of(folder, key, "", path));
	BW_TRY(read_kept(path, arena, &bytes, why));
	if (bw_held_read(bytes, &held) != BW_OK || strncmp(held.key, key, BW_HELD_KEY_CHARS) != 0)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' is damaged", path);
	BW_TRY(file_of(folder, key, ANSWER, path));
	if (bw_file_exists(path)) {
		BW_TRY(read_kept(path, arena, &bytes, why));
		if (bw_held_read_answer(bytes, &held) != BW_OK)
			return bw_why_set(why, BW_ERR_SYNTAX, "'%s' is damaged", path);
	}
	*out = held;
	return BW_OK;
}

/* ---- the ledger's half ------------------------------------------------------------------------- */

static bool is_key(const char *name)
{
	size_t len = 0;

	while (bw_hex_value((uint8_t)name[len]) >= 0)
		len++;
	return len == BW_HELD_KEY_CHARS && name[len] == '\0';
}

static size_t count_held(const struct bw_place *folder)
{
	DIR *dir = opendir(folder->path);
	const struct dirent *entry;
	size_t count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += is_key(entry->d_name);
	(void)closedir(dir);
	return count;
}

enum bw_err bw_hold_put(const char *data, struct bw_slice accord_id, const struct bw_held_object *held,
			struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(FILE_MAX);
	char key[BW_HELD_KEY_CHARS + 1];
	char path[BW_PATH_BYTES];
	struct bw_place folder;
	enum bw_err err;

	bw_held_key(held->id, held->version, key);
	BW_TRY(folder_of(data, accord_id, &folder));
	BW_TRY(bw_folder_need(folder.path, why));
	BW_TRY(file_of(&folder, key, "", path));
	if (bw_file_exists(path))
		return BW_OK;
	if (count_held(&folder) >= BW_HELD_MAX)
		return bw_why_set(why, BW_ERR_TOO_MANY, "%d objects wait for a person already", BW_HELD_MAX);
	BW_TRY(write_held(held, &bytes));
	err = bw_file_create(path, bw_buf_slice(&bytes), 0600, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

static enum bw_err drop_file(const char *path, struct bw_why *why)
{
	if (unlink(path) != 0 && errno != ENOENT)
		return bw_why_errno(why, errno, "remove", path);
	return BW_OK;
}

enum bw_err bw_hold_done(const char *data, struct bw_slice accord_id, const char *key, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	struct bw_place folder;

	BW_TRY(folder_of(data, accord_id, &folder));
	/* the object first: an answer without one is nothing, an object without its answer would ask again */
	BW_TRY(file_of(&folder, key, "", path));
	BW_TRY(drop_file(path, why));
	BW_TRY(file_of(&folder, key, ANSWER, path));
	BW_TRY(drop_file(path, why));
	return bw_folder_sync(folder.path, why);
}

/* ---- both ------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const struct bw_held_object *x = a;
	const struct bw_held_object *y = b;

	if (x->since_us != y->since_us)
		return x->since_us < y->since_us ? -1 : 1;
	return strcmp(x->key, y->key);
}

static enum bw_err load_all(DIR *dir, const struct bw_place *folder, struct bw_arena *arena,
			    struct bw_held_object *held, size_t *count)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL && *count < BW_HELD_MAX) {
		struct bw_why why = { 0 };
		enum bw_err err;

		if (!is_key(entry->d_name))
			continue;
		err = load(folder, entry->d_name, arena, &held[*count], &why);
		BW_NEED(err != BW_ERR_MEMORY, MEMORY);
		if (err == BW_OK)
			(*count)++;
		else if (err != BW_ERR_NOT_FOUND) /* it was dealt with while we looked */
			bw_log(BW_ERROR, "an object on hold cannot be read", BW_TEXT("why", why.text));
	}
	return BW_OK;
}

enum bw_err bw_hold_list(const char *data, struct bw_slice accord_id, struct bw_arena *arena,
			 struct bw_held_object **out, size_t *out_count, struct bw_why *why)
{
	struct bw_held_object *held;
	struct bw_place folder;
	size_t count = 0;
	enum bw_err err;
	DIR *dir;

	BW_TRY(folder_of(data, accord_id, &folder));
	*out = NULL;
	*out_count = 0;
	dir = opendir(folder.path);
	if (dir == NULL)
		return errno == ENOENT ? BW_OK : bw_why_errno(why, errno, "read", folder.path);
	held = bw_arena_zero(arena, BW_HELD_MAX, sizeof(*held));
	err = held == NULL ? BW_ERR_MEMORY : load_all(dir, &folder, arena, held, &count);
	(void)closedir(dir);
	BW_TRY(err);
	qsort(held, count, sizeof(*held), by_time);
	*out = held;
	*out_count = count;
	return BW_OK;
}

enum bw_err bw_hold_find(const char *data, struct bw_slice accord_id, const char *key, struct bw_arena *arena,
			 struct bw_held_object *out, struct bw_why *why)
{
	struct bw_held_object *held;
	size_t count;
	size_t found = 0;
	const size_t len = strlen(key);

	BW_TRY(bw_hold_list(data, accord_id, arena, &held, &count, why));
	for (size_t i = 0; i < count && len >= KEY_LEAST; i++) {
		if (strncmp(held[i].key, key, len) != 0)
			continue;
		*out = held[i];
		found++;
	}
	if (found == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing on hold is called '%s' under '%.*s'", key,
				  BW_ARG(accord_id));
	if (found > 1)
		return bw_why_set(why, BW_ERR_CONFLICT, "several on hold begin with '%s': say more of it", key);
	return BW_OK;
}

/* ---- a person's half ----------------------------------------------------------------------------- */

enum bw_err bw_hold_answer(const char *data, struct bw_slice accord_id, const char *key, enum bw_held_answer answer,
			   struct bw_slice who, struct bw_slice reason, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(FILE_MAX);
	char path[BW_PATH_BYTES];
	struct bw_place folder;
	enum bw_err err;

	BW_NEED(answer != BW_HELD_WAITS && reason.len <= BW_HELD_REASON_MAX && who.len <= WHO_MAX, RANGE);
	BW_TRY(folder_of(data, accord_id, &folder));
	BW_TRY(bw_buf_add_text(&bytes, MAGIC));
	BW_TRY(bw_buf_add_u8(&bytes, (uint8_t)answer));
	BW_TRY(bw_buf_add_be64(&bytes, (uint64_t)bw_clock_now_us()));
	BW_TRY(bw_buf_add_block(&bytes, who));
	BW_TRY(bw_buf_add_block(&bytes, reason));
	BW_TRY(file_of(&folder, key, ANSWER, path));
	err = bw_file_create(path, bw_buf_slice(&bytes), 0600, why);
	return err == BW_ERR_EXISTS ? bw_why_set(why, err, "somebody has answered already") : err;
}
