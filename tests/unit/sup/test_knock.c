/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes of ours against real sockets, in a network of the test's own: who accepts, who refuses, what an answer in HTTP is worth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/sup/life.h"

static int own_network(void **state)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd, rc;

	if (life_setup(state) < 0 || unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rc = ioctl(fd, SIOCSIFFLAGS, &lo);
	close(fd);
	return rc;
}

/* ---- servers --------------------------------------------------------------------------------- */

static int listen_at(int family, uint16_t port, const char *path)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct sockaddr *a = family == AF_INET	? (struct sockaddr *)&a4
				   : family == AF_INET6 ? (struct sockaddr *)&a6
							: (struct sockaddr *)&un;
	socklen_t len = family == AF_INET    ? sizeof(a4)
			: family == AF_INET6 ? sizeof(a6)
					     : sizeof(un);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path ? path : "");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, a, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* Answers everybody with this, a part at a time, and closes; NULL: says nothing and keeps the connection. Ends with the test. */
static pid_t serve(int fd, const char *answer)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid) {
		close(fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		char request[4096];

		if (c < 0 || !answer)
			continue;
		if (read(c, request, sizeof(request)) > 0)
			for (const char *a = answer; *a; a++)
				if (send(c, a, 1, MSG_NOSIGNAL) < 0)
					break;
		close(c);
	}
}

static void dismiss(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- lives ----------------------------------------------------------------------------------- */

/* Ends when the first verdict is there; it is in what was said and in the log. */
static void say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	life_say(arg, kind, slot, text);
	if (!strcmp(text, "healthy") || !strcmp(text, "unhealthy"))
		kill(getpid(), SIGTERM);
}

static void probe(const char *what, const char *verdict, const char *why)
{
	_cleanup_free_ char *yaml =
		xasprintf("services:\n  a: {image: i, command: x, healthcheck: {x-probe: {%s}, "
			  "interval: 5ms, timeout: 2s, retries: 2}}\n",
			  what);
	struct life l = new_life();

	l.bystanders = true;
	l.said_by = say;
	live(&l, yaml, NULL, 0);
	if (!strstr(buf_str(&l.said), verdict) || !strstr(buf_str(&l.lines), why))
		fail_msg("%s: not '%s' '%s':\n%s%s", what, verdict, why, buf_str(&l.said),
			 buf_str(&l.lines));
	end_life(&l);
}

static void test_tcp(void **state)
{
	int four = listen_at(AF_INET, 4444, NULL), six = listen_at(AF_INET6, 6666, NULL);

	(void)state;
	probe("tcp: 4444", "a-1: healthy", "");
	probe("tcp: 6666", "a-1: healthy", ""); /* 127.0.0.1 refuses, ::1 does not */
	probe("tcp: '127.0.0.1:4444'", "a-1: healthy", "");
	probe("tcp: '[::1]:6666'", "a-1: healthy", "");
	probe("tcp: '127.0.0.1:6666'", "a-1: unhealthy", "port 6666: Connection refused");
	probe("tcp: 5555", "a-1: unhealthy", "port 5555: Connection refused");
	close(four);
	close(six);
}

static void test_http(void **state)
{
	static const struct {
		const char *answer, *verdict, *why;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "a-1: healthy", "" },
		{ "HTTP/1.0 204 \r\n\r\n", "a-1: healthy", "" },
		{ "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "a-1: healthy", "" },
		{ "HTTP/1.1 404 Not Found\r\n\r\n", "a-1: unhealthy", "HTTP status 404" },
		{ "HTTP/1.1 503 x\r\n\r\n", "a-1: unhealthy", "HTTP status 503" },
		{ "HTTP/1.1 2x0 x\r\n\r\n", "a-1: unhealthy", "does not answer in HTTP" },
		{ "SSH-2.0-OpenSSH_9.2p1\r\n", "a-1: unhealthy", "does not answer in HTTP" },
		{ "HTTP/1", "a-1: unhealthy", "closes the connection without an answer" },
		{ NULL, "a-1: unhealthy", "timed out" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		pid_t server = serve(listen_at(AF_INET, 8080, NULL), t[i].answer);

		probe("http: 'http://:8080/health'", t[i].verdict, t[i].why);
		dismiss(server);
	}
	probe("http: 'http://:8080/health'", "a-1: unhealthy", "port 8080: Connection refused");
}

/* The made-up root of a container is the folder of the test. */
static void test_unix(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/s.sock", life_dir);
	_cleanup_free_ char *out = xasprintf("%s/out.sock", life_dir);
	int fd = listen_at(AF_UNIX, 0, path);

	(void)state;
	probe("unix: /s.sock", "a-1: healthy", "");
	probe("unix: /none.sock", "a-1: unhealthy", "No such file or directory");
	assert_int_equal(symlink("/s.sock", out), 0);
	probe("unix: /out.sock", "a-1: healthy", ""); /* a link is read in the container's root */
	close(fd);
	probe("unix: /s.sock", "a-1: unhealthy", "Connection refused");
	unlink(path);
	unlink(out);
}

static void test_log(void **state)
{
	(void)state;
	probe("log: ready", "a-1: unhealthy", "'ready' is not in the log yet");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, own_network, life_teardown);
}
