/* Lets the tests of this room use the made-up objects of bench/. */
#ifndef BW_STORE_GENERATE_IN_TESTS_H
#define BW_STORE_GENERATE_IN_TESTS_H

#include "bench/generate.h"

#endif
