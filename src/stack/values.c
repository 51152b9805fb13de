/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values: texts, truth values, numbers, sizes, durations, lists and maps of strings. Named by the
 * rows of the tables of keys and called by the readers of larger things.
 */
#include <ctype.h>

#include "stack/shellwords.h"
#include "stack/values.h"

bool value_is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

VALUE_READER(value_text)
{
	(void)r;
	(void)w;
	*(struct stack_str *)field = (struct stack_str){ n->text, n->pos };
}

VALUE_READER(value_string)
{
	/* The place is kept in any case: it tells "empty" from "not given". */
	*(struct stack_str *)field = (struct stack_str){ *n->text ? n->text : NULL, n->pos };
	if (!*n->text)
		reader_error(r, w, n->pos, NULL, "must not be empty");
}

/* YAML 1.1 words are strings to us, but what wants a truth value still takes them. */
VALUE_READER(value_bool)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "1" }, *const no[] = {
		"false", "no", "off", "n", "0"
	};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (!strcasecmp(n->text, yes[i]) || !strcasecmp(n->text, no[i])) {
			*(bool *)field = !strcasecmp(n->text, yes[i]);
			if (i)
				reader_warn(r, w, n->pos, "'%s' is taken as %s: write that",
					    n->text, *(bool *)field ? "true" : "false");
			return;
		}
	reader_error(r, w, n->pos, NULL, "'%.80s' is neither true nor false", n->text);
}

/* For keys that need others of the same map: they are read when all of it was seen. */
VALUE_READER(value_later)
{
	(void)r;
	(void)w;
	*(const struct node **)field = n;
}

VALUE_READER(value_not)
{
	bool value = true;

	value_bool(r, w, n, &value);
	*(bool *)field = !value;
}

/* Switches whose "off" is what happens anyway, so that only "on" has to be refused. */
VALUE_READER(value_only_false)
{
	bool value = false;

	(void)field;
	/* `external: {name: x}` is the old way to say true. */
	if (n->kind == NODE_MAP)
		value = true;
	else
		value_bool(r, w, n, &value);
	if (value)
		reader_error(r, w, n->pos, NULL, "true: not supported yet");
}

/* ---- numbers --------------------------------------------------------------------------------- */

