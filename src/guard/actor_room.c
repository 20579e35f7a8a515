/*
 * Coming, going, and who gives way. A process that ended stays while it has evidence or descendants in two lines, then
 * for a while in a queue, because file events may come behind its end. With one line of descendants it waits
 * in the queue as well: whoever stood below it then stands below whom it stood below, and bears what may still be
 * asked of it (struct actor_via). So a line of processes that each begin the next takes no more room than those alive.
 *
 * When the living alone fill the table, those give way who hold most of it: such a process keeps whose it is, and
 * loses its place among its kin (struct actor_folded). So nobody makes others unknown by having many himself.
 */
#include "guard/actor_parts.h"

enum {
	LET_GO_MOST = 1024, /* at once: looking for them goes through the whole table */
	JOIN_AGAIN = 1024,
	HOLDERS = 1024,
	HOLDER_WAYS = 8,
	DEAD_LEAST = BW_ACTOR_DEAD_MAX / 4, /* kept for late events, however many live */
};

/* ---- the queue of the dead -------------------------------------------------------------------- */

void actor_node_leave_queue(struct bw_actors *actors, uint32_t n)
{
	struct actor_node *node = &actors->nodes[n];

	if (!node->in_queue)
		return;
	if (node->dead_before != 0)
		actors->nodes[node->dead_before].dead_next = node->dead_next;
	else
		actors->dead_first = node->dead_next;
	if (node->dead_next != 0)
		actors->nodes[node->dead_next].dead_before = node->dead_before;
	else
		actors->dead_last = node->dead_before;
	node->in_queue = false;
	actors->dead_count--;
}

/* Nobody asks more of it than its heir can bear: hosts, the guard's and sessions of Samba are asked who they are. */
static bool is_plain(const struct actor_node *node)
{
	return !node->is_host && !node->is_guard && !node->is_smbd;
}

/* At most one line hangs below it, and that may hang below its parent. */
static bool may_go(const struct bw_actors *actors, const struct actor_node *node)
{
	const struct actor_node *child = &actors->nodes[node->first_child];

	if (node->pins != 0)
		return false;
	return node->first_child == 0 || (child->next == 0 && is_plain(node) && !child->is_host && !child->is_guard);
}

/* Queued once nothing but late events can ask for it. */
void actor_node_queue_if_over(struct bw_actors *actors, uint32_t n)
{
	struct actor_node *node = &actors->nodes[n];

	if (node->alive || node->in_queue || !may_go(actors, node))
		return;
	node->dead_before = actors->dead_last;
	node->dead_next = 0;
	if (actors->dead_last != 0)
		actors->nodes[actors->dead_last].dead_next = n;
	else
		actors->dead_first = n;
	actors->dead_last = n;
	node->in_queue = true;
	actors->dead_count++;
}

/* ---- above and below ----------------------------------------------------------------------------- */

void actor_node_link(struct bw_actors *actors, uint32_t n, uint32_t parent)
{
	struct actor_node *node = &actors->nodes[n];
	struct actor_node *above = &actors->nodes[parent];

	node->parent = parent;
	node->before = 0;
	node->next = 0;
	node->via = (struct actor_via){ 0 };
	if (parent == 0)
		return;
	if (above->first_child != 0) {
		actor_node_leave_queue(actors, parent);
		actors->nodes[above->first_child].before = n;
	}
	node->next = above->first_child;
	above->first_child = n;
}

/* `heir` stands where it stood, or nobody does. */
static void replace(struct bw_actors *actors, const struct actor_node *node, uint32_t heir)
{
	if (node->parent == 0)
		return;
	if (node->before != 0)
		actors->nodes[node->before].next = heir != 0 ? heir : node->next;
	else
		actors->nodes[node->parent].first_child = heir != 0 ? heir : node->next;
	if (node->next != 0)
		actors->nodes[node->next].before = heir != 0 ? heir : node->before;
}

/* The same, through those let go between it and its heir, and from the last of them on through itself. */
static enum actor_end end_through(const struct actor_node *gone, const struct actor_via *below, bool is_shell)
{
	if (below->any && below->end != ACTOR_END_NOT_YET)
		return below->end;
	if (below->any && is_shell && below->top_leads && below->top_session == gone->session)
		return ACTOR_END_JOB;
	if (below->any && memcmp(below->comm, gone->comm, sizeof(gone->comm)) != 0)
		return ACTOR_END_OTHER;
	return actor_end_of(gone);
}

/* What stands between its heir and its parent, when it is gone. */
static struct actor_via via_of(const struct actor_node *gone, const struct actor_node *heir)
{
	const bool leads = gone->group == gone->pid;
	const bool is_shell = leads && gone->session == gone->pid;
	const struct actor_via *below = &heir->via;
	const struct actor_via *above = &gone->via;
	struct actor_via via = { .any = true, .end = end_through(gone, below, is_shell) };

