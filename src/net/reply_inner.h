/* What a reply is made of; for this room only. */
#ifndef BW_NET_REPLY_INNER_H
#define BW_NET_REPLY_INNER_H

#include "net/reply.h"

struct bw_reply {
	unsigned refs;
	unsigned status;
	struct bw_slice body;
	struct bw_buf owned; /* holds the body when it is ours */
	void *map;           /* holds the body when it is a memory file */
	size_t map_bytes;
	size_t head_bytes;
	uint8_t head[]; /* status line, headers, Content-Length; Date and the blank line follow when sent */
};

#endif
