#include "intel/scoid.h"

#include <stdio.h>

#include "codec/jcs.h"
#include "crypto/hash.h"
#include "intel/check.h"

enum { NAMES_MAX = 16, CANONICAL_MAX = 64 * 1024 * 1024 };

/* 00abedb4-aa42-466c-9c01-fed23315a9b7 */
static const uint8_t namespace_uuid[16] = { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
					    0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7 };

const char *bw_sco_contributing(enum bw_stix_type type)
{
	switch (type) {
	case BW_STIX_ARTIFACT:
		return "hashes payload_bin";
	case BW_STIX_AUTONOMOUS_SYSTEM:
		return "number";
	case BW_STIX_DIRECTORY:
		return "path";
	case BW_STIX_DOMAIN_NAME:
	case BW_STIX_EMAIL_ADDR:
	case BW_STIX_IPV4_ADDR:
	case BW_STIX_IPV6_ADDR:
	case BW_STIX_MAC_ADDR:
	case BW_STIX_URL:
		return "value";
	case BW_STIX_EMAIL_MESSAGE:
		return "from_ref subject body";
	case BW_STIX_FILE:
		return "hashes name extensions parent_directory_ref";
	case BW_STIX_MUTEX:
		return "name";
	case BW_STIX_NETWORK_TRAFFIC:
		return "start end src_ref dst_ref src_port dst_port protocols extensions";
	case BW_STIX_SOFTWARE:
		return "name cpe swid vendor version";
	case BW_STIX_USER_ACCOUNT:
		return "account_type user_id account_login";
	case BW_STIX_WINDOWS_REGISTRY_KEY:
		return "key values";
	case BW_STIX_X509_CERTIFICATE:
		return "hashes serial_number";
	default:
		return "";
	}
}

/* The members of `object` that `names` lists; returns how many there are. */
static size_t pick(yyjson_val *object, const char *names, yyjson_val *out_names[NAMES_MAX])
{
	yyjson_obj_iter members = yyjson_obj_iter_with(object);
	yyjson_val *name;
	size_t count = 0;

	while ((name = yyjson_obj_iter_next(&members)) != NULL) {
		struct bw_slice rest = bw_slice_text(names);

		while (rest.len > 0) {
			struct bw_slice wanted = rest;

			if (!bw_slice_cut(rest, ' ', &wanted, &rest))
				rest = bw_slice_empty;
			if (bw_slice_equals(wanted, bw_json_text(name)) && count < NAMES_MAX)
				out_names[count++] = name;
		}
	}
	for (size_t i = 1; i < count; i++) {
		for (size_t j = i; j > 0; j--) {
			yyjson_val *a = out_names[j - 1];
			yyjson_val *b = out_names[j];

			if (bw_jcs_compare(bw_json_text(a), bw_json_text(b)) <= 0)
				break;
			out_names[j - 1] = b;
			out_names[j] = a;
		}
	}
	return count;
}

bool bw_sco_contributes(yyjson_val *object, enum bw_stix_type type)
{
	yyjson_val *names[NAMES_MAX];

	return pick(object, bw_sco_contributing(type), names) > 0;
}

static enum bw_err add_one_hash(struct bw_buf *out, yyjson_val *hashes)
{
	static const char *const preferred[] = { "MD5", "SHA-1", "SHA-256", "SHA-512" };
	yyjson_val *name = NULL;

	for (size_t i = 0; i < BW_COUNT(preferred) && name == NULL; i++) {
		yyjson_val *value = yyjson_obj_get(hashes, preferred[i]);

		name = value == NULL ? NULL : value - 1;
	}
	if (name == NULL)
		name = unsafe_yyjson_get_first(hashes);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_jcs_add_string(out, bw_json_text(name)));
	BW_TRY(bw_buf_add_u8(out, ':'));
	BW_TRY(bw_jcs_add(out, name + 1));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_contributing(struct bw_buf *out, yyjson_val **names, size_t count)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	for (size_t i = 0; i < count; i++) {
		yyjson_val *value = names[i] + 1;

		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_jcs_add_string(out, bw_json_text(names[i])));
		BW_TRY(bw_buf_add_u8(out, ':'));
		if (bw_slice_is(bw_json_text(names[i]), "hashes") && yyjson_is_obj(value) &&
		    unsafe_yyjson_get_len(value) > 0)
			BW_TRY(add_one_hash(out, value));
		else
			BW_TRY(bw_jcs_add(out, value));
	}
	return bw_buf_add_u8(out, '}');
}

static enum bw_err write_id(struct bw_slice type, const uint8_t digest[BW_SHA1_BYTES], char out[BW_ID_MAX])
{
	uint8_t u[16];
	int len;

	memcpy(u, digest, sizeof(u));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x50);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	BW_NEED(type.len < BW_ID_MAX - 40, TOO_BIG);
	len = snprintf(out, BW_ID_MAX, "%.*s--%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		       BW_ARG(type), u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		       u[13], u[14], u[15]);
	BW_NEED(len > 0 && len < BW_ID_MAX, TOO_BIG);
	return BW_OK;
}

enum bw_err bw_sco_id(yyjson_val *object, const char *contributing, char out[BW_ID_MAX])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(CANONICAL_MAX);
	yyjson_val *type = yyjson_obj_get(object, "type");
	yyjson_val *names[NAMES_MAX];
	uint8_t digest[BW_SHA1_BYTES];
	size_t count;

	BW_NEED(bw_is_text(type), MISSING);
	if (contributing == NULL)
		contributing = bw_sco_contributing(bw_stix_type_of(bw_json_text(type)));
	count = pick(object, contributing, names);
	BW_NEED(count > 0, MISSING);
	BW_TRY(bw_buf_add(&text, bw_slice_of(namespace_uuid, sizeof(namespace_uuid))));
	BW_TRY(add_contributing(&text, names, count));
	BW_TRY(bw_sha1(bw_buf_slice(&text), digest));
	return write_id(bw_json_text(type), digest, out);
}