	via.top_leads = above->any ? above->top_leads : leads;
	via.top_session = above->any ? above->top_session : gone->session;
	via.shell = is_shell ? gone->session : 0;
	if (below->any)
		via.shell = below->shell;
	memcpy(via.comm, below->any ? below->comm : gone->comm, sizeof(via.comm));
	return via;
}

static void hand_down(struct bw_actors *actors, const struct actor_node *gone)
{
	struct actor_node *heir = &actors->nodes[gone->first_child];

	heir->via = via_of(gone, heir);
	heir->parent = gone->parent;
	heir->before = gone->before;
	heir->next = gone->next;
}

/* ---- going ------------------------------------------------------------------------------------------ */

static void forget(struct bw_actors *actors, uint32_t n)
{
	struct actor_node *node = &actors->nodes[n];
	const uint32_t parent = node->parent;
	uint32_t *link = &actors->by_pid[actor_slot(node->pid)];

	actor_node_leave_queue(actors, n);
	while (*link != n)
		link = &actors->nodes[*link].same_slot;
	*link = node->same_slot;
	replace(actors, node, node->first_child);
	if (node->first_child != 0)
		hand_down(actors, node);
	else if (parent != 0)
		actor_node_queue_if_over(actors, parent);
	actor_row_unref(actors, node->actor);
	*node = (struct actor_node){ .next = actors->free_node };
	actors->free_node = n;
}

/* False: nobody waits. Whose child became a host meanwhile stays until that one goes. */
static bool forget_oldest(struct bw_actors *actors)
{
	const uint32_t n = actors->dead_first;

	if (n == 0)
		return false;
	if (may_go(actors, &actors->nodes[n]))
		forget(actors, n);
	else
		actor_node_leave_queue(actors, n);
	return true;
}

/* ---- folded -------------------------------------------------------------------------------------------- */

static struct actor_folded *folded_set(struct bw_actors *actors, uint32_t pid)
{
	return actors->folded[actor_slot(pid) % ACTOR_FOLDED_SETS];
}

static void unfold(struct bw_actors *actors, struct actor_folded *folded)
{
	folded->pid = 0;
	actors->folded_count--;
}

/* A node becomes a row of who it is. When there are too many of those, one becomes a stranger when it is seen again. */
static void fold(struct bw_actors *actors, uint32_t n)
{
	const struct actor_node *node = &actors->nodes[n];
	struct actor_folded *set = folded_set(actors, node->pid);
	struct actor_folded *room = NULL;

	for (size_t i = 0; i < ACTOR_FOLDED_WAYS && room == NULL; i++)
		room = set[i].pid == 0 ? &set[i] : NULL;
	if (room == NULL) {
		room = &set[actors->folded_turn++ % ACTOR_FOLDED_WAYS];
		actor_row_unref(actors, room->actor);
		unfold(actors, room);
	}
	*room = (struct actor_folded){ .start_ns = node->start_ns,
				       .born_ns = node->born_ns,
				       .incident = node->incident,
				       .cgroup = node->cgroup,
				       .pid = node->pid,
				       .forked_by = node->forked_by,
				       .session = node->session,
				       .group = node->group,
				       .uid = node->uid,
				       .actor = node->actor };
	memcpy(room->comm, node->comm, sizeof(room->comm));
	actor_row_ref(actors, room->actor);
	actors->folded_count++;
	forget(actors, n);
}

uint32_t actor_node_recall(struct bw_actors *actors, uint32_t pid, uint64_t time_ns)
{
	struct actor_folded *set = folded_set(actors, pid);
	struct actor_folded folded = { 0 };
	struct actor_node *node;
	uint32_t n;

	for (size_t i = 0; i < ACTOR_FOLDED_WAYS && folded.pid == 0; i++) {
		if (set[i].pid != pid || set[i].born_ns > time_ns)
			continue;
		folded = set[i];
		unfold(actors, &set[i]);
	}
	n = folded.pid != 0 ? actor_node_take(actors) : 0;
	if (n == 0) {
		actor_row_unref(actors, folded.actor);
		return 0;
	}
	node = &actors->nodes[n];
	*node = (struct actor_node){ .start_ns = folded.start_ns,
				     .born_ns = folded.born_ns,
				     .incident = folded.incident,
				     .cgroup = folded.cgroup,
				     .pid = pid,
				     .forked_by = folded.forked_by,
				     .session = folded.session,
				     .group = folded.group,
				     .uid = folded.uid,
				     .actor = folded.actor,
				     .used = true,
				     .alive = true,
				     .via = { .any = true, .end = ACTOR_END_OTHER } };
	memcpy(node->comm, folded.comm, sizeof(node->comm));
	actor_node_number(actors, n);
	return n;
}

/* ---- who gives way ----------------------------------------------------------------------------------------- */

struct holder {
	uint64_t key; /* 0: free */
	uint32_t count;
};

/*
 * A person, by who began what runs: other numbers that he may take (subuid) are still his. What root began counts each
 * by itself. 0: it does not give way.
 */
