/* BW_ANS_REPLY as the pager and the keeper write it: what the front turns into an HTTP answer. */
#ifndef BW_SERVE_REPLY_FORM_H
#define BW_SERVE_REPLY_FORM_H

#include "desk/post.h"
#include "serve/taxii.h"

struct bw_reply_form {
	uint64_t id;
	unsigned status;     /* 0: go on (POST) */
	uint16_t collection; /* whose generation the answer depends on; 0: the list of collections */
	uint64_t generation;
	struct bw_slice headers; /* lines with CRLF */
	struct bw_slice body;    /* sent as a memory file when it is large */
};

BW_MUST_USE enum bw_err bw_reply_form_send(struct bw_post *post, struct bw_return_address to,
					   const struct bw_reply_form *reply);

/* The error resource of a problem, as a reply. */
BW_MUST_USE enum bw_err bw_reply_form_problem(struct bw_post *post, struct bw_return_address to, uint64_t id,
					      const struct bw_problem *problem);

#endif
