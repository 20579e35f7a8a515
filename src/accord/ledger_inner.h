/*
 * The ledger: the one process that decides. It writes below DATA/accord, reads the store, and parses nothing that came
 * from outside but forms of its own workers. Between the files ledger*.c; no door.
 *
 *   ledger.c        life, the table of who may say what, letters of the notary
 *   ledger_errand.c, ledger_clerk.c   letters of the courier, of the clerks
 *   ledger_out.c    what is new -> the clerk's answers -> decisions (ledger_weigh.c) -> the log
 *   ledger_again.c  what stayed, when something else than the collections has moved
 *   ledger_sign.c   the notary's signature, the witnesses' cosignatures
 *   ledger_hall.c   what partners and caches ask for
 *   ledger_visit.c  going to a partner: papers, heads, documents, then his stream
 *   ledger_in.c     what came: decided once more, handed to the keeper, the place moved
 *   ledger_over.c   an accord that is over, or rests: what has to be gone, here and in the store
 */
#ifndef BW_ACCORD_LEDGER_INNER_H
#define BW_ACCORD_LEDGER_INNER_H

#include "accord/again.h"
#include "accord/handover.h"
#include "accord/hold.h"
#include "accord/inbound_place.h"
#include "accord/outbound.h"
#include "accord/run_plan.h"
#include "accord/run_words.h"
#include "accord/run_workers.h"
#include "accord/weigh.h"
#include "base/log.h"
#include "desk/folder.h"
#include "desk/post.h"

enum {
	LEDGER_STREAMS_MAX = 256,
	LEDGER_ERRANDS_MAX = 4 * BW_RUN_ACCORDS_MAX - 4, /* fewer than the courier can have open */
	LEDGER_WITNESSES_MAX = 1 + BW_ACCORD_WITNESSES_MAX,
	LEDGER_LOOK_MS = 10,
	LEDGER_SECOND_US = 1000000,
};

struct ledger;
struct pact;

/* Where one goes again after what failed, later each time. */
struct retry {
	int64_t at_us; /* monotonic; 0: now */
	unsigned failures;
};

/* ---- what we tell ---- */

enum out_stage {
	OUT_IDLE,
	OUT_ASKED,    /* the clerk has the objects */
	OUT_DERIVING, /* the clerk makes derived ones */
	OUT_STOPPED,  /* the log cannot be written: until the workers begin again */
};

/* Where a batch comes from: only with what is new the place in the collections moves. */
enum out_batch {
	OUT_NEW,
	OUT_HELD,  /* what people have answered */
	OUT_AGAIN, /* what stayed before */
};

struct witness {
	uint32_t party;
	uint64_t known;   /* the size it is believed to know */
	uint64_t at_size; /* of the checkpoint it was asked about or has cosigned last */
	bool asks;        /* an errand is on its way */
	bool done;        /* has cosigned at_size, or knows more than it should */
	struct retry retry;
};

struct out_side {
	struct bw_outbound *log; /* NULL: could not be opened, or the accord does not flow */
	struct bw_trust *trust;
	struct bw_gate *gate;
	struct bw_source_told told;
	enum out_stage stage;
	uint64_t question;
	struct bw_arena arena; /* of one batch */
	struct bw_source_batch batch;
	struct bw_told *facts;
	struct bw_weighed *weighed;
	struct bw_slice *derived; /* texts, by row; empty: none */
	struct bw_slice *became;  /* ids */
	enum out_batch kind;      /* of the batch */
	int64_t walked_us;        /* with OUT_AGAIN: the walk's place when the batch is dealt with */
	struct bw_again again;
	struct bw_place folder; /* of the log */
	int64_t scanned_us;     /* up to here other collections alone have moved */
	int64_t held_looked_us;
	int64_t erased_us;
	int64_t word_us; /* when the partner last said why he takes nothing */
	bool signs;      /* the notary was asked */
	struct witness witness[LEDGER_WITNESSES_MAX];
	size_t witness_count;
};

/* ---- what we are told ---- */

enum in_stage {
	IN_AWAY, /* until retry.at_us */
	IN_PAPERS,
	IN_KNOWN,
	IN_DOCUMENTS,
	IN_GIVING, /* our documents, to a partner who lacks some */
	IN_BEGINNING,
	IN_STREAM,
	IN_STOPPED,
};

