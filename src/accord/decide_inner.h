/* Between decide.c and decide_say.c; no door. */
#ifndef BW_ACCORD_DECIDE_INNER_H
#define BW_ACCORD_DECIDE_INNER_H

#include "accord/decide.h"

/* What the policies of one class come to at one gate. */
struct bw_ruling {
	int64_t not_before_us; /* of the policy under which it would go */
	int64_t not_after_us;
	int64_t saw;
	int64_t limit;
	uint8_t verdict; /* SENT, DERIVED, or what the side does */
	uint8_t clause;
	uint8_t source;
	uint8_t tlp;
	uint8_t duties;
	uint8_t actions;
	uint8_t confidence;
	bool known;
};

struct bw_number_set {
	uint32_t of[BW_ACCORD_WORDS_MAX];
	size_t count;
};

struct bw_gate {
	const struct bw_policy_classes *classes;
	const struct bw_lexicon *lexicon;
	struct bw_ruling *rulings; /* by class */
	uint32_t ruling_count;
	enum bw_side side;
	uint32_t peer;
	bool is_stopped;
	uint8_t to[BW_SHA256_BYTES];
	int64_t from_us;
	int64_t until_us;
	uint32_t purposes;
	uint32_t kinds;
	uint64_t types;
	uint8_t confidence_min;
	uint8_t highest;
	uint8_t redaction;
	uint8_t onward;
	int64_t retention_us;
	struct bw_number_set collections;
	struct bw_number_set labels;
	struct bw_number_set sectors;
	struct bw_policy members; /* the receiver and his members as recipients */
	struct bw_policy alone;   /* the receiver alone */
};

#endif
