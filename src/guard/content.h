/*
 * What the guard knows of a file's content: bytes in, findings out. Pure: no
 * files, no clocks, no allocation, integers only, so that a verdict replays
 * bit for bit. Hostile bytes are expected everywhere.
 *
 *   plan     which windows of a file to read: its ends, and secret places within
 *   content  what is remembered of the last known-good version (20 bytes)
 *   compare  whether that content was destroyed: old features against new ones
 *   bytes    the second look, with both contents at hand
 *   join     whether a new file holds what a vanished one held
 *
 * Evidence is always old against new: known-good content DESTROYED. Random
 * bytes alone accuse nobody; what was random before and says of itself no
 * format gives no finding, whatever becomes of it.
 *
 * The tests, their numbers and their limits: docs/guard-verdict.md.
 */
#ifndef BW_GUARD_CONTENT_H
#define BW_GUARD_CONTENT_H

#include "base/bytes.h"
#include "guard/content_format.h"

/* ---- which bytes to read -------------------------------------------------------- */

enum {
	BW_CONTENT_WHOLE_MAX = 64 * 1024, /* a file up to here is read whole */
	BW_CONTENT_WINDOWS = 12,          /* of a larger one: head, ten within, tail */
	BW_CONTENT_END_BYTES = 8 * 1024,  /* head and tail: where formats keep their framing */
	BW_CONTENT_WINDOW_BYTES = 4 * 1024,
};

struct bw_window {
	uint64_t at;
	uint32_t len;
};

struct bw_plan {
	size_t count; /* 0 for an empty file */
	struct bw_window windows[BW_CONTENT_WINDOWS];
};

/*
 * The windows of a file of `size` bytes: ascending, without overlap, at most
 * BW_CONTENT_WHOLE_MAX bytes in all. `salt` is secret (so nobody can write around
 * the windows) and stays the same for one file (so old and new windows are the
 * same places). A file that grows by a sixteenth or less keeps its inner windows
 * unless it passes a step of that size; these start at multiples of 4096.
 */
void bw_plan_make(uint64_t size, uint64_t salt, struct bw_plan *out);

/* ---- what is remembered ----------------------------------------------------------- */

/* Of one window: how far its bytes are from even use, log scale. */
enum {
	BW_CLASS_NONE = 0,   /* too short to say */
	BW_CLASS_RANDOM = 1, /* chi-square below BW_CHI_RANDOM */
	BW_CLASS_ORDER = 4,  /* 2.. doubles each step; from here on surely structured */
	BW_CLASS_MOST = 13,
	BW_CLASS_SAME = 14, /* one byte repeated */
	BW_CLASS_ZERO = 15,
};

enum { BW_CHI_RANDOM = 345 }; /* 255 degrees of freedom: four standard deviations above the mean */

enum {
	BW_CONTENT_ENCRYPTED = 1, /* the container says that it is encrypted */
	BW_CONTENT_EVEN = 2,      /* text whose symbols are used evenly, without words: base64, hex */
	BW_CONTENT_NOISE = 4,     /* control bytes spread as evenly as random ones would be */
	BW_CONTENT_FLAT = 8,      /* text whose letters are used evenly though it has words */
	BW_CONTENT_HOLDS = 16,    /* an archive that keeps, unpacked, something random of no format we know */
};

struct bw_content {
	uint32_t size_low;
	uint16_t size_high;
	uint8_t format; /* enum bw_format */
	uint8_t grade : 2;
	uint8_t state : 2;
	uint8_t windows : 4;
	uint8_t classes[BW_CONTENT_WINDOWS / 2]; /* two a byte, the first one low */
	uint8_t chi;                             /* of all windows together: 8 log2 of the chi-square */
	uint8_t controls;                        /* control bytes that no text has, in 1/1024, at most 255 */
	uint8_t letters : 4;                     /* evenness of letters: 8 random, 13 English, 0 too few */
	uint8_t spaces : 4;                      /* share of blanks and line ends in 1/32 */
	uint8_t flags;
	uint8_t symbols; /* different byte values less one */
};

static inline uint64_t bw_content_size(const struct bw_content *content)
{
	return (uint64_t)content->size_high << 32 | content->size_low;
}

static inline unsigned bw_content_class(const struct bw_content *content, size_t window)
{
	return content->classes[window / 2] >> (window % 2 * 4) & 15u;
}

/*
 * Features of a sample. `sample` holds the windows of the plan (what could not
 * be read is left out; a piece may be shorter than planned, after a race).
 * Costs about one pass over the bytes. Two calls with the same bytes give the same.
 */
void bw_content_of(const struct bw_sample *sample, struct bw_content *out);

/* As far as windows show. */
bool bw_content_equals(const struct bw_content *a, const struct bw_content *b);

/* ---- was known-good content destroyed? ---------------------------------------------- */

enum bw_strength {
	BW_STRENGTH_NONE,
	BW_STRENGTH_SUSPICIOUS, /* unusual, and has innocent causes: look deeper, or count it low */
	BW_STRENGTH_STRONG,     /* known-good content is gone and nothing good stands there */
};

