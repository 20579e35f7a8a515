/* Which processes go together when they must be stopped. */
#include "guard/actor_parts.h"

static bool is_outside(const struct actor_node *node)
{
	return !node->used || node->is_host || node->is_guard;
}

/* `above` is `n` or stands above it. */
static bool is_above(const struct bw_actors *actors, uint32_t above, uint32_t n)
{
	for (size_t depth = 0; n != 0 && depth < ACTOR_DEPTH_MAX; depth++, n = actors->nodes[n].parent) {
		if (n == above)
			return true;
	}
	return false;
}

/* The next above that may be stopped; 0: a host, or nobody. */
static uint32_t parent_inside(const struct bw_actors *actors, uint32_t n)
{
	const uint32_t parent = actors->nodes[n].parent;

	return parent != 0 && !is_outside(&actors->nodes[parent]) ? parent : 0;
}

/*
 * Whether `above` is a shell that a person works in, and `below` a job of it: the shell leads the session and gives
 * each job a group of its own. What two jobs did is no reason to end the person's shell with all else that runs in
 * it. Who imitates that gains little: each job is stopped at its own deeds, and the third freezes the shell
 * (bw_actors_shell).
 */
static bool is_shell_of(const struct actor_node *above, const struct actor_node *below)
{
	return above->pid == above->session && above->pid == above->group && below->session == above->session &&
	       below->group == below->pid && !above->is_smbd;
}

/* Workers that one program forked are one: the parent would only fork others. */
static uint32_t program_of(const struct bw_actors *actors, uint32_t n)
{
	uint32_t parent = parent_inside(actors, n);

	for (size_t depth = 0; parent != 0 && depth < ACTOR_DEPTH_MAX; depth++) {
		const struct actor_node *above = &actors->nodes[parent];

		if (above->is_smbd || memcmp(above->comm, actors->nodes[n].comm, sizeof(above->comm)) != 0 ||
		    is_shell_of(above, &actors->nodes[n]))
			break;
		n = parent;
		parent = parent_inside(actors, n);
	}
	return n;
}

static uint32_t common(const struct bw_actors *actors, uint32_t a, uint32_t b)
{
	for (size_t depth = 0; a != 0 && depth < ACTOR_DEPTH_MAX; depth++, a = parent_inside(actors, a)) {
		if (is_above(actors, a, b))
			return a;
	}
	return 0;
}

/* The child of `above` from which `n` descends, or is. */
static uint32_t child_towards(const struct bw_actors *actors, uint32_t above, uint32_t n)
{
	for (size_t depth = 0; n != 0 && depth < ACTOR_DEPTH_MAX; depth++, n = actors->nodes[n].parent) {
		if (actors->nodes[n].parent == above)
			return n;
	}
	return 0;
}

/* Both are jobs of one shell, which did nothing itself. */
static bool is_only_shell(const struct bw_actors *actors, uint32_t both, uint32_t a, uint32_t b)
{
	const uint32_t x = both != a ? child_towards(actors, both, a) : 0;
	const uint32_t y = both != b ? child_towards(actors, both, b) : 0;

	return x != 0 && y != 0 && x != y && is_shell_of(&actors->nodes[both], &actors->nodes[x]) &&
	       is_shell_of(&actors->nodes[both], &actors->nodes[y]);
}

uint32_t bw_actors_shell(const struct bw_actors *actors, uint32_t root)
{
	const uint32_t parent = root == 0 ? 0 : parent_inside(actors, root);

	return parent != 0 && is_shell_of(&actors->nodes[parent], &actors->nodes[root]) ? parent : 0;
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
			const uint32_t both = common(actors, out[r], n);

			if (both != 0 && !is_only_shell(actors, both, out[r], n)) {
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

/* A process group of the families that nobody else is in. */
static uint32_t own_group(const struct bw_actors *actors, const uint32_t *roots, size_t count)
{
	const uint32_t group = count > 0 ? actors->nodes[roots[0]].group : 0;

	if (group <= 1)
		return 0;
	for (uint32_t n = 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];
		bool is_inside = false;

		if (!node->used || !node->alive || node->group != group)
			continue;
		for (size_t i = 0; i < count && !is_outside(node); i++)
			is_inside |= is_above(actors, roots[i], n);
		if (!is_inside)
			return 0;
	}
	return group;
}

size_t bw_actors_gather(const struct bw_actors *actors, const uint32_t *roots, size_t count,
			struct bw_actor_target *out, size_t max, uint32_t *out_group)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		for (uint32_t n = roots[i]; n != 0; n = walk_on(actors, roots[i], n)) {
			const struct actor_node *node = &actors->nodes[n];

			if (!node->alive || is_outside(node) || found == max)
				continue;
			out[found++] = (struct bw_actor_target){ node->pid, node->is_smbd, node->start_ns };
		}
	}
	*out_group = own_group(actors, roots, count);
	return found;
}
