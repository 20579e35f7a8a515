/*
 * What others saw: indicators that come from the node's exchange, and through it from allies. ARCHITECTURE.md,
 * "Processes of `accord`": a partner must never make a guard hurt its own side.
 *
 *   caller   holds the connections to the exchange and the key of its account, reads HTTP and events, and passes on
 *            what an event says, as it says it; brings an incident's bundle to the exchange that is reported to
 *   reader   holds nothing; reads the objects (intel/indicator.h), weighs each value (bw_foreign_look)
 *   scribe   keeps them in the book (guard/foreign_book.h), hands the judge a set to look up in (intel/exact.h)
 *   judge    looks up names, addresses and ways of destroying; a hit is a proof of kind WARNED (guard/proof.h), which
 *            weighs little, never makes a verdict of the gravity that ends processes, and fades
 *
 * Frames. Numbers are big-endian, a block is length be32 and bytes. Errors: PROTOCOL (what does not fit its form, or
 * bytes are left over), TOO_BIG, MEMORY.
 *
 *   GO     scribe -> caller   line u8 | place block: listen on, from there (empty: from the beginning)
 *   TOLD   caller -> reader   line u8 | place block | data block: one event
 *   NEWS   reader -> scribe   line u8 | place block | count be16 | items
 *          item               peer block | id block | modified be64 | until be64 (µs) | confidence u8 | gone u8 |
 *                             refused be32 | count u16 | count * (trait u8 | value block)
 *   NAMES  scribe -> witness  number be32; a sealed memory file with a set of names travels with it
 *   OWNS   witness -> scribe  number be32 | count be32 | count * be32: which of the set are names of good files here
 *   SEND   scribe -> caller   incident be64 | report be32 (0: the first words of it); a sealed memory file with the
 *                             body of the request travels with it. One at a time
 *   SAID   caller -> reader   incident be64 | report be32 | answer block: what the exchange answered
 *   SENT   caller -> scribe   incident be64 | report be32 | result u8 (enum bw_err) | words block. OK: all is in;
 *          reader -> scribe   CONFLICT: some is, and the rest was refused; else nothing is
 *   SEEN   reader -> scribe   peer block | id block: somebody there met what that indicator says
 */
#ifndef BW_GUARD_FOREIGN_H
#define BW_GUARD_FOREIGN_H

#include "base/cursor.h"
#include "intel/indicator.h"

enum bw_foreign_kind {
	BW_FOREIGN_GO = 96,
	BW_FOREIGN_TOLD,
	BW_FOREIGN_NEWS,
	BW_FOREIGN_NAMES,
	BW_FOREIGN_OWNS,
	BW_FOREIGN_SEND,
	BW_FOREIGN_SAID,
	BW_FOREIGN_SENT,
	BW_FOREIGN_SEEN,
};

/* What workers are told by their parent (bw_crew_tell): the lines and the key. */
enum { BW_TELL_EXCHANGE = 32 };

enum {
	BW_FOREIGN_LINES_MAX = 8,
	BW_FOREIGN_PLACE_BYTES = 128, /* an event's id */
	BW_FOREIGN_PEER_BYTES = 64,
	BW_FOREIGN_ID_BYTES = 64, /* "indicator--" and a UUID are 47 */
	BW_FOREIGN_DATA_BYTES = 768 * 1024,
	BW_FOREIGN_NEWS_ITEMS = 128, /* in one frame */
	BW_FOREIGN_SEND_BYTES = 1024 * 1024,
	BW_FOREIGN_SAID_BYTES = 64 * 1024,
	BW_FOREIGN_WORDS_BYTES = 512,
};

/* Longest that anything counts, whatever its maker says. */
#define BW_FOREIGN_LASTS_US (INT64_C(90) * 86400 * 1000000)
#define BW_FOREIGN_USUAL_US (INT64_C(30) * 86400 * 1000000) /* when he says nothing */

struct bw_foreign_told {
	uint8_t line;
	struct bw_slice place;
	struct bw_slice data; /* GO: empty */
};

BW_MUST_USE enum bw_err bw_foreign_told_add(struct bw_buf *out, const struct bw_foreign_told *told, bool with_data);
BW_MUST_USE enum bw_err bw_foreign_told_parse(struct bw_slice body, bool with_data, struct bw_foreign_told *out);

struct bw_foreign_news {
	uint8_t line;
	struct bw_slice place;
	uint16_t count;
	struct bw_cursor items; /* for bw_foreign_item_next */
};

