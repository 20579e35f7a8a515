/* Inputs under numbers: a hash table whose rows never move. */
#include <stdlib.h>

#include "intel/policy_book.h"

enum { SLOTS = 2 * BW_POLICY_CLASSES_MAX };

struct bw_policy_classes {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	uint32_t count;
	uint32_t last; /* given out: objects come in runs, and comparing three kilobytes is quicker than hashing them */
	uint32_t slots[SLOTS]; /* number + 1; 0: free */
	struct bw_policy_inputs *rows[BW_POLICY_CLASSES_MAX];
};

enum bw_err bw_policy_classes_new(struct bw_policy_classes **out)
{
	struct bw_policy_classes *classes = calloc(1, sizeof(*classes));

	BW_NEED(classes != NULL, MEMORY);
	bw_random(classes->key, sizeof(classes->key));
	*out = classes;
	return BW_OK;
}

void bw_policy_classes_free(struct bw_policy_classes *classes)
{
	if (classes == NULL)
		return;
	for (uint32_t i = 0; i < classes->count; i++)
		free(classes->rows[i]);
	free(classes);
}

static bool is_row(const struct bw_policy_classes *classes, uint32_t number, const struct bw_policy_inputs *inputs)
{
	return number < classes->count && memcmp(classes->rows[number], inputs, sizeof(*inputs)) == 0;
}

/* Its slot, or the free one where it belongs. */
static size_t slot_of(const struct bw_policy_classes *classes, const struct bw_policy_inputs *inputs)
{
	size_t at = (size_t)bw_siphash(classes->key, bw_slice_of(inputs, sizeof(*inputs))) % SLOTS;

	while (classes->slots[at] != 0 && !is_row(classes, classes->slots[at] - 1, inputs))
		at = (at + 1) % SLOTS;
	return at;
}

enum bw_err bw_policy_class(struct bw_policy_classes *classes, const struct bw_policy_inputs *inputs,
			    uint32_t *out_class)
{
	struct bw_policy_inputs *row;
	size_t at;

	if (is_row(classes, classes->last, inputs)) {
		*out_class = classes->last;
		return BW_OK;
	}
	at = slot_of(classes, inputs);
	if (classes->slots[at] == 0) {
		BW_NEED(classes->count < BW_POLICY_CLASSES_MAX, TOO_MANY);
		row = malloc(sizeof(*row));
		BW_NEED(row != NULL, MEMORY);
		*row = *inputs;
		classes->rows[classes->count] = row;
		classes->slots[at] = ++classes->count;
	}
	classes->last = classes->slots[at] - 1;
	*out_class = classes->last;
	return BW_OK;
}

const struct bw_policy_inputs *bw_policy_class_inputs(const struct bw_policy_classes *classes, uint32_t number)
{
	return number < classes->count ? classes->rows[number] : NULL;
}

uint32_t bw_policy_class_count(const struct bw_policy_classes *classes)
{
	return classes->count;
}
