#include "guard/stix_write.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "crypto/hash.h"
#include "crypto/uuid.h"
#include "sys/clock.h"

/* ---- ids and times ---------------------------------------------------------------------------- */

void bw_stix_time(int64_t wall_us, char out[BW_STIX_TIME_BYTES])
{
	char text[BW_TIME_BYTES];

	bw_time_format(wall_us, text);
	memcpy(out, text, 23);
	out[23] = 'Z';
	out[24] = '\0';
}

/* From seed, type and subject; with the marks of a version 4, whose other bits say nothing. */
static enum bw_err make_id(const char *seed, const char *type, struct bw_slice about, struct bw_stix_id *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(BW_STIX_OBJECT_BYTES);
	uint8_t digest[BW_SHA256_BYTES];
	char text[BW_UUID_CHARS + 1];
	struct bw_uuid uuid;

	BW_TRY(bw_buf_add_text(&name, "breakwater/guard/stix"));
	BW_TRY(bw_buf_add_block(&name, bw_slice_text(seed)));
	BW_TRY(bw_buf_add_block(&name, bw_slice_text(type)));
	BW_TRY(bw_buf_add_block(&name, about));
	BW_TRY(bw_sha256(bw_buf_slice(&name), digest));
	memcpy(uuid.bytes, digest, sizeof(uuid.bytes));
	uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
	uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
	bw_uuid_format(&uuid, text);
	(void)snprintf(out->text, sizeof(out->text), "%s--%s", type, text);
	return BW_OK;
}

/* ---- the bundle ---------------------------------------------------------------------------------- */

enum bw_err bw_stix_begin(struct bw_stix_writer *writer, const char *seed, const char *marking, struct bw_buf *out)
{
	struct bw_uuid uuid;
	char text[BW_UUID_CHARS + 1];

	*writer = (struct bw_stix_writer){
		.out = out, .seed = seed, .marking = marking, .object = BW_BUF_INIT(BW_STIX_OBJECT_BYTES)
	};
	bw_json_parser_init(&writer->parser);
	writer->written = calloc(BW_STIX_OBJECTS_MAX, sizeof(*writer->written));
	BW_NEED(writer->written != NULL, MEMORY);
	bw_uuid_v4(&uuid); /* a bundle is a wrapper: each is another one (§8) */
	bw_uuid_format(&uuid, text);
	return bw_buf_addf(out, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", text);
}

enum bw_err bw_stix_end(struct bw_stix_writer *writer)
{
	return bw_buf_add_text(writer->out, "\n]}\n");
}

void bw_stix_release(struct bw_stix_writer *writer)
{
	bw_json_parser_release(&writer->parser);
	bw_buf_release(&writer->object);
	free(writer->written);
	*writer = (struct bw_stix_writer){ 0 };
}

static enum bw_err put_text(struct bw_stix_writer *writer, struct bw_slice text)
{
	BW_TRY(bw_buf_add_text(writer->out, writer->count++ > 0 ? ",\n" : "\n"));
	return bw_buf_add(writer->out, text);
}

enum bw_err bw_stix_put(struct bw_stix_writer *writer)
{
	BW_TRY(bw_buf_add_u8(&writer->object, '}'));
	return put_text(writer, bw_buf_slice(&writer->object));
}

enum bw_err bw_stix_object(struct bw_stix_writer *writer, const char *type, struct bw_slice about, int64_t created_us,
			   int64_t modified_us, struct bw_stix_id *out_id)
{
	char created[BW_STIX_TIME_BYTES];
	char modified[BW_STIX_TIME_BYTES];

	bw_stix_time(created_us, created);
	bw_stix_time(modified_us > created_us ? modified_us : created_us, modified);
	BW_TRY(make_id(writer->seed, type, about, out_id));
	bw_buf_clear(&writer->object);
	BW_TRY(bw_buf_addf(
		&writer->object,
		"{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"%s\",\"modified\":\"%s\"", type,
		out_id->text, created, modified));
	if (writer->creator.text[0] != '\0')
		BW_TRY(bw_buf_addf(&writer->object, ",\"created_by_ref\":\"%s\"", writer->creator.text));
	if (writer->marking[0] != '\0')
		BW_TRY(bw_buf_addf(&writer->object, ",\"object_marking_refs\":[\"%s\"]", writer->marking));
	return BW_OK;
}

/* ---- observables ------------------------------------------------------------------------------------ */

static bool is_written(const struct bw_stix_writer *writer, const char *id)
{
	for (size_t i = 0; i < writer->written_count; i++) {
		if (strcmp(writer->written[i].text, id) == 0)
			return true;
	}
	return false;
}

enum bw_err bw_stix_observable(struct bw_stix_writer *writer, const char *type, const struct bw_buf *properties,
			       struct bw_slice about, struct bw_stix_id *out_id)
{
	struct bw_buf *object = &writer->object;
	yyjson_val *root = NULL;
	enum bw_err err;

