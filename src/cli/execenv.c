/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execenv: see execenv.h. Called by exec.
 */
#include "cli/execenv.h"

void execenv_begin(struct execenv *e, const char *const *base)
{
	for (; *base; base++)
		vec_push(&e->list, xstrdup(*base));
}

static void take_away(struct execenv *e, const char *name, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < e->list.n; i++) {
		char *entry = e->list.v[i];

		if (!strncmp(entry, name, len) && (entry[len] == '=' || !entry[len]))
			free(entry);
		else
			e->list.v[n++] = entry;
	}
	e->list.n = n;
}

void execenv_set(struct execenv *e, const char *name, const char *value)
{
	take_away(e, name, strlen(name));
	vec_push(&e->list, xasprintf("%s=%s", name, value));
}

void execenv_add(struct execenv *e, const char *word)
{
	const char *value = strchr(word, '=');

	if (value) {
		take_away(e, word, (size_t)(value - word));
		vec_push(&e->list, xstrdup(word));
		return;
	}
	take_away(e, word, strlen(word));
	value = getenv(word);
	if (value)
		execenv_set(e, word, value);
}

const char *const *execenv_list(struct execenv *e)
{
	vec_push(&e->list, NULL);
	e->list.n--;
	return (const char *const *)e->list.v;
}

void execenv_fini(struct execenv *e)
{
	for (size_t i = 0; i < e->list.n; i++)
		free(e->list.v[i]);
	vec_fini(&e->list);
}

const char *execenv_value(const char *const *list, const char *name)
{
	size_t len = strlen(name);

	for (; *list; list++)
		if (!strncmp(*list, name, len) && (*list)[len] == '=')
			return *list + len + 1;
	return NULL;
}
