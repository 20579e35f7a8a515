#include "guard/job_book.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sys/files.h"

/* ---- in the ledger ------------------------------------------------------------------------------- */

enum bw_err bw_job_note_parse(struct bw_slice body, struct bw_job_note *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_job_note note;
	struct bw_slice digest;

	BW_TRY(bw_take_u8(&c, &note.act));
	BW_TRY(bw_take_block(&c, BW_JOB_NAME_BYTES - 1, &note.name));
	BW_TRY(bw_take(&c, sizeof(note.digest), &digest));
	BW_TRY(bw_take_be64(&c, &note.passed));
	BW_NEED(note.act >= BW_JOB_ACT_SIGNED && note.act < BW_JOB_ACT_COUNT, RANGE);
	BW_NEED(bw_cursor_left(&c) == 0 && bw_job_name_is_plain(note.name), SYNTAX);
	memcpy(note.digest, digest.ptr, sizeof(note.digest));
	*out = note;
	return BW_OK;
}

enum bw_err bw_job_note_write(const struct bw_job_note *note, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, note->act));
	BW_TRY(bw_buf_add_block(out, note->name));
	BW_TRY(bw_buf_add(out, bw_slice_of(note->digest, sizeof(note->digest))));
	return bw_buf_add_be64(out, note->passed);
}

static struct bw_job_entry *find(struct bw_job_book *book, struct bw_slice name)
{
	for (size_t i = 0; i < book->count; i++) {
		if (bw_slice_is(name, book->list[i].name))
			return &book->list[i];
	}
	return NULL;
}

const struct bw_job_entry *bw_job_book_find(const struct bw_job_book *book, struct bw_slice name)
{
	for (size_t i = 0; i < book->count; i++) {
		if (bw_slice_is(name, book->list[i].name))
			return &book->list[i];
	}
	return NULL;
}

static struct bw_job_entry *room_for(struct bw_job_book *book)
{
	if (book->count < BW_JOBS_MAX)
		return &book->list[book->count++];
	for (size_t i = 0; i < book->count; i++) {
		if (book->list[i].is_revoked)
			return &book->list[i];
	}
	return NULL;
}

enum bw_err bw_job_book_feed(struct bw_job_book *book, const struct bw_ledger_record *record)
{
	struct bw_job_entry *entry;
	struct bw_job_note note;

	if (record->kind != BW_LEDGER_JOB || bw_job_note_parse(record->body, &note) != BW_OK)
		return BW_OK; /* a newer one's note is passed over: its job then counts for nothing */
	entry = find(book, note.name);
	if (entry == NULL) {
		if (note.act != BW_JOB_ACT_SIGNED)
			return BW_OK;
		entry = room_for(book);
		BW_NEED(entry != NULL, TOO_MANY);
		*entry = (struct bw_job_entry){ 0 };
		memcpy(entry->name, note.name.ptr, note.name.len);
	}
	switch (note.act) {
	case BW_JOB_ACT_SIGNED:
		memcpy(entry->digest, note.digest, sizeof(entry->digest));
		entry->is_revoked = false;
		break;
	case BW_JOB_ACT_REVOKED:
		entry->is_revoked = true;
		break;
	case BW_JOB_ACT_BEGAN:
		entry->began_us = record->wall_us;
		entry->ended_us = 0;
		entry->runs++;
		break;
	default:
		entry->ended_us = record->wall_us;
		entry->passed += note.passed;
		break;
	}
	return BW_OK;
}

static enum bw_err see(void *context, const struct bw_ledger_record *record)
{
	return bw_job_book_feed(context, record);
}

enum bw_err bw_job_book_load(const char *data, struct bw_job_book *out, struct bw_why *why)
{
	struct bw_ledger_seen seen;
	enum bw_err err;

	*out = (struct bw_job_book){ 0 };
	err = bw_ledger_read(data, see, out, &seen, why);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* ---- one job ---------------------------------------------------------------------------------------- */

const char *bw_job_worth_name(enum bw_job_worth worth)
{
	static const char *const names[] = {
#define X(name, word) [BW_JOB_##name] = (word),
		BW_JOB_WORTH_ROWS(X)
#undef X
	};

	return names[worth];
}

static enum bw_err read_signer(const char *data, struct bw_node_public *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	char path[BW_PATH_BYTES];
	struct bw_cursor c;

	BW_TRY(bw_path_join(path, data, BW_JOB_SIGNER));
	BW_TRY(bw_file_read(path, &bytes, NULL));
	c = bw_cursor_over(bw_buf_slice(&bytes));
	BW_TRY(bw_node_public_take(&c, out));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	return BW_OK;
}

static enum bw_job_worth say(struct bw_job_found *found, enum bw_job_worth worth, const char *name, const char *what)
{
	(void)bw_why_set(&found->why, BW_OK, "the job '%s' %s", name, what);
	return worth;
}

static enum bw_job_worth worth_of_signature(const char *data, const char *name, struct bw_slice text,
					    struct bw_job_found *out)
{
	struct bw_node_public node;

