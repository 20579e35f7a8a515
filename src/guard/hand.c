/*
 * The hand is the only worker that starts programs, and only those: smbstatus, smbcontrol, pdbedit, smbpasswd, nft,
 * sendmail, the hook that root named, and this program's own `import`. It parses nothing but the small forms of
 * guard/hand_form.h and guard/report_form.h, the flags of an account (pdbedit) and the kernel's tables of connections;
 * it passes on what Samba says of sessions as Samba said it.
 *
 * It cannot be put behind a seccomp list or Landlock rules, which its programs would inherit. Instead it gives up, for
 * them and for itself, every capability that is not needed, and the way to get others back. What it holds itself and
 * they do not is CAP_SYS_PTRACE: without it the kernel does not tell the connection of an smbd child (hand_peer.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/hand_parts.h"
#include "guard/report_form.h"
#include "sys/clock.h"

enum { SAID_BYTES = 256 * 1024, HELP_MS = 5000, GONE_WAIT_MS = 20, URGENT = -10 };

static const char *const peers[] = { "judge", "scribe" };

/* ---- speaking ------------------------------------------------------------------------------ */

void hand_tell(struct hand *hand, const char *peer, uint8_t kind, struct bw_slice body, int pass_fd)
{
	struct bw_channel *channel = bw_seat_peer(hand->seat, peer, 0);
	enum bw_err err = channel == NULL ? BW_ERR_CLOSED : bw_channel_put(channel, kind, body, pass_fd);

	if (err == BW_OK)
		err = bw_channel_flush(channel);
	if (err != BW_OK && err != BW_ERR_AGAIN)
		bw_log(BW_WARNING, "a worker could not be told", BW_TEXT("to", peer), BW_NUM("what", kind));
}

/* ---- what may be asked: who asks, what for ----------------------------------------------------- */

static enum bw_err take_who(struct hand *hand, struct bw_slice body)
{
	struct bw_who who;

	BW_TRY(bw_who_parse(body, &who));
	if (who.pid != 0)
		hand_peer(hand, &who);
	else
		hand->samba.wanted = true;
	return BW_OK;
}

static enum bw_err take_keep_out(struct hand *hand, struct bw_slice body)
{
	struct bw_keep_out what;

	BW_TRY(bw_keep_out_parse(body, &what));
	hand_keep_out(hand, &what);
	return BW_OK;
}

static enum bw_err take_freeze(struct hand *hand, struct bw_slice body)
{
	struct bw_freeze what;

	BW_TRY(bw_freeze_parse(body, &what));
	hand_freeze(hand, &what);
	return BW_OK;
}

static enum bw_err take_lift(struct hand *hand, struct bw_slice body)
{
	uint64_t incident;

	BW_TRY(bw_lift_parse(body, &incident));
	hand_lift(hand, incident);
	return BW_OK;
}

static enum bw_err take_notice(struct hand *hand, struct bw_slice body)
{
	struct bw_notice notice;

	BW_TRY(bw_notice_parse(body, &notice));
	hand_post_take(hand, body);
	return BW_OK;
}

static enum bw_err take_share(struct hand *hand, struct bw_slice body)
{
	struct bw_report_word word;

	BW_TRY(bw_report_word_parse(body, BW_REPORT_SHARE, &word));
	hand_share_take(hand, word.incident, word.number);
	return BW_OK;
}

static enum bw_err take_image(struct hand *hand, struct bw_slice body)
{
	struct bw_image image;

	BW_TRY(bw_image_parse(body, &image));
	hand_image(hand, &image);
	return BW_OK;
}

static const struct {
	const char *from;
	uint8_t kind;
	enum bw_err (*take)(struct hand *hand, struct bw_slice body);
} asks[] = {
	{ "judge", BW_RECORD_WHO, take_who },       { "judge", BW_RECORD_KEEP_OUT, take_keep_out },
	{ "judge", BW_RECORD_FREEZE, take_freeze }, { "judge", BW_RECORD_LIFT, take_lift },
	{ "scribe", BW_RECORD_LIFT, take_lift },    { "scribe", BW_RECORD_NOTICE, take_notice },
	{ "scribe", BW_REPORT_SHARE, take_share },  { "judge", BW_REPORT_IMAGE, take_image },
};

static enum bw_err take_frame(struct hand *hand, const char *peer, const struct bw_frame *frame)
{
	for (size_t i = 0; i < BW_COUNT(asks); i++) {
		if (asks[i].kind == frame->kind && strcmp(asks[i].from, peer) == 0)
			return asks[i].take(hand, frame->body);
	}
	return BW_ERR_PROTOCOL;
}

