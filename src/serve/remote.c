#include "serve/remote.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "bw_config.h"
#include "crypto/cert.h"
#include "crypto/secret_input.h"
#include "crypto/tls.h"
#include "net/srv.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { SECRET_MAX = 4096, PEM_MAX = 1024 * 1024, HEADERS_MAX = 16 * 1024 };

struct bw_remote {
	struct bw_http_client *client;
	struct bw_tls_context *tls;
	char host[BW_URL_AUTHORITY_BYTES];
	struct bw_buf headers; /* with the credentials */
	struct bw_buf body;
	unsigned tries; /* in a row that were told to wait */
};

/* ---- who we are and whom we trust ---------------------------------------- */

static enum bw_err add_credentials(const struct bw_call *call, struct bw_buf *headers, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret secret = { 0 };
	const char *user = bw_call_text(call, "user");
	const char *key_file = bw_call_text(call, "api-key-file");
	enum bw_err err;

	if (user != NULL && key_file != NULL)
		return bw_why_set(why, BW_ERR_USAGE, "--user and --api-key-file exclude each other");
	if (key_file != NULL) {
		BW_TRY(bw_secret_from_file(key_file, SECRET_MAX, &secret, why));
		err = bw_http_bearer(bw_secret_slice(&secret), headers);
		return err == BW_OK ? err : bw_why_set(why, err, "the key in '%s' is not one word", key_file);
	}
	if (user == NULL && bw_call_flag(call, "password-stdin"))
		return bw_why_set(why, BW_ERR_USAGE, "a password, but whose? say --user NAME");
	if (user == NULL)
		return BW_OK;
	BW_TRY(bw_secret_from_stdin("password", SECRET_MAX, &secret, why));
	err = bw_http_basic(user, bw_secret_slice(&secret), headers);
	return err == BW_OK ? err : bw_why_set(why, BW_ERR_USAGE, "no ':' in --user, no control characters in either");
}

static enum bw_err make_headers(const struct bw_call *call, struct bw_buf *headers, struct bw_why *why)
{
	BW_TRY(bw_buf_reserve(headers, headers->max));
	BW_TRY(bw_buf_add_text(headers, "User-Agent: breakwater/" BW_VERSION "\r\n"
					"Accept: application/taxii+json;version=2.1\r\n"));
	return add_credentials(call, headers, why);
}

static enum bw_err read_option_file(const struct bw_call *call, const char *option, struct bw_buf *out,
				    struct bw_why *why)
{
	const char *path = bw_call_text(call, option);

	return path == NULL ? BW_OK : bw_file_read(path, out, why);
}

