/* The second look (guard/second.h): keep lays both contents, or what differs, before the sampler, and reads neither. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "guard/keep_parts.h"
#include "sys/memfile.h"

enum { PIECE = 256 * 1024 };

#define URGENT_NS UINT64_C(100000000)

/* ---- the whole ---------------------------------------------------------------------------------- */

static enum bw_err add_present(int fd, uint64_t size, struct bw_buf *piece, struct bw_memfile *out)
{
	const uint64_t most = size < BW_CONTENT_BYTES_MAX ? size : BW_CONTENT_BYTES_MAX;
	uint64_t at = 0;

	while (at < most) {
		const size_t want = most - at < PIECE ? (size_t)(most - at) : PIECE;
		const ssize_t got = pread(fd, piece->ptr, want, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		BW_NEED(got > 0, NOT_FOUND); /* cut meanwhile: its close is still to come */
		BW_TRY(bw_memfile_append(out, bw_slice_of(piece->ptr, (size_t)got)));
		at += (uint64_t)got;
	}
	return BW_OK;
}

static enum bw_err get_version(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_arena *arena,
			       struct bw_shelf_version *out)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, ask->old.volume);

	BW_TRY(bw_shelf_get(bw_shadow_shelf(shadow), ask->version, arena, out));
	BW_NEED(out->key.ino == ask->old.ino && out->key.gen == ask->old.gen && out->state == BW_SHELF_GOOD, NOT_FOUND);
	return BW_OK;
}

static enum bw_err add_version(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			       struct bw_memfile *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf piece = BW_BUF_INIT(BW_CONTENT_BYTES_MAX);
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, ask->old.volume);
	struct bw_shelf_version version;
	uint64_t most;

	BW_TRY(get_version(keep, ask, &arena, &version));
	most = version.size < BW_CONTENT_BYTES_MAX ? version.size : BW_CONTENT_BYTES_MAX;
	for (uint64_t at = 0; at < most;) {
		const size_t want = version.pack != 0 ? (size_t)most : (size_t)(most - at < PIECE ? most - at : PIECE);

		bw_buf_clear(&piece);
		BW_TRY(bw_shadow_peek(shadow, &version, at, want, &piece));
		BW_NEED(piece.len > 0, CORRUPT);
		BW_TRY(bw_memfile_append(out, bw_buf_slice(&piece)));
		at += piece.len;
	}
	head->old_size = version.size;
	head->old_len = most;
	return BW_OK;
}

/* What was asked about, or NOT_FOUND. The caller closes. */
static enum bw_err open_file(struct bw_keep *keep, const struct bw_second_ask *ask, int *out_fd, struct stat *out)
{
	int fd = -1;

	BW_TRY(bw_keep_open(keep, &ask->now, &fd, out));
	if (S_ISREG(out->st_mode) && (uint64_t)out->st_size == ask->size) {
		*out_fd = fd;
		return BW_OK;
	}
	(void)close(fd);
	return BW_ERR_NOT_FOUND;
}

