/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * utf8: reading characters, and knowing the ones that do not belong into a message or a file that people look at. Called by
 * diag and emitter. Pure; knows no locale.
 */
#include "stack/utf8.h"
#include "mstack/base.h"

size_t utf8_decode(const char *text, uint32_t *ret)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	const unsigned char *s = (const unsigned char *)text;

	for (size_t len = 1; len <= ARRAY_LEN(forms); len++) {
		uint32_t c = s[0] & ~(uint32_t)forms[len - 1].mask;

		if ((s[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		for (size_t i = 1; i < len; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < forms[len - 1].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return 0;
		*ret = c;
		return len;
	}
	return 0;
}

/* From the Unicode categories Cc, Cf, Zl and Zp, and what is no character. */
bool utf8_is_hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0x9f },	{ 0xad, 0xad },	    { 0x61c, 0x61c },
		{ 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges) && ranges[i].first <= c; i++)
		if (c <= ranges[i].last)
			return true;
	return false;
}
