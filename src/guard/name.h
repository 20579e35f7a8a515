/*
 * What a file is called now. The kernel's records carry the name through which a file was opened: of one that was made
 * without a name (O_TMPFILE of open(2)) that is "#" and its inode's number for ever, whatever linkat(2) called it; of
 * one with several names it may be one that is gone. Records of single writes carry none.
 */
#ifndef BW_GUARD_NAME_H
#define BW_GUARD_NAME_H

#include "guard/volume.h"

struct bw_name {
	struct bw_file_key folder;
	bool is_other; /* than what was told; else folder and name are not filled in */
	uint8_t len;
	uint8_t bytes[255];
};

/* Whether the kernel calls a file without a name so: "#62" of inode 62. A person may call a file so, too. */
bool bw_name_is_temporary(struct bw_slice name, uint64_t ino);

/*
 * The name of the open file `fd` (O_PATH is enough), of which `folder` and `name` were told; `name` may be empty. What
 * was told stands when it leads to the file, when the file has no name any more, and when no better one can be found.
 * NOT_FOUND: it was made without a name and has none. CONFLICT: the kernel's own was told, it has another one, and
 * nobody can say which. IO.
 */
BW_MUST_USE enum bw_err bw_name_now(const struct bw_volume *volume, int fd, const struct bw_file_key *folder,
				    struct bw_slice name, struct bw_name *out);

#endif
