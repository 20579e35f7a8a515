/* The folders: written so that a name means a whole report, checked file by file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/evidence.h"

enum { NAMES_MOST = 4096 };

#define PARTIAL "report.new"

/* ---- places ------------------------------------------------------------------------------------ */

enum bw_err bw_evidence_place(const char *data, uint64_t incident, char out[BW_PATH_BYTES])
{
	char name[64];

	(void)snprintf(name, sizeof(name), BW_EVIDENCE_FOLDER "/%" PRIu64, incident);
	return bw_path_join(out, data, name);
}

enum bw_err bw_evidence_report(const char *data, uint64_t incident, uint32_t number, char out[BW_PATH_BYTES])
{
	char name[96];

	(void)snprintf(name, sizeof(name), BW_EVIDENCE_FOLDER "/%" PRIu64 "/report-%" PRIu32, incident, number);
	return bw_path_join(out, data, name);
}

static enum bw_err make_place(const char *data, uint64_t incident, char out[BW_PATH_BYTES], struct bw_why *why)
{
	enum bw_err err;

	BW_TRY(bw_path_join(out, data, BW_EVIDENCE_FOLDER));
	err = bw_folder_make(out, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_evidence_place(data, incident, out));
	err = bw_folder_make(out, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* ---- names in a folder ----------------------------------------------------------------------------- */

/* Calls `see` with every name but "." and ".."; NOT_FOUND without such a folder. */
static enum bw_err each_name(const char *folder, enum bw_err (*see)(void *context, const char *name), void *context)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	enum bw_err err = BW_OK;

	if (dir == NULL)
		return bw_err_from_errno(errno);
	for (unsigned n = 0; n < NAMES_MOST && err == BW_OK && (entry = readdir(dir)) != NULL; n++) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			err = see(context, entry->d_name);
	}
	(void)closedir(dir);
	return err;
}

struct numbers {
	uint32_t list[NAMES_MOST];
	size_t count;
};

static enum bw_err see_report(void *context, const char *name)
{
	struct numbers *numbers = context;
	uint64_t number;

	if (strncmp(name, "report-", 7) == 0 && bw_parse_u64(bw_slice_text(name + 7), &number) == BW_OK &&
	    number <= UINT32_MAX && number > 0 && numbers->count < NAMES_MOST)
		numbers->list[numbers->count++] = (uint32_t)number;
	return BW_OK;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Rising; empty when there is no folder. The caller frees. */
static struct numbers *reports_of(const char *data, uint64_t incident)
{
	struct numbers *numbers = calloc(1, sizeof(*numbers));
	char folder[BW_PATH_BYTES];

	if (numbers == NULL)
		return NULL;
	if (bw_evidence_place(data, incident, folder) == BW_OK)
		bw_err_drop(each_name(folder, see_report, numbers)); /* what cannot be listed is not there */
	qsort(numbers->list, numbers->count, sizeof(numbers->list[0]), by_number);
	return numbers;
}

uint32_t bw_evidence_newest(const char *data, uint64_t incident)
{
	struct numbers *numbers = reports_of(data, incident);
	const uint32_t newest = numbers != NULL && numbers->count > 0 ? numbers->list[numbers->count - 1] : 0;

	free(numbers);
	return newest;
}

size_t bw_evidence_reports(const char *data, uint64_t incident, uint32_t *out, size_t max)
{
	struct numbers *numbers = reports_of(data, incident);
	size_t count = 0;

	for (; numbers != NULL && count < numbers->count && count < max; count++)
		out[count] = numbers->list[count];
	free(numbers);
	return count;
}

/* ---- removing ---------------------------------------------------------------------------------------- */

static enum bw_err remove_name(void *context, const char *name)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, context, name));
	(void)unlink(path); /* a folder with something in it stays, and is tried again the next time */
	return BW_OK;
}

static void remove_folder(char *path)
{
	bw_err_drop(each_name(path, remove_name, path)); /* rmdir tells */
	(void)rmdir(path);
}

