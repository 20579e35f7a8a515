#include "serve/remote_read.h"

#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"

enum { TEXT_MAX = 64 * 1024 };

enum bw_err bw_remote_member(struct bw_slice json, const char *name, struct bw_slice *value)
{
	struct bw_json_walk walk;
	struct bw_slice found_name;
	struct bw_slice found;
	bool more;

	BW_TRY(bw_json_walk_open(json, &walk));
	BW_NEED(walk.close == '}', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &found_name, &found, &more));
		BW_NEED(more, NOT_FOUND);
		if (bw_slice_is(found_name, name)) {
			*value = found;
			return BW_OK;
		}
	}
}

static bool has(struct bw_slice json, const char *name)
{
	struct bw_slice value;

	return bw_remote_member(json, name, &value) == BW_OK;
}

enum bw_remote_kind bw_remote_kind_of(struct bw_slice json)
{
	if (has(json, "can_read") && has(json, "id"))
		return BW_REMOTE_COLLECTION;
	if (has(json, "collections"))
		return BW_REMOTE_COLLECTIONS;
	if (has(json, "versions") || has(json, "max_content_length"))
		return BW_REMOTE_API_ROOT;
	if (has(json, "api_roots") || has(json, "default"))
		return BW_REMOTE_DISCOVERY;
	return BW_REMOTE_UNKNOWN;
}

/* As much of `text` as fits, cut between characters. */
static void copy_cut(struct bw_slice text, char *out, size_t size)
{
	size_t len = text.len < size - 1 ? text.len : size - 1;

	while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, text.ptr, len);
	out[len] = '\0';
}

void bw_remote_text(struct bw_slice json, const char *name, char *out, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(TEXT_MAX);
	struct bw_slice value;

	out[0] = '\0';
	if (bw_remote_member(json, name, &value) != BW_OK || bw_json_walk_string(value, &text) != BW_OK)
		return;
	if (text.len > 0 && memchr(text.ptr, 0, text.len) == NULL)
		copy_cut(bw_buf_slice(&text), out, size);
}

int64_t bw_remote_number(struct bw_slice json, const char *name)
{
	struct bw_slice value;
	uint64_t number;

	if (bw_remote_member(json, name, &value) != BW_OK)
		return -1;
	if (value.len > 2 && value.ptr[0] == '"')
		value = bw_slice_sub(value, 1, value.len - 2);
	if (bw_parse_u64(value, &number) != BW_OK || number > INT64_MAX)
		return -1;
	return (int64_t)number;
}

static bool is_true(struct bw_slice json, const char *name)
{
	struct bw_slice value;

	return bw_remote_member(json, name, &value) == BW_OK && bw_json_walk_true(value);
}

/* What may stand in a path as it is: ids are UUIDs, but servers exist that have never heard so. */
static bool is_path_text(const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		if (!bw_is_alnum((uint8_t)*at) && strchr("-._~", *at) == NULL)
			return false;
	return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}

enum bw_err bw_remote_collection_read(struct bw_slice json, struct bw_remote_collection *out)
{
	struct bw_remote_collection c = { 0 };

	bw_remote_text(json, "id", c.id, sizeof(c.id));
	BW_NEED(is_path_text(c.id), MISSING);
	bw_remote_text(json, "alias", c.alias, sizeof(c.alias));
	bw_remote_text(json, "title", c.title, sizeof(c.title));
	c.can_read = is_true(json, "can_read");
	c.can_write = is_true(json, "can_write");
	*out = c;
	return BW_OK;
}

static enum bw_err count_items(struct bw_slice list, uint64_t *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	uint64_t count = 0;
	bool more;

	BW_TRY(bw_json_walk_open(list, &walk));
	BW_NEED(walk.close == ']', TYPE);
	for (;; count++) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
	}
	*out = count;
	return BW_OK;
}

enum bw_err bw_remote_envelope_read(struct bw_slice json, struct bw_remote_envelope *out, struct bw_buf *next)
{
	struct bw_remote_envelope envelope = { .objects_text = bw_slice_empty };
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(json, &walk));
	BW_NEED(walk.close == '}', TYPE);
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		if (bw_slice_is(name, "objects")) {
			BW_TRY(count_items(value, &envelope.objects));
			envelope.objects_text = value;
		} else if (bw_slice_is(name, "more")) {
			envelope.more = bw_json_walk_true(value);
		} else if (bw_slice_is(name, "next") && bw_json_walk_string(value, next) == BW_ERR_TYPE &&
			   !bw_slice_is(value, "null")) {
			BW_TRY(bw_buf_add(next, value)); /* a bare number, from some servers */
		}
	}
	*out = envelope;
	return BW_OK;
}

static void first_failure(struct bw_slice json, char *out, size_t size)
{
	struct bw_json_walk walk;
	struct bw_slice failures;
	struct bw_slice name;
	struct bw_slice item;
	char id[96];
	char message[150];
	bool more;

	if (bw_remote_member(json, "failures", &failures) != BW_OK || bw_json_walk_open(failures, &walk) != BW_OK ||
	    bw_json_walk_next(&walk, &name, &item, &more) != BW_OK || !more)
		return;
	bw_remote_text(item, "id", id, sizeof(id));
	bw_remote_text(item, "message", message, sizeof(message));
	snprintf(out, size, "%s: %s", id, message[0] == '\0' ? "refused" : message);
}

enum bw_err bw_remote_status_read(struct bw_slice json, struct bw_remote_status *out)
{
	struct bw_remote_status status = { 0 };
	char word[16];

	bw_remote_text(json, "status", word, sizeof(word));
	BW_NEED(word[0] != '\0', TYPE);
	bw_remote_text(json, "id", status.id, sizeof(status.id));
	if (!is_path_text(status.id))
		status.id[0] = '\0';
	status.complete = strcmp(word, "complete") == 0;
	status.successes = bw_remote_number(json, "success_count");
	status.failures = bw_remote_number(json, "failure_count");
	first_failure(json, status.first_failure, sizeof(status.first_failure));
	*out = status;
	return BW_OK;
}

void bw_remote_error_words(struct bw_slice json, char *out, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(TEXT_MAX);
	char title[200];
	char description[300];

	out[0] = '\0';
	bw_remote_text(json, "title", title, sizeof(title));
	bw_remote_text(json, "description", description, sizeof(description));
	if (title[0] == '\0')
		return;
	if (bw_text_escape(&words, bw_slice_text(title)) != BW_OK)
		return;
	if (description[0] != '\0' &&
	    (bw_buf_add_text(&words, ": ") != BW_OK || bw_text_escape(&words, bw_slice_text(description)) != BW_OK))
		return;
	copy_cut(bw_buf_slice(&words), out, size);
}

static int month_of(struct bw_slice text)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (text.len == 3 && memcmp(text.ptr, names + (ptrdiff_t)i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
int64_t bw_http_date_us(struct bw_slice text)
{
	char time[32];
	int64_t us;
	const int month = month_of(bw_slice_sub(text, 8, 3));

	if (text.len != 29 || month == 0 || !bw_slice_is(bw_slice_from(text, 25), " GMT"))
		return -1;
	snprintf(time, sizeof(time), "%.4s-%02d-%.2sT%.8sZ", (const char *)text.ptr + 12, month,
		 (const char *)text.ptr + 5, (const char *)text.ptr + 17);
	return bw_time_parse_any(bw_slice_text(time), &us) == BW_OK && us >= 0 ? us : -1;
}
