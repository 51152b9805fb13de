/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names: rules for names. They become names of cgroups, folders, links and hosts, so they are
 * strict: what passes here needs no quoting anywhere.
 */
#include <ctype.h>

#include "stack/names.h"

#define PROJECT_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"

bool name_check(struct reader *r, const struct where *w, struct stack_pos pos, const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_LONGEST)
		reader_error(r, w, pos, NULL,
			     "name too long: '%.20s...' has %zu characters, %d are the most", name,
			     len, NAME_LONGEST);
	else if (!isalnum((unsigned char)*name) || strspn(name, NAME_LETTERS "_.-") != len)
		reader_error(
			r, w, pos, NULL,
			"'%.63s' is not a name: letters, digits, _, . and -, a letter or digit "
			"first",
			name);
	else
		return true;
	return false;
}

bool stack_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len <= NAME_LONGEST && *name != '_' && *name != '-' &&
	       strspn(name, PROJECT_LETTERS) == len;
}

void name_normalise(const char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size && n < NAME_LONGEST; text++) {
		char c = (char)tolower((unsigned char)*text);

		if (strchr(PROJECT_LETTERS, c) && (n || (c != '_' && c != '-')))
			ret[n++] = c;
	}
	if (size)
		ret[n] = '\0';
}

/* From the command line or the environment: taken as it is or not at all. */
static const char *check_given(struct reader *r, const char *source, const char *name)
{
	if (stack_name_valid(name))
		return arena_strdup(r->arena, name);
	stack_diag_add(
		r->diags, STACK_ERROR, (struct stack_pos){ 0 }, NULL,
		strlen(name) > NAME_LONGEST
			? "%s: project name too long: '%.80s'"
			: "%s: '%.80s' is not a project name: small letters, digits, _ and -, "
			  "a letter or digit first",
		source, name);
	return "";
}

static const char *normalised(struct reader *r, struct stack_pos pos, const char *source,
			      const char *text)
{
	char name[NAME_LONGEST + 1];

	name_normalise(text, name, sizeof(name));
	if (!*name)
		stack_diag_add(r->diags, STACK_ERROR, pos, "give one with -p NAME",
			       "%s '%.80s' holds no letter or digit for a project name", source,
			       text);
	return arena_strdup(r->arena, name);
}

const char *name_project(struct reader *r, const struct vars *vars, const char *option,
			 const struct node *in_file, const char *dir)
{
	const char *mstack = vars_get(vars, "MSTACK_PROJECT_NAME", 19);
	const char *compose = vars_get(vars, "COMPOSE_PROJECT_NAME", 20);

	if (option)
		return check_given(r, "-p", option);
	if (mstack && *mstack)
		return check_given(r, "MSTACK_PROJECT_NAME", mstack);
	if (compose && *compose)
		return check_given(r, "COMPOSE_PROJECT_NAME", compose);
	if (in_file && strlen(in_file->text) > NAME_LONGEST)
		reader_error(r, NULL, in_file->pos, NULL,
			     "name: name too long: more than %d characters", NAME_LONGEST);
	if (in_file)
		return normalised(r, in_file->pos, "name", in_file->text);
	return normalised(r, (struct stack_pos){ 0 }, "the folder", strrchr(dir, '/') + 1);
}