void bw_evidence_thin(const char *data, uint64_t incident)
{
	struct numbers *numbers = reports_of(data, incident);
	char path[BW_PATH_BYTES];

	for (size_t i = 1; numbers != NULL && i + BW_EVIDENCE_KEPT <= numbers->count; i++) {
		if (bw_evidence_report(data, incident, numbers->list[i], path) == BW_OK)
			remove_folder(path);
	}
	free(numbers);
}

void bw_evidence_remove(const char *data, uint64_t incident)
{
	struct numbers *numbers = reports_of(data, incident);
	char path[BW_PATH_BYTES];

	for (size_t i = 0; numbers != NULL && i < numbers->count; i++) {
		if (bw_evidence_report(data, incident, numbers->list[i], path) == BW_OK)
			remove_folder(path);
	}
	free(numbers);
	if (bw_evidence_place(data, incident, path) == BW_OK)
		remove_folder(path);
}

struct bytes {
	char folder[BW_PATH_BYTES];
	uint64_t sum;
};

static enum bw_err add_size(void *context, const char *name)
{
	struct bytes *bytes = context;
	char path[BW_PATH_BYTES];
	struct stat status;

	BW_TRY(bw_path_join(path, bytes->folder, name));
	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		bytes->sum += (uint64_t)status.st_size;
	return BW_OK;
}

uint64_t bw_evidence_bytes(const char *data, uint64_t incident)
{
	struct numbers *numbers = reports_of(data, incident);
	struct bytes bytes = { .sum = 0 };

	for (size_t i = 0; numbers != NULL && i < numbers->count; i++) {
		if (bw_evidence_report(data, incident, numbers->list[i], bytes.folder) == BW_OK)
			bw_err_drop(each_name(bytes.folder, add_size, &bytes)); /* an estimate */
	}
	free(numbers);
	return bytes.sum;
}

struct each {
	enum bw_err (*see)(void *context, uint64_t incident);
	void *context;
};

static enum bw_err see_incident(void *context, const char *name)
{
	const struct each *each = context;
	uint64_t incident;

	if (bw_parse_u64(bw_slice_text(name), &incident) != BW_OK || incident == 0)
		return BW_OK;
	return each->see(each->context, incident);
}

enum bw_err bw_evidence_each(const char *data, enum bw_err (*see)(void *context, uint64_t incident), void *context)
{
	struct each each = { see, context };
	char folder[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(folder, data, BW_EVIDENCE_FOLDER));
	err = each_name(folder, see_incident, &each);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

enum bw_err bw_evidence_first(const char *data, uint64_t incident, const char *name, struct bw_slice bytes,
			      struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	BW_TRY(make_place(data, incident, folder, why));
	BW_TRY(bw_path_join(path, folder, name));
	return bw_file_write(path, bytes, 0600, why);
}

/* A new file, on disk when this returns; its folder is synced once, at the end. */
static enum bw_err put_file(const char *folder, const char *name, struct bw_slice bytes, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	enum bw_err err;
	int fd;

	BW_TRY(bw_path_join(path, folder, name));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return bw_why_errno(why, errno, "make", path);
	err = bw_fd_write(fd, bytes);
	if (err == BW_OK && fsync(fd) != 0)
		err = bw_err_from_errno(errno);
	(void)close(fd);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot write '%s': %s", path, bw_err_text(err));
}

static int by_name(const void *a, const void *b)
{
	const struct bw_evidence_file *x = a;
	const struct bw_evidence_file *y = b;

	return strcmp(x->name, y->name);
}

static enum bw_err put_piece(const char *folder, const struct bw_report_piece *piece,
			     struct bw_evidence_manifest *manifest, struct bw_why *why)
{
	struct bw_evidence_file *file = &manifest->files[manifest->count];

