/*
 * Hostile JSON in, a batch of checked records out: what the reader does with a
 * POST and what `import` does with a file, in a process that holds nothing.
 */
#ifndef BW_DESK_INTAKE_H
#define BW_DESK_INTAKE_H

#include "intel/object.h"

enum {
	BW_INTAKE_FAILURES_MAX = 2000, /* listed with a message; the rest is counted */
	/* of one envelope: the smallest valid objects fill 64 MiB with about 300,000; millions of "{}" would only
	   keep the reader from others */
	BW_INTAKE_OBJECTS_MAX = 300000,
};

struct bw_intake {
	struct bw_checker *checker;
	struct bw_report report;
	struct bw_buf batch;    /* intel/batch.h */
	struct bw_buf failures; /* list: id, version, message, id … (desk/form.h) */
	size_t failures_listed;
	uint64_t total; /* objects seen */
	uint64_t valid; /* in the batch */
};

/* MEMORY. `batch_max`: bytes of one batch. */
BW_MUST_USE enum bw_err bw_intake_init(struct bw_intake *intake, size_t batch_max);
void bw_intake_release(struct bw_intake *intake);

/* Empties batch, failures and counts for the next body or the next part of a file. */
BW_MUST_USE enum bw_err bw_intake_reset(struct bw_intake *intake);

/*
 * Checks one object's text and adds it to the batch, or to the failures. TOO_BIG
 * when the batch is full (the object is not counted: hand the batch on, reset, call again); MEMORY, CRYPTO.
 */
BW_MUST_USE enum bw_err bw_intake_object(struct bw_intake *intake, struct bw_slice json);

/* The same for an object that could not even be cut out; `reason` is static. */
BW_MUST_USE enum bw_err bw_intake_refuse(struct bw_intake *intake, const char *reason);

/*
 * A TAXII envelope (TAXII 2.1 §3.7): every item of "objects". SYNTAX and the
 * like with `fault` when the envelope itself is bad; MISSING when it has no objects.
 */
BW_MUST_USE enum bw_err bw_intake_envelope(struct bw_intake *intake, struct bw_slice body, struct bw_fault *fault);

#endif
