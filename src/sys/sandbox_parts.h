/*
 * The two halves of bw_sandbox_enter; private to the sandbox files.
 */
#ifndef BW_SYS_SANDBOX_PARTS_H
#define BW_SYS_SANDBOX_PARTS_H

#include "sys/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define BW_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BW_SANITIZED 1
#endif
#endif
#ifndef BW_SANITIZED
#define BW_SANITIZED 0
#endif

/* The kernel's Landlock ABI, 0 when it has none. */
int bw_landlock_abi(void);

/* Needs no_new_privs. SANDBOX, NOT_FOUND. */
BW_MUST_USE enum bw_err bw_landlock_enter(int abi, unsigned promises, const struct bw_sandbox_paths *paths,
					  struct bw_why *why);

bool bw_seccomp_exists(void);

/* `opens` says whether read_also asks for opening files. UNSUPPORTED when the kernel has no filters; SANDBOX. */
BW_MUST_USE enum bw_err bw_seccomp_enter(unsigned promises, bool opens, struct bw_why *why);

#endif
