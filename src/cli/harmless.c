/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * harmless: text of a container on its way to a terminal. A log line must not move the cursor, set the title, or make the
 * terminal answer; colours are welcome. Pure.
 */
#include "cli/term.h"

/* Length of the SGR sequence `ESC [ digits ; : m` (ECMA-48, 8.3.117) that starts here, or 0. */
static size_t sgr_length(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (i < len && i < 64 && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';' || s[i] == ':'))
		i++;
	return i < len && s[i] == 'm' ? i + 1 : 0;
}

/* Length of the correct UTF-8 character that starts here, but of none that is a C1 control; or 0. */
static size_t utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t need = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (!need || len < need)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if (s[0] == 0xc2 && s[1] < 0xa0) /* U+0080 to U+009F */
		return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90)) /* longer than needed */
		return 0;
	if ((s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf4 && s[1] >= 0x90)) /* surrogates, beyond U+10FFFF */
		return 0;
	return need;
}

/* Marks that turn the direction of the text behind them (Unicode, UAX 9): a line would read as something else. */
static bool turns_text(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	return len == 3 && s[0] == 0xe2 &&
	       ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) || /* U+202A to U+202E */
		(s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));  /* U+2066 to U+2069 */
}

static void add_visible(unsigned char c, struct buf *out)
{
	if (c < ' ' || c == 0x7f)
		buf_printf(out, "^%c", c ^ 0x40);
	else
		buf_printf(out, "\\x%02x", c);
}

bool cli_harmless(const char *text, size_t len, bool colour, struct buf *out)
{
	bool passed = false;

	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];
		size_t sgr = sgr_length(text + i, len - i);
		size_t n = c == '\t' || (c >= ' ' && c < 0x7f) ? 1 : utf8_length(text + i, len - i);

		if (turns_text(text + i, n))
			n = 0;
		if (sgr) {
			if (colour)
				buf_add(out, text + i, sgr);
			passed |= colour;
			i += sgr;
		} else if (n) {
			buf_add(out, text + i, n);
			i += n;
		} else {
			/* The carriage return of a CR LF line is no news. */
			if (c != '\r' || i + 1 < len)
				add_visible(c, out);
			i++;
		}
	}
	return passed;
}
