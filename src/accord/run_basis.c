/* Whether a document that has come, changed or gone concerns anybody who works. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "accord/run_plan.h"
#include "desk/folder.h"
#include "sys/files.h"

#define ARENA_BYTES (256 * BW_MIB)

enum { PEER_FILE_MAX = 1024 * 1024, ROWS_BYTES = 16 * 1024 * 1024 };

/* One block for each thing: its own hash, so that nothing runs into the next. */
static enum bw_err add_hash(struct bw_buf *rows, struct bw_slice bytes)
{
	uint8_t hash[BW_SHA256_BYTES];

	BW_TRY(bw_sha256(bytes, hash));
	return bw_buf_add(rows, bw_slice_of(hash, sizeof(hash)));
}

static enum bw_err add_accords(struct bw_book *book, struct bw_buf *rows, struct bw_why *why)
{
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(bw_book_list(book, &entries, &count, why));
	for (size_t i = 0; i < count; i++) {
		if (entries[i].now == NULL)
			continue;
		BW_TRY(add_hash(rows, entries[i].id));
		BW_TRY(bw_buf_add_u8(rows, (uint8_t)entries[i].state));
		BW_TRY(bw_buf_add(rows, bw_slice_of(entries[i].now->hash, BW_SHA256_BYTES)));
	}
	return BW_OK;
}

static void free_folder(DIR **folder)
{
	if (*folder != NULL)
		(void)closedir(*folder);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 2 * (size_t)BW_SHA256_BYTES);
}

/* Name and content of each file, in an order that the folder's own does not matter to. */
static enum bw_err add_folder(const char *path, struct bw_buf *rows, struct bw_why *why)
{
	BW_CLEANUP(free_folder) DIR *folder = opendir(path);
	const size_t before = rows->len;
	const struct dirent *at;

	if (folder == NULL)
		return errno == ENOENT ? BW_OK : bw_why_errno(why, errno, "read", path);
	while ((at = readdir(folder)) != NULL) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(PEER_FILE_MAX);
		char file[BW_PATH_BYTES];
		enum bw_err err;

		if (at->d_name[0] == '.')
			continue;
		BW_TRY(bw_path_join(file, path, at->d_name));
		err = bw_file_read(file, &bytes, why);
		if (err == BW_ERR_NOT_FOUND) /* gone meanwhile: that is seen the next time */
			continue;
		BW_TRY(err);
		BW_TRY(add_hash(rows, bw_slice_text(at->d_name)));
		BW_TRY(add_hash(rows, bw_buf_slice(&bytes)));
	}
	if (rows->len > before)
		qsort(rows->ptr + before, (rows->len - before) / (2 * (size_t)BW_SHA256_BYTES),
		      2 * (size_t)BW_SHA256_BYTES, by_bytes);
	return BW_OK;
}

static enum bw_err add_own(const char *data, struct bw_buf *rows, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	const enum bw_err err = bw_papers_own(data, &envelope, why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	return add_hash(rows, bw_buf_slice(&envelope));
}

enum bw_err bw_run_basis(const char *data, uint8_t out[BW_SHA256_BYTES], struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(ROWS_BYTES);
	struct bw_place peers;
	struct bw_book book;

	BW_TRY(bw_book_open(data, &arena, &book, why));
	BW_TRY(add_accords(&book, &rows, why));
	BW_TRY(bw_buf_add_text(&rows, "peers"));
	BW_TRY(bw_folder_place(data, "accord/peers", &peers));
	BW_TRY(add_folder(peers.path, &rows, why));
	BW_TRY(bw_buf_add_text(&rows, "own"));
	BW_TRY(add_own(data, &rows, why));
	return bw_sha256(bw_buf_slice(&rows), out);
}