	BW_NEED(manifest->count < BW_EVIDENCE_FILES_MAX, TOO_MANY);
	BW_NEED(!bw_slice_is(piece->name, BW_PAPER_MANIFEST) && !bw_slice_is(piece->name, BW_PAPER_SEAL), PROTOCOL);
	(void)snprintf(file->name, sizeof(file->name), "%.*s", BW_ARG(piece->name));
	file->size = piece->bytes.len;
	BW_TRY(bw_sha256(piece->bytes, file->sha256));
	manifest->count++;
	return put_file(folder, file->name, piece->bytes, why);
}

static enum bw_err partial_of(const char *data, uint64_t incident, char out[BW_PATH_BYTES])
{
	char place[BW_PATH_BYTES];

	BW_TRY(bw_evidence_place(data, incident, place));
	return bw_path_join(out, place, PARTIAL);
}

enum bw_err bw_evidence_write(const char *data, struct bw_slice pieces, struct bw_evidence_manifest *manifest,
			      struct bw_why *why)
{
	struct bw_cursor c = bw_cursor_over(pieces);
	char folder[BW_PATH_BYTES];
	char final[BW_PATH_BYTES];
	struct bw_report_piece piece;
	enum bw_err err;

	BW_TRY(make_place(data, manifest->incident, folder, why));
	BW_TRY(bw_evidence_report(data, manifest->incident, manifest->number, final));
	BW_NEED(!bw_file_exists(final), EXISTS);
	BW_TRY(partial_of(data, manifest->incident, folder));
	remove_folder(folder);
	BW_TRY(bw_folder_make(folder, why));
	manifest->count = 0;
	while ((err = bw_report_piece_next(&c, &piece)) == BW_OK)
		BW_TRY(put_piece(folder, &piece, manifest, why));
	if (manifest->count > 0)
		qsort(manifest->files, manifest->count, sizeof(manifest->files[0]), by_name);
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

enum bw_err bw_evidence_finish(const char *data, const struct bw_evidence_manifest *manifest,
			       struct bw_slice manifest_text, struct bw_slice seal, struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	char final[BW_PATH_BYTES];
	char place[BW_PATH_BYTES];

	BW_TRY(bw_evidence_place(data, manifest->incident, place));
	BW_TRY(partial_of(data, manifest->incident, folder));
	BW_TRY(bw_evidence_report(data, manifest->incident, manifest->number, final));
	BW_TRY(put_file(folder, BW_PAPER_MANIFEST, manifest_text, why));
	if (seal.len > 0)
		BW_TRY(put_file(folder, BW_PAPER_SEAL, seal, why));
	BW_TRY(bw_folder_sync(folder, why));
	if (rename(folder, final) != 0)
		return bw_why_errno(why, errno, "name", final);
	return bw_folder_sync(place, why);
}

/* ---- checking ------------------------------------------------------------------------------------------------ */

struct checking {
	const struct bw_evidence_manifest *manifest;
	struct bw_why *why;
	const char *folder;
};

static enum bw_err check_listed(void *context, const char *name)
{
	const struct checking *checking = context;
	const struct bw_evidence_manifest *m = checking->manifest;

	if (strcmp(name, BW_PAPER_MANIFEST) == 0 || strcmp(name, BW_PAPER_SEAL) == 0)
		return BW_OK;
	for (size_t i = 0; i < m->count; i++) {
		if (strcmp(m->files[i].name, name) == 0)
			return BW_OK;
	}
	return bw_why_set(checking->why, BW_ERR_CORRUPT, "'%s/%s' was added after the sealing", checking->folder, name);
}

static enum bw_err check_file(const char *folder, const struct bw_evidence_file *file, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_REPORT_PIECES_BYTES);
	uint8_t sum[BW_SHA256_BYTES];
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, file->name));
	err = bw_file_read(path, &bytes, NULL);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is gone since the sealing", path);
	if (err == BW_OK)
		err = bw_sha256(bw_buf_slice(&bytes), sum);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot read '%s': %s", path, bw_err_text(err));
	if (bytes.len != file->size || memcmp(sum, file->sha256, sizeof(sum)) != 0)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is not as it was sealed", path);
	return BW_OK;
}

