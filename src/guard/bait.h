/*
 * Bait: a few files among others that nobody has a reason to change, laid in folders of papers and looking like the
 * files beside them: name, format, size, times, owner, mode, ACL. Known to the guard by DATA/guard/bait alone
 * (guard/bait_book.h). Root's commands lay and remove them; a running guard is told by RELOAD.
 *
 * Whoever may read one may read the file it was made of: it has that file's owner, group, mode and ACL, and no word
 * of another. Nothing that is there is ever overwritten, and no link is followed on the way.
 */
#ifndef BW_GUARD_BAIT_H
#define BW_GUARD_BAIT_H

#include "guard/bait_book.h"
#include "guard/bait_child.h"
#include "guard/volume.h"

/* The list, locked against other commands for as long as it is open. */
struct bw_bait_hand {
	const char *data;
	int lock;
	struct bw_bait_book book;
	struct bw_volume volume; /* the last one that was looked at; root -1: none */
};

/* BUSY: another command is at it. As bw_bait_book_load. */
BW_MUST_USE enum bw_err bw_bait_open(const char *data, struct bw_bait_hand *out, struct bw_why *why);
void bw_bait_close(struct bw_bait_hand *hand);

/* What became of one. */
enum bw_bait_state {
	BW_BAIT_AS_LAID,
	BW_BAIT_MOVED,   /* it is elsewhere on its file system, and as it was */
	BW_BAIT_CHANGED, /* somebody wrote to it: it is his file now */
	BW_BAIT_GONE,
	BW_BAIT_STATES,
};

const char *bw_bait_state_name(enum bw_bait_state state);

/* An open one: its folder, and its name in it. */
struct bw_bait_found {
	enum bw_bait_state state;
	int fd; /* -1 when it is gone */
	struct bw_file_key key;
	char path[BW_PATH_BYTES]; /* as it is now; "" when gone */
};

/*
 * Looks at one of the list: by its key wherever it is, else under its name, where a restore may have put it back as
 * another file. IO, and what bw_volume_of says. The caller closes `fd`.
 */
BW_MUST_USE enum bw_err bw_bait_find(struct bw_bait_hand *hand, const struct bw_bait *bait, struct bw_bait_found *out,
				     struct bw_why *why);

struct bw_bait_laid {
	size_t laid;
	size_t there;     /* of before, and still there */
	size_t quota;     /* how many the tree may have */
	size_t no_models; /* folders that were chosen, and in which nothing could be imitated */
	uint64_t files;   /* of the tree */
	uint64_t folders;
};

/*
 * Lays as much as the quota allows in what is protected below `dir` (absolute, real). What was thrown away or changed
 * since the last time is noted, and its folder left alone for a while. *out tells what was done also on failure.
 * DISK_FULL, READ_ONLY …: what is laid is laid.
 */
BW_MUST_USE enum bw_err bw_bait_lay(struct bw_bait_hand *hand, const struct bw_guard_settings *settings,
				    const char *dir, struct bw_bait_laid *out, struct bw_why *why);

/* bait_make.c: one file in one folder (absolute). NOT_FOUND: nothing there can be imitated. */
BW_MUST_USE enum bw_err bw_bait_make(struct bw_bait_hand *hand, const struct bw_guard_settings *settings,
				     struct bw_bait_child *child, const char *folder, unsigned end, struct bw_why *why);

struct bw_bait_removed {
	size_t removed;
	size_t changed; /* left where they are: somebody made them his */
	size_t gone;
};

/*
 * Removes those that lie below `dir` now; NULL: those that the settings do not cover any more. What somebody changed is
 * left to him, told by `tell` (may be NULL), and is bait no longer.
 */
struct bw_bait_removal {
	const struct bw_guard_settings *settings;
	const char *dir;
	void (*tell)(void *context, const char *path);
	void *context;
};

BW_MUST_USE enum bw_err bw_bait_remove(struct bw_bait_hand *hand, const struct bw_bait_removal *removal,
				       struct bw_bait_removed *out, struct bw_why *why);

/* For the commands that take folders in or let them go: they say what was done and what went wrong. */
bool bw_bait_lay_in(const char *data, const struct bw_guard_settings *settings, const char *const *dirs, size_t count,
		    bool quiet); /* false: it was cut short */
void bw_bait_leave(const char *data, const struct bw_guard_settings *settings);

#endif
