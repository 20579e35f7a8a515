#include "serve/walk.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"

enum { LIMIT_LEAST = 10, SEEN_MAX = 1 << 24 };

void bw_walk_init(struct bw_walk *walk, uint32_t limit)
{
	*walk = (struct bw_walk){
		.base_us = -1,
		.last_us = -1,
		.restart_us = -2,
		.limit = limit == 0 ? BW_WALK_LIMIT_DEFAULT : limit,
		.ordered = true,
	};
	walk->limit_usual = walk->limit;
}

void bw_walk_release(struct bw_walk *walk)
{
	free(walk->seen);
	walk->seen = NULL;
	walk->seen_cap = walk->seen_n = 0;
}

/* ---- what this walk has seen -------------------------------------------- */

static uint64_t *seen_slot(uint64_t *slots, size_t cap, uint64_t hash)
{
	size_t at = (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15)) & (cap - 1);

	while (slots[at] != 0 && slots[at] != hash)
		at = (at + 1) & (cap - 1);
	return &slots[at];
}

static enum bw_err grow_seen(struct bw_walk *walk)
{
	const size_t cap = walk->seen_cap == 0 ? 256 : walk->seen_cap * 2;
	uint64_t *slots;

	BW_NEED(cap <= SEEN_MAX, MEMORY);
	slots = calloc(cap, sizeof(*slots));
	BW_NEED(slots != NULL, MEMORY);
	for (size_t i = 0; i < walk->seen_cap; i++)
		if (walk->seen[i] != 0)
			*seen_slot(slots, cap, walk->seen[i]) = walk->seen[i];
	free(walk->seen);
	walk->seen = slots;
	walk->seen_cap = cap;
	return BW_OK;
}

/* True in *again when `hash` came before in this walk. */
static enum bw_err remember(struct bw_walk *walk, uint64_t hash, bool *again)
{
	uint64_t *slot;

	if (walk->seen_n * 2 >= walk->seen_cap)
		BW_TRY(grow_seen(walk));
	hash += hash == 0;
	slot = seen_slot(walk->seen, walk->seen_cap, hash);
	*again = *slot == hash;
	if (!*again) {
		*slot = hash;
		walk->seen_n++;
	}
	return BW_OK;
}

static void forget_seen(struct bw_walk *walk)
{
	bw_walk_release(walk);
	walk->empty_pages = 0;
}

/* ---- moving on ---------------------------------------------------------- */

static void note_dates(struct bw_walk *walk, const struct bw_walk_page *page)
{
	if (page->objects == 0 || page->last_us < 0)
		return;
	if (page->first_us >= 0 && page->first_us < walk->last_us)
		walk->ordered = false;
	if (page->last_us > walk->last_us)
		walk->last_us = page->last_us;
}

/*
 * Just before the last date, so that what shares it comes again rather than
 * never; on the date itself once it lies in the past by the server's own clock.
 */
static void finish(struct bw_walk *walk, const struct bw_walk_page *page)
{
	const bool settled = page->now_us >= 0 && page->now_us - walk->last_us >= BW_WALK_SETTLED_US;

	walk->next[0] = '\0';
	if (walk->last_us >= 0 && walk->last_us > walk->base_us)
		walk->base_us = settled ? walk->last_us : walk->last_us - 1;
	walk->limit = walk->limit_usual;
	walk->ordered = true;
	walk->by_date = false;
	walk->next_changes = false;
	walk->restart_us = -2;
	forget_seen(walk);
}

static enum bw_err go_by_next(struct bw_walk *walk, const struct bw_walk_page *page, enum bw_walk_step *out)
{
	bool page_again = false;

	if (page->objects > 0)
		BW_TRY(remember(walk, page->hash, &page_again));
	walk->empty_pages = page->objects == 0 ? walk->empty_pages + 1 : 0;
	if (page_again || walk->empty_pages > BW_WALK_EMPTY_MAX) {
		*out = BW_WALK_LOOP;
		return BW_OK;
	}
	if (walk->next[0] != '\0')
		walk->next_changes = !bw_slice_is(page->next, walk->next);
	memcpy(walk->next, page->next.ptr, page->next.len);
	walk->next[page->next.len] = '\0';
	*out = BW_WALK_ON;
	return BW_OK;
}

