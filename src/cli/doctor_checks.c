/*
 * Questions to the kernel, the limits and the libraries of this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bw_config.h"
#include "cli/doctor.h"
#include "crypto/version.h"
#include "guard/freezer.h"
#include "store/sqlite.h"

enum {
	WANT_FDS = 65536,          /* 20,000 connections, their memory files and room to breathe */
	MAPS_MAX = 4 * 1024 * 1024 /* a sanitizer's process has a few thousand mappings */
};

/* ---- kernel --------------------------------------------------------------- */

static void check_landlock(struct bw_symptoms *all)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0)
		bw_symptom_add(all, "landlock", BW_HEALTH_OK, NULL, "ABI %ld: workers see only their folder", abi);
	else
		bw_symptom_add(all, "landlock", BW_HEALTH_LACKING, "boot with lsm=landlock,... on Linux 5.13 or newer",
			       "not there (%s): workers that use the store can open any file the account may",
			       errno == EOPNOTSUPP ? "switched off" : "not in this kernel");
}

static void check_seccomp(struct bw_symptoms *all)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		bw_symptom_add(all, "seccomp", BW_HEALTH_OK, NULL, "filters can end a worker that breaks its promise");
	else
		bw_symptom_add(all, "seccomp", BW_HEALTH_LACKING, "use a kernel with CONFIG_SECCOMP_FILTER",
			       "not there: workers are confined by their account alone");
}

static void check_memfd(struct bw_symptoms *all)
{
	const int fd = memfd_create("breakwater-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const bool sealed = fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0;

	if (fd >= 0)
		(void)close(fd);
	if (sealed)
		bw_symptom_add(all, "memory-files", BW_HEALTH_OK, NULL, "can be sealed");
	else
		bw_symptom_add(all, "memory-files", BW_HEALTH_LACKING, "serve cannot run here without them",
			       "sealed memory files are refused");
}

struct event_kind {
	const char *words;
	unsigned flags;
};

static void check_fanotify(struct bw_symptoms *all)
{
	static const struct event_kind kinds[] = {
		{ "names and both ends of a rename", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET },
		{ "names", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME },
		{ "files only", FAN_CLASS_NOTIF },
	};
	const int gate = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	const bool refused = gate < 0 && errno == EPERM;

	if (gate >= 0)
		(void)close(gate);
	for (size_t i = 0; i < BW_COUNT(kinds); i++) {
		const int fd = fanotify_init(kinds[i].flags | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		(void)close(fd);
		bw_symptom_add(all, "file-events", refused ? BW_HEALTH_UNKNOWN : BW_HEALTH_OK,
			       refused ? "run doctor as root to see what guard could use" : NULL, "report %s%s",
			       kinds[i].words, gate >= 0 ? "; opening can be held" : "");
		return;
	}
	bw_symptom_add(all, "file-events", BW_HEALTH_NOTE, "only guard needs them", "fanotify is not there");
}

/* Whom guard holds: see guard/freezer.h. */
static void check_holding(struct bw_symptoms *all)
{
	if (bw_freezer_usable() == BW_OK)
		bw_symptom_add(all, "holding", BW_HEALTH_OK, NULL, "guard freezes whom it holds (cgroup v2)");
	else if (geteuid() != 0)
		bw_symptom_add(all, "holding", BW_HEALTH_UNKNOWN, "run doctor as root to see what guard could use",
			       "who may write cgroups cannot be told");
	else
		bw_symptom_add(all, "holding", BW_HEALTH_NOTE, "only guard needs it: mount cgroup2 for writing",
			       "no cgroup v2 to be written: whom guard holds is stopped by a signal he may undo");
}

static void check_clock(struct bw_symptoms *all)
{
	struct timex tx = { .modes = 0 };
	const int state = adjtimex(&tx);

	if (state < 0)
		bw_symptom_add(all, "clock", BW_HEALTH_UNKNOWN, NULL, "cannot ask whether it is synchronised");
	else if (state == TIME_ERROR || (tx.status & STA_UNSYNC) != 0)
		bw_symptom_add(all, "clock", BW_HEALTH_NOTE, "run a time service, e.g. systemd-timesyncd or chrony",
			       "not synchronised: nothing is lost, but dates told to partners may be wrong");
	else
		bw_symptom_add(all, "clock", BW_HEALTH_OK, NULL, "synchronised");
}

void bw_doctor_kernel(struct bw_symptoms *all)
{
	struct utsname name;

	if (uname(&name) == 0)
		bw_symptom_add(all, "kernel", BW_HEALTH_OK, NULL, "%.64s %.64s on %.32s", name.sysname, name.release,
			       name.machine);
	check_landlock(all);
	check_seccomp(all);
	check_memfd(all);
	check_fanotify(all);
	check_holding(all);
	check_clock(all);
}

/* ---- resources --------------------------------------------------------------- */

static void check_fds(struct bw_symptoms *all)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max >= WANT_FDS)
		bw_symptom_add(all, "descriptors", BW_HEALTH_OK, NULL, "up to %llu open files",
			       (unsigned long long)limit.rlim_max);
	else
		bw_symptom_add(all, "descriptors", BW_HEALTH_NOTE,
			       "set LimitNOFILE=65536 in the unit, or ulimit -Hn 65536",
			       "only %llu open files: as many clients are served at once, less a hundred",
			       (unsigned long long)limit.rlim_max);
}

