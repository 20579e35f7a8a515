#include <limits.h>

#include "base/text.h"
#include "intel/check.h"
#include "intel/words.h"

/* ---- dictionaries (§2.3) ----------------------------------------------------------- */

static bool is_key(struct bw_slice key, size_t least)
{
	for (size_t i = 0; i < key.len; i++) {
		if (!bw_is_alnum(key.ptr[i]) && key.ptr[i] != '-' && key.ptr[i] != '_')
			return false;
	}
	return key.len >= least && key.len <= 250;
}

/* Fields of a mail that have a property of their own (§6.6.1). */
static bool has_own_property(struct bw_slice key)
{
	static const char *const own[] = { "date",    "received_lines", "content_type", "from_ref", "sender_ref",
					   "to_refs", "cc_refs",        "bcc_refs",     "subject" };

	for (size_t i = 0; i < BW_COUNT(own); i++) {
		if (bw_slice_is(key, own[i]))
			return true;
	}
	return false;
}

static bool is_socket_option(struct bw_slice key)
{
	static const char *const families[] = { "SO_", "ICMP_", "ICMP6_", "IP_", "IPV6_", "MCAST_", "TCP_", "IRLMP_" };

	for (size_t i = 0; i < BW_COUNT(families); i++) {
		if (bw_slice_starts(key, bw_slice_text(families[i])))
			return key.len > strlen(families[i]);
	}
	return false;
}

static void expect(struct bw_checker *c, bool holds, const struct bw_at *at, yyjson_val *value, const char *expected)
{
	if (!holds)
		bw_find(c, BW_FINDING_WRONG_TYPE, at, value, expected);
}

static void check_texts(struct bw_checker *c, yyjson_val *value, const struct bw_at *at, bool single_too)
{
	yyjson_arr_iter elements;
	yyjson_val *element;

	if (single_too && unsafe_yyjson_is_str(value))
		return;
	if (!unsafe_yyjson_is_arr(value)) {
		expect(c, false, at, value,
		       single_too ? "a string or a list of strings is expected" : "a list of strings is expected");
		return;
	}
	elements = yyjson_arr_iter_with(value);
	while ((element = yyjson_arr_iter_next(&elements)) != NULL)
		expect(c, unsafe_yyjson_is_str(element), at, element, "a list of strings is expected");
}

static void known(struct bw_checker *c, const char *words, struct bw_slice key, enum bw_finding_code code,
		  const struct bw_at *at)
{
	if (c->warn && !bw_words_have(words, key))
		bw_find(c, code, at, NULL, NULL);
}

static void check_startup_info(struct bw_checker *c, struct bw_slice key, yyjson_val *value, const struct bw_at *at)
{
	static const char *const texts[] = { "lpDesktop",   "lpTitle",   "dwFillAttribute", "dwFlags",
					     "wShowWindow", "hStdInput", "hStdOutput",      "hStdError" };
	static const char *const numbers[] = { "cb",      "cbReserved2", "dwX",           "dwY",
					       "dwXSize", "dwYSize",     "dwXCountChars", "dwYCountChars" };

	for (size_t i = 0; i < BW_COUNT(texts); i++) {
		if (bw_slice_is(key, texts[i])) {
			expect(c, unsafe_yyjson_is_str(value), at, value, "a string is expected");
			return;
		}
	}
	for (size_t i = 0; i < BW_COUNT(numbers); i++) {
		if (bw_slice_is(key, numbers[i])) {
			expect(c, unsafe_yyjson_is_num(value), at, value, "a whole number is expected");
			return;
		}
	}
	bw_find(c, BW_FINDING_DICTIONARY_KEY, at, NULL, "not a field of STARTUPINFO");
}

