/*
 * One list of everything that can go wrong, name and words on a row, so that
 * they cannot drift apart. A function that can fail returns enum bw_err, is
 * BW_MUST_USE, and touches its outputs only on success.
 */
#ifndef BW_BASE_ERR_H
#define BW_BASE_ERR_H

#include "base/macros.h"

#define BW_ERR_ROWS(X)                                            \
	X(TRUNCATED, "input ends too early")                      \
	X(VERSION, "version not supported")                       \
	X(TOO_BIG, "larger than the limit")                       \
	X(TOO_DEEP, "nested deeper than the limit")               \
	X(TOO_MANY, "more items than the limit")                  \
	X(OVERFLOW, "number out of range")                        \
	X(SYNTAX, "not well-formed")                              \
	X(UTF8, "not valid UTF-8")                                \
	X(DUPLICATE, "appears twice")                             \
	X(TYPE, "of the wrong type")                              \
	X(RANGE, "outside the allowed range")                     \
	X(MISSING, "missing")                                     \
	X(NOT_FOUND, "not found")                                 \
	X(EXISTS, "already exists")                               \
	X(DENIED, "permission denied")                            \
	X(UNAUTHENTICATED, "not authenticated")                   \
	X(CONFLICT, "conflicts with what is already there")       \
	X(REVOKED, "revoked: no later version is accepted")       \
	X(ERASED, "erased: it must not come back")                \
	X(BUSY, "busy: in use by another process")                \
	X(TIMEOUT, "took longer than allowed")                    \
	X(CLOSED, "the other side closed the connection")         \
	X(AGAIN, "not ready yet")                                 \
	X(MEMORY, "out of memory")                                \
	X(DISK_FULL, "no space left on the device")               \
	X(READ_ONLY, "the file system is read-only")              \
	X(IO, "input/output error")                               \
	X(CORRUPT, "damaged: checksum or structure does not fit") \
	X(SCHEMA, "written by a newer Breakwater")                \
	X(SIGNATURE, "signature does not verify")                 \
	X(CRYPTO, "the cryptographic library refused")            \
	X(LOCKED, "locked: the passphrase is needed")             \
	X(SANDBOX, "the kernel did not grant the sandbox")        \
	X(PROTOCOL, "the other side broke the protocol")          \
	X(UNSUPPORTED, "not supported")                           \
	X(USAGE, "wrong use")                                     \
	X(SYSTEM, "the system call failed")                       \
	X(PROOF, "the proof does not verify")                     \
	X(SPLIT_VIEW, "the log has signed two histories")         \
	X(ROLLBACK, "the log went back to an earlier size")       \
	X(CUT_SHORT, "the log lacks entries that it signed for")  \
	X(EDITED, "content differs from what the log signed")

enum bw_err {
	BW_OK = 0,
#define X(name, words) BW_ERR_##name,
	BW_ERR_ROWS(X)
#undef X
		BW_ERR_COUNT
};

/* Plain words for an error; a static string, never NULL. */
const char *bw_err_text(enum bw_err err);

/* The row's name, e.g. "TRUNCATED"; stable, for machines. */
const char *bw_err_name(enum bw_err err);

/* The closest row for an errno value (ENOSPC, EROFS, EACCES ...). */
enum bw_err bw_err_from_errno(int saved_errno);

/* The errno that last had no row of its own in this thread, so became SYSTEM; 0: none did. For sentences only. */
int bw_err_last_errno(void);

/* Passes an error up. */
#define BW_TRY(call)                                   \
	do {                                           \
		const enum bw_err bw_try_err = (call); \
		if (BW_UNLIKELY(bw_try_err != BW_OK))  \
			return bw_try_err;             \
	} while (0)

/* Refuses input: BW_NEED(length <= MAX, TOO_BIG). */
#define BW_NEED(claim, row)                  \
	do {                                 \
		if (BW_UNLIKELY(!(claim)))   \
			return BW_ERR_##row; \
	} while (0)

/*
 * Drops an error where nothing better can be done with it; say why beside it.
 * (A cast to void does not silence gcc on a must-use function.)
 */
static inline void bw_err_drop(enum bw_err err)
{
	(void)err;
}

/*
 * Where and why a parser refused, for people. `reason` is a static string;
 * `offset` counts bytes from the start of what the parser was given.
 */
struct bw_fault {
	size_t offset;
	const char *reason;
};

/* Fills `fault` when there is one and returns `err`, for `return bw_fault(...)`. */
enum bw_err bw_fault_set(struct bw_fault *fault, enum bw_err err, size_t offset, const char *reason);

#endif
