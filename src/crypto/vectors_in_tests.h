/* For tests: others' vectors, where they are at hand: $BW_SHARED, or `shared` beside the repository. */
#ifndef BW_CRYPTO_VECTORS_IN_TESTS_H
#define BW_CRYPTO_VECTORS_IN_TESTS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/files.h"

/* One member of an archive below shared/vectors/supply; false where it is not. */
static inline bool read_vectors(const char *archive, const char *member, struct bw_buf *out)
{
	const char *shared = getenv("BW_SHARED");
	char beside[BW_PATH_BYTES] = __FILE__;
	char command[2 * BW_PATH_BYTES];
	char *slash = strrchr(beside, '/');
	FILE *pipe;
	bool is_read;

	if (shared == NULL && slash != NULL)
		*slash = '\0';
	(void)snprintf(command, sizeof(command), "tar -xJOf '%s%s/vectors/supply/%s' %s 2>/dev/null",
		       shared != NULL ? shared : beside, shared != NULL ? "" : "/../../../shared", archive, member);
	pipe = popen(command, "re"); /* NOLINT(cert-env33-c): a test, and the path is quoted */
	if (pipe == NULL)
		return false;
	is_read = bw_file_read_fd(fileno(pipe), member, out, NULL) == BW_OK && out->len > 0;
	return pclose(pipe) == 0 && is_read;
}

/* The text after `"key": "`, up to the next quote. Enough for rows of hexadecimal and base64. */
static inline bool find_text(struct bw_slice in, const char *key, struct bw_slice *out)
{
	char mark[40];
	const uint8_t *found;
	struct bw_slice rest;

	(void)snprintf(mark, sizeof(mark), "\"%s\": \"", key);
	found = memmem(in.ptr, in.len, mark, strlen(mark));
	if (found == NULL)
		return false;
	return bw_slice_cut(bw_slice_from(in, (size_t)(found - in.ptr) + strlen(mark)), '"', out, &rest);
}

#endif
