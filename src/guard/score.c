#include "guard/score.h"

#include <stdlib.h>

#include "guard/score_parts.h"

enum bw_err bw_score_new(struct bw_actors *actors, bw_score_look *look, void *context, struct bw_score **out)
{
	struct bw_score *score = calloc(1, sizeof(*score));

	BW_NEED(score != NULL, MEMORY);
	score->actors = actors;
	score->look = look;
	score->context = context;
	*out = score;
	return BW_OK;
}

static void drop(struct bw_score *score, struct score_entry *entry)
{
	bw_actors_unpin(score->actors, entry->process);
	bw_actors_let(score->actors, entry->owner);
	entry->used = false;
	score->count--;
	while (score->top > 0 && !score->entries[score->top - 1].used)
		score->top--;
}

void bw_score_free(struct bw_score *score)
{
	if (score == NULL)
		return;
	for (size_t i = 0; i < BW_SCORE_TRAILS_MAX; i++)
		free(score->trails[i]);
	free(score);
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
		drop(score, mine);
		free_one = mine;
	}
	if (free_one != NULL)
		return free_one;
	if (score->top < BW_SCORE_PROOFS_MAX)
		return &score->entries[score->top++];
	drop(score, any);
	return any;
}

static struct score_entry *entry_of(struct bw_score *score, uint32_t actor, const struct bw_file_key *file)
{
	for (size_t i = 0; i < score->top; i++) {
		struct score_entry *entry = &score->entries[i];

		if (entry->used && bw_file_key_equals(&entry->proof.file, file) && owner_of(score, entry) == actor)
			return entry;
	}
	return NULL;
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
	struct score_entry *entry = entry_of(score, actor, &proof->file);
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
		drop(score, entry);
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
			drop(score, &score->entries[i]);
	}
}

/* ---- events ------------------------------------------------------------------------------------------------- */

struct act {
	struct bw_score *score;
	const struct bw_event_view *view;
	uint32_t process;
	struct score_trail *trail; /* NULL: nobody can be named, or no memory */
	struct score_trail_eye eye;
	struct bw_outcome *out;
};

static struct bw_proof proof_of(const struct bw_event *event, enum bw_proof_kind kind, const struct bw_index_file *old,
				struct bw_slice name)
{
	struct bw_proof proof = { .time_ns = event->time_ns,
				  .wall_us = event->wall_us,
				  .file = old->key,
				  .folder = event->folder,
				  .version = old->version,
				  .kind = (uint8_t)kind,
				  .old = old->content };

	proof.flags = (old->flags & BW_INDEX_CANARY) != 0 ? BW_PROOF_CANARY : 0;
	proof.name_len = (uint8_t)name.len;
	memcpy(proof.name, name.ptr, name.len);
	return proof;
}

static bool finish(struct act *a, struct bw_proof *proof, uint32_t process)
{
	return score_book(a->score, proof, process, a->eye.now_ns, a->out);
}

static struct bw_proof proof_of_match(const struct score_match *match)
{
	const struct score_gone *gone = match->gone;
	struct bw_proof proof = { .time_ns = gone->time_ns > match->made->time_ns ? gone->time_ns
										  : match->made->time_ns,
				  .wall_us = gone->wall_us,
				  .file = gone->file,
				  .folder = gone->folder,
				  .made = match->made->file,
				  .version = gone->version,
				  .kind = (uint8_t)match->kind,
				  .flags = gone->flags,
				  .old = gone->content,
				  .new = match->made->content,
				  .name_len = gone->name_len };

	memcpy(proof.name, gone->name, gone->name_len);
	return proof;
}

static bool book_match(struct act *a, const struct score_match *match)
{
	struct bw_proof proof = proof_of_match(match);

	return finish(a, &proof, match->gone->process);
}

