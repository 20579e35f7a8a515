/*
 * The guard's hand by itself, for stories: the real worker, joined to stand-ins of judge and scribe that say what the
 * lines of two pipes say, and print what comes back. No watch, no judge: nothing is guarded.
 *
 *   who [PID] | keep-out INCIDENT SECONDS ADDRESS USER (either may be -) | held INCIDENT SECONDS PID
 *   frozen INCIDENT SECONDS CGROUP-ID
 *   lift INCIDENT | notice INCIDENT SUBJECT (the text is the subject again)
 *
 * Prints "ready", "sessions JSON", "peer PID ADDRESS PORT", "acted INCIDENT WHAT SUBJECT | UNDO".
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/num.h"
#include "guard/guard.h"
#include "guard/hand_form.h"
#include "sys/memfile.h"

enum { LINE_BYTES = 4096, BODY_BYTES = 16384, SETTINGS_BYTES = 1024 * 1024 };

static struct bw_guard guard;

static void say(struct bw_seat *seat, uint8_t kind, const struct bw_buf *body)
{
	struct bw_channel *channel = bw_seat_peer(seat, "hand", 0);

	if (channel == NULL || bw_channel_send(channel, kind, bw_buf_slice(body), -1, 1000) != BW_OK)
		(void)printf("lost\n");
}

/* Two processes stand in, since the hand asks who asks: judge takes the acts, scribe lifts and notices. */
static bool take_line(struct bw_seat *seat, char *line)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BODY_BYTES);
	unsigned long long incident = 0;
	unsigned long long what = 0;
	unsigned seconds = 0;
	char address[128] = "";
	char user[256] = "";
	char *text;

	if (strcmp(line, "who") == 0) {
		say(seat, BW_RECORD_WHO, &body);
	} else if (sscanf(line, "who %llu", &what) == 1) {
		if (bw_who_add(&body, &(struct bw_who){ (uint32_t)what, 0 }) == BW_OK)
			say(seat, BW_RECORD_WHO, &body);
	} else if (sscanf(line, "keep-out %llu %u %127s %255s", &incident, &seconds, address, user) == 4) {
		const struct bw_keep_out out = { incident, seconds,
						 bw_slice_text(strcmp(address, "-") == 0 ? "" : address),
						 bw_slice_text(strcmp(user, "-") == 0 ? "" : user) };

		if (bw_keep_out_add(&body, &out) == BW_OK)
			say(seat, BW_RECORD_KEEP_OUT, &body);
	} else if (sscanf(line, "held %llu %u %llu", &incident, &seconds, &what) == 3) {
		const struct bw_freeze freeze = { .incident = incident, .seconds = seconds, .count = 1 };

		if (bw_freeze_add(&body, &freeze, &(struct bw_held){ (uint32_t)what, 0 }) == BW_OK)
			say(seat, BW_RECORD_FREEZE, &body);
	} else if (sscanf(line, "frozen %llu %u %llu", &incident, &seconds, &what) == 3) {
		const struct bw_freeze freeze = { .incident = incident, .seconds = seconds, .cgroup = what };

		if (bw_freeze_add(&body, &freeze, NULL) == BW_OK)
			say(seat, BW_RECORD_FREEZE, &body);
	} else if (sscanf(line, "lift %llu", &incident) == 1) {
		if (bw_lift_add(&body, incident) == BW_OK)
			say(seat, BW_RECORD_LIFT, &body);
	} else if (sscanf(line, "notice %llu", &incident) == 1 && (text = strchr(line + 7, ' ')) != NULL) {
		const struct bw_notice notice = { incident, bw_slice_text(text + 1), bw_slice_text(text + 1) };

		if (bw_notice_add(&body, &notice) == BW_OK)
			say(seat, BW_RECORD_NOTICE, &body);
	} else {
		return false;
	}
	return true;
}

static void print_frame(const struct bw_frame *frame, int fd)
{
	struct bw_mapped large = { bw_slice_empty };
	struct bw_peer_word word;
	struct bw_acted acted;

	if (frame->kind == BW_RECORD_SESSIONS) {
		if (fd >= 0 && bw_mapped_open(fd, BW_HAND_SESSIONS_BYTES, &large) != BW_OK)
			return;
		(void)printf("sessions %.*s\n", BW_ARG(fd >= 0 ? large.bytes : frame->body));
	} else if (frame->kind == BW_RECORD_PEER && bw_peer_word_parse(frame->body, &word) == BW_OK) {
		(void)printf("peer %u %.*s %u\n", word.who.pid, BW_ARG(word.address), word.port);
	} else if (frame->kind == BW_RECORD_ACTED && bw_acted_parse(frame->body, &acted) == BW_OK) {
		(void)printf("acted %llu %u %.*s | %.*s\n", (unsigned long long)acted.incident, (unsigned)acted.what,
			     BW_ARG(acted.subject), BW_ARG(acted.undo));
	}
	if (fd >= 0)
		(void)close(fd);
}

