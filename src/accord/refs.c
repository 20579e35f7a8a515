#include "accord/refs.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/hash.h"

enum { ID_MAX = 320 };

/* The nodes by id, and for each the nodes that name it. */
struct map {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	const struct bw_ref_node *nodes;
	uint32_t *slots; /* node + 1; 0: free */
	size_t slot_count;
	uint32_t *named_from; /* where a node's callers begin in `callers`; one more than nodes */
	uint32_t *callers;
	uint32_t *work; /* nodes to look at again */
	bool *waits;    /* is it in `work`? */
};

static void map_release(struct map *map)
{
	free(map->slots);
	free(map->named_from);
	free(map->callers);
	free(map->work);
	free(map->waits);
}

/* Hexadecimal digits compare without case. */
static uint64_t hash_of(const struct map *map, struct bw_slice id)
{
	uint8_t folded[ID_MAX];
	const size_t len = id.len < ID_MAX ? id.len : ID_MAX;

	for (size_t i = 0; i < len; i++)
		folded[i] = bw_to_lower(id.ptr[i]);
	return bw_siphash(map->key, bw_slice_of(folded, len));
}

static bool same_id(struct bw_slice a, struct bw_slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (bw_to_lower(a.ptr[i]) != bw_to_lower(b.ptr[i]))
			return false;
	return true;
}

static size_t slot_of(const struct map *map, struct bw_slice id)
{
	size_t at = (size_t)hash_of(map, id) & (map->slot_count - 1);

	while (map->slots[at] != 0 && !same_id(map->nodes[map->slots[at] - 1].id, id))
		at = (at + 1) & (map->slot_count - 1);
	return at;
}

/* UINT32_MAX: none of them. */
static uint32_t node_of(const struct map *map, struct bw_slice id)
{
	return map->slots[slot_of(map, id)] - 1;
}

static enum bw_err map_ids(struct map *map, const struct bw_ref_node *nodes, size_t count)
{
	BW_NEED(count < UINT32_MAX / 4, TOO_MANY);
	map->nodes = nodes;
	map->slot_count = 16;
	while (map->slot_count < count * 2)
		map->slot_count *= 2;
	bw_random(map->key, sizeof(map->key));
	map->slots = calloc(map->slot_count, sizeof(uint32_t));
	BW_NEED(map->slots != NULL, MEMORY);
	for (size_t i = 0; i < count; i++) {
		uint32_t *slot = &map->slots[slot_of(map, nodes[i].id)];

		if (*slot == 0)
			*slot = (uint32_t)i + 1;
	}
	return BW_OK;
}

/* Who names whom, turned round: counted first, then placed. */
static enum bw_err map_callers(struct map *map, size_t count)
{
	size_t total = 0;

	map->named_from = calloc(count + 2, sizeof(uint32_t));
	map->work = calloc(count + 1, sizeof(uint32_t));
	map->waits = calloc(count + 1, sizeof(bool));
	BW_NEED(map->named_from != NULL && map->work != NULL && map->waits != NULL, MEMORY);
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < map->nodes[i].refs.count; r++) {
			const uint32_t to = node_of(map, map->nodes[i].refs.of[r].id);

			if (to != UINT32_MAX) {
				map->named_from[to + 2]++;
				total++;
			}
		}
	BW_NEED(total < UINT32_MAX, TOO_MANY);
	map->callers = calloc(total + 1, sizeof(uint32_t));
	BW_NEED(map->callers != NULL, MEMORY);
	for (size_t i = 2; i < count + 2; i++)
		map->named_from[i] += map->named_from[i - 1];
	for (size_t i = 0; i < count; i++)
		for (size_t r = 0; r < map->nodes[i].refs.count; r++) {
			const uint32_t to = node_of(map, map->nodes[i].refs.of[r].id);

			if (to != UINT32_MAX)
				map->callers[map->named_from[to + 1]++] = (uint32_t)i;
		}
	return BW_OK;
}

