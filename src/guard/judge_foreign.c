/*
 * What others warned of (guard/foreign.h), met here. A hit is a proof that weighs little and fades; guard/proof.h says
 * what follows. A value that good files of this server bear says nothing here, whoever sent it: it is put aside before
 * anybody is held for it.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "base/log.h"
#include "guard/foreign.h"
#include "guard/harm.h"
#include "guard/judge_parts.h"
#include "guard/keep_out.h"

void judge_foreign_release(struct judge *judge)
{
	struct judge_foreign *foreign = &judge->foreign;

	free(foreign->seen);
	bw_mapped_release(&foreign->mapped);
	*foreign = (struct judge_foreign){ 0 };
}

/* What was seen of a value stays seen when a new set holds it again: nobody is told twice. */
static void carry_over(const struct judge_foreign *from, struct judge_foreign *to)
{
	for (uint32_t n = 0; n < from->set.count; n++) {
		struct bw_exact_found old;
		struct bw_exact_found now;

		if (from->seen[n] == 0)
			continue;
		bw_exact_at(&from->set, n, &old);
		if (bw_exact_find(&to->set, old.trait, old.text, &now))
			to->seen[now.number] = from->seen[n];
	}
}

/* Who is connected already: his address may be among what others warn of since. */
static void look_at_clients(struct judge *judge)
{
	for (uint32_t n = 0; (n = bw_actors_next_known(judge->actors, n)) != 0;)
		judge_foreign_client(judge, n);
}

enum bw_err judge_foreign_set(struct judge *judge, struct bw_slice body, int fd)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct judge_foreign next = { 0 };
	enum bw_err err;

	BW_NEED(bw_take_be32(&c, &next.number) == BW_OK && bw_cursor_left(&c) == 0 && fd >= 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, BW_EXACT_BYTES_MAX, &next.mapped));
	err = bw_exact_open(next.mapped.bytes, &next.set);
	if (err == BW_OK) {
		next.seen = calloc((size_t)next.set.count + 1, 1);
		err = next.seen == NULL ? BW_ERR_MEMORY : BW_OK;
	}
	if (err != BW_OK) {
		bw_mapped_release(&next.mapped);
		return err;
	}
	carry_over(&judge->foreign, &next);
	judge_foreign_release(judge);
	judge->foreign = next;
	bw_log(BW_INFO, "others warned of what is looked for from now on", BW_NUM("values", next.set.count));
	look_at_clients(judge);
	return BW_OK;
}

/* ---- a hit --------------------------------------------------------------------------------- */

static void tell(struct judge *judge, uint32_t number, bool is_own)
{
	const struct bw_warned_word word = { .set = judge->foreign.number, .number = number, .is_own = is_own };

	judge_tell(judge, "scribe", BW_RECORD_WARNED, bw_slice_of(&word, sizeof(word)));
}

/* The first time that anybody shows it: who, and who warned of it. */
static void say(struct judge *judge, const struct bw_exact_found *found, const struct bw_foreign_hit *hit,
		uint32_t process)
{
	struct bw_process_event who;

	if ((judge->foreign.seen[found->number] & JUDGE_FOREIGN_MET) != 0)
		return;
	judge->foreign.seen[found->number] |= JUDGE_FOREIGN_MET;
	bw_actors_process(judge->actors, process, &who);
	tell(judge, found->number, false);
	bw_log(BW_WARNING, "what others warned of is here", BW_TEXT("what", bw_trait_word(found->trait)),
	       BW_SLICE("value", found->text), BW_SLICE("peer", hit->peer), BW_SLICE("indicator", hit->id),
	       BW_NUM("pid", who.pid));
}

