#include "sys/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum bw_err bw_why_set(struct bw_why *why, enum bw_err err, const char *fmt, ...)
{
	va_list args;

	if (why == NULL)
		return err;
	va_start(args, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return err;
}

enum bw_err bw_why_errno(struct bw_why *why, int saved_errno, const char *verb, const char *subject)
{
	const enum bw_err err = bw_err_from_errno(saved_errno);
	const char *words = bw_err_text(err);

	/* SYSTEM has no words of its own; the C library's are better than none */
	if (err == BW_ERR_SYSTEM)
		words = strerror(saved_errno);
	return bw_why_set(why, err, "cannot %s '%s': %s", verb, subject, words);
}

enum bw_err bw_why_doing(struct bw_why *why, enum bw_err err, const char *doing)
{
	const int last = bw_err_last_errno();

	if (err == BW_OK || why == NULL || why->text[0] != '\0')
		return err;
	if (err == BW_ERR_SYSTEM && last != 0)
		return bw_why_set(why, err, "cannot %s: %s (what the kernel said last: %s)", doing, bw_err_text(err),
				  strerror(last));
	return bw_why_set(why, err, "cannot %s: %s", doing, bw_err_text(err));
}
