/* One bait file in one folder, after the model of one that lies there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/bait.h"
#include "guard/bait_name.h"
#include "guard/meta.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum {
	NAMES_MAX = 200 * 1000, /* in a larger folder none is laid */
	NAMES_BYTES = 64 * 1024 * 1024,
	ENDINGS_MAX = 8,
	TRIES = 12, /* models that are looked at */
	SECOND_NS = 1000000000,
};

struct making {
	struct bw_bait_hand *hand;
	const struct bw_guard_settings *settings;
	struct bw_bait_child *child;
	struct bw_bait_dice dice;
	const char *path; /* of the folder */
	int folder;
	struct bw_arena arena;
	struct bw_slice *names; /* all there are */
	size_t count;
	size_t *papers; /* of them those of the commonest ending that can be imitated */
	size_t paper_count;
	/* the model */
	struct bw_slice model;
	struct stat status;
	struct bw_buf meta;
	struct bw_buf content; /* of the bait */
	char name[BW_BAIT_NAME_BYTES];
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* ---- the folder ---------------------------------------------------------------------------------------------- */

static enum bw_err open_folder(struct making *m)
{
	struct bw_volume *volume = &m->hand->volume;
	struct bw_slice inside;

	BW_NEED(bw_volume_inside(volume, m->path, &inside), NOT_FOUND);
	return bw_open_beneath(volume->root, inside.len > 0 ? (const char *)inside.ptr : "", O_RDONLY | O_DIRECTORY, 0,
			       &m->folder);
}

static enum bw_err list_names(struct making *m)
{
	const int fd = openat(m->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	enum bw_err err = BW_OK;

	m->names = calloc(NAMES_MAX, sizeof(*m->names));
	m->papers = calloc(NAMES_MAX, sizeof(*m->papers));
	if (listing == NULL || m->names == NULL || m->papers == NULL)
		err = BW_ERR_NOT_FOUND;
	while (err == BW_OK && (entry = readdir(listing)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		err = m->count < NAMES_MAX ? bw_arena_copy(&m->arena, bw_slice_text(entry->d_name), &m->names[m->count])
					   : BW_ERR_NOT_FOUND;
		m->count += err == BW_OK;
	}
	if (listing != NULL)
		(void)closedir(listing);
	else
		close_fd(&fd);
	return err;
}

struct kind {
	struct bw_slice ending;
	size_t count;
};

/* "~$plan.docx" is a lock of Office's, "plan.txt~" an editor's copy. */
static bool may_be_model(struct bw_slice name)
{
	return bw_bait_kind_of(name) != BW_BAIT_NONE && !bw_slice_starts(name, BW_LIT("~")) &&
	       !bw_slice_starts(name, BW_LIT("#"));
}

/* Counts the endings that can be imitated; what is beyond the table is left out: "TXT", "Txt" …, enough of them. */
static void count_kinds(const struct making *m, struct kind kinds[ENDINGS_MAX])
{
	for (size_t i = 0; i < m->count; i++) {
		const struct bw_slice ending = bw_bait_ending(m->names[i]);
		size_t k = 0;

		if (!may_be_model(m->names[i]))
			continue;
		while (k < ENDINGS_MAX && kinds[k].count > 0 && !bw_slice_equals(kinds[k].ending, ending))
			k++;
		if (k == ENDINGS_MAX)
			continue;
		kinds[k].ending = ending;
		kinds[k].count++;
	}
}

/* Takes out the commonest; false when there is none any more. */
static bool next_kind(struct kind kinds[ENDINGS_MAX], struct bw_slice *out)
{
	size_t best = 0;

	for (size_t k = 1; k < ENDINGS_MAX; k++)
		best = kinds[k].count > kinds[best].count ? k : best;
	if (kinds[best].count == 0)
		return false;
	*out = kinds[best].ending;
	kinds[best].count = 0;
	return true;
}

static void pick_papers(struct making *m, struct bw_slice ending)
{
	m->paper_count = 0;
	for (size_t i = 0; i < m->count; i++) {
		if (may_be_model(m->names[i]) && bw_slice_equals(bw_bait_ending(m->names[i]), ending))
			m->papers[m->paper_count++] = i;
	}
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

/* What a copy may carry: rights, and what Samba notes of times and rights. All else some program keeps book of. */
static bool is_plain_attribute(struct bw_slice name)
{
	static const char *const plain[] = { "system.posix_acl_access", "security.selinux", "security.NTACL",
					     "user.DOSATTRIB" };

	for (size_t i = 0; i < BW_COUNT(plain); i++) {
		if (bw_slice_is(name, plain[i]))
			return true;
	}
	return false;
}

static enum bw_err read_meta(struct making *m, int fd)
{
	struct bw_meta meta;
	bool whole;

	bw_buf_clear(&m->meta);
	BW_TRY(bw_meta_read(fd, &m->status, &m->meta, &whole));
	BW_TRY(bw_meta_parse(bw_buf_slice(&m->meta), &meta));
	BW_NEED(whole && (meta.flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) == 0, UNSUPPORTED);
	for (size_t i = 0; i < meta.attribute_count; i++)
		BW_NEED(is_plain_attribute(meta.attributes[i].name), UNSUPPORTED);
	return BW_OK;
}

static bool is_ours(const struct making *m)
{
	for (size_t i = 0; i < m->hand->book.count; i++) {
		if (m->hand->book.baits[i].key.ino == m->status.st_ino)
			return true;
	}
	return false;
}

/* One with its own rights, no programs, with one name, and of a size that is read in a moment. */
static bool is_paper(const struct making *m)
{
	const struct stat *s = &m->status;

	return S_ISREG(s->st_mode) && s->st_nlink == 1 && (s->st_mode & 07111) == 0 &&
	       s->st_size >= BW_BAIT_MODEL_BYTES_MIN && s->st_size <= BW_BAIT_MODEL_BYTES_MAX && !is_ours(m);
}

static enum bw_err try_model(struct making *m)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_BAIT_MODEL_BYTES_MAX);
	BW_CLEANUP(close_fd) int fd = -1;
	struct stat after;

	BW_TRY(bw_open_beneath(m->folder, (const char *)m->model.ptr, O_RDONLY | O_NONBLOCK | O_NOATIME, 0, &fd));
	BW_NEED(fstat(fd, &m->status) == 0, IO);
	BW_NEED(is_paper(m), UNSUPPORTED);
	BW_TRY(read_meta(m, fd));
	BW_TRY(bw_file_read_fd(fd, m->path, &bytes, NULL));
	/* what is being written is no model; nor do rights count that changed meanwhile */
	BW_NEED(fstat(fd, &after) == 0 && after.st_ctim.tv_sec == m->status.st_ctim.tv_sec &&
			after.st_ctim.tv_nsec == m->status.st_ctim.tv_nsec,
		UNSUPPORTED);
	bw_buf_clear(&m->content);
	return bw_bait_child_form(m->child, bw_bait_kind_of(m->model), bw_buf_slice(&bytes), &m->content);
}

/* One of the present kind. NOT_FOUND: none of those that were looked at. */
static enum bw_err find_model(struct making *m)
{
	for (unsigned i = 0; i < TRIES; i++) {
		enum bw_err err;

		m->model = m->names[m->papers[bw_bait_roll(&m->dice, m->paper_count)]];
		err = try_model(m);
		if (err == BW_OK || err == BW_ERR_MEMORY || err == BW_ERR_PROTOCOL)
			return err;
	}
	return BW_ERR_NOT_FOUND;
}

static enum bw_err find_any_model(struct making *m)
{
	struct kind kinds[ENDINGS_MAX] = { 0 };
	struct bw_slice ending;
	enum bw_err err = BW_ERR_NOT_FOUND;

