/* `breakwater guard job`: what an administrator allows, and what became of it. */
#include <pwd.h>
#include <stdio.h>

#include "codec/json_text.h"
#include "guard/job_parts.h"
#include "guard/job_program.h"
#include "guard/plain.h"

enum { PAGE_BYTES = 1024 * 1024 };

static enum bw_err json_file(struct bw_buf *out, const struct bw_job_file *job)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf hours = BW_BUF_INIT(BW_KIB);

	BW_TRY(bw_json_add_num(out, "user", job->uid));
	BW_TRY(bw_json_add_text(out, "folder", bw_slice_text(job->folder)));
	BW_TRY(bw_json_add_text(out, "program", bw_slice_text(job->program)));
	BW_TRY(bw_json_add_name(out, "words"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < job->word_count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_json_add_string(out, bw_slice_text(job->words[i])));
	}
	BW_TRY(bw_buf_add_u8(out, ']'));
	BW_TRY(bw_plain_json_time(out, "from", job->from_us));
	BW_TRY(bw_plain_json_time(out, "until", job->until_us));
	BW_TRY(bw_json_add_name(out, "at"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < job->hours_count; i++) {
		bw_buf_clear(&hours);
		BW_TRY(bw_job_hours_write(&job->hours[i], &hours));
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_json_add_string(out, bw_buf_slice(&hours)));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err json_one(struct bw_buf *out, const char *name, const struct bw_job_found *found,
			    const struct bw_job_entry *entry)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "job", bw_slice_text(name)));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_job_worth_name(found->worth))));
	if (found->worth != BW_JOB_GOOD)
		BW_TRY(bw_json_add_text(out, "why", bw_slice_text(found->why.text)));
	if (found->is_read)
		BW_TRY(json_file(out, &found->file));
	if (entry != NULL && entry->runs > 0) {
		BW_TRY(bw_json_add_num(out, "runs", (int64_t)entry->runs));
		BW_TRY(bw_plain_json_time(out, "began", entry->began_us));
		if (entry->ended_us != 0)
			BW_TRY(bw_plain_json_time(out, "ended", entry->ended_us));
		BW_TRY(bw_json_add_num(out, "files_passed", (int64_t)entry->passed));
	}
	return bw_buf_add_u8(out, '}');
}

static void print_when(const struct bw_job_file *job)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf hours = BW_BUF_INIT(BW_KIB);
	char from[BW_PLAIN_BYTES];
	char until[BW_PLAIN_BYTES];

	(void)printf("  when     %s to %s", bw_plain_time(job->from_us, from), bw_plain_time(job->until_us, until));
	for (size_t i = 0; i < job->hours_count; i++) {
		bw_buf_clear(&hours);
		if (bw_job_hours_write(&job->hours[i], &hours) == BW_OK)
			(void)printf("; %s", bw_buf_text(&hours));
	}
	(void)putchar('\n');
}

static void print_one(const char *name, const struct bw_job_found *found, const struct bw_job_entry *entry)
{
	const struct bw_job_file *job = &found->file;
	const struct passwd *user = found->is_read ? getpwuid(job->uid) : NULL;
	char when[BW_PLAIN_BYTES];

	(void)printf("%s: %s%s%s\n", name, bw_job_worth_name(found->worth), found->worth == BW_JOB_GOOD ? "" : "; ",
		     found->worth == BW_JOB_GOOD ? "" : found->why.text);
	if (found->is_read) {
		(void)printf("  who      %s (%lu)\n", user != NULL ? user->pw_name : "nobody", (unsigned long)job->uid);
		(void)printf("  what     %s", job->program);
		for (size_t i = 0; i < job->word_count; i++)
			(void)printf(" %s", job->words[i]);
		(void)printf("\n  where    %s\n", job->folder);
		print_when(job);
	}
	if (entry == NULL || entry->runs == 0)
		return;
	(void)printf("  ran      %llu times, the last time %s%s; %llu files passed\n", (unsigned long long)entry->runs,
		     bw_plain_time(entry->began_us, when),
		     entry->ended_us == 0 ? " (it runs, or its end was not seen)" : "",
		     (unsigned long long)entry->passed);
}

static bool is_wrong(enum bw_job_worth worth)
{
	return worth != BW_JOB_GOOD && worth != BW_JOB_WAITING && worth != BW_JOB_EXPIRED;
}

/* What scribe cannot see: whether the program is still the one that was signed. */
static void look_at_program(const char *name, struct bw_job_found *found)
{
	uint8_t sum[BW_SHA256_BYTES];
	struct bw_why why = { 0 };
	const enum bw_err err = bw_job_program_check(found->file.program, sum, &why);

	if (err == BW_OK && memcmp(sum, found->file.sha256, sizeof(sum)) == 0)
		return;
	found->worth = BW_JOB_CHANGED;
	(void)bw_why_set(&found->why, BW_OK, "the program of the job '%s' is not the one that was signed%s%s", name,
			 why.text[0] != '\0' ? ": " : "", why.text);
}

