/*
 * The witness looks at what an incident's records name, for the reporter: where a file lay and lies, how large it was
 * and is and what its contents hash to, what new texts stand beside it. It reads everything and writes nothing but
 * the memory of the catalogues' readers; it parses only the small forms of guard/report_form.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/dossier_look.h"
#include "guard/foreign_names.h"
#include "guard/guard.h"
#include "guard/shadow.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	PIECE_BYTES = 256 * 1024,
	ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024,
	NAMES_MOST = 4096, /* of a folder that are looked at */
	NOTE_MOST = 64 * 1024,
	PRIORITY = 5,
};

enum { IMAGES_MAX = 32 };

/* A program of whoever destroyed a file; it may have ended since. */
struct image {
	uint32_t pid; /* 0: a free place */
	uint64_t start_ns;
	int fd;
	char *words; /* path, NUL, command line, NUL */
	size_t path_len;
	size_t command_len;
};

struct witness {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_shadow *shadows[BW_VOLUMES_MAX]; /* NULL: could not be opened */
	struct bw_sha256_run *sha;
	struct bw_buf path;
	struct bw_buf path_now;
	struct bw_buf bytes; /* a piece of a content */
	struct bw_buf kept;  /* sample, names and texts of the answer */
	struct image images[IMAGES_MAX];
	size_t image_at; /* the oldest place */
};

/* ---- contents ------------------------------------------------------------------------------------ */

