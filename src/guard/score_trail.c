/*
 * Files that vanished and files that appeared: copy, encrypt, delete; write aside and rename over;
 * delete and write anew; pack all and delete all. A removal alone is cleaning, a new file alone is nobody's
 * loss; only both together can say that content was destroyed.
 */
#include <stdlib.h>

#include "guard/score_parts.h"

enum {
	NEAR_TURNS = 3,     /* acts of one process between the new file and the removal */
	BESIDE_MOST = 1024, /* keys that ransomware appends */
	BESIDE_LEAST = 512, /* smaller files have too many of their size */
	ARCHIVE_LEAST = 64 * 1024,
	SWALLOWED_LEAST = 3,
};

#define WAIT_NS UINT64_C(10000000000)

/* ---- names --------------------------------------------------------------------------------------- */

/* FNV-1a: who makes names collide makes a join more likely against himself. */
static uint64_t hash_of(struct bw_slice name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.ptr[i]) * UINT64_C(0x100000001b3);
	return hash == 0 ? 1 : hash;
}

/* Up to the last dot that is not the first byte; the same when there is none. */
static struct bw_slice stem_of(struct bw_slice name)
{
	for (size_t n = name.len; n > 1; n--) {
		if (name.ptr[n - 1] == '.')
			return bw_slice_sub(name, 0, n - 1);
	}
	return name;
}

struct score_name score_name_of(struct bw_slice name)
{
	const struct bw_slice stem = stem_of(name);

	return (struct score_name){ hash_of(name), hash_of(stem), hash_of(stem_of(stem)) };
}

/* report.docx and report.docx.locked, in any folder. */
static bool goes_on(const struct score_gone *gone, const struct score_made *made)
{
	const struct score_name *a = &gone->names;
	const struct score_name *b = &made->names;

	return a->whole == b->whole || a->whole == b->stem || a->whole == b->stem2;
}

/* report.docx and report.xyz, in the same folder. */
static bool has_stem(const struct score_gone *gone, const struct score_made *made)
{
	const struct score_name *a = &gone->names;
	const struct score_name *b = &made->names;

	return bw_file_key_equals(&gone->folder, &made->folder) &&
	       (a->stem == b->stem || a->stem == b->stem2 || a->stem == b->whole);
}

/* ---- the trail --------------------------------------------------------------------------------------- */

void score_trail_end(struct bw_actors *actors, struct score_trail *trail)
{
	for (size_t i = 0; i < BW_SCORE_GONE_MAX; i++)
		bw_actors_unpin(actors, trail->gone[i].process);
	bw_actors_let(actors, trail->actor);
	free(trail->copies);
	memset(trail, 0, sizeof(*trail));
}

struct score_trail *score_trail_of(struct bw_score *score, uint32_t actor, uint64_t now_ns)
{
	struct score_trail **oldest = &score->trails[0];

	for (size_t i = 0; i < BW_SCORE_TRAILS_MAX; i++) {
		struct score_trail **at = &score->trails[i];

		if (*at != NULL && (*at)->actor == actor) {
			(*at)->used_ns = now_ns;
			return *at;
		}
		if (*oldest != NULL && (*at == NULL || (*at)->used_ns < (*oldest)->used_ns))
			oldest = at;
	}
	if (*oldest == NULL)
		*oldest = calloc(1, sizeof(**oldest));
	if (*oldest == NULL)
		return NULL;
	bw_actors_hold(score->actors, actor);
	score_trail_end(score->actors, *oldest);
	(*oldest)->actor = actor;
	(*oldest)->used_ns = now_ns;
	return *oldest;
}

struct score_made *score_trail_find(struct score_trail *trail, const struct bw_file_key *file)
{
	for (size_t i = 0; i < BW_SCORE_MADE_MAX; i++) {
		if (trail->made[i].time_ns != 0 && bw_file_key_equals(&trail->made[i].file, file))
			return &trail->made[i];
	}
	return NULL;
}

/* Without memory he is taken for one who copied less: he is asked once more than needed. */
static void remember_copy(struct score_trail *trail, const struct score_made *made)
{
	if (trail->copies == NULL)
		trail->copies = calloc(SCORE_COPIES, sizeof(*trail->copies));
	if (trail->copies == NULL)
		return;
	trail->copies[made->names.whole % SCORE_COPIES] = (struct score_copy){
		.file = made->file, .name = made->names.whole, .was_known = bw_content_size(&made->content) != 0
	};
}

