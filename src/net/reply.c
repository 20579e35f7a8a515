#include "net/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "codec/http.h"
#include "net/reply_inner.h"

enum { HEAD_EXTRA = 96 }; /* status line and Content-Length, at most */

/* Whole lines only: a CR or LF smuggled into a value would let it write headers of its own. */
static bool headers_are_lines(struct bw_slice headers)
{
	for (size_t i = 0; i < headers.len; i++) {
		const uint8_t c = headers.ptr[i];

		if (c == '\0' || (c == '\n' && (i == 0 || headers.ptr[i - 1] != '\r')))
			return false;
		if (c == '\r' && (i + 1 == headers.len || headers.ptr[i + 1] != '\n'))
			return false;
	}
	return headers.len == 0 || (headers.len > 2 && headers.ptr[headers.len - 1] == '\n');
}

/* RFC 9110 8.6: no Content-Length with 204; a 304 here carries none either. */
static bool has_no_body(unsigned status)
{
	return status == 204 || status == 304;
}

/* `length`: the line that says how long the body is, or how its end is known. */
static enum bw_err make_head(unsigned status, struct bw_slice headers, const char *length, struct bw_reply **out)
{
	struct bw_reply *reply;
	size_t bytes;
	int n;

	BW_NEED(status >= 200 && status <= 599, RANGE);
	BW_NEED(headers_are_lines(headers), SYNTAX);
	BW_TRY(bw_add(sizeof(*reply) + HEAD_EXTRA, headers.len, &bytes));
	reply = malloc(bytes);
	BW_NEED(reply != NULL, MEMORY);
	*reply = (struct bw_reply){ .refs = 1, .status = status, .body = bw_slice_empty };

	n = snprintf((char *)reply->head, HEAD_EXTRA, "HTTP/1.1 %u %s\r\n", status, bw_http_reason(status));
	memcpy(reply->head + n, headers.ptr, headers.len);
	reply->head_bytes = (size_t)n + headers.len;
	n = snprintf((char *)reply->head + reply->head_bytes, HEAD_EXTRA / 2, "%s", length);
	reply->head_bytes += (size_t)n;
	*out = reply;
	return BW_OK;
}

static enum bw_err make(unsigned status, struct bw_slice headers, size_t body_bytes, struct bw_reply **out)
{
	char length[HEAD_EXTRA / 2] = "";

	BW_NEED(!has_no_body(status) || body_bytes == 0, RANGE);
	if (!has_no_body(status))
		(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body_bytes);
	return make_head(status, headers, length, out);
}

enum bw_err bw_reply_new(unsigned status, struct bw_slice headers, struct bw_buf *body, struct bw_reply **out)
{
	struct bw_reply *reply;

	BW_TRY(make(status, headers, body == NULL ? 0 : body->len, &reply));
	if (body != NULL) {
		reply->owned = bw_buf_move(body);
		reply->body = bw_buf_slice(&reply->owned);
	}
	*out = reply;
	return BW_OK;
}

enum bw_err bw_reply_new_static(unsigned status, struct bw_slice headers, struct bw_slice body, struct bw_reply **out)
{
	struct bw_reply *reply;

	BW_TRY(make(status, headers, body.len, &reply));
	reply->body = body;
	*out = reply;
	return BW_OK;
}

static enum bw_err check_file(int fd, uint64_t offset, size_t len)
{
	const int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	BW_NEED(seals >= 0 && (seals & F_SEAL_SHRINK) != 0, DENIED);
	if (fstat(fd, &st) != 0)
		return bw_err_from_errno(errno);
	BW_NEED(st.st_size >= 0 && offset <= (uint64_t)st.st_size && len <= (uint64_t)st.st_size - offset, RANGE);
	return BW_OK;
}

enum bw_err bw_reply_new_mapped(unsigned status, struct bw_slice headers, int fd, uint64_t offset, size_t len,
				struct bw_reply **out)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t lead = (size_t)(offset % page);
	struct bw_reply *reply;
	void *map;

	BW_TRY(check_file(fd, offset, len));
	if (len == 0)
		return bw_reply_new(status, headers, NULL, out);
	BW_TRY(make(status, headers, len, &reply));
	map = mmap(NULL, lead + len, PROT_READ, MAP_SHARED, fd, (off_t)(offset - lead));
	if (map == MAP_FAILED) {
		const enum bw_err err = bw_err_from_errno(errno);

		bw_reply_drop(reply);
		return err;
	}
	reply->map = map;
	reply->map_bytes = lead + len;
	reply->body = (struct bw_slice){ (const uint8_t *)map + lead, len };
	*out = reply;
	return BW_OK;
}

enum bw_err bw_reply_new_stream(unsigned status, struct bw_slice headers, struct bw_reply **out)
{
	BW_NEED(!has_no_body(status), RANGE);
	return make_head(status, headers, "Transfer-Encoding: chunked\r\n", out);
}

enum bw_err bw_reply_new_piece(struct bw_slice bytes, struct bw_reply **out)
{
	struct bw_buf chunk = BW_BUF_INIT(BW_REPLY_PIECE_MAX + 32);
	struct bw_reply *reply;
	enum bw_err err;

	BW_NEED(bytes.len <= BW_REPLY_PIECE_MAX, TOO_BIG);
	reply = calloc(1, sizeof(*reply));
	BW_NEED(reply != NULL, MEMORY);
	reply->refs = 1;
	err = bw_buf_addf(&chunk, "%zx\r\n", bytes.len);
	if (err == BW_OK)
		err = bw_buf_add(&chunk, bytes);
	if (err == BW_OK)
		err = bw_buf_add_text(&chunk, "\r\n");
	reply->owned = bw_buf_move(&chunk);
	reply->body = bw_buf_slice(&reply->owned);
	if (err == BW_OK)
		*out = reply;
	else
		bw_reply_drop(reply);
	return err;
}

struct bw_reply *bw_reply_hold(struct bw_reply *reply)
{
	reply->refs++;
	return reply;
}

void bw_reply_drop(struct bw_reply *reply)
{
	if (reply == NULL || --reply->refs > 0)
		return;
	if (reply->map != NULL)
		munmap(reply->map, reply->map_bytes);
	bw_buf_release(&reply->owned);
	free(reply);
}

unsigned bw_reply_status(const struct bw_reply *reply)
{
	return reply->status;
}

size_t bw_reply_body_bytes(const struct bw_reply *reply)
{
	return reply->body.len;
}
