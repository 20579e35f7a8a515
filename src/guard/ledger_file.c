/* The ledger's file: opened for appending, read whole, set aside when it is damaged. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/ledger.h"
#include "sys/clock.h"
#include "sys/files.h"

enum {
	READ_BYTES = 1024 * 1024,
	/* what is left of one reading, and the next; a record always fits */
	HELD_BYTES = BW_LEDGER_BODY_MAX + 4096 + READ_BYTES,
	SENTENCE_BYTES = 256,
};

struct bw_ledger {
	int fd;
	uint64_t end; /* behind the last whole record */
	int64_t began_us;
	struct bw_ledger_link link;
	struct bw_buf bytes; /* of the record being written */
};

/* ---- reading ---------------------------------------------------------------------------- */

struct reading {
	int fd;
	struct bw_buf held; /* read and not yet parsed */
	bool ended;
	enum bw_err (*see)(void *context, const struct bw_ledger_record *record);
	void *context;
	struct bw_ledger_seen seen;
};

static enum bw_err read_more(struct reading *reading)
{
	ssize_t got;

	BW_TRY(bw_buf_reserve(&reading->held, READ_BYTES));
	do {
		got = read(reading->fd, reading->held.ptr + reading->held.len, READ_BYTES);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return bw_err_from_errno(errno);
	reading->held.len += (size_t)got;
	reading->ended = got == 0;
	return BW_OK;
}

/* All whole records that are held. TRUNCATED and AGAIN: read on. */
static enum bw_err take_held(struct reading *reading)
{
	struct bw_cursor c = bw_cursor_over(bw_buf_slice(&reading->held));
	struct bw_ledger_record record;
	enum bw_err err = BW_OK;

	if (reading->seen.bytes == 0)
		err = bw_ledger_head_parse(&c, &reading->seen.head, &reading->seen.link);
	while (err == BW_OK) {
		err = bw_ledger_next(&c, &reading->seen.link, &record);
		if (err == BW_OK && reading->see != NULL)
			err = reading->see(reading->context, &record);
	}
	reading->seen.bytes += c.at;
	bw_buf_eat(&reading->held, c.at);
	return err;
}

static enum bw_err read_all(struct reading *reading)
{
	for (;;) {
		enum bw_err err;

		BW_TRY(read_more(reading));
		err = take_held(reading);
		if (err != BW_ERR_TRUNCATED && err != BW_ERR_AGAIN)
			return err;
		if (reading->ended) {
			reading->seen.torn_bytes = reading->held.len;
			return BW_OK;
		}
	}
}

static enum bw_err read_fd(int fd, const char *path,
			   enum bw_err (*see)(void *context, const struct bw_ledger_record *record), void *context,
			   struct bw_ledger_seen *out, struct bw_why *why)
{
	struct reading reading = { .fd = fd, .held = BW_BUF_INIT(HELD_BYTES), .see = see, .context = context };
	enum bw_err err = read_all(&reading);

	bw_buf_release(&reading.held);
	*out = reading.seen;
	switch (err) {
	case BW_OK:
		return BW_OK;
	case BW_ERR_CORRUPT:
	case BW_ERR_SYNTAX:
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is not as it was written: record %llu, at byte %llu", path,
				  (unsigned long long)reading.seen.link.number + 1,
				  (unsigned long long)reading.seen.bytes);
	case BW_ERR_SCHEMA:
		return bw_why_set(why, err, "'%s' was written by a newer Breakwater", path);
	default:
		return bw_why_set(why, err, "cannot read '%s': %s", path, bw_err_text(err));
	}
}

