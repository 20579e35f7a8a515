/*
 * What the hand is asked and what it tells: the bodies of the channel frames whose kinds stand in guard/event.h.
 * Pure; whoever reads treats the other side as a stranger. Numbers are big-endian, a block is length be32 and bytes.
 *
 *   WHO       judge -> hand            empty: ask Samba now; else pid be32 | start_ns be64: whom does this smbd child
 *                                      serve?
 *   PEER      hand -> judge            pid be32 | start_ns be64 | port be16 | address block: that one; one frame for
 *                                      each address, none when it has no client (any more)
 *   SESSIONS  hand -> judge            what smbstatus --json said, as it said it; when that is longer than a frame may
 *                                      be, the body is empty and a sealed memory file travels with it
 *   KEEP_OUT  judge -> hand            incident be64 | seconds be32 | address block | user block; what is empty is
 *                                      not known yet, or was told before
 *   FREEZE    judge -> hand            incident be64 | seconds be32 | cgroup be64 | count be32 | count * (pid be32 |
 *                                      start_ns be64): that cgroup (0: none) is frozen, and those processes, which
 *                                      watch has stopped (SIGSTOP), are remembered so that they can go on
 *   LIFT      judge, scribe -> hand    incident be64 (0: all): undo what was done for it
 *   NOTICE    keep -> scribe -> hand   incident be64 | subject block | text block: tell the administrator
 *   ACTED     hand -> scribe           incident be64 | what u8 | until_us be64 | subject block | undo block
 *
 * Errors: PROTOCOL (what does not fit its form, or bytes are left over), TOO_BIG and TOO_MANY past the limits below.
 */
#ifndef BW_GUARD_HAND_FORM_H
#define BW_GUARD_HAND_FORM_H

#include "guard/event.h"

enum {
	BW_HAND_ADDRESS_BYTES = 64, /* an IPv6 address with a zone is 45 + 1 + 15 */
	BW_HAND_USER_BYTES = 512,   /* a domain, a separator and a name of 256 characters are less */
	BW_HAND_SECONDS_MAX = 7 * 24 * 3600,
	BW_HAND_SECONDS_USUAL = 3600, /* also what 0 seconds mean */
	BW_HAND_SESSIONS_BYTES = 32 * 1024 * 1024,
	BW_HAND_SUBJECT_BYTES = 1024,
	BW_HAND_TEXT_BYTES = 64 * 1024,
};

struct bw_who {
	uint32_t pid;      /* 0: nobody in particular, ask Samba */
	uint64_t start_ns; /* as in struct bw_process_event; 0: not known */
};

struct bw_peer_word {
	struct bw_who who;
	uint16_t port;
	struct bw_slice address;
};

struct bw_keep_out {
	uint64_t incident;
	uint32_t seconds;        /* 1..BW_HAND_SECONDS_MAX after parsing */
	struct bw_slice address; /* as the kernel or Samba said it: not looked at yet */
	struct bw_slice user;
};

struct bw_freeze {
	uint64_t incident;
	uint64_t cgroup; /* its id (the inode number of its folder); 0: none */
	uint32_t seconds;
	uint32_t count;
	struct bw_slice processes; /* bw_freeze_process reads them */
};

struct bw_held {
	uint32_t pid;
	uint64_t start_ns; /* as in struct bw_process_event; 0: not known */
};

struct bw_notice {
	uint64_t incident;
	struct bw_slice subject; /* any bytes */
	struct bw_slice text;
};

enum bw_acted_what {
	BW_ACTED_KEPT_OUT = 1,
	BW_ACTED_FROZE,
	BW_ACTED_HELD,
	BW_ACTED_LET_IN, /* the undoings of the three */
	BW_ACTED_THAWED,
	BW_ACTED_RELEASED,
	BW_ACTED_FAILED, /* `undo` tells why */
	BW_ACTED_NOTICED,
};

struct bw_acted {
	uint64_t incident;
	enum bw_acted_what what;
	int64_t until_us;        /* wall clock; 0: does not end by itself, or is over */
	struct bw_slice subject; /* the address, the cgroup's path, the process */
	struct bw_slice undo;    /* the command that undoes it */
};

BW_MUST_USE enum bw_err bw_who_parse(struct bw_slice body, struct bw_who *out);
BW_MUST_USE enum bw_err bw_who_add(struct bw_buf *out, const struct bw_who *who);

BW_MUST_USE enum bw_err bw_peer_word_parse(struct bw_slice body, struct bw_peer_word *out);
BW_MUST_USE enum bw_err bw_peer_word_add(struct bw_buf *out, const struct bw_peer_word *word);

BW_MUST_USE enum bw_err bw_keep_out_parse(struct bw_slice body, struct bw_keep_out *out);
BW_MUST_USE enum bw_err bw_keep_out_add(struct bw_buf *out, const struct bw_keep_out *what);

BW_MUST_USE enum bw_err bw_freeze_parse(struct bw_slice body, struct bw_freeze *out);
BW_MUST_USE enum bw_err bw_freeze_add(struct bw_buf *out, const struct bw_freeze *what, const struct bw_held *held);

/* The n-th of `count`. */
struct bw_held bw_freeze_process(const struct bw_freeze *freeze, uint32_t n);

BW_MUST_USE enum bw_err bw_lift_parse(struct bw_slice body, uint64_t *out_incident);
BW_MUST_USE enum bw_err bw_lift_add(struct bw_buf *out, uint64_t incident);

BW_MUST_USE enum bw_err bw_notice_parse(struct bw_slice body, struct bw_notice *out);
BW_MUST_USE enum bw_err bw_notice_add(struct bw_buf *out, const struct bw_notice *what);

BW_MUST_USE enum bw_err bw_acted_parse(struct bw_slice body, struct bw_acted *out);
BW_MUST_USE enum bw_err bw_acted_add(struct bw_buf *out, const struct bw_acted *what);

#endif
