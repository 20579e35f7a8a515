#include "net/url.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "codec/chars.h"

static enum bw_err take_scheme(struct bw_slice text, struct bw_url *url, size_t *at, struct bw_fault *fault)
{
	static const char https[] = "https://";
	static const char http[] = "http://";

	if (bw_slice_is_nocase(bw_slice_sub(text, 0, sizeof(https) - 1), https)) {
		url->tls = true;
		url->port = 443;
		*at = sizeof(https) - 1;
		return BW_OK;
	}
	if (bw_slice_is_nocase(bw_slice_sub(text, 0, sizeof(http) - 1), http)) {
		url->port = 80;
		*at = sizeof(http) - 1;
		return BW_OK;
	}
	return bw_fault_set(fault, BW_ERR_UNSUPPORTED, 0, "a URL here starts with https:// or http://");
}

static bool is_host_char(uint8_t c)
{
	return bw_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static enum bw_err take_name(struct bw_slice host, struct bw_url *url, size_t at, struct bw_fault *fault)
{
	if (host.len == 0)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "the URL names no host");
	if (host.len > BW_URL_HOST_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, at, "the host's name is too long");
	for (size_t i = 0; i < host.len; i++) {
		if (!is_host_char(host.ptr[i]))
			return bw_fault_set(fault, BW_ERR_SYNTAX, at + i,
					    "a host's name is letters, digits, '-' and '.'");
		url->host[i] = (char)bw_to_lower(host.ptr[i]);
	}
	url->host[host.len] = '\0';
	return BW_OK;
}

static enum bw_err take_ip6(struct bw_slice host, struct bw_url *url, size_t at, struct bw_fault *fault)
{
	uint8_t ip[16];

	if (host.len >= INET6_ADDRSTRLEN)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "not an IPv6 address");
	memcpy(url->host, host.ptr, host.len);
	url->host[host.len] = '\0';
	if (strlen(url->host) != host.len || inet_pton(AF_INET6, url->host, ip) != 1)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "not an IPv6 address");
	inet_ntop(AF_INET6, ip, url->host, sizeof(url->host));
	return BW_OK;
}

static enum bw_err take_port(struct bw_slice port, struct bw_url *url, size_t at, struct bw_fault *fault)
{
	uint64_t number;

	if (port.len == 0)
		return BW_OK; /* "host:" means the default port */
	if (bw_parse_u64(port, &number) != BW_OK)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "a port is a number");
	if (number == 0 || number > UINT16_MAX)
		return bw_fault_set(fault, BW_ERR_RANGE, at, "a port is between 1 and 65535");
	url->port = (uint16_t)number;
	return BW_OK;
}

static enum bw_err take_authority(struct bw_slice authority, struct bw_url *url, size_t at, struct bw_fault *fault)
{
	struct bw_slice host = authority;
	struct bw_slice port = bw_slice_empty;

	if (memchr(authority.ptr, '@', authority.len) != NULL)
		return bw_fault_set(fault, BW_ERR_DENIED, at, "no user or password inside a URL: others can see it");
	if (authority.len > 0 && authority.ptr[0] == '[') {
		if (!bw_slice_cut(bw_slice_from(authority, 1), ']', &host, &port) ||
		    (port.len > 0 && port.ptr[0] != ':'))
			return bw_fault_set(fault, BW_ERR_SYNTAX, at, "an IPv6 address stands between [ and ]");
		BW_TRY(take_ip6(host, url, at + 1, fault));
		return take_port(bw_slice_from(port, 1), url, at + host.len + 3, fault);
	}
	(void)bw_slice_cut(authority, ':', &host, &port);
	BW_TRY(take_name(host, url, at, fault));
	return take_port(port, url, at + host.len + 1, fault);
}

static enum bw_err take_target(struct bw_slice target, struct bw_url *url, size_t at, struct bw_fault *fault)
{
	const bool needs_slash = target.len == 0 || target.ptr[0] != '/';
	const size_t bad = bw_char_span(target, 0, BW_CHAR_TARGET);

