/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_value: texts, truth values, numbers, sizes, durations, paths, lists and maps of strings. Named
 * by the rows of the tables of keys and called by the forms of larger things.
 */
#include <ctype.h>
#include <stdio.h>

#include "stack/form.h"
#include "stack/shellwords.h"

bool text_is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

FORM(form_keep)
{
	(void)w;
	return node_copy(r->arena, n);
}

FORM(form_text)
{
	struct node *out = node_copy(r->arena, n);

	(void)w;
	out->kind = NODE_STRING;
	return out;
}

FORM(form_string)
{
	if (*n->text)
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "must not be empty");
	return NULL;
}

/* YAML 1.1 words are strings to us, but what wants a truth value still takes them. */
FORM(form_bool)
{
	static const char *const yes[] = { "true", "yes", "on", "y", "1", "t" };
	static const char *const no[] = { "false", "no", "off", "n", "0", "f" };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		bool value = !strcasecmp(n->text, yes[i]);
		struct node *out;

		if (!value && strcasecmp(n->text, no[i]))
			continue;
		if (i)
			reader_warn(r, w, n->pos, "'%s' is taken as %s: write that", n->text,
				    value ? "true" : "false");
		out = node_copy(r->arena, n);
		out->kind = NODE_BOOL;
		out->number = value;
		out->text = value ? "true" : "false";
		return out;
	}
	reader_error(r, w, n->pos, NULL, "'%.80s' is neither true nor false", n->text);
	return NULL;
}

struct node *form_word(struct reader *r, const struct where *w, const struct node *n,
		       const char *const *words, size_t count)
{
	_cleanup_(buf_fini) struct buf known = { 0 };

	if (text_is_one_of(n->text, words, count))
		return form_text(r, w, n);
	for (size_t i = 0; i < count; i++)
		buf_printf(&known, "%s%s", !i ? "" : i + 1 < count ? ", " : " or ", words[i]);
	reader_error(r, w, n->pos, reader_suggest(r, n->text, words, count),
		     "'%.60s' is unknown; write %s", n->text, buf_str(&known));
	return NULL;
}

/* ---- numbers --------------------------------------------------------------------------------- */

int text_parse_int(const char *s, int64_t *ret)
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

/* A copy that carries what was understood, with its text in the canonical spelling. */
static struct node *understood(struct reader *r, const struct node *n, enum node_kind kind,
			       int64_t number, const char *text)
{
	struct node *out = node_copy(r->arena, n);

	out->kind = kind;
	out->number = number;
	out->text = arena_strdup(r->arena, text);
	return out;
}

FORM(form_int)
{
	int64_t value;
	char text[24];

	if (text_parse_int(n->text, &value) < 0) {
		reader_error(r, w, n->pos, NULL, "'%.80s' is not a whole number", n->text);
		return NULL;
	}
	snprintf(text, sizeof(text), "%jd", (intmax_t)value);
	return understood(r, n, NODE_NUMBER, value, text);
}

FORM(form_count)
{
	struct node *out = form_int(r, w, n);

	if (!out || out->number >= 0)
		return out;
	reader_error(r, w, n->pos, NULL, "'%.80s' must not be negative", n->text);
	return NULL;
}

/* strtod(3) alone would also take `inf`, `nan` and hexadecimal floats with a sign. */
FORM(form_number)
{
	char *end, text[32];
	double value = strtod(n->text, &end);

	if ((!isdigit((unsigned char)n->text[0]) && n->text[0] != '.') || *end || end == n->text ||
	    !(value >= 0 && value <= 1e12)) {
		reader_error(r, w, n->pos, NULL, "'%.40s' is not a number; write like 0.5 or 2",
			     n->text);
		return NULL;
	}
	snprintf(text, sizeof(text), "%.12g", value);
	return understood(r, n, NODE_NUMBER, (int64_t)(value * 1000 + 0.5), text);
}

static struct node *bytes(struct reader *r, const struct node *n, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%jd", (intmax_t)value);
	return understood(r, n, NODE_STRING, value, text);
}

/* A number without quotes is what YAML reads there: 0x400 and 1_024, too. */
FORM(form_bytes)
{
	bool whole = n->kind == NODE_NUMBER && !n->substituted;
	int64_t value;

	if (((whole && !text_parse_int(n->text, &value)) || !size_parse(n->text, &value)) &&
	    value >= 0)
		return bytes(r, n, value);
	reader_error(r, w, n->pos, NULL,
		     "'%.80s' is not a size; write bytes or a number with k, m or g, like 64m",
		     n->text);
	return NULL;
}