/* A file the index knows was written. The first good content counts, whatever the index took since. */
static bool on_written(struct act *a)
{
	const struct bw_event *event = &a->view->event;
	const uint32_t actor = bw_actors_of(a->score->actors, a->process);
	struct bw_proof proof = proof_of(event, BW_PROOF_CHANGED, &event->known, a->view->name);
	struct score_entry *entry = entry_of(a->score, actor, &event->file);
	struct bw_finding finding;
	struct bw_weight weight;

	if (a->view->sample.count == 0 && (event->size != 0 || (event->mtime_s == 0 && event->mtime_ns == 0)))
		return false; /* nothing was read: it may be gone by now */
	bw_content_of(&a->view->sample, &proof.new);
	if (entry != NULL && entry->proof.kind == BW_PROOF_CHANGED) {
		proof.old = entry->proof.old;
		proof.version = entry->proof.version;
		proof.flags |= entry->proof.flags & BW_PROOF_CANARY;
	} else {
		entry = NULL;
	}
	if (event->act == BW_ACT_CHANGED && (entry == NULL || (entry->proof.flags & BW_PROOF_OPEN) != 0))
		proof.flags |= BW_PROOF_OPEN;
	proof.file = event->file;
	bw_proof_weigh(&bw_rules_default, &proof, &weight, &finding);
	/* what looked bad half-way and is good at its end was a write like others */
	if (entry != NULL && (entry->proof.flags & BW_PROOF_OPEN) != 0 && (proof.flags & BW_PROOF_OPEN) == 0)
		drop(a->score, entry);
	a->score->left_good = finding.strength == BW_STRENGTH_NONE && !finding.blind &&
			      proof.new.grade != BW_GRADE_NONE &&proof.new.state == BW_STATE_GOOD &&proof.new.flags ==
				      0;
	score_doubt(a->score, &proof, &finding, &event->file, a->process);
	return weight.points > 0 && finish(a, &proof, a->process);
}

bool bw_score_left_good(const struct bw_score *score)
{
	return score->left_good;
}

static bool on_made(struct act *a)
{
	const struct bw_event *event = &a->view->event;
	struct score_made *made;
	struct score_match match;

	if (a->trail == NULL)
		return false;
	made = score_trail_find(a->trail, &event->file);
	if (made == NULL) {
		const struct score_made fresh = { .file = event->file };

		made = score_trail_made(a->trail, &fresh);
	}
	made->time_ns = event->time_ns;
	made->folder = event->folder;
	made->names = score_name_of(a->view->name);
	made->process = a->process;
	made->turn = a->trail->turn;
	if (a->view->sample.count > 0)
		bw_content_of(&a->view->sample, &made->content);
	score_trail_wait(a->trail, made);
	return score_trail_match_made(a->trail, &a->eye, made, &match) && book_match(a, &match);
}

static struct score_gone gone_of(const struct act *a, const struct bw_index_file *old, const struct bw_file_key *folder,
				 struct bw_slice name)
{
	struct score_gone gone = { .time_ns = a->view->event.time_ns,
				   .wall_us = a->view->event.wall_us,
				   .file = old->key,
				   .folder = *folder,
				   .content = old->content,
				   .names = score_name_of(name),
				   .version = old->version,
				   .process = a->process,
				   .turn = a->trail->turn };

	gone.flags = (old->flags & BW_INDEX_CANARY) != 0 ? BW_PROOF_CANARY : 0;
	gone.name_len = (uint8_t)name.len;
	memcpy(gone.name, name.ptr, name.len);
	return gone;
}

/* Whoever clears a folder takes the bait with it; whoever takes only the bait knows what it is. */
static bool is_clearing(const struct score_trail *trail, const struct bw_event *event)
{
	for (size_t i = 0; i < BW_SCORE_GONE_MAX; i++) {
		const struct score_gone *gone = &trail->gone[i];

		if (gone->time_ns != 0 && bw_file_key_equals(&gone->folder, &event->folder) &&
		    (gone->flags & BW_PROOF_CANARY) == 0)
			return true;
	}
	return false;
}

static bool on_removed(struct act *a)
{
	const struct bw_event *event = &a->view->event;
	struct score_made *temporary;
	struct score_gone gone;
	struct score_gone *kept;
	struct score_match match;

	if (a->trail == NULL)
		return false;
	temporary = score_trail_find(a->trail, &event->file);
	if (temporary != NULL)
		temporary->time_ns = 0;
	if (event->was_known == 0)
		return false;
	if ((event->known.flags & BW_INDEX_CANARY) != 0 && !is_clearing(a->trail, event)) {
		struct bw_proof proof = proof_of(event, BW_PROOF_BAIT_GONE, &event->known, a->view->name);

		return finish(a, &proof, a->process);
	}
	gone = gone_of(a, &event->known, &event->folder, a->view->name);
	kept = score_trail_gone(a->score->actors, a->trail, &gone);
	return (score_trail_match_gone(a->trail, &a->eye, kept, &match) ||
		score_trail_swallow(a->trail, &a->eye, kept, &match)) &&
	       book_match(a, &match);
}

