/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err: filling in the one error type. Called by every room; the child of a container uses it
 * between clone and exec, so nothing here may allocate, take a lock or look up a locale.
 */
#include <ctype.h>
#include <stdio.h>

#include "mstack/base.h"

/* Clips `text` so that `tail` fits behind it: the why of an error matters more than its middle. */
static void append_tail(char *text, size_t size, const char *tail)
{
	size_t len = strlen(tail);
	size_t at = strnlen(text, len < size ? size - 1 - len : 0);

	text[at] = '\0';
	strncat(text, tail, size - 1 - at);
}

/* One line, whatever a file name or an image had in it. */
static void make_one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* The arguments may point into err->text itself, so the text is put together beside it. */
static int fill(struct err *err, int sys, enum err_kind kind, const char *fmt, va_list ap)
{
	char text[sizeof(err->text)];

	if (!err)
		return -1;
	vsnprintf(text, sizeof(text), fmt, ap);
	if (sys) {
		const char *why = strerrordesc_np(sys);
		char tail[96];

		if (why)
			snprintf(tail, sizeof(tail), ": %s", why);
		else
			snprintf(tail, sizeof(tail), ": error %d", sys);
		/* "Invalid argument" is lowered, "RFS specific error" is not. */
		if (islower((unsigned char)tail[3]))
			tail[2] = (char)tolower((unsigned char)tail[2]);
		append_tail(text, sizeof(text), tail);
	}
	make_one_line(text);
	*err = (struct err){ .sys = sys, .kind = kind };
	memcpy(err->text, text, sizeof(text));
	return -1;
}

/* Names in brackets: for an analyzer they are macros. */
int (err_set)(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, 0, ERR_RUN, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_sys)(struct err *err, int sys, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, sys, ERR_RUN, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_kind)(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(err, 0, kind, fmt, ap);
	va_end(ap);
	return -1;
}

int (err_wrap)(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->text)], tail[sizeof(err->text)];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Full to the brim: the prefix keeps at least a third, the old text loses its end. */
	snprintf(tail, sizeof(tail), ": %.*s", (int)(sizeof(tail) * 2 / 3), err->text);
	append_tail(text, sizeof(text), tail);
	make_one_line(text);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_exit_code(const struct err *err)
{
	static const uint8_t codes[] = {
		[ERR_RUN] = 1,	    [ERR_USAGE] = 2,	[ERR_STACK] = 3,
		[ERR_SERVICE] = 4,  [ERR_TIMEOUT] = 5,	[ERR_LEFTOVER] = 6,
		[ERR_CREATE] = 125, [ERR_NOEXEC] = 126, [ERR_NOTFOUND] = 127,
	};

	return err->kind < ARRAY_LEN(codes) ? codes[err->kind] : 1;
}
