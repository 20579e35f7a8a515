/*
 * The check of one STIX object: one parse, every MUST as an error, every SHOULD
 * as a warning, and the record that the store keeps (intel/record.h).
 *
 * Pure and linear in the text (times log n for names and look-ups). Nothing is
 * allocated per object once the checker's memory has grown to the largest one seen.
 */
#ifndef BW_INTEL_OBJECT_H
#define BW_INTEL_OBJECT_H

#include "intel/record.h"
#include "intel/report.h"

enum bw_check_flags {
	BW_CHECK_WARNINGS = 1, /* SHOULDs too */
	BW_CHECK_IDS = 2,      /* recompute deterministic ids of SCOs (a note when they differ) */
	BW_CHECK_PREFIXES = 4, /* custom names are judged by their prefix, not by extension definitions */
};

/* What the object came in: some rules depend on it. */
enum bw_wrapping {
	BW_WRAP_NONE,      /* on its own, in a list, in a TAXII envelope */
	BW_WRAP_BUNDLE,    /* in a 2.1 bundle: an object without spec_version is a 2.0 object */
	BW_WRAP_BUNDLE_20, /* in a bundle that says spec_version 2.0 */
};

struct bw_checker;

BW_MUST_USE enum bw_err bw_checker_new(unsigned flags, struct bw_checker **out);
void bw_checker_free(struct bw_checker *checker);
void bw_checker_wrap(struct bw_checker *checker, enum bw_wrapping wrapping);

/*
 * Checks one object. `report` is reset first; the object is acceptable when
 * report->errors is 0 afterwards, and only then `out_record` (may be NULL) is
 * filled. The record borrows from `json` and from the checker until its next call.
 * Fails with MEMORY or CRYPTO only: what is wrong with the object is in the report.
 */
BW_MUST_USE enum bw_err bw_object_check(struct bw_checker *checker, struct bw_slice json, struct bw_report *report,
					struct bw_record *out_record);

/*
 * The same for a bundle whose objects were taken out on the way (codec/split.h):
 * `frame` is the bundle with an empty list of objects, `objects` how many there were.
 */
BW_MUST_USE enum bw_err bw_bundle_check(struct bw_checker *checker, struct bw_slice frame, size_t objects,
					struct bw_report *report);

/* The id of the last checked object, as far as it had one; borrowed, may be empty. */
struct bw_slice bw_checker_id(const struct bw_checker *checker);

/* `modified` of the last checked object; borrowed, empty when there was none. */
struct bw_slice bw_checker_modified(const struct bw_checker *checker);

#endif