static void check_locked_memory(struct bw_symptoms *all)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	if (limit.rlim_cur >= BW_MIB)
		bw_symptom_add(all, "locked-memory", BW_HEALTH_OK, NULL, "keys stay out of swap");
	else
		bw_symptom_add(all, "locked-memory", BW_HEALTH_NOTE, "set LimitMEMLOCK=1M in the unit",
			       "only %llu bytes: keys may be written to swap", (unsigned long long)limit.rlim_cur);
}

/* A folder that is not there yet is judged by the nearest one above it. */
static bool stat_nearest(const char *path, struct statvfs *out)
{
	char near[4096];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(near))
		return false;
	memcpy(near, path, len + 1);
	while (statvfs(near, out) != 0) {
		if (errno != ENOENT || len <= 1)
			return false;
		while (len > 1 && near[len - 1] != '/')
			len--;
		if (len > 1)
			len--;
		near[len] = 0;
		if (near[0] != '/' && len <= 1)
			return statvfs(".", out) == 0;
	}
	return true;
}

static void check_disk(struct bw_symptoms *all, const char *data)
{
	struct statvfs fs;
	uint64_t free_mib;

	if (!stat_nearest(data, &fs)) {
		bw_symptom_add(all, "disk", BW_HEALTH_UNKNOWN, NULL, "cannot look at '%.160s'", data);
		return;
	}
	free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / BW_MIB;
	if ((fs.f_flag & ST_RDONLY) != 0)
		bw_symptom_add(all, "disk", BW_HEALTH_LACKING, "mount it for writing, or choose another --data",
			       "'%.160s' is read-only", data);
	else if (free_mib < 1024)
		bw_symptom_add(all, "disk", BW_HEALTH_LACKING, "a million objects take about 2 GiB with their indexes",
			       "only %llu MiB left for '%.160s'", (unsigned long long)free_mib, data);
	else
		bw_symptom_add(all, "disk", BW_HEALTH_OK, NULL, "%llu GiB left for '%.160s'",
			       (unsigned long long)(free_mib / 1024), data);
}

void bw_doctor_resources(struct bw_symptoms *all, const char *data)
{
	check_fds(all);
	check_locked_memory(all);
	check_disk(all, data);
}

/* ---- libraries ------------------------------------------------------------------ */

static enum bw_err read_file(const char *path, struct bw_buf *out)
{
	FILE *file = fopen(path, "re");
	uint8_t block[4096];
	enum bw_err err = BW_OK;
	size_t got;

	if (file == NULL)
		return bw_err_from_errno(errno);
	while (err == BW_OK && (got = fread(block, 1, sizeof(block), file)) > 0)
		err = bw_buf_add(out, bw_slice_of(block, got));
	(void)fclose(file);
	return err;
}

static struct bw_slice first_line(const struct bw_buf *text)
{
	struct bw_slice head = bw_buf_slice(text);
	struct bw_slice rest;

