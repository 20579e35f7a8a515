/* The tree of processes: who they are, whose, and what happens to them. */
#include "guard/actor.h"

#include <stdlib.h>

#include "guard/actor_parts.h"

enum bw_err bw_actors_new(uint32_t guard, struct bw_actors **out)
{
	struct bw_actors *actors = calloc(1, sizeof(*actors)); /* touched as it fills */

	BW_NEED(actors != NULL, MEMORY);
	actors->guard = guard;
	*out = actors;
	return BW_OK;
}

void bw_actors_free(struct bw_actors *actors)
{
	free(actors);
}

void bw_actors_slept(struct bw_actors *actors, uint64_t ns)
{
	actors->slept_ns = ns;
}

static uint32_t *slot_of(struct bw_actors *actors, uint32_t pid)
{
	return &actors->by_pid[actor_slot(pid)];
}

/* ---- who is a host, who the guard's -------------------------------------------------------------- */

static uint32_t newest(struct bw_actors *actors, uint32_t pid)
{
	uint32_t n = pid == 0 ? 0 : *slot_of(actors, pid);

	while (n != 0 && (actors->nodes[n].pid != pid || actors->nodes[n].is_past))
		n = actors->nodes[n].same_slot;
	if (actors->folded_count != 0 && pid != 0 && !actors->nodes[n].alive) {
		const uint32_t recalled = actor_node_recall(actors, pid, UINT64_MAX);

		n = recalled != 0 ? recalled : n;
	}
	return n;
}

/* Who forked it; nobody, when that one is not known any more. */
static struct actor_node *forker_of(struct bw_actors *actors, const struct actor_node *node)
{
	return &actors->nodes[node->via.any ? 0 : node->parent];
}

static bool is_under_host(const struct bw_actors *actors, const struct actor_node *node)
{
	return !node->via.any && (node->parent == 0 || actors->nodes[node->parent].is_host);
}

static void settle_host(struct bw_actors *actors, struct actor_node *node)
{
	const bool is_daemon = node->uid == 0 && is_under_host(actors, node) && bw_actors_is_host_name(node->comm);

	node->is_daemon = node->is_daemon || (is_daemon && !node->is_host && node->pid > 2);
	node->is_host = node->is_host || node->pid <= 2 || is_daemon;
}

/* It and all above it started the guard: they belong to nobody. */
static void settle_guard(struct bw_actors *actors, uint32_t n)
{
	for (n = actors->nodes[n].parent; n != 0 && !actors->nodes[n].is_host; n = actors->nodes[n].parent) {
		actors->nodes[n].is_host = true;
		actors->nodes[n].is_daemon = false; /* whatever it runs later */
		actor_row_unref(actors, actors->nodes[n].actor);
		actors->nodes[n].actor = 0;
	}
}

/* The host's child begins an actor; everybody else is of his parent's. */
static void settle_actor(struct bw_actors *actors, struct actor_node *node)
{
	const struct actor_node *parent = &actors->nodes[node->parent];

	if (node->is_host || node->is_guard)
		return;
	if (node->parent != 0 && parent->actor != 0 && !node->is_smbd) {
		node->actor = parent->actor;
		actor_row_ref(actors, node->actor);
	} else {
		node->actor = actor_row_for(actors, node);
	}
}

/*
 * A host's child bears its name until it runs the program it was made for: a job of cron is no cron. Nor is what runs
 * for a user, who may call it what he likes; but the first process runs a manager for each of them, which is a host.
 */
static void leave_host(struct bw_actors *actors, struct actor_node *node)
{
	const bool is_users_manager = forker_of(actors, node)->pid == 1 && strcmp(node->comm, "systemd") == 0;

	if (!node->is_daemon || (bw_actors_is_host_name(node->comm) && (node->uid == 0 || is_users_manager)))
		return;
	node->is_daemon = node->is_host = false;
	settle_actor(actors, node);
}

/*
 * Smbd that forks smbd listens, if its own parent is no living smbd: a session forks too, for scripts, and the one that
 * went into the background has a parent that is dead.
 */
static void settle_listener(struct bw_actors *actors, struct actor_node *node)
{
	const struct actor_node *parent = forker_of(actors, node);

	if (!node->is_smbd || node->is_host || (parent->is_smbd && parent->alive))
		return;
	node->is_host = true;
	actor_row_unref(actors, node->actor);
	node->actor = 0;
}

/*
 * Born of a session it is that session's script or helper, whatever it is called. Who listens is root; a session may
 * have taken its user's number by the time it is told of, so what counts is of whom it was born. Anybody else of that
 * name would choose whom the guard ends, or keeps out.
 */
static bool is_smbd(const struct actor_node *node, const struct actor_node *parent)
{
	if (!actor_is_smbd_name(node->comm) || node->is_guard)
		return false;
	return parent->is_smbd ? parent->is_host : node->uid == 0;
}

/* ---- events ----------------------------------------------------------------------------------------- */