	if (bad < target.len)
		return bw_fault_set(fault, BW_ERR_SYNTAX, at + bad, "a URL is visible ASCII without '#'");
	if (target.len + needs_slash > BW_URL_TARGET_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, at, "the URL is too long");
	url->target[0] = '/';
	memcpy(url->target + needs_slash, target.ptr, target.len);
	url->target[target.len + needs_slash] = '\0';
	return BW_OK;
}

enum bw_err bw_url_parse(struct bw_slice text, struct bw_url *out, struct bw_fault *fault)
{
	struct bw_url url = { 0 };
	size_t at = 0;
	size_t end;

	BW_TRY(take_scheme(text, &url, &at, fault));
	for (end = at; end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?' && text.ptr[end] != '#';)
		end++;
	BW_TRY(take_authority(bw_slice_sub(text, at, end - at), &url, at, fault));
	BW_TRY(take_target(bw_slice_from(text, end), &url, end, fault));
	*out = url;
	return BW_OK;
}

static bool has_dot_segment(struct bw_slice path)
{
	struct bw_slice segment;
	struct bw_slice rest = path;
	struct bw_slice query;

	(void)(bw_slice_cut(path, '?', &rest, &query));
	for (bool more = true; more;) {
		struct bw_slice tail = bw_slice_empty;

		segment = rest;
		more = bw_slice_cut(rest, '/', &segment, &tail);
		if (bw_slice_is(segment, ".") || bw_slice_is(segment, ".."))
			return true;
		rest = tail;
	}
	return false;
}

/* The base's target up to and with the last slash of its path. */
static struct bw_slice folder_of(const struct bw_url *base)
{
	const size_t path = strcspn(base->target, "?");
	size_t end = path;

	while (end > 0 && base->target[end - 1] != '/')
		end--;
	return bw_slice_of(base->target, end);
}

enum bw_err bw_url_join(const struct bw_url *base, struct bw_slice reference, struct bw_url *out,
			struct bw_fault *fault)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT((size_t)2 * BW_URL_TARGET_MAX);
	struct bw_url url = *base;

	if (bw_slice_is_nocase(bw_slice_sub(reference, 0, 4), "http"))
		return bw_url_parse(reference, out, fault);
	if (reference.len == 0 || bw_slice_starts(reference, BW_LIT("//")))
		return bw_fault_set(fault, BW_ERR_SYNTAX, 0, "neither a URL nor a path");
	if (has_dot_segment(reference))
		return bw_fault_set(fault, BW_ERR_SYNTAX, 0, "a path with '.' or '..' segments");
	if (reference.ptr[0] != '/')
		BW_TRY(bw_buf_add(&target, folder_of(base)));
	BW_TRY(bw_buf_add(&target, reference));
	BW_TRY(take_target(bw_buf_slice(&target), &url, 0, fault));
	*out = url;
	return BW_OK;
}

bool bw_url_same_origin(const struct bw_url *a, const struct bw_url *b)
{
	return a->tls == b->tls && a->port == b->port && strcmp(a->host, b->host) == 0;
}

void bw_url_authority(const struct bw_url *url, char out[BW_URL_AUTHORITY_BYTES])
{
	const bool ip6 = strchr(url->host, ':') != NULL;
	const bool usual = url->port == (url->tls ? 443 : 80);
	const char *open = ip6 ? "[" : "";
	const char *close = ip6 ? "]" : "";

	if (usual)
		snprintf(out, BW_URL_AUTHORITY_BYTES, "%s%s%s", open, url->host, close);
	else
		snprintf(out, BW_URL_AUTHORITY_BYTES, "%s%s%s:%u", open, url->host, close, (unsigned)url->port);
}

void bw_url_text(const struct bw_url *url, char out[BW_URL_TEXT_BYTES])
{
	char authority[BW_URL_AUTHORITY_BYTES];

	bw_url_authority(url, authority);
	snprintf(out, BW_URL_TEXT_BYTES, "%s://%s%s", url->tls ? "https" : "http", authority, url->target);
}
