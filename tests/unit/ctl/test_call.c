/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of ctl/call.c: the answers are put in the socket ahead of the call, so that no second
 * process is needed.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/ctl.h"

struct seen {
	int n, stop_at;
	json_int_t sum;
};

static int add_up(void *arg, const struct ctl_msg *m)
{
	struct seen *s = arg;

	s->sum += json_integer_value(json_object_get(m->body, "n"));
	return ++s->n == s->stop_at ? 77 : 0;
}

/* What the server side does with one request. */
static void serve_three(int fd, const struct ctl_msg *request)
{
	const struct ctl_msg stale = { .type = CTL_OK, .id = request->id - 1, .flags = CTL_LAST };

	ctl_send(fd, &stale, NULL);
	ctl_answer(fd, request, CTL_PS, json_pack("{s:i}", "n", 1), false);
	ctl_answer(fd, request, CTL_PS, json_pack("{s:i}", "n", 2), false);
	ctl_answer(fd, request, CTL_OK,
		   json_pack("{s:O}", "n", json_object_get(request->body, "n")), true);
}

static void serve_error(int fd, const struct ctl_msg *request)
{
	ctl_answer(fd, request, CTL_PS, NULL, false);
	ctl_answer(fd, request, CTL_ERROR,
		   json_pack("{s:s,s:i}", "error", "service 'web': no", "code", 4), true);
}

static void serve_bare_error(int fd, const struct ctl_msg *request)
{
	ctl_answer(fd, request, CTL_ERROR, NULL, true);
}

static void serve_nothing(int fd, const struct ctl_msg *request)
{
	(void)fd;
	(void)request;
}

/* Calls with a server in a child that answers one request in the given way and then leaves. */
static int call(void (*serve)(int fd, const struct ctl_msg *request), struct seen *seen,
		struct err *err)
{
	struct ctl_msg m = { 0 };
	json_t *body = json_pack("{s:i}", "n", 40);
	int pair[2], rc;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		if (ctl_recv(pair[1], &m, NULL) == 0)
			serve(pair[1], &m);
		_exit(0);
	}
	close(pair[1]);
	rc = ctl_call(pair[0], CTL_PS, body, seen ? add_up : NULL, seen, err);
	assert_int_equal(json_integer_value(json_object_get(body, "n")), 40);
	json_decref(body);
	close(pair[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return rc;
}

static void answers_until_the_last(void **state)
{
	struct seen seen = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(call(serve_three, &seen, &err), 0);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.sum, 43);
	assert_int_equal(call(serve_three, NULL, &err), 0);
}

static void each_may_end_it(void **state)
{
	struct seen seen = { .stop_at = 2 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(call(serve_three, &seen, &err), 77);
	assert_int_equal(seen.n, 2);
}

static void errors_keep_text_and_kind(void **state)
{
	struct seen seen = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(call(serve_error, &seen, &err), -1);
	assert_int_equal(seen.n, 1);
	assert_string_equal(err.text, "service 'web': no");
	assert_int_equal(err.kind, ERR_SERVICE);
	assert_int_equal(call(serve_bare_error, &seen, &err), -1);
	assert_int_equal(err.kind, ERR_RUN);
	assert_true(err.text[0] != '\0');
}

static void server_leaves(void **state)
{
	struct err err = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(call(serve_nothing, NULL, &err), -1);
	assert_int_equal(err.sys, ECONNRESET);

	/* Gone even before the request. */
	err = (struct err){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(ctl_call(pair[0], CTL_STATUS, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.sys, ECONNRESET);
	close(pair[0]);
}

static void server_sleeps(void **state)
{
	const struct timeval tv = { .tv_usec = 20000 };
	struct err err = { 0 };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(ctl_call(pair[0], CTL_STATUS, NULL, NULL, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_until_the_last),
		cmocka_unit_test(each_may_end_it),
		cmocka_unit_test(errors_keep_text_and_kind),
		cmocka_unit_test(server_leaves),
		cmocka_unit_test(server_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
