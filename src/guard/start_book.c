#include "guard/start_book.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"

enum { STATE_BYTES_MAX = 1024 * 1024, FINDINGS_BYTES_MAX = 64 * 1024 };

#define CLOCK_SLACK_US INT64_C(30000000) /* a time server mends less than this */

/* ---- the file ---------------------------------------------------------------------------------- */

static enum bw_err take_number(struct bw_slice *rest, uint64_t *out)
{
	struct bw_slice word;

	BW_NEED(bw_slice_cut(*rest, ' ', &word, rest), SYNTAX);
	return bw_parse_u64(word, out);
}

static enum bw_err parse_store(struct bw_slice value, struct bw_start_facts *facts)
{
	struct bw_start_store store = { 0 };

	BW_NEED(facts->store_count < BW_START_STORES_MAX, TOO_MANY);
	BW_TRY(take_number(&value, &store.ino));
	BW_TRY(take_number(&value, &store.device));
	BW_TRY(take_number(&value, &store.bytes));
	BW_TRY(take_number(&value, &store.mtime_ns));
	BW_NEED(value.len > 0 && value.ptr[0] == '/', SYNTAX);
	store.path = value;
	facts->stores[facts->store_count++] = store;
	return BW_OK;
}

static enum bw_err parse_us(struct bw_slice value, int64_t *out)
{
	uint64_t us;

	BW_TRY(bw_parse_u64(value, &us));
	BW_NEED(us <= (uint64_t)BW_TIME_MAX, RANGE);
	*out = (int64_t)us;
	return BW_OK;
}

static enum bw_err parse_fact(struct bw_slice word, struct bw_slice value, struct bw_start_facts *facts)
{
	if (bw_slice_is(word, "state")) {
		facts->runs = bw_slice_is(value, "running");
		BW_NEED(facts->runs || bw_slice_is(value, "stopped"), SYNTAX);
	} else if (bw_slice_is(word, "boot")) {
		BW_NEED(value.len < sizeof(facts->boot), TOO_BIG);
		memcpy(facts->boot, value.ptr, value.len);
		facts->boot[value.len] = '\0';
	} else if (bw_slice_is(word, "wall")) {
		return parse_us(value, &facts->wall_us);
	} else if (bw_slice_is(word, "since")) {
		return parse_us(value, &facts->since_us);
	} else if (bw_slice_is(word, "store")) {
		return parse_store(value, facts);
	}
	return BW_OK;
}

enum bw_err bw_start_parse(struct bw_slice text, struct bw_start_facts *out)
{
	struct bw_start_facts facts = { 0 };
	struct bw_slice line;
	struct bw_slice word;
	struct bw_slice value;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		BW_NEED(bw_slice_cut(line, ' ', &word, &value), SYNTAX);
		BW_TRY(parse_fact(word, value, &facts));
	}
	BW_NEED(text.len == 0 && facts.wall_us > 0, SYNTAX);
	*out = facts;
	return BW_OK;
}

enum bw_err bw_start_write(const struct bw_start_facts *facts, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "state %s\nboot %s\nwall %lld\nsince %lld\n", facts->runs ? "running" : "stopped",
			   facts->boot, (long long)facts->wall_us, (long long)facts->since_us));
	for (size_t i = 0; i < facts->store_count; i++) {
		const struct bw_start_store *store = &facts->stores[i];

		BW_TRY(bw_buf_addf(out, "store %llu %llu %llu %llu %.*s\n", (unsigned long long)store->ino,
				   (unsigned long long)store->device, (unsigned long long)store->bytes,
				   (unsigned long long)store->mtime_ns, BW_ARG(store->path)));
	}
	return BW_OK;
}

/* ---- what it means ------------------------------------------------------------------------------- */

static enum bw_err say_killed(const struct bw_start_facts *before, bool same_boot, struct bw_buf *out)
{
	char since[BW_TIME_BYTES];

	bw_time_format(before->wall_us, since);
	if (same_boot)
		return bw_buf_addf(out,
				   "the guard that began at %s was killed, or crashed; what changed since then "
				   "was looked at again\n",
				   since);
	return bw_buf_addf(out,
			   "the machine went down while the guard ran that began at %s; what changed since then was "
			   "looked at again\n",
			   since);
}

