#include "guard/bait_zip.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/arena.h"
#include "guard/bait_form.h"
#include "guard/bait_xml.h"

enum {
	MEMBERS_MAX = 512,
	UNPACKED_MAX = 16 * 1024 * 1024,
	PART_MAX = 8 * 1024 * 1024,
	COMMENT_MAX = 65535,
	LETTERS_PER_DIGIT = 2,
	/* signatures and sizes of the headers, and where their numbers stand (4.3.7, 4.3.12, 4.3.16) */
	LOCAL_MARK = 0x04034b50,
	LOCAL_BYTES = 30,
	LOCAL_FLAGS = 6,
	LOCAL_CRC = 14,
	LOCAL_PACKED = 18,
	LOCAL_WHOLE = 22,
	LOCAL_NAME = 26,
	LOCAL_EXTRA = 28,
	ENTRY_MARK = 0x02014b50,
	ENTRY_BYTES = 46,
	ENTRY_FLAGS = 8,
	ENTRY_METHOD = 10,
	ENTRY_CRC = 16,
	ENTRY_PACKED = 20,
	ENTRY_WHOLE = 24,
	ENTRY_NAME = 28,
	ENTRY_EXTRA = 30,
	ENTRY_COMMENT = 32,
	ENTRY_AT = 42,
	END_MARK = 0x06054b50,
	END_BYTES = 22,
	END_DISKS = 4,
	END_HERE = 8,
	END_ALL = 10,
	END_SIZE = 12,
	END_AT = 16,
	END_COMMENT = 20,
	AFTER_MARK = 0x08074b50, /* the descriptor behind a member (4.3.9) */
	FLAG_AFTER = 8,
	FLAG_KNOWN = 0x080e, /* deflate's levels, a descriptor, names in UTF-8 */
	METHOD_STORED = 0,
	METHOD_DEFLATED = 8,
};

struct member {
	struct bw_slice entry; /* of the directory: header, name, extra field, comment */
	struct bw_slice local; /* header, name, extra field */
	struct bw_slice packed;
	struct bw_slice name;
	struct bw_slice xml; /* unpacked; empty: not read */
	unsigned flags;
	unsigned method;
	bool is_words;
	bool is_whole; /* all text of it is shown */
	/* as written */
	uint32_t at;
	uint32_t crc;
	uint32_t packed_len;
	uint32_t len;
};

struct zip {
	struct bw_slice bytes;
	struct bw_arena arena;
	size_t count;
	struct member members[MEMBERS_MAX];
	struct bw_slice end; /* its last header, with the comment */
};

/* ---- numbers, low byte first ------------------------------------------------------------------------------- */

static uint32_t number(struct bw_slice bytes, size_t at, unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)bytes.ptr[at + i] << (8 * i);
	return value;
}