/* What took the place of a known file shows nothing against it at the first look. */
static void doubt_replaced(struct act *a, const struct score_gone *gone, const struct score_made *made)
{
	const struct score_match match = { gone, made, BW_PROOF_REPLACED };
	struct bw_proof proof = proof_of_match(&match);
	struct bw_finding finding;
	struct bw_weight weight;

	if (bw_content_size(&made->content) == 0)
		return;
	bw_proof_weigh(&bw_rules_default, &proof, &weight, &finding);
	score_doubt(a->score, &proof, &finding, &made->file, a->process);
}

/* A new name for a new file; and perhaps the end of the file that bore it. */
static bool on_moved(struct act *a)
{
	const struct bw_event *event = &a->view->event;
	struct score_made *made = a->trail != NULL ? score_trail_find(a->trail, &event->file) : NULL;
	struct score_gone gone;
	struct score_match match;

	if (a->trail == NULL)
		return false;
	if (made == NULL && event->has_replaced != 0) {
		const struct score_made fresh = { .file = event->file, .process = a->process };

		made = score_trail_made(a->trail, &fresh);
		if (event->was_known != 0 && event->known.content.windows > 0)
			made->content = event->known.content;
	}
	if (made == NULL)
		return false;
	made->time_ns = event->time_ns;
	made->folder = event->folder_to;
	made->names = score_name_of(a->view->name_to);
	made->turn = a->trail->turn;
	if (a->view->sample.count > 0)
		bw_content_of(&a->view->sample, &made->content);
	score_trail_wait(a->trail, made);
	if (event->has_replaced == 0)
		return score_trail_match_made(a->trail, &a->eye, made, &match) && book_match(a, &match);
	gone = gone_of(a, &event->replaced, &event->folder_to, a->view->name_to);
	gone.pair = event->file;
	made->is_used = false;
	if (score_trail_match_gone(a->trail, &a->eye, score_trail_gone(a->score->actors, a->trail, &gone), &match))
		return book_match(a, &match);
	doubt_replaced(a, &gone, made);
	return false;
}

/* The index is memory that others write: numbers no content has are nobody's. */
static bool is_sane(const struct bw_index_file *file)
{
	return file->content.format < BW_FORMAT_COUNT && file->content.windows <= BW_CONTENT_WINDOWS;
}

bool bw_score_event(struct bw_score *score, const struct bw_event_view *view, struct bw_outcome *out)
{
	const struct bw_event *event = &view->event;
	struct act a = {
		.score = score, .view = view, .eye = { score->look, score->context, event->time_ns }, .out = out
	};
	uint32_t actor;

	score->left_good = false;
	if ((event->was_known != 0 && !is_sane(&event->known)) ||
	    (event->has_replaced != 0 && !is_sane(&event->replaced)))
		return false;
	a.process = bw_actors_find(score->actors, event->pid, event->time_ns);
	actor = bw_actors_of(score->actors, a.process);
	if (a.process != 0 && actor == 0)
		return false; /* a host's, or the guard's own */
	if ((event->act == BW_ACT_CLOSED || event->act == BW_ACT_CHANGED) && event->was_known != 0)
		return on_written(&a);
	a.trail = score_trail_of(score, actor, event->time_ns);
	if (a.trail != NULL)
		a.trail->turn++;
	switch (event->act) {
	case BW_ACT_CLOSED:
		return on_made(&a);
	case BW_ACT_REMOVED:
		return on_removed(&a);
	case BW_ACT_MOVED:
		return on_moved(&a);
	default:
		return false;
	}
}

bool bw_score_again(struct bw_score *score, uint64_t now_ns, struct bw_outcome *out)
{
	struct act a = { .score = score, .eye = { score->look, score->context, now_ns }, .out = out };

	for (size_t i = 0; i < BW_SCORE_TRAILS_MAX; i++) {
		struct score_match match;

		a.trail = score->trails[i];
		if (a.trail == NULL || a.trail->waits_ns < now_ns)
			continue;
		while (score_trail_match_any(a.trail, &a.eye, &match)) {
			if (book_match(&a, &match))
				return true;
		}
	}
	return false;
}
