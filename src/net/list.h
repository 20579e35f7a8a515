/* A ring of links inside the things it connects; for this room only. */
#ifndef BW_NET_LIST_H
#define BW_NET_LIST_H

#include "base/macros.h"

struct bw_link {
	struct bw_link *prev; /* itself when alone */
	struct bw_link *next;
};

#define BW_LINK_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void bw_link_init(struct bw_link *link)
{
	link->prev = link;
	link->next = link;
}

static inline bool bw_link_is_alone(const struct bw_link *link)
{
	return link->next == link;
}

static inline void bw_link_remove(struct bw_link *link)
{
	link->prev->next = link->next; /* NOLINT(clang-analyzer-unix.Malloc): what is freed has left the ring before */
	link->next->prev = link->prev;
	bw_link_init(link);
}

/* `link` goes to the end of the ring that `head` stands for, from wherever it was. */
static inline void bw_link_append(struct bw_link *head, struct bw_link *link)
{
	bw_link_remove(link);
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

#endif
