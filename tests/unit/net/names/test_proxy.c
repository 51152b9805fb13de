/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxy, proxyconn, proxyflow: a process runs the loop, and this one is client, container and net at the same time, in a network
 * of their own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/names/proxy.h"

enum { TIMEOUT_S = 20, MUCH = 5000000 };

struct stage {
	pid_t pid;
	int control;
	int container; /* a listening socket, or one of UDP */
	uint16_t port, container_port;
};

/* ---- setting up ------------------------------------------------------------------------------ */

static void be_patient(int fd)
{
	const struct timeval t = { .tv_sec = TIMEOUT_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int new_socket(int type, const char *ip, uint16_t port, bool server, uint16_t *ret_port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), off = 0;

	assert_true(fd >= 0);
	be_patient(fd);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_int_equal(inet_pton(AF_INET6, ip, &a.sin6_addr), 1);
	if (!server) {
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			return fd;
		close(fd);
		return -1;
	}
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(type != SOCK_STREAM || listen(fd, 16) == 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*ret_port = ntohs(a.sin6_port);
	return fd;
}

static void tell(const struct stage *s, const struct helper_message *m, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		*CMSG_FIRSTHDR(&h) =
			(struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&h)), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(s->control, &h, 0), sizeof(*m));
}

static _Noreturn void serve(int control)
{
	struct names *n = xcalloc(1, sizeof(*n));
	struct err err = { 0 };
	int rc = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (names_open(n, &err) == 0 && source_open(n, &n->control, control, EPOLLIN) == 0)
		rc = names_run(n);
	names_close(n);
	free(n);
	exit(rc);
}

static void tell_port(const struct stage *s, int type, int fd)
{
	const struct in_addr here = { htonl(INADDR_LOOPBACK) };

	tell(s,
	     &(struct helper_message){ .kind = HELPER_PROXY,
				       .own = { .port = 1 },
				       .protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP,
				       .to = { ip_from4(here), s->container_port } },
	     fd);
}

static void begin(struct stage *s, int type)
{
	int ends[2], one = 1, fd;
	uint16_t port;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	s->pid = fork();
	if (!s->pid) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	s->control = ends[0];
	s->container = new_socket(type, "::ffff:127.0.0.1", 0, true, &s->container_port);
	fd = new_socket(type, "::", 0, true, &port);
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	s->port = port;
	tell_port(s, type, fd);
	close(fd);
}

static void end(struct stage *s)
{
	int status = -1;

	close(s->control);
	close(s->container);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_int_equal(status, 0);
}

static int client(const struct stage *s)
{
	int fd = new_socket(SOCK_STREAM, "::1", s->port, false, NULL);

	assert_true(fd >= 0);
	return fd;
}

