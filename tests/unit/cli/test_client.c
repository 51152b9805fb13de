/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client: a project with a supervisor (here a child with a script), with none, and with one that dies while it is asked. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/client.h"
#include "mstack/ctl.h"
#include "mstack/sup.h"

/* Each test has a run-time folder of its own, with the folder of the project `p` in it. */
static int begin(void **state)
{
	char *dir = xstrdup("/tmp/mstack-client-XXXXXX");
	_cleanup_free_ char *project = NULL;

	assert_non_null(mkdtemp(dir));
	project = xasprintf("%s/p", dir);
	assert_int_equal(mkdir(project, 0700), 0);
	setenv("MSTACK_RUN_DIR", dir, 1);
	*state = dir;
	return 0;
}

static int end(void **state)
{
	unsetenv("MSTACK_RUN_DIR");
	assert_int_equal(path_remove_tree(AT_FDCWD, *state), 0);
	free(*state);
	return 0;
}

static int listen_here(void)
{
	_cleanup_free_ char *path = sup_socket_path("p");
	struct err err;
	int fd = ctl_listen(path, &err);

	assert_true(fd >= 0);
	return fd;
}

/* The child's side: one request; then an answer for each of `names`, and an empty last one if it is to be polite. */
static void serve(int listen_fd, const char *const *names, bool polite)
{
	struct pollfd ready = { .fd = listen_fd, .events = POLLIN };
	struct ctl_msg request = { 0 };
	struct err err;
	int fd;

	if (poll(&ready, 1, 10000) != 1 || (fd = ctl_accept(listen_fd, &err)) < 0)
		_exit(1);
	ready.fd = fd;
	if (poll(&ready, 1, 10000) != 1 || ctl_recv(fd, &request, &err) != 0 ||
	    request.type != CTL_PS)
		_exit(2);
	for (; *names; names++)
		if (ctl_answer(fd, &request, CTL_PS, json_pack("{s:s}", "Name", *names), false) < 0)
			_exit(3);
	if (polite && ctl_answer(fd, &request, CTL_OK, NULL, true) < 0)
		_exit(4);
	_exit(0);
}

static pid_t start(const char *const *names, bool polite)
{
	int fd = listen_here();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		serve(fd, names, polite);
	close(fd);
	return pid;
}

static void expect_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_slots(void **state)
{
	static const char *const names[] = { "web-1", "db-1", NULL };
	pid_t pid = start(names, true);
	json_t *rows;
	struct err err;

	(void)state;
	assert_int_equal(cli_slots("p", &rows, &err), 0);
	assert_int_equal(json_array_size(rows), 2);
	assert_string_equal(cli_string(json_array_get(rows, 0), "Name"), "web-1");
	assert_string_equal(cli_string(json_array_get(rows, 1), "Name"), "db-1");
	json_decref(rows);
	expect_end(pid);
}

/* A stack may have no slot at all: that is an empty list, not "no supervisor". */
static void test_no_slots(void **state)
{
	static const char *const names[] = { NULL };
	pid_t pid = start(names, true);
	json_t *rows;
	struct err err;

	(void)state;
	assert_int_equal(cli_slots("p", &rows, &err), 0);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	expect_end(pid);
}

static void test_no_supervisor(void **state)
{
	json_t *rows;
	struct err err;
	int fd = -1;

	(void)state;
	assert_int_equal(cli_slots("p", &rows, &err), 1);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	assert_int_equal(cli_connect("absent", 0, &fd, &err), 1);
	assert_int_equal(fd, -1);
	/* A socket that nobody listens at is left behind by a supervisor that was killed. */
	close(listen_here());
	assert_int_equal(cli_connect("p", 0, &fd, &err), 1);
	assert_int_equal(fd, -1);
}

static void test_dies_meanwhile(void **state)
{
	static const char *const names[] = { "web-1", NULL };
	pid_t pid = start(names, false);
	json_t *rows;
	struct err err;

	(void)state;
	assert_int_equal(cli_slots("p", &rows, &err), 1);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	expect_end(pid);
}

static void test_string(void **state)
{
	json_t *o = json_pack("{s:s, s:i, s:n}", "a", "x", "b", 1, "c");

	(void)state;
	assert_string_equal(cli_string(o, "a"), "x");
	assert_string_equal(cli_string(o, "b"), "");
	assert_string_equal(cli_string(o, "c"), "");
	assert_string_equal(cli_string(o, "absent"), "");
	assert_string_equal(cli_string(NULL, "a"), "");
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slots, begin, end),
		cmocka_unit_test_setup_teardown(test_no_slots, begin, end),
		cmocka_unit_test_setup_teardown(test_no_supervisor, begin, end),
		cmocka_unit_test_setup_teardown(test_dies_meanwhile, begin, end),
		cmocka_unit_test(test_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
