/*
 * Folders that an actor empties. Removing files is what people do: a tree they are done with goes folder by folder,
 * each with its files; what is tidied is chosen by kind, or by place. Who takes all there is out of one folder after
 * the other and leaves the folders behind chooses nothing: that is what wipers do, and those who take an encrypted
 * copy first. What may look the same, and did no harm, is left out here: files the actor made himself, or copied
 * elsewhere, or packed before into an archive that anybody can read.
 */
#include "guard/score_parts.h"

enum {
	REMOVED_LEAST = 3, /* of a folder */
	SPARED_SHARE = 4,  /* for so many removed, one may be left */
	PACKED_MOST = 64,  /* no packer makes documents smaller than this part of theirs */
};

static bool is_fresh(uint64_t time_ns, uint64_t now_ns)
{
	return time_ns != 0 && (time_ns >= now_ns || now_ns - time_ns <= BW_SCORE_WAIT_NS);
}

/* ---- what did no harm ---------------------------------------------------------------------------- */

/* He made a file of the same content before, or one of the same name whose content is not known yet. */
static bool is_copied(struct score_trail *trail, const struct score_trail_eye *eye, const struct score_gone *gone)
{
	for (size_t i = 0; i < BW_SCORE_MADE_MAX; i++) {
		struct score_made *made = &trail->made[i];

		if (!is_fresh(made->time_ns, gone->time_ns) || made->time_ns > gone->time_ns)
			continue;
		if (score_trail_knows(made, eye) ? bw_content_equals(&made->content, &gone->content)
						 : made->names.whole == gone->names.whole)
			return true;
	}
	return score_trail_had(trail, eye, gone);
}

static bool is_open_archive(const struct bw_content *content)
{
	return (bw_format_kind((enum bw_format)content->format) == BW_KIND_PACKED ||
		content->format == BW_FORMAT_TAR) &&
	       content->state == BW_STATE_GOOD && (content->flags & (BW_CONTENT_ENCRYPTED | BW_CONTENT_HOLDS)) == 0;
}

/* An archive without a lock, made before, has room for it and for what went before it. */
static bool is_packed(struct score_trail *trail, const struct score_trail_eye *eye, const struct score_gone *gone)
{
	for (size_t i = 0; i < BW_SCORE_MADE_MAX; i++) {
		struct score_made *made = &trail->made[i];
		const uint64_t size = bw_content_size(&gone->content);

		if (!is_fresh(made->time_ns, gone->time_ns) || made->time_ns > gone->time_ns ||
		    !score_trail_knows(made, eye) || !is_open_archive(&made->content) ||
		    made->packed + size > bw_content_size(&made->content) * PACKED_MOST)
			continue;
		made->packed += size;
		return true;
	}
	return false;
}

/* Good, and in a format of its own: what caches and stores of backups hold says nothing of itself. */
static bool is_somebodys(const struct bw_content *content)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format)content->format);

	return content->state == BW_STATE_GOOD && bw_content_size(content) > 0 && kind != BW_KIND_OTHER;
}

/* ---- folders ----------------------------------------------------------------------------------------- */

static struct score_clearing *clearing_of(struct score_trail *trail, const struct bw_file_key *folder, uint64_t now_ns)
{
	struct score_clearing *at;

	for (size_t i = 0; i < SCORE_CLEARINGS; i++) {
		at = &trail->clearings[i];
		if (is_fresh(at->time_ns, now_ns) && bw_file_key_equals(&at->folder, folder))
			return at;
	}
	at = &trail->clearings[trail->next_clearing++ % SCORE_CLEARINGS];
	*at = (struct score_clearing){ .folder = *folder };
	return at;
}

/* Notes that he left there count as nothing left. */
static uint32_t own_in(const struct score_trail *trail, const struct bw_file_key *folder, uint64_t now_ns)
{
	uint32_t count = 0;

	for (size_t i = 0; i < BW_SCORE_MADE_MAX; i++)
		count += is_fresh(trail->made[i].time_ns, now_ns) && bw_file_key_equals(&trail->made[i].folder, folder);
	return count;
}

