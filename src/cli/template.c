/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * template: see template.h. Called by option.c, which refuses what cannot be read before anything is done, and by rows.c. A
 * template is read anew for each row: they are short.
 */
#include <ctype.h>
#include <stdio.h>

#include "cli/template.h"
#include "cli/term.h"

#define KEYS_SHOWN 24

/* With neither a row nor columns it is only checked. */
struct reading {
	const char *text, *at;
	const json_t *row;
	const struct cli_column *columns; /* heads are made */
	struct buf *out;
	struct err *err;
};

static int wrong(struct reading *r, const char *what)
{
	return err_kind(
		r->err, ERR_USAGE,
		"--format: '%.60s': character %zu: %s: known are {{.Key}}, {{json .}}, {{\"text\"}} "
		"and the functions json, upper, lower and title",
		r->text, (size_t)(r->at - r->text) + 1, what);
}

static void skip_blanks(struct reading *r)
{
	r->at += strspn(r->at, " \t\n");
}

/* ---- functions ------------------------------------------------------------------------------- */

/* Of one value's text; json is applied to the value itself. */
static void upper(char *s)
{
	for (; *s; s++)
		*s = (char)toupper((unsigned char)*s);
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void title(char *s)
{
	for (bool first = true; *s; s++) {
		if (first)
			*s = (char)toupper((unsigned char)*s);
		first = isspace((unsigned char)*s);
	}
}

static const struct function {
	const char *name;
	void (*change)(char *text); /* NULL: json */
} functions[] = { { "json", NULL }, { "upper", upper }, { "lower", lower }, { "title", title } };

static const struct function *take_function(struct reading *r)
{
	size_t len = strspn(r->at, "abcdefghijklmnopqrstuvwxyz");

	for (size_t i = 0; len && i < ARRAY_LEN(functions); i++)
		if (strlen(functions[i].name) == len && !strncmp(functions[i].name, r->at, len)) {
			r->at += len;
			skip_blanks(r);
			return &functions[i];
		}
	return NULL;
}

/* As Go's %v would print it, but for maps and lists, which are JSON. */
static char *text_of(const json_t *value)
{
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	if (json_is_null(value))
		return xstrdup("<no value>");
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* Takes the value over, and gives one back. */
static json_t *apply(const struct function *f, json_t *value)
{
	_cleanup_free_ char *text =
		f->change ? text_of(value) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(value);
	if (text && f->change)
		f->change(text);
	return json_string(text ? text : "");
}

/* ---- values ---------------------------------------------------------------------------------- */

static int no_key(struct reading *r, const json_t *in, const char *key)
{
	struct VEC(const char *) names = { 0 };
	_cleanup_(buf_fini) struct buf known = { 0 };
	const char *name, *near;
	json_t *value;

	json_object_foreach((json_t *)in, name, value) {
		if (names.n < KEYS_SHOWN)
			buf_printf(&known, " .%s", name);
		vec_push(&names, name);
	}
	near = nearest_name(key, names.v, names.n);
	if (near)
		err_kind(r->err, ERR_USAGE, "--format: there is no '.%.60s': did you mean '.%s'?",
			 key, near);
	else
		err_kind(r->err, ERR_USAGE, "--format: there is no '.%.60s'; there are%s", key,
			 names.n ? buf_str(&known) : " no keys below this value");
	vec_fini(&names);
	return -1;
}

static json_t *head_of(const struct cli_column *columns, const char *key)
{
	_cleanup_free_ char *text = xstrdup(key);

	for (; columns->head; columns++)
		if (!strcmp(columns->key, key))
			return json_string(columns->head);
	upper(text);
	return json_string(text);
}

/* .Key.Below, from the dot on. */
static int take_path(struct reading *r, json_t **ret)
{
	static const char of_names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	json_t *value = (json_t *)r->row;
	_cleanup_free_ char *key = NULL;

	while (*r->at == '.') {
		size_t len = strspn(++r->at, of_names);

		if (!len)
			break;
		free(key);
		key = xasprintf("%.*s", (int)len, r->at);
		if (value && !json_object_get(value, key))
			return no_key(r, value, key);
		value = value ? json_object_get(value, key) : NULL;
		r->at += len;
	}
	if (r->columns)
		*ret = head_of(r->columns, key ? key : "");
	else
		*ret = value ? json_incref(value) : json_null();
	return 0;
}

static char escaped(char c)
{
	return c == 't' ? '\t' : c == 'n' ? '\n' : c;
}

static int take_quoted(struct reading *r, json_t **ret)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	for (r->at++; *r->at && *r->at != '"'; r->at++) {
		if (*r->at == '\\' && r->at[1])
			buf_putc(&text, escaped(*++r->at));
		else
			buf_putc(&text, *r->at);
	}
	if (!*r->at)
		return wrong(r, "the text has no end");
	r->at++;
	*ret = json_string(buf_str(&text));
	return *ret ? 0 : wrong(r, "the text is no UTF-8");
}

static int take_value(struct reading *r, json_t **ret)
{
	if (*r->at == '.')
		return take_path(r, ret);
	if (*r->at == '"')
		return take_quoted(r, ret);
	return wrong(r, *r->at ? "this is no value" : "it ends before }}");
}

static int take_pipes(struct reading *r, json_t **value)
{
	skip_blanks(r);
	while (*r->at == '|') {
		const struct function *f;

		r->at++;
		skip_blanks(r);
		f = take_function(r);
		if (!f)
			return wrong(r, "behind a | stands a function");
		if (!r->columns)
			*value = apply(f, *value);
		skip_blanks(r);
	}
	return strncmp(r->at, "}}", 2) ? wrong(r, "this is not understood before }}") : 0;
}

/* Text of strangers among it: names of images, labels. A line end or tab of the template's own stays what it is. */
static void put(struct reading *r, const json_t *value)
{
	_cleanup_free_ char *text = text_of(value);

	if (r->out && text)
		cli_harmless(text, strlen(text), false, r->out);
}

/* What stands between {{ and }}. */
static int take_action(struct reading *r)
{
	const struct function *f;
	json_t *value = NULL;
	bool quoted;
	int rc;

	r->at += 2;
	skip_blanks(r);
	f = take_function(r);
	quoted = *r->at == '"';
	rc = take_value(r, &value);
	if (!rc && f && !r->columns)
		value = apply(f, value);
	if (!rc)
		rc = take_pipes(r, &value);
	if (!rc && quoted && !f && r->out)
		buf_puts(r->out, json_string_value(value));
	else if (!rc)
		put(r, value);
	json_decref(value);
	r->at += rc ? 0 : 2;
	return rc;
}

/* Outside of actions \t and \n are what docker makes of them. */
static int take_all(struct reading *r)
{
	while (*r->at) {
		if (!strncmp(r->at, "{{", 2)) {
			if (take_action(r) < 0)
				return -1;
			continue;
		}
		if (*r->at == '\\' && (r->at[1] == 't' || r->at[1] == 'n')) {
			if (r->out)
				buf_putc(r->out, escaped(r->at[1]));
			r->at += 2;
			continue;
		}
		if (r->out)
			buf_putc(r->out, *r->at);
		r->at++;
	}
	return 0;
}

/* ---- doors ----------------------------------------------------------------------------------- */

int cli_template_check(const char *text, struct err *err)
{
	struct reading r = { .text = text, .at = text, .err = err };

	return take_all(&r);
}

int cli_template_add(const char *text, const json_t *row, struct buf *out, struct err *err)
{
	struct reading r = { .text = text, .at = text, .row = row, .out = out, .err = err };

	return take_all(&r);
}

void cli_template_heads(const char *text, const struct cli_column *columns, struct buf *out)
{
	struct reading r = {
		.text = text, .at = text, .columns = columns, .out = out, .err = &(struct err){ 0 }
	};

	take_all(&r);
}
