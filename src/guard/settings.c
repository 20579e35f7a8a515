#include "guard/settings.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "guard/data_seen.h"
#include "guard/notice.h"
#include "sys/clock.h"

enum {
	SETTINGS_BYTES_MAX = 4 * 1024 * 1024,
	DAYS_FALLBACK = 30,
	DAYS_MAX = 3660,
};

static const char *const mode_names[] = {
	[BW_MODE_UNSET] = NULL, [BW_MODE_OBSERVE] = "observe", [BW_MODE_HOLD] = "hold", [BW_MODE_ENFORCE] = "enforce"
};

const char *bw_guard_mode_name(enum bw_guard_mode mode)
{
	return mode_names[mode];
}

enum bw_guard_mode bw_guard_mode_of(const char *name)
{
	for (unsigned mode = BW_MODE_OBSERVE; mode <= BW_MODE_ENFORCE; mode++) {
		if (strcmp(name, mode_names[mode]) == 0)
			return (enum bw_guard_mode)mode;
	}
	return BW_MODE_UNSET;
}

/* ---- reading ------------------------------------------------------------------------------ */

static enum bw_err keep_path(struct bw_slice value, struct bw_arena *arena, const char **paths, size_t max,
			     size_t *count)
{
	struct bw_slice copy;

	BW_NEED(value.len > 0 && value.ptr[0] == '/' && value.len < BW_PATH_BYTES, SYNTAX);
	BW_NEED(*count < max, TOO_MANY);
	BW_TRY(bw_arena_copy(arena, value, &copy));
	paths[(*count)++] = (const char *)copy.ptr;
	return BW_OK;
}

static enum bw_err read_mode(struct bw_slice value, enum bw_guard_mode *out)
{
	char name[16];

	BW_NEED(value.len < sizeof(name), SYNTAX);
	memcpy(name, value.ptr, value.len);
	name[value.len] = '\0';
	*out = bw_guard_mode_of(name);
	BW_NEED(*out != BW_MODE_UNSET, SYNTAX);
	return BW_OK;
}

static enum bw_err read_days(struct bw_slice value, uint32_t *out)
{
	uint64_t days;

	BW_TRY(bw_parse_u64(value, &days));
	BW_NEED(days >= 1 && days <= DAYS_MAX, RANGE);
	*out = (uint32_t)days;
	return BW_OK;
}

static enum bw_err read_salt(struct bw_slice value, uint64_t *out)
{
	uint8_t bytes[8];

	BW_TRY(bw_hex_decode(value, bytes, sizeof(bytes)));
	memcpy(out, bytes, sizeof(bytes));
	return BW_OK;
}

static enum bw_err keep_text(struct bw_slice value, struct bw_arena *arena, const char **out)
{
	struct bw_slice copy;

