/* The book: proofs by their actors and places, who vouches for what, and what all of it amounts to. */
#include <stdlib.h>

#include "guard/score_parts.h"

#define WARNED_AGAIN_NS UINT64_C(60000000000)

void score_drop(struct bw_score *score, struct score_entry *entry)
{
	bw_actors_unpin(score->actors, entry->process);
	bw_actors_let(score->actors, entry->owner);
	entry->used = false;
	score->count--;
	while (score->top > 0 && !score->entries[score->top - 1].used)
		score->top--;
}

enum bw_err bw_score_jobs(struct bw_score *score, struct bw_job *const *jobs, size_t count)
{
	BW_NEED(count <= BW_SCORE_JOBS_MAX, TOO_MANY);
	if (count > 0)
		memcpy(score->jobs, jobs, count * sizeof(struct bw_job *));
	score->job_count = count;
	return BW_OK;
}

size_t bw_score_count(const struct bw_score *score)
{
	return score->count;
}

/* ---- the book ---------------------------------------------------------------------------------------- */

static uint32_t owner_of(const struct bw_score *score, const struct score_entry *entry)
{
	return bw_actors_same(score->actors, entry->owner);
}

/* Lighter ones give way, and among equals older ones: a flood of trifles pushes no proof out. */
static bool gives_way(const struct score_entry *a, const struct score_entry *b)
{
	if (a->weight.gravity != b->weight.gravity)
		return a->weight.gravity < b->weight.gravity;
	if (a->weight.points != b->weight.points)
		return a->weight.points < b->weight.points;
	return a->proof.time_ns < b->proof.time_ns;
}

static struct score_entry *room_for(struct bw_score *score, uint32_t actor)
{
	struct score_entry *free_one = NULL;
	struct score_entry *mine = NULL;
	struct score_entry *any = NULL;
	size_t count = 0;

	for (size_t i = 0; i < score->top; i++) {
		struct score_entry *entry = &score->entries[i];

		if (!entry->used) {
			free_one = free_one == NULL ? entry : free_one;
			continue;
		}
		any = any == NULL || gives_way(entry, any) ? entry : any;
		if (owner_of(score, entry) != actor)
			continue;
		count++;
		mine = mine == NULL || gives_way(entry, mine) ? entry : mine;
	}
	if (count >= BW_SCORE_ACTOR_MAX) {
		score_drop(score, mine);
		free_one = mine;
	}
	if (free_one != NULL)
		return free_one;
	if (score->top < BW_SCORE_PROOFS_MAX)
		return &score->entries[score->top++];
	score_drop(score, any);
	return any;
}

struct score_entry *score_entry_of(struct bw_score *score, uint32_t actor, const struct bw_file_key *file)
{
	for (size_t i = 0; i < score->top; i++) {
		struct score_entry *entry = &score->entries[i];

		if (entry->used && bw_file_key_equals(&entry->proof.file, file) && owner_of(score, entry) == actor)
			return entry;
	}
	return NULL;
}

bool score_has(const void *context, uint32_t actor)
{
	const struct bw_score *score = context;

	for (size_t i = 0; i < score->top; i++) {
		if (score->entries[i].used && owner_of(score, &score->entries[i]) == actor)
			return true;
	}
	return false;
}

/* The signed job whose work this is; NULL: nobody signed it. */
static struct bw_job *job_of(const struct bw_score *score, const struct bw_proof *proof, uint32_t process)
{
	for (size_t i = 0; i < score->job_count; i++) {
		struct bw_job *job = score->jobs[i];

		if (job->uid == proof->uid && proof->wall_us <= job->until_us && job->volume == proof->folder.volume &&
		    job->folder_count > 0 && bw_actors_descends(score->actors, process, job->root) &&
		    bsearch(&proof->folder, job->folders, job->folder_count, sizeof(*job->folders),
			    bw_file_key_compare) != NULL)
			return job;
	}
	return NULL;
}

void bw_score_passes(struct bw_score *score, const struct bw_pass *passes, size_t count)
{
	score->passes = passes;
	score->pass_count = count;
}

