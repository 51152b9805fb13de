/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rundoc: options become a document that loads as what they say, and problems that name them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/rundoc.h"

struct made {
	struct cli_options o;
	struct rundoc doc;
	struct stack *stack;
	struct stack_diags *diags;
	struct err err;
	int rc;
};

/* `run` with these words; over `file` when it is not NULL. */
static struct made make(const char *const *words, const char *file)
{
	const struct cli_command *c;
	struct stack_opts opts = { .paths = &file,
				   .n_paths = file ? 1 : 0,
				   .project_name = "p",
				   .env = (const char *const[]){ "OURS=mine", NULL } };
	struct made m = { .diags = stack_diags_new() };
	size_t skip = file ? 1 : 0;

	assert_int_equal(cli_options_parse(words, &m.o, &c, &m.err), 0);
	m.rc = rundoc_make(&m.doc, &m.o, false, file ? m.o.args.v[0] : "run", file ? NULL : "box",
			   m.o.args.v + skip, m.o.args.n - skip, &m.err);
	opts.text = &m.doc.stack;
	if (!m.rc)
		m.rc = stack_load(&opts, &m.stack, m.diags, &m.err);
	return m;
}

#define MAKE(file, ...) make((const char *const[]){ "run", __VA_ARGS__, NULL }, file)

static void end(struct made *m)
{
	stack_free(m->stack);
	stack_diags_free(m->diags);
	rundoc_fini(&m->doc);
	cli_options_fini(&m->o);
}

static void test_alone(void **state)
{
	struct made m = MAKE(NULL, "--image", "img:1", "-e", "A=1", "-e", "A=$2", "-e", "OURS", "-m", "64m",
			     "--cpus", "0.5", "--pids", "7", "-v", "data:/d", "-v", "./x:/x:ro", "--", "sh", "-c", "$x");
	const struct stack_service *s;
	char cwd[4096];

	(void)state;
	assert_int_equal(m.rc, 0);
	s = &m.stack->services[0];
	assert_string_equal(s->name, "run");
	assert_string_equal(s->container_name.text, "box");
	assert_string_equal(s->hostname.text, "box");
	assert_string_equal(s->image.text, "img:1");
	assert_int_equal(s->command.n, 3);
	assert_string_equal(s->command.v[2].text, "$x");
	assert_int_equal(s->environment.n, 2);
	assert_string_equal(s->environment.v[0].value, "$2");
	assert_string_equal(s->environment.v[1].value, "mine");
	assert_int_equal(s->mem_limit.value, 64 << 20);
	assert_int_equal(s->cpus.value, 500);
	assert_int_equal(s->pids_limit.value, 7);
	assert_string_equal(s->mounts[0].volume->name, "data");
	snprintf(cwd + strlen(getcwd(cwd, sizeof(cwd) - 2)), 3, "/x");
	assert_string_equal(s->mounts[1].source, cwd);
	end(&m);
}

static void test_over_a_service(void **state)
{
	char file[] = "/tmp/mstack-rundoc-XXXXXX";
	static const char yaml[] =
		"services: {web: {image: i, command: old, container_name: c, restart: always, "
		"ports: [\"80:80\"], environment: {A: file, B: file}, depends_on: [db]}, db: {image: d}}\n";
	int fd = mkstemp(file);
	struct made m;

	(void)state;
	assert_int_equal(write(fd, yaml, sizeof(yaml) - 1), sizeof(yaml) - 1);
	close(fd);
	m = MAKE(file, "-e", "A=option", "--no-deps", "--entrypoint", "a 'b c'", "web");
	assert_int_equal(m.rc, 0);
	for (size_t i = 0; i < m.stack->n_services; i++) {
		const struct stack_service *s = &m.stack->services[i];

		if (strcmp(s->name, "web") != 0)
			continue;
		assert_null(s->container_name.text);
		assert_int_equal(s->restart, STACK_NO);
		assert_int_equal(s->n_ports, 0);
		assert_int_equal(s->n_depends, 0);
		assert_int_equal(s->entrypoint.n, 2);
		assert_string_equal(s->entrypoint.v[1].text, "b c");
		assert_true(s->command.given);
		assert_int_equal(s->command.n, 0);
		assert_string_equal(s->environment.v[0].value, "option");
		assert_string_equal(s->environment.v[1].value, "file");
	}
	end(&m);
	m = MAKE(file, "-P", "-p", "81:81", "web");
	assert_int_equal(m.rc, 0);
	assert_int_equal(stack_find_service(m.stack, "web")->n_ports, 2);
	end(&m);
	unlink(file);
}

static void test_problems(void **state)
{
	struct made m = MAKE(NULL, "--image", "i", "--memory", "lots", "--", "x");

	(void)state;
	assert_int_equal(m.rc, 1);
	assert_true(stack_diags_get(m.diags, 0)->of_words);
	assert_memory_equal(stack_diags_get(m.diags, 0)->text, "--memory: ", 10);
	end(&m);
	m = MAKE(NULL, "--image", "i", "-e", "A=\xff", "--", "x");
	assert_int_equal(m.rc, -1);
	assert_int_equal(m.err.kind, ERR_USAGE);
	assert_string_equal(m.err.text, "run: --env: its text is not UTF-8");
	end(&m);
	m = MAKE(NULL, "--rootfs", "/not/there", "--", "x");
	assert_int_equal(m.rc, -1);
	assert_int_equal(m.err.kind, ERR_CREATE);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_over_a_service),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
