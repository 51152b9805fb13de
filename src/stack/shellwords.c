/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shellwords: quotes and backslashes as docker compose reads them: nearly a shell's (POSIX, 2.2 Quoting), but a backslash
 * means the same between double quotes, and \\n and \\t have the meaning of C. Called for `command` and `entrypoint` given as
 * one string. Pure.
 */
#include "stack/shellwords.h"

/* Behind a backslash. */
static const char *take_escaped(const char *s, struct buf *word)
{
	buf_putc(word, (char)(*s == 'n' ? '\n' : *s == 't' ? '\t' : *s));
	return s + 1;
}

static const char *take_quoted(const char *s, char quote, struct buf *word)
{
	while (*s && *s != quote) {
		if (quote == '"' && *s == '\\' && s[1])
			s = take_escaped(s + 1, word);
		else
			buf_putc(word, *s++);
	}
	return *s ? s + 1 : NULL;
}

/* `...` and $(...) are for a shell in the container: one word with all blanks and quotes in it. */
static const char *take_command(const char *s, char end, struct buf *word)
{
	do {
		if (*s == '\\' && s[1])
			buf_putc(word, *s++);
		buf_putc(word, *s++);
	} while (*s && *s != end && !(*s == '(' && end == ')'));
	if (*s != end)
		return NULL;
	buf_putc(word, end);
	return s + 1;
}

/* One word up to the blank behind it. NULL: *ret_operator is what is not closed, or does not belong there. */
static const char *take_word(const char *s, struct buf *word, char *ret_operator)
{
	char begin = '\0';

	while (s && *s && !strchr(" \t\r\n", *s)) {
		bool dollar = word->len && word->data[word->len - 1] == '$';

		begin = *s;
		if (begin == '\'' || begin == '"')
			s = take_quoted(s + 1, begin, word);
		else if (begin == '`' || (begin == '(' && dollar))
			s = take_command(s, begin == '(' ? ')' : begin, word);
		else if (begin == '(' || begin == ')' || (begin == '\\' && !s[1]))
			s = NULL;
		else if (begin == '\\')
			s = take_escaped(s + 1, word);
		else {
			if (strchr(";&|<>", begin))
				*ret_operator = begin;
			buf_putc(word, *s++);
		}
	}
	if (!s)
		*ret_operator = begin;
	return s;
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
		buf_cut(&word, 0);
		s = take_word(s, &word, ret_operator);
		if (!s)
			return -1;
		vec_push(words, arena_strndup(arena, buf_str(&word), word.len));
	}
}
