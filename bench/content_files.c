#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "bench/content_files.h"
#include "bench/content_patterns.h"

struct dice {
	uint64_t seed;
};

static uint64_t roll(struct dice *dice, uint64_t sides)
{
	uint64_t word;

	bw_shape_noise(dice->seed += 0x9e3779b97f4a7c15u, (uint8_t *)&word, sizeof(word));
	return (word >> 11) % sides;
}

static void must(enum bw_err err)
{
	if (err != BW_OK)
		abort();
}

static void add(struct bw_buf *out, const char *text)
{
	must(bw_buf_add_text(out, text));
}

static void add_le(struct bw_buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		must(bw_buf_add_u8(out, (uint8_t)(value >> (8 * i))));
}

static void add_zeros(struct bw_buf *out, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		must(bw_buf_add_u8(out, 0));
}

/* ---- text ---------------------------------------------------------------------------------------- */

static const char *const words[] = {
	"the",    "of",      "and",    "school", "to",        "in",       "pupil",   "is",       "teacher", "for",
	"that",   "report",  "on",     "class",  "with",      "are",      "was",     "council",  "this",    "meeting",
	"be",     "from",    "budget", "or",     "by",        "hospital", "at",      "ward",     "patient", "which",
	"letter", "an",      "their",  "has",    "minutes",   "have",     "Tuesday", "not",      "agree",   "chair",
	"would",  "invoice", "parent", "we",     "timetable", "please",   "find",    "attached", "harbour", "library",
	"exam",   "result",  "summer", "number", "first",
};

static const char *word(struct dice *dice)
{
	const uint64_t a = roll(dice, BW_COUNT(words));
	const uint64_t b = roll(dice, BW_COUNT(words));

	return words[a < b ? a : b]; /* the first ones more often, as in any language */
}

static void make_prose(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	while (out->len < size) {
		for (uint64_t n = 6 + roll(&dice, 14); n > 0; n--) {
			add(out, word(&dice));
			add(out, n == 1 ? ".\n" : roll(&dice, 9) == 0 ? ", " : " ");
		}
	}
}

static void make_utf8(size_t size, uint64_t seed, struct bw_buf *out)
{
	static const char *const more[] = { "größe", "Übung",  "señor", "école", "Łódź",
					    "naïve", "Москва", "写真",  "–",     "€" };
	struct dice dice = { seed };

	while (out->len < size) {
		add(out, roll(&dice, 5) == 0 ? more[roll(&dice, BW_COUNT(more))] : word(&dice));
		add(out, roll(&dice, 12) == 0 ? "\n" : " ");
	}
}

static void make_latin(size_t size, uint64_t seed, struct bw_buf *out)
{
	static const char *const more[] = { "gr\xf6\xdf"
					    "e",
					    "\xdc"
					    "bung",
					    "se\xf1or",
					    "\xe9"
					    "cole" };
	struct dice dice = { seed };

	while (out->len < size) {
		add(out, roll(&dice, 5) == 0 ? more[roll(&dice, BW_COUNT(more))] : word(&dice));
		add(out, roll(&dice, 12) == 0 ? "\r\n" : " ");
	}
}

static void make_utf16(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);

	make_prose(size / 2, seed, &text);
	add_le(out, 0xfeff, 2);
	for (size_t i = 0; i < text.len; i++)
		add_le(out, text.ptr[i], 2);
}

/* A compiler evaluates arguments in any order: each roll is a statement, so that all make the same files. */
static void make_csv(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	add(out, "id;surname;form;mark;paid\r\n");
	while (out->len < size) {
		const unsigned long id = (unsigned long)roll(&dice, 100000);
		const char *const name = word(&dice);
		const unsigned long form = (unsigned long)(5 + roll(&dice, 8));
		const int group = (int)('a' + roll(&dice, 4));
		const unsigned long mark = (unsigned long)roll(&dice, 15);
		const unsigned long part = (unsigned long)roll(&dice, 100);
		const char *const paid = roll(&dice, 2) == 0 ? "yes" : "no";

		must(bw_buf_addf(out, "%lu;%s;%lu%c;%lu.%lu;%s\r\n", id, name, form, group, mark, part, paid));
	}
}

