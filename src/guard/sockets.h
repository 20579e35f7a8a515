/*
 * Who is at the other end of a process's connections: the tables of /proc/PID/net/tcp and tcp6 (proc_net_tcp in the
 * kernel's documentation) and the names of its descriptors. Pure. The tables hold what strangers sent us: as many rows
 * as they have connections.
 *
 *   sl: LOCAL:PORT REMOTE:PORT STATE queues timer retransmits uid timeout INODE …
 *
 * Addresses are words of 32 bits as the machine keeps them, in hex; ports and states are plain hex. A row of another
 * form is passed over. An IPv4 client of a socket for both families stands in tcp6 as ::ffff:a.b.c.d, and is told as
 * IPv4.
 */
#ifndef BW_GUARD_SOCKETS_H
#define BW_GUARD_SOCKETS_H

#include "guard/keep_out.h"

enum {
	BW_SOCKETS_MAX = 256,                  /* of one process; what it has beyond them is not looked at */
	BW_SOCKETS_PEERS_MAX = 8,              /* a client of several network cards has one connection for each */
	BW_SOCKETS_TEXT_MAX = 8 * 1024 * 1024, /* fifty thousand connections */
	BW_SOCKETS_PORTS = 65536,
};

struct bw_peer {
	struct bw_address address; /* any, loopback included */
	uint16_t port;
};

struct bw_sockets {
	size_t count;
	uint64_t inodes[BW_SOCKETS_MAX];
	size_t peer_count;
	struct bw_peer peers[BW_SOCKETS_PEERS_MAX];
	uint8_t listens[BW_SOCKETS_PORTS / 8]; /* local ports somebody listens on */
};

/* The target of a link in /proc/PID/fd. False: no socket, or no room for it. */
bool bw_sockets_add(struct bw_sockets *sockets, struct bw_slice link);

/* Notes the ports that somebody listens on. All tables come here before any goes to bw_sockets_look. */
void bw_sockets_listeners(struct bw_sockets *sockets, struct bw_slice table, bool is_v6);

/* One listening port, or one connection, that is known otherwise than by a table. */
void bw_sockets_listen(struct bw_sockets *sockets, uint16_t port);
void bw_sockets_connected(struct bw_sockets *sockets, uint16_t local_port, const struct bw_peer *peer);

/*
 * Adds the peers of the process's sockets that were accepted: those whose local port somebody listens on. What the
 * process itself connected to (a domain controller, a database) is no client. One peer is added once.
 */
void bw_sockets_look(struct bw_sockets *sockets, struct bw_slice table, bool is_v6);

#endif
