/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/passing.c: a message takes a descriptor along, or none, and nothing that came stays open unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base.h"
#include "unit/openfds.h"

static int setup(void **state)
{
	static int ends[2];

	*state = ends;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int teardown(void **state)
{
	int *ends = *state;

	return close(ends[0]) | close(ends[1]);
}

static void test_one_or_none(void **state)
{
	const int *ends = *state;
	char word[8];
	int fd;

	assert_int_equal(fd_send(ends[0], "with", 4, ends[0]), 0);
	assert_int_equal(fd_send(ends[0], "none", 4, -1), 0);
	assert_int_equal(fd_receive(ends[1], word, sizeof(word), 0, &fd), 4);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(fd_receive(ends[1], word, sizeof(word), 0, &fd), 4);
	assert_int_equal(fd, -1);
	assert_int_equal(fd_receive(ends[1], word, sizeof(word), 0, &fd), -1);
	assert_int_equal(fd, -1);
}

/* Two fit into the room that one needs. */
static void test_two(void **state)
{
	const int *ends = *state;
	int two[] = { ends[0], ends[0] }, before = open_fds(), fd;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(two))];
	} control = { .align = { CMSG_LEN(sizeof(two)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { (void *)(uintptr_t) "x", 1 };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	char word;

	memcpy(CMSG_DATA(&control.align), two, sizeof(two));
	assert_int_equal(sendmsg(ends[0], &m, MSG_NOSIGNAL), 1);
	assert_int_equal(fd_receive(ends[1], &word, 1, 0, &fd), 1);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(open_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_or_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