static uint64_t holder_of(const struct bw_actors *actors, const struct actor_node *node)
{
	const uint32_t row = actor_row_same(actors, node->actor);
	const uint32_t uid = actors->rows[row].about.uid;

	if (!node->used || !node->alive || row == 0 || !is_plain(node) || !may_go(actors, node))
		return 0;
	return uid != 0 ? UINT64_C(1) << 32 | uid : UINT64_C(2) << 32 | row;
}

static void count_one(struct holder holders[HOLDERS], uint64_t key)
{
	const size_t first = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 48) % HOLDERS;

	for (size_t i = 0; i < HOLDER_WAYS; i++) {
		struct holder *holder = &holders[(first + i) % HOLDERS];

		if (holder->key != 0 && holder->key != key)
			continue;
		holder->key = key;
		holder->count++;
		return;
	}
}

static uint64_t most_of(const struct holder holders[HOLDERS])
{
	const struct holder *most = holders;

	for (size_t i = 1; i < HOLDERS; i++)
		most = holders[i].count > most->count ? &holders[i] : most;
	return most->key;
}

static uint64_t who_holds_most(const struct bw_actors *actors)
{
	struct holder holders[HOLDERS] = { 0 };

	for (uint32_t n = 1; n <= actors->nodes_used; n++) {
		const uint64_t key = holder_of(actors, &actors->nodes[n]);

		if (key != 0)
			count_one(holders, key);
	}
	return most_of(holders);
}

/* Round the table: those that came first stand first in it. */
static void let_go(struct bw_actors *actors)
{
	const uint64_t key = who_holds_most(actors);
	size_t gone = 0;

	for (uint32_t i = 0; i < actors->nodes_used && key != 0 && gone < LET_GO_MOST; i++) {
		actors->letting = actors->letting % actors->nodes_used + 1;
		if (holder_of(actors, &actors->nodes[actors->letting]) != key)
			continue;
		fold(actors, actors->letting);
		gone++;
	}
}

static uint64_t beginner_of(const struct actor_row *row)
{
	return row->used && row->joined == 0 && row->about.kind != BW_ACTOR_SMB ? row->about.uid : 0;
}

/* What refers to an actor that was joined refers to that one, so that it may go. */
static void follow(struct bw_actors *actors, uint32_t *actor)
{
	const uint32_t same = actor_row_same(actors, *actor);

	if (same == *actor || actors->rows[*actor].about.kind == BW_ACTOR_SMB)
		return;
	actor_row_ref(actors, same);
	actor_row_unref(actors, *actor);
	*actor = same;
}

static void join_most(struct bw_actors *actors)
{
	struct holder holders[HOLDERS] = { 0 };
	uint32_t first = 0;
	uint64_t most;

	for (uint32_t row = 1; row <= actors->actors_used; row++) {
		if (beginner_of(&actors->rows[row]) != 0)
			count_one(holders, beginner_of(&actors->rows[row]));
	}
	most = most_of(holders);
	for (uint32_t row = 1; row <= actors->actors_used && most != 0; row++) {
		if (beginner_of(&actors->rows[row]) != most)
			continue;
		if (first != 0)
			actor_row_join(actors, row, first);
		else
			first = row;
	}
	for (uint32_t n = 1; n <= actors->nodes_used; n++)
		follow(actors, &actors->nodes[n].actor);
	for (size_t i = 0; i < ACTOR_FOLDED_SETS && actors->folded_count != 0; i++) {
		for (size_t way = 0; way < ACTOR_FOLDED_WAYS; way++) {
			if (actors->folded[i][way].pid != 0)
				follow(actors, &actors->folded[i][way].actor);
		}
	}
}

void actor_room_for_row(struct bw_actors *actors)
{
	while (!actor_row_is_free(actors) && forget_oldest(actors))
		;
	if (actor_row_is_free(actors))
		return;
	if (actors->joins_later > 0) {
		actors->joins_later--;
		return;
	}
	join_most(actors);
	if (!actor_row_is_free(actors))
		actors->joins_later = JOIN_AGAIN;
}

/* ---- coming ---------------------------------------------------------------------------------------------- */

static bool is_full(const struct bw_actors *actors)
{
	return actors->free_node == 0 && actors->nodes_used == BW_ACTOR_NODES_MAX;
}

uint32_t actor_node_take(struct bw_actors *actors)
{
	uint32_t n;

	while (actors->dead_count > BW_ACTOR_DEAD_MAX)
		(void)forget_oldest(actors);
	while (is_full(actors) && actors->dead_count > DEAD_LEAST)
		(void)forget_oldest(actors);
	if (is_full(actors))
		let_go(actors);
	while (is_full(actors) && forget_oldest(actors))
		;
	n = actors->free_node;
	if (n == 0)
		return actors->nodes_used < BW_ACTOR_NODES_MAX ? ++actors->nodes_used : 0;
	actors->free_node = actors->nodes[n].next;
	return n;
}

void actor_node_number(struct bw_actors *actors, uint32_t n)
{
	uint32_t *slot = &actors->by_pid[actor_slot(actors->nodes[n].pid)];

	actors->nodes[n].same_slot = *slot;
	*slot = n;
}
