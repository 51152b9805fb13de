/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of ctl/packet.c: what goes in comes out, and what nobody should send is refused without
 * losing a descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/ctl.h"
#include "unit/openfds.h"

struct raw {
	uint32_t magic, version, type, id, flags, body_len;
	char body[CTL_BODY_MAX + 64];
};

/* Whose descriptors on their way nobody else counts. */
enum { FEW = 65321 };

#define RAW_HEAD offsetof(struct raw, body)

static void make_pair(int pair[2])
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* A well-formed packet as the wire has it, to be spoiled by the tests. */
static struct raw *raw_new(const char *body)
{
	struct ctl_msg m = { .type = CTL_PS, .id = 7 };
	struct raw *r = xcalloc(1, sizeof(*r));
	int pair[2];

	make_pair(pair);
	assert_int_equal(ctl_send(pair[0], &m, NULL), 0);
	assert_int_equal(recv(pair[1], r, sizeof(*r), 0), RAW_HEAD);
	close_pair(pair);
	r->body_len = (uint32_t)strlen(body);
	memcpy(r->body, body, strlen(body));
	return r;
}

static int recv_raw(const void *data, size_t len, struct err *err)
{
	struct ctl_msg m = { 0 };
	int pair[2], rc;

	make_pair(pair);
	assert_int_equal(send(pair[0], data, len, 0), (ssize_t)len);
	rc = ctl_recv(pair[1], &m, err);
	ctl_msg_fini(&m);
	close_pair(pair);
	return rc;
}

static void round_trip(void **state)
{
	struct ctl_msg out = { .type = CTL_DOWN, .id = 42, .flags = CTL_LAST }, in = { 0 };
	int pair[2];

	(void)state;
	make_pair(pair);
	out.body = json_pack("{s:i,s:b,s:s}", "timeout", 10, "volumes", 1, "name",
			     "w\xc3\xa4"
			     "b");
	assert_int_equal(ctl_send(pair[0], &out, NULL), 0);
	assert_int_equal(ctl_recv(pair[1], &in, NULL), 0);
	assert_int_equal(in.type, CTL_DOWN);
	assert_int_equal(in.id, 42);
	assert_int_equal(in.flags, CTL_LAST);
	assert_int_equal(in.n_fds, 0);
	assert_true(json_equal(in.body, out.body));
	ctl_msg_fini(&in);
	ctl_msg_fini(&out);
	ctl_msg_fini(&out);
	assert_int_equal(ctl_recv(pair[1], &in, NULL), 1);
	close_pair(pair);
}

static void descriptors_travel(void **state)
{
	struct ctl_msg out = { .type = CTL_OK }, in = { 0 };
	struct stat a, b;
	int before = open_fds(), pair[2], taken;

	(void)state;
	make_pair(pair);
	for (out.n_fds = 0; out.n_fds < CTL_FDS_MAX; out.n_fds++)
		out.fds[out.n_fds] = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(ctl_send(pair[0], &out, NULL), 0);
	assert_int_equal(fstat(out.fds[0], &a), 0);
	ctl_msg_fini(&out);
	assert_int_equal(ctl_recv(pair[1], &in, NULL), 0);
	assert_int_equal(in.n_fds, CTL_FDS_MAX);
	for (size_t i = 0; i < in.n_fds; i++) {
		assert_int_equal(fstat(in.fds[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_int_equal(fcntl(in.fds[i], F_GETFD), FD_CLOEXEC);
	}
	taken = take_fd(&in.fds[3]);
	ctl_msg_fini(&in);
	assert_int_equal(fstat(taken, &b), 0);
	close(taken);
	close_pair(pair);
	assert_int_equal(open_fds(), before);
}

/* Sends a packet with more descriptors than are allowed, or with a body that is none. */
static void send_with_fds(int fd, const void *data, size_t len, size_t n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
	} space = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space };
	int fds[16];

	mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
	for (size_t i = 0; i < n; i++)
		fds[i] = STDIN_FILENO;
	space.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	space.align.cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds, sizeof(int) * n);
	assert_int_equal(sendmsg(fd, &mh, 0), (ssize_t)len);
}

static void refused_packets_leak_nothing(void **state)
{
	static const struct {
		const char *body;
		size_t n_fds;
	} rows[] = {
		{ "{}", CTL_FDS_MAX + 1 }, { "{}", 16 }, { "{", 3 }, { "nonsense", CTL_FDS_MAX }
	};
	int before = open_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ struct raw *r = raw_new(rows[i].body);
		struct ctl_msg in = { .id = 99 };
		int pair[2];

		make_pair(pair);
		send_with_fds(pair[0], r, RAW_HEAD + r->body_len, rows[i].n_fds);
		assert_int_equal(ctl_recv(pair[1], &in, NULL), -1);
		assert_int_equal(in.id, 99);
		close_pair(pair);
		assert_int_equal(open_fds(), before);
	}
}

static void body_limits(void **state)
{
	struct ctl_msg out = { .type = CTL_OK }, in = { 0 };
	struct err err = { 0 };
	char *text = xcalloc(1, CTL_BODY_MAX + 1);
	int pair[2];

	(void)state;
	make_pair(pair);
	memset(text, 'x', CTL_BODY_MAX - strlen("{\"k\":\"\"}"));
	out.body = json_pack("{s:s}", "k", text);
	assert_int_equal(ctl_send(pair[0], &out, &err), 0);
	assert_int_equal(ctl_recv(pair[1], &in, &err), 0);
	assert_true(json_equal(in.body, out.body));
	ctl_msg_fini(&in);
	strcat(text, "x");
	json_object_set_new(out.body, "k", json_string(text));
	assert_int_equal(ctl_send(pair[0], &out, &err), -1);
	assert_int_equal(err.sys, EMSGSIZE);
	ctl_msg_fini(&out);
	free(text);
	close_pair(pair);
}

