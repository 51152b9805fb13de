/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alloc: memory and vectors; without memory the program ends with a message.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base.h"

static void test_vector_grows(void **state)
{
	struct VEC(int) v = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		vec_push(&v, i);
	assert_int_equal(v.n, 1000);
	assert_true(v.cap >= v.n);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v.v[i], i);
	vec_fini(&v);
	assert_null(v.v);
	assert_int_equal(v.n, 0);
	vec_fini(&v);
}

static void test_vector_of_structs(void **state)
{
	struct pair {
		const char *key;
		int value;
	};
	struct VEC(struct pair) v = { 0 };

	(void)state;
	vec_push(&v, ((struct pair){ "a", 1 }));
	vec_push(&v, ((struct pair){ "b", 2 }));
	assert_string_equal(v.v[1].key, "b");
	assert_int_equal(v.v[0].value, 1);
	vec_fini(&v);
}

static void test_zero_bytes_are_something(void **state)
{
	void *p = xcalloc(0, 8), *q = xrealloc(NULL, 0);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	free(p);
	free(q);
}

static void test_text(void **state)
{
	char *s = xasprintf("%s-%d", "web", 1), *t = xstrdup(s);

	(void)state;
	assert_string_equal(s, "web-1");
	assert_string_equal(t, s);
	assert_ptr_not_equal(t, s);
	free(s);
	free(t);
}

/* A vector whose next size has no number ends the program in the same way as an empty machine. */
static void run_out_of_memory(int fd)
{
	size_t n = SIZE_MAX / 4, cap = n;
	void *v = NULL;

	dup2(fd, STDERR_FILENO);
	vec_slot_(&v, &n, &cap, 16);
	_exit(0);
}

static void test_out_of_memory(void **state)
{
	char text[64] = "";
	int pipe_fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_out_of_memory(pipe_fds[1]);
	close(pipe_fds[1]);
	assert_true(read(pipe_fds[0], text, sizeof(text) - 1) > 0);
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(text, "mstack: out of memory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_grows),
		cmocka_unit_test(test_vector_of_structs),
		cmocka_unit_test(test_zero_bytes_are_something),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