/* Keys are language tags, values dictionaries named like properties (§7.1.1). */
static void check_contents(struct bw_checker *c, struct bw_slice key, yyjson_val *value, const struct bw_at *at)
{
	yyjson_obj_iter members;
	yyjson_val *name;

	if (!bw_is_language(key))
		bw_find(c, BW_FINDING_LANGUAGE, at, NULL, NULL);
	if (!unsafe_yyjson_is_obj(value)) {
		expect(c, false, at, value, "an object is expected");
		return;
	}
	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	members = yyjson_obj_iter_with(value);
	while ((name = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_slice text = bw_json_text(name);
		const struct bw_at inner = BW_AT_NAME(at, text);
		bool good = text.len >= 3 && text.len <= 250;

		for (size_t i = 0; i < text.len; i++)
			good &= bw_is_lower(text.ptr[i]) || bw_is_digit(text.ptr[i]) || text.ptr[i] == '_';
		if (!good)
			bw_find(c, BW_FINDING_PROPERTY_NAME, &inner, NULL, NULL);
		bw_check_any(c, yyjson_obj_iter_get_val(name), &inner);
		if (c->want_terms && bw_is_text(yyjson_obj_iter_get_val(name)))
			bw_terms_add(&c->texts, bw_json_text(yyjson_obj_iter_get_val(name)));
	}
}

static void check_entry(struct bw_checker *c, enum bw_dict dict, struct bw_slice key, yyjson_val *value,
			const struct bw_at *at)
{
	switch (dict) {
	case BW_DICT_STRINGS:
		expect(c, unsafe_yyjson_is_str(value), at, value, "a string is expected");
		break;
	case BW_DICT_IPFIX:
		expect(c, unsafe_yyjson_is_str(value) || yyjson_is_int(value), at, value,
		       "a string or a whole number is expected");
		known(c, bw_words_ipfix, key, BW_FINDING_IPFIX, at);
		break;
	case BW_DICT_EXIF:
		expect(c, unsafe_yyjson_is_str(value) || yyjson_is_int(value), at, value,
		       "a string or a whole number is expected");
		if (key.len < 2 || !bw_is_upper(key.ptr[0]))
			bw_find(c, BW_FINDING_DICTIONARY_KEY, at, NULL, "EXIF tags start with a capital");
		break;
	case BW_DICT_PDF_INFO:
		expect(c, unsafe_yyjson_is_str(value), at, value, "a string is expected");
		known(c, bw_words_pdf_info, key, BW_FINDING_PDF_DOC_INFO, at);
		break;
	case BW_DICT_HTTP_HEADER:
		check_texts(c, value, at, false);
		known(c, bw_words_http_headers, key, BW_FINDING_HTTP_REQUEST_HEADERS, at);
		break;
	case BW_DICT_SOCKET_OPTIONS:
		expect(c, yyjson_is_int(value), at, value, "a whole number is expected");
		if (!is_socket_option(key))
			bw_find(c, BW_FINDING_DICTIONARY_KEY, at, NULL, "not the name of a socket option");
		known(c, bw_words_socket_options, key, BW_FINDING_SOCKET_OPTIONS, at);
		break;
	case BW_DICT_MAIL_HEADER:
		check_texts(c, value, at, true);
		if (has_own_property(key))
			bw_find(c, BW_FINDING_HEADER_FIELD, at, NULL, NULL);
		break;
	case BW_DICT_STARTUP_INFO:
		check_startup_info(c, key, value, at);
		break;
	case BW_DICT_CONTENTS:
		check_contents(c, key, value, at);
		return;
	default:
		break;
	}
	if (unsafe_yyjson_is_null(value))
		bw_find(c, BW_FINDING_NULL_VALUE, at, NULL, NULL);
	bw_check_any(c, value, at);
}

void bw_check_dict(struct bw_checker *c, enum bw_dict dict, yyjson_val *value, const struct bw_at *at)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(value);
	yyjson_val *key;

	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_slice text = bw_json_text(key);
		const struct bw_at inner = BW_AT_NAME(at, text);

		if (!is_key(text, 1))
			bw_find(c, BW_FINDING_DICTIONARY_KEY, &inner, NULL, NULL);
		check_entry(c, dict, text, yyjson_obj_iter_get_val(key), &inner);
	}
}

/* ---- hashes (§2.7) -------------------------------------------------------------------- */

static bool is_custom_hash(struct bw_slice algorithm)
{
	return bw_slice_starts(algorithm, BW_LIT("x_"));
}

void bw_check_hashes(struct bw_checker *c, yyjson_val *value, const struct bw_at *at, bool index)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(value);
	yyjson_val *key;

	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_slice algorithm = bw_json_text(key);
		const struct bw_at inner = BW_AT_NAME(at, algorithm);
		yyjson_val *hash = yyjson_obj_iter_get_val(key);

		if (!is_key(algorithm, 3))
			bw_find(c, BW_FINDING_DICTIONARY_KEY, &inner, NULL, NULL);
		if (!unsafe_yyjson_is_str(hash)) {
			expect(c, false, &inner, hash, "a string is expected");
			continue;
		}
		if (!bw_is_hash(algorithm, bw_json_text(hash)))
			bw_find(c, BW_FINDING_HASH, &inner, hash, NULL);
		if (c->warn && !bw_vocab_has(BW_VOCAB_HASH_ALGORITHM, algorithm) && !is_custom_hash(algorithm))
			bw_find(c, BW_FINDING_HASH_ALGO, &inner, NULL, NULL);
		if (c->is_sco && algorithm.len > 30)
			bw_find(c, BW_FINDING_HASH_LENGTH, &inner, NULL, NULL);
		if (index && c->want_terms)
			bw_terms_add(&c->values, bw_json_text(hash));
	}
}

/* ---- extensions (§7.3, §3.10) ----------------------------------------------------------- */

static bool is_extension_id(struct bw_slice key)
{
	struct bw_id_parts parts;

	return bw_is_id(key, &parts) && parts.type == BW_STIX_EXTENSION_DEFINITION;
}

static bool is_custom_extension_name(struct bw_slice key)
{
	return key.len > 4 && bw_slice_is(bw_slice_from(key, key.len - 4), "-ext") && bw_is_type_name(key);
}

static unsigned use_of(struct bw_slice type)
{
	if (bw_slice_is(type, "property-extension"))
		return BW_USE_PROPERTY;
	if (bw_slice_is(type, "toplevel-property-extension"))
		return BW_USE_TOPLEVEL;
	if (bw_slice_is(type, "new-sco"))
		return BW_USE_NEW | BW_USE_NEW_SCO;
	if (bw_slice_is(type, "new-sdo") || bw_slice_is(type, "new-sro"))
		return BW_USE_NEW;
	return 0;
}