enum bw_err bw_ledger_read(const char *data, enum bw_err (*see)(void *context, const struct bw_ledger_record *record),
			   void *context, struct bw_ledger_seen *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	enum bw_err err;
	int fd;

	BW_TRY(bw_path_join(path, data, BW_LEDGER_NAME));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return bw_why_errno(why, errno, "open", path);
	err = read_fd(fd, path, see, context, out, why);
	(void)close(fd);
	return err;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* What is gathered goes to the end of the file, or not at all. */
static enum bw_err put_bytes(struct bw_ledger *ledger, const struct bw_ledger_link *before)
{
	size_t done = 0;

	while (done < ledger->bytes.len) {
		const ssize_t wrote = pwrite(ledger->fd, ledger->bytes.ptr + done, ledger->bytes.len - done,
					     (off_t)(ledger->end + done));

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			const enum bw_err err = wrote < 0 ? bw_err_from_errno(errno) : BW_ERR_IO;

			/* a rest that stays is overwritten by the next record, or cut at the next opening */
			if (ftruncate(ledger->fd, (off_t)ledger->end) != 0)
				errno = 0;
			ledger->link = *before;
			return err;
		}
		done += (size_t)wrote;
	}
	ledger->end += ledger->bytes.len;
	return BW_OK;
}

enum bw_err bw_ledger_append(struct bw_ledger *ledger, uint8_t kind, uint64_t incident, struct bw_slice body)
{
	const struct bw_ledger_record record = {
		.kind = kind, .wall_us = bw_clock_now_us(), .incident = incident, .body = body
	};
	const struct bw_ledger_link before = ledger->link;

	bw_buf_clear(&ledger->bytes);
	BW_TRY(bw_ledger_write(&record, &ledger->link, &ledger->bytes));
	return put_bytes(ledger, &before);
}

enum bw_err bw_ledger_sync(struct bw_ledger *ledger)
{
	return fdatasync(ledger->fd) == 0 ? BW_OK : bw_err_from_errno(errno);
}

struct bw_ledger_link bw_ledger_link(const struct bw_ledger *ledger)
{
	return ledger->link;
}

int64_t bw_ledger_began(const struct bw_ledger *ledger)
{
	return ledger->began_us;
}

static enum bw_err begin(struct bw_ledger *ledger)
{
	struct bw_ledger_head head = { .began_us = bw_clock_now_us() };
	const struct bw_ledger_link none = { 0 };

	bw_random(head.id, sizeof(head.id));
	bw_buf_clear(&ledger->bytes);
	BW_TRY(bw_ledger_head_write(&head, &ledger->bytes, &ledger->link));
	ledger->began_us = head.began_us;
	return put_bytes(ledger, &none);
}

static enum bw_err append_sentence(struct bw_ledger *ledger, uint8_t kind, const char *sentence)
{
	return bw_ledger_append(ledger, kind, 0, bw_slice_text(sentence));
}

/* ---- opening -------------------------------------------------------------------------------- */

/* The first `bytes` of a file, as they are. */
static enum bw_err copy_front(int from, int to, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes;) {
		loff_t in = (loff_t)at;
		loff_t out = (loff_t)at;
		const ssize_t moved = copy_file_range(from, &in, to, &out, (size_t)(bytes - at), 0);

		if (moved <= 0)
			return moved < 0 ? bw_err_from_errno(errno) : BW_ERR_IO;
		at += (uint64_t)moved;
	}
	return BW_OK;
}

/* The damaged file keeps its bytes under another name; what verified goes on in a new one. */
static enum bw_err set_aside(struct bw_ledger *ledger, const char *path, const struct bw_ledger_seen *seen,
			     struct bw_why *why)
{
	char sentence[SENTENCE_BYTES];
	char aside[BW_PATH_BYTES + 64];
	const long long stamp = (long long)bw_clock_now_us();
	int fresh;

	(void)snprintf(aside, sizeof(aside), "%s.damaged-%lld", path, stamp);
	if (rename(path, aside) != 0)
		return bw_why_errno(why, errno, "set aside", path);
	fresh = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fresh < 0)
		return bw_why_errno(why, errno, "make", path);
	if (flock(fresh, LOCK_EX | LOCK_NB) != 0 || copy_front(ledger->fd, fresh, seen->bytes) != BW_OK) {
		(void)close(fresh);
		return bw_why_set(why, BW_ERR_IO, "cannot begin a new '%s'", path);
	}
	(void)close(ledger->fd);
	ledger->fd = fresh;
	ledger->end = seen->bytes;
	ledger->link = seen->link;
	if (seen->bytes == 0)
		BW_TRY(begin(ledger));
	(void)snprintf(sentence, sizeof(sentence),
		       "the ledger was damaged behind record %llu, at byte %llu; it is kept as ledger.damaged-%lld",
		       (unsigned long long)seen->link.number, (unsigned long long)seen->bytes, stamp);
	bw_err_drop(bw_why_set(why, BW_OK, "%s", sentence)); /* the news, not a failure */
	return append_sentence(ledger, BW_LEDGER_DAMAGED, sentence);
}