struct in_side {
	enum in_stage stage;
	uint64_t errand;
	struct retry retry;
	bool has_asked_papers; /* in this visit */
	char told[200];        /* why the last visit failed, as the log has it */
	struct bw_gate *gate;
	struct bw_inbound_place place;
	struct bw_place folder;
	char where[BW_PASSAGE_PLACE_CHARS + 1];
	uint64_t feed;  /* id of the inbound at the clerk */
	unsigned fed;   /* pieces given to the clerk and not answered */
	bool has_ended; /* the stream, while the clerk had pieces of it: it says first what they were */
	char end_words[200];
	int64_t begun_us; /* the stream; 0: not yet */
	uint64_t word;    /* the errand that tells the partner why; 0: none */
	/* a chunk that waits for the accord's limits */
	struct bw_buf waiting;
	int64_t wait_until_us;
	unsigned owed;    /* pieces the courier may be told of once the chunk is taken */
	unsigned crashes; /* of the clerk since a chunk was taken */
	bool is_cut_off;  /* until a person has looked */
	bool is_taught;   /* the clerk knows the definitions that the partner told before */
};

/* ---- all ---- */

struct pact {
	struct ledger *ledger;
	struct bw_run_pact *plan;
	struct bw_source_peer peer;
	const struct bw_flow *flow[2]; /* BW_RUN_OUT, BW_RUN_IN */
	struct out_side out;
	struct in_side in;
	bool is_destroyed;  /* what came under it, as far as this store goes (ledger_over.c) */
	int64_t erased_us;  /* monotonic: when was last looked for what is over its time in a log that rests */
	size_t erased_keys; /* of that log, and not in the audit log yet */
};

struct stream {
	uint64_t id; /* 0: free */
	struct pact *pact;
	struct bw_passage_place place;
	bool has_room;
};

enum errand_kind { ERRAND_VISIT, ERRAND_WITNESS, ERRAND_WORD };

struct errand {
	uint64_t id; /* 0: free */
	enum errand_kind kind;
	struct pact *pact;
	size_t witness;
	unsigned status;
	struct bw_buf heard;
};

struct waiting_witness { /* whose request is at the notary */
	uint64_t id;     /* ours */
	uint64_t asker;  /* the hall's */
	struct bw_return_address from;
	bool is_taken;
};

enum { LEDGER_AT_NOTARY_MAX = 64 };

struct ledger {
	struct bw_post *post;
	struct bw_seat *seat;
	struct bw_run_plan *plan;
	struct pact *pacts;
	size_t pact_count;
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;
	struct bw_handover *handover; /* NULL: no server runs, or none was met yet */
	struct bw_sources *sources;
	int64_t store_asked_us;
	bool store_was_missed;
	int64_t second_us; /* when was last done what is done every second */
	bool has_asked_again;
	uint64_t ids;
	struct stream streams[LEDGER_STREAMS_MAX];
	struct errand errands[LEDGER_ERRANDS_MAX];
	struct waiting_witness at_notary[LEDGER_AT_NOTARY_MAX];
};

static inline const struct bw_accord *pact_accord(const struct pact *pact)
{
	return &pact->plan->entry.now->accord;
}

static inline struct bw_slice pact_id(const struct pact *pact)
{
	return pact->plan->entry.id;
}

void ledger_log(enum bw_level level, const struct pact *pact, const char *event, const char *why);

/* Later each time: half a second, then up to fifteen. */
void ledger_retry_later(struct retry *retry);

/* A line in the store's audit log; without a server it is in the journal of the log and in the process's own. */
void ledger_note(struct ledger *ledger, const char *action, struct bw_slice target, const char *words);

/* Has the parent begin again: a document has come. */
void ledger_begin_again(struct ledger *ledger);

/* The store is gone, or makes no sense. */
void ledger_lose_store(struct ledger *ledger);

struct pact *ledger_pact_of(struct ledger *ledger, struct bw_slice id);

/* ---- errands ---- */

/*
 * TOO_MANY: all the courier's ways are taken; CLOSED: there is no courier now. `type` with GET: the answer is a stream.
 */
BW_MUST_USE enum bw_err ledger_send(struct ledger *ledger, const struct errand *like, uint32_t party, bool is_post,
				    struct bw_slice target, const char *type, struct bw_slice body, uint64_t *out_id);
void ledger_drop(struct ledger *ledger, uint64_t id);
BW_MUST_USE enum bw_err ledger_courier_may_bring(struct ledger *ledger, uint64_t id);

/* ---- letters ---- */

