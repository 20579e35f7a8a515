/*
 * The ledger's way into the store: the keeper's socket for partners (DATA/partners). It knows few verbs, and none by
 * which what this node made could be changed:
 *
 *   import from a partner   a batch with its provenance, in one transaction, into that partner's inbound collection
 *   accord over             what came from a partner under an accord that asks for it is destroyed
 *   note                    a line of the audit log; its action begins with "accord-"
 *   memory                  the catalogue and the bulletin, for reading
 *
 * `serve` must run. All calls wait for the answer; what was answered OK is on disk. CLOSED, TIMEOUT: the server has
 * gone; close, and open again. Whether what was on its way then arrived is not known: handing it
 * over again is safe, the store knows it as duplicates.
 */
#ifndef BW_ACCORD_HANDOVER_H
#define BW_ACCORD_HANDOVER_H

#include "desk/delivery.h"
#include "sys/why.h"

struct bw_handover;

struct bw_handover_outcome {
	uint64_t added, duplicate, conflict, revoked, erased;
	uint64_t skipped; /* rows of the delivery that said so */
	char collection[BW_UUID_TEXT];
};

/* NOT_FOUND: no server runs on this data folder. DENIED: it belongs to another account. */
BW_MUST_USE enum bw_err bw_handover_open(const char *data, struct bw_handover **out, struct bw_why *why);

/* For a worker that has given up its files: connected before, by its parent. Owns `fd`, also when it fails. */
BW_MUST_USE enum bw_err bw_handover_over(int fd, struct bw_handover **out, struct bw_why *why);
void bw_handover_close(struct bw_handover *handover); /* NULL allowed */

/* Memory files of the keeper, for bw_sources_open. Borrowed. They are those of the server that was met at open. */
int bw_handover_catalogue_fd(const struct bw_handover *handover);
int bw_handover_bulletin_fd(const struct bw_handover *handover);

/* Still the same server? It asks nothing; cheap. False: close, open, and open the source anew. */
bool bw_handover_is_alive(struct bw_handover *handover);

/*
 * A delivery (desk/delivery.h) of what `node` sent. `label`: what the partner is called here; it becomes the title of
 * the inbound collection when that is made. PROTOCOL: delivery and batch do not fit each other; DISK_FULL, READ_ONLY,
 * IO …
 */
BW_MUST_USE enum bw_err bw_handover_import(struct bw_handover *handover, const uint8_t node[BW_SHA256_BYTES],
					   struct bw_slice label, struct bw_slice delivery,
					   struct bw_handover_outcome *out, struct bw_why *why);

/*
 * The accord has ended and says so of what was received (bw_accord.destroy_at_end): what came from `node` under the
 * version whose text has this hash is erased within seconds, so many object versions. Once for each version; again
 * does no harm.
 */
BW_MUST_USE enum bw_err bw_handover_accord_over(struct bw_handover *handover, const uint8_t node[BW_SHA256_BYTES],
						const uint8_t accord[BW_SHA256_BYTES], uint64_t *out_count,
						struct bw_why *why);

/* `action` begins with "accord-". The note is cut at 150 bytes. */
BW_MUST_USE enum bw_err bw_handover_note(struct bw_handover *handover, const char *action, struct bw_slice target,
					 struct bw_slice note, struct bw_why *why);

#endif