static void make_xml(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<pupils>\n");
	while (out->len < size) {
		const unsigned long id = (unsigned long)roll(&dice, 100000);
		const char *const name = word(&dice);
		const unsigned long form = (unsigned long)roll(&dice, 13);

		must(bw_buf_addf(out, "  <pupil id=\"%lu\"><name>%s</name><form>%lu</form></pupil>\n", id, name, form));
	}
	add(out, "</pupils>\n");
}

static void make_json(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	add(out, "[");
	while (out->len < size) {
		const unsigned long id = (unsigned long)roll(&dice, 100000);
		const char *const name = word(&dice);
		const char *const open = roll(&dice, 2) == 0 ? "true" : "false";

		must(bw_buf_addf(out, "{\"id\":%lu,\"name\":\"%s\",\"open\":%s},", id, name, open));
	}
	add(out, "{}]");
}

static void make_source(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	add(out, "#include <stdio.h>\n\n");
	while (out->len < size) {
		const char *const verb = word(&dice);
		const char *const noun = word(&dice);
		const unsigned long number = (unsigned long)roll(&dice, 256);
		const char *const note = word(&dice);

		must(bw_buf_addf(out, "static int %s_%s(int %s)\n{\n\treturn %s + %lu; /* %s */\n}\n\n", verb, noun,
				 words[7], words[7], number, note));
	}
}

static void make_mail(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	while (out->len < size) {
		const char *const from = word(&dice);
		const char *const first = word(&dice);
		const char *const second = word(&dice);

		must(bw_buf_addf(out, "From %s@example.org Mon Nov 23 04:00:00 2026\nSubject: %s %s\n\n", from, first,
				 second));
		make_prose(out->len + 600, roll(&dice, UINT32_MAX), out);
	}
}

/* ---- packed ------------------------------------------------------------------------------------------ */

static void deflate_to(struct bw_slice bytes, int bits, struct bw_buf *out)
{
	z_stream stream = { .next_in = bytes.ptr, .avail_in = (uInt)bytes.len };
	size_t bound;

	if (deflateInit2(&stream, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	bound = deflateBound(&stream, bytes.len);
	must(bw_buf_reserve(out, bound));
	stream.next_out = out->ptr + out->len;
	stream.avail_out = (uInt)bound;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	out->len += bound - stream.avail_out;
	(void)deflateEnd(&stream);
}

void bw_make_gzip_of(struct bw_slice bytes, struct bw_buf *out)
{
	deflate_to(bytes, MAX_WBITS + 16, out);
}

static void make_gzip(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);

	make_prose(size * 3, seed, &text);
	bw_make_gzip_of(bw_buf_slice(&text), out);
}

struct entry {
	const char *name;
	size_t at;
	size_t packed;
	size_t bytes;
	uint32_t crc;
};

static void add_entry(struct bw_buf *out, struct entry *entry, struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(SIZE_MAX / 2);

	deflate_to(bytes, -MAX_WBITS, &packed);
	entry->at = out->len;
	entry->packed = packed.len;
	entry->bytes = bytes.len;
	entry->crc = (uint32_t)crc32_z(0, bytes.ptr, bytes.len);
	must(bw_buf_add(out, BW_LIT("PK\3\4\x14\0\0\0\x08\0\0\0\0\0")));
	add_le(out, entry->crc, 4);
	add_le(out, packed.len, 4);
	add_le(out, bytes.len, 4);
	add_le(out, strlen(entry->name), 2);
	add_le(out, 0, 2);
	add(out, entry->name);
	must(bw_buf_add(out, bw_buf_slice(&packed)));
}

static void add_directory(struct bw_buf *out, const struct entry *entries, size_t n)
{
	const size_t at = out->len;
	size_t end;

	for (size_t i = 0; i < n; i++) {
		must(bw_buf_add(out, BW_LIT("PK\1\2\x14\0\x14\0\0\0\x08\0\0\0\0\0")));
		add_le(out, entries[i].crc, 4);
		add_le(out, entries[i].packed, 4);
		add_le(out, entries[i].bytes, 4);
		add_le(out, strlen(entries[i].name), 2);
		add_zeros(out, 12);
		add_le(out, entries[i].at, 4);
		add(out, entries[i].name);
	}
	end = out->len;
	must(bw_buf_add(out, BW_LIT("PK\5\6\0\0\0\0")));
	add_le(out, n, 2);
	add_le(out, n, 2);
	add_le(out, end - at, 4);
	add_le(out, at, 4);
	add_le(out, 0, 2);
}

static void make_archive(size_t size, uint64_t seed, const char *const names[], size_t n, struct bw_buf *out)
{
	struct entry entries[8];

	for (size_t i = 0; i < n; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);

		make_xml(i == 0 ? 800 : size * 7 / n, seed + i, &text);
		entries[i] = (struct entry){ .name = names[i] };
		add_entry(out, &entries[i], bw_buf_slice(&text));
	}
	add_directory(out, entries, n);
}

