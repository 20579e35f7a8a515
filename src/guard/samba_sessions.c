#include "guard/samba_sessions.h"

#include "base/num.h"
#include "codec/json_walk.h"

struct reading {
	struct bw_buf pid;
	struct bw_buf user;
	struct bw_buf host;
	bool has_pid;
	bool has_user;
	uint32_t uid;
};

static bool read_string(struct bw_slice value, struct bw_buf *out)
{
	bw_buf_clear(out);
	return bw_json_walk_string(value, out) == BW_OK;
}

static enum bw_err read_server(struct bw_slice text, struct reading *r)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(text, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (bw_slice_is(name, "pid"))
			r->has_pid = read_string(value, &r->pid);
	}
}

static enum bw_err read_session(struct bw_slice text, struct reading *r)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	uint64_t number;
	bool more;

	BW_TRY(bw_json_walk_open(text, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (bw_slice_is(name, "server_id"))
			BW_TRY(read_server(value, r));
		else if (bw_slice_is(name, "username"))
			r->has_user = read_string(value, &r->user);
		else if (bw_slice_is(name, "hostname") && !read_string(value, &r->host))
			bw_buf_clear(&r->host);
		else if (bw_slice_is(name, "uid") && bw_parse_u64(value, &number) == BW_OK && number < UINT32_MAX)
			r->uid = (uint32_t)number;
	}
}

static bool is_address(struct bw_slice text)
{
	if (text.len == 0 || text.len > BW_SAMBA_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];
		const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		if (!is_hex && c != '.' && c != ':' && c != '%')
			return false;
	}
	return true;
}

/* What stands between the family and the port; empty when it is not so. */
static struct bw_slice address_of(struct bw_slice host, uint16_t *out_port)
{
	struct bw_slice rest;
	uint64_t port;
	size_t end;

	*out_port = 0;
	if (bw_slice_starts(host, BW_LIT("ipv4:")) || bw_slice_starts(host, BW_LIT("ipv6:")))
		rest = bw_slice_from(host, 5);
	else
		return bw_slice_empty;
	for (end = rest.len; end > 0 && rest.ptr[end - 1] != ':'; end--)
		;
	if (bw_parse_u64(bw_slice_from(rest, end), &port) != BW_OK || port > UINT16_MAX)
		return bw_slice_empty;
	rest = bw_slice_sub(rest, 0, end > 0 ? end - 1 : 0);
	if (rest.len > 2 && rest.ptr[0] == '[' && rest.ptr[rest.len - 1] == ']')
		rest = bw_slice_sub(rest, 1, rest.len - 2);
	if (!is_address(rest))
		return bw_slice_empty;
	*out_port = (uint16_t)port;
	return rest;
}

/* False: not a session as we know it. */
static bool give(struct bw_slice text, struct reading *r, struct bw_samba_session *out)
{
	uint64_t pid;

	r->has_pid = false;
	r->has_user = false;
	r->uid = UINT32_MAX;
	bw_buf_clear(&r->host);
	if (read_session(text, r) != BW_OK || !r->has_pid || !r->has_user ||
	    bw_parse_u64(bw_buf_slice(&r->pid), &pid) != BW_OK || pid == 0 || pid > INT32_MAX)
		return false;
	*out = (struct bw_samba_session){ .pid = (uint32_t)pid, .uid = r->uid, .user = bw_buf_slice(&r->user) };
	out->address = address_of(bw_buf_slice(&r->host), &out->port);
	if (bw_slice_starts(out->user, BW_LIT("("))) /* "(auth in progress)" */
		out->user = bw_slice_empty;
	return true;
}

static void release(struct reading *r)
{
	bw_buf_release(&r->pid);
	bw_buf_release(&r->user);
	bw_buf_release(&r->host);
}

static enum bw_err walk_sessions(struct bw_slice text, struct reading *r,
				 enum bw_err (*see)(void *context, const struct bw_samba_session *session),
				 void *context, size_t *passed_over)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(text, &walk));
	for (size_t count = 0;; count++) {
		struct bw_samba_session session;

		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		BW_NEED(count < BW_SAMBA_SESSIONS_MAX, TOO_MANY);
		if (give(value, r, &session))
			BW_TRY(see(context, &session));
		else
			(*passed_over)++;
	}
}

enum bw_err bw_samba_sessions(struct bw_slice text,
			      enum bw_err (*see)(void *context, const struct bw_samba_session *session), void *context,
			      size_t *out_passed_over)
{
	BW_CLEANUP(release)
	struct reading r = { .pid = BW_BUF_INIT(24),
			     .user = BW_BUF_INIT(BW_SAMBA_NAME_MAX),
			     .host = BW_BUF_INIT(BW_SAMBA_NAME_MAX) };
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	*out_passed_over = 0;
	BW_NEED(text.len <= BW_SAMBA_TEXT_MAX, TOO_BIG);
	BW_TRY(bw_json_walk_open(text, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (bw_slice_is(name, "sessions"))
			BW_TRY(walk_sessions(value, &r, see, context, out_passed_over));
	}
}
