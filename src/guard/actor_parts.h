/* The tables behind actor.h; private to the actor files. Numbers are places in the tables; 0 is nobody. */
#ifndef BW_GUARD_ACTOR_PARTS_H
#define BW_GUARD_ACTOR_PARTS_H

#include "guard/actor.h"

enum {
	ACTOR_SLOTS = 64 * 1024,
	ACTOR_KEY_SLOTS = 16 * 1024,
	ACTOR_FOLDED_SETS = 32 * 1024, /* of four each: twice as many as there are nodes */
	ACTOR_FOLDED_WAYS = 4,
};

/* Upwards from a process: where what runs the same program ends. */
enum actor_end {
	ACTOR_END_NOT_YET,
	ACTOR_END_OTHER, /* it was begun by another program, */
	ACTOR_END_JOB,   /* or is a job of a shell */
};

/*
 * What stood between a process and whom it hangs below now, and was let go: those had ended. All that a
 * question about descent may still ask of them.
 */
struct actor_via {
	bool any;
	bool top_leads;           /* the one next to the parent led a group of its own, */
	uint32_t top_session;     /* in this session */
	uint32_t end;             /* enum actor_end, among them, from the one next to the process on */
	uint32_t shell;           /* the session that this one led, and its group; 0: it did not */
	char comm[BW_COMM_BYTES]; /* of this one; of all, when the end is not among them */
};

struct actor_node {
	uint64_t start_ns;
	uint64_t born_ns; /* CLOCK_MONOTONIC, as its event said */
	uint64_t cgroup;
	uint64_t incident; /* condemned by it */
	uint32_t pid;
	uint32_t parent;    /* the nearest above that is known */
	uint32_t forked_by; /* the number of who forked it */
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
	struct actor_via via;
};

/* A living process that lost its node to others: whose it is stays known (actor_room.c). */
struct actor_folded {
	uint64_t start_ns;
	uint64_t born_ns;
	uint64_t incident;
	uint64_t cgroup;
	uint32_t pid; /* 0: free */
	uint32_t forked_by;
	uint32_t session;
	uint32_t group;
	uint32_t uid;
	uint32_t actor; /* referred to */
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
	uint32_t letting; /* where the search for whom to let go stopped */
	uint32_t folded_count;
	uint32_t folded_turn;
	uint32_t joins_later; /* so many newcomers are not worth a search that just found nothing */
	uint32_t by_pid[ACTOR_SLOTS];
	uint32_t by_key[ACTOR_KEY_SLOTS];
	struct actor_node nodes[BW_ACTOR_NODES_MAX + 1];
	struct actor_row rows[BW_ACTORS_MAX + 1];
	struct actor_folded folded[ACTOR_FOLDED_SETS][ACTOR_FOLDED_WAYS];
};

/* The place of a number in the table by pid. */
static inline uint32_t actor_slot(uint32_t pid)
{
	return pid * UINT32_C(2654435769) >> 16;
}

/* actor_room.c: coming, going, and who gives way */
uint32_t actor_node_take(struct bw_actors *actors); /* 0: no room; others that nobody pinned may go */
void actor_node_link(struct bw_actors *actors, uint32_t n, uint32_t parent);
void actor_node_queue_if_over(struct bw_actors *actors, uint32_t n);
void actor_node_leave_queue(struct bw_actors *actors, uint32_t n);
void actor_node_number(struct bw_actors *actors, uint32_t n); /* found by its pid from now on */

/* The living process of that number that was folded, with a node again; 0: there is none, or it began later. */
uint32_t actor_node_recall(struct bw_actors *actors, uint32_t pid, uint64_t time_ns);
/*
 * No actor is free: the longest dead go until one is; then those of who began most become one. What root began, and
 * Samba's clients, stay apart. Nobody who lives or is pinned goes.
 */
void actor_room_for_row(struct bw_actors *actors);

/* actor_family.c */
/* From it through those let go above it. */
enum actor_end actor_end_of(const struct actor_node *node);

/* actor_row.c: the actors */
bool actor_row_is_free(const struct bw_actors *actors);
uint32_t actor_row_for(struct bw_actors *actors, const struct actor_node *top); /* referred to once more; 0: no room */
void actor_row_ref(struct bw_actors *actors, uint32_t row);
void actor_row_unref(struct bw_actors *actors, uint32_t row);
void actor_row_join(struct bw_actors *actors, uint32_t row, uint32_t other); /* 0, or the same: nothing happens */
uint32_t actor_row_same(const struct bw_actors *actors, uint32_t row);
bool actor_is_smbd_name(const char *comm);

#endif