/* ---- what is a secret -------------------------------------------------------------------------------- */

/* The accord does not cover it, or they have it already: that it exists is nothing to hide. */
static bool is_beside(enum bw_clause clause)
{
	return clause <= BW_CLAUSE_SECTOR || clause == BW_CLAUSE_CONFIDENCE;
}

bool bw_refs_is_secret(const struct bw_decision *decision, uint8_t type)
{
	switch ((enum bw_verdict)decision->verdict) {
	case BW_VERDICT_SENT:
		return false;
	case BW_VERDICT_DERIVED:
	case BW_VERDICT_HELD:
		return true;
	default:
		break;
	}
	if (decision->clause == BW_CLAUSE_RETURNS)
		return false; /* they sent it to us */
	if (decision->clause == BW_CLAUSE_COPY)
		return false; /* what became of its creator's says whether it is one */
	return bw_stix_type_group((enum bw_stix_type)type) == BW_STIX_SCO ||
	       !is_beside((enum bw_clause)decision->clause);
}

static bool is_secret(const struct map *map, struct bw_slice id, const struct bw_refs_elsewhere *elsewhere)
{
	const uint32_t node = node_of(map, id);

	if (node != UINT32_MAX)
		return bw_refs_is_secret(&map->nodes[node].decision, map->nodes[node].type);
	return elsewhere != NULL && elsewhere->is_secret != NULL && elsewhere->is_secret(elsewhere->with, id);
}

/* A secret that another id may stand for: of what went, or goes, as a derived object. */
static bool is_swapped(const struct map *map, const struct bw_ref *ref, const struct bw_refs_elsewhere *elsewhere,
		       struct bw_ref_swap *out)
{
	const uint32_t node = node_of(map, ref->id);

	*out = (struct bw_ref_swap){ .from = ref->id, .node = node, .to = bw_slice_empty };
	if (!ref->is_whole)
		return false;
	if (node != UINT32_MAX)
		return map->nodes[node].decision.verdict == BW_VERDICT_DERIVED;
	return elsewhere != NULL && elsewhere->became != NULL && elsewhere->became(elsewhere->with, ref->id, &out->to);
}

/* ---- settling ------------------------------------------------------------------------------------------ */

struct verdict {
	bool drops; /* a secret that can go, or is written anew */
	bool stays; /* one that cannot */
};

static struct verdict look_at(const struct map *map, const struct bw_ref_node *node,
			      const struct bw_refs_elsewhere *elsewhere)
{
	struct verdict v = { false, false };
	size_t r = 0;

	while (r < node->refs.count && !v.stays) {
		const struct bw_ref *first = &node->refs.of[r];
		bool any_kept = false;
		bool any_gone = false;

		/* a list's references stand one after the other */
		for (; r < node->refs.count && node->refs.of[r].group == first->group; r++) {
			const struct bw_ref *ref = &node->refs.of[r];
			const bool secret = is_secret(map, ref->id, elsewhere);
			struct bw_ref_swap swap;
			const bool gone = secret && !is_swapped(map, ref, elsewhere, &swap);

			v.drops = v.drops || secret;
			v.stays = v.stays || (gone && ref->use == BW_REF_ESSENTIAL);
			any_gone = any_gone || gone;
			any_kept = any_kept || !gone;
		}
		v.stays = v.stays || (any_gone && !any_kept && first->use == BW_REF_LISTED);
	}
	return v;
}

