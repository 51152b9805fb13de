/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_security: the options of `security_opt`: what strengthens or weakens the isolation of one service. Called through the
 * table of service keys, in services.c; model_security.c reads what was found to be right.
 */
#include <ctype.h>

#include "stack/attributes.h"

#define KNOWN                                                                         \
	"no-new-privileges, seccomp=, apparmor=, label=, systempaths=unconfined and " \
	"arch=i386"

/* The words that engines take behind no-new-privileges. */
static bool is_bool_word(const char *text)
{
	static const char *const words[] = { "true", "false", "1", "0" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

/* It is written into a file of the kernel as one word. */
static bool is_profile(const char *name)
{
	for (const char *s = name; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
			return false;
	return strlen(name) <= 255;
}

/*
 * What becomes of NAME and VALUE; false: there is no such option. A path behind seccomp= is not
 * resolved, as compose does not either: it is printed as it was written.
 */
static bool check(struct reader *r, const struct where *w, const struct node *n, const char *name,
		  const char *value)
{
	static const char *const labels = "has no effect: there are no labels of SELinux here";

	if (!strcmp(name, "no-new-privileges"))
		return !value || is_bool_word(value);
	if (!value || !*value)
		return false;
	if (!strcmp(name, "apparmor"))
		return is_profile(value);
	if (!strcmp(name, "systempaths"))
		return !strcmp(value, "unconfined");
	if (!strcmp(name, "arch"))
		return !strcmp(value, "i386");
	if (!strcmp(name, "label"))
		reader_warn_once(r, labels, w, n->pos, "%s", labels);
	return !strcmp(name, "label") || !strcmp(name, "seccomp");
}

/* Does it name a profile, the last of those that are given? */
static bool names_profile(const struct node *list)
{
	bool named = false;

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i]->text;

		if (list->items[i]->kind == NODE_STRING && !strncmp(text, "seccomp", 7) && text[7])
			named = strcmp(text + 8, "unconfined") != 0 &&
				strcmp(text + 8, "builtin") != 0;
	}
	return named;
}

/* Engines took a colon between the two in their early days, and files still have it. */
FORM(form_security_opts)
{
	static const char *const names[] = { "no-new-privileges", "seccomp", "apparmor", "label",
					     "systempaths",	  "arch" };
	struct node *out = form_set(r, w, n);

	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->items[i];
		struct where here = where_item(w, i);
		size_t len = strcspn(one->text, "=:");
		const char *name = arena_strndup(r->arena, one->text, len);

		if (one->kind == NODE_STRING &&
		    !check(r, &here, one, name, one->text[len] ? one->text + len + 1 : NULL))
			reader_error(r, &here, one->pos,
				     reader_suggest(r, name, names, ARRAY_LEN(names)),
				     "'%.80s' is not an option; known are " KNOWN, one->text);
		else if (!strcmp(name, "arch") && names_profile(n))
			reader_refuse(r, &here, one->pos, "it opens the default filter only",
				      "'%.80s' beside a profile of seccomp", one->text);
	}
	return out;
}
