#include "crypto/secret_input.h"

#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "sys/files.h"

enum { GROUPS = 6, GROUP_CHARS = 5 };

static enum bw_err keep(struct bw_slice text, const char *name, size_t max, struct bw_secret *out, struct bw_why *why)
{
	if (text.len > 0 && text.ptr[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.ptr[text.len - 1] == '\r')
		text.len--;
	if (text.len == 0)
		return bw_why_set(why, BW_ERR_RANGE, "the secret in %s is empty", name);
	if (text.len > max)
		return bw_why_set(why, BW_ERR_TOO_BIG, "the secret in %s is longer than %zu bytes", name, max);
	if (memchr(text.ptr, '\n', text.len) != NULL || memchr(text.ptr, 0, text.len) != NULL)
		return bw_why_set(why, BW_ERR_RANGE, "the secret in %s is more than one line", name);
	return bw_secret_set(out, text);
}

/* One line, byte by byte: what stands behind it is not ours to take. */
static enum bw_err read_line(struct bw_buf *out)
{
	for (;;) {
		uint8_t c;
		const ssize_t got = read(STDIN_FILENO, &c, 1);

		BW_NEED(got >= 0, IO);
		if (got == 0 || c == '\n')
			return BW_OK;
		BW_TRY(bw_buf_add_u8(out, c));
	}
}

static enum bw_err read_unseen(const char *prompt, struct bw_buf *out)
{
	struct termios as_it_was;
	struct termios unseen;
	enum bw_err err;

	BW_NEED(tcgetattr(STDIN_FILENO, &as_it_was) == 0, IO);
	unseen = as_it_was;
	unseen.c_lflag &= ~(tcflag_t)ECHO;
	(void)fprintf(stderr, "%s: ", prompt);
	BW_NEED(tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0, IO);
	err = read_line(out);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was);
	(void)fputc('\n', stderr);
	return err;
}

enum bw_err bw_secret_from_stdin(const char *prompt, size_t max, struct bw_secret *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf text = BW_BUF_INIT(max + 2);
	enum bw_err err;

	/* all at once: growing would leave copies behind */
	BW_TRY(bw_buf_reserve(&text, max + 2));
	err = isatty(STDIN_FILENO) == 1 ? read_unseen(prompt, &text)
					: bw_file_read_fd(STDIN_FILENO, "standard input", &text, why);
	if (err == BW_ERR_TOO_BIG)
		return bw_why_set(why, err, "the secret in standard input is longer than %zu bytes", max);
	BW_TRY(err);
	return keep(bw_buf_slice(&text), "standard input", max, out, why);
}

enum bw_err bw_secret_from_file(const char *path, size_t max, struct bw_secret *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf text = BW_BUF_INIT(max + 2);
	char name[BW_WHY_BYTES / 2];

	BW_TRY(bw_buf_reserve(&text, max + 2));
	BW_TRY(bw_file_or_pipe_read(path, &text, why));
	(void)snprintf(name, sizeof(name), "'%s'", path);
	return keep(bw_buf_slice(&text), name, max, out, why);
}

enum bw_err bw_passphrase_make(struct bw_secret *out)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[GROUPS * GROUP_CHARS];

	bw_random(random, sizeof(random));
	BW_TRY(bw_secret_make(out, sizeof(random) + GROUPS - 1));
	for (size_t i = 0, at = 0; i < sizeof(random); i++) {
		if (i > 0 && i % GROUP_CHARS == 0)
			out->ptr[at++] = '-';
		out->ptr[at++] = (uint8_t)alphabet[random[i] & 31];
	}
	explicit_bzero(random, sizeof(random));
	return BW_OK;
}