	BW_TRY(bw_arena_copy(arena, value, &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

/* Whom the guard tells, and whom it asks. */
static enum bw_err read_contact(struct bw_slice word, struct bw_slice value, struct bw_arena *arena,
				struct bw_guard_settings *out)
{
	if (bw_slice_is(word, "mail")) {
		BW_NEED(bw_notice_address_is_plain(value), SYNTAX);
		return keep_text(value, arena, &out->mail);
	}
	BW_NEED(value.len > 0 && value.ptr[0] == '/' && value.len < BW_PATH_BYTES, SYNTAX);
	if (bw_slice_is(word, "hook"))
		return keep_text(value, arena, &out->hook);
	if (bw_slice_is(word, "samba"))
		return keep_text(value, arena, &out->samba);
	return BW_ERR_SYNTAX;
}

/* Of the tree that was named last. */
static enum bw_err read_mount(struct bw_slice value, struct bw_arena *arena, struct bw_guard_settings *out)
{
	size_t index = out->tree_count;

	BW_NEED(index-- > 0, SYNTAX);
	return keep_path(value, arena, out->mounts, BW_TREES_MAX, &index);
}

static enum bw_err read_fact(struct bw_slice word, struct bw_slice value, struct bw_arena *arena,
			     struct bw_guard_settings *out)
{
	if (bw_slice_is(word, "tree"))
		return keep_path(value, arena, out->trees, BW_TREES_MAX, &out->tree_count);
	if (bw_slice_is(word, "mount"))
		return read_mount(value, arena, out);
	if (bw_slice_is(word, "exclude"))
		return keep_path(value, arena, out->excludes, BW_EXCLUDES_MAX, &out->exclude_count);
	if (bw_slice_is(word, "copies"))
		return keep_path(value, arena, out->copies, BW_VOLUMES_MAX, &out->copies_count);
	if (bw_slice_is(word, "mode"))
		return read_mode(value, &out->mode);
	if (bw_slice_is(word, "largest"))
		return bw_parse_u64(value, &out->largest_bytes);
	if (bw_slice_is(word, "quota"))
		return bw_parse_u64(value, &out->quota_bytes);
	if (bw_slice_is(word, "inodes"))
		return bw_parse_u64(value, &out->quota_inodes);
	if (bw_slice_is(word, "days"))
		return read_days(value, &out->days);
	if (bw_slice_is(word, "enrolled"))
		return bw_time_parse(value, &out->enrolled_us);
	if (bw_slice_is(word, "salt"))
		return read_salt(value, &out->salt);
	return read_contact(word, value, arena, out);
}

static enum bw_err read_lines(struct bw_slice text, struct bw_arena *arena, struct bw_guard_settings *out,
			      unsigned *out_line)
{
	struct bw_slice line;
	struct bw_slice word;
	struct bw_slice value;

	for (*out_line = 1; text.len > 0; (*out_line)++) {
		if (!bw_slice_cut(text, '\n', &line, &text)) {
			line = text;
			text = bw_slice_empty;
		}
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		BW_NEED(bw_slice_cut(line, ' ', &word, &value), SYNTAX);
		BW_TRY(read_fact(word, value, arena, out));
	}
	return BW_OK;
}

enum bw_err bw_guard_settings_load(const char *data, struct bw_arena *arena, struct bw_guard_settings *out,
				   struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf text = BW_BUF_INIT(SETTINGS_BYTES_MAX);
	struct bw_guard_settings settings = { .days = DAYS_FALLBACK };
	char path[BW_PATH_BYTES];
	char lost[BW_WHY_BYTES];
	unsigned line = 0;
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, "guard/settings"));
	err = bw_file_read(path, &text, why);
	if (err == BW_ERR_NOT_FOUND && bw_data_lost_words(data, lost, sizeof(lost)) == BW_OK)
		return bw_why_set(why, BW_ERR_CONFLICT, "%s", lost);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "nothing is guarded below '%s' yet", data);
	BW_TRY(err);
	err = read_lines(bw_buf_slice(&text), arena, &settings, &line);
	if (err != BW_OK)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' line %u cannot be understood: %s", path, line,
				  bw_err_text(err));
	*out = settings;
	return BW_OK;
}

/* ---- what is away ------------------------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
	const size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

void bw_guard_settings_forget(struct bw_guard_settings *settings, size_t index)
{
	for (size_t i = index; i + 1 < settings->tree_count; i++) {
		settings->trees[i] = settings->trees[i + 1];
		settings->mounts[i] = settings->mounts[i + 1];
		settings->enrolling[i] = settings->enrolling[i + 1];
	}
	settings->tree_count--;
	settings->mounts[settings->tree_count] = NULL; /* it is the next tree's place */
	settings->enrolling[settings->tree_count] = false;
}

void bw_guard_settings_put_away(struct bw_guard_settings *settings, size_t index, size_t at, const char *why)
{
	struct bw_tree_away *away = &settings->away[settings->away_count++];

	away->path = settings->trees[index];
	away->mount = settings->mounts[index];
	away->at = at;
	(void)snprintf(away->why, sizeof(away->why), "%.*s", (int)sizeof(away->why) - 1, why);
	bw_guard_settings_forget(settings, index);
}

const struct bw_tree_away *bw_guard_settings_away(const struct bw_guard_settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->away_count; i++) {
		if (is_below(path, settings->away[i].path))
			return &settings->away[i];
	}
	return NULL;
}

static void put_away_as(struct bw_guard_settings *settings, const struct bw_guard_settings *now)
{
	size_t index = 0;

	for (size_t at = 0; index < settings->tree_count; at++) {
		const struct bw_tree_away *away = bw_guard_settings_away(now, settings->trees[index]);

		if (away != NULL)
			bw_guard_settings_put_away(settings, index, at, away->why);
		else
			index++;
	}
}

enum bw_err bw_guard_settings_reload(const char *data, const struct bw_guard_settings *now, struct bw_arena *arena,
				     struct bw_guard_settings *out, struct bw_why *why)
{
	struct bw_guard_settings settings = { 0 };