static enum bw_err cut_torn(struct bw_ledger *ledger, uint64_t bytes)
{
	char sentence[SENTENCE_BYTES];

	if (ftruncate(ledger->fd, (off_t)ledger->end) != 0)
		return bw_err_from_errno(errno);
	if (ledger->end == 0)
		return begin(ledger);
	(void)snprintf(sentence, sizeof(sentence), "%llu bytes of a record that was not finished were cut off",
		       (unsigned long long)bytes);
	return append_sentence(ledger, BW_LEDGER_CUT, sentence);
}

/* A file that grew before a power cut and whose bytes never came reads as zeros: torn, not damaged. */
static bool is_zero_from(int fd, uint64_t at, uint64_t *out_bytes)
{
	uint8_t bytes[4096];
	ssize_t got;

	*out_bytes = 0;
	while ((got = pread(fd, bytes, sizeof(bytes), (off_t)(at + *out_bytes))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] != 0)
				return false;
		}
		*out_bytes += (uint64_t)got;
	}
	return got == 0;
}

static enum bw_err go_on(struct bw_ledger *ledger, const char *path, struct bw_why *why)
{
	struct bw_ledger_seen seen;
	enum bw_err err = read_fd(ledger->fd, path, NULL, NULL, &seen, why);
	uint64_t zeros = 0;

	if (err == BW_ERR_CORRUPT && is_zero_from(ledger->fd, seen.bytes, &zeros)) {
		seen.torn_bytes = zeros;
		err = BW_OK;
	}
	ledger->began_us = seen.head.began_us;
	if (err == BW_ERR_CORRUPT)
		return set_aside(ledger, path, &seen, why);
	BW_TRY(err);
	if (why != NULL)
		why->text[0] = '\0';
	ledger->end = seen.bytes;
	ledger->link = seen.link;
	if (seen.torn_bytes > 0)
		return cut_torn(ledger, seen.torn_bytes);
	return seen.bytes == 0 ? begin(ledger) : BW_OK;
}

static enum bw_err open_locked(struct bw_ledger *ledger, const char *path, struct bw_why *why)
{
	enum bw_err err;

	ledger->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ledger->fd < 0)
		return bw_why_errno(why, errno, "open", path);
	if (flock(ledger->fd, LOCK_EX | LOCK_NB) != 0)
		return bw_why_set(why, BW_ERR_BUSY, "'%s' is being written by another process", path);
	err = go_on(ledger, path, why);
	if (err == BW_OK)
		err = bw_ledger_sync(ledger);
	if (err != BW_OK && why != NULL && why->text[0] == '\0')
		return bw_why_set(why, err, "cannot write '%s': %s", path, bw_err_text(err));
	return err;
}

enum bw_err bw_ledger_open(const char *data, struct bw_ledger **out, struct bw_why *why)
{
	struct bw_ledger *ledger = calloc(1, sizeof(*ledger));
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_NEED(ledger != NULL, MEMORY);
	ledger->fd = -1;
	ledger->bytes = BW_BUF_INIT(BW_LEDGER_FRONT_BYTES + BW_LEDGER_BODY_MAX + BW_SHA256_BYTES);
	err = bw_path_join(path, data, BW_LEDGER_NAME);
	if (err == BW_OK)
		err = bw_path_join(folder, data, "guard");
	if (err == BW_OK)
		err = open_locked(ledger, path, why);
	if (err == BW_OK)
		err = bw_folder_sync(folder, why);
	if (err != BW_OK) {
		bw_ledger_close(ledger);
		return err;
	}
	*out = ledger;
	return BW_OK;
}

void bw_ledger_close(struct bw_ledger *ledger)
{
	if (ledger == NULL)
		return;
	if (ledger->fd >= 0)
		(void)close(ledger->fd);
	bw_buf_release(&ledger->bytes);
	free(ledger);
}
