/* The second look (guard/second.h): keep lays both contents before the sampler, and looks into neither. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/keep_parts.h"
#include "sys/memfile.h"

enum { PIECE = 256 * 1024 };

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

static enum bw_err add_version(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			       struct bw_memfile *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf piece = BW_BUF_INIT(BW_CONTENT_BYTES_MAX);
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, ask->old.volume);
	struct bw_shelf_version version;
	uint64_t most;

	BW_TRY(bw_shelf_get(bw_shadow_shelf(shadow), ask->version, &arena, &version));
	BW_NEED(version.key.ino == ask->old.ino && version.key.gen == ask->old.gen && version.state == BW_SHELF_GOOD,
		NOT_FOUND);
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

static enum bw_err add_file(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			    struct bw_memfile *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf piece = BW_BUF_INIT(PIECE);
	struct stat before;
	struct stat after;
	int fd = -1;
	enum bw_err err;

	BW_TRY(bw_buf_reserve(&piece, PIECE));
	BW_TRY(bw_keep_open(keep, &ask->now, &fd, &before));
	err = S_ISREG(before.st_mode) && (uint64_t)before.st_size == ask->size ? BW_OK : BW_ERR_NOT_FOUND;
	if (err == BW_OK)
		err = add_present(fd, ask->size, &piece, out);
	/* the time nobody can set: what changes while it is read is judged when it is closed */
	if (err == BW_OK && (fstat(fd, &after) != 0 || after.st_ctim.tv_sec != before.st_ctim.tv_sec ||
			     after.st_ctim.tv_nsec != before.st_ctim.tv_nsec))
		err = BW_ERR_NOT_FOUND;
	(void)close(fd);
	head->new_size = ask->size;
	head->new_len = ask->size < BW_CONTENT_BYTES_MAX ? ask->size : BW_CONTENT_BYTES_MAX;
	return err;
}

static enum bw_err lay_out(struct bw_keep *keep, const struct bw_second_ask *ask, struct bw_second_head *head,
			   struct bw_memfile *out)
{
	BW_TRY(bw_memfile_new("guard-second", 2 * (size_t)BW_CONTENT_BYTES_MAX, out));
	BW_TRY(add_version(keep, ask, head, out));
	BW_TRY(add_file(keep, ask, head, out));
	return bw_memfile_seal(out);
}

enum bw_err bw_keep_second(struct bw_keep *keep, const struct bw_second_ask *ask)
{
	struct bw_channel *channel = bw_seat_peer(keep->seat, "sampler", 0);
	struct bw_memfile contents = BW_MEMFILE_NONE;
	struct bw_second_head head = { .token = ask->token };
	enum bw_err err;

	BW_NEED(ask->old.volume < keep->guard->volume_count && ask->now.volume < keep->guard->volume_count, PROTOCOL);
	if (channel == NULL || bw_channel_has_ended(channel) || !bw_channel_has_room(channel))
		return BW_OK;
	err = lay_out(keep, ask, &head, &contents);
	if (err == BW_OK)
		err = bw_channel_put(channel, BW_RECORD_CONTENTS, bw_slice_of(&head, sizeof(head)), contents.fd);
	if (err == BW_OK)
		err = bw_channel_flush(channel);
	bw_memfile_release(&contents);
	keep->board->second_looks += err == BW_OK || err == BW_ERR_AGAIN;
	return BW_OK; /* whatever could not be laid out was never evidence */
}
