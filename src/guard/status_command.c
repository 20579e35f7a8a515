/* `breakwater guard status`: whether all is well, once, or live on a terminal. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/plain.h"
#include "guard/status.h"

enum { PAGE_BYTES = 16 * 1024 * 1024, LIVE_MS = 1000 };

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static int complain(const struct bw_call *call, enum bw_err err, const struct bw_why *why)
{
	return bw_complain(call, BW_EXIT_FAILED,
			   err == BW_ERR_NOT_FOUND ? "take a folder in: breakwater guard enroll DIR"
			   : err == BW_ERR_MISSING ? BW_AWAY_NEXT
						   : NULL,
			   "%s", why->text[0] != '\0' ? why->text : bw_err_text(err));
}

static int exit_of(const struct bw_status *status)
{
	return bw_status_needs_somebody(status) ? BW_EXIT_FOUND : BW_EXIT_OK;
}

/* One look; `live` puts it over the one before. */
static int look(const struct bw_call *call, bool live)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	static struct bw_status status; /* large */
	struct bw_why why = { 0 };
	enum bw_err err = bw_status_gather(bw_call_data(call), &status, &why);
	int exit;

	if (err != BW_OK)
		return complain(call, err, &why);
	exit = exit_of(&status);
	if (bw_call_json(call)) {
		err = bw_status_json(&status, &page);
		bw_status_release(&status);
		return bw_plain_json(call, err, &page) == BW_EXIT_OK ? exit : BW_EXIT_FAILED;
	}
	if (live)
		err = bw_buf_add_text(&page, "\033[H\033[J");
	if (err == BW_OK)
		err = bw_status_text(&status, live, &page);
	if (err == BW_OK && live)
		err = bw_buf_add_text(&page, "\nIt is looked at again every second; Ctrl-C ends.\n");
	bw_status_release(&status);
	if (err != BW_OK)
		return complain(call, err, &why);
	(void)fputs(bw_buf_text(&page), stdout);
	(void)fflush(stdout);
	return exit;
}

static int status_run(struct bw_call *call)
{
	const bool live = !bw_call_json(call) && !bw_call_flag(call, "once") && isatty(STDOUT_FILENO) == 1;
	const struct sigaction on_interrupt = { .sa_handler = interrupt };
	int exit;

	if (!bw_plain_is_root(call, "only root may look at the guard"))
		return BW_EXIT_FAILED;
	if (!live)
		return look(call, false);
	(void)sigaction(SIGINT, &on_interrupt, NULL);
	(void)sigaction(SIGTERM, &on_interrupt, NULL);
	do {
		exit = look(call, true);
		if (exit == BW_EXIT_FAILED)
			return exit;
		if (interrupted == 0)
			(void)poll(NULL, 0, LIVE_MS);
	} while (interrupted == 0);
	(void)fputs("\033[H\033[J", stdout);
	return look(call, false); /* what stays on the screen is whole */
}

static const struct bw_option status_options[] = {
	{ .name = "once", .kind = BW_OPT_FLAG, .help = "print one page on a terminal too, and end" },
	{ 0 },
};

const struct bw_command bw_guard_status_command = {
	.name = "status",
	.summary = "what is protected, how fresh the copies are, and what is not covered",
	.usage = "[--once] [--format FORMAT]",
	.details = "On a terminal the page is drawn anew every second. Exit status 1 says that somebody must look: "
		   "an incident is open, somebody is still held, an enrolled folder is left out whole or not there, "
		   "the guard "
		   "does not run, or the "
		   "ledger was touched.",
	.options = status_options,
	.max_args = 0,
	.run = status_run,
};