FORM(form_bytes_or_all)
{
	return strcmp(n->text, "-1") ? form_bytes(r, w, n) : bytes(r, n, -1);
}

const char *form_with_unit(struct reader *r, const struct node *n)
{
	return n->kind == NODE_NUMBER && *n->text != '-'
		       ? arena_printf(r->arena, "write its unit, as in %ss", n->text)
		       : NULL;
}

FORM(form_duration)
{
	char text[64];
	int64_t ns;

	if (duration_parse(n->text, &ns) < 0 || ns < 0) {
		reader_error(
			r, w, n->pos, NULL,
			"'%.80s' is not a duration; write numbers with units, like 1m30s or 500ms",
			n->text);
		return NULL;
	}
	duration_format(ns, text, sizeof(text));
	return understood(r, n, NODE_STRING, ns, text);
}

/* ---- lists of strings ------------------------------------------------------------------------ */

struct node *form_part(struct reader *r, const struct node *n, const char *text)
{
	struct node *out = node_copy(r->arena, n);

	out->kind = NODE_STRING;
	out->text = text;
	return out;
}

/* Entries that are no strings are reported and left out. */
FORM(form_strings)
{
	struct node_items items = { 0 };

	if (n->kind != NODE_LIST)
		vec_push(&items, form_text(r, w, n));
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			vec_push(&items, form_text(r, &here, n->items[i]));
	}
	return node_list_done(r->arena, n->pos, &items);
}

FORM(form_set)
{
	struct node *all = form_strings(r, w, n);
	struct node_items items = { 0 };
	struct strmap seen = { 0 };

	for (size_t i = 0; i < all->n; i++)
		if (strmap_put(&seen, all->items[i]->text, strlen(all->items[i]->text), 0, NULL))
			vec_push(&items, all->items[i]);
	strmap_fini(&seen);
	return node_list_done(r->arena, n->pos, &items);
}

static void command_error(struct reader *r, const struct where *w, const struct node *n, char what)
{
	if (what == '(' || what == ')' || what == '\\')
		reader_error(r, w, n->pos, "no shell reads this: write [\"sh\", \"-c\", \"...\"]",
			     "'%c' in a command must stand in quotes", what);
	else
		reader_error(r, w, n->pos, NULL, "a quote in this command is never closed");
}

/*
 * compose-go stops without a word at an unquoted operator of the shell (`a && b` becomes `a`). Here
 * it is an ordinary word, and the user is told that no shell will see it.
 */
FORM(form_words)
{
	struct shellwords words = { 0 };
	struct node_items items = { 0 };
	char operator= '\0';
	int split;

	if (n->kind == NODE_NULL)
		return node_copy(r->arena, n);
	if (n->kind == NODE_LIST)
		return form_strings(r, w, n);
	split = shellwords_split(r->arena, n->text, &words, &operator);
	if (split == -1)
		command_error(r, w, n, operator);
	else if (split < 0 || !vars_charge(&r->common, words.n * sizeof(struct node)))
		reader_error(r, w, n->pos, NULL,
			     "too many words: more than %d, or than %u MiB in all services",
			     SHELLWORDS_MAX, VARS_EXPANDED_MAX >> 20);
	else if (operator)
		reader_warn(r, w, n->pos,
			    "no shell reads this: '%c' is an ordinary character; for a shell write "
			    "[\"sh\", \"-c\", \"...\"]",
			    operator);
	for (size_t i = 0; !split && i < words.n; i++) {
		struct node *word = node_copy(r->arena, n);

		word->text = words.v[i];
		vec_push(&items, word);
	}
	vec_fini(&words);
	return node_list_done(r->arena, n->pos, &items);
}

/* ---- maps of strings ------------------------------------------------------------------------- */

/* Is a number spelled as it would be printed again? */
static bool is_plain_number(const char *text)
{
	char again[32];
	int64_t whole;

	if (!text_parse_int(text, &whole))
		snprintf(again, sizeof(again), "%jd", (intmax_t)whole);
	else
		snprintf(again, sizeof(again), "%.15g", strtod(text, NULL));
	return !strcmp(again, text);
}