/* One date fills the page and more: a larger page, or, where the server gives none, on without the rest. */
static enum bw_walk_step pass_tie(struct bw_walk *walk, const struct bw_walk_page *page)
{
	const bool capped = page->objects < walk->limit;

	if (!capped && walk->limit < BW_WALK_LIMIT_MAX) {
		walk->limit = walk->limit > BW_WALK_LIMIT_MAX / 4 ? BW_WALK_LIMIT_MAX : walk->limit * 4;
		return BW_WALK_ON;
	}
	walk->may_lose = true;
	walk->base_us = page->last_us;
	walk->limit = walk->limit_usual;
	return BW_WALK_ON;
}

/* Nothing on this page is later than what was asked for, to the microsecond. */
static enum bw_walk_step go_on_the_spot(struct bw_walk *walk, const struct bw_walk_page *page)
{
	if (page->last_us < walk->base_us || page->first_us < page->last_us)
		return BW_WALK_LOOP; /* the server does not look at added_after */
	if (page->last_us > walk->base_us)
		return pass_tie(walk, page);
	/* It keeps dates finer than the millisecond it prints: the tie just given up comes again. */
	walk->base_us += 999;
	return BW_WALK_ON;
}

static enum bw_walk_step go_by_date(struct bw_walk *walk, const struct bw_walk_page *page)
{
	if (page->objects == 0)
		return BW_WALK_DONE; /* what was there has been deleted meanwhile */
	if (page->last_us < 0)
		return BW_WALK_BLIND;
	walk->next[0] = '\0';
	if (page->last_us - 1 <= walk->base_us)
		return go_on_the_spot(walk, page);
	if (page->first_us == page->last_us)
		return pass_tie(walk, page);
	walk->base_us = page->last_us - 1;
	walk->limit = walk->limit_usual;
	return BW_WALK_ON;
}

/* Without `next`: from the last date where dates have only grown, else from where this walk began. */
static void rebase(struct bw_walk *walk)
{
	walk->next[0] = '\0';
	walk->next_changes = false;
	if (walk->ordered && walk->last_us > walk->base_us)
		walk->base_us = walk->last_us - 1;
}

static void drop_next(struct bw_walk *walk)
{
	rebase(walk);
	forget_seen(walk);
}

enum bw_err bw_walk_page(struct bw_walk *walk, const struct bw_walk_page *page, enum bw_walk_step *out)
{
	note_dates(walk, page);
	if (!page->more)
		*out = BW_WALK_DONE;
	else if (!walk->by_date && page->next.len > 0 && page->next.len <= BW_WALK_NEXT_MAX &&
		 memchr(page->next.ptr, 0, page->next.len) == NULL)
		BW_TRY(go_by_next(walk, page, out));
	else
		*out = go_by_date(walk, page);
	if (*out == BW_WALK_DONE)
		finish(walk, page);
	if (*out == BW_WALK_LOOP)
		drop_next(walk); /* what was saved with it would only lead here again */
	return BW_OK;
}

bool bw_walk_next_refused(struct bw_walk *walk)
{
	if (walk->next[0] == '\0')
		return false;
	/* Refused again before a later date came: `next` does not carry over one date's objects. */
	walk->by_date = walk->last_us <= walk->restart_us;
	walk->restart_us = walk->last_us;
	drop_next(walk);
	return true;
}

bool bw_walk_answer_lost(struct bw_walk *walk)
{
	if (walk->next[0] == '\0' || walk->next_changes)
		return true;
	return bw_walk_next_refused(walk);
}

bool bw_walk_too_slow(struct bw_walk *walk)
{
	if (walk->limit <= LIMIT_LEAST)
		return false;
	walk->limit = walk->limit / 4 < LIMIT_LEAST ? LIMIT_LEAST : walk->limit / 4;
	walk->limit_usual = walk->limit;
	if (walk->next[0] != '\0') /* `next` belongs to the limit it came with (§3.5) */
		drop_next(walk);
	return true;
}

/* ---- as text ------------------------------------------------------------ */

