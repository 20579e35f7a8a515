/*
 * Where bait is laid: folders of papers that people keep, chosen so that whoever begins at the front, at the end, with
 * the largest or the deepest folder meets one early.
 */
#ifndef BW_GUARD_BAIT_PICK_H
#define BW_GUARD_BAIT_PICK_H

#include "guard/bait_book.h"
#include "guard/bait_dice.h"
#include "guard/bait_name.h"
#include "guard/walk.h"

enum {
	BW_BAIT_FOLDERS_MAX = 16384, /* of a tree with more a part is drawn */
	BW_BAIT_FILES_EACH = 50,     /* one bait for so many files of a tree, and no more */
	BW_BAIT_PAPERS_MIN = 8,      /* in a folder, and half of its files: else some program's, or some inbox … */
	BW_BAIT_MODELS_MIN = 3,      /* … and so many of a kind that can be imitated */
	BW_BAIT_FOLDER_LARGE = 100,  /* gets two: a first and a last … */
	BW_BAIT_FOLDER_HUGE = 500,   /* … and another one for so many files, up to BW_BAIT_FOLDER_MOST */
	BW_BAIT_FOLDER_MOST = 8,
	BW_BAIT_DEPTH_MAX = 256,
};

struct bw_bait_folder {
	const char *path; /* absolute */
	uint64_t files;
	uint64_t papers; /* of them what people keep */
	uint64_t models; /* of these: of a kind that can be imitated */
	unsigned depth;
};

struct bw_bait_folders {
	struct bw_arena arena;
	struct bw_bait_folder *list; /* those that may get bait */
	size_t count;
	uint64_t files;   /* of the whole tree */
	uint64_t folders; /* likewise */
};

/*
 * Walks what is protected below `path` (below the mount). Left out are hidden folders, what lies below a folder with a
 * version control's store in it, and names no list can hold. As bw_walk; MEMORY.
 */
BW_MUST_USE enum bw_err bw_bait_folders_find(const struct bw_volume *volume, const struct bw_guard_settings *settings,
					     struct bw_slice path, struct bw_bait_folders *out, struct bw_why *why);
void bw_bait_folders_release(struct bw_bait_folders *folders);

struct bw_bait_spot {
	const char *folder;
	enum bw_bait_end end;
};

/*
 * Pure. At most `room` spots, in folders that have no bait yet and whose users threw none away lately. Returns how
 * many; `folders` changes its order.
 */
size_t bw_bait_spots(struct bw_bait_folders *folders, const struct bw_bait_book *book, int64_t now_us,
		     struct bw_bait_dice *dice, struct bw_bait_spot *out, size_t room);

/* Pure. How many bait files a tree of so many files may have. */
size_t bw_bait_quota(uint64_t files);

/* The folder of an absolute path: what stands before its last slash. */
struct bw_slice bw_bait_folder_of(struct bw_slice path);

/* Whether an absolute path is `folder`, or lies below it. */
bool bw_bait_is_below(struct bw_slice path, struct bw_slice folder);

#endif