static enum bw_err read_manifest(const char *folder, uint64_t incident, uint32_t number, struct bw_buf *text,
				 struct bw_evidence_manifest *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, BW_PAPER_MANIFEST));
	err = bw_file_read(path, text, why);
	if (err != BW_OK)
		return err == BW_ERR_NOT_FOUND ? bw_why_set(why, BW_ERR_CORRUPT, "'%s' is gone", path) : err;
	if (bw_evidence_manifest_parse(bw_buf_slice(text), out) != BW_OK || out->incident != incident ||
	    out->number != number)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is not as it was sealed", path);
	return BW_OK;
}

static enum bw_err check_files(struct checking *checking)
{
	for (size_t i = 0; i < checking->manifest->count; i++)
		BW_TRY(check_file(checking->folder, &checking->manifest->files[i], checking->why));
	return each_name(checking->folder, check_listed, checking);
}

static enum bw_err check_seal(const char *folder, struct bw_slice manifest, struct bw_node_public *out_node,
			      struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf seal = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, BW_PAPER_SEAL));
	err = bw_file_read(path, &seal, why);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, BW_ERR_MISSING, "'%s' has no seal", folder);
	BW_TRY(err);
	err = bw_evidence_seal_check(bw_buf_slice(&seal), manifest, out_node);
	if (err == BW_OK)
		return BW_OK;
	return bw_why_set(why, err == BW_ERR_MEMORY ? err : BW_ERR_SIGNATURE,
			  "'%s/manifest' or '%s' is not as it was sealed: the signature does not fit", folder, path);
}

enum bw_err bw_evidence_verify(const char *data, uint64_t incident, uint32_t number, struct bw_evidence_manifest *out,
			       struct bw_node_public *out_node, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	char folder[BW_PATH_BYTES];
	struct checking checking = { .manifest = out, .why = why, .folder = folder };

	BW_TRY(bw_evidence_report(data, incident, number, folder));
	BW_TRY(read_manifest(folder, incident, number, &text, out, why));
	BW_TRY(check_seal(folder, bw_buf_slice(&text), out_node, why));
	return check_files(&checking);
}

/* ---- sealed later -------------------------------------------------------------------------------------------- */

static bool has_seal(const char *folder)
{
	char path[BW_PATH_BYTES];

	return bw_path_join(path, folder, BW_PAPER_SEAL) != BW_OK || bw_file_exists(path);
}

bool bw_evidence_has_seal(const char *data, uint64_t incident, uint32_t number)
{
	char folder[BW_PATH_BYTES];

	return bw_evidence_report(data, incident, number, folder) != BW_OK || has_seal(folder);
}

enum bw_err bw_evidence_unsealed(const char *data, uint64_t incident, uint32_t after, struct bw_buf *text,
				 struct bw_evidence_manifest *out, struct bw_why *why)
{
	uint32_t numbers[BW_EVIDENCE_KEPT + 1];
	const size_t count = bw_evidence_reports(data, incident, numbers, BW_COUNT(numbers));

	for (size_t i = 0; i < count; i++) {
		char folder[BW_PATH_BYTES];
		struct checking checking = { .manifest = out, .why = why, .folder = folder };

		if (numbers[i] <= after)
			continue;
		BW_TRY(bw_evidence_report(data, incident, numbers[i], folder));
		if (has_seal(folder))
			continue;
		out->number = numbers[i];
		bw_buf_clear(text);
		BW_TRY(read_manifest(folder, incident, numbers[i], text, out, why));
		return check_files(&checking);
	}
	return BW_ERR_NOT_FOUND;
}

enum bw_err bw_evidence_seal_add(const char *data, uint64_t incident, uint32_t number, struct bw_slice seal,
				 struct bw_why *why)
{
	char folder[BW_PATH_BYTES];

	BW_TRY(bw_evidence_report(data, incident, number, folder));
	BW_NEED(!has_seal(folder), EXISTS);
	BW_TRY(put_file(folder, BW_PAPER_SEAL, seal, why));
	return bw_folder_sync(folder, why);
}
