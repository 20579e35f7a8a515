#include "serve/sync_state.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"

enum { NAME_BYTES = 16 }; /* of the digest: enough that two never meet */

enum bw_err bw_sync_state_at(const char *data, const char *kind, const char *origin, const char *remote,
			     const char *local, struct bw_sync_state *out, struct bw_why *why)
{
	uint8_t digest[BW_SHA256_BYTES];
	char name[2 * NAME_BYTES + 1];
	char folder[BW_PATH_BYTES];
	enum bw_err err;

	BW_NEED((size_t)snprintf(out->subject, sizeof(out->subject), "%s %s %s %s", kind, origin, remote, local) <
			sizeof(out->subject),
		TOO_BIG);
	BW_NEED(strpbrk(out->subject, "\r\n") == NULL, SYNTAX);
	BW_TRY(bw_sha256(bw_slice_text(out->subject), digest));
	bw_hex_encode(bw_slice_of(digest, NAME_BYTES), name);
	BW_TRY(bw_path_join(folder, data, kind));
	err = bw_folder_make(folder, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	return bw_path_join(out->path, folder, name);
}

enum bw_err bw_sync_state_load(const struct bw_sync_state *state, struct bw_buf *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_SYNC_STATE_MAX);
	struct bw_slice subject;
	struct bw_slice rest;

	if (!bw_file_exists(state->path))
		return BW_ERR_NOT_FOUND;
	BW_TRY(bw_file_read(state->path, &text, why));
	if (!bw_slice_cut(bw_buf_slice(&text), '\n', &subject, &rest) || !bw_slice_is(subject, state->subject))
		return bw_why_set(why, BW_ERR_CONFLICT, "'%s' is not about '%s'", state->path, state->subject);
	return bw_buf_add(out, rest);
}

enum bw_err bw_sync_state_save(const struct bw_sync_state *state, struct bw_slice text, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(BW_SYNC_STATE_MAX);

	BW_TRY(bw_buf_addf(&whole, "%s\n", state->subject));
	BW_TRY(bw_buf_add(&whole, text));
	return bw_file_write(state->path, bw_buf_slice(&whole), 0600, why);
}

enum bw_err bw_sync_state_drop(const struct bw_sync_state *state, struct bw_why *why)
{
	if (unlink(state->path) != 0 && errno != ENOENT)
		return bw_why_errno(why, errno, "remove", state->path);
	return BW_OK;
}
