/*
 * Whatever the tables of connections hold: no peer without a row, none twice, and no more than there is room for.
 * Bars cut the input into link, tcp and tcp6.
 */
#include <stdlib.h>

#include "guard/sockets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void look(struct bw_slice link, struct bw_slice tcp, struct bw_slice tcp6)
{
	struct bw_sockets sockets = { 0 };
	struct bw_sockets deaf = { 0 };
	size_t rows = 0;

	(void)bw_sockets_add(&sockets, link);
	(void)bw_sockets_add(&sockets, BW_LIT("socket:[102]"));
	bw_sockets_listeners(&sockets, tcp, false);
	bw_sockets_listeners(&sockets, tcp6, true);
	bw_sockets_look(&sockets, tcp, false);
	bw_sockets_look(&sockets, tcp6, true);
	for (size_t i = 0; i < tcp.len; i++)
		rows += tcp.ptr[i] == '\n';
	for (size_t i = 0; i < tcp6.len; i++)
		rows += tcp6.ptr[i] == '\n';
	check(sockets.count <= 2 && sockets.peer_count <= BW_SOCKETS_PEERS_MAX && sockets.peer_count <= rows);
	for (size_t i = 0; i < sockets.peer_count; i++) {
		char text[BW_ADDRESS_TEXT_BYTES];

		bw_address_write(&sockets.peers[i].address, text);
		check(text[0] != '\0' && sockets.peers[i].port != 0);
		for (size_t j = 0; j < i; j++)
			check(!bw_address_equals(&sockets.peers[i].address, &sockets.peers[j].address));
	}
	/* without sockets of its own nobody has a client */
	bw_sockets_listeners(&deaf, tcp, false);
	bw_sockets_look(&deaf, tcp, false);
	check(deaf.peer_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice all = bw_slice_of(data, size);
	struct bw_slice link = bw_slice_empty;
	struct bw_slice tcp = all;
	struct bw_slice tcp6 = bw_slice_empty;

	if (bw_slice_cut(all, '|', &link, &tcp) && !bw_slice_cut(tcp, '|', &tcp, &tcp6))
		tcp6 = bw_slice_empty;
	look(link, tcp, tcp6);
	return 0;
}