	(void)bw_slice_cut(head, '\n', &head, &rest);
	return bw_slice_trim(head);
}

/* openssl.version and openssl.newest lie beside the library that tools/setup built. */
static void check_release(struct bw_symptoms *all, struct bw_slice library)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(4 * BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf built = BW_BUF_INIT(BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf newest = BW_BUF_INIT(BW_KIB);
	static const char next[] =
		"tools/setup --refresh asks the distribution and rebuilds; then build and install again";
	struct stat st = { 0 };
	int64_t age_days = 0;
	enum bw_health health;

	while (library.len > 0 && library.ptr[library.len - 1] != '/')
		library.len--;
	if (bw_buf_addf(&path, "%.*sopenssl.version", BW_ARG(library)) == BW_OK)
		(void)read_file(bw_buf_text(&path), &built);
	bw_buf_clear(&path);
	if (bw_buf_addf(&path, "%.*sopenssl.newest", BW_ARG(library)) == BW_OK &&
	    read_file(bw_buf_text(&path), &newest) == BW_OK && stat(bw_buf_text(&path), &st) == 0)
		age_days = ((int64_t)time(NULL) - (int64_t)st.st_mtime) / 86400;

	health = bw_doctor_judge_openssl(first_line(&built), first_line(&newest), age_days);
	if (health == BW_HEALTH_LACKING)
		bw_symptom_add(all, "openssl-news", health, next, "built from %.*s, and the distribution has %.*s",
			       BW_ARG(first_line(&built)), BW_ARG(first_line(&newest)));
	else if (health == BW_HEALTH_UNKNOWN)
		bw_symptom_add(all, "openssl-news", health, next,
			       "built from %.*s; the distribution was last asked %lld days ago",
			       BW_ARG(first_line(&built)), (long long)age_days);
	else
		bw_symptom_add(all, "openssl-news", health, NULL, "built from %.*s, the distribution's newest",
			       BW_ARG(first_line(&built)));
}

void bw_doctor_libraries(struct bw_symptoms *all)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf maps = BW_BUF_INIT(MAPS_MAX);
	struct bw_slice first = bw_slice_empty;
	size_t count;

	if (read_file("/proc/self/maps", &maps) != BW_OK) {
		bw_symptom_add(all, "openssl", BW_HEALTH_UNKNOWN, NULL, "cannot read /proc/self/maps");
		return;
	}
	count = bw_doctor_count_mapped(bw_buf_slice(&maps), BW_LIT("libcrypto.so"), &first);
	if (count != 1) {
		bw_symptom_add(all, "openssl", BW_HEALTH_LACKING,
			       "set no LD_PRELOAD; else build again after tools/setup",
			       "%zu libcrypto are mapped, where one must be", count);
		return;
	}
	bw_symptom_add(all, "openssl", BW_HEALTH_OK, NULL, "%.60s, the only one mapped: %.*s", bw_crypto_version(),
		       (int)(first.len < 120 ? first.len : 120), (const char *)first.ptr);
	if (BW_PRIVATE_OPENSSL)
		check_release(all, first);
	else
		bw_symptom_add(all, "openssl-news", BW_HEALTH_OK, NULL, "the system's own; apt keeps it current");
}

/* The oldest that was tested, and what meson.build asks for: STRICT tables came with 3.37. */
enum { SQLITE_OLDEST = 3040000 };

void bw_doctor_database(struct bw_symptoms *all)
{
	struct bw_store_sqlite sqlite;

	bw_store_sqlite(&sqlite);
	if (sqlite.missing != NULL)
		bw_symptom_add(all, "sqlite", BW_HEALTH_LACKING, "use the distribution's own SQLite library",
			       "%s, without %s: the store cannot work with it", sqlite.version, sqlite.missing);
	else if (sqlite.number < SQLITE_OLDEST)
		bw_symptom_add(all, "sqlite", BW_HEALTH_LACKING, "update the package libsqlite3-0",
			       "%s: older than 3.40, which is the oldest that was tried", sqlite.version);
	else
		bw_symptom_add(all, "sqlite", BW_HEALTH_OK, NULL, "%s, with full text (FTS5) and STRICT tables",
			       sqlite.version);
}
