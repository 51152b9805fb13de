/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shellwords: quotes and backslashes as in a POSIX shell (2.2, Quoting), nothing else. Called for
 * `command` and `entrypoint` given as one string. Pure.
 */
#include "stack/shellwords.h"

static const char *take_quoted(const char *s, char quote, struct buf *word)
{
	for (; *s && *s != quote; s++) {
		/* Between double quotes a backslash is special only before these. */
		if (quote == '"' && *s == '\\' && s[1] && strchr("\"\\$`\n", s[1]))
			s++;
		buf_putc(word, *s);
	}
	return *s ? s + 1 : NULL;
}

int shellwords_split(struct arena *arena, const char *text, struct shellwords *words,
		     char *ret_operator)
{
	_cleanup_(buf_fini) struct buf word = { 0 };
	const char *s = text;

	*ret_operator = '\0';
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (!*s)
			return 0;
		if (words->n == SHELLWORDS_MAX)
			return -2;
		word.len = 0;
		while (s && *s && !strchr(" \t\r\n", *s)) {
			if (*s == '\'' || *s == '"') {
				s = take_quoted(s + 1, *s, &word);
				continue;
			}
			if (strchr(";&|<>", *s))
				*ret_operator = *s;
			s += *s == '\\' && s[1];
			buf_putc(&word, *s++);
		}
		if (!s)
			return -1;
		vec_push(words, arena_strndup(arena, buf_str(&word), word.len));
	}
}