static enum bw_err make_tls(const struct bw_call *call, struct bw_tls_context **out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf ca = BW_BUF_INIT(PEM_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(PEM_MAX);
	BW_CLEANUP(bw_buf_wipe) struct bw_buf key = BW_BUF_INIT(PEM_MAX);
	const char *pin_text = bw_call_text(call, "pin");
	struct bw_tls_client_options options = { 0 };
	uint8_t pin[BW_SHA256_BYTES];

	if (bw_call_has(call, "cert") != bw_call_has(call, "key"))
		return bw_why_set(why, BW_ERR_USAGE, "--cert and --key belong together");
	if (pin_text != NULL && bw_fingerprint_parse(bw_slice_text(pin_text), pin) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE,
				  "--pin is 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 "
				  "or breakwater init print them");
	BW_TRY(read_option_file(call, "cacert", &ca, why));
	BW_TRY(read_option_file(call, "cert", &cert, why));
	BW_TRY(read_option_file(call, "key", &key, why));
	options.ca_pem = bw_buf_slice(&ca);
	options.cert_pem = bw_buf_slice(&cert);
	options.key_pem = bw_buf_slice(&key);
	options.pin = pin_text == NULL ? NULL : pin;
	return bw_tls_client_new(&options, out, why);
}

static enum bw_err check_start(const char *url, const struct bw_url *start, bool has_credentials, struct bw_why *why)
{
	const bool loopback = strcmp(start->host, "localhost") == 0 || strcmp(start->host, "::1") == 0 ||
			      strncmp(start->host, "127.", 4) == 0;

	if (!start->tls && has_credentials && !loopback)
		return bw_why_set(why, BW_ERR_USAGE,
				  "'%s' is not https: a password or key would cross the network in the open", url);
	return BW_OK;
}

static enum bw_err open_parts(const struct bw_call *call, const char *url, const struct bw_url *start,
			      struct bw_remote *remote, struct bw_why *why)
{
	struct bw_http_client_options options = { .stall_ms = (uint32_t)bw_call_num(call, "timeout") };

	BW_TRY(check_start(url, start, bw_call_has(call, "user") || bw_call_has(call, "api-key-file"), why));
	if (start->tls)
		BW_TRY(make_tls(call, &remote->tls, why));
	BW_TRY(make_headers(call, &remote->headers, why));
	options.tls = remote->tls;
	return bw_http_client_new(start, &options, &remote->client);
}

/* A URL, or a domain whose DNS tells (TAXII 2.1 §8.2.1). */
static enum bw_err find_start(const struct bw_call *call, const char *url, struct bw_url *start, struct bw_why *why)
{
	const char *dns = bw_call_text(call, "dns");
	struct bw_net_address server;
	struct bw_fault fault = { 0 };

	if (dns != NULL && bw_net_address_parse(bw_slice_text(dns), &server) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "--dns is an address and a port, like 192.0.2.53:53");
	if (bw_srv_is_domain(url))
		return bw_srv_find(url, dns == NULL ? NULL : &server, start, why);
	if (bw_url_parse(bw_slice_text(url), start, &fault) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "'%s' is not a URL to go to: %s", url, fault.reason);
	return BW_OK;
}

enum bw_err bw_remote_open(const struct bw_call *call, const char *url, struct bw_remote **out, struct bw_url *start,
			   struct bw_why *why)
{
	struct bw_remote *remote;
	enum bw_err err;

	BW_TRY(find_start(call, url, start, why));
	remote = calloc(1, sizeof(*remote));
	BW_NEED(remote != NULL, MEMORY);
	remote->headers = BW_BUF_INIT(HEADERS_MAX);
	remote->body = BW_BUF_INIT(BW_REMOTE_PAGE_MAX);
	bw_url_authority(start, remote->host);
	signal(SIGPIPE, SIG_IGN);
	err = open_parts(call, url, start, remote, why);
	if (err != BW_OK) {
		bw_remote_close(remote);
		return err;
	}
	*out = remote;
	return BW_OK;
}

void bw_remote_close(struct bw_remote *remote)
{
	if (remote == NULL)
		return;
	bw_http_client_free(remote->client);
	bw_tls_context_free(remote->tls);
	bw_buf_wipe(&remote->headers);
	bw_buf_release(&remote->body);
	free(remote);
}

/* ---- one request ---------------------------------------------------------- */

static enum bw_err keep_body(void *ctx, const struct bw_http_response *response, struct bw_slice bytes)
{
	(void)response;
	return bw_buf_add(ctx, bytes);
}

static int64_t date_header(const struct bw_http_head *head, const char *name)
{
	struct bw_slice value;
	size_t at = 0;
	int64_t us;

	if (!bw_http_each(head, name, &at, &value) || bw_time_parse_any(value, &us) != BW_OK || us < 0)
		return -1;
	return us;
}

/* Seconds to wait before the next try; 0: do not. */
static unsigned wait_seconds(struct bw_remote *remote, const struct bw_http_response *response)
{
	uint64_t seconds;

	if (response->status != 429 && response->status != 503)
		return 0;
	if (remote->tries >= BW_REMOTE_TRIES)
		return 0;
	if (bw_parse_u64(bw_http_known_value(&response->head, BW_HTTP_RETRY_AFTER), &seconds) != BW_OK)
		seconds = UINT64_C(1) << remote->tries;
	if (seconds == 0)
		seconds = 1;
	return seconds > BW_REMOTE_WAIT_MAX_S ? BW_REMOTE_WAIT_MAX_S : (unsigned)seconds;
}

static enum bw_err request(struct bw_remote *remote, struct bw_http_ask *ask, struct bw_remote_answer *out,
			   struct bw_why *why)
{
	const struct bw_http_response *response;
	unsigned seconds;

	ask->answer_max = BW_REMOTE_PAGE_MAX;
	ask->on_body = keep_body;
	ask->ctx = &remote->body;
	for (remote->tries = 0;; remote->tries++) {
		bw_buf_clear(&remote->body);
		BW_TRY(bw_http_client_ask(remote->client, ask, &response, why));
		seconds = wait_seconds(remote, response);
		if (seconds == 0)
			break;
		nanosleep(&(struct timespec){ .tv_sec = seconds }, NULL);
	}
	*out = (struct bw_remote_answer){
		.status = response->status,
		.body = bw_buf_slice(&remote->body),
		.first_us = date_header(&response->head, "x-taxii-date-added-first"),
		.last_us = date_header(&response->head, "x-taxii-date-added-last"),
		.now_us = bw_http_date_us(bw_http_known_value(&response->head, BW_HTTP_DATE)),
	};
	return BW_OK;
}

static enum bw_err get(struct bw_remote *remote, const char *target, bool may_repeat, struct bw_remote_answer *out,
		       struct bw_why *why)
{
	struct bw_http_ask ask = {
		.method = "GET",
		.target = bw_slice_text(target),
		.headers = bw_buf_slice(&remote->headers),
		.may_repeat = may_repeat,
	};

	return request(remote, &ask, out, why);
}

enum bw_err bw_remote_get(struct bw_remote *remote, const char *target, struct bw_remote_answer *out,
			  struct bw_why *why)
{
	return get(remote, target, true, out, why);
}

enum bw_err bw_remote_get_once(struct bw_remote *remote, const char *target, struct bw_remote_answer *out,
			       struct bw_why *why)
{
	return get(remote, target, false, out, why);
}

enum bw_err bw_remote_post(struct bw_remote *remote, const char *target, struct bw_slice envelope,
			   struct bw_remote_answer *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf headers = BW_BUF_INIT(HEADERS_MAX + 128);
	struct bw_http_ask ask = {
		.method = "POST",
		.target = bw_slice_text(target),
		.has_body = true,
		.body = envelope,
		.may_repeat = true, /* TAXII 2.1 §5.5: the same object again is no error */
	};

	BW_TRY(bw_buf_reserve(&headers, headers.max));
	BW_TRY(bw_buf_add(&headers, bw_buf_slice(&remote->headers)));
	BW_TRY(bw_buf_add_text(&headers, "Content-Type: application/taxii+json;version=2.1\r\n"));
	ask.headers = bw_buf_slice(&headers);
	return request(remote, &ask, out, why);
}

/* ---- when it says no -------------------------------------------------------- */

static enum bw_err row_of(unsigned status)
{
	switch (status) {
	case 401:
		return BW_ERR_UNAUTHENTICATED;
	case 403:
		return BW_ERR_DENIED;
	case 404:
	case 410:
		return BW_ERR_NOT_FOUND;
	case 413:
		return BW_ERR_TOO_BIG;
	case 406:
	case 415:
		return BW_ERR_UNSUPPORTED;
	case 429:
	case 503:
		return BW_ERR_BUSY;
	default:
		return BW_ERR_PROTOCOL;
	}
}

enum bw_err bw_remote_refused(const struct bw_remote *remote, const char *target, const struct bw_remote_answer *answer,
			      struct bw_why *why)
{
	const size_t path = strcspn(target, "?");
	char words[300];

	bw_remote_error_words(answer->body, words, sizeof(words));
	return bw_why_set(why, row_of(answer->status), "'%s' answers %.*s with %u %s%s%s", remote->host,
			  path > 120 ? 120 : (int)path, target, answer->status, bw_http_reason(answer->status),
			  words[0] == '\0' ? "" : ": ", words);
}

static const char *identity_hint(const struct bw_call *call)
{
	if (bw_call_has(call, "api-key-file"))
		return "the key may be void there: ask for a new one (account key)";
	if (bw_call_has(call, "user"))
		return "account and password must be those at the other server: ask there for a new one (account "
		       "password)";
	return "say who you are: --user NAME, or --api-key-file FILE";
}

static const char *trust_hint(const struct bw_call *call)
{
	if (bw_call_has(call, "pin"))
		return "if --pin was right before, they changed the certificate or somebody is in between: ask them";
	return "if you know the certificate: --cacert FILE or --pin SHA256";
}

int bw_remote_complain(const struct bw_call *call, enum bw_err err, const struct bw_why *why)
{
	const bool is_plain = strncmp(bw_call_arg(call, 0), "http://", 7) == 0;
	const char *words = why->text[0] == '\0' ? bw_err_text(err) : why->text;

	switch (err) {
	case BW_ERR_USAGE:
		return bw_complain(call, BW_EXIT_USAGE, NULL, "%s", words);
	case BW_ERR_UNAUTHENTICATED:
		return bw_complain(call, BW_EXIT_FAILED, identity_hint(call), "%s", words);
	case BW_ERR_SIGNATURE:
		return bw_complain(call, BW_EXIT_FAILED, trust_hint(call), "%s", words);
	case BW_ERR_CLOSED:
		return bw_complain(call, BW_EXIT_FAILED, is_plain ? "does it want TLS? then say https://" : NULL, "%s",
				   words);
	case BW_ERR_TIMEOUT:
		return bw_complain(call, BW_EXIT_FAILED, "give it more time: --timeout TIME", "%s", words);
	default:
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", words);
	}
}
