/* The tables behind actor.h; private to the actor files. Numbers are places in the tables; 0 is nobody. */
#ifndef BW_GUARD_ACTOR_PARTS_H
#define BW_GUARD_ACTOR_PARTS_H

#include "guard/actor.h"

enum { ACTOR_SLOTS = 64 * 1024, ACTOR_KEY_SLOTS = 16 * 1024, ACTOR_DEPTH_MAX = 4096 };

struct actor_node {
	uint64_t start_ns;
	uint64_t born_ns; /* CLOCK_MONOTONIC, as its event said */
	uint64_t cgroup;
	uint64_t incident; /* condemned by it */
	uint32_t pid;
	uint32_t parent;
	uint32_t first_child;
	uint32_t next; /* sibling */
	uint32_t before;
	uint32_t same_slot; /* next in the table by pid: newest first */
	uint32_t dead_next; /* the queue of the dead */
	uint32_t dead_before;
	uint32_t session;
	uint32_t group;
	uint32_t uid;
	uint32_t actor; /* 0: a host's, the guard's */
	uint32_t pins;
	uint16_t port; /* smbd: its client's */
	bool used;
	bool alive;
	bool is_guard; /* the guard or its worker */
	bool is_host;
	bool is_past;   /* its number is another's, for whom there was no room */
	bool is_daemon; /* a host by its name alone: until it runs another program */
	bool is_smbd;
	bool is_unheard; /* asked for, and nobody told of it yet: its parent is not known */
	bool in_queue;
	char comm[BW_COMM_BYTES];
};

struct actor_row {
	struct bw_actor about;
	uint64_t key;
	uint32_t same_slot;
	uint32_t joined; /* to this one; 0: to none */
	uint32_t refs;   /* processes, holders, actors joined to it */
	bool used;
};

struct bw_actors {
	uint32_t guard;
	uint64_t slept_ns;
	uint32_t free_node; /* chained by `next` */
	uint32_t nodes_used;
	uint32_t free_actor; /* chained by `same_slot` */
	uint32_t actors_used;
	uint32_t actor_count;
	uint32_t dead_first;
	uint32_t dead_last;
	uint32_t dead_count;
	uint32_t by_pid[ACTOR_SLOTS];
	uint32_t by_key[ACTOR_KEY_SLOTS];
	struct actor_node nodes[BW_ACTOR_NODES_MAX + 1];
	struct actor_row rows[BW_ACTORS_MAX + 1];
};

/* The place of a number in the table by pid. */
static inline uint32_t actor_slot(uint32_t pid)
{
	return pid * UINT32_C(2654435769) >> 16;
}

/* actor_row.c: the actors */
uint32_t actor_row_for(struct bw_actors *actors, const struct actor_node *top); /* referred to once more; 0: no room */
void actor_row_ref(struct bw_actors *actors, uint32_t row);
void actor_row_unref(struct bw_actors *actors, uint32_t row);
void actor_row_join(struct bw_actors *actors, uint32_t row, uint32_t other); /* 0, or the same: nothing happens */
uint32_t actor_row_same(const struct bw_actors *actors, uint32_t row);
bool actor_is_host_name(const char *comm);
bool actor_is_smbd_name(const char *comm);

#endif
