#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "net/errand.h"
#include "net/server.h"

/* Server and errands on one loop: nothing here may block. */
struct rig {
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_net_address address;
	struct bw_exchange *stream; /* of a client that hears */
	struct bw_buf posted;
	struct bw_errand_spare spare; /* of errands that leave their connection */
	bool leaves;
	unsigned cuts;
};

struct outcome {
	struct rig *rig;
	struct bw_errand *errand;
	unsigned status;
	struct bw_buf body;
	bool over;
	enum bw_err err;
	enum bw_err refuse_body; /* what on_body answers */
	char why[BW_WHY_BYTES];
};

/* ---- the server ---- */

static void say(struct bw_exchange *x, unsigned status, struct bw_slice text)
{
	struct bw_buf body = BW_BUF_INIT(1024 * 1024);
	struct bw_reply *reply;

	assert_int_equal(bw_buf_add(&body, text), BW_OK);
	assert_int_equal(bw_reply_new(status, bw_slice_empty, &body, &reply), BW_OK);
	bw_exchange_answer(x, reply);
}

static void on_head(void *ctx, struct bw_exchange *x)
{
	const struct bw_http_request *request = bw_exchange_head(x);
	struct rig *rig = ctx;
	struct bw_reply *head;

	if (bw_slice_is(request->path, "/hear")) {
		assert_int_equal(bw_reply_new_stream(200, bw_slice_empty, &head), BW_OK);
		assert_int_equal(bw_exchange_stream(x, head), BW_OK);
		rig->stream = x;
	} else if (request->method == BW_HTTP_POST) {
		assert_int_equal(bw_exchange_receive(x, 1024 * 1024), BW_OK);
	} else if (bw_slice_is(request->path, "/cut")) {
		rig->cuts++;
		bw_exchange_abort(x);
	} else {
		say(x, 404, BW_LIT("nothing"));
	}
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct rig *rig = ctx;

	(void)x;
	assert_int_equal(bw_buf_add(&rig->posted, bytes), BW_OK);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct rig *rig = ctx;

	say(x, 200, bw_buf_slice(&rig->posted));
}

static void on_server_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct rig *rig = ctx;

	(void)how;
	if (rig->stream == x)
		rig->stream = NULL;
}

static int set_up(void **state)
{
	static const struct bw_http_calls calls = {
		.on_head = on_head, .on_body = on_body, .on_body_end = on_body_end, .on_end = on_server_end
	};
	struct rig *rig = calloc(1, sizeof(*rig));
	int fd;

	assert_non_null(rig);
	rig->posted = BW_BUF_INIT(1024 * 1024);
	rig->spare = BW_ERRAND_SPARE_NONE;
	assert_int_equal(bw_loop_new(&rig->loop), BW_OK);
	assert_int_equal(bw_http_server_new(rig->loop, NULL, &calls, rig, &rig->server), BW_OK);
	assert_int_equal(bw_net_address_parse(BW_LIT("127.0.0.1:0"), &rig->address), BW_OK);
	assert_int_equal(bw_net_listen(&rig->address, false, &fd), BW_OK);
	assert_int_equal(bw_net_local(fd, &rig->address), BW_OK);
	assert_int_equal(bw_http_server_listen(rig->server, fd, NULL), BW_OK);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	bw_errand_spare_drop(&rig->spare);
	bw_http_server_free(rig->server);
	bw_loop_free(rig->loop);
	bw_buf_release(&rig->posted);
	free(rig);
	return 0;
}

/* ---- the client ---- */

static enum bw_err hear_head(void *ctx, const struct bw_http_response *response)
{
	struct outcome *o = ctx;

	o->status = response->status;
	return BW_OK;
}

static enum bw_err hear_body(void *ctx, struct bw_slice bytes)
{
	struct outcome *o = ctx;

	if (o->refuse_body != BW_OK)
		return o->refuse_body;
	return bw_buf_add(&o->body, bytes);
}

static void hear_end(void *ctx, enum bw_err err, const struct bw_why *why)
{
	struct outcome *o = ctx;

	assert_false(o->over);
	o->over = true;
	o->err = err;
	snprintf(o->why, sizeof(o->why), "%s", why->text);
	bw_errand_free(o->errand);
	o->errand = NULL;
}

