/*
 * The proc connector: a netlink datagram for each fork, exec and exit (linux/cn_proc.h). Threads
 * are told too; only thread groups count here.
 */
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "guard/lineage_parts.h"

enum { RECEIVE_BYTES = 8 * 1024 * 1024 };

/* Asking to be told: netlink head, connector head, one word. */
struct subscription {
	struct nlmsghdr netlink;
	uint32_t idx;
	uint32_t val;
	uint32_t seq;
	uint32_t ack;
	uint16_t len;
	uint16_t flags;
	uint32_t op;
};

/* struct proc_event's head, which is followed by numbers of four bytes. */
struct event_head {
	uint32_t what;
	uint32_t cpu;
	uint64_t time_ns;
	uint32_t words[4];
};

enum { OFTEN_USED_WORDS = sizeof(((struct event_head *)0)->words) / sizeof(uint32_t) };

static enum bw_err subscribe(int fd)
{
	const struct sockaddr_nl us = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	const struct subscription ask = { .netlink = { .nlmsg_len = sizeof(ask), .nlmsg_type = NLMSG_DONE },
					  .idx = CN_IDX_PROC,
					  .val = CN_VAL_PROC,
					  .len = sizeof(ask.op),
					  .op = PROC_CN_MCAST_LISTEN };
	const int bytes = RECEIVE_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (bind(fd, (const struct sockaddr *)&us, sizeof(us)) != 0)
		return bw_err_from_errno(errno);
	if (send(fd, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		return bw_err_from_errno(errno);
	return BW_OK;
}

enum bw_err bw_connector_open(int *out_fd, struct bw_why *why)
{
	const int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	enum bw_err err;

	if (fd < 0)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the kernel has no proc connector");
	err = subscribe(fd);
	if (err != BW_OK) {
		(void)close(fd);
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the proc connector refused: %s", bw_err_text(err));
	}
	*out_fd = fd;
	return BW_OK;
}

static bool read_event(const struct event_head *head, struct bw_process_event *out)
{
	const uint32_t *words = head->words;

	*out = (struct bw_process_event){ .time_ns = head->time_ns };
	switch (head->what) {
	case PROC_EVENT_FORK: /* parent's thread, parent, child's thread, child */
		out->act = BW_PROCESS_FORK;
		out->parent = words[1];
		out->pid = words[3];
		return words[2] == words[3];
	case PROC_EVENT_EXEC: /* thread, process */
		out->act = BW_PROCESS_EXEC;
		out->pid = words[1];
		return true;
	case PROC_EVENT_UID: /* thread, process, real user, effective one */
		out->act = BW_PROCESS_USER;
		out->pid = words[1];
		out->uid = words[2];
		return words[0] == words[1];
	case PROC_EVENT_EXIT: /* the last thread is the one with the process's number, as a rule */
		out->act = BW_PROCESS_EXIT;
		out->pid = words[1];
		return words[0] == words[1];
	default:
		return false;
	}
}

enum bw_err bw_connector_parse(struct bw_slice datagram, struct bw_process_event *out)
{
	struct bw_cursor c = bw_cursor_over(datagram);
	struct event_head head = { 0 };
	struct bw_slice netlink;
	struct bw_slice connector;
	struct bw_slice body;
	uint32_t len;
	size_t take;

	BW_TRY(bw_take(&c, sizeof(struct nlmsghdr), &netlink));
	memcpy(&len, netlink.ptr, sizeof(len));
	BW_NEED(len >= sizeof(struct nlmsghdr) && len <= datagram.len, PROTOCOL);
	BW_TRY(bw_take(&c, sizeof(struct cn_msg), &connector));
	memcpy(&len, connector.ptr, sizeof(len)); /* cn_msg.id.idx */
	BW_NEED(len == CN_IDX_PROC, NOT_FOUND);
	take = offsetof(struct event_head, words) + OFTEN_USED_WORDS * sizeof(uint32_t);
	BW_TRY(bw_take(&c, take, &body));
	memcpy(&head, body.ptr, take);
	return read_event(&head, out) ? BW_OK : BW_ERR_NOT_FOUND;
}