struct score_made *score_trail_made(struct score_trail *trail, const struct score_made *made)
{
	struct score_made *at = &trail->made[trail->next_made % BW_SCORE_MADE_MAX];

	trail->next_made++;
	if (at->time_ns != 0 && !at->is_used)
		remember_copy(trail, at);
	*at = *made;
	return at;
}

struct score_gone *score_trail_gone(struct bw_actors *actors, struct score_trail *trail, const struct score_gone *gone)
{
	struct score_gone *at = &trail->gone[trail->next_gone % BW_SCORE_GONE_MAX];

	trail->next_gone++;
	bw_actors_pin(actors, gone->process);
	bw_actors_unpin(actors, at->process);
	*at = *gone;
	return at;
}

/* ---- matches ------------------------------------------------------------------------------------------- */

bool score_trail_knows(struct score_made *made, const struct score_trail_eye *eye)
{
	struct bw_index_file file;

	if (bw_content_size(&made->content) != 0)
		return true;
	if (eye->look == NULL || !eye->look(eye->context, &made->file, &file) || file.content.windows == 0)
		return false; /* its features come later */
	made->content = file.content;
	made->version = file.version;
	return true;
}

bool score_trail_had(const struct score_trail *trail, const struct score_trail_eye *eye, const struct score_gone *gone)
{
	const struct score_copy *copy;
	struct bw_index_file file;

	if (trail->copies == NULL || eye->look == NULL)
		return false;
	copy = &trail->copies[gone->names.whole % SCORE_COPIES];
	if (copy->file.ino == 0 || copy->name != gone->names.whole)
		return false;
	if (!eye->look(eye->context, &copy->file, &file))
		return !copy->was_known; /* or it is gone again */
	if (file.content.windows == 0)
		return file.version == 0; /* an empty file of that name is no copy */
	return bw_content_equals(&file.content, &gone->content);
}

/* Versions of a volume are numbered as they are taken: what was taken after an archive cannot lie in it. */
static bool is_older(const struct score_gone *gone, struct score_made *made, const struct score_trail_eye *eye)
{
	struct bw_index_file file;

	if (made->version == 0 && eye->look != NULL && eye->look(eye->context, &made->file, &file))
		made->version = file.version;
	return made->version == 0 || gone->file.volume != made->file.volume || gone->version < made->version;
}

static bool is_document(const struct bw_content *content)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format)content->format);

	return kind == BW_KIND_TEXT || kind == BW_KIND_DOCUMENT;
}

/* Random, or an even stream of symbols, and nothing says why. */
static bool is_unreadable(const struct bw_content *content)
{
	size_t random = 0;

	for (size_t i = 0; i < content->windows; i++)
		random += bw_content_class(content, i) == BW_CLASS_RANDOM;
	return (content->flags & (BW_CONTENT_EVEN | BW_CONTENT_NOISE | BW_CONTENT_FLAT)) != 0 ||
	       (content->format == BW_FORMAT_UNKNOWN && random * 2 >= content->windows);
}

/* The same process, one act after the other. */
static bool is_near(const struct score_gone *gone, const struct score_made *made)
{
	const uint32_t turns = gone->turn > made->turn ? gone->turn - made->turn : made->turn - gone->turn;

	return gone->process == made->process && gone->process != 0 && turns <= NEAR_TURNS;
}

/* A document's size and what a key takes. */
static bool is_of_size(const struct score_gone *gone, const struct score_made *made)
{
	const uint64_t before = bw_content_size(&gone->content);
	const uint64_t after = bw_content_size(&made->content);

	return is_document(&gone->content) && before >= BESIDE_LEAST && after >= before &&
	       after - before <= BESIDE_MOST;
}

/* What could make the two one, before anybody looks into contents; 0: nothing. */
static enum bw_proof_kind tie_of(const struct score_gone *gone, const struct score_made *made)
{
	if (gone->pair.ino != 0)
		return bw_file_key_equals(&gone->pair, &made->file) ? BW_PROOF_REPLACED : (enum bw_proof_kind)0;
	if (goes_on(gone, made) || has_stem(gone, made))
		return BW_PROOF_JOINED;
	return is_near(gone, made) ? BW_PROOF_BESIDE : (enum bw_proof_kind)0;
}

static bool is_joined(const struct score_trail_eye *eye, struct score_gone *gone, struct score_made *made,
		      struct score_match *out)
{
	const enum bw_proof_kind kind = tie_of(gone, made);
	struct bw_finding finding;

