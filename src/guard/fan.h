/*
 * What fanotify wrote into a buffer, as plain events (fanotify(7)): for groups that
 * report file handles, so no record carries a descriptor.
 *
 *   record  length u32 | version u8 | reserved u8 | head length u16 | mask u64 | fd i32 | pid i32
 *           then pieces up to the length:
 *   piece   type u8 | pad u8 | length u16 | fsid 2 x u32 | handle length u32 | handle type i32 | handle |
 *           name with its NUL (of the types that have one) | padding
 *
 * In the machine's byte order. Pieces of types we do not know are passed over; a handle longer than any of
 * the file systems we keep (bw_handle) leaves its part of the event empty. Pure.
 */
#ifndef BW_GUARD_FAN_H
#define BW_GUARD_FAN_H

#include "base/cursor.h"
#include "guard/volume.h"

struct bw_fan_id {
	bool there;
	uint32_t fsid[2];
	struct bw_handle handle;
	struct bw_slice name; /* borrows from the buffer; at most 255 bytes; empty when the kernel gave none, or "." */
};

struct bw_fan_event {
	uint64_t mask; /* FAN_... as the kernel has it; several when it merged events */
	uint32_t pid;  /* 0: of another pid namespace */
	bool overflow; /* events were lost here */
	struct bw_fan_id file;
	struct bw_fan_id folder;    /* of the name; of the old one when it was renamed */
	struct bw_fan_id folder_to; /* renamed only */
};

/*
 * Takes one record. AGAIN: the buffer is used up. TRUNCATED, VERSION, PROTOCOL: the rest of the buffer cannot be
 * read; `in` has not moved.
 */
BW_MUST_USE enum bw_err bw_fan_next(struct bw_cursor *in, struct bw_fan_event *out);

#endif