static void copy_facts(struct actor_node *node, const struct bw_process_event *event)
{
	node->cgroup = event->cgroup != 0 ? event->cgroup : node->cgroup;
	node->session = event->session != 0 ? event->session : node->session;
	node->group = event->group != 0 ? event->group : node->group;
	node->uid = event->uid;
	if (event->comm[0] != '\0') {
		memcpy(node->comm, event->comm, sizeof(node->comm));
		node->comm[BW_COMM_BYTES - 1] = '\0';
	}
}

static uint32_t parent_of(struct bw_actors *actors, const struct bw_process_event *event)
{
	return event->parent != event->pid ? newest(actors, event->parent) : 0;
}

/* What follows from its facts and its parent. */
static void settle(struct bw_actors *actors, uint32_t n)
{
	struct actor_node *node = &actors->nodes[n];
	struct actor_node *parent = &actors->nodes[node->parent];

	node->is_guard = node->pid == actors->guard || parent->is_guard;
	if (node->incident == 0)
		node->incident = parent->incident; /* node 0 is nobody and not condemned */
	settle_listener(actors, parent);
	node->is_smbd = is_smbd(node, parent);
	settle_host(actors, node);
	if (node->pid == actors->guard)
		settle_guard(actors, n);
	settle_actor(actors, node);
}

/* There is no room for who has this number now: he is nobody, and not whoever had it before. */
static void let_go_of_number(struct bw_actors *actors, uint32_t pid)
{
	for (uint32_t n = *slot_of(actors, pid); n != 0; n = actors->nodes[n].same_slot) {
		if (actors->nodes[n].pid == pid)
			actors->nodes[n].is_past = true;
	}
}

static uint32_t add(struct bw_actors *actors, const struct bw_process_event *event)
{
	const uint32_t parent = parent_of(actors, event);
	struct actor_node *node;
	uint32_t n;

	bw_actors_pin(actors, parent);
	n = actor_node_take(actors);
	node = &actors->nodes[n];
	if (n == 0) {
		bw_actors_unpin(actors, parent);
		let_go_of_number(actors, event->pid);
		return 0;
	}
	*node = (struct actor_node){
		.pid = event->pid, .start_ns = event->start_ns, .born_ns = event->time_ns, .used = true, .alive = true
	};
	copy_facts(node, event);
	node->forked_by = event->parent;
	actor_node_link(actors, n, parent);
	bw_actors_unpin(actors, parent);
	actor_node_number(actors, n);
	settle(actors, n);
	return n;
}

/*
 * Whether this is the process that was asked for before anybody told of it. One that began only after that bears its
 * number for the second time.
 */
static bool is_awaited(const struct bw_actors *actors, const struct actor_node *node,
		       const struct bw_process_event *event)
{
	if (!node->is_unheard || !node->alive)
		return false;
	return event->time_ns <= node->born_ns ||
	       (event->start_ns != 0 && event->start_ns <= node->born_ns + actors->slept_ns);
}

/* It stays who it is, for those that pinned it or descend from it; what was booked to it is its true actor's. */
static uint64_t adopt(struct bw_actors *actors, uint32_t n, const struct bw_process_event *event)
{
	struct actor_node *node = &actors->nodes[n];
	const uint32_t actor = node->actor;
	const uint64_t incident = node->incident;
	uint32_t parent;

	bw_actors_pin(actors, n);
	parent = parent_of(actors, event);
	bw_actors_unpin(actors, n);
	node->is_unheard = false;
	node->forked_by = event->parent;
	node->start_ns = event->start_ns != 0 ? event->start_ns : node->start_ns;
	node->born_ns = event->time_ns < node->born_ns ? event->time_ns : node->born_ns;
	copy_facts(node, event);
	if (!bw_actors_descends(actors, parent, n))
		actor_node_link(actors, n, parent);
	node->actor = 0;
	settle(actors, n);
	if (node->first_child != 0)
		settle_listener(actors, node);
	actor_row_join(actors, actor, node->actor);
	actor_row_unref(actors, actor);
	return incident == 0 ? node->incident : 0;
}

static void end(struct bw_actors *actors, uint32_t n)
{
	if (n == 0 || !actors->nodes[n].alive)
		return;
	actors->nodes[n].alive = false;
	actor_node_queue_if_over(actors, n);
}

static uint64_t become(struct bw_actors *actors, uint32_t n, const struct bw_process_event *event)
{
	struct actor_node *node = &actors->nodes[n];
	const bool was_smbd = node->is_smbd;

	copy_facts(node, event);
	if (node->start_ns == 0)
		node->start_ns = event->start_ns;
	if (event->act == BW_PROCESS_EXEC) {
		node->is_smbd = is_smbd(node, forker_of(actors, node));
		leave_host(actors, node);
	}
	settle_host(actors, node);
	if (node->is_host || (node->is_smbd && !was_smbd)) {
		actor_row_unref(actors, node->actor);
		node->actor = 0;
		settle_actor(actors, node);
	} else if (node->actor != 0 && actors->rows[node->actor].about.pid == node->pid) {
		/* who became somebody else before he ran his program (setpriv, runuser) is named as that */
		actors->rows[node->actor].about.uid = node->uid;
		memcpy(actors->rows[node->actor].about.comm, node->comm, sizeof(node->comm));
	}
	return 0;
}