static const struct bw_errand_calls hearing = { hear_head, hear_body, hear_end };

static void begin(struct outcome *o, const char *method, const char *target, struct bw_slice body,
		  const struct bw_net_address *addresses, size_t count)
{
	const struct bw_errand_plan plan = { .addresses = addresses,
					     .address_count = count,
					     .host = "here.example",
					     .authority = "here.example:1",
					     .method = method,
					     .target = bw_slice_text(target),
					     .headers = bw_slice_empty,
					     .has_body = body.len > 0,
					     .body = body,
					     .answer_max = 1024 * 1024,
					     .spare = o->rig->leaves ? &o->rig->spare : NULL };

	o->body = BW_BUF_INIT(2 * 1024 * 1024);
	assert_int_equal(bw_errand_new(o->rig->loop, &plan, &hearing, o, &o->errand), BW_OK);
}

static void turn_until(const struct outcome *o, const bool *claim)
{
	while (!*claim)
		assert_int_equal(bw_loop_step(o->rig->loop, true), BW_OK);
}

static void an_answer_comes_whole(void **state)
{
	struct outcome o = { .rig = *state };

	begin(&o, "GET", "/", bw_slice_empty, &o.rig->address, 1);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_OK);
	assert_int_equal(o.status, 404);
	assert_true(bw_slice_is(bw_buf_slice(&o.body), "nothing"));
	bw_buf_release(&o.body);
}

static void a_long_body_goes_out_and_comes_back(void **state)
{
	struct bw_buf sent = BW_BUF_INIT(1024 * 1024);
	struct outcome o = { .rig = *state };

	for (unsigned i = 0; i < 900000; i++)
		assert_int_equal(bw_buf_add_u8(&sent, (uint8_t)(i * 31)), BW_OK);
	begin(&o, "POST", "/", bw_buf_slice(&sent), &o.rig->address, 1);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_OK);
	assert_true(bw_slice_equals(bw_buf_slice(&o.body), bw_buf_slice(&sent)));
	bw_buf_release(&o.body);
	bw_buf_release(&sent);
}

static void push(struct rig *rig, const char *text)
{
	struct bw_reply *piece;

	assert_non_null(rig->stream);
	assert_int_equal(bw_reply_new_piece(bw_slice_text(text), &piece), BW_OK);
	assert_int_equal(bw_exchange_push(rig->stream, piece), BW_OK);
}

static void wait_for_bytes(struct outcome *o, size_t count)
{
	while (o->body.len < count && !o->over)
		assert_int_equal(bw_loop_step(o->rig->loop, true), BW_OK);
}

static void a_stream_is_heard_as_it_is_told(void **state)
{
	struct outcome o = { .rig = *state };

	begin(&o, "GET", "/hear", bw_slice_empty, &o.rig->address, 1);
	while (o.status == 0)
		assert_int_equal(bw_loop_step(o.rig->loop, true), BW_OK);
	push(o.rig, "one");
	wait_for_bytes(&o, 3);
	push(o.rig, "two");
	wait_for_bytes(&o, 6);
	assert_false(o.over);
	assert_true(bw_slice_is(bw_buf_slice(&o.body), "onetwo"));
	bw_exchange_finish(o.rig->stream);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_OK);
	bw_buf_release(&o.body);
}

static void one_that_is_held_reads_no_more(void **state)
{
	struct outcome o = { .rig = *state };

	begin(&o, "GET", "/hear", bw_slice_empty, &o.rig->address, 1);
	while (o.status == 0)
		assert_int_equal(bw_loop_step(o.rig->loop, true), BW_OK);
	bw_errand_hold(o.errand, true);
	push(o.rig, "one");
	for (int i = 0; i < 20; i++)
		assert_int_equal(bw_loop_step(o.rig->loop, false), BW_OK);
	assert_int_equal(o.body.len, 0);
	bw_errand_hold(o.errand, false);
	wait_for_bytes(&o, 3);
	assert_true(bw_slice_is(bw_buf_slice(&o.body), "one"));
	bw_errand_free(o.errand);
	bw_buf_release(&o.body);
}

