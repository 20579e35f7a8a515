/*
 * What all commands share: the command line, the config file, --help, the log
 * level, the exit status, and an answer that could not be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/log.h"
#include "bw_config.h"
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/help.h"

static enum bw_err read_whole(const char *path, struct bw_buf *out)
{
	FILE *file = fopen(path, "re");
	enum bw_err err = BW_OK;
	uint8_t block[4096];
	size_t got;

	if (file == NULL)
		return bw_err_from_errno(errno);
	while (err == BW_OK && (got = fread(block, 1, sizeof(block), file)) > 0)
		err = bw_buf_add(out, bw_slice_of(block, got));
	if (err == BW_OK && ferror(file) != 0)
		err = BW_ERR_IO;
	(void)fclose(file);
	return err;
}

static int read_config(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_CONFIG_BYTES_MAX);
	const char *path = bw_call_text(call, "config");
	enum bw_err err;

	if (path == NULL)
		return BW_EXIT_OK;
	err = read_whole(path, &text);
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "cannot read '%s': %s", path, bw_err_text(err));
	err = bw_call_config(call, bw_commands(), bw_buf_slice(&text), &why);
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "config file '%s': %s", path,
				   why.len > 0 ? bw_buf_text(&why) : bw_err_text(err));
	return BW_EXIT_OK;
}

static void set_log_level(const struct bw_call *call)
{
	const enum bw_level level = (enum bw_level)(BW_CRIT + bw_call_num(call, "log-level"));

	bw_log_set_level(bw_call_flag(call, "quiet") && level > BW_WARNING ? BW_WARNING : level);
}

static int run_command(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	int status;

	if (call->wants_help) {
		bw_help_command_page(stdout, call->parent, call->command);
		return BW_EXIT_OK;
	}
	status = read_config(call);
	if (status != BW_EXIT_OK)
		return status;
	if (bw_call_check(call, &why) != BW_OK)
		return bw_complain(call, BW_EXIT_USAGE, "'breakwater help' lists what there is", "%s",
				   bw_buf_text(&why));
	set_log_level(call);
	return call->command->run(call);
}

/* A full disk shows only when the last block goes out; then the answer is not worth its status. */
static int close_output(const struct bw_call *call, int status)
{
	const bool failed_before = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !failed_before)
		return status;
	return bw_complain(call, BW_EXIT_FAILED, NULL, "cannot write to standard output: %s",
			   bw_err_text(errno != 0 ? bw_err_from_errno(errno) : BW_ERR_IO));
}

static int start(struct bw_call *call, size_t count, const char *const *words)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	enum bw_err err;

	if (count == 1 && strcmp(words[0], "--version") == 0) {
		(void)printf("breakwater %s\n", BW_VERSION);
		return BW_EXIT_OK;
	}
	err = bw_call_parse(call, bw_commands(), count, words, &why);
	if (err != BW_OK && err != BW_ERR_USAGE)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", bw_err_text(err));
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_USAGE,
				   call->command != NULL ? "'--help' shows the options"
							 : "'breakwater help' lists the commands",
				   "%s", bw_buf_text(&why));
	if (call->command != NULL)
		return run_command(call);
	bw_help_overview(call->wants_help ? stdout : stderr, bw_command_groups);
	return call->wants_help ? BW_EXIT_OK : BW_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct bw_call call = { 0 };
	int status;

	/* a descriptor of 0, 1 or 2 left closed would be taken by the first file opened */
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0)
			return BW_EXIT_FAILED;
	}
	status = start(&call, argc > 0 ? (size_t)argc - 1 : 0, (const char *const *)(argv + 1));
	status = close_output(&call, status);
	bw_call_release(&call);
	return status;
}
