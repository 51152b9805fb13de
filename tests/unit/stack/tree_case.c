/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree_case: writes the files of a case, loads them and compares. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/stack/tree_case.h"

#define NAMES_MAX 8

static void write_file(char *name, const char *text, size_t len)
{
	for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0700);
		*slash = '/';
	}
	fixture_write(name, text, len);
}

static void write_files(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		_cleanup_free_ char *name = NULL;
		const char *end;

		assert_int_equal(strncmp(text, "== ", 3), 0);
		name = xasprintf("%.*s", (int)len - 3, text + 3);
		text += len + (text[len] == '\n');
		end = !strncmp(text, "== ", 3) ? text : strstr(text, "\n== ");
		end = end == text ? text : end ? end + 1 : text + strlen(text);
		write_file(name, text, (size_t)(end - text));
		text = end;
	}
}

static struct loaded load(const char *names, const char *files, bool for_run)
{
	_cleanup_free_ char *copy = xstrdup(names);
	const char *paths[NAMES_MAX];
	struct stack_opts opts = {
		.paths = paths, .project_name = "t", .env = fixture_env, .for_run = for_run
	};
	char dir[] = "case-XXXXXX";
	struct loaded l;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	write_files(files);
	for (char *save = NULL, *name = strtok_r(copy, " ", &save); name;
	     name = strtok_r(NULL, " ", &save)) {
		assert_in_range(opts.n_paths, 0, NAMES_MAX - 1);
		paths[opts.n_paths++] = name;
	}
	l = load_opts(&opts);
	return l;
}

static void leave(void)
{
	assert_int_equal(chdir(".."), 0);
}

/* The folder of the case is another one each time. */
static void hide_folder(const char *text, struct buf *out)
{
	char dir[PATH_MAX];
	size_t len;

	assert_non_null(getcwd(dir, sizeof(dir)));
	len = strlen(dir);
	for (const char *at; (at = strstr(text, dir)); text = at + len) {
		buf_add(out, text, (size_t)(at - text));
		buf_puts(out, ".");
	}
	buf_puts(out, text);
}

static void get_json(const struct stack *s, const char *path, struct buf *out)
{
	_cleanup_(buf_fini) struct buf all = { 0 };
	_cleanup_free_ char *copy = xstrdup(path), *text = NULL;
	json_t *root, *at;

	stack_config(s, STACK_JSON, &all);
	root = at = json_loads(buf_str(&all), 0, NULL);
	assert_non_null(root);
	for (char *save = NULL, *key = strtok_r(copy, "/", &save); key && at;
	     key = strtok_r(NULL, "/", &save))
		at = json_object_get(at, key);
	if (at)
		text = json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY);
	hide_folder(text ? text : "", out);
	json_decref(root);
}

static void check_tree(const struct loaded *l, const char *files, const char *path,
		       const char *json)
{
	_cleanup_(buf_fini) struct buf got = { 0 };

	if (l->result)
		fail_msg("%s\n%s", files, l->result < 0 ? l->err.text : l->text);
	get_json(l->stack, path, &got);
	if (strcmp(buf_str(&got), json) != 0)
		fail_msg("%s\n%s: wanted %s\ngot %s", files, path, json, buf_str(&got));
}

void expect_tree(const char *names, const char *files, const char *path, const char *json)
{
	_cleanup_(loaded_fini) struct loaded l = load(names, files, false);

	if (stack_diags_count(l.diags))
		fail_msg("%s\n%s", files, l.text);
	check_tree(&l, files, path, json);
	leave();
}

void expect_tree_told(const char *names, const char *files, const char *path, const char *json)
{
	_cleanup_(loaded_fini) struct loaded l = load(names, files, false);

	check_tree(&l, files, path, json);
	leave();
}

/* The printed form has the name of the file, the structs only its number. */
static void put_diags(const struct loaded *l, struct buf *out)
{
	_cleanup_(buf_fini) struct buf all = { 0 };

	stack_diags_json(l->diags, &all);
	for (char *save = NULL, *line = strtok_r(all.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *d = json_loads(line, 0, NULL);
		const char *file, *severity, *message, *hint = NULL;
		int row = 0, column = 0;

		assert_int_equal(json_unpack(d, "{s:s, s:s, s:i, s:i, s:s, s?s}", "file", &file,
					     "severity", &severity, "line", &row, "column", &column,
					     "message", &message, "hint", &hint),
				 0);
		buf_printf(out, "%s:%d:%d: %s: %s", file, row, column, severity, message);
		if (hint)
			buf_printf(out, " (%s)", hint);
		buf_puts(out, "\n");
		json_decref(d);
	}
}

static void get_told(const char *names, const char *files, bool for_run, struct buf *got)
{
	_cleanup_(loaded_fini) struct loaded l = load(names, files, for_run);
	_cleanup_(buf_fini) struct buf all = { 0 };

	if (l.result < 0)
		fail_msg("%s\n%s", files, l.err.text);
	put_diags(&l, &all);
	hide_folder(buf_str(&all), got);
	leave();
}

void expect_told(const char *names, const char *files, const char *told)
{
	_cleanup_(buf_fini) struct buf got = { 0 };

	get_told(names, files, false, &got);
	if (strcmp(buf_str(&got), told) != 0)
		fail_msg("%s\nwanted:\n%s\ngot:\n%s", files, told, buf_str(&got));
}

void expect_one(const char *names, const char *files, bool for_run, const char *severity,
		const char *what)
{
	_cleanup_free_ char *mark = xasprintf(": %s: ", severity);
	_cleanup_(buf_fini) struct buf got = { 0 };
	const char *text;

	get_told(names, files, for_run, &got);
	text = buf_str(&got);
	if (!strstr(text, mark) || !strstr(text, what) || strchr(text, '\n') != strrchr(text, '\n'))
		fail_msg("%s\nwanted one %s with: %s\ngot:\n%s", files, severity, what, text);
}