	count_kinds(m, kinds);
	while (err == BW_ERR_NOT_FOUND && next_kind(kinds, &ending)) {
		pick_papers(m, ending);
		err = find_model(m);
	}
	return err;
}

/* ---- the bait ---------------------------------------------------------------------------------------------------- */

static int64_t ns_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * SECOND_NS + time->tv_nsec;
}

static struct timespec time_of(int64_t ns)
{
	int64_t seconds = ns / SECOND_NS;

	if (ns % SECOND_NS < 0)
		seconds--;
	return (struct timespec){ .tv_sec = seconds, .tv_nsec = ns - seconds * SECOND_NS };
}

/* Some clients keep seconds, some hundreds of nanoseconds: as the model. */
static int64_t grain_of(const struct timespec *time)
{
	static const int64_t grains[] = { SECOND_NS, 1000000, 1000, 100 };

	for (size_t i = 0; i < BW_COUNT(grains); i++) {
		if (time->tv_nsec % grains[i] == 0)
			return grains[i];
	}
	return 1;
}

/* Between two files of the folder, or beside its model. */
static void choose_times(struct making *m, struct bw_meta *meta)
{
	const int64_t grain = grain_of(&m->status.st_mtim);
	const int64_t own = ns_of(&m->status.st_mtim);
	const int64_t now = bw_clock_now_us() * 1000;
	const int64_t read_after = ns_of(&m->status.st_atim) - own;
	const struct bw_slice other = m->names[m->papers[bw_bait_roll(&m->dice, m->paper_count)]];
	struct stat status;
	int64_t low = own;
	int64_t high = own;
	int64_t mtime;

	if (fstatat(m->folder, (const char *)other.ptr, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		low = ns_of(&status.st_mtim) < own ? ns_of(&status.st_mtim) : own;
		high = ns_of(&status.st_mtim) > own ? ns_of(&status.st_mtim) : own;
	}
	high = high < now ? high : now;
	low = low < high ? low : high;
	mtime = low + (int64_t)bw_bait_roll(&m->dice, (uint64_t)(high - low) + 1);
	mtime -= mtime % grain;
	meta->mtime = time_of(mtime);
	meta->atime = time_of(read_after > 0 && mtime + read_after <= now ? mtime + read_after : mtime);
}

static enum bw_err note(struct making *m, int fd, const struct bw_meta *meta, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	struct bw_bait bait = { .laid_us = bw_clock_now_us(),
				.size = m->content.len,
				.mtime_s = meta->mtime.tv_sec,
				.mtime_ns = (uint32_t)meta->mtime.tv_nsec,
				.path = path };

	BW_TRY(bw_path_join(path, m->path, m->name));
	BW_NEED(bw_guard_settings_cover(m->settings, path), NOT_FOUND);
	BW_TRY(bw_volume_key(&m->hand->volume, fd, &bait.key));
	BW_TRY(bw_sha256(bw_buf_slice(&m->content), bait.sha256));
	BW_TRY(bw_bait_book_add(&m->hand->book, &bait));
	return bw_bait_book_save(m->hand->data, &m->hand->book, why);
}

/* The folder's times as they were: it is nobody's news. */
static enum bw_err give_name(const struct making *m, int fd)
{
	struct stat before;
	struct timespec times[2];
	bool had = fstat(m->folder, &before) == 0;

	if (linkat(fd, "", m->folder, m->name, AT_EMPTY_PATH) != 0)
		return bw_err_from_errno(errno);
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	had = had && futimens(m->folder, times) == 0;
	return had ? BW_OK : BW_ERR_IO;
}

/* Written down before it has a name: what no list knows must lie nowhere. */
static enum bw_err lay(struct making *m, struct bw_why *why)
{
	BW_CLEANUP(close_fd) int fd = -1;
	struct bw_meta meta;
	enum bw_err err;

	BW_TRY(bw_meta_parse(bw_buf_slice(&m->meta), &meta));
	choose_times(m, &meta);
	BW_TRY(bw_open_beneath(m->folder, "", O_RDWR | O_TMPFILE, 0600, &fd));
	BW_TRY(bw_fd_write(fd, bw_buf_slice(&m->content)));
	BW_TRY(bw_meta_apply(fd, &meta, why));
	BW_NEED(fsync(fd) == 0, IO);
	BW_TRY(note(m, fd, &meta, why));
	err = give_name(m, fd);
	if (err == BW_OK || err == BW_ERR_IO)
		return err;
	bw_bait_book_drop(&m->hand->book, m->hand->book.count - 1);
	BW_TRY(bw_bait_book_save(m->hand->data, &m->hand->book, why));
	return err == BW_ERR_EXISTS ? BW_ERR_NOT_FOUND : err; /* somebody was faster */
}

static enum bw_err make(struct making *m, enum bw_bait_end end, struct bw_why *why)
{
	BW_TRY(open_folder(m));
	BW_TRY(list_names(m));
	BW_TRY(find_any_model(m));
	BW_TRY(bw_bait_name(m->names, m->count, m->model, end, &m->dice, m->name));
	return lay(m, why);
}

enum bw_err bw_bait_make(struct bw_bait_hand *hand, const struct bw_guard_settings *settings,
			 struct bw_bait_child *child, const char *folder, unsigned end, struct bw_why *why)
{
	struct making m = { .hand = hand,
			    .settings = settings,
			    .child = child,
			    .path = folder,
			    .folder = -1,
			    .arena = BW_ARENA_INIT(NAMES_BYTES),
			    .meta = BW_BUF_INIT(BW_META_BYTES_MAX),
			    .content = BW_BUF_INIT(BW_BAIT_BYTES_MAX) };
	enum bw_err err;

	bw_random(m.dice.key, sizeof(m.dice.key));
	err = make(&m, (enum bw_bait_end)end, why);
	close_fd(&m.folder);
	bw_arena_release(&m.arena);
	bw_buf_release(&m.meta);
	bw_buf_release(&m.content);
	free(m.names);
	free(m.papers);
	return err;
}
