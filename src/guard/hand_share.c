/*
 * An incident's bundle goes into the exchange of the same data folder, by the command a person would use: `import`
 * checks it once more, in a process that holds nothing, and works whether a server runs or not. Nobody waits for it.
 */
#include "base/log.h"
#include "guard/evidence.h"
#include "guard/hand_parts.h"

enum { IMPORT_MS = 60 * 1000, SAID_BYTES = 256 * 1024 };

#define COLLECTION "guard-incidents"

void hand_share_take(struct hand *hand, uint64_t incident, uint32_t number)
{
	struct hand_share *share = &hand->share;

	for (size_t i = 0; i < share->count; i++) {
		if (share->waiting[i].incident == incident && (i > 0 || share->run.pid == 0)) {
			share->waiting[i].number = number;
			return;
		}
	}
	if (share->count < HAND_SHARES_MAX) /* else scribe asks again */
		share->waiting[share->count++] = (struct hand_share_one){ .incident = incident, .number = number };
}

static void tell(struct hand *hand, enum bw_err result, struct bw_slice words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct hand_share *share = &hand->share;
	const struct bw_report_word word = { .incident = share->waiting[0].incident,
					     .number = share->waiting[0].number,
					     .result = (uint8_t)result,
					     .words = bw_slice_sub(words, 0, BW_REPORT_WORDS_BYTES) };

	if (bw_report_word_add(&body, BW_REPORT_SHARED, &word) == BW_OK)
		hand_tell(hand, "scribe", BW_REPORT_SHARED, bw_buf_slice(&body), -1);
	share->count--;
	memmove(share->waiting, share->waiting + 1, share->count * sizeof(share->waiting[0]));
	share->step = HAND_SHARE_IMPORT;
}

/* This very program, whatever became of its file since it was started. */
static const char itself[] = "/proc/self/exe";

static enum bw_err start_import(struct hand *hand)
{
	const struct hand_share_one *one = &hand->share.waiting[0];
	char folder[BW_PATH_BYTES];
	char file[BW_PATH_BYTES];
	const struct bw_program import = { .path = itself,
					   .words = { "import", "--data", hand->data, "--collection", COLLECTION,
						      "--format", "json", "--quiet", file, NULL },
					   .output_max = SAID_BYTES,
					   .timeout_ms = IMPORT_MS,
					   .errors_too = true };

	BW_TRY(bw_evidence_report(hand->data, one->incident, one->number, folder));
	BW_TRY(bw_path_join(file, folder, BW_PAPER_LEAVES));
	return bw_program_start(&import, &hand->share.run);
}

static enum bw_err start_collection(struct hand *hand)
{
	const struct bw_program add = { .path = itself,
					.words = { "collection", "add", "--data", hand->data, "--alias", COLLECTION,
						   "--description",
						   "What the guard of this node stopped: no paths, no names of users",
						   "Incidents on this file server", NULL },
					.output_max = SAID_BYTES,
					.timeout_ms = IMPORT_MS,
					.errors_too = true };

	return bw_program_start(&add, &hand->share.run);
}

/* What ended, and what comes after it: a collection that is not there is made, once. */
static void go_on(struct hand *hand, int status)
{
	struct hand_share *share = &hand->share;
	const struct bw_slice said = bw_buf_slice(&share->run.output);

	if (share->step == HAND_SHARE_COLLECTION) {
		share->step = HAND_SHARE_AGAIN;
	} else if (status == 0 || status == 1) {
		tell(hand, bw_report_imported(status, said), said); /* 1: some was refused, and `import` names what */
	} else if (share->step == HAND_SHARE_IMPORT) {
		share->step = HAND_SHARE_COLLECTION;
	} else {
		tell(hand, BW_ERR_IO, said);
	}
}

static void hear(struct hand *hand)
{
	struct hand_share *share = &hand->share;
	int status = 0;
	const enum bw_err err = bw_program_step(&share->run, 0, &status);

	if (err == BW_ERR_AGAIN)
		return;
	if (err == BW_OK)
		go_on(hand, status);
	else
		tell(hand, err, bw_slice_text(bw_err_text(err)));
	bw_program_release(&share->run);
}

/* An exchange to tell, and something it may be told (a drill's report has nothing). */
static bool has_both(const struct hand *hand)
{
	const struct hand_share_one *one = &hand->share.waiting[0];
	char path[BW_PATH_BYTES];
	char folder[BW_PATH_BYTES];

	if (bw_path_join(path, hand->data, "store") != BW_OK || !bw_file_exists(path))
		return false;
	return bw_evidence_report(hand->data, one->incident, one->number, folder) == BW_OK &&
	       bw_path_join(path, folder, BW_PAPER_LEAVES) == BW_OK && bw_file_exists(path);
}

static void start(struct hand *hand)
{
	enum bw_err err;

	if (!has_both(hand)) {
		tell(hand, BW_ERR_NOT_FOUND, bw_slice_empty);
		return;
	}
	err = hand->share.step == HAND_SHARE_COLLECTION ? start_collection(hand) : start_import(hand);
	if (err != BW_OK)
		tell(hand, err, bw_slice_text(bw_err_text(err)));
}

int64_t hand_share_turn(struct hand *hand)
{
	struct hand_share *share = &hand->share;

	if (share->run.pid != 0)
		hear(hand);
	while (share->run.pid == 0 && share->count > 0)
		start(hand);
	return share->run.pid != 0 ? share->run.deadline_us : INT64_MAX;
}
