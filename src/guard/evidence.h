/*
 * A sealed evidence folder: DATA/guard/incidents/<incident>/report-<number>/. Its manifest lists every file with size
 * and SHA-256, its seal is the node's signature (Ed25519 and ML-DSA-65, domain "guard-evidence") over the manifest's
 * bytes. So whoever changes, adds or takes away a byte is found, by name; and who knows the node's name needs nothing
 * else to check it, on any machine.
 *
 *   manifest   lines of text:
 *              breakwater guard evidence 1
 *              incident NUMBER            report NUMBER
 *              decided TIME               sealed TIME
 *              indicators-after-ms N      sealed-after-ms N     (after the verdict; "unknown" after a restart)
 *              ledger NUMBER HEX          the ledger's head then: its record and chain
 *              file HEX SIZE NAME         in the order of their names
 *   seal       "BWSL" | version u8 = 1 | public keys | signature (crypto/keys.h)
 *
 * Errors: SYNTAX (no manifest, no seal), VERSION, TOO_BIG, TOO_MANY, MEMORY; of files those of sys/files.h.
 */
#ifndef BW_GUARD_EVIDENCE_H
#define BW_GUARD_EVIDENCE_H

#include "crypto/keys.h"
#include "guard/report_form.h"
#include "sys/files.h"

enum {
	BW_EVIDENCE_FILES_MAX = 128,
	BW_EVIDENCE_KEPT = 8, /* reports of one incident: the first, and the newest */
};

#define BW_EVIDENCE_DOMAIN "guard-evidence"
#define BW_EVIDENCE_FOLDER "guard/incidents" /* below DATA */

struct bw_evidence_file {
	char name[BW_DOSSIER_COPY_BYTES];
	uint64_t size;
	uint8_t sha256[BW_SHA256_BYTES];
};

struct bw_evidence_manifest {
	uint64_t incident;
	uint32_t number;
	int64_t decided_us;
	int64_t sealed_us;
	int64_t indicators_ms; /* -1: unknown, as below */
	int64_t sealed_ms;
	struct bw_ledger_link ledger;
	size_t count;
	struct bw_evidence_file files[BW_EVIDENCE_FILES_MAX];
};

/* ---- pure ------------------------------------------------------------------------------------- */

BW_MUST_USE enum bw_err bw_evidence_manifest_add(struct bw_buf *out, const struct bw_evidence_manifest *manifest);
/* Everything must be exactly as bw_evidence_manifest_add writes it; its names rise and are fine (report_form.h). */
BW_MUST_USE enum bw_err bw_evidence_manifest_parse(struct bw_slice text, struct bw_evidence_manifest *out);

/* Signs a manifest's text; what is no manifest is refused with SYNTAX. */
BW_MUST_USE enum bw_err bw_evidence_seal(const struct bw_node_keys *keys, struct bw_slice manifest, struct bw_buf *out);
/* SIGNATURE: it does not verify. `out_node` is whose it is. */
BW_MUST_USE enum bw_err bw_evidence_seal_check(struct bw_slice seal, struct bw_slice manifest,
					       struct bw_node_public *out_node);

/* ---- files ------------------------------------------------------------------------------------- */

/* "DATA/guard/incidents/<incident>", and "…/report-<number>". */
BW_MUST_USE enum bw_err bw_evidence_place(const char *data, uint64_t incident, char out[BW_PATH_BYTES]);
BW_MUST_USE enum bw_err bw_evidence_report(const char *data, uint64_t incident, uint32_t number,
					   char out[BW_PATH_BYTES]);

/* The newest report's number; 0: none. And all of them, rising. */
uint32_t bw_evidence_newest(const char *data, uint64_t incident);
size_t bw_evidence_reports(const char *data, uint64_t incident, uint32_t *out, size_t max);

/* Makes the incident's folder when missing and writes one file into it (the first indicators), atomically. */
BW_MUST_USE enum bw_err bw_evidence_first(const char *data, uint64_t incident, const char *name, struct bw_slice bytes,
					  struct bw_why *why);

/*
 * Writes the pieces into a folder that does not count yet, and lists them in `manifest` (whose other fields are the
 * caller's). EXISTS: there is such a report. What an earlier, cut-off writing left is removed first.
 */
BW_MUST_USE enum bw_err bw_evidence_write(const char *data, struct bw_slice pieces,
					  struct bw_evidence_manifest *manifest, struct bw_why *why);
/* Adds manifest and seal (empty: none), brings all of it to disk and gives the folder its name. */
BW_MUST_USE enum bw_err bw_evidence_finish(const char *data, const struct bw_evidence_manifest *manifest,
					   struct bw_slice manifest_text, struct bw_slice seal, struct bw_why *why);

/*
 * A report that was finished without a seal, the first above `after`: its manifest, when every file is still as that
 * lists it. NOT_FOUND: there is none. CORRUPT: `why` names the file; `out->number` is its report's.
 */
BW_MUST_USE enum bw_err bw_evidence_unsealed(const char *data, uint64_t incident, uint32_t after, struct bw_buf *text,
					     struct bw_evidence_manifest *out, struct bw_why *why);
bool bw_evidence_has_seal(const char *data, uint64_t incident, uint32_t number);
/* Its seal, on disk. EXISTS: it has one. */
BW_MUST_USE enum bw_err bw_evidence_seal_add(const char *data, uint64_t incident, uint32_t number, struct bw_slice seal,
					     struct bw_why *why);

/* Removes reports between the first and the newest, so that BW_EVIDENCE_KEPT stay. */
void bw_evidence_thin(const char *data, uint64_t incident);

/* Bytes of an incident's folder; and its end. */
uint64_t bw_evidence_bytes(const char *data, uint64_t incident);
void bw_evidence_remove(const char *data, uint64_t incident);

/* Every incident that has a folder, in no order. */
BW_MUST_USE enum bw_err bw_evidence_each(const char *data, enum bw_err (*see)(void *context, uint64_t incident),
					 void *context);

/*
 * Checks one report: the seal over the manifest, every file it lists, and that there is none it does not list. OK: as
 * it was sealed, by `out_node`. SIGNATURE: the seal does not fit. MISSING: no seal. CORRUPT: `why` names the file.
 */
BW_MUST_USE enum bw_err bw_evidence_verify(const char *data, uint64_t incident, uint32_t number,
					   struct bw_evidence_manifest *out, struct bw_node_public *out_node,
					   struct bw_why *why);

#endif
