/*
 * A database in the file format of SQLite 3 (its "Database File Format", sections 1.3, 1.6, 2), with one
 * table of pupils' marks. Only store may include SQLite's own header, and a few pages are quickly written.
 */
#include <stdio.h>

#include "guard/sim_parts.h"

enum {
	PAGE = 4096,
	LEAF = 0x0d,
	INTERIOR = 0x05,
	PAGES_MAX = 600, /* as many as one interior page can name, with room */
};

#define SCHEMA "CREATE TABLE marks(pupil TEXT, mark INTEGER, remark TEXT)"

static void put_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, size_t value)
{
	put_be16(at, value >> 16);
	put_be16(at + 2, value & 0xffff);
}

/* Values below 2^14 are enough here. */
static size_t put_varint(uint8_t *at, uint64_t value)
{
	if (value < 128) {
		at[0] = (uint8_t)value;
		return 1;
	}
	if (value < 16384) {
		at[0] = (uint8_t)(0x80 | value >> 7);
		at[1] = (uint8_t)(value & 0x7f);
		return 2;
	}
	at[0] = (uint8_t)(0x80 | value >> 14);
	at[1] = (uint8_t)(0x80 | (value >> 7 & 0x7f));
	at[2] = (uint8_t)(value & 0x7f);
	return 3;
}

/* A page under way: cells grow down from the end, their places up from the header. */
struct page {
	uint8_t *bytes;
	size_t header; /* 100 on the first page */
	size_t fixed;  /* 8 for leaves, 12 for interiors */
	size_t cells;
	size_t content;
};

static bool add_cell(struct page *page, const uint8_t *cell, size_t len)
{
	const size_t places = page->header + page->fixed + 2 * page->cells;

	if (places + 2 + len > page->content)
		return false;
	page->content -= len;
	memcpy(page->bytes + page->content, cell, len);
	put_be16(page->bytes + places, page->content);
	page->cells++;
	return true;
}

static void end_page(struct page *page, uint8_t kind)
{
	uint8_t *head = page->bytes + page->header;

	head[0] = kind;
	put_be16(head + 1, 0);
	put_be16(head + 3, page->cells);
	put_be16(head + 5, page->content);
	head[7] = 0;
}

/* A row of marks: payload length, row id, record header, values. */
static size_t make_row(struct sim_dice *dice, uint64_t id, uint8_t cell[256])
{
	char pupil[48];
	char remark[96];
	uint8_t body[256];
	size_t at = 0;
	size_t head;

	(void)snprintf(pupil, sizeof(pupil), "%s %s", sim_word(dice), sim_word(dice));
	(void)snprintf(remark, sizeof(remark), "%s %s %s %llu", sim_word(dice), sim_word(dice), sim_word(dice),
		       (unsigned long long)sim_below(dice, 1000000));
	body[0] = 0; /* header length, below */
	head = 1;
	head += put_varint(body + head, 13 + 2 * strlen(pupil));
	body[head++] = 1; /* an integer of one byte */
	head += put_varint(body + head, 13 + 2 * strlen(remark));
	body[0] = (uint8_t)head;
	memcpy(body + head, pupil, strlen(pupil));
	head += strlen(pupil);
	body[head++] = (uint8_t)(2 + sim_below(dice, 99)); /* 0 and 1 have types of their own, and are not used */
	memcpy(body + head, remark, strlen(remark));
	head += strlen(remark);
	at += put_varint(cell, head);
	at += put_varint(cell + at, id);
	memcpy(cell + at, body, head);
	return at + head;
}

static void write_header(uint8_t *file, size_t pages)
{
	memcpy(file, "SQLite format 3", 16);
	put_be16(file + 16, PAGE);
	file[18] = 1;
	file[19] = 1;
	file[21] = 64;
	file[22] = 32;
	file[23] = 32;
	put_be32(file + 24, 1); /* change counter */
	put_be32(file + 28, pages);
	put_be32(file + 40, 1); /* schema cookie */
	put_be32(file + 44, 4); /* schema format */
	put_be32(file + 56, 1); /* UTF-8 */
	put_be32(file + 92, 1); /* version-valid-for */
	put_be32(file + 96, 3040001);
}

/* The schema's one row: type, name, table, root page, SQL. */
static void write_schema(uint8_t *file)
{
	struct page page = { file, 100, 8, 0, PAGE };
	/* the record's header: its length, then five types of a byte each; the last is below */
	static const uint8_t head[] = { 6, 13 + 2 * 5, 13 + 2 * 5, 13 + 2 * 5, 1 };
	uint8_t cell[256];
	size_t at = 2;

	cell[1] = 1; /* row id */
	memcpy(cell + at, head, sizeof(head));
	at += sizeof(head);
	at += put_varint(cell + at, 13 + 2 * strlen(SCHEMA));
	memcpy(cell + at, "tablemarksmarks", 15);
	at += 15;
	cell[at++] = 2; /* root page */
	memcpy(cell + at, SCHEMA, strlen(SCHEMA));
	at += strlen(SCHEMA);
	cell[0] = (uint8_t)(at - 2);
	(void)add_cell(&page, cell, at);
	end_page(&page, LEAF);
}

enum bw_err sim_make_sqlite(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	const size_t leaves = want / PAGE < 2 ? 2 : want / PAGE > PAGES_MAX ? PAGES_MAX : want / PAGE;
	const size_t bytes = (leaves + 2) * PAGE;
	struct page root;
	uint64_t id = 1;
	uint8_t *file;

	BW_TRY(bw_buf_reserve(out, bytes));
	file = out->ptr + out->len;
	memset(file, 0, bytes);
	write_header(file, leaves + 2);
	write_schema(file);
	root = (struct page){ file + PAGE, 0, 12, 0, PAGE };
	for (size_t n = 0; n < leaves; n++) {
		struct page leaf = { file + (n + 2) * PAGE, 0, 8, 0, PAGE };
		uint8_t cell[256];
		uint8_t child[8];

		while (leaf.content - leaf.fixed - 2 * leaf.cells > 300) { /* always room for one more */
			const size_t len = make_row(dice, id, cell);

			(void)add_cell(&leaf, cell, len);
			id++;
		}
		end_page(&leaf, LEAF);
		put_be32(child, n + 3);
		if (n + 1 < leaves)
			(void)add_cell(&root, child, 4 + put_varint(child + 4, id - 1));
		else
			put_be32(root.bytes + 8, n + 3); /* the right-most child */
	}
	end_page(&root, INTERIOR);
	out->len += bytes;
	return BW_OK;
}
