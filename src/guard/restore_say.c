/* What a restore says: in words, and as JSON. */
#include <stdio.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/drill.h"
#include "guard/incident_about.h"
#include "guard/plain.h"
#include "guard/restore_command.h"

enum {
	PAGE_BYTES = 1024 * 1024 * 1024,
	SHOWN = 20, /* steps that a dry run shows one by one, and failures */
};

static const char *would_words(enum bw_restored what)
{
	static const char *const words[] = { [BW_RESTORED_SAME] = "is as it should be",
					     [BW_RESTORED_MISSING] = "is gone, would come back",
					     [BW_RESTORED_REPLACED] = "would be replaced",
					     [BW_RESTORED_META] = "would get its metadata back",
					     [BW_RESTORED_BESIDE] = "would be restored, a later edit kept beside",
					     [BW_RESTORED_IN_PLACE] =
						     "would be written back in place (it has several names)" };

	return words[what];
}

static const char *step_words(const struct bw_step *step, bool dry_run)
{
	if (step->err != BW_OK)
		return "FAILED";
	if (step->kind == BW_STEP_DISPLACE && step->left != 0)
		return "left where it is: somebody else made or changed it";
	if (step->kind == BW_STEP_DISPLACE)
		return dry_run ? "would be moved aside" : "moved aside";
	if (step->kind == BW_STEP_RENAME)
		return dry_run ? "the folder would have its name again," : "the folder has its name again,";
	if (step->kind == BW_STEP_FOLDER)
		return step->what == BW_RESTORED_SAME ? "the folder is there"
		       : dry_run                      ? "the folder is gone, would come back"
						      : "the folder was gone, is back";
	if (dry_run && step->early != 0 && step->what != BW_RESTORED_SAME)
		return "would come back as its first copy, which was taken later, has it: unchanged since before that "
		       "time";
	if (dry_run)
		return would_words((enum bw_restored)step->what);
	return bw_restored_words((enum bw_restored)step->what);
}

static enum bw_err add_path(struct bw_buf *out, const struct restore *restore, const struct bw_step *step)
{
	const char *mount = restore->volumes[step->volume].mount;

	BW_TRY(bw_buf_add_text(out, strcmp(mount, "/") == 0 ? "" : mount));
	BW_TRY(bw_buf_add_u8(out, '/'));
	return bw_buf_add_text(out, step->path);
}

static enum bw_err json_step(struct bw_buf *out, const struct restore *restore, const struct bw_step *step)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(PAGE_BYTES);

	BW_TRY(add_path(&path, restore, step));
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "path", bw_buf_slice(&path)));
	BW_TRY(bw_json_add_text(out, "result", bw_slice_text(step_words(step, restore->dry_run))));
	if (step->kind == BW_STEP_BRING_BACK)
		BW_TRY(bw_json_add_num(out, "version", (int64_t)step->version));
	if (step->early != 0)
		BW_TRY(bw_json_add_bool(out, "first_copy", true));
	if (step->word != NULL)
		BW_TRY(bw_json_add_text(out,
					step->err != BW_OK             ? "why"
					: step->kind == BW_STEP_RENAME ? "name"
								       : "beside",
					bw_slice_text(step->word)));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_all(struct bw_buf *out, const struct restore *restore, const struct bw_ledger_restored *sum)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	if (restore->incident_count > 0)
		BW_TRY(bw_json_add_num(out, "incident", (int64_t)restore->incidents[0]));
	BW_TRY(bw_json_add_bool(out, "dry_run", restore->dry_run));
	BW_TRY(bw_json_add_num(out, "steps", (int64_t)restore->plan.count));
	BW_TRY(bw_json_add_num(out, "restored", (int64_t)sum->files));
	BW_TRY(bw_json_add_num(out, "unchanged", (int64_t)sum->unchanged));
	BW_TRY(bw_json_add_num(out, "kept_beside", (int64_t)sum->beside));
	BW_TRY(bw_json_add_num(out, "displaced", (int64_t)sum->displaced));
	BW_TRY(bw_json_add_num(out, "failed", (int64_t)sum->failed));
	BW_TRY(bw_json_add_num(out, "bytes", (int64_t)sum->bytes));
	BW_TRY(bw_json_add_num(out, "folders", (int64_t)restore->plan.folders));
	BW_TRY(bw_json_add_num(out, "folders_renamed", (int64_t)restore->plan.renamed));
	if (restore->plan.of_drills > 0)
		BW_TRY(bw_json_add_num(out, "drill_files_left_out", (int64_t)restore->plan.of_drills));
	if (!restore->dry_run)
		BW_TRY(bw_json_add_text(out, "undo", bw_slice_text(restore->plan.id)));
	BW_TRY(bw_json_add_name(out, "files"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < restore->plan.count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_step(out, restore, &restore->plan.steps[i]));
	}
	return bw_buf_add_text(out, "]}");
}

static void print_step(const struct restore *restore, const struct bw_step *step)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(PAGE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(PAGE_BYTES);

	if (add_path(&path, restore, step) != BW_OK || bw_text_escape(&line, bw_buf_slice(&path)) != BW_OK)
		return;
	(void)printf("  %s: %s", bw_buf_text(&line), step_words(step, restore->dry_run));
	if (step->word == NULL) {
		(void)putchar('\n');
		return;
	}
	bw_buf_clear(&line);
	bw_err_drop(bw_text_escape(&line, bw_slice_text(step->word))); /* without it the line says enough */
	(void)printf(step->err != BW_OK ? ": %s\n" : " as '%s'\n", bw_buf_text(&line));
}