static void withdraw(struct bw_score *score, const struct bw_file_key *folder)
{
	for (size_t i = 0; i < score->top; i++) {
		struct score_entry *entry = &score->entries[i];

		if (entry->used && entry->proof.kind == BW_PROOF_CLEARED &&
		    bw_file_key_equals(&entry->proof.folder, folder))
			score_drop(score, entry);
	}
}

static bool lies_below(const struct bw_event_left *left, uint32_t path)
{
	for (size_t i = 0; i < left->above_count && i < BW_EVENT_ABOVE_MAX; i++) {
		if (left->above[i] == path)
			return true;
	}
	return false;
}

/* The folder waits for its end while he works below it: trees are deleted so. What was told of it is taken back. */
static void open_again(struct bw_score *score, struct score_trail *trail, struct score_clearing *clearing)
{
	clearing->is_open = true;
	withdraw(score, &clearing->folder);
	for (size_t i = 0; i < BW_SCORE_GONE_MAX; i++) {
		struct score_gone *gone = &trail->gone[i];

		if (gone->is_told && bw_file_key_equals(&gone->folder, &clearing->folder))
			gone->is_told = false;
	}
}

/* Where the process is now says which of the folders it emptied it has left behind. */
static void go_on(struct bw_score *score, struct score_trail *trail, const struct score_clearing *here,
		  const struct bw_event_left *left)
{
	for (size_t i = 0; i < SCORE_CLEARINGS && left->above_count > 0; i++) {
		struct score_clearing *clearing = &trail->clearings[i];
		const bool is_below = lies_below(left, clearing->path);

		if (!clearing->is_cleared || clearing == here || clearing->process != here->process)
			continue;
		if (is_below && !clearing->is_open)
			open_again(score, trail, clearing);
		else if (!is_below)
			clearing->is_open = false;
	}
}

bool score_clear(struct bw_score *score, struct score_trail *trail, const struct score_trail_eye *eye,
		 struct score_gone *gone, const struct bw_event_left *left)
{
	struct score_clearing *here;
	uint32_t others;

	if (gone->pair.ino != 0 || !is_somebodys(&gone->content) || is_copied(trail, eye, gone) ||
	    is_packed(trail, eye, gone))
		return false;
	gone->is_loss = true;
	here = clearing_of(trail, &gone->folder, gone->time_ns);
	here->time_ns = gone->time_ns;
	here->process = gone->process;
	here->is_open = false;
	here->removed++;
	if (left->above_count > 0)
		here->path = left->folder;
	go_on(score, trail, here, left);
	if (left->names != BW_EVENT_LEFT_MANY && here->removed >= REMOVED_LEAST) {
		others = own_in(trail, &gone->folder, gone->time_ns);
		others = left->names > others ? left->names - others : 0;
		here->is_cleared = others * SPARED_SHARE <= here->removed;
	}
	return true;
}

static bool is_left_behind(const struct score_trail *trail, const struct bw_file_key *folder)
{
	for (size_t i = 0; i < SCORE_CLEARINGS; i++) {
		const struct score_clearing *clearing = &trail->clearings[i];

		if (clearing->is_cleared && !clearing->is_open && bw_file_key_equals(&clearing->folder, folder))
			return true;
	}
	return false;
}

struct score_gone *score_clear_next(struct score_trail *trail)
{
	for (size_t n = BW_SCORE_GONE_MAX; n > 0; n--) { /* the oldest first */
		struct score_gone *gone = &trail->gone[(trail->next_gone - n) % BW_SCORE_GONE_MAX];

		if (gone->time_ns == 0 || !gone->is_loss || gone->is_told || gone->is_used ||
		    !is_left_behind(trail, &gone->folder))
			continue;
		gone->is_told = true;
		return gone;
	}
	return NULL;
}

void score_clear_undo(struct bw_score *score, const struct bw_file_key *folder)
{
	withdraw(score, folder);
	for (size_t t = 0; t < BW_SCORE_TRAILS_MAX; t++) {
		for (size_t i = 0; score->trails[t] != NULL && i < SCORE_CLEARINGS; i++) {
			struct score_clearing *clearing = &score->trails[t]->clearings[i];

			if (clearing->time_ns != 0 && bw_file_key_equals(&clearing->folder, folder))
				*clearing = (struct score_clearing){ 0 };
		}
	}
}
