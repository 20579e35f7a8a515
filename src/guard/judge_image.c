/*
 * Who destroys one file may destroy the next, and then has no process any more that could be asked what it runs. So
 * hand looks at the first finding, once a process. It decides nothing: it is for the report.
 */
#include "guard/judge_parts.h"
#include "guard/report_form.h"

void judge_look_at_program(struct judge *judge, const struct bw_outcome *outcome)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);
	const struct bw_proof *proof = outcome->newest;
	struct bw_image image = { .path = bw_slice_empty, .command = bw_slice_empty };
	struct bw_actor about;

	if (proof == NULL || proof->pid <= 1)
		return;
	for (size_t i = 0; i < JUDGE_IMAGES_MAX; i++) {
		if (judge->images[i].pid == proof->pid && judge->images[i].start_ns == proof->start_ns)
			return;
	}
	bw_actors_about(judge->actors, outcome->actor, &about);
	if (about.kind == BW_ACTOR_SMB)
		return; /* smbd's own */
	judge->images[judge->image_at] = (struct judge_image){ proof->pid, proof->start_ns };
	judge->image_at = (judge->image_at + 1) % JUDGE_IMAGES_MAX;
	image.pid = proof->pid;
	image.start_ns = proof->start_ns;
	if (bw_image_add(&body, &image) == BW_OK)
		judge_tell(judge, "hand", BW_REPORT_IMAGE, bw_buf_slice(&body));
}