static void bad_bodies(void **state)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"[1,2]",
		"1",
		"null",
		"\"s\"",
		"{\"a\":1,\"a\":2}",
		"{} x",
		"{\"a\":\xff}",
		"{\"a\":\"\\u0000\"}",
		"{\"\":}",
		" ",
		"\"",
		"{\"a\":1e999}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ struct raw *r = raw_new(bad[i]);
		struct err err = { 0 };

		assert_int_equal(recv_raw(r, RAW_HEAD + r->body_len, &err), -1);
		assert_int_equal(err.sys, EBADMSG);
		assert_non_null(strstr(err.text, "no JSON object"));
	}
}

static void bad_headers(void **state)
{
	_cleanup_free_ struct raw *r = raw_new("{\"a\":1}");
	size_t len = RAW_HEAD + r->body_len;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(recv_raw(r, len, &err), 0);
	for (size_t cut = 1; cut < len; cut++)
		assert_int_equal(recv_raw(r, cut, &err), -1);
	assert_int_equal(recv_raw(r, len + 1, &err), -1);
	r->body_len = UINT32_MAX;
	assert_int_equal(recv_raw(r, len, &err), -1);
	r->body_len = CTL_BODY_MAX + 1;
	assert_int_equal(recv_raw(r, RAW_HEAD + CTL_BODY_MAX + 1, &err), -1);
	assert_non_null(strstr(err.text, "too long"));
	r->version++;
	assert_int_equal(recv_raw(r, len, &err), -1);
	assert_int_equal(err.sys, EPROTONOSUPPORT);
	r->magic++;
	assert_int_equal(recv_raw(r, len, &err), -1);
	assert_non_null(strstr(err.text, "not a message of mstack"));
}

/* What a later version may send: the receiver decides about types and ignores keys. */
static void unknown_types_pass(void **state)
{
	_cleanup_free_ struct raw *r = raw_new("{\"key of tomorrow\":[{}]}");
	struct ctl_msg m = { 0 };
	int pair[2];

	(void)state;
	r->type = 4000000000u;
	r->flags = 0xfffffffeu;
	make_pair(pair);
	assert_int_equal(send(pair[0], r, RAW_HEAD + r->body_len, 0),
			 (ssize_t)(RAW_HEAD + r->body_len));
	assert_int_equal(ctl_recv(pair[1], &m, NULL), 0);
	assert_true((uint32_t)m.type == 4000000000u);
	ctl_msg_fini(&m);
	close_pair(pair);
}

static void dead_peers(void **state)
{
	struct ctl_msg m = { .type = CTL_OK, .id = 5 }, in = { 0 };
	struct err err = { 0 };
	int pair[2];

	(void)state;
	make_pair(pair);
	close(pair[0]);
	assert_int_equal(ctl_recv(pair[1], &in, &err), 2);
	assert_int_equal(ctl_send(pair[1], &m, &err), -1);
	close(pair[1]);

	/* The peer answers and leaves without having read all: its answer still arrives. */
	make_pair(pair);
	assert_int_equal(ctl_send(pair[1], &m, &err), 0);
	assert_int_equal(ctl_send(pair[0], &m, &err), 0);
	close(pair[0]);
	assert_int_equal(ctl_recv(pair[1], &in, &err), 0);
	assert_int_equal(in.id, 5);
	ctl_msg_fini(&in);
	assert_int_equal(ctl_recv(pair[1], &in, &err), 2);
	close(pair[1]);
}

static void full_socket_would_block(void **state)
{
	struct ctl_msg m = { .type = CTL_OK };
	int pair[2], rc = 0, n = 0;

	(void)state;
	make_pair(pair);
	for (; rc == 0 && n < 1000000; n++)
		rc = ctl_send(pair[0], &m, NULL);
	assert_int_equal(rc, 1);
	assert_true(n > 1);
	close_pair(pair);
}

/* Takes all that is on its way, after a while. */
static pid_t taker(int from)
{
	struct ctl_msg m = { 0 };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	usleep(300000);
	while (ctl_recv(from, &m, NULL) == 0)
		ctl_msg_fini(&m);
	_exit(0);
}

/* A user's process that may have few files open, beside one that has as many on their way. The errno of one who does not wait, with 1000 added if he who does fails. */
static int send_among_others(void)
{
	const struct ctl_msg m = { .type = CTL_APPLY, .id = 1, .fds = { 0 }, .n_fds = 1 };
	const struct rlimit few = { 24, 24 };
	struct err err = { 0 };
	int others[2], pair[2], first;
	pid_t pid;

	make_pair(others);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &few) < 0 ||
	    (geteuid() == 0 && setresuid(FEW, FEW, FEW) < 0))
		return -1;
	while (ctl_send(others[0], &m, &err) == 0)
		;
	first = err.sys;
	pid = taker(others[1]);
	if (ctl_send(pair[0], &m, &err) != 0)
		first += 1000;
	waitpid(pid, NULL, 0);
	return first;
}

static void others_hand_over(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		alarm(60);
		_exit(send_among_others() == ETOOMANYREFS ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(descriptors_travel),
		cmocka_unit_test(refused_packets_leak_nothing),
		cmocka_unit_test(body_limits),
		cmocka_unit_test(bad_bodies),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(unknown_types_pass),
		cmocka_unit_test(dead_peers),
		cmocka_unit_test(full_socket_would_block),
		cmocka_unit_test(others_hand_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
