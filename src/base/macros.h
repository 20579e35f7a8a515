/*
 * The small dialect the whole house speaks. What C23 will rename is wrapped
 * here, so that a newer compiler changes one file.
 */
#ifndef BW_BASE_MACROS_H
#define BW_BASE_MACROS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BW_MUST_USE __attribute__((warn_unused_result))
#define BW_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define BW_NORETURN __attribute__((noreturn))
#define BW_UNUSED __attribute__((unused))

/* Calls `fn(&variable)` when the variable leaves its scope. */
#define BW_CLEANUP(fn) __attribute__((cleanup(fn)))

#define BW_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BW_LIKELY(x) __builtin_expect(!!(x), 1)
#define BW_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define BW_KIB ((size_t)1024)
#define BW_MIB (1024 * BW_KIB)
#define BW_GIB (1024 * BW_MIB)

#endif