static void make_zip(size_t size, uint64_t seed, struct bw_buf *out)
{
	static const char *const names[] = { "readme.txt", "a/list.xml", "a/more.xml", "b/last.xml" };

	make_archive(size, seed, names, BW_COUNT(names), out);
}

static void make_docx(size_t size, uint64_t seed, struct bw_buf *out)
{
	static const char *const names[] = { "[Content_Types].xml", "_rels/.rels", "word/document.xml",
					     "word/styles.xml", "docProps/core.xml" };

	make_archive(size, seed, names, BW_COUNT(names), out);
}

/* ---- pictures ------------------------------------------------------------------------------------------- */

static void add_be(struct bw_buf *out, uint32_t value)
{
	must(bw_buf_add_be32(out, value));
}

static void add_chunk(struct bw_buf *out, const char *name, struct bw_slice bytes)
{
	size_t at;

	add_be(out, (uint32_t)bytes.len);
	at = out->len;
	add(out, name);
	must(bw_buf_add(out, bytes));
	add_be(out, (uint32_t)crc32_z(0, out->ptr + at, out->len - at));
}

/* Lines of a soft picture with some grain, as a camera or a scanner gives them. */
static void make_pixels(size_t size, uint64_t seed, bool filters, struct bw_buf *out)
{
	struct dice dice = { seed };

	for (size_t y = 0; out->len < size; y++) {
		if (filters)
			must(bw_buf_add_u8(out, 0));
		for (size_t x = 0; x < 300; x++)
			must(bw_buf_add_u8(out, (uint8_t)(x / 2 + y / 3 + (roll(&dice, 4) == 0 ? roll(&dice, 6) : 0))));
	}
}

static void make_png(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pixels = BW_BUF_INIT(SIZE_MAX / 2);
	BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(SIZE_MAX / 2);
	uint8_t header[13] = { 0, 0, 0, 100, 0, 0, 0, 0, 8, 2, 0, 0, 0 };

	make_pixels(size * 4, seed, true, &pixels);
	header[6] = (uint8_t)(pixels.len / 301 >> 8);
	header[7] = (uint8_t)(pixels.len / 301);
	deflate_to(bw_slice_sub(bw_buf_slice(&pixels), 0, pixels.len / 301 * 301), MAX_WBITS, &packed);
	must(bw_buf_add(out, BW_LIT("\x89PNG\r\n\x1a\n")));
	add_chunk(out, "IHDR", bw_slice_of(header, sizeof(header)));
	for (size_t at = 0; at < packed.len; at += 8192)
		add_chunk(out, "IDAT", bw_slice_sub(bw_buf_slice(&packed), at, 8192));
	add_chunk(out, "IEND", bw_slice_empty);
}