/* False when nothing more comes from this channel. */
static bool hear_peer(struct hand *hand, const char *peer)
{
	struct bw_channel *channel = bw_seat_peer(hand->seat, peer, 0);
	struct bw_frame frame;
	enum bw_err err;

	if (channel == NULL)
		return false;
	err = bw_channel_fill(channel);
	while (err == BW_OK || err == BW_ERR_AGAIN) {
		err = bw_channel_next(channel, &frame, NULL);
		if (err == BW_OK)
			err = take_frame(hand, peer, &frame);
		else if (err == BW_ERR_AGAIN)
			return true;
	}
	if (err == BW_ERR_CLOSED)
		return false; /* it ended: the parent starts it again */
	bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", peer), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(hand->seat, peer, 0)); /* without a parent the next turn ends us */
	return false;
}

/* ---- the loop ------------------------------------------------------------------------------------ */

/* False when it is time to go. */
static bool hear_parent(struct hand *hand)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(hand->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER) {
			bw_channel_free(event.old);
			if (strcmp(event.peer.name, "judge") == 0)
				hand->samba.wanted = true; /* a new judge knows nobody */
		} else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0) {
			(void)close(event.fd);
		}
	}
}

enum {
	AT_PARENT,
	AT_PEERS,
	AT_SAMBA = AT_PEERS + BW_COUNT(peers),
	AT_POST = AT_SAMBA + 2,
	AT_WORK = AT_POST + 2,
	AT_SHARE = AT_WORK + 2,
	AT_END = AT_SHARE + 2
};

static void wish(const struct hand *hand, struct pollfd out[AT_END])
{
	out[AT_PARENT] = (struct pollfd){ .fd = bw_seat_fd(hand->seat), .events = POLLIN };
	for (size_t i = 0; i < BW_COUNT(peers); i++) {
		const struct bw_channel *channel = bw_seat_peer(hand->seat, peers[i], 0);
		struct pollfd *fd = &out[AT_PEERS + i];

		*fd = (struct pollfd){ .fd = channel == NULL ? -1 : bw_channel_fd(channel), .events = POLLIN };
		if (channel != NULL && bw_channel_has_output(channel))
			fd->events |= POLLOUT;
	}
	out[AT_SAMBA] = (struct pollfd){ .fd = hand->samba.run.pid_fd, .events = POLLIN };
	out[AT_SAMBA + 1] = (struct pollfd){ .fd = hand->samba.run.out_fd, .events = POLLIN };
	out[AT_POST] = (struct pollfd){ .fd = hand->post.run.pid_fd, .events = POLLIN };
	out[AT_POST + 1] = (struct pollfd){ .fd = hand->post.run.out_fd, .events = POLLIN };
	out[AT_WORK] = (struct pollfd){ .fd = hand->work.run.pid_fd, .events = POLLIN };
	out[AT_WORK + 1] = (struct pollfd){ .fd = hand->work.run.out_fd, .events = POLLIN };
	out[AT_SHARE] = (struct pollfd){ .fd = hand->share.run.pid_fd, .events = POLLIN };
	out[AT_SHARE + 1] = (struct pollfd){ .fd = hand->share.run.out_fd, .events = POLLIN };
}

static int wait_ms(const struct hand *hand, int64_t due_us)
{
	const int64_t now_us = bw_clock_mono_us();
	const int64_t undo_in_us = bw_hand_book_next_us(&hand->book) - bw_clock_now_us();
	int64_t left_us = due_us - now_us;

	left_us = undo_in_us < left_us ? undo_in_us : left_us;
	if (left_us <= 0)
		return 0;
	/* a minute at most: the wall clock may jump */
	return left_us > 60 * 1000 * 1000 ? 60 * 1000 : (int)(left_us / 1000) + 1;
}

static int64_t do_what_is_due(struct hand *hand)
{
	const int64_t samba_us = hand_samba_turn(hand);
	const int64_t post_us = hand_post_turn(hand);
	const int64_t share_us = hand_share_turn(hand);
	int64_t first_us = samba_us < post_us ? samba_us : post_us;
	int64_t work_us;

	hand_expire(hand);
	work_us = hand_work_turn(hand);
	first_us = first_us < work_us ? first_us : work_us;
	return first_us < share_us ? first_us : share_us;
}

