/*
 * The address of an smbd child's client, asked of the kernel as soon as the child is born: Samba itself knows it later,
 * and a client that attacks at full speed is cut off before that.
 *
 * The child's connection is borrowed for as long as it takes to ask it who is at its other end. Where a security module
 * forbids that (it counts as attaching to the process), the tables of all connections tell the same, but the kernel
 * takes tens of milliseconds to write them. Either way takes CAP_SYS_PTRACE, because smbd changes its users.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"
#include "guard/sockets.h"

enum { LINKS_MAX = 16 * 1024 /* a client's open files; its connection was there before them */ };

/* ---- a process, held so that nothing is read of another one of its number ------------------------------ */

struct held_process {
	int folder; /* of /proc; opens nothing any more once the process has ended */
	int pid_fd;
	uint32_t parent;
};

#define HELD_NONE ((struct held_process){ .folder = -1, .pid_fd = -1 })

static void let_go(struct held_process *held)
{
	if (held->folder >= 0)
		(void)close(held->folder);
	if (held->pid_fd >= 0)
		(void)close(held->pid_fd);
	*held = HELD_NONE;
}

static bool is_roots(struct hand *hand, struct bw_process *process)
{
	bw_process_read_more(hand->proc, process);
	return process->uid == 0;
}

/* Anybody may call himself smbd: it is root's, or, while it acts for a user, born of root's. */
static bool hold(struct hand *hand, const struct bw_who *who, struct held_process *out)
{
	struct bw_process process;
	struct bw_process parent;
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", who->pid);
	out->folder = openat(hand->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	out->pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)who->pid, 0);
	if (out->folder < 0 || out->pid_fd < 0 || bw_process_read(hand->proc, who->pid, &process) != BW_OK ||
	    !process.alive || strncmp(process.comm, "smbd", 4) != 0)
		return false;
	if (!is_roots(hand, &process) && (bw_process_read(hand->proc, process.parent, &parent) != BW_OK ||
					  strncmp(parent.comm, "smbd", 4) != 0 || !is_roots(hand, &parent)))
		return false;
	out->parent = process.parent;
	return who->start_ns == 0 || bw_process_same_start(process.start_ns, who->start_ns);
}

/* ---- asking its connections ------------------------------------------------------------------------------ */

/* False: no internet address. */
static bool take_end(const struct sockaddr_storage *name, struct bw_peer *out)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (name->ss_family == AF_INET) {
		memcpy(&v4, name, sizeof(v4));
		out->port = ntohs(v4.sin_port);
		bw_address_of((const uint8_t *)&v4.sin_addr, false, &out->address);
		return true;
	}
	if (name->ss_family != AF_INET6)
		return false;
	memcpy(&v6, name, sizeof(v6));
	out->port = ntohs(v6.sin6_port);
	bw_address_of((const uint8_t *)&v6.sin6_addr, true, &out->address);
	return true;
}

static void ask_socket(int fd, struct bw_sockets *out)
{
	struct sockaddr_storage name = { 0 };
	socklen_t len = sizeof(name);
	struct bw_peer local;
	struct bw_peer peer;
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0 || !take_end(&name, &local) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0)
		return;
	if (listens != 0) {
		bw_sockets_listen(out, local.port);
		return;
	}
	len = sizeof(name);
	if (getpeername(fd, (struct sockaddr *)&name, &len) == 0 && take_end(&name, &peer))
		bw_sockets_connected(out, local.port, &peer);
}