/* True when it became more restrictive. */
static bool settle_one(struct bw_ref_node *node, struct verdict v)
{
	struct bw_decision *d = &node->decision;
	const enum bw_stix_group group = bw_stix_type_group((enum bw_stix_type)node->type);
	/* observables are what they say (STIX 2.1 §2.9); what all refer to would define nothing under another id */
	const bool derives = node->may_derive && (d->duties & BW_DUTY_ATTRIBUTE) == 0 && group != BW_STIX_SCO &&
			     group != BW_STIX_META;

	if (!v.drops || d->verdict > BW_VERDICT_DERIVED)
		return false;
	d->source = BW_SOURCE_CONTENT;
	if (v.stays || !derives) {
		d->verdict = BW_VERDICT_WITHHELD;
		d->clause = BW_CLAUSE_REFERENCE;
		d->takes = 0;
		return true;
	}
	if ((d->takes & BW_TAKES_REFERENCES) != 0)
		return false;
	d->takes |= BW_TAKES_REFERENCES;
	if (d->verdict == BW_VERDICT_DERIVED)
		return false; /* its old id was a secret already */
	d->verdict = BW_VERDICT_DERIVED;
	d->clause = BW_CLAUSE_REFERENCE;
	return true;
}

static void call_again(struct map *map, uint32_t node, size_t *left)
{
	for (uint32_t i = map->named_from[node]; i < map->named_from[node + 1]; i++) {
		const uint32_t caller = map->callers[i];

		if (!map->waits[caller]) {
			map->waits[caller] = true;
			map->work[(*left)++] = caller;
		}
	}
}

static enum bw_err settle(struct map *map, struct bw_ref_node *nodes, size_t count,
			  const struct bw_refs_elsewhere *elsewhere)
{
	size_t left = 0;

	BW_TRY(map_ids(map, nodes, count));
	BW_TRY(map_callers(map, count));
	for (; left < count; left++) {
		map->work[left] = (uint32_t)left;
		map->waits[left] = true;
	}
	while (left > 0) { /* each node changes at most twice, so this ends */
		const uint32_t node = map->work[--left];

		map->waits[node] = false;
		if (settle_one(&nodes[node], look_at(map, &nodes[node], elsewhere)))
			call_again(map, node, &left);
	}
	return BW_OK;
}

enum bw_err bw_refs_settle(struct bw_ref_node *nodes, size_t count, const struct bw_refs_elsewhere *elsewhere)
{
	struct map map = { .nodes = nodes };
	const enum bw_err err = settle(&map, nodes, count, elsewhere);

	map_release(&map);
	return err;
}

static enum bw_err list_secrets(const struct map *map, const struct bw_ref_list *refs,
				const struct bw_refs_elsewhere *elsewhere, struct bw_arena *arena,
				struct bw_ref_drops *out)
{
	out->of = bw_arena_zero(arena, refs->count + 1, sizeof(*out->of));
	out->swaps = bw_arena_zero(arena, refs->count + 1, sizeof(*out->swaps));
	BW_NEED(out->of != NULL && out->swaps != NULL, MEMORY);
	for (size_t r = 0; r < refs->count; r++) {
		struct bw_ref_swap swap;

		if (!is_secret(map, refs->of[r].id, elsewhere))
			continue;
		if (is_swapped(map, &refs->of[r], elsewhere, &swap))
			out->swaps[out->swap_count++] = swap;
		else
			out->of[out->count++] = refs->of[r].id;
	}
	return BW_OK;
}

static bool goes_without(const struct bw_ref_node *node)
{
	return node->decision.verdict == BW_VERDICT_DERIVED && (node->decision.takes & BW_TAKES_REFERENCES) != 0;
}

enum bw_err bw_refs_drops(const struct bw_ref_node *nodes, size_t count, const struct bw_refs_elsewhere *elsewhere,
			  struct bw_arena *arena, struct bw_ref_drops *out)
{
	struct map map = { .nodes = nodes };
	enum bw_err err = map_ids(&map, nodes, count);

	for (size_t i = 0; err == BW_OK && i < count; i++) {
		out[i] = (struct bw_ref_drops){ .of = NULL };
		if (goes_without(&nodes[i]))
			err = list_secrets(&map, &nodes[i].refs, elsewhere, arena, &out[i]);
	}
	map_release(&map);
	return err;
}
