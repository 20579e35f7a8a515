#include "serve/reply_form.h"

#include "desk/form.h"
#include "serve/ask.h"
#include "serve/limits.h"
#include "serve/resource.h"
#include "sys/memfile.h"

/*
 * A larger body costs less as a memory file than copied through the socket; and the answers to all
 * letters of one turn (serve/post.c) fit into a channel's queue.
 */
enum { INLINE_MAX = 96 * 1024 };

static enum bw_err send_with(struct bw_post *post, struct bw_return_address to, const struct bw_reply_form *reply,
			     struct bw_slice body, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	BW_TRY(bw_form_add_num(&form, reply->id));
	BW_TRY(bw_form_add_num(&form, reply->status));
	BW_TRY(bw_form_add_num(&form, reply->collection));
	BW_TRY(bw_form_add_num(&form, reply->generation));
	BW_TRY(bw_form_add(&form, reply->headers));
	BW_TRY(bw_form_add(&form, body));
	return bw_post_answer(post, to, BW_ANS_REPLY, bw_buf_slice(&form), fd);
}

enum bw_err bw_reply_form_send(struct bw_post *post, struct bw_return_address to, const struct bw_reply_form *reply)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;

	if (reply->body.len <= INLINE_MAX)
		return send_with(post, to, reply, reply->body, -1);
	BW_TRY(bw_memfile_of("taxii-page", reply->body, &file));
	return send_with(post, to, reply, bw_slice_empty, file.fd);
}

enum bw_err bw_reply_form_problem(struct bw_post *post, struct bw_return_address to, uint64_t id,
				  const struct bw_problem *problem)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);
	struct bw_reply_form reply = { .id = id, .status = problem->status, .headers = bw_slice_empty };

	if (problem->status == 401)
		reply.headers = BW_LIT("WWW-Authenticate: Basic realm=\"breakwater\", charset=\"UTF-8\"\r\n");
	if (problem->status == 503)
		reply.headers = BW_LIT("Retry-After: 1\r\n");
	BW_TRY(bw_resource_error(&body, problem));
	reply.body = bw_buf_slice(&body);
	return bw_reply_form_send(post, to, &reply);
}