/* The time nobody can set: what changes while it is read is judged when it is closed. */
static bool is_as_it_was(int fd, const struct stat *before)
{
	struct stat after;

	return fstat(fd, &after) == 0 && after.st_ctim.tv_sec == before->st_ctim.tv_sec &&
	       after.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

static enum bw_err add_file(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			    struct bw_memfile *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf piece = BW_BUF_INIT(PIECE);
	struct stat before;
	int fd = -1;
	enum bw_err err;

	BW_TRY(bw_buf_reserve(&piece, PIECE));
	BW_TRY(open_file(keep, ask, &fd, &before));
	err = add_present(fd, ask->size, &piece, out);
	if (err == BW_OK && !is_as_it_was(fd, &before))
		err = BW_ERR_NOT_FOUND;
	(void)close(fd);
	head->new_size = ask->size;
	head->new_len = ask->size < BW_CONTENT_BYTES_MAX ? ask->size : BW_CONTENT_BYTES_MAX;
	return err;
}

/* ---- places ------------------------------------------------------------------------------------- */

struct both {
	int was; /* the good version's object */
	int is;
};

static enum bw_err read_place(void *context, bool is_old, uint64_t at, uint8_t to[BW_PLACE_BYTES])
{
	const struct both *both = context;
	ssize_t got;

	do {
		got = pread(is_old ? both->was : both->is, to, BW_PLACE_BYTES, (off_t)at);
	} while (got < 0 && errno == EINTR);
	return got == BW_PLACE_BYTES ? BW_OK : BW_ERR_NOT_FOUND;
}

/* Asked for all at once, a disk reads them in the time of a few; one after the other each is waited for. */
static void read_soon(void *context, const uint64_t at[BW_PLACES_A_ROUND])
{
	const struct both *both = context;

	for (size_t i = 0; i < BW_PLACES_A_ROUND; i++) {
		(void)posix_fadvise(both->was, (off_t)at[i], BW_PLACE_BYTES, POSIX_FADV_WILLNEED);
		(void)posix_fadvise(both->is, (off_t)at[i], BW_PLACE_BYTES, POSIX_FADV_WILLNEED);
	}
}

static enum bw_err pick_places(struct both *both, uint64_t size, struct bw_second_head *head, struct bw_memfile *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	const struct bw_second_reader reader = { .read = read_place, .soon = read_soon, .context = both };
	uint64_t salt;

	bw_random(&salt, sizeof(salt)); /* another time it is other places */
	BW_TRY(bw_second_places(&reader, size, salt, &old, &new));
	BW_TRY(bw_memfile_append(out, bw_buf_slice(&old)));
	BW_TRY(bw_memfile_append(out, bw_buf_slice(&new)));
	head->parts = 1;
	head->old_size = head->new_size = size;
	head->old_len = head->new_len = old.len;
	return BW_OK;
}

static enum bw_err add_places(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			      struct bw_memfile *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct both both = { -1, -1 };
	struct bw_shelf_version version;
	struct stat before;
	enum bw_err err;

	BW_TRY(get_version(keep, ask, &arena, &version));
	BW_NEED(version.size == ask->size, NOT_FOUND);
	BW_TRY(bw_shadow_object(bw_copier_shadow(keep->copier, ask->old.volume), &version, &both.was));
	err = open_file(keep, ask, &both.is, &before);
	if (err == BW_OK)
		err = pick_places(&both, ask->size, head, out);
	if (err == BW_OK && !is_as_it_was(both.is, &before))
		err = BW_ERR_NOT_FOUND;
	if (both.is >= 0)
		(void)close(both.is);
	(void)close(both.was);
	return err;
}

/* ---- laid before sampler or judge ---------------------------------------------------------------- */

static enum bw_err lay_out(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			   struct bw_memfile *out)
{
	BW_TRY(bw_memfile_new("guard-second", 2 * (size_t)BW_CONTENT_BYTES_MAX, out));
	if (ask->parts != 0) {
		BW_TRY(add_places(keep, ask, head, out));
	} else {
		BW_TRY(add_version(keep, ask, head, out));
		BW_TRY(add_file(keep, ask, head, out));
	}
	return bw_memfile_seal(out);
}

enum bw_err bw_keep_second(struct bw_keep *keep, const struct bw_second_ask *ask)
{
	struct bw_channel *channel = bw_seat_peer(keep->seat, ask->parts != 0 ? "judge" : "sampler", 0);
	struct bw_memfile contents = BW_MEMFILE_NONE;
	struct bw_second_head head = { .token = ask->token };
	enum bw_err err;

	BW_NEED(ask->old.volume < keep->guard->volume_count && ask->now.volume < keep->guard->volume_count, PROTOCOL);
	if (channel == NULL || bw_channel_has_ended(channel) || !bw_channel_has_room(channel))
		return BW_OK;
	if (ask->parts != 0) { /* and where one was destroyed, the next ask is near */
		keep->urgent_until_ns = bw_keep_now() + URGENT_NS;
		bw_keep_urgent(keep, true);
	}
	err = lay_out(keep, ask, &head, &contents);
	if (err == BW_OK)
		err = bw_channel_put(channel, BW_RECORD_CONTENTS, bw_slice_of(&head, sizeof(head)), contents.fd);
	if (err == BW_OK)
		err = bw_channel_flush(channel);
	bw_memfile_release(&contents);
	keep->board->second_looks += err == BW_OK || err == BW_ERR_AGAIN;
	return BW_OK; /* whatever could not be laid out was never evidence */
}
