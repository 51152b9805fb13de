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

/* ---- telling problems ------------------------------------------------------------------------ */

void cli_diags_print(const struct stack_diags *diags, const struct cli_term *t)
{
	struct buf b = { 0 };

	stack_diags_print(diags, t->err_colour, &b);
	fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

/* All of them together, in the order of the file; what was found since, when some were told already. */
bool cli_project_diags(struct cli_project *p, const struct cli_term *t, struct buf *out)
{
	size_t had = out->len;

	stack_diags_tell(p->diags, t->err_colour, out);
	return out->len > had;
}

void cli_project_tell(struct cli_project *p, const struct cli_term *t)
{
	struct buf b = { 0 };

	if (cli_project_diags(p, t, &b))
		fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

static void print_json(const struct stack_diags *diags, FILE *to)
{
	struct buf b = { 0 };

	stack_diags_json(diags, &b);
	fputs(buf_str(&b), to);
	buf_fini(&b);
}

/* Is nothing wrong but what options say? */
static enum err_kind kind_of(const struct stack_diags *diags)
{
	for (size_t i = 0; i < stack_diags_count(diags); i++) {
		const struct stack_diag *d = stack_diags_get(diags, i);

		if (d->severity == STACK_ERROR && !d->of_words)
			return ERR_STACK;
	}
	return ERR_USAGE;
}

/* What kept the files from being read is a problem like the others for who reads JSON. */
static int fail(const struct cli_options *o, const struct cli_load *how, struct stack_diags *diags,
		bool told, struct err *err)
{
	const struct cli_term t = cli_term_get(o);

	if (!how->json && !told)
		return -1;
	if (!told)
		stack_diag_add(diags, STACK_ERROR, (struct stack_pos){ 0 }, NULL, "%s", err->text);
	if (how->json)
		print_json(diags, how->json);
	else
		cli_diags_print(diags, &t);
	return cli_told(err, told ? kind_of(diags) : err->kind);
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

static char *path_in(const char *dir, const char *name)
{
	return xasprintf("%s%s%s", dir, strcmp(dir, "/") ? "/" : "", name);
}

/*
 * The first of the names that is a file in `dir`, as a path; NULL when there is none. Who has several
 * of them may be thinking of another one.
 */
static char *first_in(const char *dir, const char *const *names, size_t n,
		      struct stack_diags *diags)
{
	const char *taken = NULL;
	struct buf others = { 0 };

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *path = path_in(dir, names[i]);
		struct stat st;

		if (stat(path, &st) || S_ISDIR(st.st_mode))
			continue;
		if (taken)
			buf_printf(&others, "%s%s", others.len ? ", " : "", names[i]);
		else
			taken = names[i];
	}
	if (others.len)
		stack_diag_add(diags, STACK_WARNING, (struct stack_pos){ 0 },
			       "name the files that you mean with -f",
			       "several stack files in %s: %s is used, not %s", dir, taken,
			       others.data);
	buf_fini(&others);
	return taken ? path_in(dir, taken) : NULL;
}

/* In this folder and its parents. `dir` is absolute and cut shorter on the way. */
static int search(char *dir, struct paths *ret, struct stack_diags *diags, struct err *err)
{
	_cleanup_free_ char *start = xstrdup(dir);

	for (;;) {
		char *found = first_in(dir, file_names, ARRAY_LEN(file_names), diags);
		char *slash = strrchr(dir, '/');

		if (found) {
			vec_push(ret, found);
			found = first_in(dir, override_names, ARRAY_LEN(override_names), diags);
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
		"no stack file: looked for %s, compose.yaml and their like in %s and its parents: give one with -f FILE, or make one with 'mstack init'",
		file_names[0], start);
}

static int discover(const struct cli_options *o, struct paths *ret, struct stack_diags *diags,
		    struct err *err)
{
	const char *from = o->project_dir ? o->project_dir : ".";
	char dir[PATH_MAX];

	if (*from != '/' && path_current(dir, err) < 0)
		return -1;
	if (!realpath(from, dir))
		return err_sys(err, errno, "project directory '%s'", from);
	return search(dir, ret, diags, err);
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

/* What was given by options, or else the list in this variable. */
static void choose_words(const struct cli_words *given, const char *variable, struct paths *ret)
{
	const char *list = cli_env(variable);

	for (size_t i = 0; i < given->n; i++)
		vec_push(ret, xstrdup(given->v[i]));
	if (!ret->n && list)
		split(list, ",", ret);
}

/* Of the env files; without one, of the .env where we are: compose lets them name the files too. */
static char *env_file_value(const struct cli_options *o, const struct paths *env_files,
			    const char *ours, const char *theirs)
{
	const char *const names[] = { ours, theirs, NULL };
	const char *dir = o->project_dir ? o->project_dir : ".";
	_cleanup_free_ char *usual = path_in(dir, ".env");
	const char *const paths[] = { usual };

	if (env_files->n)
		return stack_env_value((const char *const *)env_files->v, env_files->n,
				       (const char *const *)environ, names);
	return stack_env_value(paths, 1, (const char *const *)environ, names);
}

/*
 * The command line, the environment, the env files, the folder: the first that says anything decides
 * alone. An override beside a file that was found is merged, as compose does it.
 */
static int choose_files(const struct cli_options *o, const struct paths *env_files,
			struct paths *ret, struct stack_diags *diags, struct err *err)
{
	const char *list = cli_env("FILE"), *separator = cli_env("PATH_SEPARATOR");
	_cleanup_free_ char *own_list = NULL, *own_separator = NULL;

	for (size_t i = 0; i < o->files.n; i++)
		vec_push(ret, xstrdup(o->files.v[i]));
	if (!ret->n && !list)
		list = own_list = env_file_value(o, env_files, "MSTACK_FILE", "COMPOSE_FILE");
	if (own_list && !separator)
		separator = own_separator = env_file_value(o, env_files, "MSTACK_PATH_SEPARATOR",
							   "COMPOSE_PATH_SEPARATOR");
	if (!ret->n && list)
		split(list, separator ? separator : ":", ret);
	return ret->n ? 0 : discover(o, ret, diags, err);
}

static bool is_true(const char *text)
{
	static const char *const words[] = { "1", "t", "T", "true", "True", "TRUE" };

	for (size_t i = 0; text && i < ARRAY_LEN(words); i++)
		if (!strcmp(text, words[i]))
			return true;
	return false;
}

/*
 * Without --env-file it is the project folder's .env, which stack_load finds itself. Files that were found, or named by a
 * variable, may lie elsewhere: then the .env where we are counts too, before the other, as compose has it.
 */
static int choose_env_files(const struct cli_options *o, const struct paths *files,
			    struct paths *env_files, struct err *err)
{
	const char *first = files->v[0], *slash = strrchr(first, '/');
	int len = slash == first ? 1 : slash ? (int)(slash - first) : 0;
	_cleanup_free_ char *dir = xasprintf("%.*s", len ? len : 1, len ? first : ".");
	_cleanup_free_ char *theirs = path_in(dir, ".env");
	struct stat here, there, st;

	if (env_files->n)
		return 0;
	if (is_true(cli_env("DISABLE_ENV_FILE"))) {
		vec_push(env_files, xstrdup("/dev/null"));
		return 0;
	}
	if (o->files.n || o->project_dir || stat(".env", &st) || !S_ISREG(st.st_mode))
		return 0;
	if (stat(".", &here))
		return err_sys(err, errno, "current folder");
	if (stat(dir, &there) || (here.st_dev == there.st_dev && here.st_ino == there.st_ino))
		return 0;
	if (!stat(theirs, &st) && S_ISREG(st.st_mode))
		vec_push(env_files, take_ptr(&theirs));
	vec_push(env_files, xstrdup(".env"));
	return 0;
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

static int load(const struct cli_options *o, const struct cli_load *how, struct cli_project *p,
		struct err *err)
{
	_cleanup_(paths_fini) struct paths files = { 0 }, env_files = { 0 };
	struct stack_opts opts = {
		.project_name = o->project,
		.project_dir = o->project_dir,
		.env = (const char *const *)environ,
		.for_run = how->for_run,
		.no_interpolate = how->no_interpolate,
	};

	if (how->alone) {
		/* Nothing is interpolated in it. */
		vec_push(&env_files, xstrdup("/dev/null"));
		opts.project_name = how->alone;
	} else {
		choose_words(&o->env_files, "ENV_FILES", &env_files);
		if (choose_files(o, &env_files, &files, p->diags, err) < 0 ||
		    choose_env_files(o, &files, &env_files, err) < 0)
			return -1;
	}
	opts.text = how->text;
	opts.paths = (const char *const *)files.v;
	opts.n_paths = files.n;
	opts.env_files = (const char *const *)env_files.v;
	opts.n_env_files = env_files.n;
	opts.profiles = o->profiles.v;
	opts.n_profiles = o->profiles.n;
	if (how->services) {
		opts.services = how->services->v;
		opts.n_services = how->services->n;
	}
	opts.no_deps = how->no_deps;
	if (how->scales) {
		opts.scales = how->scales->v;
		opts.n_scales = how->scales->n;
	}
	return stack_load(&opts, &p->stack, p->diags, err);
}

int cli_project_load(const struct cli_options *o, const struct cli_load *how,
		     struct cli_project *ret, struct err *err)
{
	static const struct cli_load to_look = { 0 };
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	int r;

	if (check_name(o, err) < 0)
		return -1;
	if (!how)
		how = &to_look;
	p.diags = stack_diags_new();
	r = load(o, how, &p, err);
	if (r)
		return fail(o, how, p.diags, r > 0, err);
	if (how->json)
		print_json(p.diags, how->json);
	p.name = xstrdup(p.stack->name);
	*ret = p;
	p = (struct cli_project){ 0 };
	return 0;
}

int cli_project_find(const struct cli_options *o, struct cli_project *ret, struct err *err)
{
	if (!o->project || o->files.n) {
		int r = cli_project_load(o, NULL, ret, err);

		/* Who has spoilt the file of a stack that runs still wants to look at it, or to end it. */
		if (r < 0 && !o->project && err->kind == ERR_STACK && !err->text[0])
			fputs("note: with -p NAME this needs no stack file: 'mstack ls' has the names of those that run\n",
			      stderr);
		return r;
	}
	if (check_name(o, err) < 0)
		return -1;
	*ret = (struct cli_project){ .name = xstrdup(o->project) };
	return 0;
}

void cli_project_take(struct cli_project *ret, struct sup_carried *from)
{
	*ret = (struct cli_project){ .name = xstrdup(from->stack->name),
				     .stack = take_ptr(&from->stack),
				     .diags = take_ptr(&from->diags) };
	stack_diags_tell(ret->diags, false, NULL);
}

void cli_project_fini(struct cli_project *p)
{
	stack_free(p->stack);
	stack_diags_free(p->diags);
	free(p->name);
	*p = (struct cli_project){ 0 };
}