static void set(uint8_t *header, size_t at, uint32_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		header[at + i] = (uint8_t)(value >> (8 * i));
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static enum bw_err part(struct bw_slice bytes, size_t at, size_t len, struct bw_slice *out)
{
	BW_NEED(at <= bytes.len && len <= bytes.len - at, UNSUPPORTED);
	*out = bw_slice_sub(bytes, at, len);
	return BW_OK;
}

static enum bw_err find_end(struct zip *zip)
{
	const size_t len = zip->bytes.len;

	for (size_t back = END_BYTES; back <= len && back <= END_BYTES + COMMENT_MAX; back++) {
		const size_t at = len - back;

		if (number(zip->bytes, at, 4) != END_MARK ||
		    number(zip->bytes, at + END_COMMENT, 2) != back - END_BYTES)
			continue;
		zip->end = bw_slice_from(zip->bytes, at);
		return BW_OK;
	}
	return BW_ERR_UNSUPPORTED;
}

static enum bw_err read_local(struct zip *zip, struct member *m)
{
	const size_t at = number(m->entry, ENTRY_AT, 4);
	const size_t packed = number(m->entry, ENTRY_PACKED, 4);
	struct bw_slice header;
	size_t len;

	BW_TRY(part(zip->bytes, at, LOCAL_BYTES, &header));
	BW_NEED(number(header, 0, 4) == LOCAL_MARK, UNSUPPORTED);
	len = LOCAL_BYTES + number(header, LOCAL_NAME, 2) + number(header, LOCAL_EXTRA, 2);
	BW_TRY(part(zip->bytes, at, len, &m->local));
	BW_NEED(number(m->local, LOCAL_FLAGS, 2) == m->flags, UNSUPPORTED);
	return part(zip->bytes, at + len, packed, &m->packed);
}

static enum bw_err read_entry(struct zip *zip, size_t *at)
{
	struct member *m = &zip->members[zip->count];
	struct bw_slice header;
	size_t len;

	BW_NEED(zip->count < MEMBERS_MAX, UNSUPPORTED);
	BW_TRY(part(zip->bytes, *at, ENTRY_BYTES, &header));
	BW_NEED(number(header, 0, 4) == ENTRY_MARK, UNSUPPORTED);
	len = ENTRY_BYTES + number(header, ENTRY_NAME, 2) + number(header, ENTRY_EXTRA, 2) +
	      number(header, ENTRY_COMMENT, 2);
	*m = (struct member){ .xml = bw_slice_empty };
	BW_TRY(part(zip->bytes, *at, len, &m->entry));
	m->name = bw_slice_sub(m->entry, ENTRY_BYTES, number(header, ENTRY_NAME, 2));
	m->flags = number(header, ENTRY_FLAGS, 2);
	m->method = number(header, ENTRY_METHOD, 2);
	m->crc = number(header, ENTRY_CRC, 4);
	m->packed_len = number(header, ENTRY_PACKED, 4);
	m->len = number(header, ENTRY_WHOLE, 4);
	BW_NEED((m->flags & ~(unsigned)FLAG_KNOWN) == 0, UNSUPPORTED);
	BW_NEED(m->method == METHOD_DEFLATED || (m->method == METHOD_STORED && m->packed_len == m->len), UNSUPPORTED);
	BW_TRY(read_local(zip, m));
	zip->count++;
	*at += len;
	return BW_OK;
}

static enum bw_err read_all(struct zip *zip)
{
	size_t at;
	size_t count;

	BW_TRY(find_end(zip));
	at = number(zip->end, END_AT, 4);
	count = number(zip->end, END_ALL, 2);
	BW_NEED(number(zip->end, END_DISKS, 4) == 0 && number(zip->end, END_HERE, 2) == count, UNSUPPORTED);
	for (size_t i = 0; i < count; i++)
		BW_TRY(read_entry(zip, &at));
	BW_NEED(at == zip->bytes.len - zip->end.len, UNSUPPORTED); /* nothing between, so no ZIP64 either */
	return BW_OK;
}

/* ---- packing ------------------------------------------------------------------------------------------------- */

static enum bw_err inflate_to(struct bw_slice packed, uint8_t *out, uint32_t len)
{
	z_stream z = { 0 };
	int status;

	BW_NEED(inflateInit2(&z, -MAX_WBITS) == Z_OK, MEMORY);
	z.next_in = packed.ptr;
	z.avail_in = (uInt)packed.len;
	z.next_out = out;
	z.avail_out = len;
	status = inflate(&z, Z_FINISH);
	(void)inflateEnd(&z);
	BW_NEED(status == Z_STREAM_END && z.total_out == len && z.avail_in == 0, UNSUPPORTED);
	return BW_OK;
}

static enum bw_err unpack(struct zip *zip, struct member *m)
{
	uint8_t *bytes;

	BW_NEED(m->len <= PART_MAX, UNSUPPORTED);
	if (m->method == METHOD_STORED) {
		m->xml = m->packed;
	} else {
		bytes = bw_arena_take(&zip->arena, m->len + 1U);
		BW_NEED(bytes != NULL, UNSUPPORTED);
		BW_TRY(inflate_to(m->packed, bytes, m->len));
		m->xml = bw_slice_of(bytes, m->len);
	}
	BW_NEED(crc32_z(0, m->xml.ptr, m->xml.len) == m->crc, UNSUPPORTED);
	return BW_OK;
}

static enum bw_err deflate_to(struct bw_slice bytes, struct bw_buf *out)
{
	z_stream z = { 0 };
	size_t room;
	int status;

	BW_NEED(deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK, MEMORY);
	room = deflateBound(&z, (uLong)bytes.len);
	if (bw_buf_reserve(out, room) != BW_OK) {
		(void)deflateEnd(&z);
		return BW_ERR_TOO_BIG;
	}
	z.next_in = bytes.ptr;
	z.avail_in = (uInt)bytes.len;
	z.next_out = out->ptr + out->len;
	z.avail_out = (uInt)room;
	status = deflate(&z, Z_FINISH);
	out->len += z.total_out;
	(void)deflateEnd(&z);
	return status == Z_STREAM_END ? BW_OK : BW_ERR_SYSTEM;
}

/* ---- what its members are -------------------------------------------------------------------------------------- */

#define PREVIEW "Thumbnails/thumbnail.png"
#define MANIFEST "META-INF/manifest.xml"

static bool ends(struct bw_slice name, const char *with)
{
	const size_t len = strlen(with);

	return name.len >= len && bw_slice_is(bw_slice_from(name, name.len - len), with);
}

/* A document that is signed, or holds more than words, is no model. */
static enum bw_err sort_one(struct zip *zip, struct member *m)
{
	const bool is_xml = ends(m->name, ".xml");

	BW_NEED(!bw_slice_starts(m->name, BW_LIT("_xmlsignatures")) && !ends(m->name, "signatures.xml"), UNSUPPORTED);
	if (m->len == 0 || bw_slice_is(m->name, PREVIEW) || bw_slice_is(m->name, "mimetype") ||
	    ends(m->name, ".rels") || ends(m->name, ".rdf"))
		return BW_OK;
	BW_NEED(is_xml, UNSUPPORTED);
	m->is_whole = bw_slice_is(m->name, "content.xml");
	m->is_words = !bw_slice_is(m->name, "[Content_Types].xml") && !bw_slice_is(m->name, MANIFEST);
	return unpack(zip, m);
}

static bool is_left_out(const struct member *m)
{
	return bw_slice_is(m->name, PREVIEW);
}

static enum bw_err learn(struct zip *zip, struct bw_bait_pool *pool)
{
	struct bw_bait_tally tally = { 0 };

	for (size_t i = 0; i < zip->count; i++) {
		struct member *m = &zip->members[i];

		BW_TRY(sort_one(zip, m));
		if (m->is_words)
			BW_TRY(bw_bait_xml_learn(m->xml, m->is_whole, pool, &tally));
	}
	BW_NEED(tally.letters >= LETTERS_PER_DIGIT * tally.digits, UNSUPPORTED);
	BW_NEED(pool->different >= BW_BAIT_WORDS_MIN, UNSUPPORTED);
	return BW_OK;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static size_t find(struct bw_slice whole, struct bw_slice what)
{
	for (size_t at = 0; at + what.len <= whole.len; at++) {
		if (bw_slice_starts(bw_slice_from(whole, at), what))
			return at;
	}
	return whole.len;
}

/* Without the line of what is left out: the element from its '<' to its '>'. */
static enum bw_err write_manifest(struct bw_slice xml, struct bw_buf *out)
{
	const size_t at = find(xml, BW_LIT("\"" PREVIEW "\""));
	size_t from = at;
	size_t to = at;

	if (at == xml.len)
		return bw_buf_add(out, xml);
	while (from > 0 && xml.ptr[from] != '<')
		from--;
	while (to < xml.len && xml.ptr[to] != '>')
		to++;
	BW_TRY(bw_buf_add(out, bw_slice_sub(xml, 0, from)));
	return bw_buf_add(out, bw_slice_from(xml, to + 1));
}

/* Its new content, as it stands in the file; what did not change keeps its very bytes. */
static enum bw_err content_of(struct member *m, const struct bw_bait_pool *pool, struct bw_bait_dice *dice,
			      struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf xml = BW_BUF_INIT(2 * PART_MAX);
	const bool is_manifest = bw_slice_is(m->name, MANIFEST);

	if (m->is_words)
		BW_TRY(bw_bait_xml_stir(m->xml, m->is_whole, pool, dice, &xml));
	else if (is_manifest && m->xml.len > 0)
		BW_TRY(write_manifest(m->xml, &xml));
	if ((!m->is_words && !is_manifest) || bw_slice_equals(bw_buf_slice(&xml), m->xml))
		return bw_buf_add(out, m->packed);
	m->crc = (uint32_t)crc32_z(0, xml.ptr, xml.len);
	m->len = (uint32_t)xml.len;
	BW_TRY(m->method == METHOD_STORED ? bw_buf_add(out, bw_buf_slice(&xml)) : deflate_to(bw_buf_slice(&xml), out));
	m->packed_len = (uint32_t)out->len;
	return BW_OK;
}

static enum bw_err write_after(const struct member *m, struct bw_buf *out)
{
	uint8_t after[16];

	set(after, 0, AFTER_MARK, 4);
	set(after, 4, m->crc, 4);
	set(after, 8, m->packed_len, 4);
	set(after, 12, m->len, 4);
	return bw_buf_add(out, bw_slice_of(after, sizeof(after)));
}

static enum bw_err write_member(struct member *m, const struct bw_bait_pool *pool, struct bw_bait_dice *dice,
				struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf content = BW_BUF_INIT(2 * PART_MAX);
	const bool is_after = (m->flags & FLAG_AFTER) != 0;
	uint8_t *header;

	BW_TRY(content_of(m, pool, dice, &content));
	m->at = (uint32_t)out->len;
	BW_TRY(bw_buf_add(out, m->local));
	header = out->ptr + m->at;
	/* with a descriptor, writers leave the numbers in front empty or not: as the model did */
	if (!is_after || number(m->local, LOCAL_PACKED, 4) != 0) {
		set(header, LOCAL_CRC, m->crc, 4);
		set(header, LOCAL_PACKED, m->packed_len, 4);
		set(header, LOCAL_WHOLE, m->len, 4);
	}
	BW_TRY(bw_buf_add(out, bw_buf_slice(&content)));
	return is_after ? write_after(m, out) : BW_OK;
}

static enum bw_err write_entry(const struct member *m, struct bw_buf *out)
{
	const size_t at = out->len;
	uint8_t *header;

	BW_TRY(bw_buf_add(out, m->entry));
	header = out->ptr + at;
	set(header, ENTRY_CRC, m->crc, 4);
	set(header, ENTRY_PACKED, m->packed_len, 4);
	set(header, ENTRY_WHOLE, m->len, 4);
	set(header, ENTRY_AT, m->at, 4);
	return BW_OK;
}

static enum bw_err write_all(struct zip *zip, const struct bw_bait_pool *pool, struct bw_bait_dice *dice,
			     struct bw_buf *out)
{
	uint32_t count = 0;
	size_t entries;
	size_t end;

	for (size_t i = 0; i < zip->count; i++) {
		if (is_left_out(&zip->members[i]))
			continue;
		BW_TRY(write_member(&zip->members[i], pool, dice, out));
		count++;
	}
	entries = out->len;
	for (size_t i = 0; i < zip->count; i++) {
		if (!is_left_out(&zip->members[i]))
			BW_TRY(write_entry(&zip->members[i], out));
	}
	end = out->len;
	BW_TRY(bw_buf_add(out, zip->end));
	set(out->ptr + end, END_HERE, count, 2);
	set(out->ptr + end, END_ALL, count, 2);
	set(out->ptr + end, END_SIZE, (uint32_t)(end - entries), 4);
	set(out->ptr + end, END_AT, (uint32_t)entries, 4);
	return BW_OK;
}

enum bw_err bw_bait_zip(struct bw_slice model, struct bw_bait_pool *pool, struct bw_bait_dice *dice, struct bw_buf *out)
{
	struct zip *zip = calloc(1, sizeof(*zip));
	enum bw_err err;

	BW_NEED(zip != NULL, MEMORY);
	zip->bytes = model;
	zip->arena = BW_ARENA_INIT(UNPACKED_MAX);
	err = read_all(zip);
	if (err == BW_OK)
		err = learn(zip, pool);
	if (err == BW_OK)
		err = write_all(zip, pool, dice, out);
	bw_arena_release(&zip->arena);
	free(zip);
	return err;
}