static enum bw_err list_all(const struct bw_call *call, struct bw_arena *arena, struct bw_buf *json, bool *out_wrong,
			    struct bw_why *why)
{
	static struct bw_job_book book; /* large */
	const char *data = bw_call_data(call);
	const char *names[JOB_NAMES_MAX];
	struct bw_job_found found;
	size_t count;

	BW_TRY(bw_job_book_load(data, &book, why));
	BW_TRY(bw_job_names(data, &book, arena, names, JOB_NAMES_MAX, &count, why));
	BW_TRY(bw_buf_add_u8(json, '['));
	for (size_t i = 0; i < count; i++) {
		const struct bw_job_entry *entry = bw_job_book_find(&book, bw_slice_text(names[i]));

		bw_job_find(data, &book, names[i], bw_clock_now_us(), arena, &found);
		if (found.worth == BW_JOB_GOOD || found.worth == BW_JOB_WAITING)
			look_at_program(names[i], &found);
		*out_wrong = *out_wrong || is_wrong(found.worth);
		if (i > 0)
			BW_TRY(bw_buf_add_u8(json, ','));
		BW_TRY(json_one(json, names[i], &found, entry));
		if (!bw_call_json(call))
			print_one(names[i], &found, entry);
	}
	if (count == 0 && !bw_call_json(call))
		(void)puts("No job is signed.");
	return bw_buf_add_u8(json, ']');
}

static int job_list(const struct bw_call *call)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(JOB_MEMORY);
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(PAGE_BYTES);
	struct bw_why why = { 0 };
	bool wrong = false;
	const enum bw_err err = list_all(call, &arena, &json, &wrong, &why);

	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (bw_call_json(call) && bw_plain_json(call, err, &json) != BW_EXIT_OK)
		return BW_EXIT_FAILED;
	return wrong ? BW_EXIT_FOUND : BW_EXIT_OK;
}

static int job_command(struct bw_call *call)
{
	static const struct {
		const char *name;
		size_t least;
		size_t most;
		int (*run)(const struct bw_call *call);
	} acts[] = {
		{ "sign", 2, SIZE_MAX, job_sign },
		{ "run", 2, 2, job_run },
		{ "list", 1, 1, job_list },
		{ "revoke", 2, 2, job_revoke },
	};
	const size_t count = bw_call_args(call);

	if (!bw_plain_is_root(call, "only root may say what passes the guard"))
		return BW_EXIT_FAILED;
	for (size_t i = 0; i < BW_COUNT(acts); i++) {
		if (strcmp(bw_call_arg(call, 0), acts[i].name) != 0)
			continue;
		if (count >= acts[i].least && count <= acts[i].most)
			return acts[i].run(call);
		return bw_complain(call, BW_EXIT_USAGE, NULL, "'job %s' wants %s", acts[i].name,
				   count < acts[i].least ? "a job's name" : "fewer words");
	}
	return bw_complain(call, BW_EXIT_USAGE, NULL, "'%s' is none of sign, run, list and revoke",
			   bw_call_arg(call, 0));
}

static const struct bw_option job_options[] = {
	{ .name = "user",
	  .kind = BW_OPT_TEXT,
	  .value_name = "USER",
	  .help = "sign: who runs it; best an account of its own" },
	{ .name = "folder",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "sign: where it may destroy files, with all below it; folders made while it runs are not among "
		  "them" },
	{ .name = "from", .kind = BW_OPT_TEXT, .value_name = "TIME", .help = "sign: from when on; else now" },
	{ .name = "until", .kind = BW_OPT_TEXT, .value_name = "TIME", .help = "sign: until when; else --for" },
	{ .name = "for",
	  .kind = BW_OPT_TIME,
	  .min = 1000,
	  .max = INT64_C(3660) * 86400 * 1000,
	  .fallback = "90d",
	  .help = "sign: for how long from now" },
	{ .name = "at",
	  .kind = BW_OPT_TEXT,
	  .value_name = "HOURS",
	  .repeat = true,
	  .help = "sign: only at these hours, as 'mon-fri 22:00-04:00' or 'daily 01:00-03:00', local time" },
	{ .name = "passphrase-file",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "sign: passphrase of the node keys; else it is asked for" },
	{ .name = "new-keys",
	  .kind = BW_OPT_FLAG,
	  .help = "sign: the node keys were changed; what the old ones signed is refused from then on" },
	{ 0 },
};

const struct bw_command bw_guard_job_command = {
	.name = "job",
	.summary = "sign work that looks like an attack, so that it passes",
	.usage = "sign NAME --user USER --folder DIR -- PROGRAM [WORD...] | run NAME | list | revoke NAME",
	.details =
		"A nightly job that encrypts and deletes is held like any attacker, unless an administrator signed it "
		"with the node's keys: which program with which words, as which user, in which folder, until when. It "
		"is begun with 'job run NAME', from cron or a unit of systemd, and what descends from that program "
		"passes; the exit status is the program's. Nobody else passes, whatever he calls himself or runs.\n"
		"The program must be root's, and so must every folder above it. Unsigned, altered, expired, revoked "
		"and older copies of a job's file are refused by name, and so is a program that changed; exit status 1 "
		"of 'job list' says that there is one.",
	.options = job_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = job_command,
};
