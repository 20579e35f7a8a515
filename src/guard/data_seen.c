#include "guard/data_seen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/files.h"

enum { WORDS_BYTES = 64 * 1024, LOCK_LEAST = sizeof("/guard/lock") - 1 };

void bw_data_look(const char *data, struct bw_data_seen *out)
{
	char path[BW_PATH_BYTES];
	struct stat status;

	*out = (struct bw_data_seen){ 0 };
	if (bw_path_join(path, data, "guard") == BW_OK && stat(path, &status) == 0)
		*out = (struct bw_data_seen){ status.st_dev, status.st_ino };
}

enum bw_data_state bw_data_state(const char *data, const struct bw_data_seen *seen)
{
	char path[BW_PATH_BYTES];
	struct stat status;

	if (seen->ino == 0 || bw_path_join(path, data, "guard") != BW_OK)
		return BW_DATA_HERE;
	if (stat(path, &status) != 0)
		return errno == ENOENT || errno == ENOTDIR ? BW_DATA_GONE : BW_DATA_HERE;
	return status.st_dev == seen->dev && status.st_ino == seen->ino ? BW_DATA_HERE : BW_DATA_OTHER;
}

/* ---- from outside --------------------------------------------------------------------------- */

/* All that stands between two NULs is a word; whether one of them is this path, or ends with "=" and it. */
static bool is_among(struct bw_slice words, const char *data)
{
	const size_t len = strlen(data);

	for (size_t at = 0; at < words.len;) {
		const struct bw_slice rest = bw_slice_from(words, at);
		const uint8_t *end = memchr(rest.ptr, '\0', rest.len);
		const size_t size = end == NULL ? rest.len : (size_t)(end - rest.ptr);

		if (size >= len && memcmp(rest.ptr + size - len, data, len) == 0 &&
		    (size == len || rest.ptr[size - len - 1] == '='))
			return true;
		at += size + 1;
	}
	return false;
}

static bool says_so(int process, const char *data)
{
	static char words[WORDS_BYTES];
	const int fd = openat(process, "cmdline", O_RDONLY | O_CLOEXEC);
	const ssize_t len = fd < 0 ? -1 : read(fd, words, sizeof(words));

	if (fd >= 0)
		(void)close(fd);
	return len > 0 && is_among(bw_slice_of(words, (size_t)len), data);
}

/*
 * "/srv/data/guard/lock (deleted)", or, of what was unmounted while it was open, the end of that: its path in what was
 * mounted. `out_named`: it is called so; else it may be one that was moved.
 */
static bool is_lock(const char *link, const char *lock, bool *out_named)
{
	static const char gone[] = " (deleted)";
	struct bw_slice text = bw_slice_text(link);
	const size_t len = strlen(lock);

	if (text.len > sizeof(gone) && memcmp(text.ptr + text.len - sizeof(gone) + 1, gone, sizeof(gone) - 1) == 0)
		text.len -= sizeof(gone) - 1;
	*out_named = text.len >= LOCK_LEAST && text.len <= len &&
		     memcmp(lock + len - text.len, text.ptr, text.len) == 0;
	return text.len >= LOCK_LEAST && memcmp(text.ptr + text.len - LOCK_LEAST, "/guard/lock", LOCK_LEAST) == 0;
}

static bool holds_lock(int process, const char *data, const char *lock)
{
	const int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool holds = false;

	while (listing != NULL && !holds && (entry = readdir(listing)) != NULL) {
		char link[BW_PATH_BYTES];
		const ssize_t len = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
		struct stat there;
		struct stat held;
		bool named = false;

		if (len <= 0)
			continue;
		link[len] = '\0';
		if (!is_lock(link, lock, &named) || (!named && !says_so(process, data)))
			continue;
		/* who has this very lock has lost nothing: an enrolment, a guard that begins or ends */
		holds = fstatat(fd, entry->d_name, &held, 0) == 0 &&
			(stat(lock, &there) != 0 || there.st_ino != held.st_ino || there.st_dev != held.st_dev);
	}
	if (listing != NULL)
		(void)closedir(listing);
	else if (fd >= 0)
		(void)close(fd);
	return holds;
}

/* Anybody may call a process so, and hold a file of that name open: only root's counts. */
static bool is_guard(int proc, const char *pid, const char *data, const char *lock)
{
	static const char name[] = "breakwater";
	const int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char comm[sizeof(name)] = { 0 };
	struct stat status;
	bool is = false;
	int fd;

	if (process < 0)
		return false;
	fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		is = fstat(process, &status) == 0 && status.st_uid == 0 && read(fd, comm, sizeof(comm)) > 0 &&
		     memcmp(comm, name, sizeof(name) - 1) == 0;
		(void)close(fd);
	}
	is = is && holds_lock(process, data, lock);
	(void)close(process);
	return is;
}

pid_t bw_data_keeper(const char *data)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char lock[BW_PATH_BYTES];
	uint64_t found = 0;

	if (proc == NULL || bw_path_join(lock, data, "guard/lock") != BW_OK) {
		if (proc != NULL)
			(void)closedir(proc);
		return 0;
	}
	while (found == 0 && (entry = readdir(proc)) != NULL) {
		uint64_t pid;

		if (bw_parse_u64(bw_slice_text(entry->d_name), &pid) == BW_OK && pid != (uint64_t)getpid() &&
		    is_guard(dirfd(proc), entry->d_name, data, lock))
			found = pid;
	}
	(void)closedir(proc);
	return (pid_t)found;
}

enum bw_err bw_data_lost_words(const char *data, char *out, size_t max)
{
	const pid_t pid = bw_data_keeper(data);

	BW_NEED(pid != 0, NOT_FOUND);
	(void)snprintf(
		out, max,
		"the guard that runs (process %d) has lost its data folder '%s': it was removed, or is not mounted. "
		"It goes on copying and stopping, writes nothing down and cannot be asked. Put the folder back "
		"(mount it, or from a backup), then: systemctl restart breakwater-guard. Without one: stop the "
		"guard and enroll again; the copies stay",
		(int)pid, data);
	return BW_OK;
}
