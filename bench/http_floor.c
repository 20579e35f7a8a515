/*
 * What the HTTP layer alone can do: answers every request with the same small
 * body. `http_floor PORT [BODY_BYTES [CERT.pem KEY.pem]]`; for wrk beside nginx.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/tls.h"
#include "net/server.h"
#include "sys/files.h"

static struct bw_reply *page;

static void on_head(void *ctx, struct bw_exchange *x)
{
	(void)ctx;
	bw_exchange_answer(x, bw_reply_hold(page));
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	(void)ctx;
	(void)x;
	(void)how;
}

static enum bw_err load_tls(const char *cert, const char *key, struct bw_tls_context **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf cert_pem = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_wipe) struct bw_buf key_pem = BW_BUF_INIT(BW_MIB);
	struct bw_why why = { 0 };
	enum bw_err err;

	BW_TRY(bw_file_read(cert, &cert_pem, &why));
	BW_TRY(bw_file_read(key, &key_pem, &why));
	const struct bw_tls_server_options options = { .cert_pem = bw_buf_slice(&cert_pem),
						       .key_pem = bw_buf_slice(&key_pem) };

	err = bw_tls_server_new(&options, out, &why);
	if (err != BW_OK)
		fprintf(stderr, "http_floor: %s\n", why.text);
	return err;
}

static enum bw_err serve(int argc, char **argv)
{
	static const struct bw_http_calls calls = { .on_head = on_head, .on_body_end = on_body_end, .on_end = on_end };
	struct bw_net_address address = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } };
	struct bw_tls_context *tls = NULL;
	struct bw_http_server *server;
	struct bw_loop *loop;
	struct bw_buf body = BW_BUF_INIT(BW_MIB * 64);
	const size_t body_bytes = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 1024;
	int fd;

	address.port = (uint16_t)strtoul(argv[1], NULL, 10);
	BW_TRY(bw_buf_reserve(&body, body_bytes));
	memset(body.ptr, 'x', body_bytes);
	body.len = body_bytes;
	BW_TRY(bw_reply_new(200, BW_LIT("Content-Type: application/taxii+json;version=2.1\r\n"), &body, &page));
	if (argc > 4)
		BW_TRY(load_tls(argv[3], argv[4], &tls));
	BW_TRY(bw_net_listen(&address, true, &fd));
	BW_TRY(bw_loop_new(&loop));
	BW_TRY(bw_http_server_new(loop, NULL, &calls, NULL, &server));
	BW_TRY(bw_http_server_listen(server, fd, tls));
	return bw_loop_run(loop);
}

int main(int argc, char **argv)
{
	enum bw_err err;

	if (argc < 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	err = serve(argc, argv);
	fprintf(stderr, "http_floor: %s\n", bw_err_text(err));
	return 1;
}