BW_MUST_USE enum bw_err courier_head(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err courier_body(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err courier_end(void *ctx, struct bw_letter *letter);
void courier_lost(struct ledger *ledger);

BW_MUST_USE enum bw_err clerk_worked(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err clerk_begun(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err clerk_fed(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err clerk_chunk(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err clerk_evidence(void *ctx, struct bw_letter *letter);

/* ---- the parts; each is called with what concerns it ---- */

BW_MUST_USE enum bw_err out_open(struct pact *pact);
void out_close(struct pact *pact);
void out_look(struct pact *pact, int64_t now_us);
/* Opens the log, by the pact's policy. out_close. */
BW_MUST_USE enum bw_err out_open_log(struct pact *pact, struct bw_why *why);
BW_MUST_USE enum bw_err out_worked(struct pact *pact, uint64_t id, enum bw_err err, struct bw_slice answer);
void out_clerk_replaced(struct pact *pact);
/* How far the collections are read: what the last batch in the log says. */
int64_t out_place(const struct pact *pact);
/* Asks the clerk about out.batch. */
BW_MUST_USE enum bw_err out_ask_about_rows(struct pact *pact);

void again_open(struct pact *pact);
/* Once a second: has something moved on which decisions rest? */
void again_look(struct pact *pact);
/* True: a batch of what stayed is on its way. */
bool again_begin(struct pact *pact);
/* Before a batch is written: what nobody knew is remembered. */
BW_MUST_USE enum bw_err again_note(struct pact *pact, struct bw_why *why);
/* Has it come to the same as before? Then there is nothing to write. */
bool again_is_same(struct pact *pact, struct bw_slice id, const struct bw_decision *decision);
/* A batch of OUT_AGAIN or OUT_HELD is in the log; `moved`: something of it went. */
BW_MUST_USE enum bw_err again_done(struct pact *pact, bool moved, struct bw_why *why);
BW_MUST_USE enum bw_err out_ask_clerk(struct pact *pact, struct bw_slice question);
/* AGAIN: the clerk was asked for derived objects, which out_take_derived takes. */
BW_MUST_USE enum bw_err out_weigh(struct pact *pact, struct bw_slice answer);
BW_MUST_USE enum bw_err out_take_derived(struct pact *pact, struct bw_slice answer);
void out_withhold(struct bw_weighed *one, enum bw_clause clause);

void sign_look(struct pact *pact);
void sign_signed(struct pact *pact, enum bw_err err, uint64_t last_size, struct bw_slice checkpoint);
void sign_errand_ended(struct errand *errand, enum bw_err err, const char *words);
void sign_heard(struct pact *pact, uint64_t size, const struct bw_hash *root, const char *who);

BW_MUST_USE enum bw_err hall_asks(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err hall_has_room(void *ctx, struct bw_letter *letter);
BW_MUST_USE enum bw_err hall_gone(void *ctx, struct bw_letter *letter);
void hall_push_all(struct ledger *ledger, const struct pact *pact);
void hall_lost(struct ledger *ledger);
void hall_witnessed(struct ledger *ledger, uint64_t id, const struct bw_form *form);
/* "head N HASH\nended\npapers N\nlog N ROOT\n": what this node knows of an accord and of the partner's log. */
BW_MUST_USE enum bw_err hall_known(const struct pact *pact, struct bw_buf *out);

void over_look(struct pact *pact);

void visit_look(struct pact *pact);
/* The partner has come to us: he is there. */
void visit_soon(struct pact *pact);
void visit_errand_head(struct errand *errand, const char *group);
void visit_errand_ended(struct errand *errand, enum bw_err err, const char *words);
void visit_give_up(struct pact *pact, const char *event, const char *why);
/* The clerk has answered for all of a stream that has ended. */
void visit_stream_over(struct pact *pact);
/* The partner is told why what he sent is not taken: once at a time, and whether he hears it is his affair. */
void visit_tell(struct pact *pact, const char *words);
void visit_begun(struct pact *pact, enum bw_err err, struct bw_slice where);

BW_MUST_USE enum bw_err in_open(struct pact *pact);
void in_close(struct pact *pact);
void in_look(struct pact *pact);
void in_look_each_second(struct pact *pact);
BW_MUST_USE enum bw_err in_piece(struct pact *pact, struct bw_slice bytes);
void in_fed(struct pact *pact, enum bw_err err, struct bw_slice words);
void in_chunk(struct pact *pact, struct bw_slice chunk);
void in_evidence(struct pact *pact, struct bw_slice old_checkpoint, struct bw_slice new_checkpoint);
void in_clerk_replaced(struct pact *pact);
BW_MUST_USE enum bw_err in_teach(struct pact *pact);

#endif
