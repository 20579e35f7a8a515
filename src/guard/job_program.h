/* The program of a signed job: only what nobody but root can change is worth a signature. */
#ifndef BW_GUARD_JOB_PROGRAM_H
#define BW_GUARD_JOB_PROGRAM_H

#include "crypto/hash.h"
#include "sys/why.h"

/*
 * SHA-256 of the file at `path` (absolute, real). DENIED, with the sentence, when it or a folder above it can be
 * changed by anybody but root, or when it cannot be run; TYPE when it is no plain file.
 */
BW_MUST_USE enum bw_err bw_job_program_check(const char *path, uint8_t out[BW_SHA256_BYTES], struct bw_why *why);

#endif
