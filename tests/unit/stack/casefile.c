/* SPDX-License-Identifier: GPL-2.0-or-later */
/* casefile: reads the sections of a case, and compares JSON along the shape of the format. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>

#include "unit/stack/casefile.h"

#define CASE_MAX  (1 << 20)
#define DEPTH_MAX 32

/* ---- sections -------------------------------------------------------------------------------- */

static struct buf *add_text(struct case_texts *texts, const char *name)
{
	struct case_text t = { .name = xstrdup(name) };

	vec_push(texts, t);
	return &texts->v[texts->n - 1].text;
}

static void split_words(struct casefile *c, char *rest)
{
	for (char *word = strtok(rest, " "); word && c->n_words < CASE_WORDS_MAX;
	     word = strtok(NULL, " "))
		c->words[c->n_words++] = word;
}

/* The text that the lines behind this header belong to, or NULL when there are none. */
static int begin_section(struct casefile *c, char *word, struct buf **ret, struct buf *why)
{
	char *rest = strchr(word, ' ');

	*ret = NULL;
	if (rest)
		*rest++ = '\0';
	else
		rest = word + strlen(word);
	if (!strcmp(word, "run"))
		split_words(c, rest);
	else if (!strcmp(word, "env"))
		vec_push(&c->env, rest);
	else if (!strcmp(word, "dir"))
		c->dir = rest;
	else if (!strcmp(word, "cwd"))
		c->cwd = rest;
	else if (!strcmp(word, "fails"))
		c->fails = rest;
	else if (!strcmp(word, "file"))
		*ret = add_text(&c->files, *rest ? rest : "compose.yaml");
	else if (!strcmp(word, "json"))
		*ret = add_text(&c->json, rest);
	else if (!strcmp(word, "input"))
		*ret = &c->input;
	else if (!strcmp(word, "says"))
		*ret = &c->says;
	else
		buf_printf(why, "no such section: '%s'", word);
	c->has_input |= *ret == &c->input;
	c->has_says |= *ret == &c->says;
	return why->len ? -1 : 0;
}

int casefile_read(struct casefile *c, const char *path, struct buf *why)
{
	struct buf *into = NULL;

	*c = (struct casefile){ .dir = "proj", .cwd = "." };
	if (file_read(AT_FDCWD, path, CASE_MAX, &c->all) < 0) {
		buf_printf(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	for (char *line = c->all.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strncmp(line, "@ ", 2)) {
			if (begin_section(c, line + 2, &into, why) < 0)
				return -1;
		} else if (into) {
			buf_puts(into, line);
			buf_putc(into, '\n');
		} else if (*line && *line != '#') {
			buf_printf(why, "a line outside of any section: '%s'", line);
			return -1;
		}
	}
	vec_push(&c->env, NULL);
	if (!c->json.n && !c->has_says && !c->fails)
		buf_puts(why, "expects nothing: needs a section json, says or fails");
	return why->len ? -1 : 0;
}

static void texts_fini(struct case_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		free(texts->v[i].name);
		buf_fini(&texts->v[i].text);
	}
	vec_fini(texts);
}

void casefile_fini(struct casefile *c)
{
	texts_fini(&c->files);
	texts_fini(&c->json);
	buf_fini(&c->input);
	buf_fini(&c->says);
	vec_fini(&c->env);
	buf_fini(&c->all);
}

void casefile_fill(struct buf *text, const char *dir)
{
	static const char word[] = "@DIR@";
	struct buf out = { 0 };
	const char *s = buf_str(text);

	for (const char *at; (at = strstr(s, word)); s = at + strlen(word)) {
		buf_add(&out, s, (size_t)(at - s));
		buf_puts(&out, dir);
	}
	buf_puts(&out, s);
	buf_fini(text);
	*text = out;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The way from the top to a value. */
struct way {
	const char *keys[DEPTH_MAX]; /* "*" for the entry of a list */
	size_t n;
};

/* Maps whose keys the user chooses. */
static bool is_closed(const struct way *w)
{
	static const char *const maps[] = {
		"services",
		"networks",
		"volumes",
		"secrets",
		"configs",
		"models",
		"services/*/environment",
		"services/*/labels",
		"services/*/annotations",
		"services/*/sysctls",
		"services/*/depends_on",
		"services/*/networks",
		"services/*/models",
		"services/*/ulimits",
		"services/*/storage_opt",
		"services/*/logging/options",
		"services/*/networks/*/driver_opts",
		"services/*/deploy/labels",
		"services/*/provider/options",
		"services/*/build/args",
		"services/*/build/labels",
		"services/*/build/additional_contexts",
		"services/*/build/ulimits",
		"networks/*/driver_opts",
		"networks/*/labels",
		"networks/*/ipam/options",
		"networks/*/ipam/config/*/aux_addresses",
		"volumes/*/driver_opts",
		"volumes/*/labels",
		"secrets/*/labels",
		"secrets/*/driver_opts",
		"configs/*/labels",
	};

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		const char *s = maps[i];
		size_t k = 0;

		for (; k < w->n && s; k++) {
			size_t len = strcspn(s, "/");

			if (strncmp(s, "*/", 2) &&
			    (strlen(w->keys[k]) != len || strncmp(s, w->keys[k], len)))
				break;
			s = s[len] ? s + len + 1 : NULL;
		}
		if (k == w->n && !s)
			return true;
	}
	return false;
}