static bool turn(struct hand *hand)
{
	struct pollfd fds[AT_END];
	const int64_t due_us = do_what_is_due(hand);
	bool gone = false;

	wish(hand, fds);
	if (poll(fds, AT_END, wait_ms(hand, due_us)) < 0)
		return errno == EINTR;
	for (size_t i = 0; i < BW_COUNT(peers); i++) {
		const short got = fds[AT_PEERS + i].revents;

		if ((got & POLLOUT) != 0)
			bw_err_drop(bw_channel_flush(bw_seat_peer(hand->seat, peers[i], 0))); /* reading tells */
		if ((got & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0 && !hear_peer(hand, peers[i]))
			gone = true;
	}
	if (gone) /* a channel that is no good any more stays readable until the parent has sent another */
		(void)poll(fds, 1, GONE_WAIT_MS);
	return fds[AT_PARENT].revents == 0 || hear_parent(hand);
}

/* ---- start and end --------------------------------------------------------------------------------- */

/*
 * What nft, smbstatus, smbcontrol, smbpasswd and mail need of root: the network's tables, other people's files, signals
 * to processes. no_new_privs gives a program at most what we are permitted, the bounding set at most what is in it.
 */
static const int for_programs[] = { CAP_NET_ADMIN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_KILL,
				    CAP_SETUID,    CAP_SETGID,       CAP_CHOWN,           CAP_FOWNER };

static bool is_for_programs(int cap)
{
	for (size_t i = 0; i < BW_COUNT(for_programs); i++) {
		if (for_programs[i] == cap)
			return true;
	}
	return false;
}

/*
 * Ours: a data folder that is another user's, cgroups by handle, SIGCONT, the connections of smbd's children. Only
 * these are in effect; what programs need is merely permitted.
 */
static bool keep_own(void)
{
	const uint32_t own = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_KILL | 1u << CAP_SYS_PTRACE;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { .effective = own, .permitted = own } };

	for (size_t i = 0; i < BW_COUNT(for_programs); i++)
		sets[0].permitted |= 1u << for_programs[i];
	return syscall(SYS_capset, &head, sets) == 0;
}

static enum bw_err confine(struct bw_why *why)
{
	const struct rlimit no_core = { 0, 0 };
	bool dropped = true;

	for (int cap = 0; cap <= CAP_LAST_CAP && dropped; cap++)
		dropped = is_for_programs(cap) || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0 || errno == EINVAL;
	if (!dropped || !keep_own())
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused to drop capabilities");
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel did not grant no_new_privs");
	return BW_OK;
}

static void find(const char *name, char out[BW_PATH_BYTES])
{
	const enum bw_err err = bw_program_find(name, out);

	if (err == BW_OK)
		return;
	out[0] = '\0';
	bw_log(err == BW_ERR_DENIED ? BW_WARNING : BW_INFO, "a program is not there", BW_TEXT("program", name),
	       BW_TEXT("why", err == BW_ERR_DENIED ? "others than root may change it" : bw_err_text(err)));
}

static bool knows_ending_by_address(const struct hand *hand)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(0);
	const struct bw_program help = { .path = hand->smbcontrol,
					 .words = { "--help", NULL },
					 .output_max = SAID_BYTES,
					 .timeout_ms = HELP_MS,
					 .errors_too = true };
	int status;

	return hand->smbcontrol[0] != '\0' && bw_program_whole(&help, &said, &status) == BW_OK &&
	       strstr(bw_buf_text(&said), "kill-client-ip") != NULL;
}

static enum bw_err begin(struct hand *hand, struct bw_why *why)
{
	hand->samba.run = BW_PROGRAM_NONE;
	hand->samba.wanted = true;
	hand->post.run = BW_PROGRAM_NONE;
	hand->work.run = BW_PROGRAM_NONE;
	hand->share.run = BW_PROGRAM_NONE;
	hand->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hand->proc < 0)
		return bw_why_errno(why, errno, "open", "/proc");
	if (realpath(hand->guard->data, hand->data) == NULL)
		return bw_why_errno(why, errno, "find", hand->guard->data);
	BW_TRY(bw_path_join(hand->book_path, hand->guard->data, "guard/hand"));
	BW_TRY(bw_hand_book_init(&hand->book));
	/* whom a child serves must be read while it lives: a fraction of a second when it attacks */
	if (setpriority(PRIO_PROCESS, 0, URGENT) != 0)
		bw_log(BW_INFO, "the hand gets no priority: on a busy machine it may come late", { 0 });
	BW_TRY(confine(why));
	find("smbstatus", hand->smbstatus);
	find("smbcontrol", hand->smbcontrol);
	find("nft", hand->nft);
	find("pdbedit", hand->pdbedit);
	find("smbpasswd", hand->smbpasswd);
	if (hand->guard->settings.mail != NULL)
		find("sendmail", hand->sendmail);
	hand->ends_by_address = knows_ending_by_address(hand);
	hand_remember(hand);
	hand_hold_again(hand);
	return bw_seat_ready(hand->seat);
}

int bw_hand_run(struct bw_seat *seat)
{
	struct hand *hand = calloc(1, sizeof(*hand));
	struct bw_why why = { 0 };
	enum bw_err err = BW_ERR_MEMORY;

	if (hand != NULL) {
		hand->seat = seat;
		hand->guard = bw_guard_of(seat);
		err = bw_why_doing(&why, begin(hand, &why), "begin");
	}
	if (err != BW_OK) {
		bw_log(BW_ERROR, "hand ends", BW_TEXT("why", why.text));
		free(hand);
		return BW_EXIT_FAILED;
	}
	while (turn(hand))
		;
	bw_program_release(&hand->samba.run);
	bw_program_release(&hand->work.run);
	hand_post_release(hand);
	bw_program_release(&hand->share.run);
	hand_hold_tidy(hand);
	bw_hand_book_release(&hand->book);
	bw_freezer_close(&hand->freezer);
	(void)close(hand->proc);
	free(hand);
	return BW_EXIT_OK;
}