static void who_hangs_up_is_told_apart_from_who_has_finished(void **state)
{
	struct outcome o = { .rig = *state };

	begin(&o, "GET", "/cut", bw_slice_empty, &o.rig->address, 1);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_ERR_CLOSED);
	assert_non_null(strstr(o.why, "without an answer"));
	bw_buf_release(&o.body);
}

static void an_error_of_who_hears_ends_it(void **state)
{
	struct outcome o = { .rig = *state, .refuse_body = BW_ERR_TOO_MANY };

	begin(&o, "GET", "/", bw_slice_empty, &o.rig->address, 1);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_ERR_TOO_MANY);
	bw_buf_release(&o.body);
}

static void the_next_address_is_tried(void **state)
{
	struct outcome o = { .rig = *state };
	struct bw_net_address both[2];
	int fd;

	/* a port that nobody listens at: ours, closed again */
	assert_int_equal(bw_net_address_parse(BW_LIT("127.0.0.1:0"), &both[0]), BW_OK);
	assert_int_equal(bw_net_listen(&both[0], false, &fd), BW_OK);
	assert_int_equal(bw_net_local(fd, &both[0]), BW_OK);
	close(fd);
	both[1] = o.rig->address;
	begin(&o, "GET", "/", bw_slice_empty, both, 2);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_OK);
	bw_buf_release(&o.body);
	o = (struct outcome){ .rig = *state };
	begin(&o, "GET", "/", bw_slice_empty, both, 1);
	turn_until(&o, &o.over);
	assert_int_not_equal(o.err, BW_OK);
	assert_non_null(strstr(o.why, "cannot connect to 'here.example:1'"));
	bw_buf_release(&o.body);
	o = (struct outcome){ .rig = *state };
	begin(&o, "GET", "/", bw_slice_empty, both, 0);
	turn_until(&o, &o.over);
	assert_int_equal(o.err, BW_ERR_NOT_FOUND);
	bw_buf_release(&o.body);
}

static enum bw_err run(struct rig *rig, const char *method, const char *target)
{
	struct outcome o = { .rig = rig };

	begin(&o, method, target, strcmp(method, "POST") == 0 ? BW_LIT("again") : bw_slice_empty, &rig->address, 1);
	turn_until(&o, &o.over);
	bw_buf_release(&o.body);
	return o.err;
}

static uint16_t port_of(const struct bw_errand_spare *spare)
{
	struct bw_net_address address;

	assert_true(spare->fd >= 0);
	assert_int_equal(bw_net_local(spare->fd, &address), BW_OK);
	return address.port;
}

static void one_leaves_its_connection_to_the_next(void **state)
{
	struct rig *rig = *state;
	uint16_t port;

	rig->leaves = true;
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
	port = port_of(&rig->spare);
	assert_int_equal(run(rig, "POST", "/"), BW_OK);
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
	assert_int_equal(port_of(&rig->spare), port);
}

static void a_connection_that_is_gone_is_not_gone_on_with(void **state)
{
	struct rig *rig = *state;

	rig->leaves = true;
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
	assert_int_equal(shutdown(rig->spare.fd, SHUT_RDWR), 0);
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
	assert_true(rig->spare.fd >= 0);
}

static void who_is_cut_off_on_anothers_connection_asks_once_more_and_no_more(void **state)
{
	struct rig *rig = *state;

	rig->leaves = true;
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
	assert_int_equal(run(rig, "GET", "/cut"), BW_ERR_CLOSED);
	assert_int_equal(rig->cuts, 2);
	assert_true(rig->spare.fd < 0);
	assert_int_equal(run(rig, "GET", "/"), BW_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_comes_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_body_goes_out_and_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stream_is_heard_as_it_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_held_reads_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_hangs_up_is_told_apart_from_who_has_finished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_of_who_hears_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_address_is_tried, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_leaves_its_connection_to_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_connection_that_is_gone_is_not_gone_on_with, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_cut_off_on_anothers_connection_asks_once_more_and_no_more,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
