/*
 * Actors: which processes belong to what a person would name. Process events in, actors out. Pure
 * memory of fixed size.
 *
 *   smb      one smbd child serves one client's connection; children of the same client are joined once its address
 *            is known (bw_actors_name): the kernel tells it at once, Samba adds the user later
 *   unit     a cgroup of its own (service, container, login scope)
 *   login    a login session whose first process was never seen
 *   family   otherwise: a process born of a host, and everything that descends from it
 *
 * A host starts processes for many: init, the login and job daemons (as root), the listening smbd, and whoever started
 * the guard. Hosts belong to no actor and are never stopped; nor is the guard itself. Descent is what fork said, so
 * setsid, setpgid, setuid and a parent that died change nothing.
 *
 * An actor is what evidence is booked to. What is stopped is smaller: the smallest family that holds all
 * of its processes that destroyed something (bw_actors_roots).
 *
 * Differs from lineage_table.h (watch: which numbers live now) by what a verdict needs: ends are remembered while
 * evidence or descendants are, and a number used again is told apart by time.
 */
#ifndef BW_GUARD_ACTOR_H
#define BW_GUARD_ACTOR_H

#include "guard/event.h"

enum {
	BW_ACTOR_NODES_MAX = 64 * 1024, /* processes known, living and dead */
	BW_ACTOR_DEAD_MAX = 16 * 1024,  /* dead ones kept for events that come late */
	BW_ACTORS_MAX = 8 * 1024,
	BW_ACTOR_NAME_BYTES = 64,   /* an address */
	BW_ACTOR_USERS_BYTES = 256, /* "anna, ben": of one client, as many as there is room for */
};

enum bw_actor_kind {
	BW_ACTOR_NONE, /* the kernel's own (nfsd), or a process nobody knew: only the tree is told */
	BW_ACTOR_FAMILY,
	BW_ACTOR_LOGIN,
	BW_ACTOR_UNIT,
	BW_ACTOR_SMB,
};

/* What can be said of an actor; its first process, where it has one. */
struct bw_actor {
	uint64_t start_ns;
	uint64_t cgroup;
	uint32_t kind; /* enum bw_actor_kind */
	uint32_t pid;
	uint32_t uid;
	uint32_t session;
	char comm[BW_COMM_BYTES];
	char user[BW_ACTOR_USERS_BYTES];   /* smb, once known; several of a terminal server, with commas between them */
	char address[BW_ACTOR_NAME_BYTES]; /* smb, once known */
};

struct bw_actors;

/* Who is called so and is root's starts work for others. */
bool bw_actors_is_host_name(const char *comm);

/* `guard` is the process that began the guard: it, its workers and those that started it are nobody's. MEMORY. */
BW_MUST_USE enum bw_err bw_actors_new(uint32_t guard, struct bw_actors **out);
void bw_actors_free(struct bw_actors *actors); /* NULL allowed */

/* How far the clock of starts (CLOCK_BOOTTIME) is ahead of that of events: the machine slept so long. At first 0. */
void bw_actors_slept(struct bw_actors *actors, uint64_t ns);

/*
 * A process event. Not 0: the process was born into a condemned family, and must be stopped for this
 * incident.
 */
uint64_t bw_actors_hear(struct bw_actors *actors, const struct bw_process_event *event);

/* Processes are named by a number, 1.., valid while they are pinned or until the next event. */

/*
 * The process that bore this pid at that time; made when nobody told of it. Who is told of later and began by then is
 * that one: its number stays, its actor is joined with its parent's. 0: pid 0, or no room.
 *
 * A host's child that goes on as a user and runs no program (internal-sftp) is a host until it is asked for here:
 * then it did something, as that user.
 */
uint32_t bw_actors_find(struct bw_actors *actors, uint32_t pid, uint64_t time_ns);
void bw_actors_pin(struct bw_actors *actors, uint32_t process);
void bw_actors_unpin(struct bw_actors *actors, uint32_t process);
void bw_actors_process(const struct bw_actors *actors, uint32_t process, struct bw_process_event *out);

/* The actor of a process, 1..; 0: none (host, guard, kernel). Stays the same until actors are joined. */
uint32_t bw_actors_of(const struct bw_actors *actors, uint32_t process);
uint32_t bw_actors_same(const struct bw_actors *actors, uint32_t actor); /* what it is joined to by now, or itself */
void bw_actors_about(const struct bw_actors *actors, uint32_t actor, struct bw_actor *out);

/* Whether fork led from `ancestor` to the process, or they are the same. */
bool bw_actors_descends(const struct bw_actors *actors, uint32_t process, uint32_t ancestor);

/* From now on this process is a host: what is born of it later begins actors of its own. 0: nothing happens. */
void bw_actors_stand_apart(struct bw_actors *actors, uint32_t process);

/* Keeps an actor (its number, what is said of it) though its last process ends. */
void bw_actors_hold(struct bw_actors *actors, uint32_t actor);
void bw_actors_let(struct bw_actors *actors, uint32_t actor);
size_t bw_actors_count(const struct bw_actors *actors);

/* What is known of an smbd child's client. Address and user may come one after the other, and twice. */
struct bw_actor_client {
	uint32_t pid;
	uint64_t start_ns;       /* 0: not known; then address and port tell whose number it is, or that it lives */
	uint16_t port;           /* the client's; 0: not known */
	struct bw_slice address; /* as bw_address_write writes it, where it can; empty: not known */
	struct bw_slice user;    /* empty: not known. A second user of one child is added to the first */
};

/*
 * Who is served by this smbd child, which may have ended. Its actor is joined with another one that has the same
 * address (and, where the address is this machine's own, the same user). The child's process, and whether anything
 * new was said of it; 0: no such smbd.
 */
uint32_t bw_actors_name(struct bw_actors *actors, const struct bw_actor_client *client, bool *out_is_news);

/* Whether some smbd child that lives, or that somebody still asks about (pins), has no user yet. */
bool bw_actors_has_nameless(const struct bw_actors *actors);

/* The next smbd child that lives and whose address is not known, after number `after`; 0: none. */
uint32_t bw_actors_next_unknown(const struct bw_actors *actors, uint32_t after);

/* The same of those whose client's address is known. */
uint32_t bw_actors_next_known(const struct bw_actors *actors, uint32_t after);

/*
 * The smallest families that hold these processes, no host among them: at most `max` roots. Of smb actors, all the
 * actor's sessions.
 */
size_t bw_actors_roots(const struct bw_actors *actors, const uint32_t *processes, size_t count, uint32_t *out,
		       size_t max);

/* The person's shell of which this root is a job, which bw_actors_roots left alone; 0: it is none. */
uint32_t bw_actors_shell(const struct bw_actors *actors, uint32_t root);

/* From now on whoever is born into the family of `root` is stopped too; incident 0: no longer. */
void bw_actors_condemn(struct bw_actors *actors, uint32_t root, uint64_t incident);

uint64_t bw_actors_condemned(const struct bw_actors *actors, uint32_t process); /* its incident, or 0 */

struct bw_actor_target {
	uint32_t pid;
	uint32_t is_smbd; /* ended, never frozen: it may hold locks that others wait for */
	uint64_t start_ns;
};

/*
 * The living processes of these families, at most `max`, parents first; `*out_group` is a process group that lies
 * wholly within them, or 0.
 */
size_t bw_actors_gather(const struct bw_actors *actors, const uint32_t *roots, size_t count,
			struct bw_actor_target *out, size_t max, uint32_t *out_group);

#endif
