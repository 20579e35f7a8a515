/*
 * Others' signature vectors (Wycheproof), where they are at hand: $BW_SHARED/vectors, or
 * `shared` beside the repository. Skipped by name where they are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/keys_private.h"
#include "sys/files.h"

enum { FILE_MAX = 8 * 1024 * 1024, FIELD_MAX = 16 * 1024 };

typedef bool (*verify_fn)(const uint8_t *public, struct bw_slice message, struct bw_slice signature);

/* This source's own place as the compiler saw it, from the build folder where tests run. */
static bool find_archive(char out[BW_PATH_BYTES])
{
	static const char name[] = "vectors/supply/wycheproof-pq-ed25519.tar.xz";
	const char *shared = getenv("BW_SHARED");
	char beside[BW_PATH_BYTES] = __FILE__;
	char *slash = strrchr(beside, '/');

	if (shared != NULL)
		return bw_path_join(out, shared, name) == BW_OK && access(out, R_OK) == 0;
	if (slash == NULL)
		return false;
	*slash = '\0';
	return snprintf(out, BW_PATH_BYTES, "%s/../../../shared/%s", beside, name) < BW_PATH_BYTES &&
	       access(out, R_OK) == 0;
}

static bool unpack(const char *member, struct bw_buf *out)
{
	char archive[BW_PATH_BYTES];
	char command[BW_PATH_BYTES + 128];
	FILE *pipe;
	bool read;

	if (!find_archive(archive))
		return false;
	(void)snprintf(command, sizeof(command), "tar -xJOf '%s' wycheproof-pq-ed25519/%s 2>/dev/null", archive,
		       member);
	pipe = popen(command, "re"); /* NOLINT(cert-env33-c): a test, and the path is quoted */
	if (pipe == NULL)
		return false;
	read = bw_file_read_fd(fileno(pipe), member, out, NULL) == BW_OK && out->len > 0;
	return pclose(pipe) == 0 && read;
}

/* The text after `"key": "`, up to the next quote; `rest` moves behind it. Enough for rows of hexadecimal. */
static bool take_text(struct bw_slice *rest, const char *key, struct bw_slice *out)
{
	char mark[40];
	const uint8_t *found;
	struct bw_slice from;

	(void)snprintf(mark, sizeof(mark), "\"%s\": \"", key);
	found = memmem(rest->ptr, rest->len, mark, strlen(mark));
	if (found == NULL)
		return false;
	from = bw_slice_from(*rest, (size_t)(found - rest->ptr) + strlen(mark));
	return bw_slice_cut(from, '"', out, rest);
}

struct score {
	unsigned right;
	unsigned wrong;
};

static void check_one(struct bw_slice test, const uint8_t *public, verify_fn verify, struct score *score)
{
	static uint8_t message[FIELD_MAX];
	static uint8_t signature[FIELD_MAX];
	struct bw_slice rest = test;
	struct bw_slice context;
	struct bw_slice msg = bw_slice_empty;
	struct bw_slice sig = bw_slice_empty;
	struct bw_slice result = bw_slice_empty;
	bool fits;

	/* our door signs without FIPS 204's context */
	if (take_text(&rest, "ctx", &context) && context.len > 0)
		return;
	rest = test;
	assert_true(take_text(&rest, "msg", &msg));
	assert_true(take_text(&rest, "sig", &sig));
	assert_true(take_text(&rest, "result", &result));
	assert_true(msg.len / 2 <= sizeof(message) && sig.len / 2 <= sizeof(signature));
	assert_int_equal(bw_hex_decode(msg, message, msg.len / 2), BW_OK);
	assert_int_equal(bw_hex_decode(sig, signature, sig.len / 2), BW_OK);
	fits = verify(public, bw_slice_of(message, msg.len / 2), bw_slice_of(signature, sig.len / 2));
	if (fits == bw_slice_is(result, "valid"))
		score->right++;
	else
		score->wrong++;
}

static void check_group(struct bw_slice line, const char *key_name, size_t key_len, verify_fn verify,
			struct score *score)
{
	static uint8_t public[FIELD_MAX];
	struct bw_slice rest = line;
	struct bw_slice key;
	const uint8_t *at;

	if (!take_text(&rest, key_name, &key) || key.len != 2 * key_len)
		return; /* the first line tells about the file; keys of another length do not fit through our door */
	assert_int_equal(bw_hex_decode(key, public, key_len), BW_OK);
	while ((at = memmem(rest.ptr, rest.len, "\"tcId\"", 6)) != NULL) {
		const struct bw_slice test = bw_slice_from(rest, (size_t)(at - rest.ptr) + 6);
		const uint8_t *next = memmem(test.ptr, test.len, "\"tcId\"", 6);

		check_one(next == NULL ? test : bw_slice_sub(test, 0, (size_t)(next - test.ptr)), public, verify,
			  score);
		rest = test;
	}
}

static void check_file(const char *member, const char *key_name, size_t key_len, verify_fn verify, unsigned at_least)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(FILE_MAX);
	struct score score = { 0 };
	struct bw_slice rest;
	struct bw_slice line;

	if (!unpack(member, &text)) {
		print_message("skipped: %s is not in ../shared/vectors\n", member);
		skip();
	}
	rest = bw_buf_slice(&text);
	while (bw_slice_cut(rest, '\n', &line, &rest))
		check_group(line, key_name, key_len, verify, &score);
	assert_int_equal(score.wrong, 0);
	assert_true(score.right >= at_least);
}

static void ed25519_agrees_with_wycheproof(void **state)
{
	(void)state;
	check_file("ed25519_test.jsonl", "pk", BW_ED25519_PUBLIC_BYTES, bw_ed25519_verify, 50);
}

static void mldsa65_agrees_with_wycheproof(void **state)
{
	(void)state;
	check_file("mldsa_65_verify_test.jsonl", "publicKey", BW_MLDSA65_PUBLIC_BYTES, bw_mldsa65_verify, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ed25519_agrees_with_wycheproof),
		cmocka_unit_test(mldsa65_agrees_with_wycheproof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
