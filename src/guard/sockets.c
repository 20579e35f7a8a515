#include "guard/sockets.h"

#include "base/num.h"

enum { STATE_LISTEN = 0x0a, FIELD_LOCAL = 1, FIELD_REMOTE = 2, FIELD_STATE = 3, FIELD_INODE = 9, WORD_DIGITS = 8 };

struct row {
	struct bw_peer local;
	struct bw_peer remote;
	uint32_t state;
	uint64_t inode;
};

/* ---- numbers ---------------------------------------------------------------------------- */

static enum bw_err parse_hex(struct bw_slice text, uint32_t *out)
{
	uint32_t value = 0;

	BW_NEED(text.len > 0 && text.len <= WORD_DIGITS, SYNTAX);
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];
		const uint8_t low = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			value = value << 4 | (uint32_t)(low - 'a' + 10);
		else
			return BW_ERR_SYNTAX;
	}
	*out = value;
	return BW_OK;
}

/* The kernel prints each word as a number, so writing the number back gives the bytes as they came. */
static enum bw_err parse_end(struct bw_slice text, bool is_v6, struct bw_peer *out)
{
	const size_t words = is_v6 ? 4 : 1;
	uint8_t bytes[16] = { 0 };
	struct bw_slice address;
	struct bw_slice port;
	uint32_t number;

	BW_NEED(bw_slice_cut(text, ':', &address, &port) && address.len == words * WORD_DIGITS, SYNTAX);
	for (size_t i = 0; i < words; i++) {
		BW_TRY(parse_hex(bw_slice_sub(address, i * WORD_DIGITS, WORD_DIGITS), &number));
		memcpy(bytes + i * sizeof(number), &number, sizeof(number));
	}
	BW_TRY(parse_hex(port, &number));
	BW_NEED(number < BW_SOCKETS_PORTS, RANGE);
	out->port = (uint16_t)number;
	bw_address_of(bytes, is_v6, &out->address);
	return BW_OK;
}

/* ---- rows --------------------------------------------------------------------------------- */

static bool next_field(struct bw_slice *rest, struct bw_slice *out)
{
	struct bw_slice line = bw_slice_trim(*rest);

	if (line.len == 0)
		return false;
	if (!bw_slice_cut(line, ' ', out, rest)) {
		*out = line;
		*rest = bw_slice_empty;
	}
	return true;
}

static enum bw_err parse_row(struct bw_slice line, bool is_v6, struct row *out)
{
	struct bw_slice fields[FIELD_INODE + 1];

	for (size_t i = 0; i < BW_COUNT(fields); i++)
		BW_NEED(next_field(&line, &fields[i]), SYNTAX);
	BW_TRY(parse_hex(fields[FIELD_STATE], &out->state));
	BW_TRY(bw_parse_u64(fields[FIELD_INODE], &out->inode));
	BW_TRY(parse_end(fields[FIELD_LOCAL], is_v6, &out->local));
	return parse_end(fields[FIELD_REMOTE], is_v6, &out->remote);
}

/* The next row that makes sense; false at the end. A line that was cut off is none. */
static bool next_row(struct bw_slice *table, bool is_v6, struct row *out)
{
	struct bw_slice line;

	while (bw_slice_cut(*table, '\n', &line, table)) {
		if (parse_row(line, is_v6, out) == BW_OK)
			return true;
	}
	return false;
}

/* ---- what is asked --------------------------------------------------------------------------- */

bool bw_sockets_add(struct bw_sockets *sockets, struct bw_slice link)
{
	const struct bw_slice front = BW_LIT("socket:[");
	uint64_t inode;

	if (sockets->count == BW_SOCKETS_MAX || !bw_slice_starts(link, front) || link.ptr[link.len - 1] != ']' ||
	    bw_parse_u64(bw_slice_sub(link, front.len, link.len - front.len - 1), &inode) != BW_OK)
		return false;
	sockets->inodes[sockets->count++] = inode;
	return true;
}

void bw_sockets_listen(struct bw_sockets *sockets, uint16_t port)
{
	sockets->listens[port / 8] |= (uint8_t)(1u << port % 8);
}

void bw_sockets_connected(struct bw_sockets *sockets, uint16_t local_port, const struct bw_peer *peer)
{
	const bool accepted = (sockets->listens[local_port / 8] >> local_port % 8 & 1) != 0;

	if (!accepted || peer->port == 0)
		return;
	for (size_t i = 0; i < sockets->peer_count; i++) {
		if (bw_address_equals(&sockets->peers[i].address, &peer->address))
			return;
	}
	if (sockets->peer_count < BW_SOCKETS_PEERS_MAX)
		sockets->peers[sockets->peer_count++] = *peer;
}

void bw_sockets_listeners(struct bw_sockets *sockets, struct bw_slice table, bool is_v6)
{
	struct row row;

	while (next_row(&table, is_v6, &row)) {
		if (row.state == STATE_LISTEN)
			bw_sockets_listen(sockets, row.local.port);
	}
}

static bool is_mine(const struct bw_sockets *sockets, uint64_t inode)
{
	for (size_t i = 0; i < sockets->count && inode != 0; i++) {
		if (sockets->inodes[i] == inode)
			return true;
	}
	return false;
}

void bw_sockets_look(struct bw_sockets *sockets, struct bw_slice table, bool is_v6)
{
	struct row row;

	while (next_row(&table, is_v6, &row)) {
		if (row.state != STATE_LISTEN && is_mine(sockets, row.inode))
			bw_sockets_connected(sockets, row.local.port, &row.remote);
	}
}
