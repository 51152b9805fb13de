/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a stack file, and behind a line `%%` as an env file: YAML, variables,
 * dotenv and all value grammars. What loads must print a canonical form that loads again and gives
 * itself. Nothing is read but two memory files.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mstack/stack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory_file {
	int fd;
	char path[32];
};

static struct memory_file memory_file(const void *data, size_t size)
{
	struct memory_file f = { .fd = memfd_create("fuzz", MFD_CLOEXEC) };

	if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size)
		abort();
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

/* The canonical form, or NULL when the file is wrong. */
static char *load(const struct memory_file *yaml, const struct memory_file *env,
		  enum stack_format format)
{
	static const char *const vars[] = { "HOME=/root", "A=1", "EMPTY=", NULL };
	const char *path = yaml->path, *env_path = env->path;
	struct stack_opts opts = { .paths = &path,
				   .n_paths = 1,
				   .env_files = &env_path,
				   .n_env_files = 1,
				   .project_name = "t",
				   .project_dir = "/nowhere",
				   .env = vars };
	struct stack_diags *diags = stack_diags_new();
	struct stack *stack = NULL;
	struct buf text = { 0 }, out = { 0 };
	struct err err;
	int r = stack_load(&opts, &stack, diags, &err);

	stack_diags_print(diags, true, &text);
	if (!r)
		stack_config(stack, format, &out);
	stack_free(stack);
	stack_diags_free(diags);
	buf_fini(&text);
	return r ? NULL : buf_take(&out);
}

/* In JSON a dollar sign of a key is written twice, for other tools, and nobody makes it one again. */
static bool has_dollar_key(const char *json)
{
	for (; *json; json += strcspn(json, "\n"), json += *json == '\n') {
		size_t len = strcspn(json, "\n");
		const char *key_end = memmem(json, len, "\":", 2),
			   *dollar = memmem(json, len, "$$", 2);

		if (key_end && dollar && dollar < key_end)
			return true;
	}
	return false;
}

static void check(const char *once, const struct memory_file *env, enum stack_format format)
{
	struct memory_file again = memory_file(once, strlen(once));
	char *twice = load(&again, env, format);

	if (!twice || strcmp(once, twice)) {
		fprintf(stderr, "%s\n---\n%s\n", once, twice ? twice : "(refused)");
		abort();
	}
	free(twice);
	close(again.fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memmem(data, size, "\n%%\n", 4);
	size_t yaml_size = cut ? (size_t)(cut - data) + 1 : size;
	struct memory_file yaml = memory_file(data, yaml_size);
	struct memory_file env = memory_file(cut ? cut + 4 : data, cut ? size - yaml_size - 3 : 0);

	for (enum stack_format format = STACK_YAML; format <= STACK_JSON; format++) {
		char *once = load(&yaml, &env, format);

		if (once && (format == STACK_YAML || !has_dollar_key(once)))
			check(once, &env, format);
		free(once);
	}
	close(yaml.fd);
	close(env.fd);
	return 0;
}
