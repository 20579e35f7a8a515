/*
 * Notes, checkpoints and verifier keys from strangers. Properties: what was read, written again, is the input byte for
 * byte (a key's id in small letters); nothing read lies outside the input.
 */
#include <stdlib.h>

#include "base/text.h"
#include "tlog/cosign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_inside(struct bw_slice part, struct bw_slice whole)
{
	check(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void check_note(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * BW_NOTE_MAX);
	static struct bw_note note;

	if (bw_note_parse(bytes, &note) != BW_OK)
		return;
	check_inside(note.text, bytes);
	check(bw_buf_add(&again, note.text) == BW_OK && bw_buf_add_u8(&again, '\n') == BW_OK);
	for (size_t i = 0; i < note.count; i++) {
		struct bw_vkey vkey = { .id = note.signatures[i].id, .name_len = note.signatures[i].name.len };
		uint8_t signature[BW_NOTE_SIGNATURE_MAX];

		check_inside(note.signatures[i].name, bytes);
		check(bw_note_name_is_valid(note.signatures[i].name));
		memcpy(vkey.name, note.signatures[i].name.ptr, vkey.name_len);
		check(bw_note_signature_is_by(&note.signatures[i], &vkey));
		check(bw_note_add_signature(&again, &vkey, bw_note_signature_bytes(&note.signatures[i], signature)) ==
		      BW_OK);
	}
	check(bw_slice_equals(bw_buf_slice(&again), bytes));
}

static void check_checkpoint(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;

	if (bw_checkpoint_parse(bytes, &checkpoint) != BW_OK)
		return;
	check(bw_checkpoint_add_text(&again, checkpoint.origin, checkpoint.size, &checkpoint.root) == BW_OK);
	check(bw_buf_add(&again, checkpoint.extensions) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), checkpoint.note.text));
}

static void check_vkey(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_VKEY_TEXT_MAX);
	struct bw_vkey vkey;

	if (bw_vkey_parse(text, &vkey) != BW_OK)
		return;
	check(bw_vkey_add(&again, &vkey) == BW_OK);
	check(again.len == text.len);
	for (size_t i = 0; i < text.len; i++) {
		const bool is_id = i > vkey.name_len && i <= vkey.name_len + 8;

		check(again.ptr[i] == (is_id ? bw_to_lower(text.ptr[i]) : text.ptr[i]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	check_note(bytes);
	check_checkpoint(bytes);
	check_vkey(bytes);
	return 0;
}
