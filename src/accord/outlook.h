/*
 * What would cross to a partner, by the same steps as the ledger takes and without doing any of it: for `accord
 * preview` and `accord explain`. Objects are parsed in a child (accord/facts_child.h).
 */
#ifndef BW_ACCORD_OUTLOOK_H
#define BW_ACCORD_OUTLOOK_H

#include "accord/facts_child.h"
#include "accord/secret_ids.h"
#include "accord/weigh.h"

struct bw_outlook {
	struct bw_facts_child *child; /* borrowed */
	struct bw_sources *sources;   /* borrowed */
	struct bw_source_told told;
	struct bw_secret_ids *secrets;
	struct bw_secret_ids *derived; /* of them, those that would go as something else */
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;
	struct bw_gate *gate;
	struct bw_weighing weighing;
	struct bw_words collections; /* of the accord, in its arena */
};

/* One direction of an accord as it is, or would be: decided at `now_us`. Release also after a failure. */
BW_MUST_USE enum bw_err bw_outlook_init(struct bw_outlook *outlook, const struct bw_accord *accord, size_t from,
					int64_t now_us, struct bw_facts_child *child, struct bw_sources *sources);
void bw_outlook_release(struct bw_outlook *outlook);

/* What the clerk says of these rows, in the arena; `answer` must live as long, and is the caller's to release. */
BW_MUST_USE enum bw_err bw_outlook_tell(struct bw_outlook *outlook, const struct bw_source_row *rows, size_t count,
					struct bw_arena *arena, struct bw_mapped *answer, struct bw_told **out);

/* One step over all of the accord's collections, from the oldest on. */
struct bw_outlook_batch {
	struct bw_source_batch rows;
	struct bw_told *told;
	struct bw_weighed *weighed;
	struct bw_mapped answer; /* released by the next step or bw_outlook_done */
};
BW_MUST_USE enum bw_err bw_outlook_step(struct bw_outlook *outlook, int64_t after_us, struct bw_arena *arena,
					struct bw_outlook_batch *batch);
void bw_outlook_done(struct bw_outlook_batch *batch);

/*
 * One object with all that it names, and what those name, as far as they lie in the accord's collections (1,000 objects
 * at most; what is beyond is taken for secret). The first row of the batch is the object. NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_outlook_one(struct bw_outlook *outlook, struct bw_slice id, struct bw_arena *arena,
				       struct bw_outlook_batch *batch);

#endif