int value_parse_int(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	int64_t value = 0;
	int base = 10;

	s += *s == '-' || *s == '+';
	if (!isdigit((unsigned char)*s))
		return -1;
	if (*s == '0' && s[1]) {
		base = s[1] == 'x' ? 16 : s[1] == 'b' ? 2 : 8;
		s += s[1] == 'x' || s[1] == 'b' || s[1] == 'o' ? 2 : 1;
		if (!*s)
			return -1;
	}
	for (; *s; s++) {
		int digit = isdigit((unsigned char)*s) ? *s - '0'
						       : tolower((unsigned char)*s) - 'a' + 10;

		if (*s == '_')
			continue;
		if (digit < 0 || digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return -1;
	}
	*ret = negative ? -value : value;
	return 0;
}

VALUE_READER(value_int)
{
	int64_t value;

	if (value_parse_int(n->text, &value) < 0)
		reader_error(r, w, n->pos, NULL, "'%.80s' is not a whole number", n->text);
	else
		*(struct stack_num *)field = (struct stack_num){ value, true, n->pos };
}

VALUE_READER(value_bytes)
{
	int64_t bytes;

	if (size_parse(n->text, &bytes) < 0 || bytes < 0)
		reader_error(
			r, w, n->pos, NULL,
			"'%.80s' is not a size; write bytes or a number with k, m or g, like 64m",
			n->text);
	else
		*(struct stack_num *)field = (struct stack_num){ bytes, true, n->pos };
}

VALUE_READER(value_duration)
{
	int64_t ns;

	if (duration_parse(n->text, &ns) < 0 || ns < 0)
		reader_error(
			r, w, n->pos, NULL,
			"'%.80s' is not a duration; write numbers with units, like 1m30s or 500ms",
			n->text);
	else
		*(struct stack_num *)field = (struct stack_num){ ns, true, n->pos };
}

/* ---- lists of strings ------------------------------------------------------------------------ */

/* Entries that are no strings are reported and left out. */
VALUE_READER(value_strings)
{
	struct stack_str *strs = arena_array(r->arena, struct stack_str, n->n);
	size_t used = 0;

	for (size_t i = 0; i < n->n; i++) {
		struct where here = { w, NULL, i };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			strs[used++] = (struct stack_str){ n->items[i]->text, n->items[i]->pos };
	}
	*(struct stack_strs *)field = (struct stack_strs){ strs, used, true };
}

/*
 * compose-go stops without a word at an unquoted operator of the shell (`a && b` becomes `a`). Here
 * it is an ordinary word, and the user is told that no shell will see it.
 */
VALUE_READER(value_words)
{
	struct shellwords words = { 0 };
	struct stack_str *strs;
	char operator;

	if (n->kind == NODE_LIST) {
		value_strings(r, w, n, field);
		return;
	}
	if (shellwords_split(r->arena, n->text, &words, &operator) < 0)
		reader_error(r, w, n->pos, NULL, "a quote in this command is never closed");
	else if (operator)
		reader_warn(r, w, n->pos,
			    "no shell reads this: '%c' is an ordinary character; for a shell write "
			    "[\"sh\", \"-c\", \"...\"]",
			    operator);
	strs = arena_array(r->arena, struct stack_str, words.n);
	for (size_t i = 0; i < words.n; i++)
		strs[i] = (struct stack_str){ words.v[i], n->pos };
	*(struct stack_strs *)field = (struct stack_strs){ strs, words.n, true };
	vec_fini(&words);
}

/* ---- maps of strings ------------------------------------------------------------------------- */

static void collect_map(struct reader *r, const struct where *w, const struct node *n,
			struct envset *into)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0 };
		unsigned kinds = NODE_STRING | NODE_NUMBER | NODE_BOOL | NODE_NULL;

		if (!reader_check_kind(r, &here, pair->value, kinds))
			continue;
		if (!*pair->key || strchr(pair->key, '='))
			reader_error(r, &here, pair->pos, NULL,
				     "a name must not be empty or hold '='");
		else
			envset_put(into, (struct stack_kv){ pair->key,
							    pair->value->kind == NODE_NULL
								    ? NULL
								    : pair->value->text,
							    pair->pos });
	}
}

static void collect_list(struct reader *r, const struct where *w, const struct node *n,
			 struct envset *into)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->items[i];
		struct where here = { w, NULL, i };
		const char *eq;

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_NUMBER | NODE_BOOL))
			continue;
		eq = strchr(item->text, '=');
		if (!*item->text || eq == item->text)
			reader_error(r, &here, item->pos, NULL,
				     "'%.80s' has no name; write NAME=VALUE", item->text);
		else
			envset_put(into,
				   (struct stack_kv){ eq ? arena_strndup(r->arena, item->text,
									 (size_t)(eq - item->text))
							 : item->text,
						      eq ? eq + 1 : NULL, item->pos });
	}
}

void value_collect(struct reader *r, const struct where *w, const struct node *n,
		   struct envset *into)
{
	if (n->kind == NODE_MAP)
		collect_map(r, w, n, into);
	else
		collect_list(r, w, n, into);
}

/* For labels and sysctls, where a name alone has the empty value. */
VALUE_READER(value_pairs)
{
	_cleanup_(envset_fini) struct envset set = { 0 };

	value_collect(r, w, n, &set);
	for (size_t i = 0; i < set.kvs.n; i++)
		if (!set.kvs.v[i].value)
			set.kvs.v[i].value = "";
	*(struct stack_kvs *)field = (struct stack_kvs){ reader_keep(r, &set.kvs), set.kvs.n };
}

/* ---- paths ----------------------------------------------------------------------------------- */

char *value_clean_path(struct arena *arena, const char *dir, const char *path)
{
	char *whole =
		*path == '/' ? arena_strdup(arena, path) : arena_printf(arena, "%s/%s", dir, path);
	char *to = whole, *s = whole;

	while (*s) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len == 2 && s[0] == '.' && s[1] == '.') {
			while (to > whole && *--to != '/')
				;
		} else if (len && !(len == 1 && s[0] == '.')) {
			*to++ = '/';
			memmove(to, s, len);
			to += len;
		}
		s += len;
	}
	if (to == whole)
		*to++ = '/';
	*to = '\0';
	return whole;
}