/* code, short name for machines, sentence; "%a" and "%b" are its numbers, before and after */
#define BW_TEST_ROWS(X)                                                                                               \
	X(EMPTIED, "emptied", "the file was cut to nothing; it had %a bytes")                                         \
	X(CUT, "cut", "the file was cut from %a to %b bytes and its format no longer ends as it must")                \
	X(WIPED, "wiped", "%b of %a windows now hold one byte repeated")                                              \
	X(RANDOMISED, "randomised", "%b of %a windows that held structure now look random")                           \
	X(FLATTENED, "flattened", "all windows together were structured (%a) and now look random (%b)")               \
	X(FADED, "faded", "nearly every window lost structure at the same time (%b of %a)")                           \
	X(FORMAT_LOST, "format-lost", "it was a good %A and is now no format we know")                                \
	X(FORMAT_BROKEN, "format-broken", "it was a good %A and now breaks the rules of that format")                 \
	X(TEXT_LOST, "text-lost",                                                                                     \
	  "it was text, and control bytes spread as in random data stand in it now (%b in 1024)")                     \
	X(NOISY, "noisy",                                                                                             \
	  "control bytes spread as in random data stand in it now (%b in 1024), as they did not before")              \
	X(TEXT_BINARY, "text-binary", "it was text and is now something else that we do not know")                    \
	X(TEXT_ENCODED, "text-encoded",                                                                               \
	  "it had structure and is now an even stream of %b symbols, like base64 or hex")                             \
	X(TEXT_SCRAMBLED, "text-scrambled", "its letters are now used evenly, as no language uses them (%a, now %b)") \
	X(ENCRYPTED, "encrypted", "it was readable and is now an encrypted %B")                                       \
	X(PACKED, "packed", "it was a %A and is now a well-formed %B")                                                \
	X(CHANGED_RANDOM, "changed-random",                                                                           \
	  "chi-square of what stood at changed places was %a; of what stands there now: %b")                          \
	X(BLOCKS_RANDOM, "blocks-random",                                                                             \
	  "%b blocks of 4096 bytes (of %a changed ones) went from structure to random")                               \
	X(SKELETON, "skeleton",                                                                                       \
	  "blanks and line ends stayed (%a in 1000) while the letters between them changed (%b in 1000)")             \
	X(CHANGED_WIPED, "changed-wiped", "%b of %a changed bytes are one value now")                                 \
	X(CONTENT_BROKEN, "content-broken", "the whole %A verified before (%a parts); now %b do")                     \
	X(NO_GAIN, "no-gain",                                                                                         \
	  "the %B is no smaller (%b bytes) than the compressible file it holds (%a): it was not compressed but "      \
	  "encrypted")                                                                                                \
	X(HOLDS_NOISE, "holds-noise", "it was a good %A, and the %B holds no such file but unreadable noise")         \
	X(TRANSPOSED, "transposed", "its bytes are all there still, but only %b of its %a words")

enum bw_test {
#define X(name, word, sentence) BW_TEST_##name,
	BW_TEST_ROWS(X)
#undef X
		BW_TEST_COUNT
};

struct bw_evidence {
	uint8_t test;     /* enum bw_test */
	uint8_t strength; /* enum bw_strength, of this test alone */
	uint8_t format_before;
	uint8_t format_after;
	uint64_t before;
	uint64_t after;
};

enum { BW_FINDING_MAX = 12 };

struct bw_finding {
	enum bw_strength strength; /* the strongest of the tests below */
	bool blind;                /* the sample cannot tell: bw_content_compare_bytes would */
	uint8_t count;
	struct bw_evidence tests[BW_FINDING_MAX];
};

/*
 * Compares what is remembered with what stands there now. `old` is the last
 * known-good version; for a file that had none, ask nothing. compare(x, x) is NONE.
 */
void bw_content_compare(const struct bw_content *old, const struct bw_content *new, struct bw_finding *out);

/*
 * The second look: both contents whole, or their same beginnings when larger
 * than BW_CONTENT_BYTES_MAX (the caller cuts; `*_size` are the true sizes). Costs a few
 * milliseconds a MiB: not for the fast path. In-place tests count only where offsets
 * are shared; after a rewrite under another layout only the formats and the whole tell.
 */
enum { BW_CONTENT_BYTES_MAX = 16 * 1024 * 1024 };

struct bw_versions {
	struct bw_slice old;
	struct bw_slice new;
	uint64_t old_size;
	uint64_t new_size;
};

void bw_content_compare_bytes(const struct bw_versions *versions, struct bw_finding *out);

/*
 * The same of places of a large file, BW_PLACE_BYTES each and equally many of both, of which those that did not change
 * are passed over: whether all that changed is noise where structure was. *out_changed: how many did. Others than
 * noise among them are as good as an alibi: databases and images of machines change everywhere, and not only to noise.
 */
enum {
	BW_PLACE_BYTES = 4096,
	BW_PLACES_A_ROUND = 128, /* one in each 128th of the file */
	BW_PLACES_ROUNDS = 2,    /* each at other places */
};

void bw_content_compare_places(struct bw_slice old, struct bw_slice new, struct bw_finding *out, uint32_t *out_changed);

/* The places of a round, ascending, of a file of as many pages as all rounds have places. Nobody knows `salt`. */
void bw_places_make(uint64_t size, uint64_t salt, unsigned round, uint64_t out[BW_PLACES_A_ROUND]);

/*
 * Whether a new file plausibly holds what a file that was unlinked or replaced
 * held: copy, encrypt, delete; or write aside and rename over. A well-formed archive
 * beside a deleted original is no finding unless it is encrypted or did not shrink
 * what shrinks.
 */
void bw_content_join(const struct bw_content *gone, const struct bw_content *new, struct bw_finding *out);

/* ---- words --------------------------------------------------------------------------- */

const char *bw_test_name(enum bw_test test);

/* The sentence of one piece of evidence with its numbers; cut to `size` with its NUL. */
void bw_evidence_say(const struct bw_evidence *evidence, char *out, size_t size);

#endif
