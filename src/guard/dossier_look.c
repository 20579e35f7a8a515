#include "guard/dossier_look.h"

#include <stdio.h>

#include "base/text.h"
#include "guard/restore_aside.h"
#include "intel/formats.h"

enum { SAMPLES_MOST = 16, TEXT_KEPT = 4096 };

/* ---- files ----------------------------------------------------------------------------------- */

enum bw_err bw_dossier_saw_file(struct bw_dossier *dossier, size_t n, const struct bw_seen *seen,
				struct bw_copies *copies)
{
	struct bw_dossier_file *file = &dossier->files[n];

	file->before = seen->before;
	file->after = seen->after;
	BW_TRY(bw_arena_copy(&dossier->arena, seen->path, &file->path));
	BW_TRY(bw_arena_copy(&dossier->arena, seen->path_now, &file->path_now));
	if (seen->sample.len == 0 || copies->samples == SAMPLES_MOST)
		return BW_OK;
	(void)snprintf(file->copy, sizeof(file->copy), "sample-%02u.bin", ++copies->samples);
	return bw_report_piece_add(copies->pieces, file->copy, seen->sample);
}

enum bw_err bw_dossier_saw_process(struct bw_dossier *dossier, size_t n, const struct bw_seen *seen,
				   struct bw_slice image, struct bw_copies *copies)
{
	struct bw_dossier_process *process = &dossier->processes[n];

	process->image = seen->after;
	BW_TRY(bw_arena_copy(&dossier->arena, seen->path, &process->program));
	BW_TRY(bw_arena_copy(&dossier->arena, seen->path_now, &process->command));
	if (image.len == 0)
		return BW_OK;
	(void)snprintf(process->copy, sizeof(process->copy), "program-%02zu.bin", n + 1);
	return bw_report_piece_add(copies->pieces, process->copy, image);
}

bool bw_note_is_readable(struct bw_slice text)
{
	size_t odd = 0;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (c == 0)
			return false;
		odd += (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c >= 0x7f;
	}
	return text.len > 0 && odd * 10 <= text.len * 3;
}

/* ---- notes -------------------------------------------------------------------------------------- */

static bool holds(struct bw_slice text, const char *words)
{
	const size_t len = strlen(words);

	for (size_t i = 0; i + len <= text.len; i++) {
		if (bw_slice_is_nocase(bw_slice_sub(text, i, len), words))
			return true;
	}
	return false;
}

/* Two different things such a note says, so that a text about the weather in which one word falls is none. */
bool bw_note_speaks(struct bw_slice text)
{
	static const char *const said[][6] = {
		{ "decrypt", "encrypted", "unlock your", "restore your files", "recover your files", NULL },
		{ "bitcoin", "monero", " btc", " xmr", "payment", NULL },
		{ ".onion", "tor browser", "protonmail", "contact us", "write to us", NULL },
		{ "your files", "your data", "your network", "all files", NULL },
		{ "do not rename", "do not modify", "do not try", "will be published", "will be deleted", NULL },
	};
	unsigned kinds = 0;

	for (size_t i = 0; i < BW_COUNT(said); i++) {
		bool is_said = false;

		for (size_t k = 0; k < BW_COUNT(said[i]) && said[i][k] != NULL && !is_said; k++)
			is_said = holds(text, said[i][k]);
		kinds += is_said;
	}
	return kinds >= 2;
}

static bool same_content(const struct bw_digest *a, const struct bw_digest *b)
{
	return a->is_hashed && b->is_hashed && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* What the actor's destroyed files hold now is no note. */
static bool is_destroyed(const struct bw_dossier *dossier, const struct bw_digest *content)
{
	for (size_t i = 0; i < dossier->file_count; i++) {
		if (same_content(&dossier->files[i].after, content))
			return true;
	}
	return false;
}

static enum bw_err keep_note(struct bw_dossier *dossier, struct bw_slice folder, const struct bw_seen_note *seen,
			     struct bw_dossier_note *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(2 * BW_REPORT_PATH_BYTES);

	*out = (struct bw_dossier_note){ .content = seen->content, .places = 1 };
	BW_TRY(bw_buf_add(&path, folder));
	BW_TRY(bw_buf_add_u8(&path, '/'));
	BW_TRY(bw_buf_add(&path, seen->name));
	BW_TRY(bw_arena_copy(&dossier->arena, bw_buf_slice(&path), &out->path));
	BW_TRY(bw_arena_copy(&dossier->arena, seen->name, &out->name));
	return bw_arena_copy(&dossier->arena, seen->text, &out->text);
}

static enum bw_err take_note(struct bw_dossier *dossier, struct bw_slice folder, const struct bw_seen_note *note)
{
	size_t at = 0;

	if (is_destroyed(dossier, &note->content))
		return BW_OK;
	while (at < dossier->note_count && !same_content(&dossier->notes[at].content, &note->content))
		at++;
	if (at < dossier->note_count) {
		dossier->notes[at].places++;
		return BW_OK;
	}
	if (at == BW_DOSSIER_NOTES_MAX)
		return BW_OK;
	BW_TRY(keep_note(dossier, folder, note, &dossier->notes[at]));
	dossier->note_count++;
	return BW_OK;
}

enum bw_err bw_dossier_saw_folder(struct bw_dossier *dossier, const struct bw_seen *seen)
{
	for (size_t i = 0; i < seen->note_count; i++)
		BW_TRY(take_note(dossier, seen->path, &seen->notes[i]));
	return BW_OK;
}

/* A restore puts aside what the actor made, the second of a name with "-" and 16 hexadecimal digits behind it. */
static struct bw_slice name_before_aside(struct bw_slice folder, struct bw_slice name)
{
	static const char displaced[] = "/" BW_ASIDE_FOLDER "/";
	enum { SUFFIX = 17 };

	if (name.len <= SUFFIX || name.ptr[name.len - SUFFIX] != '-' ||
	    !bw_is_hex(bw_slice_from(name, name.len - SUFFIX + 1)) ||
	    memmem(folder.ptr, folder.len, displaced, sizeof(displaced) - 1) == NULL)
		return name;
	return bw_slice_sub(name, 0, name.len - SUFFIX);
}

enum bw_err bw_dossier_saw_made(struct bw_dossier *dossier, const struct bw_seen *seen)
{
	const struct bw_slice path = seen->path_now;
	struct bw_seen_note note = { .content = seen->after,
				     .text = bw_slice_sub(seen->sample, 0, BW_REPORT_NOTE_BYTES) };
	size_t at = path.len;

	while (at > 0 && path.ptr[at - 1] != '/')
		at--;
	if (at == 0 || !seen->after.is_hashed || !bw_note_is_readable(seen->sample))
		return BW_OK;
	note.name = name_before_aside(bw_slice_sub(path, 0, at), bw_slice_from(path, at));
	return take_note(dossier, bw_slice_sub(path, 0, at - 1), &note);
}

enum bw_err bw_dossier_settle_notes(struct bw_dossier *dossier, struct bw_copies *copies)
{
	size_t kept = 0;

	for (size_t i = 0; i < dossier->note_count; i++) {
		struct bw_dossier_note note = dossier->notes[i];

		if (note.places < 2 && !bw_note_speaks(note.text))
			continue;
		(void)snprintf(note.copy, sizeof(note.copy), "note-%02zu.txt", kept + 1);
		BW_TRY(bw_report_piece_add(copies->pieces, note.copy, note.text));
		note.text = bw_slice_sub(note.text, 0, TEXT_KEPT);
		dossier->notes[kept++] = note;
	}
	dossier->note_count = kept;
	return BW_OK;
}