static void warn(struct judge *judge, const struct bw_exact_found *found, struct bw_slice met, uint32_t process,
		 const struct bw_event *where)
{
	struct bw_score_warning warning = { .now_ns = judge->now_ns,
					    .wall_us = judge->wall_us,
					    .process = process,
					    .value = XXH3_64bits_withSeed(found->text.ptr, found->text.len,
									  (XXH64_hash_t)found->trait) };
	struct bw_foreign_hit hit = { .value = met };
	uint8_t name[BW_EVENT_NAME_BYTES];
	struct bw_outcome outcome;

	if (!bw_slice_cut(found->note, '\x1f', &hit.peer, &hit.id) ||
	    (judge->foreign.seen[found->number] & JUDGE_FOREIGN_OWN) != 0 || bw_actors_of(judge->actors, process) == 0)
		return;
	say(judge, found, &hit, process);
	if (where != NULL) {
		warning.volume = where->file.volume;
		warning.folder = where->act == BW_ACT_MOVED ? where->folder_to : where->folder;
	}
	warning.name = bw_slice_of(name, bw_foreign_hit_write(&hit, name, sizeof(name)));
	if (bw_score_warned(judge->score, &warning, &outcome))
		judge_outcome(judge, &outcome);
}

/* ---- names ----------------------------------------------------------------------------------- */

/*
 * A file that is known, and was so before anybody showed that value, is written again: so are this server's own files
 * called. Whoever harms files makes new ones, or gives known ones a new name, before he could write one.
 */
static void see_own(struct judge *judge, const struct bw_exact_found *found, struct bw_slice name)
{
	uint8_t *seen = &judge->foreign.seen[found->number];

	if (*seen != 0)
		return;
	*seen = JUDGE_FOREIGN_OWN;
	tell(judge, found->number, true);
	bw_log(BW_NOTICE, "others warned of what files of this server are called: it is put aside",
	       BW_SLICE("value", found->text), BW_SLICE("file", name));
}

void judge_foreign_event(struct judge *judge, const struct bw_event_view *view)
{
	const struct bw_event *event = &view->event;
	struct bw_exact_found found;
	struct bw_slice name;

	if (judge->foreign.set.count == 0)
		return;
	if (event->act == BW_ACT_MOVED)
		name = view->name_to;
	else if (event->act == BW_ACT_CLOSED || event->act == BW_ACT_LINKED)
		name = view->name;
	else
		return;
	if (!bw_exact_find_name(&judge->foreign.set, name, &found))
		return;
	if (event->act == BW_ACT_CLOSED && event->was_known != 0)
		see_own(judge, &found, name);
	else
		warn(judge, &found, name, bw_actors_find(judge->actors, event->pid, event->time_ns), event);
}

/* ---- clients ---------------------------------------------------------------------------------- */

void judge_foreign_client(struct judge *judge, uint32_t child)
{
	char text[BW_ADDRESS_TEXT_BYTES];
	struct bw_exact_found found;
	struct bw_address address;
	struct bw_actor about;

	if (judge->foreign.set.count == 0)
		return;
	bw_actors_about(judge->actors, bw_actors_of(judge->actors, child), &about);
	if (bw_address_parse(bw_slice_text(about.address), &address) != BW_OK)
		return;
	bw_address_write(&address, text);
	if (bw_exact_find(&judge->foreign.set, BW_TRAIT_ADDRESS, bw_slice_text(text), &found))
		warn(judge, &found, found.text, child, NULL);
}

/* ---- ways of destroying ------------------------------------------------------------------------- */

void judge_foreign_harm(struct judge *judge, const struct bw_outcome *outcome, bool is_client)
{
	struct bw_exact_found found;
	char harm[BW_HARM_BYTES];

	if (judge->foreign.set.count == 0 || outcome->newest == NULL || outcome->newest_process == 0 ||
	    !bw_harm_of(outcome->newest, is_client, harm))
		return;
	if (bw_exact_find(&judge->foreign.set, BW_TRAIT_HARM, bw_slice_text(harm), &found))
		warn(judge, &found, found.text, outcome->newest_process, NULL);
}