/* Failures first, each; of the rest, the first few when it is a dry run. */
static void print_steps(const struct restore *restore, bool failures, size_t most)
{
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct bw_step *step = &restore->plan.steps[i];

		if ((step->err != BW_OK) != failures ||
		    (!failures && step->kind != BW_STEP_DISPLACE && step->what == BW_RESTORED_SAME))
			continue;
		if (shown == most) {
			more++;
			continue;
		}
		print_step(restore, step);
		shown++;
	}
	if (more > 0)
		(void)printf("  and %zu more (--format json names all)\n", more);
}

/* What stood where something came back, or does not belong there, lies aside then. */
static bool has_aside(const struct restore *restore)
{
	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct bw_step *step = &restore->plan.steps[i];

		if (step->err == BW_OK && ((step->kind == BW_STEP_DISPLACE && step->left == 0) ||
					   (step->kind == BW_STEP_BRING_BACK && (step->what == BW_RESTORED_REPLACED ||
										 step->what == BW_RESTORED_IN_PLACE))))
			return true;
	}
	return false;
}

/* Nobody kept anything at that time yet. */
static void print_early(const struct restore *restore)
{
	size_t count = 0;

	for (size_t i = 0; i < restore->plan.count; i++)
		count += restore->plan.steps[i].early != 0;
	if (count > 0)
		(void)printf(
			"Of %zu files the first copy was taken after that time: they %s it, as by their own times they "
			"had not been changed since\n",
			count, restore->dry_run ? "would get" : "got");
}

/* What he wrote, and is not surely his: a person looks. */
static void print_stays(const struct restore *restore)
{
	char words[2 * BW_PLAIN_BYTES];
	size_t count = 0;
	size_t shown = 0;

	for (size_t i = 0; i < restore->plan.count; i++)
		count += restore->plan.steps[i].stays != 0;
	if (count == 0)
		return;
	(void)printf("%s, there before or changed since: look at them\n",
		     bw_plain_count(count, "file that the attacker wrote stays", "files that the attacker wrote stay",
				    words));
	for (size_t i = 0; i < restore->plan.count && shown < SHOWN && !restore->dry_run; i++) {
		if (restore->plan.steps[i].stays == 0)
			continue;
		print_step(restore, &restore->plan.steps[i]);
		shown++;
	}
	if (count > shown && shown > 0)
		(void)printf("  and %zu more (--format json names all)\n", count - shown);
}

static void print_sum(const struct restore *restore, const struct bw_ledger_restored *sum)
{
	const bool dry = restore->dry_run;
	char size[BW_PLAIN_BYTES];
	char count[2 * BW_PLAIN_BYTES];

	(void)printf("%s %llu files, %s", dry ? "Would bring back" : "Brought back", (unsigned long long)sum->files,
		     bw_plain_size(sum->bytes, size));
	(void)printf("; %llu are as they should be", (unsigned long long)sum->unchanged);
	if (sum->beside > 0)
		(void)printf("; of %llu a later edit %s kept beside", (unsigned long long)sum->beside,
			     dry ? "would be" : "was");
	if (sum->displaced > 0)
		(void)printf("; %llu files that do not belong there %s moved aside", (unsigned long long)sum->displaced,
			     dry ? "would be" : "were");
	(void)printf("; %llu could not be restored\n", (unsigned long long)sum->failed);
	print_early(restore);
	print_stays(restore);
	if (restore->plan.of_drills > 0)
		(void)printf("%llu files that drills made there are left out; to have them back name their folder "
			     "(--tree DIR/" BW_DRILL_NAME "...)\n",
			     (unsigned long long)restore->plan.of_drills);
	if (!dry && restore->plan.renamed > 0)
		(void)printf("%s again\n", bw_plain_count(restore->plan.renamed, "folder has the name it had",
							  "folders have the names they had", count));
	if (!dry && restore->plan.folders > 0)
		(void)printf("%s again\n",
			     bw_plain_count(restore->plan.folders, "folder has the times and rights it had",
					    "folders have the times and rights they had", count));
	if (!dry && has_aside(restore))
		(void)printf("What was moved aside lies in .breakwater-guard/displaced/%s\n", restore->plan.id);
	if (!dry && sum->files + sum->displaced + restore->plan.folders + restore->plan.renamed > 0)
		(void)printf("To undo all this: breakwater guard restore --undo %s\n", restore->plan.id);
}

int restore_show(const struct restore *restore, const struct bw_ledger_restored *sum, bool asked)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	enum bw_err err;

	if (bw_call_json(restore->call)) {
		if (asked)
			return BW_EXIT_OK; /* one object, at the end */
		err = json_all(&page, restore, sum);
		if (bw_plain_json(restore->call, err, &page) != BW_EXIT_OK)
			return BW_EXIT_FAILED;
	} else {
		print_sum(restore, sum);
		if (bw_incident_since_words(restore->approved_us, &page) == BW_OK)
			(void)printf("%s", bw_buf_text(&page));
		if (restore->dry_run)
			print_steps(restore, false, SHOWN);
		print_steps(restore, true, SIZE_MAX);
	}
	return sum->failed > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}
