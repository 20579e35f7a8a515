/*
 * What is new in the collections of an accord: the ledger's reading of the store, over the keeper's catalogue and
 * bulletin. Dates added are unique and increasing over the whole store, so one number is an accord's place in all
 * its collections, and a walk from it misses nothing and repeats nothing.
 *
 * It parses no object. With a question for the clerk (accord/facts.h) it gives what the store knows of each object:
 * where it lies, and how it came.
 */
#ifndef BW_ACCORD_SOURCE_H
#define BW_ACCORD_SOURCE_H

#include "accord/accord.h"
#include "accord/facts.h"
#include "store/provenance.h"
#include "sys/why.h"

struct bw_sources;

/* Over the keeper's memory (accord/handover.h). The store's folder is read: Landlock must allow it. */
BW_MUST_USE enum bw_err bw_sources_open(const char *data, int catalogue_fd, int bulletin_fd, struct bw_sources **out,
					struct bw_why *why);

/* Over a store that is open already: for commands (desk/desk.h). Borrows it; bw_sources_moved is always true. */
BW_MUST_USE enum bw_err bw_sources_over(struct bw_store *store, struct bw_sources **out);
void bw_sources_close(struct bw_sources *source); /* NULL allowed */

/*
 * Something was added since `after_us`? One look at shared memory: for a timer. A commit that only deleted moves
 * nothing here.
 */
bool bw_sources_moved(const struct bw_sources *source, int64_t after_us);

struct bw_source_row {
	int64_t date_added_us;
	struct bw_slice id;
	struct bw_slice version;
	struct bw_slice body;
	struct bw_slice collection; /* the word of the accord that names it */
	uint16_t collection_number;
	struct bw_slice marking;   /* id of the definition that holds for what bears none; may be empty */
	bool is_foreign;           /* it lies in a partner's inbound collection */
	bool is_ours;              /* the object was first here, not brought by a partner */
	bool is_copy;              /* somebody else brought the object first: it does not go on from here */
	bool has_provenance;       /* false and foreign: RED */
	struct bw_provenance from; /* when it has */
};

struct bw_source_batch {
	struct bw_source_row *rows;
	size_t count;
	int64_t scanned_us; /* the place when these are dealt with */
	bool more;
};

/*
 * The next rows of these collections (each named by id, alias or title; one that is not there is left out) after
 * `after_us`, oldest first: at most `limit` rows and about `bytes_max` bytes, one row at least when there is one.
 * Marking definitions are rows like others. All in the arena.
 */
BW_MUST_USE enum bw_err bw_source_next(struct bw_sources *source, const struct bw_words *collections, int64_t after_us,
				       size_t limit, size_t bytes_max, struct bw_arena *arena,
				       struct bw_source_batch *out);

/* What came from `node` under the version of an accord with this hash and is not at its end (store/provenance.h). */
BW_MUST_USE enum bw_err bw_sources_left(struct bw_sources *source, const uint8_t node[BW_SHA256_BYTES],
					const uint8_t accord[BW_SHA256_BYTES], int64_t now_us, uint64_t *out_count);

/* One object, its newest version, in whichever of the collections has it. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_source_find(struct bw_sources *source, const struct bw_words *collections,
				       struct bw_slice id, struct bw_arena *arena, struct bw_source_row *out);

/* One object's newest version in the collection of what that node told. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_source_from(struct bw_sources *source, const uint8_t node[BW_SHA256_BYTES],
				       struct bw_slice id, struct bw_arena *arena, struct bw_source_row *out);

/* One row by when it was added, for what is judged again. NOT_FOUND: it is not there any more. */
BW_MUST_USE enum bw_err bw_source_at(struct bw_sources *source, const struct bw_words *collections, int64_t added_us,
				     struct bw_arena *arena, struct bw_source_row *out);

/*
 * Appends these rows to a question, with the scopes and definitions that the worker has not been told yet; `told` is
 * that worker's memory here (zeroed for a new one; unchanged when this fails). The rows' order is the answer's.
 * Definitions added after `upto_us` do not count yet: what crosses must not bear one that crosses after it.
 * TOO_BIG: ask with fewer rows. TOO_MANY: more partners than scopes.
 */
struct bw_source_told {
	struct {
		bool is_open;
		uint16_t scope;
		int64_t upto_us; /* definitions added until then */
	} of[BW_SCOPES_MAX];
};
BW_MUST_USE enum bw_err bw_source_ask(struct bw_sources *source, const struct bw_source_row *rows, size_t count,
				      enum bw_redaction profile, int64_t upto_us, struct bw_source_told *told,
				      struct bw_buf *question);

/*
 * For the clerk at the other end: opens scope 0 with what `node` told here before, definitions of its inbound
 * collection. Nothing when it never told anything.
 */
BW_MUST_USE enum bw_err bw_source_teach(struct bw_sources *source, const uint8_t node[BW_SHA256_BYTES],
					struct bw_buf *question);

/* Each marking definition added after `after_us`, in whatever collection; `out_upto`: until where. */
BW_MUST_USE enum bw_err bw_source_defined(struct bw_sources *source, int64_t after_us,
					  void (*defined)(void *ctx, struct bw_slice id), void *ctx, int64_t *out_upto);

/* Appends which marking holds in each of these collections for what bears none. */
BW_MUST_USE enum bw_err bw_source_defaults(struct bw_sources *source, const struct bw_words *collections,
					   struct bw_buf *out);

/*
 * What a decision needs, from what the store and the clerk said of one object. `peer`: the node at the other end of the
 * gate, by its fingerprint and by the number the gate was made with. Labels and sectors are in the arena. What was
 * inherited goes into the policy class but for its end, which would make a class of every minute: that is
 * `keep_until_us`, and bw_weigh sees to it that it is kept.
 */
struct bw_source_peer {
	uint8_t node[BW_SHA256_BYTES];
	uint32_t number;
};
BW_MUST_USE enum bw_err bw_source_facts(const struct bw_source_row *row, const struct bw_told *told,
					const struct bw_source_peer *peer, const struct bw_lexicon *lexicon,
					struct bw_policy_classes *classes, struct bw_arena *arena,
					struct bw_facts *out);

#endif