	if ((int)kind == 0 || !score_trail_knows(made, eye))
		return false;
	if (kind == BW_PROOF_REPLACED)
		bw_content_compare(&gone->content, &made->content, &finding);
	else
		bw_content_join(&gone->content, &made->content, &finding);
	if (finding.strength == BW_STRENGTH_NONE)
		return false;
	/* a program that writes a format of its own, beside the old file, must not look like one that destroys */
	if (kind != BW_PROOF_REPLACED && !goes_on(gone, made) && finding.strength == BW_STRENGTH_STRONG &&
	    !is_unreadable(&made->content))
		return false;
	if (kind == BW_PROOF_BESIDE && (finding.strength != BW_STRENGTH_STRONG || !is_of_size(gone, made)))
		return false;
	*out = (struct score_match){ gone, made, kind };
	made->is_used = true;
	gone->is_used = true;
	return true;
}

static bool is_fresh(uint64_t time_ns, uint64_t now_ns)
{
	return time_ns != 0 && (time_ns >= now_ns || now_ns - time_ns <= BW_SCORE_WAIT_NS);
}

/*
 * A sealed archive may hold many. One that says nothing of itself may as well be a download or a cache, beside
 * which documents are deleted every day.
 */
static bool could_swallow(const struct score_made *made)
{
	return bw_content_size(&made->content) >= ARCHIVE_LEAST && (made->content.flags & BW_CONTENT_ENCRYPTED) != 0;
}

static bool is_swallowed(const struct score_gone *gone, struct score_made *made, struct score_match *out)
{
	const uint64_t size = bw_content_size(&made->content);
	struct bw_finding finding;

	if (gone->pair.ino != 0 || !could_swallow(made) || made->time_ns > gone->time_ns ||
	    !is_document(&gone->content) || bw_content_size(&gone->content) * 2 > size)
		return false;
	bw_content_compare(&gone->content, &made->content, &finding);
	if (finding.strength == BW_STRENGTH_NONE ||
	    made->swallowed + bw_content_size(&gone->content) > size + size / 16)
		return false;
	made->swallowed += bw_content_size(&gone->content);
	made->swallowed_files++;
	if (made->swallowed_files <= SWALLOWED_LEAST)
		return false;
	*out = (struct score_match){ gone, made, BW_PROOF_SWALLOWED };
	return true;
}

bool score_trail_match_gone(struct score_trail *trail, const struct score_trail_eye *eye, struct score_gone *gone,
			    struct score_match *out)
{
	for (size_t n = 1; n <= BW_SCORE_MADE_MAX; n++) { /* the newest first */
		struct score_made *made = &trail->made[(trail->next_made - n) % BW_SCORE_MADE_MAX];

		if (made->is_used || !is_fresh(made->time_ns, eye->now_ns))
			continue;
		if (is_joined(eye, gone, made, out))
			return true;
	}
	return false;
}

bool score_trail_match_made(struct score_trail *trail, const struct score_trail_eye *eye, struct score_made *made,
			    struct score_match *out)
{
	for (size_t n = 1; n <= BW_SCORE_GONE_MAX && !made->is_used; n++) {
		struct score_gone *gone = &trail->gone[(trail->next_gone - n) % BW_SCORE_GONE_MAX];

		if (!gone->is_used && is_fresh(gone->time_ns, eye->now_ns) && is_joined(eye, gone, made, out))
			return true;
	}
	return false;
}

bool score_trail_match_any(struct score_trail *trail, const struct score_trail_eye *eye, struct score_match *out)
{
	for (size_t g = 0; g < BW_SCORE_GONE_MAX; g++) {
		struct score_gone *gone = &trail->gone[g];

		if (!gone->is_used && is_fresh(gone->time_ns, eye->now_ns) &&
		    score_trail_match_gone(trail, eye, gone, out))
			return true;
	}
	return false;
}

bool score_trail_swallow(struct score_trail *trail, const struct score_trail_eye *eye, struct score_gone *gone,
			 struct score_match *out)
{
	for (size_t m = 0; m < BW_SCORE_MADE_MAX; m++) {
		struct score_made *made = &trail->made[m];

		if (is_fresh(made->time_ns, gone->time_ns) && is_older(gone, made, eye) &&
		    is_swallowed(gone, made, out)) {
			gone->is_used = true;
			return true;
		}
	}
	return false;
}

void score_trail_wait(struct score_trail *trail, const struct score_made *made)
{
	if (bw_content_size(&made->content) == 0)
		trail->waits_ns = made->time_ns + WAIT_NS;
}
