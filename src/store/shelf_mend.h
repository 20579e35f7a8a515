/*
 * A damaged shelf: what of it can be read becomes a new one, whose books balance. Nothing of the old one is changed.
 *
 * Rows are read in ranges of their numbers; a range that cannot be read is halved until what is torn is known. The
 * first page, without which nothing can be read, is the same in every shelf of this form but for a few counts, and is
 * taken from the new one when it is damaged. What is left is made to agree: a version whose file or folder is lost
 * belongs to a file nobody has seen since, in the folder BW_SHELF_LOST.
 */
#ifndef BW_STORE_SHELF_MEND_H
#define BW_STORE_SHELF_MEND_H

#include "store/shelf.h"

/* Below the mount: where what has lost its name is found. */
#define BW_SHELF_LOST "breakwater-lost"

struct bw_shelf_salvaged {
	uint64_t folders;
	uint64_t files;
	uint64_t versions;
	uint64_t torn;   /* numbers of versions, files and folders at which nothing could be read */
	uint64_t adrift; /* versions whose file, or its folder, was lost */
	bool has_head;   /* the first page was whole */
};

/*
 * `from` and the log beside it are copied to `work`, which is removed again with all that is named after it; `to` is
 * made. EXISTS, DISK_FULL, IO, MEMORY.
 */
struct bw_shelf_salvage {
	const char *from; /* need not be there: then nothing is salvaged */
	const char *work;
	const char *to;
	uint64_t most; /* no version has a larger number, as far as the contents tell that are there */
	int64_t now_us;
};
BW_MUST_USE enum bw_err bw_shelf_salvage(const struct bw_shelf_salvage *plan, struct bw_shelf_salvaged *out,
					 struct bw_why *why);

/* A content of which only the number is known: "version N" in BW_SHELF_LOST, of a file that went at `gone_us`. */
struct bw_shelf_nameless {
	uint64_t number;
	uint64_t size;
	uint32_t pack; /* 0: an object */
	uint64_t at;
	uint64_t kept_bytes;
	int64_t taken_us;
	int64_t gone_us;
	uint8_t sum[BW_SHELF_SUM_BYTES];
	struct bw_slice meta;
};

/* EXISTS: there is a version of that number. */
BW_MUST_USE enum bw_err bw_shelf_add_nameless(struct bw_shelf *shelf, const struct bw_shelf_nameless *nameless);

/* From here on the pack of this number grows, from its beginning, and all that is kept counts as synced. */
BW_MUST_USE enum bw_err bw_shelf_begin_pack(struct bw_shelf *shelf, uint32_t pack);

#endif
