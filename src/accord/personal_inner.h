/* Between the files personal*.c; no door. */
#ifndef BW_ACCORD_PERSONAL_INNER_H
#define BW_ACCORD_PERSONAL_INNER_H

#include "accord/personal.h"
#include "base/text.h"

struct bw_look {
	struct bw_slice text;
	size_t done; /* what lies before is found or passed over: nobody looks back further */
	struct bw_personal_list *list;
	size_t near_at; /* what the words before this place say, for who asks again */
	unsigned near;
	bool near_known;
};

/* What words nearby speak of. */
enum {
	BW_NEAR_NHS = 1,
	BW_NEAR_PHONE = 2,
	BW_NEAR_SSN = 4,
	BW_NEAR_CARD = 8,
	BW_NEAR_ZIP = 16,
	BW_NEAR_NINO = 32,
	BW_NEAR_HOME = 64,
	BW_NEAR_POST = 128, /* a postcode, and nothing less */
	BW_NEAR_VERSION = 256,
};

/* Classes of bytes. */
enum {
	BW_LOOK_JOINED = 1, /* part of a word, a path or a longer number */
	BW_LOOK_FREE = 2,   /* after it a number or a word may begin that is by itself */
	BW_LOOK_PATH = 4,   /* after it a path may begin */
	BW_LOOK_LOCAL = 8,  /* of an e-mail address, before the '@' */
	BW_LOOK_HOST = 16,  /* of a host's name */
	BW_LOOK_NAME = 32,  /* of a user's or a machine's name in a path */
};

extern const uint8_t bw_look_classes[256];

static inline bool bw_look_is(uint8_t c, unsigned classes)
{
	return (bw_look_classes[c] & classes) != 0;
}

/* A word in small letters with zeros behind, so that two of them compare at once. */
struct bw_look_word {
	char text[16];
};

/* False: longer than any that is looked for. */
bool bw_look_lower(struct bw_slice word, struct bw_look_word *out);

static inline bool bw_look_same(const struct bw_look_word *a, const struct bw_look_word *b)
{
	return memcmp(a->text, b->text, sizeof(a->text)) == 0;
}

enum { BW_GROUPS_MAX = 12, BW_DIGITS_MAX = 40 };

/* Digits in groups, as people write long numbers: "943 476 5919". */
struct bw_number {
	struct {
		size_t at;
		uint8_t len;
		uint8_t first; /* of `digits` */
		char before;   /* what parts it from the group before; 0 for the first */
	} group[BW_GROUPS_MAX];
	size_t groups;
	uint8_t digits[BW_DIGITS_MAX]; /* 0..9 */
	size_t end;                    /* in the text */
	char prefix;                   /* the byte before the first group; 0 at the start */
	bool is_open;                  /* something that belongs to it follows: the last group is no number */
};

/* The byte at a place, 0 outside. */
static inline uint8_t bw_look_byte(const struct bw_look *look, size_t at)
{
	return at < look->text.len ? look->text.ptr[at] : 0;
}

/* A part of a word, a path or a longer number. */
static inline bool bw_is_joined(uint8_t c)
{
	return bw_look_is(c, BW_LOOK_JOINED);
}

/* Tells a finding; below UNSURE it is forgotten. Everything up to its end is done. */
void bw_look_tell(struct bw_look *look, enum bw_personal kind, size_t at, size_t end, unsigned certainty);

/* Bytes that a check looked at (personal.h, `work`). */
static inline void bw_look_worked(struct bw_look *look, size_t bytes)
{
	look->list->work += bytes;
}

/* Does a word that speaks of `what` (BW_NEAR_…) stand within 40 bytes before `at`? */
bool bw_look_near(struct bw_look *look, size_t at, unsigned what);

/* Each looks at what begins, or has its mark, at a place; the next place to look from. */
size_t bw_look_number(struct bw_look *look, size_t at, size_t end); /* a word of digits */
size_t bw_look_mixed(struct bw_look *look, size_t at, size_t end);  /* a word with digits and letters */
bool bw_look_spaced_nino(struct bw_look *look, size_t digits);      /* "AB 12 34 56 C", from its first digits */
size_t bw_look_mail(struct bw_look *look, size_t at);               /* '@' */
size_t bw_look_ipv4(struct bw_look *look, size_t at, size_t end);   /* digits before a '.'; 0: none */
size_t bw_look_ipv6(struct bw_look *look, size_t at);               /* ':' */
size_t bw_look_host(struct bw_look *look, size_t at);               /* '.' */
size_t bw_look_path(struct bw_look *look, size_t at);               /* '\' or '/' */
void bw_look_names(struct bw_look *look);                           /* beside what was found */

#endif
