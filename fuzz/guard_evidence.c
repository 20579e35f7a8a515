/*
 * What the evidence's commands and workers read. Properties: a manifest that is accepted is written again as the same
 * bytes, its names lead nowhere else and rise; no bytes are a seal over themselves; the forms between the workers are
 * refused or come back as they were; rows of any kind give a dossier, or an error, and never markup.
 */
#include <stdlib.h>

#include "guard/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void manifest(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	static struct bw_evidence_manifest one;

	if (bw_evidence_manifest_parse(bytes, &one) != BW_OK)
		return;
	check(bw_evidence_manifest_add(&again, &one) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
	for (size_t i = 0; i < one.count; i++) {
		check(bw_report_piece_name_is_fine(bw_slice_text(one.files[i].name)));
		check(i == 0 || strcmp(one.files[i - 1].name, one.files[i].name) < 0);
	}
}

static void seal(struct bw_slice bytes)
{
	struct bw_node_public node;

	check(bw_evidence_seal_check(bytes, bytes, &node) != BW_OK);
}

static void forms(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(8 * BW_MIB);
	struct bw_report_word word;
	struct bw_compose compose;
	struct bw_image image;
	struct bw_look look;
	struct bw_seen seen;

	if (bw_look_parse(bytes, &look) == BW_OK)
		check(bw_look_add(&again, &look) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
	bw_buf_clear(&again);
	if (bw_seen_parse(bytes, &seen) == BW_OK)
		check(bw_seen_add(&again, &seen) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
	bw_buf_clear(&again);
	if (bw_image_parse(bytes, &image) == BW_OK)
		check(bw_image_add(&again, &image) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		bw_buf_clear(&again);
		if (bw_compose_parse(bytes, is_answer != 0, &compose) == BW_OK)
			check(bw_compose_add(&again, &compose, is_answer != 0) == BW_OK &&
			      bw_slice_equals(bw_buf_slice(&again), bytes));
	}
	for (uint8_t kind = BW_REPORT_SIGN; kind <= BW_REPORT_SHARED; kind++) {
		bw_buf_clear(&again);
		if (bw_report_word_parse(bytes, kind, &word) == BW_OK)
			check(bw_report_word_add(&again, kind, &word) == BW_OK &&
			      bw_slice_equals(bw_buf_slice(&again), bytes));
	}
}

static void rows(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = NULL;

	if (bw_dossier_new(1, &dossier) == BW_OK && bw_dossier_read(dossier, bytes) == BW_OK &&
	    bw_dossier_page(dossier, BW_PAPER_HTML, &page) == BW_OK)
		check(strstr(bw_buf_text(&page), "<script") == NULL);
	bw_dossier_free(dossier);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_report_piece piece;
	size_t at = 0;

	manifest(bytes);
	seal(bytes);
	forms(bytes);
	rows(bytes);
	while (bw_report_piece_next(&c, &piece) == BW_OK) {
		check(c.at > at); /* always forward */
		at = c.at;
	}
	return 0;
}