	bw_buf_clear(object);
	BW_TRY(bw_buf_addf(object, "{\"type\":\"%s\"%s%s}", type, properties->len > 0 ? "," : "",
			   bw_buf_text(properties)));
	BW_TRY(bw_json_parse(&writer->parser, bw_buf_slice(object), &root, NULL));
	err = bw_sco_id(root, NULL, out_id->text);
	if (err == BW_ERR_MISSING) /* §2.9: without a contributing property, version 4 */
		err = make_id(writer->seed, type, about, out_id);
	BW_TRY(err);
	if (is_written(writer, out_id->text))
		return BW_OK;
	BW_NEED(writer->written_count < BW_STIX_OBJECTS_MAX, TOO_MANY);
	writer->written[writer->written_count++] = *out_id;
	bw_buf_clear(object);
	BW_TRY(bw_buf_addf(object, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", type, out_id->text));
	if (writer->marking[0] != '\0')
		BW_TRY(bw_buf_addf(object, ",\"object_marking_refs\":[\"%s\"]", writer->marking));
	BW_TRY(bw_buf_addf(object, "%s%s", properties->len > 0 ? "," : "", bw_buf_text(properties)));
	return bw_stix_put(writer);
}

enum bw_err bw_stix_refs(struct bw_stix_writer *writer, const char *name, const struct bw_stix_id *ids, size_t count)
{
	size_t put = 0;

	for (size_t i = 0; i < count; i++) {
		if (ids[i].text[0] == '\0')
			continue;
		if (put++ == 0) {
			BW_TRY(bw_json_add_name(&writer->object, name));
			BW_TRY(bw_buf_add_u8(&writer->object, '['));
		}
		BW_TRY(bw_buf_addf(&writer->object, "%s\"%s\"", put > 1 ? "," : "", ids[i].text));
	}
	return put > 0 ? bw_buf_add_u8(&writer->object, ']') : BW_OK;
}

enum bw_err bw_stix_ref(struct bw_stix_writer *writer, const char *name, const struct bw_stix_id *id)
{
	return id->text[0] == '\0' ? BW_OK : bw_json_add_text(&writer->object, name, bw_slice_text(id->text));
}

/* ---- patterns and addresses ---------------------------------------------------------------------------- */

enum bw_err bw_stix_pattern_text(struct bw_buf *out, struct bw_slice text)
{
	BW_TRY(bw_buf_add_u8(out, '\''));
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'' || text.ptr[i] == '\\')
			BW_TRY(bw_buf_add_u8(out, '\\'));
		BW_TRY(bw_buf_add_u8(out, text.ptr[i]));
	}
	return bw_buf_add_u8(out, '\'');
}

/* RFC 1918, 6598, 3927, 1122 and what is no host's at all. */
static bool is_public_v4(const uint8_t a[4])
{
	return a[0] != 0 && a[0] != 10 && a[0] != 127 && a[0] < 224 && !(a[0] == 100 && (a[1] & 0xc0) == 64) &&
	       !(a[0] == 169 && a[1] == 254) && !(a[0] == 172 && (a[1] & 0xf0) == 16) && !(a[0] == 192 && a[1] == 168);
}

bool bw_stix_address_is_public(const char *address, bool *out_is_address, bool *out_is_v6)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	uint8_t v4[4];
	uint8_t v6[16];

	*out_is_v6 = false;
	*out_is_address = inet_pton(AF_INET, address, v4) == 1;
	if (*out_is_address)
		return is_public_v4(v4);
	*out_is_address = *out_is_v6 = inet_pton(AF_INET6, address, v6) == 1;
	if (!*out_is_address)
		return false;
	if (memcmp(v6, mapped, sizeof(mapped)) == 0)
		return is_public_v4(v6 + sizeof(mapped));
	return (v6[0] & 0xe0) == 0x20; /* 2000::/3 is all that was ever given out (RFC 4291 §2.4, IANA) */
}
