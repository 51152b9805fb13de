/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * project: finding the stack file and the project's name, as the command line contract orders them. Called by every
 * command that is about a stack. Reads no file itself: that is stack_load's work.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/env.h"
#include "cli/project.h"

/* Files to load, in order; the strings are owned. */
struct paths VEC(char *);

static void paths_fini(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	vec_fini(p);
}

void cli_diags_print(const struct stack_diags *diags, const struct cli_term *t)
{
	struct buf b = { 0 };

	stack_diags_print(diags, t->err_colour, &b);
	fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

/* ---- looking for the file -------------------------------------------------------------------- */

static const char *const file_names[] = {
	"stack.yaml",  "stack.yml",	     "mstack.yaml",	    "compose.yaml",
	"compose.yml", "docker-compose.yml", "docker-compose.yaml",
};

static const char *const override_names[] = {
	"stack.override.yaml",		"stack.override.yml",	       "mstack.override.yaml",
	"mstack.override.yml",		"compose.override.yaml",       "compose.override.yml",
	"docker-compose.override.yaml", "docker-compose.override.yml",
};

/* The first of the names that is a file in `dir`, as a path; NULL when there is none. */
static char *first_in(const char *dir, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *path = xasprintf("%s%s%s", dir, strcmp(dir, "/") ? "/" : "", names[i]);
		struct stat st;

		if (!stat(path, &st) && !S_ISDIR(st.st_mode))
			return path;
		free(path);
	}
	return NULL;
}

/* In this folder and its parents. `dir` is absolute and cut shorter on the way. */
static int search(char *dir, struct paths *ret, struct err *err)
{
	_cleanup_free_ char *start = xstrdup(dir);

	for (;;) {
		char *found = first_in(dir, file_names, ARRAY_LEN(file_names));
		char *slash = strrchr(dir, '/');

		if (found) {
			vec_push(ret, found);
			found = first_in(dir, override_names, ARRAY_LEN(override_names));
			if (found)
				vec_push(ret, found);
			return 0;
		}
		if (!slash || !strcmp(dir, "/"))
			break;
		slash[slash == dir] = '\0';
	}
	return err_kind(
		err, ERR_STACK,
		"no stack file: looked for %s, compose.yaml and their like in %s and its parents: give one with -f FILE",
		file_names[0], start);
}

static int discover(const struct cli_options *o, struct paths *ret, struct err *err)
{
	const char *from = o->project_dir ? o->project_dir : ".";
	char dir[PATH_MAX];

	if (!realpath(from, dir))
		return err_sys(err, errno, "project directory '%s'", from);
	return search(dir, ret, err);
}

/* `list` cut at each `separator`. */
static void split(const char *list, const char *separator, struct paths *ret)
{
	while (*list) {
		size_t len = strcspn(list, separator);

		if (len)
			vec_push(ret, xasprintf("%.*s", (int)len, list));
		list += len + strspn(list + len, separator);
	}
}

/*
 * The command line, the environment, the folder: the first that says anything decides alone. An
 * override beside a file that was found counts as a second file, as compose would merge it: to leave
 * it out would run another stack than the one that was written.
 */
static int choose_files(const struct cli_options *o, struct paths *ret, struct err *err)
{
	const char *list = cli_env("FILE"), *separator = cli_env("PATH_SEPARATOR");

	for (size_t i = 0; i < o->files.n; i++)
		vec_push(ret, xstrdup(o->files.v[i]));
	if (!ret->n && list)
		split(list, separator ? separator : ":", ret);
	if (!ret->n && discover(o, ret, err) < 0)
		return -1;
	if (ret->n > 1)
		return err_kind(
			err, ERR_STACK,
			"several stack files (%s, %s): merging them is not supported yet: give one with -f",
			ret->v[0], ret->v[1]);
	return 0;
}

static void choose_env_files(const struct cli_options *o, struct paths *ret)
{
	const char *list = cli_env("ENV_FILES");

	for (size_t i = 0; i < o->env_files.n; i++)
		vec_push(ret, xstrdup(o->env_files.v[i]));
	if (!ret->n && list)
		split(list, ",", ret);
}

/* ---- the project ----------------------------------------------------------------------------- */

static int check_name(const struct cli_options *o, struct err *err)
{
	if (!o->project || stack_name_valid(o->project))
		return 0;
	return err_kind(
		err, ERR_USAGE,
		"project name '%s': only a-z, 0-9, - and _ can stand in it, and a letter or digit comes first",
		o->project);
}

int cli_project_load(const struct cli_options *o, struct cli_project *ret, struct err *err)
{
	_cleanup_(paths_fini) struct paths files = { 0 }, env_files = { 0 };
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct stack_opts opts = { .project_name = o->project, .project_dir = o->project_dir };
	int r;

	if (check_name(o, err) < 0 || choose_files(o, &files, err) < 0)
		return -1;
	choose_env_files(o, &env_files);
	opts.paths = (const char *const *)files.v;
	opts.n_paths = files.n;
	opts.env = (const char *const *)environ;
	opts.env_files = (const char *const *)env_files.v;
	opts.n_env_files = env_files.n;

	p.diags = stack_diags_new();
	r = stack_load(&opts, &p.stack, p.diags, err);
	if (r < 0)
		return -1;
	if (r) {
		const struct cli_term t = cli_term_get(o);

		cli_diags_print(p.diags, &t);
		return cli_told(err, ERR_STACK);
	}
	p.name = xstrdup(p.stack->name);
	*ret = p;
	p = (struct cli_project){ 0 };
	return 0;
}

int cli_project_find(const struct cli_options *o, struct cli_project *ret, struct err *err)
{
	if (!o->project || o->files.n)
		return cli_project_load(o, ret, err);
	if (check_name(o, err) < 0)
		return -1;
	*ret = (struct cli_project){ .name = xstrdup(o->project) };
	return 0;
}

void cli_project_fini(struct cli_project *p)
{
	stack_free(p->stack);
	stack_diags_free(p->diags);
	free(p->name);
	*p = (struct cli_project){ 0 };
}
