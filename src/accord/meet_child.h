/* The child of accord/meet_line.h: what it is told and says. No other file includes this. */
#ifndef BW_ACCORD_MEET_CHILD_H
#define BW_ACCORD_MEET_CHILD_H

#include "base/bytes.h"
#include "net/url.h"
#include "sys/channel.h"

enum {
	BW_MEET_SAYS_READY = 1, /* 32 bytes: of a guest the connection's exported secret, of a host zeros */
	BW_MEET_SAYS_HEARD,     /* host: id be64 | exported 32 | message. Guest: the answer */
	BW_MEET_SAYS_FAILED,    /* error be16 | words; the last thing it says */
	BW_MEET_TELLS_ANSWER,   /* id be64 | answer; no answer: refuse */
	BW_MEET_TELLS_ASK,      /* the message */
};

struct bw_meet_child_plan {
	int listener; /* of a host; -1: a guest */
	struct bw_slice cert_pem;
	struct bw_slice key_pem;
	const char *path;          /* of a host: "/" and a word that only who was invited knows */
	const struct bw_url *host; /* where a guest goes, path included */
};

/* Until the parent is gone (CLOSED) or it has failed and said so. */
BW_MUST_USE enum bw_err bw_meet_child_run(struct bw_channel *channel, const struct bw_meet_child_plan *plan);

#endif
