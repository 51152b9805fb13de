/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * envfile: one variable of the env files, for who has to know it before there is a project. Called by
 * cli, which finds the names of stack files in it. What is wrong with a file is told when the project
 * is loaded.
 */
#include "stack/dotenv.h"
#include "stack/reader.h"

static const char *find(const struct vars *vars, const char *const *names)
{
	for (; *names; names++) {
		const struct stack_kv *kv = envset_get(&vars->files, *names, strlen(*names));

		if (kv && kv->value && *kv->value)
			return kv->value;
	}
	return NULL;
}

char *stack_env_value(const char *const *paths, size_t n, const char *const *env,
		      const char *const *names)
{
	struct arena *arena = arena_new();
	struct stack_diags *diags = stack_diags_new();
	struct reader r;
	struct vars vars = { .common = &r.common };
	const struct context c = { .dir = ".", .vars = &vars };
	const char *value;
	char *copy;

	reader_init(&r, arena, diags, env);
	for (size_t i = 0; i < n; i++) {
		int file = reader_file(&r, &c, paths[i], DOTENV_FILE_MAX);

		if (file >= 0)
			dotenv_parse(&vars, NULL, (uint32_t)file, r.files.v[file].text,
				     r.files.v[file].len, &vars.files);
	}
	value = find(&vars, names);
	copy = value ? xstrdup(value) : NULL;
	vars_fini(&vars);
	reader_fini(&r);
	stack_diags_free(diags);
	arena_free(arena);
	return copy;
}
