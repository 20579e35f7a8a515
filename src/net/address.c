#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "net/sockaddr.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct bw_net_address *address)
{
	return memcmp(address->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool is_none(const struct bw_net_address *address)
{
	static const uint8_t none[16];

	return memcmp(address->ip, none, sizeof(none)) == 0;
}

static enum bw_err parse_host(struct bw_slice host, bool bracketed, uint8_t ip[16])
{
	char text[INET6_ADDRSTRLEN];

	BW_NEED(host.len > 0 && host.len < sizeof(text), SYNTAX);
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	BW_NEED(strlen(text) == host.len, SYNTAX);
	if (bracketed) {
		BW_NEED(inet_pton(AF_INET6, text, ip) == 1, SYNTAX);
		return BW_OK;
	}
	memcpy(ip, mapped_prefix, sizeof(mapped_prefix));
	BW_NEED(inet_pton(AF_INET, text, ip + sizeof(mapped_prefix)) == 1, SYNTAX);
	return BW_OK;
}

enum bw_err bw_net_address_parse(struct bw_slice text, struct bw_net_address *out)
{
	struct bw_net_address address = { 0 };
	const bool bracketed = text.len > 0 && text.ptr[0] == '[';
	struct bw_slice host;
	struct bw_slice port;
	uint64_t number;

	if (bracketed) {
		BW_NEED(bw_slice_cut(bw_slice_from(text, 1), ']', &host, &port), SYNTAX);
		BW_NEED(port.len > 0 && port.ptr[0] == ':', SYNTAX);
		port = bw_slice_from(port, 1);
	} else {
		BW_NEED(bw_slice_cut(text, ':', &host, &port), SYNTAX);
	}
	BW_TRY(parse_host(host, bracketed, address.ip));
	BW_TRY(bw_parse_u64(port, &number));
	BW_NEED(number <= UINT16_MAX, RANGE);
	address.port = (uint16_t)number;
	*out = address;
	return BW_OK;
}

void bw_net_address_host(const struct bw_net_address *address, char *out)
{
	const char *done;

	if (is_none(address)) {
		snprintf(out, BW_NET_ADDRESS_TEXT, "local");
		return;
	}
	if (is_v4(address))
		done = inet_ntop(AF_INET, address->ip + 12, out, BW_NET_ADDRESS_TEXT);
	else
		done = inet_ntop(AF_INET6, address->ip, out, BW_NET_ADDRESS_TEXT);
	if (done == NULL)
		out[0] = '\0';
}

void bw_net_address_text(const struct bw_net_address *address, char *out)
{
	char host[BW_NET_ADDRESS_TEXT];

	if (is_none(address) && address->port != 0) { /* "[::]:443", every address of this machine */
		snprintf(out, BW_NET_ADDRESS_TEXT, "[::]:%u", (unsigned)address->port);
		return;
	}
	bw_net_address_host(address, host);
	if (is_none(address))
		snprintf(out, BW_NET_ADDRESS_TEXT, "%.45s", host);
	else
		snprintf(out, BW_NET_ADDRESS_TEXT, is_v4(address) ? "%.45s:%u" : "[%.45s]:%u", host,
			 (unsigned)address->port);
}

bool bw_net_address_is_loopback(const struct bw_net_address *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (is_v4(address))
		return address->ip[12] == 127;
	return memcmp(address->ip, one, sizeof(one)) == 0 || (is_none(address) && address->port == 0);
}

void bw_net_address_client(const struct bw_net_address *address, uint8_t out[16])
{
	memcpy(out, address->ip, 16);
	if (!is_v4(address))
		memset(out + 8, 0, 8);
}

void bw_net_address_from(const struct sockaddr_storage *from, struct bw_net_address *out)
{
	*out = (struct bw_net_address){ 0 };
	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		memcpy(out->ip, mapped_prefix, sizeof(mapped_prefix));
		memcpy(out->ip + sizeof(mapped_prefix), &in.sin_addr, 4);
		out->port = ntohs(in.sin_port);
	} else if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, from, sizeof(in6));
		memcpy(out->ip, &in6.sin6_addr, 16);
		out->port = ntohs(in6.sin6_port);
		out->scope = in6.sin6_scope_id;
	}
}

socklen_t bw_net_address_to(const struct bw_net_address *address, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (is_v4(address)) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(address->port) };

		memcpy(&in.sin_addr, address->ip + sizeof(mapped_prefix), 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(address->port),
				    .sin6_scope_id = address->scope };

	memcpy(&in6.sin6_addr, address->ip, 16);
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

static enum bw_err bind_error(int saved_errno)
{
	if (saved_errno == EADDRINUSE)
		return BW_ERR_EXISTS;
	if (saved_errno == EADDRNOTAVAIL)
		return BW_ERR_NOT_FOUND;
	return bw_err_from_errno(saved_errno);
}

static enum bw_err prepare_and_bind(int fd, const struct bw_net_address *address, bool share)
{
	static const int on = 1;
	static const int off;
	struct sockaddr_storage to;
	const socklen_t to_len = bw_net_address_to(address, &to);

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return bw_err_from_errno(errno);
	if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return bw_err_from_errno(errno);
	/* "[::]" means every address of the machine, IPv4 too, whatever the sysctl says. */
	if (to.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return bw_err_from_errno(errno);
	if (bind(fd, (const struct sockaddr *)&to, to_len) != 0 || listen(fd, SOMAXCONN) != 0)
		return bind_error(errno);
	return BW_OK;
}

enum bw_err bw_net_listen(const struct bw_net_address *address, bool share, int *out_fd)
{
	const int family = is_v4(address) ? AF_INET : AF_INET6;
	const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = prepare_and_bind(fd, address, share);
	if (err != BW_OK) {
		close(fd);
		return err;
	}
	*out_fd = fd;
	return BW_OK;
}

enum bw_err bw_net_local(int fd, struct bw_net_address *out)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		return bw_err_from_errno(errno);
	bw_net_address_from(&at, out);
	return BW_OK;
}