	if (strcmp(out->file.name, name) != 0)
		return say(out, BW_JOB_ALTERED, name, "was altered: it is called otherwise inside");
	if (read_signer(data, &node) != BW_OK)
		return say(out, BW_JOB_FOREIGN, name, "cannot be checked: whose keys sign here is not known");
	switch (bw_job_check(&out->file, text, &node)) {
	case BW_OK:
		return BW_JOB_GOOD;
	case BW_ERR_MISSING:
		return say(out, BW_JOB_UNSIGNED, name, "is not signed");
	case BW_ERR_CONFLICT:
		return say(out, BW_JOB_FOREIGN, name,
			   "was signed by another node, or by keys that are replaced by now");
	default:
		return say(out, BW_JOB_ALTERED, name, "was altered: its signature does not verify");
	}
}

static enum bw_job_worth worth_of_file(const struct bw_job_book *book, const char *name, struct bw_slice text,
				       struct bw_job_found *out)
{
	const struct bw_job_entry *entry = bw_job_book_find(book, bw_slice_text(name));
	uint8_t digest[BW_SHA256_BYTES];

	if (entry == NULL)
		return say(out, BW_JOB_UNKNOWN, name, "is not one the ledger knows of");
	if (entry->is_revoked)
		return say(out, BW_JOB_REVOKED, name, "was revoked");
	if (bw_sha256(text, digest) != BW_OK || memcmp(digest, entry->digest, sizeof(digest)) != 0)
		return say(out, BW_JOB_ROLLED_BACK, name, "was put back: another of that name was signed since");
	return BW_JOB_GOOD;
}

static enum bw_job_worth worth_of_time(const char *name, int64_t now_us, struct bw_job_found *out)
{
	switch (bw_job_when(&out->file, now_us, &out->until_us)) {
	case BW_OK:
		return BW_JOB_GOOD;
	case BW_ERR_REVOKED:
		return say(out, BW_JOB_EXPIRED, name, "is over: its time has passed");
	default:
		return say(out, BW_JOB_WAITING, name, "may not run at this time");
	}
}

static enum bw_job_worth weigh(const char *data, const struct bw_job_book *book, const char *name, int64_t now_us,
			       struct bw_arena *arena, struct bw_job_found *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_JOB_BYTES_MAX);
	const struct bw_job_entry *entry = bw_job_book_find(book, bw_slice_text(name));
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	enum bw_job_worth worth;

	if (!bw_job_name_is_plain(bw_slice_text(name)))
		return say(out, BW_JOB_UNKNOWN, name, "cannot be called so: letters, digits, '-', '_' and '.'");
	if (bw_path_join(folder, data, BW_JOB_FOLDER) != BW_OK || bw_path_join(path, folder, name) != BW_OK)
		return say(out, BW_JOB_UNREADABLE, name, "has a path that is too long");
	if (!bw_file_exists(path))
		return say(out, entry != NULL && entry->is_revoked ? BW_JOB_REVOKED : BW_JOB_UNKNOWN, name,
			   entry == NULL       ? "is not there"
			   : entry->is_revoked ? "was revoked"
					       : "was signed, and its file is not there");
	if (bw_file_read(path, &text, &out->why) != BW_OK)
		return BW_JOB_UNREADABLE;
	if (bw_job_parse(bw_buf_slice(&text), arena, &out->file) != BW_OK)
		return say(out, BW_JOB_ALTERED, name, "was altered: it is not as 'job sign' writes it");
	out->is_read = true;
	worth = worth_of_signature(data, name, bw_buf_slice(&text), out);
	if (worth == BW_JOB_GOOD)
		worth = worth_of_file(book, name, bw_buf_slice(&text), out);
	return worth == BW_JOB_GOOD ? worth_of_time(name, now_us, out) : worth;
}

void bw_job_find(const char *data, const struct bw_job_book *book, const char *name, int64_t now_us,
		 struct bw_arena *arena, struct bw_job_found *out)
{
	*out = (struct bw_job_found){ 0 };
	out->worth = weigh(data, book, name, now_us, arena, out);
}

/* ---- all ------------------------------------------------------------------------------------------------ */

struct names {
	struct bw_arena *arena;
	const char **list;
	size_t count;
	size_t max;
};

static enum bw_err add_name(struct names *names, const char *name)
{
	struct bw_slice copy;

	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i], name) == 0)
			return BW_OK;
	}
	if (names->count == names->max)
		return BW_OK; /* what is beyond what there can be is nothing of ours */
	BW_TRY(bw_arena_copy(names->arena, bw_slice_text(name), &copy));
	names->list[names->count++] = (const char *)copy.ptr;
	return BW_OK;
}

static enum bw_err add_files(struct names *names, const char *data, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	const struct dirent *entry;
	enum bw_err err = BW_OK;
	DIR *folder;

	BW_TRY(bw_path_join(path, data, BW_JOB_FOLDER));
	folder = opendir(path);
	if (folder == NULL)
		return errno == ENOENT ? BW_OK : bw_why_errno(why, errno, "read", path);
	while (err == BW_OK && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] != '.')
			err = add_name(names, entry->d_name);
	}
	(void)closedir(folder);
	return err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bw_err bw_job_names(const char *data, const struct bw_job_book *book, struct bw_arena *arena, const char **out,
			 size_t max, size_t *out_count, struct bw_why *why)
{
	struct names names = { .arena = arena, .list = out, .max = max };

	for (size_t i = 0; i < book->count; i++) {
		if (!book->list[i].is_revoked)
			BW_TRY(add_name(&names, book->list[i].name));
	}
	BW_TRY(add_files(&names, data, why));
	qsort(names.list, names.count, sizeof(*names.list), compare);
	*out_count = names.count;
	return BW_OK;
}