static ssize_t read_at(int fd, uint8_t *to, size_t len, uint64_t at)
{
	ssize_t got;

	do {
		got = pread(fd, to, len, (off_t)at);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* Hashes an open file to its end, unless it is larger than `max` (or grows beyond it). */
static void digest_fd(struct witness *w, int fd, uint64_t max, struct bw_digest *out)
{
	struct stat status;
	uint64_t at = 0;
	ssize_t got = 0;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return;
	out->is_known = true;
	out->size = (uint64_t)status.st_size;
	bw_buf_clear(&w->bytes);
	if (out->size > max || bw_buf_reserve(&w->bytes, PIECE_BYTES) != BW_OK)
		return;
	for (; at <= max; at += (uint64_t)got) {
		got = read_at(fd, w->bytes.ptr, PIECE_BYTES, at);
		if (got <= 0 || bw_sha256_add(w->sha, bw_slice_of(w->bytes.ptr, (size_t)got)) != BW_OK)
			break;
	}
	out->is_hashed = bw_sha256_end(w->sha, out->sha256) == BW_OK && got == 0; /* in any case ready for the next */
	if (got == 0)
		out->size = at;
}

static enum bw_err digest_version(struct witness *w, struct bw_shadow *shadow, const struct bw_shelf_version *version,
				  uint64_t max, struct bw_digest *out)
{
	enum bw_err err = BW_OK;
	uint64_t at = 0;

	out->is_known = true;
	out->size = version->size;
	if (version->size > max)
		return BW_OK;
	while (at < version->size && err == BW_OK) {
		bw_buf_clear(&w->bytes);
		err = bw_shadow_peek(shadow, version, at, PIECE_BYTES, &w->bytes);
		if (err == BW_OK && w->bytes.len == 0)
			break;
		if (err == BW_OK)
			err = bw_sha256_add(w->sha, bw_buf_slice(&w->bytes));
		at += w->bytes.len;
	}
	out->is_hashed = bw_sha256_end(w->sha, out->sha256) == BW_OK && err == BW_OK && at == version->size;
	return err;
}

/* ---- files ------------------------------------------------------------------------------------------ */

static enum bw_err path_of_version(struct witness *w, const struct bw_volume *volume, struct bw_shelf *shelf,
				   const struct bw_shelf_version *version)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shelf_folder folder;

	BW_TRY(bw_shelf_folder_get(shelf, version->folder, &arena, &folder));
	BW_TRY(bw_buf_add_text(&w->path, strcmp(volume->mount, "/") == 0 ? "" : volume->mount));
	BW_TRY(bw_buf_add_u8(&w->path, '/'));
	BW_TRY(bw_buf_add(&w->path, folder.path));
	if (folder.path.len > 0)
		BW_TRY(bw_buf_add_u8(&w->path, '/'));
	return bw_buf_add(&w->path, version->name);
}

static void look_at_version(struct witness *w, const struct bw_look *look, struct bw_seen *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shadow *shadow = w->shadows[look->file.volume];
	struct bw_shelf_version version;

	if (shadow == NULL || look->version == 0 ||
	    bw_shelf_get(bw_shadow_shelf(shadow), look->version, &arena, &version) != BW_OK)
		return;
	if (version.key.ino != look->file.ino || version.key.tree != look->file.tree ||
	    version.key.gen != look->file.gen || !S_ISREG(version.kind))
		return;
	if (path_of_version(w, bw_shadow_volume(shadow), bw_shadow_shelf(shadow), &version) != BW_OK)
		bw_buf_clear(&w->path);
	/* what cannot be read stays unknown */
	bw_err_drop(digest_version(w, shadow, &version, look->max, &out->before));
}

static int open_key(const struct witness *w, const struct bw_file_key *key, int flags)
{
	const struct bw_volume *volume = &w->guard->volumes[key->volume];
	struct bw_handle handle;
	int fd = -1;

	if (bw_volume_handle_of(volume, key, &handle) != BW_OK || bw_volume_open(volume, &handle, flags, &fd) != BW_OK)
		return -1;
	return fd;
}

static void add_link(int fd, struct bw_buf *out)
{
	char name[32];
	struct stat status;
	ssize_t len;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	bw_buf_clear(out);
	if (fstat(fd, &status) != 0 || status.st_nlink == 0 || bw_buf_reserve(out, BW_PATH_BYTES) != BW_OK)
		return;
	len = readlink(name, (char *)out->ptr, BW_PATH_BYTES);
	out->len = len > 0 ? (size_t)len : 0;
}

static void look_at_present(struct witness *w, const struct bw_look *look, struct bw_seen *out)
{
	const struct bw_file_key *key = look->made.ino != 0 ? &look->made : &look->file;
	const uint32_t wanted = look->sample < BW_REPORT_SAMPLE_BYTES ? look->sample : BW_REPORT_SAMPLE_BYTES;
	ssize_t got;
	int fd;

	if (key->volume >= w->guard->volume_count)
		return;
	fd = open_key(w, key, O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	add_link(fd, &w->path_now);
	digest_fd(w, fd, look->max, &out->after);
	if (wanted > 0 && out->after.is_known && bw_buf_reserve(&w->kept, wanted) == BW_OK) {
		got = read_at(fd, w->kept.ptr, wanted, 0);
		w->kept.len = got > 0 ? (size_t)got : 0;
	}
	(void)close(fd);
	out->sample = bw_buf_slice(&w->kept);
}

static void look_at_file(struct witness *w, const struct bw_look *look, struct bw_seen *out)
{
	if (look->file.volume >= w->guard->volume_count)
		return;
	look_at_version(w, look, out);
	look_at_present(w, look, out);
	out->path = bw_buf_slice(&w->path);
	out->path_now = bw_buf_slice(&w->path_now);
}

/* ---- new texts in a folder ----------------------------------------------------------------------------- */

/* Its text is left behind what is kept already; the caller says where that is once nothing moves any more. */
static bool take_note(struct witness *w, int folder, const char *name, int64_t since_us, struct bw_seen_note *out)
{
	struct stat status;
	const size_t at = w->kept.len;
	ssize_t got = -1;
	int fd;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_size == 0 || status.st_size > NOTE_MOST || bw_clock_of(&status.st_ctim) < since_us)
		return false;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	if (bw_buf_reserve(&w->kept, BW_REPORT_NOTE_BYTES) == BW_OK)
		got = read_at(fd, w->kept.ptr + at, BW_REPORT_NOTE_BYTES, 0);
	if (got > 0 && bw_note_is_readable(bw_slice_of(w->kept.ptr + at, (size_t)got)))
		digest_fd(w, fd, NOTE_MOST, &out->content);
	(void)close(fd);
	if (!out->content.is_hashed)
		return false;
	w->kept.len += (size_t)got;
	out->text.len = (size_t)got;
	return true;
}

static void look_at_folder(struct witness *w, const struct bw_look *look, struct bw_seen *out)
{
	size_t at[BW_REPORT_NOTES_SEEN] = { 0 };
	size_t name_at[BW_REPORT_NOTES_SEEN] = { 0 };
	const struct dirent *entry;
	DIR *folder;
	int fd;

	if (look->file.volume >= w->guard->volume_count)
		return;
	fd = open_key(w, &look->file, O_DIRECTORY);
	if (fd < 0)
		return;
	add_link(fd, &w->path);
	folder = fdopendir(fd);
	if (folder == NULL) {
		(void)close(fd);
		return;
	}
	for (unsigned n = 0; n < NAMES_MOST && out->note_count < BW_REPORT_NOTES_SEEN; n++) {
		struct bw_seen_note *note = &out->notes[out->note_count];
		const size_t name_len = (entry = readdir(folder)) == NULL ? 0 : strlen(entry->d_name);

		if (entry == NULL)
			break;
		*note = (struct bw_seen_note){ .name = bw_slice_empty, .text = bw_slice_empty };
		at[out->note_count] = w->kept.len;
		if (!take_note(w, fd, entry->d_name, look->since_us, note))
			continue;
		name_at[out->note_count] = w->kept.len;
		if (bw_buf_add(&w->kept, bw_slice_of(entry->d_name, name_len)) != BW_OK)
			break;
		note->name.len = name_len;
		out->note_count++;
	}
	(void)closedir(folder);
	for (size_t i = 0; i < out->note_count; i++) {
		out->notes[i].text = bw_slice_sub(bw_buf_slice(&w->kept), at[i], out->notes[i].text.len);
		out->notes[i].name = bw_slice_sub(bw_buf_slice(&w->kept), name_at[i], out->notes[i].name.len);
	}
	out->path = bw_buf_slice(&w->path);
}

/* ---- programs ------------------------------------------------------------------------------------------- */

static void drop_image(struct image *image)
{
	if (image->pid != 0)
		(void)close(image->fd);
	free(image->words);
	*image = (struct image){ 0 };
}

/* The hand's word, with the open executable: kept, the newest ones. */
static enum bw_err take_image(struct witness *w, struct bw_slice body, int fd)
{
	struct image *place = &w->images[w->image_at];
	struct bw_image image;
	char *words;

	BW_TRY(bw_image_parse(body, &image));
	BW_NEED(fd >= 0, PROTOCOL);
	words = malloc(image.path.len + image.command.len + 1);
	BW_NEED(words != NULL, MEMORY);
	memcpy(words, image.path.ptr, image.path.len);
	memcpy(words + image.path.len, image.command.ptr, image.command.len);
	drop_image(place);
	*place = (struct image){ .pid = image.pid,
				 .start_ns = image.start_ns,
				 .fd = fd,
				 .words = words,
				 .path_len = image.path.len,
				 .command_len = image.command.len };
	w->image_at = (w->image_at + 1) % IMAGES_MAX;
	return BW_OK;
}

/* What everybody has needs no copy: its hash names it. */
static bool is_copied(struct bw_slice path)
{
	return !bw_slice_starts(path, BW_LIT("/usr/")) && !bw_slice_starts(path, BW_LIT("/bin/")) &&
	       !bw_slice_starts(path, BW_LIT("/sbin/"));
}

static void copy_image(struct witness *w, const struct image *image, uint64_t size, struct bw_memfile *out)
{
	uint64_t at = 0;

	if (size > BW_REPORT_IMAGE_BYTES || bw_memfile_new("guard-program", BW_REPORT_IMAGE_BYTES, out) != BW_OK)
		return;
	bw_buf_clear(&w->bytes);
	while (at < size && bw_buf_reserve(&w->bytes, PIECE_BYTES) == BW_OK) {
		const ssize_t got = read_at(image->fd, w->bytes.ptr, PIECE_BYTES, at);

		if (got <= 0 || bw_memfile_append(out, bw_slice_of(w->bytes.ptr, (size_t)got)) != BW_OK)
			break;
		at += (uint64_t)got;
	}
	if (at < size || bw_memfile_seal(out) != BW_OK)
		bw_memfile_release(out);
}

static void look_at_process(struct witness *w, const struct bw_look *look, struct bw_seen *out,
			    struct bw_memfile *out_image)
{
	for (size_t i = 0; i < IMAGES_MAX; i++) {
		const struct image *image = &w->images[i];

		if (image->pid != look->pid || image->start_ns != look->start_ns || look->pid == 0)
			continue;
		out->path = bw_slice_of(image->words, image->path_len);
		out->path_now = bw_slice_of(image->words + image->path_len, image->command_len);
		digest_fd(w, image->fd, look->max, &out->after);
		if (out->after.is_hashed && is_copied(out->path))
			copy_image(w, image, out->after.size, out_image);
		return;
	}
}

/* ---- asked and answered ------------------------------------------------------------------------------------ */

static enum bw_err answer(struct witness *w, struct bw_channel *reporter, struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile image = BW_MEMFILE_NONE;
	struct bw_seen seen = { .path = bw_slice_empty, .path_now = bw_slice_empty, .sample = bw_slice_empty };
	struct bw_look look;

	BW_TRY(bw_look_parse(body, &look));
	seen.at = look.at;
	bw_buf_clear(&w->path);
	bw_buf_clear(&w->path_now);
	bw_buf_clear(&w->kept);
	if (look.at == BW_LOOK_FILE)
		look_at_file(w, &look, &seen);
	else if (look.at == BW_LOOK_FOLDER)
		look_at_folder(w, &look, &seen);
	else
		look_at_process(w, &look, &seen, &image);
	BW_TRY(bw_seen_add(&form, &seen));
	return bw_channel_put(reporter, BW_REPORT_SEEN, bw_buf_slice(&form), image.fd);
}

static const char *const peers[] = { "reporter", "hand", "scribe" };

/* What others warned of may be what this server's own files are called (guard/foreign.h). */
static enum bw_err look_at_names(struct witness *w, struct bw_channel *scribe, struct bw_slice body, int fd)
{
	BW_CLEANUP(bw_mapped_release) struct bw_mapped mapped = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf own = BW_BUF_INIT(BW_FRAME_BODY_MAX - 64);
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_exact set;
	enum bw_err err;

	BW_NEED(body.len == 4 && fd >= 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, BW_EXACT_BYTES_MAX, &mapped));
	BW_TRY(bw_exact_open(mapped.bytes, &set));
	err = bw_foreign_names(w->shadows, w->guard->volume_count, &set, &own);
	if (err != BW_OK) { /* not answered: what nobody has compared is not looked for */
		bw_log(BW_ERROR, "the names of files could not be compared with what others warned of",
		       BW_TEXT("why", bw_err_text(err)));
		return BW_OK;
	}
	BW_TRY(bw_buf_add(&answer, body));
	BW_TRY(bw_buf_add_be32(&answer, (uint32_t)(own.len / 4)));
	BW_TRY(bw_buf_add(&answer, bw_buf_slice(&own)));
	return bw_channel_put(scribe, BW_FOREIGN_OWNS, bw_buf_slice(&answer), -1);
}

