#include "guard/job.h"

#include <stdio.h>
#include <time.h>

#include "base/num.h"
#include "base/text.h"
#include "codec/base64.h"

enum { DAY_MINUTES = 24 * 60, DAYS = 7, SIGNATURE_ROOM = 3 * (BW_NODE_SIGNATURE_BYTES / 2) };

static const char front[] = "breakwater-job 1\n";
static const char *const day_names[DAYS] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

bool bw_job_name_is_plain(struct bw_slice name)
{
	if (name.len == 0 || name.len >= BW_JOB_NAME_BYTES || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!bw_is_alnum(name.ptr[i]) && memchr("-_.", name.ptr[i], 3) == NULL)
			return false;
	}
	return true;
}

/* ---- hours of the week ------------------------------------------------------------------------------ */

static enum bw_err read_day(struct bw_slice text, unsigned *out)
{
	for (unsigned day = 0; day < DAYS; day++) {
		if (bw_slice_is(text, day_names[day])) {
			*out = day;
			return BW_OK;
		}
	}
	return BW_ERR_SYNTAX;
}

static enum bw_err read_span(struct bw_slice text, uint8_t *days)
{
	struct bw_slice last = text;
	unsigned from;
	unsigned to;

	(void)bw_slice_cut(text, '-', &text, &last);
	BW_TRY(read_day(text, &from));
	BW_TRY(read_day(last, &to));
	for (unsigned day = from;; day = (day + 1) % DAYS) {
		*days = (uint8_t)(*days | 1u << day);
		if (day == to)
			return BW_OK;
	}
}

static enum bw_err read_days(struct bw_slice text, uint8_t *out)
{
	struct bw_slice one;
	uint8_t days = 0;

	if (bw_slice_is(text, "daily")) {
		*out = (1u << DAYS) - 1;
		return BW_OK;
	}
	while (bw_slice_cut(text, ',', &one, &text))
		BW_TRY(read_span(one, &days));
	BW_TRY(read_span(text, &days));
	*out = days;
	return BW_OK;
}

/* HH:MM, 00:00 to 23:59 */
static enum bw_err read_minute(struct bw_slice text, uint16_t *out)
{
	uint64_t hour;
	uint64_t minute;

	BW_NEED(text.len == 5 && text.ptr[2] == ':', SYNTAX);
	BW_TRY(bw_parse_u64(bw_slice_sub(text, 0, 2), &hour));
	BW_TRY(bw_parse_u64(bw_slice_from(text, 3), &minute));
	BW_NEED(hour < 24 && minute < 60, RANGE);
	*out = (uint16_t)(hour * 60 + minute);
	return BW_OK;
}

enum bw_err bw_job_hours_parse(struct bw_slice text, struct bw_job_hours *out)
{
	struct bw_job_hours hours;
	struct bw_slice days;
	struct bw_slice from;
	struct bw_slice to;

	BW_NEED(bw_slice_cut(text, ' ', &days, &text) && bw_slice_cut(text, '-', &from, &to), SYNTAX);
	BW_TRY(read_days(days, &hours.days));
	BW_TRY(read_minute(from, &hours.from));
	BW_TRY(read_minute(to, &hours.to));
	*out = hours;
	return BW_OK;
}

enum bw_err bw_job_hours_write(const struct bw_job_hours *hours, struct bw_buf *out)
{
	bool first = true;

	if (hours->days == (1u << DAYS) - 1)
		BW_TRY(bw_buf_add_text(out, "daily"));
	for (unsigned day = 0; day < DAYS && hours->days != (1u << DAYS) - 1; day++) {
		if ((hours->days >> day & 1u) == 0)
			continue;
		BW_TRY(bw_buf_addf(out, "%s%s", first ? "" : ",", day_names[day]));
		first = false;
	}
	return bw_buf_addf(out, " %02u:%02u-%02u:%02u", hours->from / 60u, hours->from % 60u, hours->to / 60u,
			   hours->to % 60u);
}

/* ---- reading ------------------------------------------------------------------------------------------ */

struct reader {
	struct bw_slice text; /* what is left of it */
	struct bw_arena *arena;
};

static bool is_next(const struct reader *r, const char *word)
{
	const size_t len = strlen(word);

	return r->text.len > len && memcmp(r->text.ptr, word, len) == 0 && r->text.ptr[len] == ' ';
}

/* The value of the next line, which must begin with this word. */
static enum bw_err take(struct reader *r, const char *word, struct bw_slice *out)
{
	struct bw_slice line;

