/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node: what a scalar means, and looking into maps. Called by the parser and by all readers of the
 * tree. Pure.
 */
#include <ctype.h>

#include "stack/node.h"

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

static const char *skip_digits(const char *s, const char *digits)
{
	while (*s && strchr(digits, *s))
		s++;
	return s;
}

/*
 * 12, 0x1f, 0o17, 0b11, 0777, 1_000, 1.5, .5, 1e3, with a sign; and YAML's words for the odd
 * floats.
 */
static bool is_number(const char *s)
{
	static const char *const odd[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN" };
	static const struct {
		char letter;
		const char *digits;
	} bases[] = {
		{ 'x', "0123456789abcdefABCDEF_" },
		{ 'o', "01234567_" },
		{ 'b', "01_" },
	};
	const char *whole, *fraction = NULL;

	s += *s == '-' || *s == '+';
	if (is_one_of(s, odd, ARRAY_LEN(odd)))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++)
		if (s[0] == '0' && s[1] == bases[i].letter)
			return s[2] && !*skip_digits(s + 2, bases[i].digits);
	if (!isdigit((unsigned char)s[0]) && !(s[0] == '.' && isdigit((unsigned char)s[1])))
		return false;
	whole = skip_digits(s, "0123456789_");
	if (*whole == '.')
		whole = fraction = skip_digits(whole + 1, "0123456789_");
	if (*whole == 'e' || *whole == 'E') {
		whole += 1 + (whole[1] == '-' || whole[1] == '+');
		return isdigit((unsigned char)*whole) && !*skip_digits(whole, "0123456789");
	}
	return !*whole && (!fraction || fraction > s);
}

enum node_kind node_plain_kind(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const truths[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	if (is_one_of(text, nulls, ARRAY_LEN(nulls)))
		return NODE_NULL;
	if (is_one_of(text, truths, ARRAY_LEN(truths)))
		return NODE_BOOL;
	return is_number(text) ? NODE_NUMBER : NODE_STRING;
}

const char *node_kind_text(enum node_kind kind)
{
	switch (kind) {
	case NODE_NULL:
		return "empty";
	case NODE_BOOL:
		return "a truth value";
	case NODE_NUMBER:
		return "a number";
	case NODE_STRING:
		return "a string";
	case NODE_LIST:
		return "a list";
	case NODE_MAP:
		return "a map";
	}
	return "nothing";
}

const struct node_pair *node_find(const struct node *map, const char *key)
{
	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++)
		if (!strcmp(map->pairs[i].key, key))
			return &map->pairs[i];
	return NULL;
}
