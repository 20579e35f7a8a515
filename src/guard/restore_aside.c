#include "guard/restore_aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "guard/shadow.h"
#include "sys/beneath.h"
#include "sys/files.h"

enum { TRIES = 16, SPARE_CHARS = 16 };

static const char notes_name[] = "notes";

void bw_aside_init(struct bw_aside *aside, const struct bw_volume *volume, const char *id)
{
	*aside = (struct bw_aside){ .volume = volume, .folder = -1, .notes = -1 };
	(void)snprintf(aside->id, sizeof(aside->id), "%s", id);
}

void bw_aside_release(struct bw_aside *aside)
{
	if (aside->folder >= 0)
		(void)close(aside->folder);
	if (aside->notes >= 0)
		(void)close(aside->notes);
	aside->folder = aside->notes = -1;
}

void bw_aside_spare(const char *hint, char out[BW_ASIDE_NAME_BYTES])
{
	uint64_t random;

	bw_random(&random, sizeof(random));
	(void)snprintf(out, BW_ASIDE_NAME_BYTES, ".%.*s-%016llx", 64, hint, (unsigned long long)random);
}

static enum bw_err make_folder(struct bw_aside *aside)
{
	char path[sizeof(BW_ASIDE_FOLDER) + 1 + BW_ASIDE_ID_BYTES];

	if (mkdirat(aside->volume->root, BW_ASIDE_FOLDER, 0700) != 0 && errno != EEXIST)
		return bw_err_from_errno(errno);
	(void)snprintf(path, sizeof(path), "%s/%s", BW_ASIDE_FOLDER, aside->id);
	if (mkdirat(aside->volume->root, path, 0700) != 0 && errno != EEXIST)
		return bw_err_from_errno(errno);
	BW_TRY(bw_open_beneath(aside->volume->root, path, O_RDONLY | O_DIRECTORY, 0, &aside->folder));
	return bw_open_beneath(aside->folder, notes_name, O_WRONLY | O_CREAT | O_APPEND, 0600, &aside->notes);
}

static enum bw_err add_note(const struct bw_aside *aside, const struct bw_note *note)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NOTE_BYTES_MAX);

	BW_TRY(bw_note_write(note, &bytes));
	return bw_fd_write(aside->notes, bw_buf_slice(&bytes));
}

static enum bw_err open_it(struct bw_aside *aside, struct bw_why *why)
{
	enum bw_err err;

	if (aside->notes >= 0)
		return BW_OK;
	err = make_folder(aside);
	for (size_t i = 0; i < aside->incident_count && err == BW_OK; i++) {
		const struct bw_note of = { .kind = BW_NOTE_OF_INCIDENT,
					    .ino = aside->incidents[i],
					    .path = bw_slice_empty,
					    .aside = bw_slice_empty,
					    .meta = bw_slice_empty };

		err = add_note(aside, &of);
	}
	if (err == BW_OK)
		return BW_OK;
	bw_aside_release(aside);
	return bw_why_set(why, err, "cannot make '%s/%s/%s': %s", aside->volume->mount, BW_ASIDE_FOLDER, aside->id,
			  bw_err_text(err));
}

/* Under its own name when that is free there, else with a number that is. */
static void name_there(const char *name, unsigned tries, char out[BW_ASIDE_NAME_BYTES])
{
	char spare[BW_ASIDE_NAME_BYTES];

	if (tries == 0 && strcmp(name, notes_name) != 0) {
		(void)snprintf(out, BW_ASIDE_NAME_BYTES, "%s", name);
		return;
	}
	bw_aside_spare(name, spare);
	memcpy(out, spare + 1, sizeof(spare) - 1);
}

enum bw_err bw_aside_take(struct bw_aside *aside, int folder, const char *name, const char *as,
			  char out[BW_ASIDE_NAME_BYTES], struct bw_why *why)
{
	BW_TRY(open_it(aside, why));
	for (unsigned tries = 0; tries < TRIES; tries++) {
		name_there(as, tries, out);
		if (renameat2(folder, name, aside->folder, out, RENAME_NOREPLACE) == 0)
			return BW_OK;
		if (errno != EEXIST)
			break;
	}
	return bw_why_errno(why, errno, "move aside", as);
}

