/*
 * What an operator may have done to the store, as verbs with fields: the
 * keeper carries them out for the desk (desk/desk.h) while a server runs, and
 * the commands carry them out themselves while none does. Each verb changes the open transaction and
 * writes its line to the audit log in the same; the caller commits.
 */
#ifndef BW_DESK_OFFICE_H
#define BW_DESK_OFFICE_H

#include "desk/form.h"
#include "store/store.h"
#include "sys/why.h"

/* X(symbol, name, fields after the verb) */
#define BW_OFFICE_ROWS(X)                                                                         \
	X(COLLECTION_ADD, "collection-add", "title t, id t (or empty), alias t, description t")   \
	X(COLLECTION_REMOVE, "collection-remove", "name t")                                       \
	X(ACCOUNT_ADD, "account-add", "name t, password t (PHC or empty), admin n")               \
	X(ACCOUNT_REMOVE, "account-remove", "name t")                                             \
	X(ACCOUNT_PASSWORD, "account-password", "name t, password t (PHC)")                       \
	X(ACCOUNT_DISABLE, "account-disable", "name t, disabled n")                               \
	X(ACCOUNT_KEY, "account-key", "name t, hash t, label t")                                  \
	X(ACCOUNT_CERT, "account-cert", "name t, fingerprint t, label t")                         \
	X(ACCOUNT_REVOKE, "account-revoke", "name t")                                             \
	X(GRANT, "account-grant", "account t, collection t, grant n")                             \
	X(IMPORT, "import", "collection t, total n, failures l; a sealed batch comes with it")    \
	X(DELETE, "delete", "collection t, object t")                                             \
	X(ERASE, "erase", "object t, reason t")                                                   \
	X(COMPACT, "compact", "")                                                                 \
	X(BACKUP, "backup", "folder t")                                                           \
	X(NOTE, "note", "action t, target t, note t: a line for the audit log and nothing else")  \
	X(MEMORY, "memory", "answers with the catalogue's memory file")                           \
	X(BULLETIN, "bulletin", "answers with the bulletin's memory file")                        \
	X(COLLECTION_MARK, "collection-mark", "name t, id of a marking definition t (or empty)")  \
	X(PARTNER, "import-from-partner", "node t (32 bytes), label t; a delivery comes with it") \
	X(ACCORD_OVER, "accord-over", "node t, hash of the accord's text t: what came under it is to go")

enum bw_office_verb {
#define X(symbol, name, fields) BW_OFFICE_##symbol,
	BW_OFFICE_ROWS(X)
#undef X
		BW_OFFICE_VERB_COUNT
};

enum {
	BW_OFFICE_FIELDS = 5, /* verb n, then four; unused ones are empty */
	/* what an import's answer says by name of one batch; each id and each reason cut at so many bytes */
	BW_OFFICE_REFUSED_MAX = 20,
	BW_OFFICE_REFUSED_BYTES = 512,
	BW_OFFICE_IMPORT_FIELDS = 8, /* total, added, duplicate, conflict, revoked, erased, invalid, refused l */
	BW_OFFICE_IMPORT_BYTES = 32768,
	BW_OFFICE_PARTNER_FIELDS = 7, /* added, duplicate, conflict, revoked, erased, not taken, collection t */
};

const char *bw_office_name(enum bw_office_verb verb);

/*
 * Who asks, as the audit log names them. Operators may ask for everything but what only the ledger has
 * to give; the ledger, which reads what partners send, for no more than ARCHITECTURE.md says.
 */
enum bw_office_who { BW_OFFICE_OPERATOR, BW_OFFICE_LEDGER };

/* Whether whoever that is may ask for it; a note of the ledger has an action that begins with "accord-". */
bool bw_office_may(enum bw_office_who who, const struct bw_form *form);

/*
 * Carries a verb out. `result` gets the verb's answer: the id of a new
 * collection, BW_OFFICE_IMPORT_FIELDS of an import, a count. `why` says what failed.
 * `fd` (-1: none) stays the caller's. DENIED: bw_office_may says no.
 */
BW_MUST_USE enum bw_err bw_office_do(struct bw_store *store, enum bw_office_who who, const struct bw_form *form, int fd,
				     struct bw_buf *result, struct bw_why *why);

/*
 * A collection as people name it: by its id, its alias, or its title when no
 * other has the same. NOT_FOUND, CONFLICT (several have that title), and the store's.
 */
BW_MUST_USE enum bw_err bw_office_collection(struct bw_store *store, struct bw_slice name, struct bw_collection *out,
					     struct bw_why *why);

/* ---- from a partner ----------------------------------------------------- */

struct bw_partner_tally {
	uint64_t added, duplicate, conflict, revoked, erased;
	uint64_t skipped; /* which the delivery said not to take */
	struct bw_collection collection;
};

/*
 * Puts a sealed delivery (desk/delivery.h) of what `node` sent into its inbound collection, with where each came from,
 * in the open transaction. PROTOCOL: it is none, or its rows and its batch do not fit each other.
 */
BW_MUST_USE enum bw_err bw_office_partner(struct bw_store *store, struct bw_slice node, struct bw_slice label,
					  int delivery_fd, struct bw_partner_tally *out);

/* ---- putting a batch: shared by POST and import ------------------------ */

/* One line of a status resource (TAXII 2.1 §4.3). */
struct bw_status_line {
	struct bw_slice id;
	struct bw_slice version; /* empty: unknown */
	struct bw_slice message; /* empty: none */
};

struct bw_put_tally {
	uint64_t total; /* objects in the body, bad ones too */
	uint64_t added, duplicate, conflict, revoked, erased, invalid;
	struct bw_status_line *successes; /* listed, in the arena */
	size_t success_count;
	struct bw_status_line *failures;
	size_t failure_count;
};

/*
 * Puts every record of a sealed batch, in the open transaction. `failures` is
 * the reader's list (id, message, id, message …). Strings in `out` live in the arena.
 * PROTOCOL: the batch is not one.
 */
BW_MUST_USE enum bw_err bw_office_put(struct bw_store *store, uint16_t collection, int batch_fd, uint64_t total,
				      struct bw_slice failures, struct bw_arena *arena, struct bw_put_tally *out);

#endif
