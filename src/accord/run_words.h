/*
 * What the workers of `accord run` say to one another, as forms (desk/form.h). Numbers are n, texts and bytes t.
 * Whatever is longer than BW_RUN_INLINE_MAX travels in sealed memory beside an empty field.
 */
#ifndef BW_ACCORD_RUN_WORDS_H
#define BW_ACCORD_RUN_WORDS_H

#include "crypto/hash.h"
#include "desk/form.h"
#include "net/address.h"
#include "sys/memfile.h"

enum {
	BW_RUN_INLINE_MAX = 256 * 1024,
	BW_RUN_BODY_MAX = 128 * 1024 * 1024, /* of what travels in memory */
	BW_RUN_ACCORDS_MAX = 64,             /* in force; two clerks each, of BW_CREW_COPIES_MAX */
	BW_RUN_PEERS_MAX = 256,
	BW_RUN_PARTIES_MAX = 2 * BW_RUN_PEERS_MAX, /* peers and operators of witnesses */
	BW_RUN_LIST_MAX = 960 * 1024,              /* all of them in one message to a worker */
	BW_RUN_TARGET_MAX = 300,
	BW_RUN_TYPE_MAX = 120,
	BW_HALL_WORD_MAX = 500,
};

/* The parent's words to workers. */
enum {
	BW_RUN_TELL_KEYS = 1, /* notary: log and witness seeds t, name t, lines of keys to witness l */
	BW_RUN_TELL_TLS,      /* hall, courier: certificate t, key t, parties l (bw_run_party) */
	BW_RUN_TELL_BEGIN,    /* hall: all are ready, accept */
	BW_RUN_ASK_AGAIN,     /* ledger to the parent: documents have changed, begin again */
	BW_RUN_ASK_STORE,     /* ledger to the parent: a line to the store; the answer's descriptor, if a server runs */
};

/* hall and ledger */
enum {
	BW_HALL_ASKS = 10, /* id n, peer n (or BW_RUN_NOBODY), verb n, accord t, text t, body t|fd */
	BW_HALL_HAS_ROOM,  /* id n: the stream takes more */
	BW_HALL_GONE,      /* id n: who heard the stream has left */
	BW_HALL_ANSWER,    /* id n, status n, type t, keep n (seconds caches may keep it), body t|fd */
	BW_HALL_STREAM,    /* id n, type t: from here on a stream */
	BW_HALL_PUSH,      /* id n, body t|fd */
	BW_HALL_FINISH,    /* id n */
	BW_FIELDS_HALL_ASKS = 6,
	BW_FIELDS_HALL_ANSWER = 5,
};

/* courier and ledger */
enum {
	BW_COURIER_GO = 20, /* id n, party n, verb n (enum bw_errand_verb), target t, type t, body t|fd */
	BW_COURIER_MORE,    /* id n: one more piece may come */
	BW_COURIER_DROP,    /* id n */
	BW_COURIER_HEAD,    /* id n, status n, group t: what TLS agreed on */
	BW_COURIER_BODY,    /* id n, body t|fd */
	BW_COURIER_END,     /* id n, error n, words t */
	BW_FIELDS_COURIER_GO = 6,
};

/* notary and ledger */
enum {
	BW_NOTARY_SIGN = 30, /* id n, origin t, old size n, size n, root t, proof t */
	BW_NOTARY_WITNESS,   /* id n, body of add-checkpoint t */
	BW_NOTARY_SIGNED,    /* id n, error n, last size n, checkpoint t */
	BW_NOTARY_COSIGNED,  /* id n, status n, error n, is size n, body t */
	BW_FIELDS_NOTARY_SIGN = 6,
	BW_FIELDS_NOTARY_SIGNED = 4,
	BW_FIELDS_NOTARY_COSIGNED = 5,
};

/* clerk and ledger */
enum {
	BW_CLERK_WORK = 40, /* id n, question t|fd (accord/facts.h) */
	BW_CLERK_WORKED,    /* id n, error n, answer t|fd */
	BW_CLERK_BEGIN,     /* id n, origin t, policy t (tlog-policy), state t: an inbound */
	BW_CLERK_FEED,      /* id n, bytes t|fd */
	BW_CLERK_FED,       /* id n, error n, words t: all of it is taken; an error ends the inbound */
	BW_CLERK_BEGUN,     /* id n, error n, place t (bw_passage_place_format) */
	BW_CLERK_CHUNK,     /* id n, chunk t|fd (accord/chunk.h) */
	BW_CLERK_EVIDENCE,  /* id n, two checkpoints t t that cannot both be of one log */
	BW_FIELDS_CLERK_BEGIN = 4,
};

/* What a partner, a witness's client or a cache asks the hall for. */
enum bw_hall_verb {
	BW_HALL_PAPERS,         /* this node's papers */
	BW_HALL_DOCUMENTS,      /* GET: of that accord; `text` empty */
	BW_HALL_DOCUMENTS_TAKE, /* POST: the partner's */
	BW_HALL_PASSAGE,        /* `text`: the place */
	BW_HALL_WITNESS,        /* POST add-checkpoint */
	BW_HALL_PUBLIC,         /* of that accord's log `text`: "checkpoint" or a tile's path */
	BW_HALL_KNOWN,          /* what size of the partner's log of that accord this node has verified */
	BW_HALL_WORD,           /* POST: why the partner takes nothing more of what we tell, or not all */
	BW_HALL_VERBS
};

enum bw_errand_verb { BW_ERRAND_GET, BW_ERRAND_POST, BW_ERRAND_VERBS };

#define BW_RUN_NOBODY UINT32_MAX

/* Whom hall and courier know, by number: peers, then operators of witnesses. Each is a form. */
struct bw_run_party {
	uint8_t pin[BW_SHA256_BYTES]; /* certificate; of operators zeros: their signatures are what counts */
	bool is_peer;
	bool classical; /* an accord with it allows TLS without X25519MLKEM768 */
	bool tls;       /* https */
	char host[254]; /* empty: it only comes to us */
	char authority[264];
	char prefix[BW_RUN_TARGET_MAX + 1]; /* of its paths, without the last slash */
	size_t address_count;
	struct bw_net_address addresses[8];
};

BW_MUST_USE enum bw_err bw_run_party_add(struct bw_buf *out, const struct bw_run_party *party);
BW_MUST_USE enum bw_err bw_run_party_take(struct bw_slice form, struct bw_run_party *out);

/* Puts `body` behind the form, or into sealed memory when it is long; the memory's descriptor then goes along. */
BW_MUST_USE enum bw_err bw_run_add_body(struct bw_buf *form, struct bw_slice body, struct bw_memfile *memory);

/* The other end: the field, or what came with it. `mapped` is released by the caller. PROTOCOL, TYPE, TOO_BIG. */
BW_MUST_USE enum bw_err bw_run_body(struct bw_slice field, int fd, struct bw_mapped *mapped, struct bw_slice *out);

#endif
