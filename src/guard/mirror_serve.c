/*
 * `breakwater guard mirror serve`: keeps what guarded machines send, and only ever adds. Whoever has no certificate
 * that was named gets nothing, not even an answer that says what this is. Confined to its folder before the first
 * byte.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/tls.h"
#include "guard/mirror_parts.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/reply.h"
#include "net/server.h"
#include "sys/sandbox.h"

enum { SENDERS_MAX = 32, CONNECTIONS_MAX = 64, BODY_MAX = BW_MIRROR_BATCH_MAX + BW_SHA256_BYTES };

struct sender {
	uint8_t fingerprint[BW_SHA256_BYTES];
	char name[BW_FINGERPRINT_CHARS + 1];
	struct bw_mirror_journal *journal;
	struct bw_buf body; /* of the batch that is coming */
	uint64_t coming;    /* its exchange; 0: none */
};

struct serving {
	const struct bw_call *call;
	struct mirror_identity identity;
	struct bw_tls_context *tls;
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_watch *signals;
	size_t sender_count;
	struct sender senders[SENDERS_MAX];
};

/* ---- answers ------------------------------------------------------------------------------------------ */

static void answer(struct bw_exchange *x, unsigned status, struct bw_buf *body)
{
	struct bw_reply *reply;

	if (bw_reply_new(status, BW_LIT("Content-Type: application/octet-stream\r\n"), body, &reply) == BW_OK)
		bw_exchange_answer(x, reply);
	else
		bw_exchange_abort(x);
}

static void refuse(struct bw_exchange *x, unsigned status, const char *words)
{
	struct bw_buf body = BW_BUF_INIT(BW_KIB);

	bw_err_drop(bw_buf_add_text(&body, words)); /* the status alone says it too */
	answer(x, status, &body);
	bw_buf_release(&body);
}

static void answer_head(struct bw_exchange *x, const struct sender *sender)
{
	struct bw_buf body = BW_BUF_INIT(BW_MIRROR_HEAD_BYTES_MAX);

	if (bw_mirror_head_write(bw_mirror_journal_head(sender->journal), &body) == BW_OK)
		answer(x, 200, &body);
	else
		bw_exchange_abort(x);
	bw_buf_release(&body);
}

static struct sender *sender_of(struct serving *s, const struct bw_exchange *x)
{
	const struct bw_tls *tls = bw_exchange_tls(x);
	struct bw_tls_facts facts;

	if (tls == NULL)
		return NULL;
	bw_tls_facts(tls, &facts);
	for (size_t i = 0; i < s->sender_count && facts.has_peer_cert; i++) {
		if (memcmp(s->senders[i].fingerprint, facts.peer_fingerprint, BW_SHA256_BYTES) == 0)
			return &s->senders[i];
	}
	return NULL;
}

static void take_batch(struct bw_exchange *x, struct sender *sender)
{
	if (sender->coming != 0) {
		refuse(x, 409, "another batch of yours is coming");
		return;
	}
	if (bw_exchange_receive(x, BODY_MAX) != BW_OK) {
		refuse(x, 413, "too large");
		return;
	}
	sender->coming = bw_exchange_id(x);
	bw_buf_clear(&sender->body);
	bw_exchange_set_data(x, sender);
}

static void on_head(void *context, struct bw_exchange *x)
{
	struct serving *s = context;
	const struct bw_http_request *request = bw_exchange_head(x);
	struct sender *sender = sender_of(s, x);
	char from[BW_NET_ADDRESS_TEXT];

	if (sender == NULL) {
		bw_net_address_text(bw_exchange_peer(x), from);
		bw_log(BW_WARNING, "a stranger asked the mirror", BW_TEXT("from", from));
		bw_exchange_abort(x);
	} else if (request->method == BW_HTTP_GET && bw_slice_is(request->path, "/mirror/head")) {
		answer_head(x, sender);
	} else if (request->method == BW_HTTP_POST && bw_slice_is(request->path, "/mirror/batch")) {
		take_batch(x, sender);
	} else {
		refuse(x, 404, "no such thing");
	}
}

static void on_body(void *context, struct bw_exchange *x, struct bw_slice bytes)
{
	struct sender *sender = bw_exchange_data(x);

	(void)context;
	if (sender != NULL && bw_buf_add(&sender->body, bytes) != BW_OK)
		refuse(x, 503, "out of memory");
}

static unsigned status_of(enum bw_err err)
{
	switch (err) {
	case BW_ERR_CONFLICT:
		return 409;
	case BW_ERR_DISK_FULL:
		return 507;
	case BW_ERR_IO:
	case BW_ERR_MEMORY:
		return 503;
	default:
		return 400;
	}
}

static void on_body_end(void *context, struct bw_exchange *x)
{
	struct sender *sender = bw_exchange_data(x);
	struct bw_slice body;
	enum bw_err err;

	(void)context;
	if (sender == NULL)
		return;
	body = bw_buf_slice(&sender->body);
	err = body.len > BW_SHA256_BYTES
		      ? bw_mirror_journal_add(sender->journal, body.ptr, bw_slice_from(body, BW_SHA256_BYTES))
		      : BW_ERR_TRUNCATED;
	if (err == BW_OK) {
		answer_head(x, sender);
		return;
	}
	bw_log(BW_WARNING, "a batch was refused", BW_TEXT("sender", sender->name), BW_TEXT("why", bw_err_text(err)));
	refuse(x, status_of(err), bw_err_text(err));
}