/* A person let it work on. */
static bool is_approved(const struct bw_score *score, const struct bw_proof *proof, uint32_t process,
			const struct bw_process_event *who)
{
	struct bw_actor about;

	if (score->pass_count == 0 || process == 0)
		return false;
	bw_actors_about(score->actors, bw_actors_of(score->actors, process), &about);
	for (size_t i = 0; i < score->pass_count; i++) {
		const struct bw_pass *pass = &score->passes[i];
		bool is_held = false;

		if (pass->approval.until_us == 0)
			continue;
		for (size_t n = 0; n < pass->root_count && !is_held; n++)
			is_held = bw_actors_descends(score->actors, process, pass->roots[n]);
		if ((is_held && proof->wall_us < pass->approval.until_us) ||
		    bw_approval_covers(&pass->approval, &about, who, proof->wall_us))
			return true;
	}
	return false;
}

/* Books a proof. NULL: it weighs nothing. */
static struct score_entry *book(struct bw_score *score, struct bw_proof *proof, uint32_t process)
{
	const uint32_t actor = bw_actors_of(score->actors, process);
	struct score_entry *entry = score_entry_of(score, actor, &proof->file);
	struct bw_process_event who = { 0 };
	struct bw_finding finding;
	struct bw_weight weight;
	struct bw_job *job;

	if (process != 0)
		bw_actors_process(score->actors, process, &who);
	proof->pid = who.pid;
	proof->start_ns = who.start_ns;
	proof->uid = who.uid;
	proof->actor = actor;
	memcpy(proof->comm, who.comm, sizeof(proof->comm));
	if (bw_comm_is_gentle(proof->comm))
		proof->flags |= BW_PROOF_GENTLE;
	job = process != 0 ? job_of(score, proof, process) : NULL;
	if (job != NULL || is_approved(score, proof, process, &who))
		proof->flags |= BW_PROOF_SIGNED;
	bw_proof_weigh(&bw_rules_default, proof, &weight, &finding);
	if (weight.points == 0 && (proof->flags & BW_PROOF_SIGNED) == 0)
		return NULL;
	if (entry != NULL && weight.points < entry->weight.points)
		return NULL; /* what was worse before stays */
	if (job != NULL && (entry == NULL || (entry->proof.flags & BW_PROOF_SIGNED) == 0))
		job->passed++;
	if (entry != NULL)
		score_drop(score, entry);
	else
		entry = room_for(score, actor);
	bw_actors_pin(score->actors, process);
	bw_actors_hold(score->actors, actor);
	*entry = (struct score_entry){
		.proof = *proof, .weight = weight, .process = process, .owner = actor, .used = true
	};
	score->count++;
	if (score->top <= (size_t)(entry - score->entries))
		score->top = (size_t)(entry - score->entries) + 1;
	return entry;
}

/* ---- what it amounts to ---------------------------------------------------------------------------------- */

struct selection {
	size_t count;
	struct score_entry *entries[BW_SCORE_ACTOR_MAX];
};

static void select_one(struct selection *s, struct score_entry *entry)
{
	size_t least = 0;

	if (s->count < BW_SCORE_ACTOR_MAX) {
		s->entries[s->count++] = entry;
		return;
	}
	for (size_t i = 1; i < s->count; i++) {
		if (gives_way(s->entries[i], s->entries[least]))
			least = i;
	}
	if (gives_way(s->entries[least], entry))
		s->entries[least] = entry;
}

static bool is_in(const struct bw_score *score, const struct score_entry *entry, enum bw_scope scope, uint32_t actor,
		  const struct bw_proof *about)
{
	if (!entry->used)
		return false;
	switch (scope) {
	case BW_SCOPE_ACTOR:
		return owner_of(score, entry) == actor;
	case BW_SCOPE_KERNEL:
		return entry->owner == 0 && entry->process == 0 && entry->proof.file.volume == about->file.volume;
	case BW_SCOPE_FOLDER:
		return bw_file_key_equals(&entry->proof.folder, &about->folder);
	default:
		return entry->proof.file.volume == about->file.volume && entry->proof.file.tree == about->file.tree;
	}
}

static uint64_t place_of(enum bw_scope scope, const struct bw_proof *about)
{
	if (scope == BW_SCOPE_FOLDER)
		return about->folder.ino * UINT64_C(0x9e3779b97f4a7c15) ^ about->folder.tree ^
		       (uint64_t)about->folder.volume << 56;
	return about->file.tree << 8 | about->file.volume;
}