/*
 * compose makes 2 of 002 and 1.5 of 1.50 here, which is hardly ever what is meant: the text stays.
 */
static void put_pair(struct reader *r, const struct where *w, struct node_pairs *out,
		     const struct node_pair *pair)
{
	struct node *value = node_copy(r->arena, pair->value);

	if (value->kind == NODE_NUMBER && !value->substituted && !is_plain_number(value->text))
		reader_warn(r, w, value->pos,
			    "'%.40s' stays as it is written, docker compose spells this number "
			    "otherwise: put it in quotes",
			    value->text);
	if (value->kind != NODE_NULL)
		value->kind = NODE_STRING;
	node_pairs_put(out, pair->key, pair->pos, value);
}

static void collect_map(struct reader *r, const struct where *w, const struct node *n,
			struct node_pairs *out)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = where_in(w, pair->key);
		unsigned kinds = NODE_STRING | NODE_NUMBER | NODE_BOOL | NODE_NULL;

		if (!reader_check_kind(r, &here, pair->value, kinds))
			continue;
		if (!*pair->key || strchr(pair->key, '='))
			reader_error(r, &here, pair->pos, NULL,
				     "a name must not be empty or hold '='");
		else
			put_pair(r, &here, out, pair);
	}
}

static void collect_list(struct reader *r, const struct where *w, const struct node *n,
			 struct node_pairs *out)
{
	for (size_t i = 0; i < n->n; i++) {
		struct node *item = node_copy(r->arena, n->items[i]);
		struct where here = where_item(w, i);
		const char *eq, *name = item->text;

		if (!reader_check_kind(r, &here, item, NODE_STRING))
			continue;
		eq = strchr(item->text, '=');
		if (!*item->text || eq == item->text) {
			reader_error(r, &here, item->pos, NULL,
				     "'%.80s' has no name; write NAME=VALUE", item->text);
			continue;
		}
		item->kind = eq ? NODE_STRING : NODE_NULL;
		if (eq)
			name = arena_strndup(r->arena, name, (size_t)(eq - name));
		item->text = eq ? eq + 1 : "";
		node_pairs_put(out, name, item->pos, item);
	}
}

FORM(form_variables)
{
	struct node_pairs out = { 0 };

	if (n->kind == NODE_MAP)
		collect_map(r, w, n, &out);
	else
		collect_list(r, w, n, &out);
	return node_map_done(r->arena, n->pos, &out);
}

FORM(form_pairs)
{
	struct node *out = form_variables(r, w, n);

	for (size_t i = 0; i < out->n; i++)
		out->pairs[i].value->kind = NODE_STRING;
	return out;
}

/* ---- paths ----------------------------------------------------------------------------------- */

void path_squeeze(char *path)
{
	char *to = path, *s = path;

	while (*s) {
		size_t len;

		s += strspn(s, "/");
		len = strcspn(s, "/");
		if (len == 2 && s[0] == '.' && s[1] == '.') {
			while (to > path && *--to != '/')
				;
		} else if (len && !(len == 1 && s[0] == '.')) {
			*to++ = '/';
			memmove(to, s, len);
			to += len;
		}
		s += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

char *path_clean(struct arena *arena, const char *dir, const char *path)
{
	char *whole =
		*path == '/' ? arena_strdup(arena, path) : arena_printf(arena, "%s/%s", dir, path);

	path_squeeze(whole);
	return whole;
}

FORM(form_path)
{
	struct vars *vars = reader_vars(r, n->pos);
	const char *home = *n->text == '~' ? vars_get(vars, "HOME", 4) : NULL, *path = n->text;
	struct node *out;

	if (!*path) {
		reader_error(r, w, n->pos, NULL, "must not be empty");
		return NULL;
	}
	if (*path == '~' && (!home || *home != '/' || (path[1] && path[1] != '/'))) {
		reader_error(r, w, n->pos, NULL,
			     "'%.80s': only ~ and ~/ with HOME set can be resolved", path);
		return NULL;
	}
	out = form_text(r, w, n);
	/* compose keeps an absolute path to the letter: a slash at its end means something to some. */
	if (*path != '/')
		out->text = home ? path_clean(r->arena, home, path + 1 + (path[1] == '/'))
				 : path_clean(r->arena, reader_dir(r, n->pos), path);
	return out;
}
