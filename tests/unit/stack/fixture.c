/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fixture: a temporary folder with a stack file in it, and what stack_load makes of that. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/stack/fixture.h"

const char *const fixture_env[] = { "HOME=/home/user", "TAG=1.2", "EMPTY=", NULL };

int fixture_begin(void **state)
{
	char *dir = xstrdup("/tmp/mstack-stack-XXXXXX");

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	*state = dir;
	return 0;
}

int fixture_end(void **state)
{
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(path_remove_tree(AT_FDCWD, *state), 0);
	free(*state);
	return 0;
}

void fixture_write(const char *name, const void *data, size_t len)
{
	assert_int_equal(file_replace(AT_FDCWD, name, data, len, 0600), 0);
}

struct loaded load_opts(const struct stack_opts *opts)
{
	struct loaded l = { .diags = stack_diags_new() };
	struct buf text = { 0 };

	l.result = stack_load(opts, &l.stack, l.diags, &l.err);
	assert_int_equal(l.result == 1, stack_diags_errors(l.diags) > 0);
	assert_int_equal(l.result == 0, l.stack != NULL);
	stack_diags_print(l.diags, false, &text);
	l.text = buf_take(&text);
	return l;
}

struct loaded load_text(const char *yaml)
{
	const char *path = "stack.yaml";
	struct stack_opts opts = {
		.paths = &path, .n_paths = 1, .project_name = "t", .env = fixture_env
	};

	fixture_write(path, yaml, strlen(yaml));
	return load_opts(&opts);
}

void loaded_fini(struct loaded *l)
{
	stack_free(l->stack);
	stack_diags_free(l->diags);
	free(l->text);
}

void expect_diags(const char *yaml, const char *diags)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
	_cleanup_(buf_fini) struct buf got = { 0 };

	for (size_t i = 0; i < stack_diags_count(l.diags); i++) {
		const struct stack_diag *d = stack_diags_get(l.diags, i);

		buf_printf(&got, "%u:%u: %s: %s\n", d->pos.line, d->pos.col,
			   d->severity == STACK_ERROR ? "error" : "warning", d->text);
	}
	assert_string_equal(buf_str(&got), diags);
}

void expect_canonical(const char *keys, const char *json)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys),
			    *text = NULL;
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

	if (l.result)
		fail_msg("%s: %s", keys, l.text);
	text = stack_service_text(l.stack, "web");
	assert_non_null(text);
	if (!strstr(text, json))
		fail_msg("%s: %s is not in %s", keys, json, text);
}

void expect_problem(const char *lines, const char *problem)
{
	_cleanup_free_ char *yaml = xasprintf("services:\n  web:\n    image: a\n%s", lines);
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
	_cleanup_(buf_fini) struct buf all = { 0 };

	for (size_t i = 0; i < stack_diags_count(l.diags); i++) {
		const struct stack_diag *d = stack_diags_get(l.diags, i);
		_cleanup_free_ char *text =
			xasprintf("%u:%u: %s: %s", d->pos.line, d->pos.col,
				  d->severity == STACK_ERROR ? "error" : "warning", d->text);

		if (!strcmp(text, problem))
			return;
		buf_printf(&all, "%s\n", text);
	}
	fail_msg("%s\nwanted: %s\ngot:\n%s", lines, problem, buf_str(&all));
}
