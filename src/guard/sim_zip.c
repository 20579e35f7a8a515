#include <zlib.h>

#include "guard/sim_parts.h"

enum {
	ZIP_LOCAL = 0x04034b50, /* APPNOTE 4.3.7 */
	ZIP_CENTRAL = 0x02014b50,
	ZIP_END = 0x06054b50,
	ZIP_DATE = 0x5a61, /* 2025-03-01 */
	MEMBERS = 12,
};

struct member {
	const char *name;
	size_t at; /* of the local header */
	uint32_t crc;
	uint32_t packed;
	uint32_t whole;
	uint16_t method;
};

struct zip {
	struct bw_buf *out;
	struct member members[MEMBERS];
	size_t count;
};

enum bw_err sim_add_le16(struct bw_buf *out, uint32_t value)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)value));
	return bw_buf_add_u8(out, (uint8_t)(value >> 8));
}

enum bw_err sim_add_le32(struct bw_buf *out, uint32_t value)
{
	BW_TRY(sim_add_le16(out, value & 0xffff));
	return sim_add_le16(out, value >> 16);
}

uint32_t sim_crc32(struct bw_slice bytes)
{
	return (uint32_t)crc32_z(0, bytes.ptr, bytes.len);
}

enum bw_err sim_deflate(struct bw_slice bytes, int window_bits, struct bw_buf *out)
{
	z_stream z = { 0 };
	size_t room;
	int status;

	BW_NEED(bytes.len < UINT32_MAX / 2, TOO_BIG);
	BW_NEED(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK, MEMORY);
	room = deflateBound(&z, (uLong)bytes.len);
	if (bw_buf_reserve(out, room) != BW_OK) {
		(void)deflateEnd(&z);
		return BW_ERR_MEMORY;
	}
	z.next_in = (z_const Bytef *)(uintptr_t)bytes.ptr; /* zlib reads only */
	z.avail_in = (uInt)bytes.len;
	z.next_out = out->ptr + out->len;
	z.avail_out = (uInt)room;
	status = deflate(&z, Z_FINISH);
	out->len += z.total_out;
	(void)deflateEnd(&z);
	BW_NEED(status == Z_STREAM_END, SYSTEM);
	return BW_OK;
}

/* The fields that local and central headers share (APPNOTE 4.3.7, 4.3.12). */
static enum bw_err add_fields(struct bw_buf *out, const struct member *m)
{
	BW_TRY(sim_add_le16(out, 20));
	BW_TRY(sim_add_le16(out, 0));
	BW_TRY(sim_add_le16(out, m->method));
	BW_TRY(sim_add_le16(out, 0));
	BW_TRY(sim_add_le16(out, ZIP_DATE));
	BW_TRY(sim_add_le32(out, m->crc));
	BW_TRY(sim_add_le32(out, m->packed));
	BW_TRY(sim_add_le32(out, m->whole));
	BW_TRY(sim_add_le16(out, (uint32_t)strlen(m->name)));
	return sim_add_le16(out, 0);
}

static enum bw_err add_member(struct zip *zip, const char *name, struct bw_slice bytes, bool stored)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(SIM_CONTENT_MAX);
	struct member *m = &zip->members[zip->count];

	BW_NEED(zip->count < MEMBERS, TOO_MANY);
	if (!stored)
		BW_TRY(sim_deflate(bytes, -15, &packed));
	*m = (struct member){ name,
			      zip->out->len,
			      sim_crc32(bytes),
			      (uint32_t)(stored ? bytes.len : packed.len),
			      (uint32_t)bytes.len,
			      stored ? 0 : 8 };
	zip->count++;
	BW_TRY(sim_add_le32(zip->out, ZIP_LOCAL));
	BW_TRY(add_fields(zip->out, m));
	BW_TRY(bw_buf_add_text(zip->out, name));
	return bw_buf_add(zip->out, stored ? bytes : bw_buf_slice(&packed));
}

static enum bw_err end_zip(struct zip *zip)
{
	struct bw_buf *out = zip->out;
	const size_t central = out->len;
	size_t bytes;

