#include "guard/hand_book.h"

#include <stdlib.h>

#include "base/num.h"
#include "sys/clock.h"

static const char *const names[] = {
	[BW_DEED_KEEP_OUT] = "keep-out", [BW_DEED_FREEZE] = "freeze", [BW_DEED_HELD] = "held", [BW_DEED_USER] = "user"
};

enum bw_err bw_hand_book_init(struct bw_hand_book *out)
{
	struct bw_hand_book book = { calloc(BW_HAND_DEEDS_MAX, sizeof(struct bw_deed)), 0 };

	BW_NEED(book.deeds != NULL, MEMORY);
	*out = book;
	return BW_OK;
}

void bw_hand_book_release(struct bw_hand_book *book)
{
	free(book->deeds);
	*book = (struct bw_hand_book){ 0 };
}

/* ---- names -------------------------------------------------------------------------------- */

static bool is_name_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80 ||
	       memchr("._-+@$", c, 6) != NULL;
}

enum bw_err bw_hand_name(struct bw_slice name, char out[BW_HAND_NAME_BYTES])
{
	static const char *const shared[] = { "root", "guest", "nobody" };

	BW_NEED(name.len > 0 && name.len < BW_HAND_NAME_BYTES && name.ptr[0] != '-', SYNTAX);
	for (size_t i = 0; i < BW_COUNT(shared); i++)
		BW_NEED(!bw_slice_is_nocase(name, shared[i]), SYNTAX);
	for (size_t i = 0; i < name.len; i++)
		BW_NEED(is_name_byte(name.ptr[i]), SYNTAX);
	memset(out, 0, BW_HAND_NAME_BYTES);
	memcpy(out, name.ptr, name.len);
	return BW_OK;
}

/* ---- notes -------------------------------------------------------------------------------- */

/* The same done to the same, whatever the incident. */
static bool is_same_thing(const struct bw_deed *a, const struct bw_deed *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == BW_DEED_KEEP_OUT)
		return bw_address_equals(&a->address, &b->address);
	if (a->kind == BW_DEED_FREEZE)
		return a->cgroup == b->cgroup;
	if (a->kind == BW_DEED_USER)
		return strcmp(a->user, b->user) == 0;
	return a->held.pid == b->held.pid && a->held.start_ns == b->held.start_ns;
}

static struct bw_deed *find(const struct bw_hand_book *book, const struct bw_deed *deed)
{
	for (size_t i = 0; i < book->count; i++) {
		if (book->deeds[i].incident == deed->incident && is_same_thing(&book->deeds[i], deed))
			return &book->deeds[i];
	}
	return NULL;
}

enum bw_err bw_hand_book_note(struct bw_hand_book *book, const struct bw_deed *deed)
{
	struct bw_deed *known = find(book, deed);

	if (known != NULL) {
		if (known->until_us < deed->until_us)
			known->until_us = deed->until_us;
		if (deed->kind == BW_DEED_HELD && known->cgroup == 0)
			known->cgroup = deed->cgroup;
		known->home = known->home == 0 ? deed->home : known->home;
		return BW_OK;
	}
	BW_NEED(book->count < BW_HAND_DEEDS_MAX, TOO_MANY);
	book->deeds[book->count++] = *deed;
	return BW_OK;
}

void bw_hand_book_did(struct bw_hand_book *book, const struct bw_deed *deed)
{
	struct bw_deed *known = find(book, deed);

	if (known != NULL)
		known->is_done = true;
}

void bw_hand_book_drop(struct bw_hand_book *book, const struct bw_deed *deed)
{
	struct bw_deed *known = find(book, deed);

	if (known != NULL && !known->is_done)
		*known = book->deeds[--book->count];
}

bool bw_hand_book_holds(const struct bw_hand_book *book, const struct bw_deed *deed)
{
	for (size_t i = 0; i < book->count; i++) {
		if (is_same_thing(&book->deeds[i], deed))
			return true;
	}
	return false;
}

const struct bw_deed *bw_hand_book_process(const struct bw_hand_book *book, uint32_t pid)
{
	for (size_t i = 0; i < book->count; i++) {
		if (book->deeds[i].kind == BW_DEED_HELD && book->deeds[i].held.pid == pid)
			return &book->deeds[i];
	}
	return NULL;
}

bool bw_hand_book_uses(const struct bw_hand_book *book, uint64_t cgroup)
{
	for (size_t i = 0; i < book->count; i++) {
		if (book->deeds[i].kind == BW_DEED_HELD && book->deeds[i].cgroup == cgroup)
			return true;
	}
	return false;
}

static void take_out(struct bw_hand_book *book, size_t at, struct bw_deed *out, bool *out_last)
{
	*out = book->deeds[at];
	book->deeds[at] = book->deeds[--book->count];
	*out_last = true;
	for (size_t i = 0; i < book->count && *out_last; i++)
		*out_last = !is_same_thing(&book->deeds[i], out);
}

bool bw_hand_book_lift(struct bw_hand_book *book, uint64_t incident, struct bw_deed *out, bool *out_last)
{
	for (size_t i = 0; i < book->count; i++) {
		if (incident == 0 || book->deeds[i].incident == incident) {
			take_out(book, i, out, out_last);
			return true;
		}
	}
	return false;
}

