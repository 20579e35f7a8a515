#include "store/crash_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES_MAX = 16, SECTOR = 512 };

struct write_made {
	sqlite3_int64 at;
	struct bw_buf before; /* what lay there, up to the old end of the file */
	struct bw_buf after;  /* empty for a truncation */
	sqlite3_int64 size_before;
	bool truncates;
};

struct tracked {
	char path[512];
	struct write_made *writes;
	size_t count;
	size_t cap;
};

struct crash_file {
	sqlite3_file base;
	struct tracked *tracked;
	sqlite3_file *real; /* just behind */
};

static sqlite3_vfs crash_vfs;
static sqlite3_vfs *real_vfs;
static sqlite3_io_methods crash_methods;
static struct tracked files[FILES_MAX];
static void (*sync_hook)(void *ctx);
static void *sync_ctx;
static unsigned fail_in;
static unsigned fail_for;
static bool fail_full;
static bool has_failed;

static struct crash_file *crash_of(sqlite3_file *file)
{
	return (struct crash_file *)(void *)file;
}

static void forget_writes(struct tracked *t)
{
	for (size_t i = 0; i < t->count; i++) {
		bw_buf_release(&t->writes[i].before);
		bw_buf_release(&t->writes[i].after);
	}
	t->count = 0;
}

static void must(bool claim)
{
	if (!claim)
		abort();
}

/* ---- remembering -------------------------------------------------------------------------- */

static void remember(struct crash_file *file, const void *bytes, sqlite3_int64 len, sqlite3_int64 at, bool truncates)
{
	struct tracked *t = file->tracked;
	struct write_made made = {
		.at = at, .truncates = truncates, .before = BW_BUF_INIT(64 * BW_MIB), .after = BW_BUF_INIT(64 * BW_MIB)
	};
	sqlite3_int64 old_len;

	must(file->real->pMethods->xFileSize(file->real, &made.size_before) == SQLITE_OK);
	old_len = made.size_before - at < len || truncates ? made.size_before - at : len;
	if (old_len > 0) {
		must(bw_buf_reserve(&made.before, (size_t)old_len) == BW_OK);
		must(file->real->pMethods->xRead(file->real, made.before.ptr, (int)old_len, at) == SQLITE_OK);
		made.before.len = (size_t)old_len;
	}
	if (len > 0)
		must(bw_buf_add(&made.after, bw_slice_of(bytes, (size_t)len)) == BW_OK);
	if (t->count == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->writes = reallocarray(t->writes, t->cap, sizeof(*t->writes));
		must(t->writes != NULL);
	}
	t->writes[t->count++] = made;
}

static bool must_fail(void)
{
	if (fail_in == 0)
		return false;
	if (fail_in > 1) {
		fail_in--;
		return false;
	}
	has_failed = true;
	if (--fail_for == 0)
		fail_in = 0;
	return true;
}

static int on_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	struct crash_file *f = crash_of(file);

	if (must_fail())
		return fail_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	if (f->tracked != NULL)
		remember(f, bytes, len, at, false);
	return f->real->pMethods->xWrite(f->real, bytes, len, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct crash_file *f = crash_of(file);

	if (f->tracked != NULL)
		remember(f, NULL, 0, size, true);
	return f->real->pMethods->xTruncate(f->real, size);
}

static int on_sync(sqlite3_file *file, int flags)
{
	struct crash_file *f = crash_of(file);
	int rc;

	if (f->tracked != NULL && sync_hook != NULL)
		sync_hook(sync_ctx);
	if (must_fail())
		return SQLITE_IOERR_FSYNC;
	rc = f->real->pMethods->xSync(f->real, flags);
	if (f->tracked != NULL)
		forget_writes(f->tracked);
	return rc;
}

/* ---- everything else goes straight on ------------------------------------------------------- */

#define REAL(file) crash_of(file)->real

static int on_close(sqlite3_file *file)
{
	return REAL(file)->pMethods->xClose(REAL(file));
}

static int on_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
	return REAL(file)->pMethods->xRead(REAL(file), out, len, at);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *out)
{
	return REAL(file)->pMethods->xFileSize(REAL(file), out);
}

static int on_lock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xLock(REAL(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static int on_check(sqlite3_file *file, int *out)
{
	return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out);
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
	return REAL(file)->pMethods->xFileControl(REAL(file), op, arg);
}

static int on_sector(sqlite3_file *file)
{
	return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static int on_device(sqlite3_file *file)
{
	(void)file;
	return 0; /* promises nothing */
}

static int on_shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **out)
{
	return REAL(file)->pMethods->xShmMap(REAL(file), page, bytes, extend, out);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
	REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static int on_shm_unmap(sqlite3_file *file, int drop)
{
	return REAL(file)->pMethods->xShmUnmap(REAL(file), drop);
}

static struct tracked *track(const char *path)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	}
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (files[i].path[0] == '\0') {
			(void)snprintf(files[i].path, sizeof(files[i].path), "%s", path);
			return &files[i];
		}
	}
	abort();
}

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	struct crash_file *f = crash_of(file);
	int rc;

	(void)vfs;
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->tracked = NULL;
	rc = real_vfs->xOpen(real_vfs, path, f->real, flags, out_flags);
	f->base.pMethods = f->real->pMethods != NULL ? &crash_methods : NULL;
	if (rc == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0)
		f->tracked = track(path);
	return rc;
}

