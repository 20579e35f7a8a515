/* Trees that are away, and those that are back: people are told once of each, whatever starts in between. */
#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "guard/volumes.h"
#include "sys/files.h"

/* A path a line: those of which it was told that they are away. */
#define TOLD_NAME "guard/away-told"

enum { TOLD_BYTES_MAX = BW_TREES_MAX * BW_PATH_BYTES, TEXT_BYTES_MAX = 2 * TOLD_BYTES_MAX };

static bool is_told(struct bw_slice told, const char *path)
{
	struct bw_slice line;

	while (bw_slice_cut(told, '\n', &line, &told)) {
		if (bw_slice_is(line, path))
			return true;
	}
	return false;
}

static enum bw_err add_news(const struct bw_guard_settings *settings, struct bw_slice told, struct bw_buf *away,
			    struct bw_buf *back)
{
	struct bw_slice line;

	for (size_t i = 0; i < settings->away_count; i++) {
		if (!is_told(told, settings->away[i].path))
			BW_TRY(bw_buf_addf(away, "%s: %s\n", settings->away[i].path, settings->away[i].why));
	}
	while (bw_slice_cut(told, '\n', &line, &told)) {
		for (size_t i = 0; i < settings->tree_count; i++) {
			if (bw_slice_is(line, settings->trees[i]))
				BW_TRY(bw_buf_addf(back, "%s\n", settings->trees[i]));
		}
	}
	return BW_OK;
}

static void tell(struct scribe *scribe, const char *subject, const char *text, const struct bw_buf *list)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(BW_FRAME_BODY_MAX / 2);
	struct bw_notice notice = { .subject = bw_slice_text(subject) };

	if (list->len == 0 || bw_buf_addf(&whole, "%s\n\n", text) != BW_OK ||
	    bw_buf_add(&whole, bw_buf_slice(list)) != BW_OK)
		return;
	notice.text = bw_buf_slice(&whole);
	if (bw_notice_add(&body, &notice) == BW_OK)
		scribe_tell(scribe, "hand", BW_RECORD_NOTICE, bw_buf_slice(&body));
}

/* Also what nobody is told of: a folder that was forgotten while it was away is not back when it is enrolled anew. */
static void write_told(const struct scribe *scribe, const char *path, struct bw_slice before)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(TOLD_BYTES_MAX);
	const struct bw_guard_settings *settings = &scribe->guard->settings;
	struct bw_why why = { 0 };
	enum bw_err err = BW_OK;

	for (size_t i = 0; i < settings->away_count && err == BW_OK; i++)
		err = bw_buf_addf(&text, "%s\n", settings->away[i].path);
	if (err == BW_OK && bw_slice_equals(bw_buf_slice(&text), before))
		return;
	if (err == BW_OK)
		err = bw_file_write(path, bw_buf_slice(&text), 0600, &why);
	if (err != BW_OK)
		bw_log(BW_WARNING, "which folders are away was not written down: it is told again at the next start",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
}

void scribe_tell_away(struct scribe *scribe)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf told = BW_BUF_INIT(TOLD_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf away = BW_BUF_INIT(TEXT_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf back = BW_BUF_INIT(TEXT_BYTES_MAX);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	if (scribe->away_told || bw_seat_peer(scribe->seat, "hand", 0) == NULL)
		return;
	scribe->away_told = true; /* trees that go or come are known to workers that begin again */
	if (bw_path_join(path, scribe->guard->data, TOLD_NAME) != BW_OK)
		return;
	err = bw_file_read(path, &told, NULL);
	if ((err != BW_OK && err != BW_ERR_NOT_FOUND) ||
	    add_news(&scribe->guard->settings, bw_buf_slice(&told), &away, &back) != BW_OK)
		return;
	tell(scribe, "Breakwater: an enrolled folder is NOT GUARDED, it is away",
	     "These folders are not there, so nothing in them is copied and nobody is stopped who attacks them. The\n"
	     "others are guarded. To go on: " BW_AWAY_NEXT ".",
	     &away);
	tell(scribe, "Breakwater: an enrolled folder is back and guarded again",
	     "These folders were away and are guarded again:", &back);
	write_told(scribe, path, bw_buf_slice(&told));
}
