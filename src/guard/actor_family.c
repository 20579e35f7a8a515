/* Which processes go together when they must be stopped. */
#include "guard/actor_parts.h"

static bool is_outside(const struct actor_node *node)
{
	return !node->used || node->is_host || node->is_guard;
}

/* The next above that may be stopped; 0: a host, or nobody. */
static uint32_t parent_inside(const struct bw_actors *actors, uint32_t n)
{
	const uint32_t parent = actors->nodes[n].parent;

	return parent != 0 && !is_outside(&actors->nodes[parent]) ? parent : 0;
}

/*
 * Whether `n` is a job of a shell that a person works in, its parent: the shell leads the session and gives
 * each job a group of its own. What two jobs did is no reason to end the person's shell with all else that runs in
 * it. Who imitates that gains little: each job is stopped at its own deeds, and the third freezes the shell
 * (bw_actors_shell).
 */
static bool is_job(const struct bw_actors *actors, uint32_t n)
{
	const struct actor_node *node = &actors->nodes[n];
	const struct actor_node *above = &actors->nodes[node->parent];

	if (above->pid != above->session || above->pid != above->group || above->is_smbd)
		return false;
	return node->via.any ? node->via.top_leads && node->via.top_session == above->session
			     : node->group == node->pid && node->session == above->session;
}

enum actor_end actor_end_of(const struct actor_node *node)
{
	const struct actor_via *via = &node->via;

	if (!via->any)
		return ACTOR_END_NOT_YET;
	if (via->shell != 0 && via->shell == node->session && node->group == node->pid)
		return ACTOR_END_JOB;
	if (memcmp(node->comm, via->comm, sizeof(node->comm)) != 0)
		return ACTOR_END_OTHER;
	return (enum actor_end)via->end;
}

/* Workers that one program forked are one: the parent would only fork others. */
static uint32_t program_of(const struct bw_actors *actors, uint32_t n)
{
	for (;;) {
		const struct actor_node *node = &actors->nodes[n];
		const uint32_t parent = parent_inside(actors, n);
		const struct actor_node *above = &actors->nodes[parent];

		if (parent == 0 || above->is_smbd || memcmp(above->comm, node->comm, sizeof(above->comm)) != 0 ||
		    is_job(actors, n) || actor_end_of(node) != ACTOR_END_NOT_YET)
			return n;
		n = parent;
	}
}

static size_t depth_of(const struct bw_actors *actors, uint32_t n)
{
	size_t depth = 0;

	for (; n != 0; n = parent_inside(actors, n))
		depth++;
	return depth;
}

/*
 * The nearest family that holds both; `*out_a` and `*out_b` are its members from which they descend, 0 for who begins
 * it. 0: none holds both.
 */
static uint32_t common(const struct bw_actors *actors, uint32_t a, uint32_t b, uint32_t *out_a, uint32_t *out_b)
{
	const size_t a_depth = depth_of(actors, a);
	const size_t b_depth = depth_of(actors, b);

	*out_a = *out_b = 0;
	for (size_t depth = a_depth; depth > b_depth; depth--) {
		*out_a = a;
		a = parent_inside(actors, a);
	}
	for (size_t depth = b_depth; depth > a_depth; depth--) {
		*out_b = b;
		b = parent_inside(actors, b);
	}
	while (a != b) {
		*out_a = a;
		*out_b = b;
		a = parent_inside(actors, a);
		b = parent_inside(actors, b);
	}
	return a;
}

/* The family in which both are stopped; 0: each in its own, as two jobs of a shell that did nothing itself are. */
static uint32_t together(const struct bw_actors *actors, uint32_t a, uint32_t b)
{
	uint32_t x;
	uint32_t y;
	const uint32_t both = common(actors, a, b, &x, &y);

	return both != 0 && x != 0 && y != 0 && is_job(actors, x) && is_job(actors, y) ? 0 : both;
}