/* Markers as JPEG has them; the scan is stuffed bytes as Huffman codes leave them: nearly, not quite even. */
static void make_jpeg(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	must(bw_buf_add(out, BW_LIT("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0")));
	must(bw_buf_add(out, BW_LIT("\xff\xdb\0\x43\0")));
	for (unsigned i = 0; i < 64; i++)
		must(bw_buf_add_u8(out, (uint8_t)(3 + i / 2)));
	must(bw_buf_add(out, BW_LIT("\xff\xc0\0\x0b\x08\1\0\1\0\1\1\x11\0")));
	must(bw_buf_add(out, BW_LIT("\xff\xda\0\x08\1\1\0\0\x3f\0")));
	while (out->len + 2 < size) {
		const uint8_t byte = (uint8_t)(roll(&dice, 8) == 0 ? roll(&dice, 64) * 4 : roll(&dice, 256));

		must(bw_buf_add_u8(out, byte));
		if (byte == 0xff)
			must(bw_buf_add_u8(out, 0));
	}
	must(bw_buf_add(out, BW_LIT("\xff\xd9")));
}

static void make_bmp(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pixels = BW_BUF_INIT(SIZE_MAX / 2);

	make_pixels(size, seed, false, &pixels);
	add(out, "BM");
	add_le(out, 54 + pixels.len, 4);
	add_le(out, 0, 4);
	add_le(out, 54, 4);
	add_le(out, 40, 4);
	add_le(out, 300, 4);
	add_le(out, pixels.len / 300, 4);
	add_le(out, 0x80001, 4);
	add_zeros(out, 24);
	must(bw_buf_add(out, bw_buf_slice(&pixels)));
}

static void make_tiff(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pixels = BW_BUF_INIT(SIZE_MAX / 2);

	make_pixels(size, seed, false, &pixels);
	must(bw_buf_add(out, BW_LIT("II*\0")));
	add_le(out, 8 + pixels.len, 4);
	must(bw_buf_add(out, bw_buf_slice(&pixels)));
	add_le(out, 4, 2);
	for (uint64_t tag = 256; tag < 260; tag++) {
		add_le(out, tag, 2);
		add_le(out, 3, 2);
		add_le(out, 1, 4);
		add_le(out, 300, 4);
	}
	add_le(out, 0, 4);
}

static void make_wav(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };
	const size_t samples = size / 2;
	int level = 0;

	add(out, "RIFF");
	add_le(out, 36 + samples * 2, 4);
	add(out, "WAVEfmt ");
	must(bw_buf_add(out, BW_LIT("\x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data")));
	add_le(out, samples * 2, 4);
	for (size_t i = 0; i < samples; i++) {
		level += (int)roll(&dice, 401) - 200 - level / 32;
		add_le(out, (uint16_t)level, 2);
	}
}

/* ---- documents -------------------------------------------------------------------------------------------- */

static void make_pdf(size_t size, uint64_t seed, struct bw_buf *out)
{
	enum { OBJECTS = 24 };
	size_t places[OBJECTS];
	size_t table;

	add(out, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n");
	for (unsigned i = 0; i < OBJECTS; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);
		BW_CLEANUP(bw_buf_release) struct bw_buf packed = BW_BUF_INIT(SIZE_MAX / 2);

		make_prose(size * 4 / OBJECTS, seed + i, &text);
		deflate_to(bw_buf_slice(&text), MAX_WBITS, &packed);
		places[i] = out->len;
		must(bw_buf_addf(out, "%u 0 obj\n<< /Length %zu /Filter /FlateDecode >>\nstream\n", i + 1, packed.len));
		must(bw_buf_add(out, bw_buf_slice(&packed)));
		add(out, "\nendstream\nendobj\n");
	}
	table = out->len;
	must(bw_buf_addf(out, "xref\n0 %u\n0000000000 65535 f \n", OBJECTS + 1u));
	for (unsigned i = 0; i < OBJECTS; i++)
		must(bw_buf_addf(out, "%010zu 00000 n \n", places[i]));
	must(bw_buf_addf(out, "trailer\n<< /Size %u /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", OBJECTS + 1u, table));
}

