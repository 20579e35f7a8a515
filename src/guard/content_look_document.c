/* PDF, OLE2, SQLite, DICOM, OpenPGP. */
#include "base/text.h"
#include "guard/content_look.h"

/* ---- PDF: ISO 32000-1 7.5 ---------------------------------------------------------------- */

enum { XREF_ENTRY = 20 }; /* 7.5.4: always that long */

static bool take_number(struct bw_slice text, size_t *at, uint64_t *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (*at < text.len && (bw_is_space(text.ptr[*at]) || text.ptr[*at] == 0))
		(*at)++;
	for (; *at < text.len && bw_is_digit(text.ptr[*at]) && digits < 18; (*at)++, digits++)
		value = value * 10 + (text.ptr[*at] - '0');
	*out = value;
	return digits > 0;
}

static bool skip_word(struct bw_slice text, size_t *at, const char *word)
{
	const size_t len = strlen(word);

	while (*at < text.len && bw_is_space(text.ptr[*at]))
		(*at)++;
	if (text.len - *at < len || memcmp(text.ptr + *at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* "12 0 obj" */
static bool is_object(struct bw_slice text)
{
	size_t at = 0;
	uint64_t number;

	return take_number(text, &at, &number) && take_number(text, &at, &number) && skip_word(text, &at, "obj");
}

/* The classic cross-reference table: every entry in use must lead to "N G obj" where the sample has it. */
static void check_table(const struct bw_look *look, struct bw_slice table, struct bw_opinion *opinion)
{
	size_t at = 0;
	uint64_t first;
	uint64_t count;

	if (!skip_word(table, &at, "xref"))
		return;
	while (take_number(table, &at, &first) && take_number(table, &at, &count)) {
		for (uint64_t i = 0; i < count; i++) {
			uint64_t where;
			uint64_t generation;
			struct bw_slice object;

			if (table.len - at < 2 * XREF_ENTRY) /* the window ends */
				return;
			if (!take_number(table, &at, &where) || !take_number(table, &at, &generation)) {
				bw_part(opinion, false);
				return;
			}
			if (skip_word(table, &at, "f"))
				continue;
			if (!skip_word(table, &at, "n")) {
				bw_part(opinion, false);
				return;
			}
			if (where != 0 && bw_sample_from(look->sample, where, &object) && object.len >= 32)
				bw_part(opinion, is_object(bw_slice_sub(object, 0, 40)));
			if (opinion->wrong > 8)
				return;
		}
	}
}

void bw_look_pdf(const struct bw_look *look, struct bw_opinion *opinion)
{
	const struct bw_slice end = bw_slice_from(look->tail, look->tail.len > 2048 ? look->tail.len - 2048 : 0);
	struct bw_slice table;
	uint64_t where;
	size_t found;
	size_t at;

	opinion->encrypted = bw_find_first(end, BW_LIT("/Encrypt "), &found);
	if (!bw_find_last(end, BW_LIT("startxref"), &found) || !bw_find_last(end, BW_LIT("%%EOF"), &at)) {
		opinion->state = BW_STATE_SHORT;
		bw_settle(opinion, false, false);
		return;
	}
	at = found + sizeof("startxref") - 1;
	if (!take_number(end, &at, &where) || where >= look->size) {
		bw_part(opinion, false);
	} else if (bw_sample_from(look->sample, where, &table) && table.len >= 32) {
		at = 0;
		bw_part(opinion, skip_word(table, &at, "xref") || is_object(bw_slice_sub(table, 0, 40)));
		check_table(look, table, opinion);
	}
	bw_settle(opinion, true, false);
}

/* ---- OLE2 compound files: MS-CFB 2.2, 2.3 ---------------------------------------------------- */

static const struct bw_slice encrypted_package = { (const uint8_t *)"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e",
						   31 };

void bw_look_ole2(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t order;
	uint64_t shift;
	uint64_t small_shift;
	uint64_t fat;
	uint64_t mark;
	uint64_t directory;
	struct bw_slice names;
	size_t found;

	if (!bw_look_le(look, 28, 2, &order) || !bw_look_le(look, 30, 2, &shift) ||
	    !bw_look_le(look, 32, 2, &small_shift) || !bw_look_le(look, 48, 4, &directory) ||
	    !bw_look_le(look, 76, 4, &fat))
		return;
	bw_part(opinion, order == 0xfffe && (shift == 9 || shift == 12) && small_shift == 6);
	if (opinion->wrong > 0) {
		bw_settle(opinion, false, false);
		return;
	}
	/* the first FAT sector describes itself as one (2.3: FATSECT) */
	if (fat < look->size && bw_look_le(look, ((fat + 1) << shift) + fat * 4, 4, &mark) && fat < (1u << shift) / 4)
		bw_part(opinion, mark == 0xfffffffd);
	if (directory < look->size && bw_sample_from(look->sample, (directory + 1) << shift, &names) &&
	    names.len >= 128) {
		bw_part(opinion, bw_slice_starts(names, bw_slice_of("R\0o\0o\0t\0 \0E\0n\0t\0r\0y\0", 20)) ||
					 bw_slice_starts(names, bw_slice_of("R\0", 2)));
		opinion->encrypted = bw_find_first(bw_slice_sub(names, 0, 4096), encrypted_package, &found);
	}
	if (directory < look->size && (directory + 1) << shift >= look->size)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2, false);
}

/* ---- SQLite: file format 1.3 (header) and 1.6 (pages) ------------------------------------------ */

static bool is_tree_page(struct bw_slice page, uint64_t usable)
{
	const uint8_t kind = page.ptr[0];
	const unsigned cells = (unsigned)page.ptr[3] << 8 | page.ptr[4];
	const unsigned start = (unsigned)page.ptr[5] << 8 | page.ptr[6];

	return (kind == 2 || kind == 5 || kind == 10 || kind == 13) && cells * 2 + 8 <= usable &&
	       (start == 0 || start <= usable);
}

/* An overflow page and a trunk of the free list begin with a page number, the last with 0. */
static bool is_chain_page(struct bw_slice page, uint64_t pages)
{
	uint64_t next = 0;

	for (size_t i = 0; i < 4; i++)
		next = next << 8 | page.ptr[i];
	return next <= pages;
}

static void check_pages(const struct bw_look *look, uint64_t page_bytes, struct bw_opinion *opinion)
{
	const uint64_t pages = look->size / page_bytes + 1;

	for (size_t i = 0; i < look->sample->count; i++) {
		const struct bw_piece *piece = &look->sample->pieces[i];
		uint64_t at = (piece->at + page_bytes - 1) / page_bytes * page_bytes;

		for (at = at == 0 ? page_bytes : at; at + 8 <= piece->at + piece->bytes.len; at += page_bytes) {
			const struct bw_slice page = bw_slice_from(piece->bytes, (size_t)(at - piece->at));

			bw_part(opinion, is_tree_page(page, page_bytes) || is_chain_page(page, pages));
		}
	}
}

void bw_look_sqlite(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t page;
	uint64_t fractions;
	uint64_t kind;

	if (!bw_look_be(look, 16, 2, &page) || !bw_look_be(look, 21, 3, &fractions) || !bw_look_be(look, 100, 1, &kind))
		return;
	page = page == 1 ? 65536 : page;
	bw_part(opinion, page >= 512 && (page & (page - 1)) == 0 && fractions == 0x402020);
	bw_part(opinion, kind == 2 || kind == 5 || kind == 10 || kind == 13);
	if (opinion->wrong == 0)
		check_pages(look, page, opinion);
	/* leaves of the free list hold anything: an eighth may */
	if (opinion->wrong > 0 && opinion->right >= 2 && opinion->wrong * 7 <= opinion->right)
		opinion->wrong = 0;
	if (opinion->wrong == 0 && look->size % page != 0)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2 && look->size % page == 0, false);
}

/* ---- DICOM: PS3.10 7.1 ---------------------------------------------------------------------- */

void bw_look_dicom(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t group;

	if (!bw_look_le(look, 132, 2, &group))
		return;
	bw_part(opinion, group == 2 || group == 8);
	bw_settle(opinion, opinion->wrong == 0, false);
}

/* ---- OpenPGP: RFC 4880 4.2, 5.1, 5.3 ------------------------------------------------------------ */

/*
 * A message begins with a session key packet (tag 1 or 3, version 3 or 4). Both ways
 * of writing the length are one byte there; anything else is not believed.
 */
void bw_look_pgp(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t tag;
	uint64_t len;
	uint64_t version;
	uint64_t algorithm;
	bool symmetric;
	bool fits;

	opinion->format = BW_FORMAT_UNKNOWN;
	if (!bw_look_be(look, 0, 1, &tag) || !bw_look_be(look, 1, 1, &len))
		return;
	symmetric = tag == 0x8c || tag == 0xc3;
	if (tag == 0x85 || (tag == 0xc1 && len >= 192)) { /* two bytes of length */
		fits = bw_look_be(look, 3, 1, &version) && bw_look_be(look, 12, 1, &algorithm) && version == 3 &&
		       algorithm <= 25 && (tag != 0x85 || len <= 4);
	} else {
		fits = bw_look_be(look, 2, 1, &version) && bw_look_be(look, symmetric ? 3 : 11, 1, &algorithm) &&
		       version == (symmetric ? 4 : 3) && algorithm <= 25 && (!symmetric || (len >= 4 && len <= 64));
	}
	if (!fits)
		return;
	opinion->format = BW_FORMAT_PGP;
	opinion->encrypted = true;
}
