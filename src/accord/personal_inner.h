/* Between the files personal*.c; no door. */
#ifndef BW_ACCORD_PERSONAL_INNER_H
#define BW_ACCORD_PERSONAL_INNER_H

#include "accord/personal.h"
#include "base/text.h"

struct bw_look {
	struct bw_slice text;
	size_t done; /* what lies before is found or passed over: nobody looks back further */
	struct bw_personal_list *list;
};

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
	return bw_is_alnum(c) || c == '_' || c >= 0x80;
}

/* Tells a finding; below UNSURE it is forgotten. Everything up to its end is done. */
void bw_look_tell(struct bw_look *look, enum bw_personal kind, size_t at, size_t end, unsigned certainty);

/* Does one of the words, separated by '|', stand within 40 bytes before `at`? Lower case. */
bool bw_look_near(const struct bw_look *look, size_t at, const char *words);

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
