#include "serve/seen.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "desk/form.h"

enum { SLOTS = 2 * BW_SEEN_LINES_MAX };

struct line {
	uint8_t *key; /* the form's first five fields */
	size_t key_len;
	uint64_t count;
};

struct bw_seen {
	uint8_t hash_key[BW_SIPHASH_KEY_BYTES];
	size_t count;
	uint16_t slots[SLOTS]; /* 1 + index of the line; 0: free */
	struct line lines[BW_SEEN_LINES_MAX];
	struct bw_buf scratch;
};

enum bw_err bw_seen_new(struct bw_seen **out)
{
	struct bw_seen *seen = calloc(1, sizeof(*seen));

	BW_NEED(seen != NULL, MEMORY);
	bw_random(seen->hash_key, sizeof(seen->hash_key));
	seen->scratch = BW_BUF_INIT(4096);
	*out = seen;
	return BW_OK;
}

void bw_seen_forget(struct bw_seen *seen)
{
	for (size_t i = 0; i < seen->count; i++)
		free(seen->lines[i].key);
	memset(seen->slots, 0, sizeof(seen->slots));
	seen->count = 0;
}

void bw_seen_free(struct bw_seen *seen)
{
	if (seen == NULL)
		return;
	bw_seen_forget(seen);
	bw_buf_release(&seen->scratch);
	free(seen);
}

static enum bw_err write_key(struct bw_buf *out, const struct bw_seen_line *line)
{
	bw_buf_clear(out);
	BW_TRY(bw_form_add(out, bw_slice_sub(line->name, 0, BW_SEEN_NAME_MAX)));
	BW_TRY(bw_form_add(out, line->address));
	BW_TRY(bw_form_add(out, bw_slice_sub(line->action, 0, BW_SEEN_ACTION_MAX)));
	BW_TRY(bw_form_add(out, bw_slice_sub(line->target, 0, BW_SEEN_TARGET_MAX)));
	return bw_form_add_num(out, line->status);
}

static bool line_is(const struct line *line, struct bw_slice key)
{
	return line->key_len == key.len && memcmp(line->key, key.ptr, key.len) == 0;
}

enum bw_err bw_seen_note(struct bw_seen *seen, const struct bw_seen_line *line)
{
	struct bw_slice key;
	struct line *fresh;
	size_t at;

	BW_TRY(write_key(&seen->scratch, line));
	key = bw_buf_slice(&seen->scratch);
	at = (size_t)bw_siphash(seen->hash_key, key) % SLOTS;
	while (seen->slots[at] != 0) {
		struct line *known = &seen->lines[seen->slots[at] - 1];

		if (line_is(known, key)) {
			known->count += line->count;
			return BW_OK;
		}
		at = (at + 1) % SLOTS;
	}
	BW_NEED(seen->count < BW_SEEN_LINES_MAX, TOO_MANY);
	fresh = &seen->lines[seen->count];
	fresh->key = malloc(key.len);
	BW_NEED(fresh->key != NULL, MEMORY);
	memcpy(fresh->key, key.ptr, key.len);
	fresh->key_len = key.len;
	fresh->count = line->count;
	seen->slots[at] = (uint16_t)++seen->count;
	return BW_OK;
}

size_t bw_seen_count(const struct bw_seen *seen)
{
	return seen->count;
}

static enum bw_err add_lines(const struct bw_seen *seen, struct bw_buf *list)
{
	for (size_t i = 0; i < seen->count; i++) {
		const struct line *line = &seen->lines[i];

		BW_TRY(bw_buf_add_be32(list, (uint32_t)(line->key_len + 12)));
		BW_TRY(bw_buf_add(list, bw_slice_of(line->key, line->key_len)));
		BW_TRY(bw_form_add_num(list, line->count));
	}
	return BW_OK;
}

enum bw_err bw_seen_write(const struct bw_seen *seen, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_SEEN_LINES_MAX * 1024);

	BW_TRY(add_lines(seen, &list));
	return bw_form_add(out, bw_buf_slice(&list));
}