static enum bw_err take_frame(struct witness *w, const char *peer, struct bw_channel *channel,
			      const struct bw_frame *frame, int *fd)
{
	enum bw_err err = BW_ERR_PROTOCOL;

	if (strcmp(peer, "reporter") == 0 && frame->kind == BW_REPORT_LOOK)
		return answer(w, channel, frame->body);
	if (strcmp(peer, "scribe") == 0 && frame->kind == BW_FOREIGN_NAMES)
		return look_at_names(w, channel, frame->body, *fd);
	if (strcmp(peer, "hand") == 0 && frame->kind == BW_REPORT_IMAGE)
		err = take_image(w, frame->body, *fd);
	if (err == BW_OK)
		*fd = -1; /* kept */
	return err;
}

static bool hear_peer(struct witness *w, const char *peer)
{
	struct bw_channel *channel = bw_seat_peer(w->seat, peer, 0);
	struct bw_frame frame;
	enum bw_err err = bw_channel_fill(channel);

	while (err == BW_OK || err == BW_ERR_AGAIN) {
		int fd = -1;

		err = bw_channel_next(channel, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			break;
		if (err == BW_OK)
			err = take_frame(w, peer, channel, &frame, &fd);
		if (fd >= 0)
			(void)close(fd);
	}
	if (err == BW_ERR_AGAIN)
		err = bw_channel_flush(channel);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		return true;
	if (err != BW_ERR_CLOSED) {
		bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", peer), BW_TEXT("why", bw_err_text(err)));
		bw_err_drop(bw_seat_renew(w->seat, peer, 0)); /* without a parent the next turn ends us */
	}
	return false;
}

/* False when it is time to go. */
static bool hear_parent(struct witness *w)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(w->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	}
}