static void judge_scope(struct bw_score *score, enum bw_scope scope, uint32_t actor, const struct bw_proof *about,
			struct bw_outcome *out)
{
	struct bw_weight weights[BW_SCORE_ACTOR_MAX];
	struct selection s = { 0 };

	for (size_t i = 0; i < score->top; i++) {
		if (is_in(score, &score->entries[i], scope, actor, about))
			select_one(&s, &score->entries[i]);
	}
	out->scope = scope;
	out->actor = actor;
	out->place = scope == BW_SCOPE_ACTOR ? 0 : place_of(scope, about);
	out->count = s.count;
	for (size_t i = 0; i < s.count; i++) {
		s.entries[i]->proof.actor = owner_of(score, s.entries[i]); /* it may have been joined since */
		out->proofs[i] = &s.entries[i]->proof;
		out->processes[i] = s.entries[i]->process;
		weights[i] = s.entries[i]->weight;
	}
	bw_rules_judge(&bw_rules_default, scope, out->now_ns, out->proofs, weights, s.count, &out->verdict);
}

static void judge(struct bw_score *score, struct score_entry *entry, uint64_t now_ns, struct bw_outcome *out)
{
	static const enum bw_scope wider[] = { BW_SCOPE_FOLDER, BW_SCOPE_VOLUME };
	const uint32_t actor = owner_of(score, entry);
	struct bw_outcome other;

	*out = (struct bw_outcome){ .now_ns = now_ns, .newest = &entry->proof, .newest_process = entry->process };
	judge_scope(score, actor != 0 ? BW_SCOPE_ACTOR : BW_SCOPE_KERNEL, actor, &entry->proof, out);
	for (size_t i = 0; i < BW_COUNT(wider) && out->verdict.gravity < BW_GRAVITY_DESTROYED; i++) {
		other = *out;
		judge_scope(score, wider[i], actor, &entry->proof, &other);
		if (other.verdict.gravity > out->verdict.gravity)
			*out = other;
	}
}

bool score_book(struct bw_score *score, struct bw_proof *proof, uint32_t process, uint64_t now_ns,
		struct bw_outcome *out)
{
	struct score_entry *entry = book(score, proof, process);

	if (entry == NULL)
		return false;
	judge(score, entry, now_ns, out);
	return true;
}

bool bw_score_warned(struct bw_score *score, const struct bw_score_warning *warning, struct bw_outcome *out)
{
	struct bw_proof proof = { .time_ns = warning->now_ns,
				  .wall_us = warning->wall_us,
				  .folder = warning->folder,
				  .kind = BW_PROOF_WARNED,
				  .name_len = (uint8_t)(warning->name.len < sizeof(proof.name) ? warning->name.len
											       : sizeof(proof.name)) };
	const uint32_t actor = bw_actors_of(score->actors, warning->process);
	const struct score_entry *entry;

	/* the key of no file: what was met, not where */
	proof.file = (struct bw_file_key){
		.ino = warning->value, .tree = UINT64_MAX, .gen = UINT32_MAX, .volume = warning->volume
	};
	memcpy(proof.name, warning->name.ptr, proof.name_len);
	if (actor == 0)
		return false; /* a host's, or the guard's own */
	entry = score_entry_of(score, actor, &proof.file);
	if (entry != NULL && warning->now_ns - entry->proof.time_ns < WARNED_AGAIN_NS)
		return false;
	return score_book(score, &proof, warning->process, warning->now_ns, out);
}

bool bw_score_actor(struct bw_score *score, uint32_t actor, uint64_t now_ns, struct bw_outcome *out)
{
	struct score_entry *last = NULL;

	for (size_t i = 0; i < score->top; i++) {
		struct score_entry *entry = &score->entries[i];

		if (entry->used && owner_of(score, entry) == actor &&
		    (last == NULL || entry->proof.time_ns > last->proof.time_ns))
			last = entry;
	}
	if (last == NULL || actor == 0)
		return false;
	judge(score, last, now_ns, out);
	out->newest = NULL;
	return true;
}

void bw_score_forgive(struct bw_score *score, uint32_t actor)
{
	for (size_t i = 0; i < score->top; i++) {
		if (score->entries[i].used && owner_of(score, &score->entries[i]) == actor)
			score_drop(score, &score->entries[i]);
	}
}