void crash_vfs_begin(void (*hook)(void *ctx), void *ctx)
{
	if (real_vfs == NULL) {
		real_vfs = sqlite3_vfs_find(NULL);
		crash_vfs = *real_vfs;
		crash_vfs.zName = "crash";
		crash_vfs.pNext = NULL;
		crash_vfs.szOsFile = (int)sizeof(struct crash_file) + real_vfs->szOsFile;
		crash_vfs.xOpen = on_open;
		crash_methods = (sqlite3_io_methods){ .iVersion = 2,
						      .xClose = on_close,
						      .xRead = on_read,
						      .xWrite = on_write,
						      .xTruncate = on_truncate,
						      .xSync = on_sync,
						      .xFileSize = on_size,
						      .xLock = on_lock,
						      .xUnlock = on_unlock,
						      .xCheckReservedLock = on_check,
						      .xFileControl = on_control,
						      .xSectorSize = on_sector,
						      .xDeviceCharacteristics = on_device,
						      .xShmMap = on_shm_map,
						      .xShmLock = on_shm_lock,
						      .xShmBarrier = on_shm_barrier,
						      .xShmUnmap = on_shm_unmap };
	}
	sync_hook = hook;
	sync_ctx = ctx;
	must(sqlite3_vfs_register(&crash_vfs, 1) == SQLITE_OK);
}

void crash_vfs_pause(bool paused)
{
	must(sqlite3_vfs_register(paused ? real_vfs : &crash_vfs, 1) == SQLITE_OK);
}

void crash_vfs_end(void)
{
	must(sqlite3_vfs_register(real_vfs, 1) == SQLITE_OK);
	sync_hook = NULL;
	fail_in = 0;
	for (size_t i = 0; i < FILES_MAX; i++) {
		forget_writes(&files[i]);
		free(files[i].writes);
		files[i] = (struct tracked){ .count = 0 };
	}
}

void crash_vfs_fail(unsigned after, unsigned length, bool full)
{
	fail_in = after;
	fail_for = length;
	fail_full = full;
	has_failed = false;
}

bool crash_vfs_has_failed(void)
{
	return has_failed;
}

/* ---- the copy after power loss --------------------------------------------------------------- */

static uint64_t chance(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void put_at(int fd, struct bw_slice bytes, sqlite3_int64 at)
{
	must(pwrite(fd, bytes.ptr, bytes.len, at) == (ssize_t)bytes.len);
}

static void undo(int fd, const struct write_made *made)
{
	must(ftruncate(fd, made->size_before) == 0);
	put_at(fd, bw_buf_slice(&made->before), made->at);
}

static void redo(int fd, const struct write_made *made, size_t len)
{
	if (made->truncates)
		must(ftruncate(fd, made->at) == 0);
	else
		put_at(fd, bw_slice_sub(bw_buf_slice(&made->after), 0, len), made->at);
}

static void copy_bytes(const char *from_path, int to)
{
	const int from = open(from_path, O_RDONLY | O_CLOEXEC);
	static uint8_t block[64 * 1024];
	ssize_t got;

	must(from >= 0);
	while ((got = read(from, block, sizeof(block))) > 0)
		must(write(to, block, (size_t)got) == got);
	must(got == 0);
	(void)close(from);
}

static void copy_one(const struct tracked *t, const char *folder, enum crash_kind kind, uint64_t *seed)
{
	char path[1024];
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s", folder, strrchr(t->path, '/'));
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0);
	copy_bytes(t->path, fd);
	for (size_t i = t->count; i-- > 0;)
		undo(fd, &t->writes[i]);
	for (size_t i = 0; i < t->count && kind != CRASH_DROP_ALL; i++) {
		const struct write_made *made = &t->writes[i];

		if (chance(seed) % 2 == 0)
			continue;
		if (kind == CRASH_TEAR && made->after.len > SECTOR)
			redo(fd, made, chance(seed) % (made->after.len / SECTOR) * SECTOR);
		else
			redo(fd, made, made->after.len);
	}
	(void)close(fd);
}

void crash_vfs_copy(const char *folder, enum crash_kind kind, uint64_t seed)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		if (files[i].path[0] != '\0' && access(files[i].path, F_OK) == 0)
			copy_one(&files[i], folder, kind, &seed);
	}
}