static enum bw_err say_clock(const struct bw_start_facts *before, const struct bw_start_facts *now, bool same_boot,
			     struct bw_buf *out)
{
	const int64_t passed = now->since_us - before->since_us;
	const int64_t set = now->wall_us - before->wall_us - passed;

	if (same_boot && passed >= 0 && (set > CLOCK_SLACK_US || set < -CLOCK_SLACK_US))
		return bw_buf_addf(out, "the clock was set %s by %lld seconds since the guard %s\n",
				   set < 0 ? "back" : "forward", (long long)(set < 0 ? -set : set) / 1000000,
				   before->runs ? "began" : "stopped");
	if (!same_boot && now->wall_us < before->wall_us)
		return bw_buf_addf(out, "the clock stands %lld seconds before the guard's last sign of life\n",
				   (long long)(before->wall_us - now->wall_us) / 1000000);
	return BW_OK;
}

static bool is_unchanged(const struct bw_start_store *store, const struct bw_start_facts *now)
{
	for (size_t i = 0; i < now->store_count; i++) {
		const struct bw_start_store *other = &now->stores[i];

		if (bw_slice_equals(other->path, store->path))
			return other->ino == store->ino && other->device == store->device &&
			       other->bytes == store->bytes && other->mtime_ns == store->mtime_ns;
	}
	return true; /* not guarded any more */
}

static enum bw_err say_stores(const struct bw_start_facts *before, const struct bw_start_facts *now, struct bw_buf *out)
{
	for (size_t i = 0; i < before->store_count; i++) {
		if (is_unchanged(&before->stores[i], now))
			continue;
		BW_TRY(bw_buf_addf(
			out,
			"the catalogue in '%.*s' was changed while the guard did not run, and not by a command of its "
			"that came to its end; 'guard verify' checks it\n",
			BW_ARG(before->stores[i].path)));
	}
	return BW_OK;
}

enum bw_err bw_start_compare(const struct bw_start_facts *before, const struct bw_start_facts *now, struct bw_buf *out)
{
	const bool same_boot = strcmp(before->boot, now->boot) == 0;

	if (before->runs)
		BW_TRY(say_killed(before, same_boot, out));
	BW_TRY(say_clock(before, now, same_boot, out));
	return say_stores(before, now, out);
}

/* ---- now ------------------------------------------------------------------------------------------- */

static void look_at_stores(const struct bw_volume *volumes, size_t count, struct bw_start_facts *facts)
{
	for (size_t i = 0; i < count && facts->store_count < BW_START_STORES_MAX; i++) {
		char path[BW_PATH_BYTES];
		struct stat status;

		if (bw_path_join(path, volumes[i].store, "catalogue.db") != BW_OK || stat(path, &status) != 0)
			continue;
		facts->stores[facts->store_count++] = (struct bw_start_store){
			.ino = status.st_ino,
			.device = status.st_dev,
			.bytes = (uint64_t)status.st_size,
			.mtime_ns = (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec,
			.path = bw_slice_text(volumes[i].store),
		};
	}
}

static void facts_now(struct bw_start_facts *facts)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf boot = BW_BUF_INIT(4096);
	struct timespec since = { 0 };

	*facts = (struct bw_start_facts){ .wall_us = bw_clock_now_us() };
	(void)clock_gettime(CLOCK_BOOTTIME, &since);
	facts->since_us = bw_clock_of(&since);
	if (bw_file_read("/proc/sys/kernel/random/boot_id", &boot, NULL) == BW_OK && boot.len > 1 &&
	    boot.len <= sizeof(facts->boot))
		memcpy(facts->boot, boot.ptr, boot.len - 1); /* without its newline */
}

static void write_file(const char *data, const char *name, struct bw_slice text)
{
	char path[BW_PATH_BYTES];
	struct bw_why why = { "" };

	if (bw_path_join(path, data, name) != BW_OK || bw_file_write(path, text, 0600, &why) != BW_OK)
		bw_log(BW_WARNING, "what the next start should know was not written", BW_TEXT("why", why.text));
}

static void note(const char *data, const struct bw_start_facts *facts)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(STATE_BYTES_MAX);

	if (bw_start_write(facts, &text) == BW_OK)
		write_file(data, "guard/run-state", bw_buf_slice(&text));
}