/* Of a shell that was let go, with all its other jobs, the job itself is what is left. */
uint32_t bw_actors_shell(const struct bw_actors *actors, uint32_t root)
{
	const uint32_t n = root == 0 ? 0 : program_of(actors, root);
	const enum actor_end end = actor_end_of(&actors->nodes[n]);

	if (n == 0 || end == ACTOR_END_JOB)
		return n;
	if (end != ACTOR_END_NOT_YET || parent_inside(actors, n) == 0)
		return 0;
	return is_job(actors, n) ? actors->nodes[n].parent : 0;
}

static size_t all_sessions(const struct bw_actors *actors, uint32_t actor, uint32_t *out, size_t count, size_t max)
{
	for (uint32_t n = 1; n <= actors->nodes_used && count < max; n++) {
		const struct actor_node *node = &actors->nodes[n];
		bool is_known = false;

		if (is_outside(node) || !node->is_smbd || (!node->alive && node->first_child == 0) ||
		    actor_row_same(actors, node->actor) != actor)
			continue;
		for (size_t i = 0; i < count; i++)
			is_known |= out[i] == n;
		if (!is_known)
			out[count++] = n;
	}
	return count;
}

size_t bw_actors_roots(const struct bw_actors *actors, const uint32_t *processes, size_t count, uint32_t *out,
		       size_t max)
{
	size_t roots = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t n = processes[i];
		size_t r = 0;

		if (n == 0 || is_outside(&actors->nodes[n]))
			continue;
		if (actors->nodes[n].is_smbd) {
			roots = all_sessions(actors, bw_actors_of(actors, n), out, roots, max);
			continue;
		}
		n = program_of(actors, n);
		for (; r < roots; r++) {
			const uint32_t both = together(actors, out[r], n);

			if (both != 0) {
				out[r] = both;
				break;
			}
		}
		if (r == roots && roots < max)
			out[roots++] = n;
	}
	return roots;
}

/* The next of a family in order, parents first; 0 at its end. */
static uint32_t walk_on(const struct bw_actors *actors, uint32_t root, uint32_t n)
{
	if (actors->nodes[n].first_child != 0)
		return actors->nodes[n].first_child;
	while (n != root && actors->nodes[n].next == 0)
		n = actors->nodes[n].parent;
	return n == root ? 0 : actors->nodes[n].next;
}

void bw_actors_condemn(struct bw_actors *actors, uint32_t root, uint64_t incident)
{
	for (uint32_t n = root; n != 0; n = walk_on(actors, root, n)) {
		if (!is_outside(&actors->nodes[n]))
			actors->nodes[n].incident = incident;
	}
}

uint64_t bw_actors_condemned(const struct bw_actors *actors, uint32_t process)
{
	return process == 0 || is_outside(&actors->nodes[process]) ? 0 : actors->nodes[process].incident;
}

/* Which nodes are in the families, a bit each. */
struct inside {
	uint8_t bits[BW_ACTOR_NODES_MAX / 8 + 1];
};

static bool is_inside(const struct inside *inside, uint32_t n)
{
	return (inside->bits[n / 8] >> n % 8 & 1) != 0;
}

/* A process group of the families that nobody else is in. */
static uint32_t own_group(const struct bw_actors *actors, const struct inside *inside, uint32_t group)
{
	if (group <= 1)
		return 0;
	for (uint32_t n = 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];

		if (node->used && node->alive && node->group == group && (is_outside(node) || !is_inside(inside, n)))
			return 0;
	}
	return group;
}

size_t bw_actors_gather(const struct bw_actors *actors, const uint32_t *roots, size_t count,
			struct bw_actor_target *out, size_t max, uint32_t *out_group)
{
	struct inside inside = { 0 };
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = roots[i]; n != 0; n = walk_on(actors, roots[i], n)) {
			const struct actor_node *node = &actors->nodes[n];

			if (is_inside(&inside, n))
				continue; /* of a family within another */
			inside.bits[n / 8] |= (uint8_t)(1u << n % 8);
			if (node->alive && !is_outside(node) && found < max)
				out[found++] = (struct bw_actor_target){ node->pid, node->is_smbd, node->start_ns };
		}
	}
	*out_group = own_group(actors, &inside, count > 0 ? actors->nodes[roots[0]].group : 0);
	return found;
}
