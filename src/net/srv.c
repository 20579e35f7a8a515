#include "net/srv.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>

#include "base/text.h"

enum { FIXED_BYTES = 6, WAIT_S = 5, TRIES = 2 };

static bool is_host_char(uint8_t c)
{
	return bw_is_alnum(c) || c == '-' || c == '.';
}

bool bw_srv_is_domain(const char *text)
{
	const struct bw_slice name = bw_slice_text(text);
	bool letters = false;

	for (size_t i = 0; i < name.len; i++) {
		if (!is_host_char(name.ptr[i]) || (name.ptr[i] == '.' && (i == 0 || name.ptr[i - 1] == '.')))
			return false;
		letters = letters || bw_is_alpha(name.ptr[i]);
	}
	return letters && name.len <= BW_URL_HOST_MAX &&
	       (memchr(name.ptr, '.', name.len) != NULL || strcmp(text, "localhost") == 0);
}

/* ---- the answer ---------------------------------------------------------------- */

static enum bw_err read_record(const ns_msg *answer, const ns_rr *record, struct bw_srv *out)
{
	const uint8_t *bytes = ns_rr_rdata(*record);
	struct bw_srv srv = { 0 };
	char host[NS_MAXDNAME];
	size_t len;

	BW_NEED(ns_rr_rdlen(*record) > FIXED_BYTES, SYNTAX);
	srv.priority = (uint16_t)ns_get16(bytes);
	srv.weight = (uint16_t)ns_get16(bytes + 2);
	srv.port = (uint16_t)ns_get16(bytes + 4);
	BW_NEED(dn_expand(ns_msg_base(*answer), ns_msg_end(*answer), bytes + FIXED_BYTES, host, sizeof(host)) > 0,
		SYNTAX);
	len = strlen(host);
	BW_NEED(len <= BW_URL_HOST_MAX, TOO_BIG);
	for (size_t i = 0; i < len; i++) {
		BW_NEED(is_host_char((uint8_t)host[i]), SYNTAX);
		srv.host[i] = (char)bw_to_lower((uint8_t)host[i]);
	}
	*out = srv;
	return BW_OK;
}

static bool is_better(const struct bw_srv *a, const struct bw_srv *b)
{
	return a->priority != b->priority ? a->priority < b->priority : a->weight > b->weight;
}

enum bw_err bw_srv_parse(struct bw_slice answer, struct bw_srv *out)
{
	struct bw_srv best = { 0 };
	bool found = false;
	ns_msg message;

	BW_NEED(answer.len <= BW_SRV_ANSWER_MAX && ns_initparse(answer.ptr, (int)answer.len, &message) == 0, SYNTAX);
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		struct bw_srv srv;
		ns_rr record;

		BW_NEED(ns_parserr(&message, ns_s_an, i, &record) == 0, SYNTAX);
		if (ns_rr_type(record) != ns_t_srv) /* an alias on the way */
			continue;
		BW_TRY(read_record(&message, &record, &srv));
		if (srv.host[0] == '\0' || srv.host[0] == '.' || srv.port == 0)
			continue;
		if (!found || is_better(&srv, &best))
			best = srv;
		found = true;
	}
	BW_NEED(found, NOT_FOUND);
	*out = best;
	return BW_OK;
}

/* ---- asking ---------------------------------------------------------------------- */

/* An address mapped into IPv6 is IPv4: what the resolver's first table can hold. */
static enum bw_err ask_this_one(struct __res_state *state, const struct bw_net_address *server)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	BW_NEED(memcmp(server->ip, mapped, sizeof(mapped)) == 0, UNSUPPORTED);
	state->nscount = 1;
	state->nsaddr_list[0] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(server->port) };
	memcpy(&state->nsaddr_list[0].sin_addr, server->ip + sizeof(mapped), 4);
	return BW_OK;
}

static enum bw_err query(const char *name, const struct bw_net_address *server, struct bw_buf *answer)
{
	struct __res_state state = { 0 };
	enum bw_err err = BW_OK;
	int len;

	BW_TRY(bw_buf_reserve(answer, BW_SRV_ANSWER_MAX));
	BW_NEED(res_ninit(&state) == 0, SYSTEM);
	state.retrans = WAIT_S;
	state.retry = TRIES;
	if (server != NULL)
		err = ask_this_one(&state, server);
	if (err == BW_OK) {
		len = res_nquery(&state, name, ns_c_in, ns_t_srv, answer->ptr, BW_SRV_ANSWER_MAX);
		if (len < 0)
			err = state.res_h_errno == TRY_AGAIN ? BW_ERR_TIMEOUT : BW_ERR_NOT_FOUND;
		else
			answer->len = len < BW_SRV_ANSWER_MAX ? (size_t)len : BW_SRV_ANSWER_MAX;
	}
	res_nclose(&state);
	return err;
}

static bool belongs_to(const char *host, const char *domain)
{
	const size_t host_len = strlen(host);
	const size_t len = strlen(domain);

	return host_len >= len && bw_slice_is_nocase(bw_slice_text(host + host_len - len), domain) &&
	       (host_len == len || host[host_len - len - 1] == '.');
}

static enum bw_err say(const char *domain, enum bw_err err, struct bw_why *why)
{
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err,
				  "the DNS names no TAXII server for '%s' (SRV _taxii2._tcp): give its URL, as "
				  "https://%s/taxii2/",
				  domain, domain);
	return bw_why_set(why, err, "cannot ask the DNS where the TAXII server of '%s' is: %s", domain,
			  bw_err_text(err));
}

enum bw_err bw_srv_find(const char *domain, const struct bw_net_address *server, struct bw_url *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_SRV_ANSWER_MAX);
	char name[BW_URL_HOST_MAX + 16];
	struct bw_srv srv;
	enum bw_err err;

	(void)snprintf(name, sizeof(name), "_taxii2._tcp.%s", domain);
	err = query(name, server, &answer);
	if (err == BW_OK)
		err = bw_srv_parse(bw_buf_slice(&answer), &srv);
	if (err != BW_OK)
		return say(domain, err, why);
	if (!belongs_to(srv.host, domain))
		return bw_why_set(
			why, BW_ERR_DENIED,
			"the DNS of '%s' names '%s', which is not of that domain; if that is meant, give the URL "
			"https://%s:%u/taxii2/",
			domain, srv.host, srv.host, srv.port);
	*out = (struct bw_url){ .tls = true, .port = srv.port, .target = "/taxii2/" };
	memcpy(out->host, srv.host, sizeof(out->host));
	return BW_OK;
}