static void on_end(void *context, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct sender *sender = bw_exchange_data(x);

	(void)context;
	(void)how;
	if (sender != NULL && sender->coming == bw_exchange_id(x))
		sender->coming = 0;
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void on_signal(void *context, int fd, unsigned ready)
{
	struct serving *s = context;

	(void)fd;
	(void)ready;
	bw_loop_stop(s->loop);
}

static enum bw_err open_senders(struct serving *s, const char *data, struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	const size_t count = bw_call_count(s->call, "sender");
	enum bw_err err;

	if (count == 0 || count > SENDERS_MAX)
		return bw_why_set(why, BW_ERR_USAGE,
				  "name whose versions are kept, up to %d times: --sender FINGERPRINT, as their 'guard "
				  "mirror push' shows it",
				  SENDERS_MAX);
	BW_TRY(bw_path_join(folder, data, BW_MIRROR_FOLDER));
	err = bw_folder_make(folder, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	for (size_t i = 0; i < count; i++) {
		const char *text = bw_call_nth(s->call, "sender", i);
		struct sender *sender = &s->senders[i];

		if (bw_fingerprint_parse(bw_slice_text(text), sender->fingerprint) != BW_OK)
			return bw_why_set(why, BW_ERR_USAGE, "'%s' is no fingerprint: 64 hexadecimal digits", text);
		bw_fingerprint_format(sender->fingerprint, sender->name);
		sender->body = BW_BUF_INIT(BODY_MAX);
		BW_TRY(mirror_folder(data, sender->name, folder));
		BW_TRY(bw_mirror_journal_open(folder, &sender->journal, why));
		s->sender_count++;
	}
	return BW_OK;
}

static enum bw_err open_server(struct serving *s, char where[BW_NET_ADDRESS_TEXT], struct bw_why *why)
{
	static const struct bw_http_calls calls = {
		.on_head = on_head, .on_body = on_body, .on_body_end = on_body_end, .on_end = on_end
	};
	const struct bw_tls_server_options options = { .cert_pem = bw_buf_slice(&s->identity.cert),
						       .key_pem = bw_secret_slice(&s->identity.key),
						       .client_cert = BW_TLS_CLIENT_REQUIRED,
						       .hybrid_only = true };
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	const char *listen = bw_call_text(s->call, "listen");
	struct bw_net_address address;
	enum bw_err err;
	int fd;

	if (listen == NULL || bw_net_address_parse(bw_slice_text(listen), &address) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "--listen ADDRESS:PORT is needed, as [::]:8444");
	limits.connections = CONNECTIONS_MAX;
	BW_TRY(bw_tls_server_new(&options, &s->tls, why));
	err = bw_net_listen(&address, false, &fd);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot listen at '%s': %s", listen, bw_err_text(err));
	BW_TRY(bw_net_local(fd, &address));
	bw_net_address_text(&address, where);
	BW_TRY(bw_loop_new(&s->loop));
	BW_TRY(bw_http_server_new(s->loop, &limits, &calls, s, &s->server));
	return bw_http_server_listen(s->server, fd, s->tls);
}

static enum bw_err watch_signals(struct serving *s)
{
	sigset_t set;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	BW_NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0, SYSTEM);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	BW_NEED(fd >= 0, SYSTEM);
	return bw_watch_new(s->loop, fd, BW_WATCH_READ, on_signal, s, &s->signals);
}

static enum bw_err confine(const char *data, struct bw_why *why)
{
	struct bw_sandbox_granted granted;
	char folder[BW_PATH_BYTES];
	const struct bw_sandbox_paths paths = { .folder = folder };

	BW_TRY(bw_path_join(folder, data, BW_MIRROR_FOLDER));
	BW_TRY(bw_sandbox_enter(BW_MAY_STORE | BW_MAY_ACCEPT, &paths, &granted, why));
	bw_log(granted.whole ? BW_INFO : BW_WARNING, "confined", BW_TEXT("granted", granted.words));
	return BW_OK;
}

static enum bw_err begin(struct serving *s, struct bw_why *why)
{
	const char *data = bw_call_data(s->call);
	char where[BW_NET_ADDRESS_TEXT];

	BW_TRY(mirror_identity_load(data, &s->identity, why));
	BW_TRY(open_senders(s, data, why));
	BW_TRY(open_server(s, where, why));
	BW_TRY(watch_signals(s));
	BW_TRY(confine(data, why));
	bw_secret_wipe(&s->identity.key);
	(void)printf("breakwater: mirror at https://%s/, certificate %s\n", where, s->identity.fingerprint);
	(void)fflush(stdout);
	return bw_loop_run(s->loop);
}

int mirror_serve(const struct bw_call *call)
{
	static struct serving s; /* large */
	struct bw_why why = { 0 };
	enum bw_err err;

	s = (struct serving){ .call = call };
	err = begin(&s, &why);
	bw_http_server_free(s.server);
	bw_watch_free(s.signals);
	bw_loop_free(s.loop);
	bw_tls_context_free(s.tls);
	for (size_t i = 0; i < s.sender_count; i++) {
		bw_mirror_journal_close(s.senders[i].journal);
		bw_buf_release(&s.senders[i].body);
	}
	mirror_identity_release(&s.identity);
	if (err == BW_OK)
		return BW_EXIT_OK;
	return bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, NULL, "%s",
			   why.text[0] != '\0' ? why.text : bw_err_text(err));
}