static int differs(const struct way *w, const char *what, const json_t *want, const json_t *got,
		   struct buf *why)
{
	_cleanup_free_ char *a = want ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL,
			    *b = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	for (size_t i = 0; i < w->n; i++)
		buf_printf(why, "%s%s", i ? "." : "", w->keys[i]);
	buf_printf(why, "%s: %s", w->n ? "" : "(top)", what);
	if (a)
		buf_printf(why, "\n  expected %s", a);
	if (a || b)
		buf_printf(why, "\n  came     %s", b ? b : "nothing");
	return -1;
}

static int match(const struct way *w, const json_t *want, const json_t *got, struct buf *why);

static int match_below(const struct way *w, const char *key, const json_t *want, const json_t *got,
		       struct buf *why)
{
	struct way below = *w;

	if (w->n >= DEPTH_MAX)
		return differs(w, "too deep", NULL, NULL, why);
	below.keys[below.n++] = key;
	return match(&below, want, got, why);
}

static int match_map(const struct way *w, const json_t *want, const json_t *got, struct buf *why)
{
	bool closed = is_closed(w);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)want, key, value) {
		const json_t *there = json_object_get(got, key);

		if (json_is_null(value) && !closed && (!there || json_is_null(there)))
			continue;
		if (match_below(w, key, value, there, why) < 0)
			return -1;
	}
	if (closed)
		json_object_foreach((json_t *)got, key, value)
			if (!json_object_get(want, key))
				return differs(w, "has a key too many", want, got, why);
	return 0;
}

static int match_list(const struct way *w, const json_t *want, const json_t *got, struct buf *why)
{
	if (json_array_size(want) != json_array_size(got))
		return differs(w, "not as long", want, got, why);
	for (size_t i = 0; i < json_array_size(want); i++)
		if (match_below(w, "*", json_array_get(want, i), json_array_get(got, i), why) < 0)
			return -1;
	return 0;
}

static int match(const struct way *w, const json_t *want, const json_t *got, struct buf *why)
{
	if (!got)
		return differs(w, "missing", want, NULL, why);
	if (json_is_number(want) && json_is_number(got)) {
		if (fabs(json_number_value(want) - json_number_value(got)) > 1e-9)
			return differs(w, "another number", want, got, why);
		return 0;
	}
	if (json_typeof(want) != json_typeof(got))
		return differs(w, "another type", want, got, why);
	if (json_is_object(want))
		return match_map(w, want, got, why);
	if (json_is_array(want))
		return match_list(w, want, got, why);
	return json_equal(want, got) ? 0 : differs(w, "another value", want, got, why);
}

int casefile_match(const json_t *got, const char *path, const char *want, struct buf *why)
{
	_cleanup_free_ char *keys = xstrdup(path);
	struct way w = { .n = 0 };
	json_error_t error;
	json_t *root = json_loads(want, JSON_DECODE_ANY, &error);
	int r;

	if (!root) {
		buf_printf(why, "the JSON of the case: line %d: %s", error.line, error.text);
		return -1;
	}
	for (char *key = strtok(keys, "."); key && w.n < DEPTH_MAX; key = strtok(NULL, ".")) {
		w.keys[w.n++] = key;
		got = json_object_get(got, key);
	}
	/* As inside of a map: null stands for what is not there. */
	r = !got && json_is_null(root) ? 0 : match(&w, root, got, why);
	json_decref(root);
	return r;
}