static void hear(struct bw_seat *seat)
{
	struct bw_channel *channel = bw_seat_peer(seat, "hand", 0);
	struct bw_frame frame;
	int fd;

	if (channel == NULL)
		return;
	bw_err_drop(bw_channel_fill(channel)); /* next tells */
	while (bw_channel_next(channel, &frame, &fd) == BW_OK)
		print_frame(&frame, fd);
	(void)fflush(stdout);
}

static bool hear_parent(struct bw_seat *seat)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
	}
}

/* Lines of one of the two inputs; the other stand-in has the other one. */
static int stand_in(struct bw_seat *seat, int input)
{
	char text[LINE_BYTES];
	size_t len = 0;

	if (bw_seat_ready(seat) != BW_OK)
		return BW_EXIT_FAILED;
	for (;;) {
		const struct bw_channel *channel = bw_seat_peer(seat, "hand", 0);
		struct pollfd fds[] = { { bw_seat_fd(seat), POLLIN, 0 },
					{ channel == NULL ? -1 : bw_channel_fd(channel), POLLIN, 0 },
					{ input, POLLIN, 0 } };
		char *end;

		if (poll(fds, BW_COUNT(fds), 1000) < 0 && errno != EINTR)
			return BW_EXIT_FAILED;
		if (fds[1].revents != 0)
			hear(seat);
		if (fds[0].revents != 0 && !hear_parent(seat))
			return BW_EXIT_OK;
		if (fds[2].revents == 0)
			continue;
		if (len == sizeof(text) - 1 || read(input, text + len, 1) != 1)
			return BW_EXIT_OK;
		text[++len] = '\0';
		if ((end = strchr(text, '\n')) == NULL)
			continue;
		*end = '\0';
		if (!take_line(seat, text))
			(void)printf("not understood: %s\n", text);
		(void)fflush(stdout);
		len = 0;
	}
}

static int inputs[2];

static int judge_run(struct bw_seat *seat)
{
	return stand_in(seat, inputs[0]);
}

static int scribe_run(struct bw_seat *seat)
{
	return stand_in(seat, inputs[1]);
}

static const struct bw_worker workers[] = {
	{ "judge", judge_run, BW_MAY_COMPUTE },
	{ "scribe", scribe_run, BW_MAY_COMPUTE },
	{ "hand", bw_hand_run, 0 },
	{ NULL, NULL, 0 },
};
static const struct bw_link links[] = { { "judge", "hand" }, { "scribe", "hand" }, { NULL, NULL } };

static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	(void)shared;
	out[0] = guard.board->fd;
	out[1] = bw_index_fd(guard.index);
	out[2] = inputs[strcmp(who->name, "judge") == 0 ? 0 : 1];
	return strcmp(who->name, "hand") == 0 ? 2 : 3;
}

static void ready(void *shared, struct bw_crew *crew)
{
	(void)shared;
	(void)crew;
	(void)printf("ready\n");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(SETTINGS_BYTES);
	const struct bw_crew_plan plan = {
		.workers = workers, .links = links, .shared = &guard, .keep = keep, .ready = ready
	};
	struct bw_shared board;
	struct bw_why why = { 0 };

	if (argc != 4) {
		(void)fprintf(stderr, "guard_hand DATA FD-OF-JUDGE FD-OF-SCRIBE\n");
		return BW_EXIT_USAGE;
	}
	guard.data = argv[1];
	inputs[0] = atoi(argv[2]);
	inputs[1] = atoi(argv[3]);
	guard.board = &board;
	if (bw_guard_settings_load(argv[1], &arena, &guard.settings, &why) != BW_OK ||
	    bw_shared_new("board", sizeof(struct bw_guard_board), &board) != BW_OK ||
	    bw_index_new(1, &guard.index) != BW_OK || bw_crew_run(&plan, &why) != BW_OK) {
		(void)fprintf(stderr, "guard_hand: %s\n", why.text);
		return BW_EXIT_FAILED;
	}
	return BW_EXIT_OK;
}