	BW_TRY(bw_guard_settings_load(data, arena, &settings, why));
	BW_NEED(settings.tree_count > 0, CLOSED);
	if (settings.salt != now->salt)
		return bw_why_set(why, BW_ERR_CONFLICT, "the settings in '%s' are not whole", data);
	put_away_as(&settings, now);
	*out = settings;
	return BW_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static enum bw_err write_path(struct bw_buf *out, const char *word, const char *path)
{
	BW_NEED(strchr(path, '\n') == NULL, SYNTAX); /* the one byte a line cannot hold */
	return bw_buf_addf(out, "%s %s\n", word, path);
}

static enum bw_err write_tree(struct bw_buf *out, const char *path, const char *mount)
{
	BW_TRY(write_path(out, "tree", path));
	return mount != NULL ? write_path(out, "mount", mount) : BW_OK;
}

/* What is away keeps its place among the others. */
static enum bw_err write_trees(const struct bw_guard_settings *settings, struct bw_buf *out)
{
	const size_t all = settings->tree_count + settings->away_count;
	size_t tree = 0;
	size_t away = 0;

	for (size_t at = 0; at < all; at++) {
		if (away < settings->away_count && (settings->away[away].at <= at || tree == settings->tree_count)) {
			BW_TRY(write_tree(out, settings->away[away].path, settings->away[away].mount));
			away++;
		} else {
			BW_TRY(write_tree(out, settings->trees[tree], settings->mounts[tree]));
			tree++;
		}
	}
	return BW_OK;
}

static enum bw_err write_facts(const struct bw_guard_settings *settings, struct bw_buf *out)
{
	char when[BW_TIME_BYTES];
	char salt[17];

	BW_TRY(bw_buf_add_text(out, "# what breakwater guard protects; read at its start and on reload\n"));
	BW_TRY(write_trees(settings, out));
	for (size_t i = 0; i < settings->exclude_count; i++)
		BW_TRY(write_path(out, "exclude", settings->excludes[i]));
	for (size_t i = 0; i < settings->copies_count; i++)
		BW_TRY(write_path(out, "copies", settings->copies[i]));
	if (settings->mode != BW_MODE_UNSET)
		BW_TRY(bw_buf_addf(out, "mode %s\n", bw_guard_mode_name(settings->mode)));
	if (settings->largest_bytes != 0)
		BW_TRY(bw_buf_addf(out, "largest %llu\n", (unsigned long long)settings->largest_bytes));
	if (settings->quota_bytes != 0)
		BW_TRY(bw_buf_addf(out, "quota %llu\n", (unsigned long long)settings->quota_bytes));
	if (settings->quota_inodes != 0)
		BW_TRY(bw_buf_addf(out, "inodes %llu\n", (unsigned long long)settings->quota_inodes));
	if (settings->mail != NULL)
		BW_TRY(write_path(out, "mail", settings->mail));
	if (settings->hook != NULL)
		BW_TRY(write_path(out, "hook", settings->hook));
	if (settings->samba != NULL)
		BW_TRY(write_path(out, "samba", settings->samba));
	bw_time_format(settings->enrolled_us, when);
	bw_hex_encode(bw_slice_of(&settings->salt, sizeof(settings->salt)), salt);
	return bw_buf_addf(out, "days %u\nenrolled %s\nsalt %s\n", settings->days, when, salt);
}

static enum bw_err make_folders(const char *data, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	enum bw_err err = bw_folder_make(data, why);

	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_path_join(path, data, "guard"));
	err = bw_folder_make(path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

enum bw_err bw_guard_settings_save(const char *data, struct bw_guard_settings *settings, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf text = BW_BUF_INIT(SETTINGS_BYTES_MAX);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(make_folders(data, why));
	while (settings->salt == 0)
		bw_random(&settings->salt, sizeof(settings->salt));
	if (settings->days == 0)
		settings->days = DAYS_FALLBACK;
	err = write_facts(settings, &text);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot write down what is guarded: %s",
				  err == BW_ERR_SYNTAX ? "a path with a line break in it" : bw_err_text(err));
	BW_TRY(bw_path_join(path, data, "guard/settings"));
	return bw_file_write(path, bw_buf_slice(&text), 0600, why);
}

/* ---- what is covered -------------------------------------------------------------------------- */

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

bool bw_guard_settings_cover(const struct bw_guard_settings *settings, const char *path)
{
	bool covered = false;

	for (size_t i = 0; i < settings->tree_count && !covered; i++)
		covered = is_below(path, settings->trees[i]);
	for (size_t i = 0; i < settings->exclude_count && covered; i++) {
		const char *exclude = settings->excludes[i];

		if (is_below(path, exclude) || (is_pattern(exclude) && fnmatch(exclude, path, 0) == 0))
			covered = false;
	}
	return covered;
}

bool bw_guard_settings_leave_out(const struct bw_guard_settings *settings, const char *tree)
{
	static const char any[] = "breakwater any name"; /* that no pattern of somebody's names */
	char below[BW_PATH_BYTES];

	return !bw_guard_settings_cover(settings, tree) ||
	       (bw_path_join(below, tree, any) == BW_OK && !bw_guard_settings_cover(settings, below));
}
