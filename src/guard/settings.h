/*
 * What an administrator told the guard: DATA/guard/settings, root's, 0600, one fact a line, that a
 * person can read and edit:
 *
 *   tree /srv/share            protected, with all below it
 *   mount /srv                 where the file system of the tree above this line was mounted when it was enrolled
 *   exclude /srv/share/scratch left out: a folder, or a pattern of fnmatch(3) over whole paths
 *   mode enforce               observe, hold or enforce; without it the default of the first day
 *   largest 4294967296         bytes; larger files get no standing copy (reflinks cost nothing and are taken)
 *   quota 100000000000         bytes the shadows of one volume may take; without it a fifth of the volume
 *   inodes 1000000             inodes they may take; without it a fifth of those of the volume
 *   days 30                    how long versions are kept
 *   enrolled 2026-11-23T...Z   when the first tree came in
 *   salt 0123456789abcdef      secret: where samples are taken
 *   mail admin@school.example  who is told of an incident, where the machine has sendmail
 *   hook /usr/local/sbin/page  a program that is told, by its standard input; root's, writable by nobody else
 *   copies /srv                a mount whose shadows are copies though it could share blocks
 *   samba /srv/smb/smb.conf    the configuration of the Samba that is asked, where it is not the usual one
 *
 * Lines that begin with '#' are comments. DATA is made by `guard enroll` when it does not exist; it may
 * also be an exchange's data folder.
 */
#ifndef BW_GUARD_SETTINGS_H
#define BW_GUARD_SETTINGS_H

#include "base/arena.h"
#include "sys/files.h"

enum {
	BW_TREES_MAX = 64,
	BW_EXCLUDES_MAX = 256,
	BW_VOLUMES_MAX = 64,
};

enum bw_guard_mode {
	BW_MODE_UNSET,   /* unattended default: enforce the highest class, observe the rest on the first day */
	BW_MODE_OBSERVE, /* report only */
	BW_MODE_HOLD,    /* freeze the actor until a person decides */
	BW_MODE_ENFORCE, /* stop the actor */
};

/* An enrolled tree that cannot be reached (guard/volumes.h). */
struct bw_tree_away {
	const char *path;
	const char *mount;
	size_t at; /* its place among all */
	char why[192];
};

struct bw_guard_settings {
	size_t tree_count;
	const char *trees[BW_TREES_MAX];  /* absolute, real paths, none inside another */
	const char *mounts[BW_TREES_MAX]; /* of each; NULL: nobody wrote it down */
	bool enrolling[BW_TREES_MAX]; /* of each, not written down: a person asks for it, and it needs no store yet */
	size_t away_count;
	struct bw_tree_away away[BW_TREES_MAX]; /* not among `trees`, and written down with them */
	size_t exclude_count;
	const char
		*excludes[BW_EXCLUDES_MAX]; /* absolute paths of folders, or patterns of fnmatch(3) over whole paths */
	size_t copies_count;
	const char *copies[BW_VOLUMES_MAX]; /* mounts whose shadows are copies, whatever they could do */
	enum bw_guard_mode mode;
	uint64_t largest_bytes; /* larger files get no standing shadow where that is a copy; 0: no limit */
	uint64_t quota_bytes;   /* kept bytes a volume; 0: a fifth of it */
	uint64_t quota_inodes;  /* objects a volume; 0: a fifth of its inodes, where those are counted */
	uint32_t days;          /* how long versions are kept; 30 unless told */
	int64_t enrolled_us;    /* when the first tree came in: the first day counts from here */
	uint64_t salt;
	const char *mail;  /* NULL: nobody is written to */
	const char *hook;  /* absolute path; NULL: none */
	const char *samba; /* absolute path; NULL: Samba's own */
};

/* Everything borrows from `arena`. NOT_FOUND: nothing was enrolled. CORRUPT with the place. */
BW_MUST_USE enum bw_err bw_guard_settings_load(const char *data, struct bw_arena *arena, struct bw_guard_settings *out,
					       struct bw_why *why);

/*
 * The same for a worker that goes on with `now` otherwise. CLOSED: no tree any more, and the guard is about to end.
 * CONFLICT: another salt: the workers are about to begin again. What is away for `now` is away.
 */
BW_MUST_USE enum bw_err bw_guard_settings_reload(const char *data, const struct bw_guard_settings *now,
						 struct bw_arena *arena, struct bw_guard_settings *out,
						 struct bw_why *why);

/* Makes DATA and DATA/guard when missing; a salt when there is none. */
BW_MUST_USE enum bw_err bw_guard_settings_save(const char *data, struct bw_guard_settings *settings,
					       struct bw_why *why);

/* Whether a path (absolute) is protected: below a tree and not excluded. */
bool bw_guard_settings_cover(const struct bw_guard_settings *settings, const char *path);

/* Whether nothing of a tree (one of them) is protected: it, a folder above it, or every name below it is left out. */
bool bw_guard_settings_leave_out(const struct bw_guard_settings *settings, const char *tree);

/* Removes trees[index]; the others keep their order. */
void bw_guard_settings_forget(struct bw_guard_settings *settings, size_t index);

/* trees[index], the `at`th of all, cannot be reached, and why. Called for the first of them first. */
void bw_guard_settings_put_away(struct bw_guard_settings *settings, size_t index, size_t at, const char *why);

/* The tree that is away, and is this path, or holds it; NULL: none. */
const struct bw_tree_away *bw_guard_settings_away(const struct bw_guard_settings *settings, const char *path);

/* "observe", "hold", "enforce"; NULL for what is none of them gives UNSET back. */
const char *bw_guard_mode_name(enum bw_guard_mode mode);
enum bw_guard_mode bw_guard_mode_of(const char *name);

#endif