struct bw_foreign_item {
	struct bw_slice peer; /* from whom */
	struct bw_slice id;
	int64_t modified_us;
	int64_t until_us;
	uint8_t confidence;
	bool is_gone;     /* revoked, or over: what was known of it goes */
	uint32_t refused; /* values that say nothing exact, or what is everybody's */
	uint16_t count;
	struct bw_cursor values;
};

BW_MUST_USE enum bw_err bw_foreign_news_begin(struct bw_buf *out, const struct bw_foreign_news *news);
BW_MUST_USE enum bw_err bw_foreign_item_add(struct bw_buf *out, const struct bw_foreign_item *item,
					    const struct bw_trait_value *values);
BW_MUST_USE enum bw_err bw_foreign_news_parse(struct bw_slice body, struct bw_foreign_news *out);

/* Each of `count`, and then each of its values. PROTOCOL: there is no other. */
BW_MUST_USE enum bw_err bw_foreign_item_next(struct bw_foreign_news *news, struct bw_foreign_item *out);
BW_MUST_USE enum bw_err bw_foreign_value_next(struct bw_foreign_item *item, struct bw_trait_value *out);

/* ---- reporting -------------------------------------------------------------------------------- */

/* SEND, SAID, SENT. */
struct bw_foreign_sent {
	uint64_t incident;
	uint32_t report;        /* 0: the first words */
	uint8_t result;         /* SENT: enum bw_err */
	struct bw_slice answer; /* SAID: what the exchange answered; SENT: words, for people */
};

BW_MUST_USE enum bw_err bw_foreign_sent_add(struct bw_buf *out, uint8_t kind, const struct bw_foreign_sent *sent);
BW_MUST_USE enum bw_err bw_foreign_sent_parse(struct bw_slice body, uint8_t kind, struct bw_foreign_sent *out);

struct bw_foreign_seen {
	struct bw_slice peer;
	struct bw_slice id; /* of the indicator */
};

BW_MUST_USE enum bw_err bw_foreign_seen_add(struct bw_buf *out, const struct bw_foreign_seen *seen);
BW_MUST_USE enum bw_err bw_foreign_seen_parse(struct bw_slice body, struct bw_foreign_seen *out);

/*
 * What came of a request, from the status resource that answered it (TAXII 2.1 §4.3): OK or CONFLICT with the words of
 * SENT; PROTOCOL: no status resource. For the reader.
 */
BW_MUST_USE enum bw_err bw_foreign_answer_read(struct bw_slice json, struct bw_buf *words);

/* Whether an object is a sighting, and of what: its id goes behind `id`. MISSING: it is none. */
BW_MUST_USE enum bw_err bw_foreign_sighting_read(struct bw_slice json, struct bw_buf *id);

/* ---- what is everybody's: foreign_look.c ------------------------------------------------------ */

/* Why a value is not taken, and by what a person sees it. */
#define BW_FOREIGN_WHY_ROWS(X)                                                             \
	X(FINE, "taken")                                                                   \
	X(NO_ADDRESS, "an address of a private or special network says nothing elsewhere") \
	X(SHORT, "too short to mean one thing")                                            \
	X(COMMON_ENDING, "the ending of files that everybody has")                         \
	X(COMMON_NAME, "a name that everybody's files have")                               \
	X(EMPTY_FILE, "the hash of nothing")                                               \
	X(NO_HARM, "no way of destroying that this guard knows")                           \
	X(UNSURE, "its maker is not sure of it himself")

enum bw_foreign_why {
#define X(name, words) BW_FOREIGN_##name,
	BW_FOREIGN_WHY_ROWS(X)
#undef X
		BW_FOREIGN_WHY_COUNT
};

const char *bw_foreign_why_words(enum bw_foreign_why why);

/* Pure: what the machine itself knows (its addresses, its files) is asked elsewhere. */
enum bw_foreign_why bw_foreign_look(const struct bw_trait_value *value);

/* ---- what is written down of a hit ---------------------------------------------------------------- */

/*
 * The name of a WARNED proof: peer, indicator and the value that was met, with US (0x1f) between, cut to what a proof's
 * name holds.
 */
struct bw_foreign_hit {
	struct bw_slice peer;
	struct bw_slice id;
	struct bw_slice value;
};

size_t bw_foreign_hit_write(const struct bw_foreign_hit *hit, uint8_t *out, size_t max);
bool bw_foreign_hit_parse(struct bw_slice name, struct bw_foreign_hit *out);

#endif
