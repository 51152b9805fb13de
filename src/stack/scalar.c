/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scalar: judges single words for the emitter. YAML readers differ in what they take for a number, a
 * date or a truth value; what any of them might is quoted. Pure.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "stack/scalar.h"
#include "stack/utf8.h"

/* ---- strings --------------------------------------------------------------------------------- */

/* Readers of YAML 1.1 or 1.2 take these for a truth value or for nothing; begins_plain leaves no others over. */
static bool is_word(const char *s)
{
	static const char *const words[] = { "yes", "no",   "on",    "off", "y",
					     "n",   "true", "false", "null" };

	if (strlen(s) > 5 || !strchr("yYnNoOtTfF", *s))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(s, words[i]))
			return true;
	return false;
}

/* Letters that stand in no number and no date, so that 30s and 64m are words. */
static bool has_word_letter(const char *s)
{
	return strpbrk(s, "ghijklmnpqrsuvwyGHIJKLMNPQRSUVWY");
}

static bool begins_plain(const char *s)
{
	unsigned char c = (unsigned char)*s;

	if (isdigit(c))
		return has_word_letter(s);
	if (c == '-')
		return isalpha((unsigned char)s[1 + (s[1] == '-')]);
	if (c == '.')
		return s[1] == '/' || (s[1] == '.' && s[2] == '/');
	return isalpha(c) || c == '/' || c == '_' || c == '$' || c >= 0x80;
}

/* No comment, no key, no blank at the end, nothing that cannot be seen. */
static bool goes_on_plain(const char *s)
{
	uint32_t c;
	size_t len;

	for (const char *at = s; *at; at += len) {
		len = (unsigned char)*at < 0x7f ? 1 : utf8_decode(at, &c);
		if (len == 1)
			c = (unsigned char)*at;
		if (!len || c < ' ' || c == UTF8_LOST ||
		    (c >= 0x7f && (c == 0xa0 || utf8_is_hidden(c))))
			return false;
		if (*at == ':' && (!at[1] || at[1] == ' '))
			return false;
		if (*at == ' ' && (!at[1] || at[1] == '#'))
			return false;
	}
	return true;
}

bool scalar_is_plain(const char *s)
{
	return begins_plain(s) && goes_on_plain(s) && !is_word(s);
}

/*
 * Several lines, none of which ends with a blank that nobody would see, the first of which begins
 * with no blank (YAML would take it for the indent), and at most one line end at the end of all.
 */
bool scalar_has_lines(const char *s)
{
	size_t all = strlen(s);
	uint32_t c;
	size_t len;

	if (!strchr(s, '\n') || isspace((unsigned char)*s))
		return false;
	if (all > 1 && s[all - 1] == '\n' && s[all - 2] == '\n')
		return false;
	for (const char *at = s; *at; at += len) {
		len = utf8_decode(at, &c);
		if (!len || c == UTF8_LOST || (*at != '\n' && *at != '\t' && utf8_is_hidden(c)))
			return false;
		if ((*at == ' ' || *at == '\t') && (!at[1] || at[1] == '\n'))
			return false;
	}
	return true;
}

bool scalar_is_true(const char *s)
{
	return *s && (strchr("tTyY1", *s) || !strcasecmp(s, "on"));
}

/* ---- numbers --------------------------------------------------------------------------------- */

#define NUMBER_MAX 400 /* bytes; longer than the longest double that is written out */

static const char *skip_digits(const char *s)
{
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

static bool is_json_number(const char *s)
{
	const char *end;

	s += *s == '-';
	end = skip_digits(s);
	if (end == s || (*s == '0' && end > s + 1))
		return false;
	if (*end == '.') {
		s = end + 1;
		end = skip_digits(s);
		if (end == s)
			return false;
	}
	if (*end == 'e' || *end == 'E') {
		s = end + 1 + (end[1] == '+' || end[1] == '-');
		end = skip_digits(s);
		if (end == s)
			return false;
	}
	return !*end;
}

/* 0x1f, 0o17, 0b11, 0777: `s` has no sign. False: none of them, or beyond 64 bits. */
static bool put_based(struct buf *out, bool minus, const char *s)
{
	static const char letters[] = "xob", bases[] = { 16, 8, 2 };
	const char *letter = s[0] == '0' && s[1] ? strchr(letters, s[1]) : NULL;
	unsigned long long value;
	char *end;

	if (s[0] != '0' || !s[1] || !isxdigit((unsigned char)s[letter ? 2 : 1]))
		return false;
	errno = 0;
	value = strtoull(s + (letter ? 2 : 1), &end, letter ? bases[letter - letters] : 8);
	if (*end || errno)
		return false;
	buf_printf(out, "%s%llu", minus && value ? "-" : "", value);
	return true;
}

/* .5, 5., 08.1 */
static bool put_float(struct buf *out, const char *s)
{
	char text[32], *end;
	double value = strtod(s, &end);

	if (*end || end == s || !isfinite(value) || strpbrk(s, "xXpPnN"))
		return false;
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	buf_puts(out, text);
	return true;
}

/* Without the underscores and the plus, which only YAML has. */
static bool put_odd(struct buf *out, const char *s)
{
	char text[NUMBER_MAX] = "", *to = text;
	bool minus = *s == '-';

	if (strlen(s) >= sizeof(text))
		return false;
	for (s += *s == '+'; *s; s++)
		if (*s != '_')
			*to++ = *s;
	if (is_json_number(text)) {
		buf_puts(out, text);
		return true;
	}
	return put_based(out, minus, text + minus) || put_float(out, text);
}

bool scalar_put_number(struct buf *out, const char *s)
{
	if (!is_json_number(s))
		return put_odd(out, s);
	buf_puts(out, s);
	return true;
}
