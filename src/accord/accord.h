/*
 * An accord: what two nodes have agreed to tell each other. A value, its text, and
 * the text's hash. Whoever signs it signs the text (accord/envelope.h).
 *
 * The text is canonical JSON (RFC 8785) of one fixed shape: every member is
 * there, and none else. So one agreement has one text, and reading accepts exactly
 * what writing writes. docs/accord.md shows one.
 *
 * A later version carries a higher sequence number and the hash of its predecessor.
 */
#ifndef BW_ACCORD_ACCORD_H
#define BW_ACCORD_ACCORD_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "intel/policy.h"
#include "intel/types.h"

enum {
	BW_ACCORD_TEXT_MAX = 256 * 1024,
	BW_ACCORD_ID_MAX = 64,       /* a-z, 0-9, '-' */
	BW_ACCORD_NAME_MAX = 200,    /* of a party */
	BW_ACCORD_BASIS_MAX = 4096,  /* the legal basis: a paragraph, not a statute */
	BW_ACCORD_WORD_MAX = 250,    /* a collection, sector or label: STIX's own longest */
	BW_ACCORD_WORDS_MAX = 32,    /* of each */
	BW_ACCORD_MEMBERS_MAX = 31,  /* with the receiver they fit into one policy's recipients */
	BW_ACCORD_WITNESSES_MAX = 8, /* independent operators */
	BW_ACCORD_KEY_MAX = 4096,    /* a witness's key as a line: ML-DSA-44 in base64 and a name */
	BW_ACCORD_DAYS_MAX = 36500,
	BW_ACCORD_NODES = 2,
};

/* What an object is about. The wire names are part of the format: append, never reorder. */
#define BW_TIDING_ROWS(X)                                                       \
	X(INDICATOR, "indicators", "indicators of attacks")                     \
	X(SIGHTING, "sightings", "sightings")                                   \
	X(INCIDENT, "incidents", "descriptions of incidents")                   \
	X(GUARD, "guard-reports", "reports of file servers that were attacked") \
	X(ADVISORY, "advisories", "advisories about vulnerabilities")           \
	X(SUPPORT, "supporting", "what explains them (malware, tools, relations)")

enum bw_tiding {
#define X(name, text, words) BW_TIDING_##name,
	BW_TIDING_ROWS(X)
#undef X
		BW_TIDING_COUNT
};

#define BW_TIDING_BIT(name) (UINT32_C(1) << BW_TIDING_##name)

/* What is done about personal data in an object that may cross (accord/redact.h). */
enum bw_redaction {
	BW_REDACTION_NONE,     /* nothing is looked for */
	BW_REDACTION_WITHHOLD, /* the object stays at home */
	BW_REDACTION_DERIVE,   /* a derived object without it goes, under a new id */
	BW_REDACTION_COUNT
};

enum bw_onward {
	BW_ONWARD_NONE,    /* the receiver keeps it to himself */
	BW_ONWARD_MEMBERS, /* the receiver may tell the members that are listed */
	BW_ONWARD_MARKED,  /* as its marking says */
	BW_ONWARD_COUNT
};

/* Whose cosignatures are needed before an object counts as delivered. */
enum bw_witnessing {
	BW_WITNESS_BOTH, /* the ally and one independent operator */
	BW_WITNESS_ALLY, /* the ally alone, who is not independent */
	BW_WITNESS_COUNT
};

struct bw_words {
	const struct bw_slice *of; /* ascending in byte order, no two equal */
	size_t count;
};

/* One direction. With no kinds nothing crosses. */
struct bw_flow {
	struct bw_words collections;
	struct bw_words labels;  /* one of these on the object; empty: any */
	struct bw_words sectors; /* one of these on the object; empty: any */
	uint64_t types;          /* bits of enum bw_stix_type; CUSTOM: all types the standard does not know */
	uint32_t kinds;          /* bits of enum bw_tiding */
	uint8_t confidence_min;  /* 0..100 */
	uint8_t highest;         /* enum bw_tlp, CLEAR..RED; RED crosses only when the marking names the receiver */
	uint8_t redaction;       /* enum bw_redaction */
	uint8_t onward;          /* enum bw_onward */
	uint32_t retention_days; /* 1.. */
	uint32_t per_minute;     /* objects, 1.. */
	uint64_t per_day_bytes;  /* 1..2^53-1 */
	size_t member_count;     /* ascending; for BW_ONWARD_MEMBERS, and for the clients of TLP:AMBER */
	uint8_t members[BW_ACCORD_MEMBERS_MAX][BW_SHA256_BYTES];
};

struct bw_party {
	struct bw_slice name;
	uint8_t node[BW_SHA256_BYTES];
};

struct bw_accord {
	struct bw_slice id;
	uint64_t sequence;                 /* 1..2^53-1 */
	uint8_t previous[BW_SHA256_BYTES]; /* of the text before; zero for the first */
	struct bw_party party[BW_ACCORD_NODES];
	uint32_t purposes;
	struct bw_slice basis;
	int64_t from_us;
	int64_t until_us;
	bool classical_tls;
	uint8_t witnessing;        /* enum bw_witnessing */
	struct bw_words witnesses; /* keys of independent operators, one line each */
	uint32_t notice_days;      /* before an end that nobody is to blame for; ending at once is always allowed */
	bool destroy_at_end;       /* else kept until each object's retention is over */
	struct bw_flow flow[BW_ACCORD_NODES]; /* [0]: what party 0 tells party 1 */
};

/*
 * Reads a text. `out` borrows from `arena` only. `fault` (may be NULL) says where and what was
 * expected. TOO_BIG, SYNTAX, UTF8, RANGE (a value that no accord may have), TRUNCATED, MEMORY.
 */
BW_MUST_USE enum bw_err bw_accord_parse(struct bw_slice text, struct bw_arena *arena, struct bw_accord *out,
					struct bw_fault *fault);

/* Appends the text. RANGE when the value is none that bw_accord_parse would give back; TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_accord_add(struct bw_buf *out, const struct bw_accord *accord);

/* SHA-256 of the text: what the next version names. */
BW_MUST_USE enum bw_err bw_accord_hash(struct bw_slice text, uint8_t out[BW_SHA256_BYTES]);

/*
 * May `now` follow `old` (whose text had `old_hash`)? The same id and the same two nodes, the next sequence
 * number, the hash. CONFLICT; REVOKED when `now` is older or the same.
 */
BW_MUST_USE enum bw_err bw_accord_follows(const struct bw_accord *old, const uint8_t old_hash[BW_SHA256_BYTES],
					  const struct bw_accord *now);

/* Which party is this node? NOT_FOUND. */
BW_MUST_USE enum bw_err bw_accord_party_of(const struct bw_accord *accord, const uint8_t node[BW_SHA256_BYTES],
					   size_t *out_party);

/* What every accord must keep to, whoever made it; `out_what` (may be NULL) names what does not fit. RANGE. */
BW_MUST_USE enum bw_err bw_accord_check(const struct bw_accord *accord, const char **out_what);

/* Words of the wire, "" when out of range; and back: the number, or the COUNT of the kind. */
const char *bw_tiding_name(enum bw_tiding tiding);
const char *bw_tiding_words(enum bw_tiding tiding);
const char *bw_redaction_name(enum bw_redaction redaction);
const char *bw_onward_name(enum bw_onward onward);

#endif