enum bw_err bw_aside_ready(struct bw_aside *aside, struct bw_why *why)
{
	return open_it(aside, why);
}

/* ---- what a killed restore left ------------------------------------------------------------------------ */

static bool was_swept(struct bw_aside *aside, int folder)
{
	struct stat status;

	if (fstat(folder, &status) != 0)
		return true;
	for (size_t i = 0; i < BW_ASIDE_SWEPT && i < aside->sweeps; i++) {
		if (aside->swept[i].dev == status.st_dev && aside->swept[i].ino == status.st_ino)
			return true;
	}
	aside->swept[aside->sweeps % BW_ASIDE_SWEPT].dev = status.st_dev;
	aside->swept[aside->sweeps++ % BW_ASIDE_SWEPT].ino = status.st_ino;
	return false;
}

static bool is_spare(const char *name)
{
	static const char head[] = "." BW_ASIDE_SPARE "-";

	return strncmp(name, head, sizeof(head) - 1) == 0 && strlen(name) == sizeof(head) - 1 + SPARE_CHARS &&
	       strspn(name + sizeof(head) - 1, "0123456789abcdef") == SPARE_CHARS;
}

enum bw_err bw_aside_sweep(struct bw_aside *aside, int folder, struct bw_why *why)
{
	char unused[BW_ASIDE_NAME_BYTES];
	const struct dirent *entry;
	enum bw_err err = BW_OK;
	DIR *listing;
	int fd;

	if (was_swept(aside, folder))
		return BW_OK;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listing = fd < 0 ? NULL : fdopendir(fd);
	if (listing == NULL) {
		err = bw_why_errno(why, errno, "look through", "a folder");
		if (fd >= 0)
			(void)close(fd);
		return err;
	}
	while (err == BW_OK && (entry = readdir(listing)) != NULL) {
		if (is_spare(entry->d_name))
			err = bw_aside_take(aside, folder, entry->d_name, entry->d_name + 1, unused, why);
	}
	(void)closedir(listing);
	return err;
}

enum bw_err bw_aside_make(struct bw_aside *aside, const char *hint, char out[BW_ASIDE_NAME_BYTES], int *out_fd,
			  struct bw_why *why)
{
	BW_TRY(open_it(aside, why));
	for (unsigned tries = 0; tries < TRIES; tries++) {
		name_there(hint, tries, out);
		*out_fd = openat(aside->folder, out, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (*out_fd >= 0)
			return BW_OK;
		if (errno != EEXIST)
			break;
	}
	return bw_why_errno(why, errno, "keep a copy of", hint);
}

enum bw_err bw_aside_note(struct bw_aside *aside, const struct bw_note *note, struct bw_why *why)
{
	enum bw_err err;

	BW_TRY(open_it(aside, why));
	err = add_note(aside, note);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot note what was done: %s", bw_err_text(err));
}

enum bw_err bw_aside_sync(struct bw_aside *aside)
{
	if (aside->notes < 0)
		return BW_OK;
	return fsync(aside->notes) == 0 && fsync(aside->folder) == 0 ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err bw_aside_read(const struct bw_volume *volume, const char *id, struct bw_buf *out, int *out_folder)
{
	char path[sizeof(BW_ASIDE_FOLDER) + 1 + BW_ASIDE_ID_BYTES];
	int folder = -1;
	int notes = -1;
	enum bw_err err;

	BW_NEED(strlen(id) < BW_ASIDE_ID_BYTES && strspn(id, "0123456789") == strlen(id), SYNTAX);
	(void)snprintf(path, sizeof(path), "%s/%s", BW_ASIDE_FOLDER, id);
	BW_TRY(bw_open_beneath(volume->root, path, O_RDONLY | O_DIRECTORY, 0, &folder));
	err = bw_open_beneath(folder, notes_name, O_RDONLY, 0, &notes);
	if (err == BW_OK)
		err = bw_file_read_fd(notes, notes_name, out, NULL);
	if (notes >= 0)
		(void)close(notes);
	if (err != BW_OK) {
		(void)close(folder);
		return err;
	}
	*out_folder = folder;
	return BW_OK;
}