unsigned bw_extension_uses(struct bw_checker *c)
{
	yyjson_val *extensions;
	yyjson_obj_iter members;
	yyjson_val *key;

	if (c->extension_types != UINT_MAX)
		return c->extension_types;
	c->extension_types = 0;
	extensions = yyjson_obj_get(c->object, "extensions");
	if (!yyjson_is_obj(extensions))
		return 0;
	members = yyjson_obj_iter_with(extensions);
	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		yyjson_val *type = yyjson_obj_get(yyjson_obj_iter_get_val(key), "extension_type");

		if (bw_is_text(type))
			c->extension_types |= use_of(bw_json_text(type));
	}
	return c->extension_types;
}

static void check_members(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(value);
	yyjson_val *name;

	while ((name = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_at inner = BW_AT_NAME(at, bw_json_text(name));

		bw_check_unknown(c, name, yyjson_obj_iter_get_val(name), &inner);
	}
}

static void check_defined(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	yyjson_val *type = yyjson_obj_get(value, "extension_type");
	const struct bw_at place = BW_AT_NAME(at, BW_LIT("extension_type"));

	if (type == NULL)
		bw_find(c, BW_FINDING_MISSING, &place, NULL, NULL);
	else if (!unsafe_yyjson_is_str(type))
		expect(c, false, &place, type, "a string is expected");
	else if (!bw_vocab_has(BW_VOCAB_EXTENSION_TYPE, bw_json_text(type)))
		bw_find_at(c, BW_FINDING_CLOSED_VOCABULARY, &place, type, bw_vocab_name(BW_VOCAB_EXTENSION_TYPE),
			   bw_vocab_clause(BW_VOCAB_EXTENSION_TYPE));
	check_members(c, value, at);
}

static bool type_has_extensions(enum bw_stix_type type)
{
	return type == BW_STIX_FILE || type == BW_STIX_NETWORK_TRAFFIC || type == BW_STIX_PROCESS ||
	       type == BW_STIX_USER_ACCOUNT;
}

static void check_extension(struct bw_checker *c, struct bw_slice key, yyjson_val *value, const struct bw_at *at)
{
	enum bw_stix_type owner = BW_STIX_CUSTOM;
	const enum bw_shape_id shape = bw_extension_shape(key, &owner);

	if (!unsafe_yyjson_is_obj(value)) {
		expect(c, false, at, value, "an object is expected");
		return;
	}
	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	if (shape != BW_SHAPE_COUNT && owner == c->type) {
		bw_check_shape(c, shape, value, at);
		return;
	}
	if (c->type != BW_STIX_MARKING_DEFINITION && is_custom_extension_name(key)) {
		check_members(c, value, at);
		if (type_has_extensions(c->type) && !(bw_extension_uses(c) & BW_USE_PROPERTY))
			bw_find(c, BW_FINDING_EXTENSIONS_USE, at, NULL, NULL);
	} else if (is_extension_id(key)) {
		check_defined(c, value, at);
	} else {
		bw_find(c, BW_FINDING_EXTENSION_KEY, at, NULL, NULL);
	}
}

void bw_check_extensions(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(value);
	yyjson_val *key;

	if (unsafe_yyjson_get_len(value) == 0)
		bw_find(c, BW_FINDING_EMPTY_DICTIONARY, at, NULL, NULL);
	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_at inner = BW_AT_NAME(at, bw_json_text(key));

		check_extension(c, bw_json_text(key), yyjson_obj_iter_get_val(key), &inner);
	}
}

/* Dictionaries whose keys come from elsewhere and keep their case. */
static bool keeps_case(struct bw_slice key)
{
	static const char *const keep[] = { "hashes",
					    "file_header_hashes",
					    "request_header",
					    "additional_header_fields",
					    "document_info_dict",
					    "exif_tags",
					    "ipfix",
					    "options",
					    "environment_variables",
					    "key",
					    "startup_info" };

	for (size_t i = 0; i < BW_COUNT(keep); i++) {
		if (bw_slice_is(key, keep[i]))
			return true;
	}
	return false;
}

void bw_check_key_case(struct bw_checker *c, yyjson_val *object, const struct bw_at *at)
{
	yyjson_obj_iter members = yyjson_obj_iter_with(object);
	yyjson_val *key;

	while ((key = yyjson_obj_iter_next(&members)) != NULL) {
		const struct bw_slice text = bw_json_text(key);
		const struct bw_at inner = BW_AT_NAME(at, text);
		bool upper = false;

		for (size_t i = 0; i < text.len; i++)
			upper |= bw_is_upper(text.ptr[i]);
		if (upper)
			bw_find(c, BW_FINDING_OBSERVABLE_DICTIONARY_KEYS, &inner, NULL, NULL);
		if (unsafe_yyjson_is_obj(yyjson_obj_iter_get_val(key)) && !keeps_case(text))
			bw_check_key_case(c, yyjson_obj_iter_get_val(key), &inner);
	}
}
