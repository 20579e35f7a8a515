#include "tlog/note.h"

#include "base/test.h"
#include "tlog/keys_in_tests.h"

/* The example in the documentation of Go's sumdb/note, the first program that spoke this format. */
#define NEUMANN_KEY "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define NEUMANN_TEXT                                                 \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
#define NEUMANN_LINE                                                                               \
	"\xe2\x80\x94 PeterNeumann "                                                               \
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJ" \
	"nAM=\n"

static void a_note_that_others_signed_verifies(void **state)
{
	struct bw_vkey vkey;
	struct bw_note note;

	(void)state;
	assert_ok(bw_vkey_parse(BW_LIT(NEUMANN_KEY), &vkey));
	assert_ok(bw_note_parse(BW_LIT(NEUMANN_TEXT "\n" NEUMANN_LINE), &note));
	assert_slice(note.text, NEUMANN_TEXT);
	assert_int_equal(note.count, 1);
	assert_slice(note.signatures[0].name, "PeterNeumann");
	assert_int_equal(note.signatures[0].id, 0xc74f20a3);
	assert_ok(bw_note_verify(&note, &vkey));
	assert_ok(bw_note_parse(BW_LIT("x" NEUMANN_TEXT "\n" NEUMANN_LINE), &note));
	assert_int_equal(bw_note_verify(&note, &vkey), BW_ERR_SIGNATURE);
}

static void keys_of_others_read_and_write_as_they_are(void **state)
{
	static const char *const keys[] = {
		NEUMANN_KEY,
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(keys); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_VKEY_TEXT_MAX);
		struct bw_vkey vkey;

		assert_ok(bw_vkey_parse(bw_slice_text(keys[i]), &vkey));
		assert_ok(bw_vkey_add(&text, &vkey));
		assert_string_equal(bw_buf_text(&text), keys[i]);
	}
}

static void every_type_of_key_has_a_text_and_an_id_of_its_own(void **state)
{
	static const enum bw_note_type types[] = { BW_NOTE_ED25519, BW_COSIGN_ED25519, BW_COSIGN_MLDSA44 };
	uint32_t ids[BW_COUNT(types)];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(types); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_VKEY_TEXT_MAX);
		struct test_key key;
		struct bw_vkey back;

		assert_ok(test_key_make("log.example/a", types[i], 7, &key));
		assert_ok(bw_vkey_add(&text, &key.vkey));
		assert_ok(bw_vkey_parse(bw_buf_slice(&text), &back));
		assert_int_equal(back.type, types[i]);
		assert_int_equal(back.id, key.vkey.id);
		assert_true(bw_slice_equals(bw_vkey_public(&back), bw_sign_key_public(key.key)));
		ids[i] = back.id;
		bw_sign_key_free(key.key);
	}
	assert_int_not_equal(ids[0], ids[1]);
	assert_int_not_equal(ids[1], ids[2]);
}