	BW_NEED(is_next(r, word), SYNTAX);
	BW_NEED(bw_slice_cut(r->text, '\n', &line, &r->text), TRUNCATED);
	*out = bw_slice_from(line, strlen(word) + 1);
	return BW_OK;
}

static enum bw_err take_text(struct reader *r, const char *word, const char **out)
{
	struct bw_slice value;
	struct bw_slice copy;

	BW_TRY(take(r, word, &value));
	for (size_t i = 0; i < value.len; i++)
		BW_NEED(value.ptr[i] >= 0x20 && value.ptr[i] != 0x7f, SYNTAX);
	BW_TRY(bw_arena_copy(r->arena, value, &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

static enum bw_err take_path(struct reader *r, const char *word, const char **out)
{
	BW_TRY(take_text(r, word, out));
	BW_NEED((*out)[0] == '/', SYNTAX);
	return BW_OK;
}

static enum bw_err take_time(struct reader *r, const char *word, int64_t *out)
{
	struct bw_slice value;

	BW_TRY(take(r, word, &value));
	return bw_time_parse(value, out);
}

static enum bw_err take_who(struct reader *r, struct bw_job_file *out)
{
	struct bw_slice value;
	uint64_t number;

	BW_TRY(take_text(r, "name", &out->name));
	BW_NEED(bw_job_name_is_plain(bw_slice_text(out->name)), SYNTAX);
	BW_TRY(take(r, "node", &value));
	BW_TRY(bw_node_name_parse(value, out->node));
	BW_TRY(take(r, "user", &value));
	BW_TRY(bw_parse_u64(value, &number));
	return bw_to_u32(number, &out->uid);
}

static enum bw_err take_what(struct reader *r, struct bw_job_file *out)
{
	struct bw_slice value;

	BW_TRY(take_path(r, "folder", &out->folder));
	BW_TRY(take_path(r, "program", &out->program));
	BW_TRY(take(r, "sha256", &value));
	BW_TRY(bw_hex_decode(value, out->sha256, sizeof(out->sha256)));
	while (is_next(r, "word")) {
		BW_NEED(out->word_count < BW_JOB_WORDS_MAX, TOO_MANY);
		BW_TRY(take_text(r, "word", &out->words[out->word_count++]));
	}
	return BW_OK;
}

static enum bw_err take_when(struct reader *r, struct bw_job_file *out)
{
	struct bw_slice value;

	BW_TRY(take_time(r, "from", &out->from_us));
	BW_TRY(take_time(r, "until", &out->until_us));
	BW_NEED(out->from_us < out->until_us, RANGE);
	BW_TRY(take_time(r, "signed", &out->signed_us));
	while (is_next(r, "at")) {
		BW_NEED(out->hours_count < BW_JOB_HOURS_MAX, TOO_MANY);
		BW_TRY(take(r, "at", &value));
		BW_TRY(bw_job_hours_parse(value, &out->hours[out->hours_count++]));
	}
	return BW_OK;
}

static enum bw_err take_signature(struct reader *r, struct bw_job_file *out)
{
	uint8_t bytes[SIGNATURE_ROOM];
	struct bw_slice value;
	struct bw_cursor c;
	size_t len;

	if (r->text.len == 0)
		return BW_OK;
	BW_TRY(take(r, "signature", &value));
	BW_TRY(bw_base64_decode(value, bytes, sizeof(bytes), &len));
	c = bw_cursor_over(bw_slice_of(bytes, len));
	BW_TRY(bw_node_signature_take(&c, &out->signature));
	BW_NEED(bw_cursor_left(&c) == 0 && r->text.len == 0, SYNTAX);
	out->is_signed = true;
	return BW_OK;
}

enum bw_err bw_job_parse(struct bw_slice text, struct bw_arena *arena, struct bw_job_file *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_JOB_BYTES_MAX);
	struct reader r = { bw_slice_from(text, sizeof(front) - 1), arena };
	struct bw_job_file job = { 0 };

	BW_NEED(text.len <= BW_JOB_BYTES_MAX, TOO_BIG);
	BW_NEED(bw_slice_starts(text, bw_slice_text(front)), SYNTAX);
	BW_TRY(take_who(&r, &job));
	BW_TRY(take_what(&r, &job));
	BW_TRY(take_when(&r, &job));
	job.signed_bytes = text.len - r.text.len;
	BW_TRY(take_signature(&r, &job));
	/* one way to write it: what is shown to a person is what was signed */
	BW_TRY(bw_job_write(&job, &again));
	BW_NEED(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(text, 0, job.signed_bytes)), SYNTAX);
	*out = job;
	return BW_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static enum bw_err add_text(struct bw_buf *out, const char *word, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		BW_NEED((uint8_t)*c >= 0x20 && *c != 0x7f, SYNTAX);
	return bw_buf_addf(out, "%s %s\n", word, value);
}

static enum bw_err add_time(struct bw_buf *out, const char *word, int64_t time_us)
{
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	return bw_buf_addf(out, "%s %s\n", word, text);
}

enum bw_err bw_job_write(const struct bw_job_file *job, struct bw_buf *out)
{
	char sum[2 * BW_SHA256_BYTES + 1];
	char node[BW_NODE_NAME_CHARS + 1];

	bw_node_name(job->node, node);
	bw_hex_encode(bw_slice_of(job->sha256, sizeof(job->sha256)), sum);
	BW_TRY(bw_buf_add_text(out, front));
	BW_TRY(add_text(out, "name", job->name));
	BW_TRY(add_text(out, "node", node));
	BW_TRY(bw_buf_addf(out, "user %lu\n", (unsigned long)job->uid));
	BW_TRY(add_text(out, "folder", job->folder));
	BW_TRY(add_text(out, "program", job->program));
	BW_TRY(add_text(out, "sha256", sum));
	for (size_t i = 0; i < job->word_count; i++)
		BW_TRY(add_text(out, "word", job->words[i]));
	BW_TRY(add_time(out, "from", job->from_us));
	BW_TRY(add_time(out, "until", job->until_us));
	BW_TRY(add_time(out, "signed", job->signed_us));
	for (size_t i = 0; i < job->hours_count; i++) {
		BW_TRY(bw_buf_add_text(out, "at "));
		BW_TRY(bw_job_hours_write(&job->hours[i], out));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}

enum bw_err bw_job_sign(const struct bw_node_keys *keys, struct bw_buf *text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NODE_SIGNATURE_BYTES);
	struct bw_node_signature signature;

	BW_TRY(bw_node_sign(keys, BW_JOB_DOMAIN, bw_buf_slice(text), &signature));
	BW_TRY(bw_node_signature_add(&bytes, &signature));
	BW_TRY(bw_buf_add_text(text, "signature "));
	BW_TRY(bw_base64_add(text, bw_buf_slice(&bytes)));
	return bw_buf_add_u8(text, '\n');
}

/* ---- what it is worth --------------------------------------------------------------------------------------- */

enum bw_err bw_job_check(const struct bw_job_file *job, struct bw_slice text, const struct bw_node_public *node)
{
	uint8_t fingerprint[BW_SHA256_BYTES];

	BW_NEED(job->is_signed, MISSING);
	BW_TRY(bw_node_fingerprint(node, fingerprint));
	BW_NEED(memcmp(fingerprint, job->node, sizeof(fingerprint)) == 0, CONFLICT);
	return bw_node_verify(node, BW_JOB_DOMAIN, bw_slice_sub(text, 0, job->signed_bytes), &job->signature);
}

/* When hours that began `back` days before the day of `now` end; 0 when `now` is not in them. */
static int64_t end_of(const struct bw_job_hours *hours, const struct tm *now, int64_t now_us, int back)
{
	const int minute = now->tm_hour * 60 + now->tm_min + back * DAY_MINUTES;
	const int to = hours->to > hours->from ? hours->to : hours->to + DAY_MINUTES;
	const int day = (now->tm_wday + 6 - back + DAYS) % DAYS; /* tm_wday 0 is Sunday */
	struct tm end = *now;

	if ((hours->days >> day & 1) == 0 || minute < hours->from || minute >= to)
		return 0;
	end.tm_min += to - minute;
	end.tm_sec = 0;
	end.tm_isdst = -1;
	return (int64_t)mktime(&end) > now_us / 1000000 ? (int64_t)mktime(&end) * 1000000 : 0;
}

enum bw_err bw_job_when(const struct bw_job_file *job, int64_t now_us, int64_t *out_until_us)
{
	const time_t seconds = (time_t)(now_us / 1000000);
	int64_t until = job->hours_count == 0 ? INT64_MAX : 0;
	struct tm now;

	BW_NEED(now_us < job->until_us, REVOKED);
	BW_NEED(now_us >= job->from_us && localtime_r(&seconds, &now) != NULL, RANGE);
	for (size_t i = 0; i < job->hours_count; i++) {
		for (int back = 0; back <= 1; back++) {
			const int64_t end = end_of(&job->hours[i], &now, now_us, back);

			until = end > until ? end : until;
		}
	}
	BW_NEED(until != 0, RANGE);
	*out_until_us = until < job->until_us ? until : job->until_us;
	return BW_OK;
}