uint64_t bw_actors_hear(struct bw_actors *actors, const struct bw_process_event *event)
{
	uint32_t n = newest(actors, event->pid);

	if (event->pid == 0)
		return 0;
	if (event->act != BW_PROCESS_EXIT && is_awaited(actors, &actors->nodes[n], event))
		return adopt(actors, n, event);
	switch (event->act) {
	case BW_PROCESS_EXIT:
		/* what a host's child did as a user may be told behind its end */
		if (actors->nodes[n].alive && actors->nodes[n].is_daemon && event->uid != 0)
			actors->nodes[n].uid = event->uid;
		end(actors, n);
		return 0;
	case BW_PROCESS_USER:
		if (n != 0 && actors->nodes[n].alive)
			actors->nodes[n].uid = event->uid;
		return 0;
	case BW_PROCESS_EXEC:
		if (n != 0 && actors->nodes[n].alive)
			return become(actors, n, event);
		break;
	default:
		/* told again of the same one: its group or session may have changed */
		if (n != 0 && actors->nodes[n].alive && event->start_ns != 0 &&
		    actors->nodes[n].start_ns == event->start_ns)
			return become(actors, n, event);
		break;
	}
	end(actors, n);
	n = add(actors, event);
	return n != 0 ? actors->nodes[n].incident : 0;
}

void bw_actors_stand_apart(struct bw_actors *actors, uint32_t process)
{
	struct actor_node *node = &actors->nodes[process];

	if (process == 0 || node->is_guard || node->is_host)
		return;
	node->is_host = true;
	actor_row_unref(actors, node->actor);
	node->actor = 0;
}

/* ---- questions ---------------------------------------------------------------------------------------- */

/* It does something as a user, without a program of his. */
static void work_for_user(struct bw_actors *actors, uint32_t n)
{
	if (!actors->nodes[n].is_daemon || actors->nodes[n].uid == 0)
		return;
	bw_actors_pin(actors, n);
	leave_host(actors, &actors->nodes[n]);
	bw_actors_unpin(actors, n);
}

uint32_t bw_actors_find(struct bw_actors *actors, uint32_t pid, uint64_t time_ns)
{
	const struct bw_process_event unheard = { .time_ns = time_ns, .pid = pid, .act = BW_PROCESS_FORK };
	uint32_t found = 0;

	if (pid == 0)
		return 0;
	/* the newest that was born by then; else the oldest there is */
	for (uint32_t n = *slot_of(actors, pid); n != 0; n = actors->nodes[n].same_slot) {
		if (actors->nodes[n].pid != pid || actors->nodes[n].is_past)
			continue;
		found = n;
		if (actors->nodes[n].born_ns <= time_ns)
			break;
	}
	if (actors->folded_count != 0 && !actors->nodes[found].alive) {
		const uint32_t recalled = actor_node_recall(actors, pid, found != 0 ? time_ns : UINT64_MAX);

		found = recalled != 0 ? recalled : found;
	}
	if (found != 0) {
		work_for_user(actors, found);
		return found;
	}
	found = add(actors, &unheard);
	actors->nodes[found].is_unheard = found != 0;
	return found;
}

void bw_actors_pin(struct bw_actors *actors, uint32_t process)
{
	if (process == 0)
		return;
	actor_node_leave_queue(actors, process);
	actors->nodes[process].pins++;
}

void bw_actors_unpin(struct bw_actors *actors, uint32_t process)
{
	if (process != 0 && --actors->nodes[process].pins == 0)
		actor_node_queue_if_over(actors, process);
}

void bw_actors_process(const struct bw_actors *actors, uint32_t process, struct bw_process_event *out)
{
	const struct actor_node *node = &actors->nodes[process];

	*out = (struct bw_process_event){ .time_ns = node->born_ns,
					  .start_ns = node->start_ns,
					  .cgroup = node->cgroup,
					  .pid = node->pid,
					  .parent = node->forked_by,
					  .session = node->session,
					  .group = node->group,
					  .uid = node->uid };
	memcpy(out->comm, node->comm, sizeof(out->comm));
}

uint32_t bw_actors_of(const struct bw_actors *actors, uint32_t process)
{
	return process == 0 ? 0 : actor_row_same(actors, actors->nodes[process].actor);
}

bool bw_actors_descends(const struct bw_actors *actors, uint32_t process, uint32_t ancestor)
{
	for (; process != 0; process = actors->nodes[process].parent) {
		if (process == ancestor)
			return true;
	}
	return false;
}