/* Its sockets: each is asked where it can be borrowed, and noted in any case. DENIED: none can be. */
static enum bw_err ask_sockets(const struct held_process *held, struct bw_sockets *out)
{
	const int folder = openat(held->folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = folder < 0 ? NULL : fdopendir(folder);
	enum bw_err err = BW_OK;
	struct dirent *entry;

	for (size_t n = 0; all != NULL && n < LINKS_MAX && (entry = readdir(all)) != NULL; n++) {
		char link[64]; /* longer ones are no sockets */
		const ssize_t len = readlinkat(folder, entry->d_name, link, sizeof(link));
		uint64_t number;
		int fd;

		if (len <= 0 || !bw_sockets_add(out, bw_slice_of(link, (size_t)len)) ||
		    bw_parse_u64(bw_slice_text(entry->d_name), &number) != BW_OK || number > INT32_MAX)
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, held->pid_fd, (int)number, 0);
		if (fd < 0) {
			err = errno == EPERM || errno == ENOSYS ? BW_ERR_DENIED : err;
			continue;
		}
		ask_socket(fd, out);
		(void)close(fd);
	}
	if (all != NULL)
		(void)closedir(all);
	else if (folder >= 0)
		(void)close(folder);
	return err;
}

/* ---- or the tables ----------------------------------------------------------------------------------------- */

/* A longer table is read as far as there is room: its rows come in no order that an attacker could choose. */
static void read_table(int process, const char *name, struct bw_buf *out)
{
	const int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : 1;

	while (got > 0 && out->len < BW_SOCKETS_TEXT_MAX) {
		const size_t left = BW_SOCKETS_TEXT_MAX - out->len;
		const size_t want = left < 65536 ? left : 65536;

		if (bw_buf_reserve(out, want) != BW_OK)
			break;
		got = read(fd, out->ptr + out->len, want);
		out->len += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		(void)close(fd);
}

static void look_up(const struct held_process *held, struct bw_sockets *sockets)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf tcp = BW_BUF_INIT(BW_SOCKETS_TEXT_MAX + 1);
	BW_CLEANUP(bw_buf_release) struct bw_buf tcp6 = BW_BUF_INIT(BW_SOCKETS_TEXT_MAX + 1);

	/* of that process's own network, which may be a container's */
	read_table(held->folder, "net/tcp", &tcp);
	read_table(held->folder, "net/tcp6", &tcp6);
	bw_sockets_listeners(sockets, bw_buf_slice(&tcp), false);
	bw_sockets_listeners(sockets, bw_buf_slice(&tcp6), true);
	bw_sockets_look(sockets, bw_buf_slice(&tcp), false);
	bw_sockets_look(sockets, bw_buf_slice(&tcp6), true);
}

/* ---- the answer -------------------------------------------------------------------------------------------- */

/* The listening parent first: only what came in over one of its ports is a client. */
static void find_peers(struct hand *hand, const struct held_process *child, struct bw_sockets *sockets)
{
	struct held_process parent = HELD_NONE;
	enum bw_err err = BW_ERR_DENIED;

	if (child->parent > 1 && hold(hand, &(struct bw_who){ .pid = child->parent }, &parent))
		err = ask_sockets(&parent, sockets);
	let_go(&parent);
	sockets->count = 0;
	sockets->peer_count = 0;
	if (ask_sockets(child, sockets) != BW_OK || err != BW_OK)
		look_up(child, sockets);
}

static void answer(struct hand *hand, const struct bw_who *who, const struct bw_peer *peer)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	char address[BW_ADDRESS_TEXT_BYTES];
	struct bw_peer_word word = { .who = *who, .port = peer->port };

	bw_address_write(&peer->address, address);
	word.address = bw_slice_text(address);
	if (bw_peer_word_add(&body, &word) == BW_OK)
		hand_tell(hand, "judge", BW_RECORD_PEER, bw_buf_slice(&body), -1);
}

void hand_peer(struct hand *hand, const struct bw_who *who)
{
	struct bw_sockets *sockets = calloc(1, sizeof(*sockets));
	struct held_process child = HELD_NONE;

	if (sockets != NULL && hold(hand, who, &child)) {
		find_peers(hand, &child, sockets);
		for (size_t i = 0; i < sockets->peer_count; i++)
			answer(hand, who, &sockets->peers[i]);
	}
	let_go(&child);
	free(sockets);
}