	for (size_t n = 0; n < zip->count; n++) {
		const struct member *m = &zip->members[n];

		BW_TRY(sim_add_le32(out, ZIP_CENTRAL));
		BW_TRY(sim_add_le16(out, 20));
		BW_TRY(add_fields(out, m));
		for (unsigned zeros = 0; zeros < 5; zeros++) /* comment, disk, attributes */
			BW_TRY(sim_add_le16(out, 0));
		BW_TRY(sim_add_le32(out, (uint32_t)m->at));
		BW_TRY(bw_buf_add_text(out, m->name));
	}
	bytes = out->len - central;
	BW_TRY(sim_add_le32(out, ZIP_END));
	BW_TRY(sim_add_le32(out, 0));
	BW_TRY(sim_add_le16(out, (uint32_t)zip->count));
	BW_TRY(sim_add_le16(out, (uint32_t)zip->count));
	BW_TRY(sim_add_le32(out, (uint32_t)bytes));
	BW_TRY(sim_add_le32(out, (uint32_t)central));
	return sim_add_le16(out, 0);
}

enum bw_err sim_zip_stored(const char *name, struct bw_slice bytes, struct bw_buf *out)
{
	struct zip zip = { .out = out };

	BW_TRY(add_member(&zip, name, bytes, true));
	return end_zip(&zip);
}

/* ---- OOXML (ECMA-376) and ODF: the smallest whole documents ---------------------------------- */

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define OOXML "http://schemas.openxmlformats.org/"
#define OPC_RELS XML "<Relationships xmlns=\"" OOXML "package/2006/relationships\">"
#define DOCUMENT_REL OOXML "officeDocument/2006/relationships/officeDocument"

static enum bw_err add_words(struct sim_dice *dice, size_t want, const char *before, const char *after,
			     struct bw_buf *out)
{
	/* text packs to a third; numbers make paragraphs that do not repeat */
	for (const size_t end = out->len + want * 3; out->len < end;) {
		BW_TRY(bw_buf_addf(out, "%s%llu ", before, (unsigned long long)sim_below(dice, 1000000)));
		for (unsigned n = 0; n < 20; n++)
			BW_TRY(bw_buf_addf(out, "%s ", sim_word(dice)));
		BW_TRY(bw_buf_add_text(out, after));
	}
	return BW_OK;
}

/* Most documents hold a picture, which does not shrink. */
static enum bw_err add_picture(struct sim_dice *dice, struct zip *zip, const char *name, size_t want)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf picture = BW_BUF_INIT(SIM_CONTENT_MAX);

	if (want < 16384)
		return BW_OK;
	BW_TRY(sim_make_jpeg(dice, want / 2, &picture));
	return add_member(zip, name, bw_buf_slice(&picture), true);
}

enum bw_err sim_make_docx(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(SIM_CONTENT_MAX);
	struct zip zip = { .out = out };

	BW_TRY(add_member(&zip, "[Content_Types].xml",
			  BW_LIT(XML "<Types xmlns=\"" OOXML "package/2006/content-types\"><Default Extension=\"rels\" "
				     "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
				     "<Default Extension=\"jpeg\" ContentType=\"image/jpeg\"/>"
				     "<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd."
				     "openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>"),
			  false));
	BW_TRY(add_member(&zip, "_rels/.rels",
			  BW_LIT(OPC_RELS "<Relationship Id=\"rId1\" Type=\"" DOCUMENT_REL
					  "\" Target=\"word/document.xml\"/></Relationships>"),
			  false));
	BW_TRY(bw_buf_add_text(&body, XML "<w:document xmlns:w=\"" OOXML "wordprocessingml/2006/main\"><w:body>"));
	BW_TRY(add_words(dice, want < 16384 ? want : want / 2, "<w:p><w:r><w:t xml:space=\"preserve\">",
			 "</w:t></w:r></w:p>", &body));
	BW_TRY(bw_buf_add_text(&body, "</w:body></w:document>"));
	BW_TRY(add_member(&zip, "word/document.xml", bw_buf_slice(&body), false));
	BW_TRY(add_picture(dice, &zip, "word/media/image1.jpeg", want));
	return end_zip(&zip);
}

