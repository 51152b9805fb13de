/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage: what the process that reads questions can no longer do, and what it still must. Each attempt is made by a child of its own
 * behind the real set-up, so that a call which should be refused is seen to be.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/names/nameserver.h"

static int read_file(void)
{
	return open("/etc/hosts", O_RDONLY);
}

static int read_folder(void)
{
	return open("/", O_RDONLY | O_DIRECTORY);
}

static int write_file(void)
{
	return open("/tmp/mstack-cage-test", O_WRONLY | O_CREAT, 0600);
}

static int use_mkdir(void)
{
	return mkdir("/tmp/mstack-cage-test", 0700);
}

static int use_stat(void)
{
	struct stat st;

	return stat("/etc/hosts", &st);
}

static int use_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int use_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int use_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
}

static int use_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int use_bind(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	return bind(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&a, sizeof(a));
}

static int use_listen(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static int use_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int use_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int use_setuid(void)
{
	return (int)syscall(SYS_setuid, 0);
}

static int use_kill(void)
{
	return kill(getppid(), 0);
}

static int use_ptrace(void)
{
	return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int use_setns(void)
{
	return (int)syscall(SYS_setns, 0, 0);
}

static int use_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int use_option(void)
{
	int on = 1;

	return setsockopt(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_BROADCAST, &on,
			  sizeof(on));
}

static int must_hand_on(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, ends[2];
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0 ||
	    pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	if (splice(ends[0], NULL, fd, NULL, 1, SPLICE_F_NONBLOCK) < 0 && errno == EPERM)
		return -1;
	return shutdown(fd, SHUT_WR) < 0 && errno == EPERM ? -1 : 0;
}

static int must_ask(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int tcp = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct epoll_event e = { .events = EPOLLIN };
	char bytes[8];

	if (udp < 0 || (tcp < 0 && errno != EAFNOSUPPORT) ||
	    connect(udp, (struct sockaddr *)&a, sizeof(a)) < 0 || send(udp, "x", 1, 0) != 1)
		return -1;
	/* Whatever comes, or nothing: it may be called. */
	if (recv(udp, bytes, sizeof(bytes), 0) < 0 && errno == EPERM)
		return -1;
	return epoll_wait(-1, &e, 1, 0) < 0 && errno == EPERM ? -1 : 0;
}

/* The address of a client. */
static int must_borrow(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000202) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return -1;
	return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static int must_guess(void)
{
	char bytes[8];

	return getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : -1;
}

static int must_remember(void)
{
	char *p = malloc(8 << 20);

	if (!p)
		return -1;
	memset(p, 1, 8 << 20);
	free(p);
	return 0;
}

/* 0 it succeeded, else errno. */
static int run_caged(int (*attempt)(void), bool outside)
{
	struct err err = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (names_confine(&(struct names){ .outside = outside }, &err) < 0)
			_exit(200);
		errno = 0;
		_exit(attempt() < 0 ? (errno ? errno : 199) : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 200);
	return WEXITSTATUS(status);
}

static bool is_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("skipped: needs root\n");
	skip();
	return false;
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		int (*attempt)(void);
	} t[] = {
		{ "read a file", read_file },
		{ "read a folder", read_folder },
		{ "write a file", write_file },
		{ "mkdir", use_mkdir },
		{ "stat", use_stat },
		{ "AF_UNIX", use_unix },
		{ "AF_NETLINK", use_netlink },
		{ "raw socket", use_raw },
		{ "packet socket", use_packet },
		{ "bind", use_bind },
		{ "listen", use_listen },
		{ "exec", use_exec },
		{ "fork", use_fork },
		{ "setuid", use_setuid },
		{ "kill", use_kill },
		{ "ptrace", use_ptrace },
		{ "setns", use_setns },
		{ "memory for code", use_code },
		{ "an option of a socket", use_option },
	};

	(void)state;
	for (size_t i = 0; is_root() && i < ARRAY_LEN(t); i++)
		if (!run_caged(t[i].attempt, false) ||
		    (t[i].attempt != use_bind && !run_caged(t[i].attempt, true)))
			fail_msg("%s was possible", t[i].name);
}

static void test_left(void **state)
{
	(void)state;
	if (!is_root())
		return;
	for (int outside = 0; outside < 2; outside++) {
		assert_int_equal(run_caged(must_ask, outside), 0);
		assert_int_equal(run_caged(must_hand_on, outside), 0);
		assert_int_equal(run_caged(must_guess, outside), 0);
		assert_int_equal(run_caged(must_remember, outside), 0);
	}
	assert_int_equal(run_caged(must_borrow, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
