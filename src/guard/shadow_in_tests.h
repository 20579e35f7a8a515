/* A shadow store in a temporary folder, for the tests of what writes, mends and rebuilds one. */
#ifndef BW_GUARD_SHADOW_IN_TESTS_H
#define BW_GUARD_SHADOW_IN_TESTS_H

#include "base/test.h"
#include "guard/shadow.h"

/* A volume whose "mount" is a folder of ours, so that a test writes nowhere else; its store is open for writing. */
struct fixture {
	char dir[64];
	struct bw_volume volume;
	struct bw_shadow *shadow;
	uint32_t folder; /* of what is taken */
};

struct fixture *shadow_fixture(const char *folder); /* below the mount */
void shadow_fixture_free(struct fixture *f);

/* For cmocka: with the mount itself as folder; at the end everything in the store must verify. */
int shadow_setup(void **state);
int shadow_teardown(void **state);

void shadow_reopen(struct fixture *f);
int shadow_file(struct fixture *f, const char *name, const void *bytes, size_t len); /* open */
struct bw_taken shadow_take(struct fixture *f, int fd, uint64_t ino);

#endif
