/*
 * What a file is called by the guard: never a path, which changes, nor an inode number alone,
 * which ext4 gives to the next file at once.
 *
 * The kernel names a file in every fanotify event by its file handle
 * (name_to_handle_at(2)). Three kinds are known, told apart by type and length:
 *
 *   ext4   type 0x01,  8 bytes: inode 32, generation 32
 *   XFS    type 0x81, 12 bytes: inode 64, generation 32 (and 0x01 with 8)
 *   Btrfs  type 0x4d, 20 bytes: object 64, subvolume 64, generation 32
 *
 * Numbers in a handle are in the machine's byte order.
 */
#ifndef BW_GUARD_KEY_H
#define BW_GUARD_KEY_H

#include "base/bytes.h"

struct bw_file_key {
	uint64_t ino;
	uint64_t tree;   /* Btrfs: the subvolume; else 0 */
	uint32_t gen;    /* which file of that number */
	uint32_t volume; /* the guard's own number of the file system, 0.. */
};

enum {
	BW_HANDLE_BYTES_MAX = 24, /* of the three kinds */
	BW_KEY_BYTES = 24,        /* as bw_file_key_write writes it */
};

/* UNSUPPORTED: a handle of another kind of file system. */
BW_MUST_USE enum bw_err bw_file_key_of_handle(int type, struct bw_slice handle, uint32_t volume,
					      struct bw_file_key *out);

/* The way back: a handle of this type and length, as bw_file_key_of_handle takes it. UNSUPPORTED. */
BW_MUST_USE enum bw_err bw_file_key_to_handle(const struct bw_file_key *key, int type, size_t len,
					      uint8_t out[BW_HANDLE_BYTES_MAX]);

static inline bool bw_file_key_equals(const struct bw_file_key *a, const struct bw_file_key *b)
{
	return a->ino == b->ino && a->gen == b->gen && a->tree == b->tree && a->volume == b->volume;
}

/* By inode, subvolume, generation, for qsort and bsearch; the volume is not looked at. */
int bw_file_key_compare(const void *a, const void *b);

/* Big-endian, for hashing and for records. */
void bw_file_key_write(const struct bw_file_key *key, uint8_t out[BW_KEY_BYTES]);

#endif