static int accepted(const struct stage *s)
{
	int fd = accept(s->container, NULL, NULL);

	assert_true(fd >= 0);
	be_patient(fd);
	return fd;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void check_bytes(int from, int to, const char *text)
{
	char got[64] = "";

	assert_int_equal(send(from, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	assert_int_equal(recv(to, got, strlen(text), MSG_WAITALL), strlen(text));
	assert_string_equal(got, text);
}

static void test_both_ways(void **state)
{
	struct stage s;
	char c;

	(void)state;
	begin(&s, SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		int near = client(&s), far = accepted(&s);

		check_bytes(near, far, "question");
		check_bytes(far, near, "answer");
		shutdown(near, SHUT_WR);
		assert_int_equal(recv(far, &c, 1, 0), 0);
		check_bytes(far, near, "still open");
		close(far);
		assert_int_equal(recv(near, &c, 1, 0), 0);
		close(near);
	}
	end(&s);
}

/* Nobody reads: it all stays with its sender, and others are served. Then it comes as it was sent. */
static void test_slow_reader(void **state)
{
	_cleanup_free_ char *block = xcalloc(1, MUCH), *got = xcalloc(1, MUCH);
	size_t sent = 0, had = 0;
	struct stage s;
	int near, far, other, other_far;

	(void)state;
	begin(&s, SOCK_STREAM);
	near = client(&s);
	far = accepted(&s);
	for (size_t i = 0; i < MUCH; i++)
		block[i] = (char)(i * 31 >> 3);
	while (sent < MUCH) {
		struct pollfd p = { near, POLLOUT, 0 };
		ssize_t n = poll(&p, 1, 200) > 0
				    ? send(near, block + sent, MUCH - sent, MSG_DONTWAIT)
				    : 0;

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	other = client(&s);
	other_far = accepted(&s);
	check_bytes(other, other_far, "meanwhile");
	shutdown(near, SHUT_WR);
	while (had < sent) {
		ssize_t n = recv(far, got + had, MUCH - had, 0);

		assert_true(n > 0);
		had += (size_t)n;
	}
	assert_memory_equal(got, block, sent);
	assert_int_equal(recv(far, got, 1, 0), 0);
	close(near);
	close(far);
	close(other);
	close(other_far);
	end(&s);
}

static void check_reset(int fd)
{
	char c;

	assert_true(fd < 0 || recv(fd, &c, 1, 0) < 0);
	assert_int_equal(errno, ECONNRESET);
	if (fd >= 0)
		close(fd);
}

static void test_resets(void **state)
{
	const struct linger reset = { .l_onoff = 1 };
	struct stage s;
	int near, far;

	(void)state;
	begin(&s, SOCK_STREAM);
	near = client(&s);
	far = accepted(&s);
	setsockopt(far, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(far);
	check_reset(near);
	/* Withdrawn under a connection. */
	near = client(&s);
	far = accepted(&s);
	tell(&s,
	     &(struct helper_message){
		     .kind = HELPER_UNPROXY, .protocol = IPPROTO_TCP, .own = { .port = 1 } },
	     -1);
	check_reset(near);
	check_reset(far);
	end(&s);
	/* By another address, and to a container where nobody listens. */
	begin(&s, SOCK_STREAM);
	check_reset(new_socket(SOCK_STREAM, "::ffff:127.0.0.1", s.port, false, NULL));
	shutdown(s.container, SHUT_RDWR);
	check_reset(new_socket(SOCK_STREAM, "::1", s.port, false, NULL));
	end(&s);
}

static void test_wrong_messages(void **state)
{
	struct stage s;
	int near, far;

	(void)state;
	begin(&s, SOCK_STREAM);
	tell(&s,
	     &(struct helper_message){
		     .kind = HELPER_PROXY, .own = { .port = 2 }, .protocol = IPPROTO_TCP },
	     -1);
	tell(&s,
	     &(struct helper_message){
		     .kind = HELPER_PROXY, .own = { .port = 2 }, .protocol = 132 },
	     s.container);
	tell(&s,
	     &(struct helper_message){
		     .kind = HELPER_PROXY, .own = { .port = 2 }, .protocol = IPPROTO_TCP },
	     s.container);
	tell(&s,
	     &(struct helper_message){
		     .kind = HELPER_UNPROXY, .protocol = IPPROTO_TCP, .own = { .port = 7 } },
	     -1);
	near = client(&s);
	far = accepted(&s);
	check_bytes(near, far, "unmoved");
	close(near);
	close(far);
	end(&s);
}

/* Told all again: a port that is told once more goes on with its connections, and one that is not ends with them. */
static void test_anew(void **state)
{
	const struct helper_message anew = { .kind = HELPER_ANEW }, all = { .kind = HELPER_ALL };
	struct stage s;
	int near, far;
	char c;

	(void)state;
	begin(&s, SOCK_STREAM);
	near = client(&s);
	far = accepted(&s);
	for (int i = 0; i < 2; i++) {
		tell(&s, &anew, -1);
		check_bytes(near, far, "meanwhile");
		tell_port(&s, SOCK_STREAM, s.container);
		tell(&s, &all, -1);
		check_bytes(near, far, "afterwards");
	}
	tell(&s, &anew, -1);
	tell(&s, &all, -1);
	assert_true(recv(near, &c, 1, 0) == 0 || errno == ECONNRESET);
	assert_true(recv(far, &c, 1, 0) == 0 || errno == ECONNRESET);
	close(near);
	close(far);
	end(&s);
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static void test_datagrams(void **state)
{
	struct stage s;
	int near[2];

	(void)state;
	begin(&s, SOCK_DGRAM);
	for (int i = 0; i < 2; i++)
		near[i] = new_socket(SOCK_DGRAM, "::1", s.port, false, NULL);
	for (int i = 0; i < 6; i++) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		char sent = (char)('a' + i), got = 0;

		assert_int_equal(send(near[i % 2], &sent, 1, 0), 1);
		assert_int_equal(recvfrom(s.container, &got, 1, 0, (struct sockaddr *)&from, &len),
				 1);
		assert_int_equal(got, sent);
		sent = (char)('A' + i);
		assert_int_equal(sendto(s.container, &sent, 1, 0, (struct sockaddr *)&from, len),
				 1);
		assert_int_equal(recv(near[i % 2], &got, 1, 0), 1);
		assert_int_equal(got, sent);
	}
	close(near[0]);
	close(near[1]);
	end(&s);
}

static int own_network(void **state)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: needs root\n");
		exit(0);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &up), 0);
	return close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_resets),	  cmocka_unit_test(test_wrong_messages),
		cmocka_unit_test(test_datagrams), cmocka_unit_test(test_anew),
	};

	return cmocka_run_group_tests(tests, own_network, NULL);
}
