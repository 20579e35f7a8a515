#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/text.h"
#include "serve/validate.h"
#include "sys/input.h"

enum {
	CHUNK_BYTES = 1024 * 1024,
	OUT_FLUSH = 64 * 1024,
	OUT_MAX = 64 * 1024 * 1024, /* one object's findings are far less */
};

static const struct bw_option validate_options[] = {
	{ .name = "format",
	  .kind = BW_OPT_CHOICE,
	  .choices = "text|json|sarif",
	  .fallback = "text",
	  .help = "text for people, json one object a line, sarif for code scanners" },
	{ .name = "strict", .kind = BW_OPT_FLAG, .help = "a warning makes an object invalid too" },
	{ .name = "quiet", .kind = BW_OPT_FLAG, .help = "with text: only the last line" },
	{ .name = "ignore",
	  .kind = BW_OPT_TEXT,
	  .value_name = "CODE",
	  .repeat = true,
	  .help = "do not tell warnings of this code" },
	{ 0 }
};

struct job {
	struct bw_call *call;
	struct bw_validate *validate;
	struct bw_buf out;
	uint8_t *chunk;
};

static void job_release(struct job *job)
{
	bw_validate_free(job->validate);
	bw_buf_release(&job->out);
	free(job->chunk);
}

static int fail(struct job *job, enum bw_err err, const char *name)
{
	return bw_complain(job->call, BW_EXIT_FAILED, NULL, "cannot check '%s': %s", name, bw_err_text(err));
}

static enum bw_err flush(struct job *job)
{
	const size_t wrote = fwrite(bw_buf_text(&job->out), 1, job->out.len, stdout);

	BW_NEED(wrote == job->out.len, IO);
	bw_buf_clear(&job->out);
	return BW_OK;
}

static enum bw_err check_chunk(struct job *job, size_t len, bool last)
{
	bool more = true;

	BW_TRY(bw_validate_feed(job->validate, bw_slice_of(job->chunk, len), last));
	while (more) {
		BW_TRY(bw_validate_step(job->validate, &job->out, &more));
		if (job->out.len >= OUT_FLUSH)
			BW_TRY(flush(job));
	}
	return flush(job);
}

static enum bw_err check_stream(struct job *job, int fd)
{
	bool last = false;

	while (!last) {
		size_t len = 0;

		/* whole chunks: a pipe gives little at a time */
		while (len < CHUNK_BYTES && !last) {
			const ssize_t got = read(fd, job->chunk + len, CHUNK_BYTES - len);

			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				return bw_err_from_errno(errno);
			last = got == 0;
			len += (size_t)got;
		}
		BW_TRY(check_chunk(job, len, last));
	}
	return BW_OK;
}

static int check_file(struct job *job, const char *path)
{
	const bool is_stdin = strcmp(path, "-") == 0;
	struct bw_why why = { 0 };
	const char *tool;
	enum bw_err err;
	int fd = -1;

	if (bw_input_open(path, &fd, &why) != BW_OK)
		return bw_complain(job->call, BW_EXIT_FAILED, NULL, "%s", why.text);
	tool = bw_input_unpacker_fd(fd);
	if (tool != NULL && !is_stdin)
		(void)bw_complain(job->call, BW_EXIT_FOUND, NULL,
				  "'%s' is not JSON yet; first turn it into that: %s %s | breakwater validate -", path,
				  tool, path);
	err = bw_validate_begin(job->validate, is_stdin ? "standard input" : path);
	if (err == BW_OK)
		err = check_stream(job, fd);
	(void)close(fd);
	return err == BW_OK ? BW_EXIT_OK : fail(job, err, path);
}

static int read_options(struct bw_call *call, struct bw_validate_options *out)
{
	const char *format = bw_call_text(call, "format");

	out->format = strcmp(format, "json") == 0    ? BW_VALIDATE_JSON
		      : strcmp(format, "sarif") == 0 ? BW_VALIDATE_SARIF
						     : BW_VALIDATE_TEXT;
	out->strict = bw_call_flag(call, "strict");
	out->quiet = bw_call_flag(call, "quiet");
	for (size_t i = 0; i < bw_call_count(call, "ignore"); i++) {
		const char *name = bw_call_nth(call, "ignore", i);
		const enum bw_finding_code code = bw_finding_find(bw_slice_text(name));

		if (code == BW_FINDING_COUNT || bw_finding_level(code) != BW_FINDING_WARNING ||
		    out->ignored_count == BW_VALIDATE_IGNORE_MAX) {
			return bw_complain(call, BW_EXIT_USAGE, "the manual lists the codes of warnings",
					   "there is no warning '%s' to ignore", name);
		}
		out->ignored[out->ignored_count++] = code;
	}
	return BW_EXIT_OK;
}

static int run_job(struct job *job)
{
	int worst = BW_EXIT_OK;

	if (bw_validate_head(job->validate, &job->out) != BW_OK)
		return fail(job, BW_ERR_MEMORY, "-");
	for (size_t i = 0; i < bw_call_args(job->call) && worst == BW_EXIT_OK; i++)
		worst = check_file(job, bw_call_arg(job->call, i));
	if (bw_validate_tail(job->validate, &job->out) != BW_OK || flush(job) != BW_OK)
		return fail(job, BW_ERR_IO, "standard output");
	if (worst != BW_EXIT_OK)
		return worst;
	return bw_validate_sum(job->validate)->invalid > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}

static int validate_run(struct bw_call *call)
{
	BW_CLEANUP(job_release) struct job job = { .call = call, .out = BW_BUF_INIT(OUT_MAX) };
	struct bw_validate_options options = { 0 };
	const int usage = read_options(call, &options);

	if (usage != BW_EXIT_OK)
		return usage;
	job.chunk = malloc(CHUNK_BYTES);
	if (job.chunk == NULL || bw_validate_new(&options, &job.validate) != BW_OK)
		return fail(&job, BW_ERR_MEMORY, "-");
	return run_job(&job);
}

extern const struct bw_command bw_validate_command;
const struct bw_command bw_validate_command = {
	.name = "validate",
	.summary = "check STIX 2.1 objects against every rule of the standard",
	.usage = "[--format text|json|sarif] [--strict] [--ignore CODE] FILE...",
	.details = "Reads bundles, TAXII envelopes, lists, single objects or one object a line, of any size; "
		   "'-' is standard input. Every MUST of STIX 2.1 is an error, every SHOULD a warning, each "
		   "with a code, the place, the clause and one sentence.\n\n"
		   "With --format json one line is printed for each object: n counts the values of the input "
		   "from 1. A bundle is one value: its objects carry its n and their own index, and a line for "
		   "the bundle itself follows them. Where the input has one value a line, each line gives one "
		   "line, a bundle on it too.\n\n"
		   "Exit status: 0 all valid, 1 something is invalid, 2 wrong use, 3 the job could not be done.",
	.options = validate_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = validate_run,
};