/* Leaf pages of one table full of text, cells from the end as SQLite lays them. */
static void make_sqlite(size_t size, uint64_t seed, struct bw_buf *out)
{
	const size_t pages = size / 4096 + 2;

	for (size_t page = 0; page < pages; page++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);
		const size_t head = page == 0 ? 100 : 0;

		if (page == 0) {
			must(bw_buf_add(out, BW_LIT("SQLite format 3\0\x10\0\1\1\0\x40\x20\x20\0\0\0\1")));
			add_be(out, (uint32_t)pages);
			add_zeros(out, 100 - 32);
		}
		make_csv(2000 + page % 7 * 100, seed + page, &text);
		must(bw_buf_add(out, BW_LIT("\x0d\0\0\0\x28\x04\0\0")));
		for (unsigned i = 0; i < 40; i++)
			must(bw_buf_add_be16(out, (uint16_t)(4096 - 48 * (i + 1))));
		add_zeros(out, 4096 - head - 8 - 80 - text.len);
		must(bw_buf_add(out, bw_buf_slice(&text)));
	}
}

static void make_ole2(size_t size, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);
	const size_t sectors = size / 512 + 4;

	must(bw_buf_add(out, BW_LIT("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")));
	add_zeros(out, 16);
	must(bw_buf_add(out, BW_LIT("\x3e\0\3\0\xfe\xff\x09\0\6\0")));
	add_zeros(out, 10);
	add_le(out, 1, 4);
	add_le(out, 1, 4); /* the directory */
	add_zeros(out, 76 - 52);
	add_le(out, 0, 4); /* the first FAT sector */
	while (out->len < 512)
		add_le(out, UINT32_MAX, 4);
	add_le(out, 0xfffffffd, 4);
	for (uint32_t i = 1; i < 128; i++)
		add_le(out, i + 1, 4);
	must(bw_buf_add(out, bw_slice_of("R\0o\0o\0t\0 \0E\0n\0t\0r\0y\0\0", 22)));
	add_zeros(out, 512 - 22);
	make_utf16(sectors * 512, seed, &text);
	must(bw_buf_add(out, bw_slice_sub(bw_buf_slice(&text), 0, (sectors - 3) * 512)));
}

/* Records of some program: numbers, names, padding; no format that we know. */
static void make_records(size_t size, uint64_t seed, struct bw_buf *out)
{
	struct dice dice = { seed };

	add_le(out, 0x00017a11, 4);
	while (out->len < size) {
		const char *name = word(&dice);

		add_le(out, roll(&dice, 100000), 4);
		add_le(out, roll(&dice, 3), 4);
		add(out, name);
		add_zeros(out, 24 - strlen(name));
	}
}

const struct bw_maker bw_makers[] = {
	{ "prose", BW_FORMAT_ASCII, make_prose },
	{ "utf-8", BW_FORMAT_UTF8, make_utf8 },
	{ "latin", BW_FORMAT_LATIN, make_latin },
	{ "utf-16", BW_FORMAT_UTF16, make_utf16 },
	{ "csv", BW_FORMAT_ASCII, make_csv },
	{ "xml", BW_FORMAT_ASCII, make_xml },
	{ "json", BW_FORMAT_ASCII, make_json },
	{ "source", BW_FORMAT_ASCII, make_source },
	{ "mbox", BW_FORMAT_ASCII, make_mail },
	{ "gzip", BW_FORMAT_GZIP, make_gzip },
	{ "zip", BW_FORMAT_ZIP, make_zip },
	{ "docx", BW_FORMAT_OFFICE, make_docx },
	{ "png", BW_FORMAT_PNG, make_png },
	{ "jpeg", BW_FORMAT_JPEG, make_jpeg },
	{ "bmp", BW_FORMAT_BMP, make_bmp },
	{ "tiff", BW_FORMAT_TIFF, make_tiff },
	{ "wav", BW_FORMAT_RIFF, make_wav },
	{ "pdf", BW_FORMAT_PDF, make_pdf },
	{ "sqlite", BW_FORMAT_SQLITE, make_sqlite },
	{ "doc", BW_FORMAT_OLE2, make_ole2 },
	{ "records", BW_FORMAT_UNKNOWN, make_records },
};
const size_t bw_makers_n = BW_COUNT(bw_makers);

const struct bw_maker *bw_maker_named(const char *name)
{
	for (size_t i = 0; i < bw_makers_n; i++) {
		if (strcmp(bw_makers[i].name, name) == 0)
			return &bw_makers[i];
	}
	abort();
}