enum bw_err sim_make_xlsx(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sheet = BW_BUF_INIT(SIM_CONTENT_MAX);
	struct zip zip = { .out = out };

	BW_TRY(add_member(&zip, "[Content_Types].xml",
			  BW_LIT(XML "<Types xmlns=\"" OOXML "package/2006/content-types\"><Default Extension=\"rels\" "
				     "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
				     "<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd."
				     "openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
				     "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd."
				     "openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>"),
			  false));
	BW_TRY(add_member(&zip, "_rels/.rels",
			  BW_LIT(OPC_RELS "<Relationship Id=\"rId1\" Type=\"" DOCUMENT_REL
					  "\" Target=\"xl/workbook.xml\"/></Relationships>"),
			  false));
	BW_TRY(add_member(&zip, "xl/workbook.xml",
			  BW_LIT(XML "<workbook xmlns=\"" OOXML "spreadsheetml/2006/main\" xmlns:r=\"" OOXML
				     "officeDocument/2006/relationships\"><sheets><sheet name=\"Marks\" sheetId=\"1\" "
				     "r:id=\"rId1\"/></sheets></workbook>"),
			  false));
	BW_TRY(add_member(&zip, "xl/_rels/workbook.xml.rels",
			  BW_LIT(OPC_RELS "<Relationship Id=\"rId1\" Type=\"" OOXML
					  "officeDocument/2006/relationships/worksheet\" "
					  "Target=\"worksheets/sheet1.xml\"/></Relationships>"),
			  false));
	BW_TRY(bw_buf_add_text(&sheet, XML "<worksheet xmlns=\"" OOXML "spreadsheetml/2006/main\"><sheetData>"));
	for (unsigned row = 1; sheet.len < want * 4; row++)
		BW_TRY(bw_buf_addf(&sheet,
				   "<row r=\"%u\"><c r=\"A%u\"><v>%llu</v></c><c r=\"B%u\"><v>%llu</v></c></row>", row,
				   row, (unsigned long long)sim_below(dice, 100000000), row,
				   (unsigned long long)sim_below(dice, 10000000000)));
	BW_TRY(bw_buf_add_text(&sheet, "</sheetData></worksheet>"));
	BW_TRY(add_member(&zip, "xl/worksheets/sheet1.xml", bw_buf_slice(&sheet), false));
	return end_zip(&zip);
}

#define ODF "urn:oasis:names:tc:opendocument:xmlns:"

enum bw_err sim_make_odt(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(SIM_CONTENT_MAX);
	struct zip zip = { .out = out };

	/* ODF 1.3 part 2, §3.3: first, and not compressed */
	BW_TRY(add_member(&zip, "mimetype", BW_LIT("application/vnd.oasis.opendocument.text"), true));
	BW_TRY(bw_buf_add_text(&body,
			       XML "<office:document-content xmlns:office=\"" ODF "office:1.0\" xmlns:text=\"" ODF
				   "text:1.0\" office:version=\"1.3\"><office:body><office:text>"));
	BW_TRY(add_words(dice, want < 16384 ? want : want / 2, "<text:p>", "</text:p>", &body));
	BW_TRY(bw_buf_add_text(&body, "</office:text></office:body></office:document-content>"));
	BW_TRY(add_member(&zip, "content.xml", bw_buf_slice(&body), false));
	BW_TRY(add_member(&zip, "META-INF/manifest.xml",
			  BW_LIT(XML "<manifest:manifest xmlns:manifest=\"" ODF
				     "manifest:1.0\" manifest:version=\"1.3\">"
				     "<manifest:file-entry manifest:full-path=\"/\" manifest:media-type="
				     "\"application/vnd.oasis.opendocument.text\"/><manifest:file-entry "
				     "manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>"
				     "</manifest:manifest>"),
			  false));
	BW_TRY(add_picture(dice, &zip, "Pictures/1.jpg", want));
	return end_zip(&zip);
}

enum bw_err sim_make_gz(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIM_CONTENT_MAX);

	BW_TRY(add_words(dice, want, "\n", "", &text));
	return sim_deflate(bw_buf_slice(&text), 31, out);
}