static void work(struct witness *w)
{
	enum { GONE_WAIT_MS = 20 };

	if (!hear_parent(w)) /* what came with the first word is read already, and no poll tells of it */
		return;
	for (;;) {
		struct pollfd wanted[1 + BW_COUNT(peers)] = { { bw_seat_fd(w->seat), POLLIN, 0 } };
		bool gone = false;

		for (size_t i = 0; i < BW_COUNT(peers); i++) {
			const struct bw_channel *channel = bw_seat_peer(w->seat, peers[i], 0);

			wanted[1 + i] = (struct pollfd){ channel == NULL ? -1 : bw_channel_fd(channel), POLLIN, 0 };
			if (channel != NULL && bw_channel_has_output(channel))
				wanted[1 + i].events |= POLLOUT;
		}
		if (poll(wanted, BW_COUNT(wanted), -1) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < BW_COUNT(peers); i++)
			gone = (wanted[1 + i].revents != 0 && !hear_peer(w, peers[i])) || gone;
		if (gone) /* it stays readable until the parent has sent another */
			(void)poll(wanted, 1, GONE_WAIT_MS);
		if (wanted[0].revents != 0 && !hear_parent(w))
			return;
	}
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static enum bw_err begin(struct witness *w, struct bw_why *why)
{
	const char *stores[BW_VOLUMES_MAX + 1] = { NULL };
	const struct bw_sandbox_paths paths = { .write_also = stores };

	/* a reader of a catalogue keeps a mark in its shared memory, so that the writer does not overtake it */
	for (size_t i = 0; i < w->guard->volume_count; i++)
		stores[i] = w->guard->volumes[i].store;
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	BW_TRY(bw_seat_confine(w->seat, &paths, w->guard->require_sandbox, why));
	BW_TRY(bw_sha256_new(&w->sha));
	for (size_t i = 0; i < w->guard->volume_count; i++) {
		struct bw_why store_why = { 0 };

		if (bw_shadow_open(&w->guard->volumes[i], true, &w->shadows[i], &store_why) != BW_OK)
			bw_log(BW_WARNING, "reports will not know what a store holds",
			       BW_TEXT("store", w->guard->volumes[i].store), BW_TEXT("why", store_why.text));
	}
	return bw_seat_ready(w->seat);
}

int bw_witness_run(struct bw_seat *seat)
{
	struct witness w = { .seat = seat,
			     .path = BW_BUF_INIT(BW_REPORT_PATH_BYTES),
			     .path_now = BW_BUF_INIT(BW_REPORT_PATH_BYTES),
			     .bytes = BW_BUF_INIT(2 * PIECE_BYTES),
			     .kept = BW_BUF_INIT(BW_FRAME_BODY_MAX / 2) };
	struct bw_why why = { 0 };
	enum bw_err err;

	w.guard = bw_guard_of(seat);
	err = bw_why_doing(&why, begin(&w, &why), "begin");
	if (err == BW_OK)
		work(&w);
	else
		bw_log(BW_ERROR, "witness ends", BW_TEXT("why", why.text));
	for (size_t i = 0; i < w.guard->volume_count; i++)
		bw_shadow_close(w.shadows[i]);
	for (size_t i = 0; i < IMAGES_MAX; i++)
		drop_image(&w.images[i]);
	bw_sha256_free(w.sha);
	bw_buf_release(&w.path);
	bw_buf_release(&w.path_now);
	bw_buf_release(&w.bytes);
	bw_buf_release(&w.kept);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}