static bool is_unreserved(uint8_t c)
{
	return bw_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static enum bw_err add_encoded(struct bw_buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		const uint8_t c = (uint8_t)*text;

		if (is_unreserved(c))
			BW_TRY(bw_buf_add_u8(out, c));
		else
			BW_TRY(bw_buf_addf(out, "%%%02X", c));
	}
	return BW_OK;
}

static enum bw_err take_encoded(struct bw_slice text, char out[BW_WALK_NEXT_MAX + 1])
{
	size_t len = 0;

	for (size_t at = 0; at < text.len; len++) {
		uint8_t c = text.ptr[at];

		BW_NEED(len < BW_WALK_NEXT_MAX, SYNTAX);
		if (c == '%') {
			BW_TRY(bw_hex_decode(bw_slice_sub(text, at + 1, 2), &c, 1));
			BW_NEED(c != 0, SYNTAX);
			at += 3;
		} else {
			BW_NEED(is_unreserved(c), SYNTAX);
			at++;
		}
		out[len] = (char)c;
	}
	out[len] = '\0';
	return BW_OK;
}

enum bw_err bw_walk_query(const struct bw_walk *walk, struct bw_buf *out)
{
	char time[BW_TIME_BYTES];

	BW_TRY(bw_buf_addf(out, "?limit=%u", (unsigned)walk->limit));
	if (walk->base_us >= 0) {
		bw_time_format(walk->base_us, time);
		BW_TRY(bw_buf_addf(out, "&added_after=%s", time));
	}
	if (walk->next[0] == '\0')
		return BW_OK;
	BW_TRY(bw_buf_add_text(out, "&next="));
	return add_encoded(out, walk->next);
}

static const char heading[] = "breakwater walk 1";

enum bw_err bw_walk_save(const struct bw_walk *walk, struct bw_buf *out)
{
	struct bw_walk rest = *walk;

	/* By date where that loses nothing, and where `next` would. */
	if ((walk->ordered && walk->last_us >= 0) || !walk->next_changes)
		rebase(&rest);
	BW_TRY(bw_buf_addf(out, "%s\nbase %lld\nlast %lld\nlimit %u\nordered %d\nnext ", heading,
			   (long long)rest.base_us, (long long)rest.last_us, (unsigned)rest.limit_usual, rest.ordered));
	BW_TRY(add_encoded(out, rest.next));
	return bw_buf_add_u8(out, '\n');
}

static enum bw_err take_line(struct bw_slice *text, const char *name, struct bw_slice *value)
{
	struct bw_slice line;
	struct bw_slice tail;
	struct bw_slice found;

	BW_NEED(bw_slice_cut(*text, '\n', &line, &tail), SYNTAX);
	BW_NEED(bw_slice_cut(line, ' ', &found, value) && bw_slice_is(found, name), SYNTAX);
	*text = tail;
	return BW_OK;
}

static enum bw_err take_num(struct bw_slice *text, const char *name, int64_t min, int64_t max, int64_t *out)
{
	struct bw_slice value;

	BW_TRY(take_line(text, name, &value));
	BW_NEED(bw_parse_i64(value, out) == BW_OK, SYNTAX);
	BW_NEED(*out >= min && *out <= max, SYNTAX);
	return BW_OK;
}

enum bw_err bw_walk_load(struct bw_walk *walk, struct bw_slice text)
{
	struct bw_walk read = *walk;
	struct bw_slice line;
	int64_t limit;
	int64_t ordered;

	BW_NEED(bw_slice_cut(text, '\n', &line, &text) && bw_slice_is(line, heading), SYNTAX);
	BW_TRY(take_num(&text, "base", -1, BW_TIME_MAX, &read.base_us));
	BW_TRY(take_num(&text, "last", -1, BW_TIME_MAX, &read.last_us));
	BW_TRY(take_num(&text, "limit", 1, BW_WALK_LIMIT_MAX, &limit));
	BW_TRY(take_num(&text, "ordered", 0, 1, &ordered));
	BW_TRY(take_line(&text, "next", &line));
	BW_TRY(take_encoded(line, read.next));
	BW_NEED(text.len == 0, SYNTAX);
	read.ordered = ordered != 0;
	read.next_changes = read.next[0] != '\0';
	if (read.next[0] != '\0' && (uint32_t)limit != read.limit)
		rebase(&read);
	*walk = read;
	return BW_OK;
}