static enum bw_err read_file(const char *data, const char *name, struct bw_buf *out)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, data, name));
	return bw_file_read(path, out, NULL);
}

static void log_findings(struct bw_slice findings)
{
	struct bw_slice line;

	while (bw_slice_cut(findings, '\n', &line, &findings))
		bw_log(BW_WARNING, "found at the start", BW_SLICE("what", line));
}

/* ---- what our own commands do ------------------------------------------------------------------------ */

void bw_start_as_left(const struct bw_start_facts *before, const struct bw_start_facts *now, bool *out)
{
	for (size_t i = 0; i < now->store_count; i++) {
		const struct bw_start_store *store = &now->stores[i];

		out[i] = false;
		for (size_t n = 0; n < before->store_count && !out[i]; n++)
			out[i] = !before->runs && bw_slice_equals(before->stores[n].path, store->path) &&
				 is_unchanged(&before->stores[n], now);
	}
}

void bw_start_take_own(struct bw_start_facts *facts, const struct bw_start_facts *now, const bool *was_as_left)
{
	for (size_t i = 0; i < now->store_count; i++) {
		for (size_t n = 0; n < facts->store_count && was_as_left[i]; n++) {
			if (bw_slice_equals(facts->stores[n].path, now->stores[i].path))
				facts->stores[n] = now->stores[i];
		}
	}
}

/* One by one, so that each has its own place whether the others are there or not. */
static bool look_at_one(const struct bw_volume *volume, struct bw_start_facts *out)
{
	*out = (struct bw_start_facts){ .store_count = 0 };
	look_at_stores(volume, 1, out);
	return out->store_count == 1;
}

void bw_start_own_begin(const char *data, const struct bw_volume *volumes, size_t count, struct bw_start_own *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(STATE_BYTES_MAX);
	struct bw_start_facts before;
	struct bw_start_facts now;

	*out = (struct bw_start_own){ 0 };
	if (read_file(data, "guard/run-state", &text) != BW_OK || bw_start_parse(bw_buf_slice(&text), &before) != BW_OK)
		return;
	for (size_t i = 0; i < count; i++) {
		if (look_at_one(&volumes[i], &now))
			bw_start_as_left(&before, &now, &out->was_as_left[i]);
	}
}

void bw_start_own_end(const char *data, const struct bw_volume *volumes, size_t count, const struct bw_start_own *own)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(STATE_BYTES_MAX);
	struct bw_start_facts facts;
	struct bw_start_facts now;
	bool any = false;

	for (size_t i = 0; i < count; i++)
		any |= own->was_as_left[i];
	if (!any || read_file(data, "guard/run-state", &text) != BW_OK ||
	    bw_start_parse(bw_buf_slice(&text), &facts) != BW_OK || facts.runs)
		return;
	for (size_t i = 0; i < count; i++) {
		if (look_at_one(&volumes[i], &now))
			bw_start_take_own(&facts, &now, &own->was_as_left[i]);
	}
	note(data, &facts);
}

void bw_start_begin(const char *data, const struct bw_volume *volumes, size_t count)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(STATE_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf findings = BW_BUF_INIT(FINDINGS_BYTES_MAX);
	struct bw_start_facts before;
	struct bw_start_facts now;
	enum bw_err err = read_file(data, "guard/run-state", &text);

	facts_now(&now);
	look_at_stores(volumes, count, &now);
	if (err == BW_OK)
		err = bw_start_parse(bw_buf_slice(&text), &before);
	if (err == BW_OK)
		err = bw_start_compare(&before, &now, &findings);
	else if (err != BW_ERR_NOT_FOUND)
		err = bw_buf_add_text(&findings, "what the guard had written of its last run cannot be read\n");
	if (err == BW_OK)
		log_findings(bw_buf_slice(&findings));
	write_file(data, "guard/at-start", bw_buf_slice(&findings));
	now.runs = true;
	now.store_count = 0; /* they change from now on */
	note(data, &now);
}

void bw_start_end(const char *data, const struct bw_volume *volumes, size_t count)
{
	struct bw_start_facts now;

	facts_now(&now);
	look_at_stores(volumes, count, &now);
	note(data, &now);
}

enum bw_err bw_start_findings(const char *data, struct bw_buf *out)
{
	const enum bw_err err = read_file(data, "guard/at-start", out);

	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}