bool bw_hand_book_expire(struct bw_hand_book *book, int64_t now_us, struct bw_deed *out, bool *out_last)
{
	for (size_t i = 0; i < book->count; i++) {
		if (book->deeds[i].until_us <= now_us) {
			take_out(book, i, out, out_last);
			return true;
		}
	}
	return false;
}

int64_t bw_hand_book_next_us(const struct bw_hand_book *book)
{
	int64_t next = BW_TIME_MAX;

	for (size_t i = 0; i < book->count; i++)
		next = book->deeds[i].until_us < next ? book->deeds[i].until_us : next;
	return next;
}

/* ---- text ------------------------------------------------------------------------------------ */

static enum bw_err write_deed(const struct bw_deed *deed, struct bw_buf *out)
{
	char address[BW_ADDRESS_TEXT_BYTES];

	BW_TRY(bw_buf_addf(out, "%s %llu %lld ", names[deed->kind], (unsigned long long)deed->incident,
			   (long long)deed->until_us));
	if (deed->kind == BW_DEED_KEEP_OUT) {
		bw_address_write(&deed->address, address);
		return bw_buf_addf(out, "%s\n", address);
	}
	if (deed->kind == BW_DEED_USER)
		return bw_buf_addf(out, "%s\n", deed->user);
	if (deed->kind == BW_DEED_FREEZE)
		return bw_buf_addf(out, "%llu\n", (unsigned long long)deed->cgroup);
	BW_TRY(bw_buf_addf(out, "%u %llu", deed->held.pid, (unsigned long long)deed->held.start_ns));
	if (deed->cgroup != 0)
		BW_TRY(bw_buf_addf(out, " %llu %llu", (unsigned long long)deed->cgroup,
				   (unsigned long long)deed->home));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_hand_book_write(const struct bw_hand_book *book, struct bw_buf *out)
{
	for (size_t i = 0; i < book->count; i++)
		BW_TRY(write_deed(&book->deeds[i], out));
	return BW_OK;
}

static enum bw_err read_kind(struct bw_slice name, enum bw_deed_kind *out)
{
	for (size_t i = 1; i < BW_COUNT(names); i++) {
		if (bw_slice_is(name, names[i])) {
			*out = (enum bw_deed_kind)i;
			return BW_OK;
		}
	}
	return BW_ERR_SYNTAX;
}

static enum bw_err read_held(struct bw_slice rest, struct bw_deed *out)
{
	struct bw_slice word;
	uint64_t number;

	BW_NEED(bw_slice_cut(rest, ' ', &word, &rest), SYNTAX);
	BW_TRY(bw_parse_u64(word, &number));
	BW_NEED(number > 0 && number <= INT32_MAX, SYNTAX);
	out->held.pid = (uint32_t)number;
	if (!bw_slice_cut(rest, ' ', &word, &rest)) /* it is only stopped */
		return bw_parse_u64(rest, &out->held.start_ns);
	BW_TRY(bw_parse_u64(word, &out->held.start_ns));
	BW_NEED(bw_slice_cut(rest, ' ', &word, &rest), SYNTAX);
	BW_TRY(bw_parse_u64(word, &out->cgroup));
	BW_NEED(out->cgroup != 0, SYNTAX);
	return bw_parse_u64(rest, &out->home);
}

static enum bw_err read_deed(struct bw_slice line, struct bw_deed *out)
{
	struct bw_slice word;
	struct bw_slice rest;

	BW_NEED(bw_slice_cut(line, ' ', &word, &rest), SYNTAX);
	BW_TRY(read_kind(word, &out->kind));
	BW_NEED(bw_slice_cut(rest, ' ', &word, &rest), SYNTAX);
	BW_TRY(bw_parse_u64(word, &out->incident));
	BW_NEED(bw_slice_cut(rest, ' ', &word, &rest), SYNTAX);
	BW_TRY(bw_parse_i64(word, &out->until_us));
	if (out->kind == BW_DEED_KEEP_OUT)
		return bw_address_parse(rest, &out->address);
	if (out->kind == BW_DEED_USER)
		return bw_hand_name(rest, out->user);
	if (out->kind == BW_DEED_FREEZE)
		return bw_parse_u64(rest, &out->cgroup);
	return read_held(rest, out);
}

enum bw_err bw_hand_book_read(struct bw_slice text, int64_t now_us, struct bw_hand_book *book)
{
	const int64_t latest = now_us + (int64_t)BW_HAND_SECONDS_MAX * 1000000;
	struct bw_slice line;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		struct bw_deed deed = { 0 };

		if (read_deed(line, &deed) != BW_OK)
			return BW_ERR_SYNTAX;
		if (deed.until_us > latest)
			deed.until_us = latest;
		deed.is_done = true; /* nobody knows; undoing what never was harms nobody */
		BW_TRY(bw_hand_book_note(book, &deed));
	}
	return text.len == 0 ? BW_OK : BW_ERR_SYNTAX;
}
