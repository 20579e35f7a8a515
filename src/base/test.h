/*
 * What every unit test includes: cmocka and the headers it forgets.
 */
#ifndef BW_BASE_TEST_H
#define BW_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

/* A slice over bytes written out: SLICE(1, 7, 0). */
#define SLICE(...) ((struct bw_slice){ (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) })

/* What the machine cannot run is named with its reason, which tools/test looks for. */
#define skip_because(reason)                              \
	do {                                              \
		print_message("skipped: %s\n", (reason)); \
		skip();                                   \
	} while (0)

#define assert_ok(call) assert_int_equal((call), BW_OK)
#define assert_slice(slice, text) assert_true(bw_slice_is((slice), (text)))

#endif
