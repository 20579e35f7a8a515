/*
 * The catalogue: every stored row as columns in shared memory. The writer
 * appends; readers map the same memory read-only and see rows below the
 * published count. Private to the room.
 *
 * A row is named by its ordinal (0, 1, 2 … in the order of date added). About 24
 * bytes a row, plus 8 bytes a slot of the identity table (0.35 to 0.7 full).
 * Memory is sparse: what is never touched is never taken.
 *
 * Readers in another process trust none of it blindly: ordinals are checked
 * against the published count and walks are bounded by it.
 */
#ifndef BW_STORE_CATALOGUE_H
#define BW_STORE_CATALOGUE_H

#include "base/bytes.h"
#include "sys/memfile.h"

enum {
	BW_CAT_LAST = 1,     /* newest version of its object in its collection and specification version */
	BW_CAT_FIRST = 2,    /* the oldest one */
	BW_CAT_GONE = 4,     /* deleted or erased */
	BW_CAT_SPEC20 = 8,   /* STIX 2.0 */
	BW_CAT_NEWSPEC = 16, /* of the newest specification version the collection has of its object */
	BW_CAT_REVOKED = 32,
	BW_CAT_CONTENT = 64, /* versions of the object are told apart by content */
};

enum {
	BW_CAT_ROWS_MAX = 1 << 27, /* 134 million: 4 GiB of columns; then the store says it is full */
	BW_CAT_BLOCK_ROWS = 4096,
	BW_CAT_TYPE_OTHER = 255, /* a custom type whose name got no number: look at the row */
	BW_CAT_NONE = -1,
};

/* What a run of rows has, or had: lets a scan step over it. Bits are only ever set. */
struct bw_cat_block {
	uint64_t types[4];
	uint64_t flags[4];       /* values of the flags byte */
	uint64_t collections[4]; /* by number modulo 256 */
};

/* To one of those sets. */
static inline void bw_cat_set_add(uint64_t set[4], uint8_t value)
{
	set[value / 64] |= UINT64_C(1) << (value % 64);
}

struct bw_cat_count {
	uint64_t live;
	int64_t last_added_us;
};

struct bw_cat_head;

struct bw_cat_change {
	uint32_t row;
	uint8_t flags;
};

struct bw_catalogue {
	struct bw_shared memory;
	struct bw_cat_head *head;
	struct bw_cat_count *counts; /* by collection number */
	struct bw_cat_block *blocks;
	int64_t *added;
	uint32_t *identity; /* keyed hash of the id: 32 bits, so a match is verified by the row */
	uint32_t *version;  /* fingerprint of the version */
	uint32_t *prev;     /* the row of the same identity before this one, plus one; 0: none */
	uint16_t *collection;
	uint8_t *type;
	uint8_t *flags;
	uint64_t *tables;

	/* the writer's */
	uint64_t rows;                 /* with those not published yet */
	uint64_t occupied;             /* slots, dead ones too */
	struct bw_cat_change *changes; /* flags that differ from those a row arrived with or had when published */
	size_t change_count;
	size_t change_cap;
	uint32_t *change_map; /* open addressing: index into changes, plus one */
	size_t change_map_cap;
	struct bw_cat_change *undo; /* what flags were, in the order they were changed */
	size_t undo_count;
	size_t undo_cap;
};

/* What one row is. */
struct bw_cat_row {
	int64_t added_us;
	uint32_t identity; /* bw_cat_identity */
	uint32_t version;
	uint16_t collection;
	uint8_t type;
	uint8_t flags;
};

/* Writer. `key` makes fingerprints unaimable. MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_cat_new(const uint8_t key[16], struct bw_catalogue *out);

/* Reader, over the writer's memory. CORRUPT when it is not a catalogue. */
BW_MUST_USE enum bw_err bw_cat_open(int fd, struct bw_catalogue *out);
void bw_cat_release(struct bw_catalogue *cat);

/* Forgets every row (writer, nobody reading yet). */
void bw_cat_clear(struct bw_catalogue *cat);

uint32_t bw_cat_identity(const struct bw_catalogue *cat, struct bw_slice id);

/* The rows a reader may see now. */
uint64_t bw_cat_published(const struct bw_catalogue *cat);

/*
 * Newest row of an identity: call again with the same `probe` (zeroed at first)
 * for the next candidate, since two ids may share a hash. BW_CAT_NONE when there is no more.
 * `rows` bounds what is seen: bw_cat_published for a reader, cat->rows for the writer.
 */
struct bw_cat_probe {
	uint64_t at;
	uint32_t bits; /* of the table it walks; 0: not begun */
};
int64_t bw_cat_find(const struct bw_catalogue *cat, uint32_t identity, uint64_t rows, struct bw_cat_probe *probe);

/* The row of the same identity before `row`, or BW_CAT_NONE. */
static inline int64_t bw_cat_before(const struct bw_catalogue *cat, int64_t row)
{
	const uint32_t prev = cat->prev[row];

	return prev == 0 || prev > row ? BW_CAT_NONE : (int64_t)prev - 1;
}

/* Flags as the transaction in hand would leave them (writer). */
uint8_t bw_cat_flags(const struct bw_catalogue *cat, uint64_t row);

/* Appends behind `newest` (BW_CAT_NONE for a new identity), unseen until published. TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_cat_append(struct bw_catalogue *cat, const struct bw_cat_row *row, int64_t newest);

/* At once for rows not published yet, at bw_cat_publish for others; listed in `changes` either way. MEMORY. */
BW_MUST_USE enum bw_err bw_cat_set_flags(struct bw_catalogue *cat, uint64_t row, uint8_t flags);

/* Undoes every append and flag change made since the mark, newest first. */
struct bw_cat_mark {
	uint64_t rows;
	size_t undo_count;
	size_t change_count;
};
struct bw_cat_mark bw_cat_mark(const struct bw_catalogue *cat);
void bw_cat_undo(struct bw_catalogue *cat, struct bw_cat_mark mark);

/* Undoes everything not published. */
void bw_cat_rollback(struct bw_catalogue *cat);

/*
 * Appends published rows as they were saved (writer, at start): `first` says where; their identity, prev, …
 * columns are filled already. CORRUPT when links or order do not fit.
 */
BW_MUST_USE enum bw_err bw_cat_restore(struct bw_catalogue *cat, uint64_t count);

/* Room in the identity table for so many, at once. Only while it is empty. */
void bw_cat_reserve(struct bw_catalogue *cat, uint64_t identities);

/* Makes everything visible. Cannot fail. */
void bw_cat_publish(struct bw_catalogue *cat);

/* The first row added strictly after `added_us`, below `rows`. */
uint64_t bw_cat_after(const struct bw_catalogue *cat, int64_t added_us, uint64_t rows);

/* The row added exactly then, or BW_CAT_NONE. */
int64_t bw_cat_at(const struct bw_catalogue *cat, int64_t added_us, uint64_t rows);

struct bw_cat_filter {
	uint16_t collection;
	bool types[256];
	bool flags[256];         /* these rows match by their flags */
	bool version_flags[256]; /* these match when their version is among `versions` */
	const uint32_t *versions;
	size_t version_count;
};

/*
 * Writes up to `cap` matching ordinals of [from, to) in order. Returns how many;
 * `scanned` is where a further scan goes on.
 */
size_t bw_cat_scan(const struct bw_catalogue *cat, const struct bw_cat_filter *filter, uint64_t from, uint64_t to,
		   uint32_t *out, size_t cap, uint64_t *scanned);

/* One row against the same filter. */
bool bw_cat_matches(const struct bw_catalogue *cat, const struct bw_cat_filter *filter, uint64_t row);

#endif