static void a_key_that_is_not_well_formed_is_refused(void **state)
{
	struct bw_vkey vkey;

	(void)state;
	assert_int_equal(bw_vkey_parse(BW_LIT(""), &vkey), BW_ERR_SYNTAX);
	assert_int_equal(bw_vkey_parse(BW_LIT("PeterNeumann+c74f20a3"), &vkey), BW_ERR_SYNTAX);
	assert_int_equal(bw_vkey_parse(BW_LIT("PeterNeumann+c74f20a3+"), &vkey), BW_ERR_SYNTAX);
	assert_int_equal(bw_vkey_parse(BW_LIT("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &vkey),
			 BW_ERR_SYNTAX);
	assert_int_equal(
		bw_vkey_parse(BW_LIT("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &vkey),
		BW_ERR_CONFLICT);
	assert_int_equal(
		bw_vkey_parse(BW_LIT("PeterNeumanm+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &vkey),
		BW_ERR_CONFLICT);
	assert_int_equal(
		bw_vkey_parse(BW_LIT("PeterNeumann+c74f20a3+AhpcqQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &vkey),
		BW_ERR_UNSUPPORTED);
	assert_int_equal(bw_vkey_parse(BW_LIT("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiB"), &vkey), BW_ERR_SYNTAX);
}

static void names_have_no_space_of_any_alphabet_and_no_plus(void **state)
{
	static const char *const bad[] = {
		"",
		"a b",
		"a+b",
		"a\tb",
		"a\xc2\xa0",
		"\xe2\x80\x80x",
		"x\xe2\x80\x8a",
		"x\xe2\x80\xa8",
		"x\xe3\x80\x80",
		"\xe1\x9a\x80x",
		"x\xc2\x85",
		"a\xff",
	};
	char longest[BW_NOTE_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_false(bw_note_name_is_valid(bw_slice_text(bad[i])));
	assert_true(bw_note_name_is_valid(BW_LIT("quasimodo.example/salvatore")));
	assert_true(bw_note_name_is_valid(BW_LIT("oid/1.3.6.1.4.1")));
	assert_true(bw_note_name_is_valid(BW_LIT("caf\xc3\xa9.example/\xe2\x80\x8b"))); /* U+200B is no space */
	memset(longest, 'a', sizeof(longest));
	assert_true(bw_note_name_is_valid(bw_slice_of(longest, BW_NOTE_NAME_MAX)));
	assert_false(bw_note_name_is_valid(bw_slice_of(longest, sizeof(longest))));
}

static void a_text_may_have_empty_lines_and_the_last_one_parts(void **state)
{
	struct bw_note note;

	(void)state;
	assert_ok(bw_note_parse(BW_LIT("a\n\nb\n\n" NEUMANN_LINE NEUMANN_LINE), &note));
	assert_slice(note.text, "a\n\nb\n");
	assert_int_equal(note.count, 2);
	assert_ok(bw_note_parse_signatures(BW_LIT(NEUMANN_LINE NEUMANN_LINE), &note));
	assert_int_equal(note.count, 2);
}

static void what_is_no_note_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"a\n",
		"a\n\n",
		"a\n" NEUMANN_LINE,
		"a\n\n" NEUMANN_LINE "\n",
		"a\n\nb\n",
		"a\n\n- PeterNeumann x08go/Y=\n",
		"a\n\n\xe2\x80\x94 PeterNeumann\n",
		"a\n\n\xe2\x80\x94 PeterNeumann \n",
		"a\n\n\xe2\x80\x94  x08go/ZJ\n",
		"a\n\n\xe2\x80\x94 PeterNeumann x08go/Y\n",
		"a\n\n\xe2\x80\x94 PeterNeumann x08g\n",
		"a\n\n\xe2\x80\x94 PeterNeumann x08goA==\n", /* an id and nothing */
		"a\n\n\xe2\x80\x94 PeterNeumann x08go/ZJ",   /* no newline */
		"a\r\n\n" NEUMANN_LINE,
		"a\tb\n\n" NEUMANN_LINE,
	};
	struct bw_note note;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_note_parse(bw_slice_text(bad[i]), &note), BW_ERR_SYNTAX);
	assert_int_equal(bw_note_parse(BW_LIT("\xff\n\n" NEUMANN_LINE), &note), BW_ERR_UTF8);
	assert_int_equal(bw_note_parse_signatures(bw_slice_empty, &note), BW_ERR_SYNTAX);
}

static void sixteen_signatures_and_more_are_read_and_a_flood_is_not(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MIB);
	static struct bw_note note;

	(void)state;
	assert_ok(bw_buf_add_text(&text, "a\n\n"));
	for (size_t i = 1; i <= BW_NOTE_SIGNATURES_MAX; i++) {
		assert_ok(bw_buf_add_text(&text, NEUMANN_LINE));
		assert_ok(bw_note_parse(bw_buf_slice(&text), &note));
		assert_int_equal(note.count, i);
	}
	assert_ok(bw_buf_add_text(&text, NEUMANN_LINE));
	assert_int_equal(bw_note_parse(bw_buf_slice(&text), &note), BW_ERR_TOO_MANY);
	while (text.len <= BW_NOTE_MAX)
		assert_ok(bw_buf_add_text(&text, NEUMANN_LINE));
	assert_int_equal(bw_note_parse(bw_buf_slice(&text), &note), BW_ERR_TOO_BIG);
}

static void signatures_of_others_neither_help_nor_harm(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	struct test_key ours;
	struct test_key other;
	struct bw_note note;

	(void)state;
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 1, &ours));
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 2, &other));
	assert_ok(bw_buf_add_text(&text, "a text\n\n"));
	assert_ok(bw_note_sign(BW_LIT("a text\n"), &other.vkey, other.key, &text));
	assert_ok(bw_note_parse(bw_buf_slice(&text), &note));
	assert_int_equal(bw_note_verify(&note, &ours.vkey), BW_ERR_NOT_FOUND); /* the same name, another id */
	assert_ok(bw_note_sign(BW_LIT("a text\n"), &ours.vkey, ours.key, &text));
	assert_ok(bw_buf_add_text(&text, NEUMANN_LINE));
	assert_ok(bw_note_parse(bw_buf_slice(&text), &note));
	assert_ok(bw_note_verify(&note, &ours.vkey));
	/* one more that bears our name and id and is not ours: the whole note goes */
	assert_ok(bw_note_sign(BW_LIT("another text\n"), &ours.vkey, ours.key, &text));
	assert_ok(bw_note_parse(bw_buf_slice(&text), &note));
	assert_int_equal(bw_note_verify(&note, &ours.vkey), BW_ERR_SIGNATURE);
	assert_int_equal(bw_note_sign(BW_LIT("a text\n"), &ours.vkey, other.key, &text), BW_ERR_USAGE);
	bw_sign_key_free(ours.key);
	bw_sign_key_free(other.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_note_that_others_signed_verifies),
		cmocka_unit_test(keys_of_others_read_and_write_as_they_are),
		cmocka_unit_test(every_type_of_key_has_a_text_and_an_id_of_its_own),
		cmocka_unit_test(a_key_that_is_not_well_formed_is_refused),
		cmocka_unit_test(names_have_no_space_of_any_alphabet_and_no_plus),
		cmocka_unit_test(a_text_may_have_empty_lines_and_the_last_one_parts),
		cmocka_unit_test(what_is_no_note_is_refused),
		cmocka_unit_test(sixteen_signatures_and_more_are_read_and_a_flood_is_not),
		cmocka_unit_test(signatures_of_others_neither_help_nor_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
