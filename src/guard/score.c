#include "guard/score.h"

#include <stdlib.h>

#include "guard/answer.h"
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

void bw_score_free(struct bw_score *score)
{
	if (score == NULL)
		return;
	for (size_t i = 0; i < BW_SCORE_TRAILS_MAX; i++) {
		if (score->trails[i] != NULL)
			free(score->trails[i]->copies);
		free(score->trails[i]);
	}
	free(score);
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
	struct score_entry *entry = score_entry_of(a->score, actor, &event->file);
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
		score_drop(a->score, entry);
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

/* All that went of folders which are nearly empty now: each is evidence from now on. */
static bool book_cleared(struct act *a)
{
	const struct score_gone *gone;
	bool said = false;

	while ((gone = score_clear_next(a->trail)) != NULL) {
		struct bw_proof proof = { .time_ns = gone->time_ns,
					  .wall_us = gone->wall_us,
					  .file = gone->file,
					  .folder = gone->folder,
					  .version = gone->version,
					  .kind = BW_PROOF_CLEARED,
					  .flags = gone->flags,
					  .old = gone->content,
					  .name_len = gone->name_len };

		memcpy(proof.name, gone->name, gone->name_len);
		said |= finish(a, &proof, gone->process);
	}
	return said;
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
	gone = gone_of(a, &event->known, &event->folder, a->view->name);
	kept = score_trail_gone(a->score->actors, a->trail, &gone);
	if (score_trail_match_gone(a->trail, &a->eye, kept, &match) ||
	    score_trail_swallow(a->trail, &a->eye, kept, &match))
		return book_match(a, &match);
	if ((event->known.flags & BW_INDEX_CANARY) != 0 && !is_clearing(a->trail, event)) {
		struct bw_proof proof = proof_of(event, BW_PROOF_BAIT_GONE, &event->known, a->view->name);

		if (finish(a, &proof, a->process))
			return true;
	}
	return temporary == NULL && score_clear(a->score, a->trail, &a->eye, kept, &event->left) && book_cleared(a);
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

/* Who closes a file or renames it over another need not have written it. */
static uint32_t answers_for(struct bw_score *score, const struct bw_event *event)
{
	const uint32_t process = bw_actors_find(score->actors, event->pid, event->time_ns);
	const bool is_content = event->act == BW_ACT_CLOSED || event->act == BW_ACT_CHANGED ||
				(event->act == BW_ACT_MOVED && event->has_replaced != 0);

	if (!is_content || event->writer_count == 0)
		return process;
	return bw_answer(score->actors, event, process, score_has, score);
}

bool bw_score_event(struct bw_score *score, const struct bw_event_view *view, struct bw_outcome *out)
{
	const struct bw_event *event = &view->event;
	struct act a = {
		.score = score, .view = view, .eye = { score->look, score->context, event->time_ns }, .out = out
	};
	uint32_t actor;

	score->left_good = false;
	if (event->act == BW_ACT_ATTRIBUTES)
		return false; /* only who made a file */
	if ((event->was_known != 0 && !is_sane(&event->known)) ||
	    (event->has_replaced != 0 && !is_sane(&event->replaced)))
		return false;
	if (event->act == BW_ACT_FOLDER_REMOVED)
		score_clear_undo(score, &event->file);
	a.process = answers_for(score, event);
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
