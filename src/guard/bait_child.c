#include "guard/bait_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "sys/files.h"
#include "sys/sandbox.h"

enum { ASK_BYTES = 1 + BW_SIPHASH_KEY_BYTES + 4, ANSWER_BYTES = 5, MEMORY_MAX = 256 * 1024 * 1024 };

/* ---- both sides ------------------------------------------------------------------------------------- */

static enum bw_err read_exactly(int fd, uint8_t *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		const ssize_t got = read(fd, out + have, len - have);

		if (got < 0 && errno == EINTR)
			continue;
		BW_NEED(got > 0, CLOSED);
		have += (size_t)got;
	}
	return BW_OK;
}

static enum bw_err read_bytes(int fd, size_t len, struct bw_buf *out)
{
	BW_TRY(bw_buf_reserve(out, len));
	BW_TRY(read_exactly(fd, out->ptr + out->len, len));
	out->len += len;
	return BW_OK;
}

/* ---- the child ---------------------------------------------------------------------------------------- */

static enum bw_err serve_one(int in, int out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf model = BW_BUF_INIT(BW_BAIT_MODEL_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf made = BW_BUF_INIT(BW_BAIT_BYTES_MAX + ANSWER_BYTES);
	struct bw_bait_dice dice = { .rolled = 0 };
	uint8_t ask[ASK_BYTES];
	struct bw_cursor c = bw_cursor_over(bw_slice_of(ask, sizeof(ask)));
	struct bw_slice key;
	uint32_t len;
	uint8_t kind;
	enum bw_err err;

	BW_TRY(read_exactly(in, ask, sizeof(ask)));
	BW_TRY(bw_take_u8(&c, &kind));
	BW_TRY(bw_take(&c, sizeof(dice.key), &key));
	BW_TRY(bw_take_be32(&c, &len));
	memcpy(dice.key, key.ptr, key.len);
	BW_TRY(read_bytes(in, len, &model));
	err = bw_bait_form((enum bw_bait_kind)kind, bw_buf_slice(&model), &dice, &made);
	if (err != BW_OK)
		bw_buf_clear(&made);
	bw_buf_clear(&model);
	BW_TRY(bw_buf_add_u8(&model, (uint8_t)err));
	BW_TRY(bw_buf_add_be32(&model, (uint32_t)made.len));
	BW_TRY(bw_fd_write(out, bw_buf_slice(&model)));
	return made.len > 0 ? bw_fd_write(out, bw_buf_slice(&made)) : BW_OK;
}

static BW_NORETURN void live(int in, int out, pid_t parent)
{
	const struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_MAX };
	struct bw_sandbox_granted granted;

	(void)signal(SIGINT, SIG_IGN); /* the terminal's Ctrl-C is for the parent */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(1);
	if (bw_sandbox_enter(BW_MAY_COMPUTE, &paths, &granted, NULL) != BW_OK)
		_exit(1);
	while (serve_one(in, out) == BW_OK)
		;
	_exit(0);
}

/* ---- the parent ------------------------------------------------------------------------------------------ */

static void close_both(const int fds[2])
{
	(void)close(fds[0]);
	(void)close(fds[1]);
}

enum bw_err bw_bait_child_start(struct bw_bait_child *out, struct bw_why *why)
{
	const pid_t parent = getpid();
	int to[2];
	int from[2];
	pid_t pid;

	*out = (struct bw_bait_child){ .pid = -1, .to = -1, .from = -1 };
	if (pipe2(to, O_CLOEXEC) != 0)
		return bw_why_errno(why, errno, "start", "the maker of bait");
	if (pipe2(from, O_CLOEXEC) != 0) {
		close_both(to);
		return bw_why_errno(why, errno, "start", "the maker of bait");
	}
	(void)fflush(NULL); /* or the child would print it again */
	pid = fork();
	if (pid == 0) {
		(void)close(to[1]);
		(void)close(from[0]);
		live(to[0], from[1], parent);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	*out = (struct bw_bait_child){ pid, to[1], from[0] };
	if (pid < 0) {
		bw_bait_child_stop(out);
		return bw_why_errno(why, EAGAIN, "start", "the maker of bait");
	}
	return BW_OK;
}

void bw_bait_child_stop(struct bw_bait_child *child)
{
	if (child->to >= 0)
		(void)close(child->to);
	if (child->from >= 0)
		(void)close(child->from);
	if (child->pid > 0) {
		(void)kill(child->pid, SIGKILL); /* it holds nothing that could be lost */
		(void)waitpid(child->pid, NULL, 0);
	}
	*child = (struct bw_bait_child){ .pid = -1, .to = -1, .from = -1 };
}

static enum bw_err ask(const struct bw_bait_child *child, enum bw_bait_kind kind, struct bw_slice model,
		       struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(ASK_BYTES);
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	uint8_t answer[ANSWER_BYTES];
	struct bw_cursor c = bw_cursor_over(bw_slice_of(answer, sizeof(answer)));
	uint32_t len;
	uint8_t err;

	bw_random(key, sizeof(key));
	BW_TRY(bw_buf_add_u8(&words, (uint8_t)kind));
	BW_TRY(bw_buf_add(&words, bw_slice_of(key, sizeof(key))));
	BW_TRY(bw_buf_add_be32(&words, (uint32_t)model.len));
	BW_TRY(bw_fd_write(child->to, bw_buf_slice(&words)));
	BW_TRY(bw_fd_write(child->to, model));
	BW_TRY(read_exactly(child->from, answer, sizeof(answer)));
	BW_TRY(bw_take_u8(&c, &err));
	BW_TRY(bw_take_be32(&c, &len));
	BW_NEED(err < BW_ERR_COUNT && len <= BW_BAIT_BYTES_MAX && (err == BW_OK) == (len > 0), PROTOCOL);
	return err == BW_OK ? read_bytes(child->from, len, out) : (enum bw_err)err;
}

enum bw_err bw_bait_child_form(struct bw_bait_child *child, enum bw_bait_kind kind, struct bw_slice model,
			       struct bw_buf *out)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	enum bw_err err;

	BW_NEED(model.len <= BW_BAIT_MODEL_BYTES_MAX, UNSUPPORTED);
	(void)sigaction(SIGPIPE, &ignore, &before); /* it may be gone: that is an answer too */
	err = ask(child, kind, model, out);
	(void)sigaction(SIGPIPE, &before, NULL);
	if (err != BW_ERR_CLOSED && err != BW_ERR_IO && err != BW_ERR_SYSTEM)
		return err;
	bw_bait_child_stop(child);
	BW_TRY(bw_bait_child_start(child, NULL));
	return BW_ERR_UNSUPPORTED;
}
