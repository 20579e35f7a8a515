/* Others' Merkle proofs (transparency-dev/merkle), where they are at hand. */
#include "base/num.h"
#include "base/test.h"
#include "codec/base64.h"
#include "crypto/vectors_in_tests.h"
#include "tlog/merkle.h"

static struct bw_slice lines;
static struct bw_buf text = BW_BUF_INIT(8 * 1024 * 1024);

static int read_all(void **state)
{
	(void)state;
	if (read_vectors("merkle.tar.xz", "merkle/cases.jsonl", &text))
		lines = bw_buf_slice(&text);
	return 0;
}

static int forget_all(void **state)
{
	(void)state;
	bw_buf_release(&text);
	return 0;
}

/* 0 where there is none */
static uint64_t number(struct bw_slice line, const char *name)
{
	char mark[40];
	const uint8_t *at;
	struct bw_slice digits;
	uint64_t value;

	(void)snprintf(mark, sizeof(mark), "\"%s\": ", name);
	at = memmem(line.ptr, line.len, mark, strlen(mark));
	if (at == NULL)
		return 0;
	digits = bw_slice_from(line, (size_t)(at - line.ptr) + strlen(mark));
	digits.len = strspn((const char *)digits.ptr, "0123456789");
	assert_ok(bw_parse_u64(digits, &value));
	return value;
}

/* How many bytes it had; 0 for none, and for too many. */
static size_t decode(struct bw_slice base64, struct bw_hash *out)
{
	uint8_t bytes[96];
	size_t len;

	*out = (struct bw_hash){ 0 };
	if (bw_base64_decode(base64, bytes, sizeof(bytes), &len) != BW_OK || len > sizeof(out->bytes))
		return 0;
	memcpy(out->bytes, bytes, len);
	return len;
}

/* Some roots are words ("don't care"), which stand for any hash; an empty one is none. */
static bool hash(struct bw_slice line, const char *name, struct bw_hash *out)
{
	struct bw_slice base64;

	return find_text(line, name, &base64) && decode(base64, out) > 0;
}

static bool proof_of(struct bw_slice line, struct bw_proof *out)
{
	const uint8_t *at = memmem(line.ptr, line.len, "\"proof\": [", 10);
	struct bw_slice rest;
	struct bw_slice list;
	struct bw_slice one;

	out->count = 0;
	if (at == NULL)
		return true;
	assert_true(bw_slice_cut(bw_slice_from(line, (size_t)(at - line.ptr) + 10), ']', &list, &rest));
	while (bw_slice_cut(list, '"', &one, &list) && bw_slice_cut(list, '"', &one, &list)) {
		if (out->count == BW_PROOF_HASHES_MAX || decode(one, &out->hashes[out->count++]) != BW_SHA256_BYTES)
			return false;
	}
	return true;
}

static enum bw_err check(const char *kind, struct bw_slice line)
{
	struct bw_hash a;
	struct bw_hash b;
	struct bw_proof proof;

	BW_NEED(proof_of(line, &proof), PROOF);
	if (strcmp(kind, "inclusion") == 0) {
		BW_NEED(hash(line, "leafHash", &a) && hash(line, "root", &b), PROOF);
		return bw_inclusion_verify(number(line, "leafIdx"), number(line, "treeSize"), &a, &b, &proof);
	}
	if (strcmp(kind, "subtreeinclusion") == 0) {
		BW_NEED(hash(line, "leafHash", &a) && hash(line, "root", &b), PROOF);
		return bw_subtree_inclusion_verify(number(line, "leafIdx"), number(line, "start"), number(line, "end"),
						   &a, &b, &proof);
	}
	BW_NEED(hash(line, "root1", &a) && hash(line, "root2", &b), PROOF);
	if (strcmp(kind, "consistency") == 0)
		return bw_consistency_verify(number(line, "size1"), &a, number(line, "size2"), &b, &proof);
	return bw_subtree_verify(number(line, "start"), number(line, "end"), &a, number(line, "size"), &b, &proof);
}

static void check_all(const char *kind, unsigned at_least)
{
	struct bw_slice rest = lines;
	struct bw_slice line;
	unsigned seen = 0;

	if (lines.len == 0)
		skip_because("the Merkle vectors are not in ../shared/vectors");
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		const bool is_bad = memmem(line.ptr, line.len, "\"wantErr\": true", 15) != NULL;
		struct bw_slice is;

		assert_true(find_text(line, "kind", &is));
		if (!bw_slice_is(is, kind))
			continue;
		seen++;
		if ((check(kind, line) != BW_OK) != is_bad)
			fail_msg("%.*s", BW_ARG(line));
	}
	assert_true(seen >= at_least);
}

static void inclusion_proofs_agree_with_others(void **state)
{
	(void)state;
	check_all("inclusion", 46);
}

static void consistency_proofs_agree_with_others(void **state)
{
	(void)state;
	check_all("consistency", 45);
}

static void subtree_inclusion_proofs_agree_with_others(void **state)
{
	(void)state;
	check_all("subtreeinclusion", 108);
}

static void subtree_consistency_proofs_agree_with_others(void **state)
{
	(void)state;
	check_all("subtreeconsistency", 58);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inclusion_proofs_agree_with_others),
		cmocka_unit_test(consistency_proofs_agree_with_others),
		cmocka_unit_test(subtree_inclusion_proofs_agree_with_others),
		cmocka_unit_test(subtree_consistency_proofs_agree_with_others),
	};

	return cmocka_run_group_tests(tests, read_all, forget_all);
}
