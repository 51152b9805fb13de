/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/delivery.c and message.c: what a receiver gets, and what becomes of lines when there is none. With a real loop. */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "logs/delivery.h"
#include "logs/message.h"
#include "unit/openfds.h"

#define T0     1769853600123456789ULL
#define MANY   200000
#define WAIT_S 20

struct fixture {
	int fds;
	char dir[64], path[96];
	struct ev_loop *loop;
	struct buf said;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->fds = open_fds();
	strcpy(f->dir, "/tmp/mstack-logs-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
	f->loop = ev_loop_new(0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	ev_loop_destroy(f->loop);
	buf_fini(&f->said);
	rc = path_remove_tree(AT_FDCWD, f->dir);
	rc |= open_fds() != f->fds;
	free(f);
	return rc;
}

static void say(void *arg, const char *text)
{
	struct fixture *f = arg;

	buf_printf(&f->said, "%s\n", text);
}

static struct logs_remote spec(const struct fixture *f)
{
	return (struct logs_remote){ .path = f->path,
				     .facility = 3,
				     .tag = "tag",
				     .container = "t-web-1",
				     .id = "0123",
				     .image = "busybox" };
}

static struct logs_line a_line(const char *text)
{
	return (struct logs_line){
		.wall_ns = T0, .fd = LOGS_STDOUT, .text = text, .len = strlen(text)
	};
}

static int receiver(const struct fixture *f, int type)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", f->path);
	unlink(f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void test_messages(void **state)
{
	static const struct message_from from = { .host = "h", .pid = 7 };
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	struct logs_line line = a_line("a b");
	struct buf out = { 0 };

	message_journald(&out, &to, &line);
	assert_memory_equal(
		out.data, "MESSAGE\n\3\0\0\0\0\0\0\0a b\nPRIORITY=6\nSYSLOG_IDENTIFIER=tag\n", 53);
	buf_fini(&out);
	line.fd = LOGS_STDERR;
	to.format = LOGS_SYSLOG_5424_MICRO;
	message_syslog(&out, &to, &from, &line);
	assert_string_equal(buf_str(&out), "<27>1 2026-01-31T10:00:00.123456Z h tag 7 tag - a b");
	buf_fini(&out);
	to.format = LOGS_SYSLOG_5424;
	message_syslog(&out, &to, &from, &line);
	assert_string_equal(buf_str(&out), "<27>1 2026-01-31T10:00:00Z h tag 7 tag - a b");
	buf_fini(&out);
	setenv("TZ", "UTC", 1);
	to.format = LOGS_SYSLOG_3164;
	message_syslog(&out, &to, &from, &line);
	assert_string_equal(buf_str(&out), "<27>Jan 31 10:00:00 h tag[7]: a b");
	buf_fini(&out);
	to.format = LOGS_SYSLOG_PLAIN;
	message_syslog(&out, &to, &from, &line);
	assert_string_equal(buf_str(&out), "<27>Jan 31 10:00:00 tag[7]: a b");
	buf_fini(&out);
}

/* One that comes and goes: what it misses is counted, and said once at each end. */
static void test_datagrams(void **state)
{
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	struct delivery *d = delivery_open(f->loop, &to, say, f);
	struct logs_line line = a_line("hello");
	char got[4096];
	int fd;

	delivery_send(d, &line);
	delivery_send(d, &line);
	assert_int_equal(delivery_dropped(d), 2);
	fd = receiver(f, SOCK_DGRAM);
	delivery_send(d, &line);
	assert_true(recv(fd, got, sizeof(got), 0) > 0);
	assert_string_equal(buf_str(&f->said),
			    "lines are not delivered to syslog: no such file or directory\n"
			    "2 lines were not delivered to syslog\n");
	/* One that does not read costs lines as well, and never waits. */
	for (int i = 0; i < MANY && delivery_dropped(d) == 2; i++)
		delivery_send(d, &line);
	assert_int_equal(delivery_dropped(d), 3);
	close(fd);
	delivery_close(d);
}

/* Larger than any datagram: a memory file. */
static void test_large(void **state)
{
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	size_t len = 4u << 20;
	char *big = xcalloc(1, len + 1), byte;
	struct logs_line line;
	struct delivery *d;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd = receiver(f, SOCK_DGRAM), file;

	memset(big, 'x', len);
	line = a_line(big);
	to.journald = true;
	d = delivery_open(f->loop, &to, say, f);
	delivery_send(d, &line);
	assert_int_equal(delivery_dropped(d), 0);
	assert_int_equal(recvmsg(fd, &m, MSG_CMSG_CLOEXEC), 0);
	memcpy(&file, CMSG_DATA(&control.head), sizeof(file));
	assert_true(lseek(file, 0, SEEK_END) > (off_t)len);
	assert_true(fcntl(file, F_GET_SEALS) & F_SEAL_WRITE);
	close(file);
	close(fd);
	delivery_close(d);
	free(big);
}

/* ---- a stream -------------------------------------------------------------------------------- */

static void stop_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* Turns the loop until all of `want` bytes are there. */
static void take(struct fixture *f, int fd, struct buf *got, const char *until)
{
	uint64_t end = time_mono_ms() + WAIT_S * 1000;

	while (!strstr(buf_str(got), until)) {
		char block[65536];
		ev_timer t;
		ssize_t n;

		assert_true(time_mono_ms() < end);
		ev_timer_init(&t, stop_cb, 0.01, 0);
		ev_timer_start(f->loop, &t);
		ev_run(f->loop, 0);
		ev_timer_stop(f->loop, &t);
		while ((n = recv(fd, block, sizeof(block), 0)) > 0)
			buf_add(got, block, (size_t)n);
	}
}

static int next_client(struct fixture *f, int listener)
{
	uint64_t end = time_mono_ms() + WAIT_S * 1000;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0) {
		ev_timer t;

		assert_true(time_mono_ms() < end);
		ev_timer_init(&t, stop_cb, 0.01, 0);
		ev_timer_start(f->loop, &t);
		ev_run(f->loop, 0);
		ev_timer_stop(f->loop, &t);
	}
	return fd;
}

/* As an execve leaves it: memory is gone, descriptors have their numbers. */
static void close_all_but_carried(struct delivery *d, const struct carry *root)
{
	size_t n = 0;
	_cleanup_free_ int *fds = carry_fds(root, &n);
	int copy;

	assert_int_equal(n, 1);
	copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
	delivery_close(d);
	assert_int_equal(dup2(copy, fds[0]), fds[0]);
	close(copy);
}

/* What was not sent goes out of the next program, once, and its counts go on. */
static void test_carried(void **state)
{
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	int listener = receiver(f, SOCK_STREAM), fd;
	struct delivery *d = delivery_open(f->loop, &to, say, f);
	struct carry *root = carry_new();
	struct buf got = { 0 };
	char text[64];

	for (unsigned i = 1; i <= 3; i++) {
		struct logs_line line;

		snprintf(text, sizeof(text), "number %u", i);
		line = a_line(text);
		delivery_send(d, &line); /* the loop has not turned: nobody is connected yet */
	}
	delivery_carry(d, root);
	close_all_but_carried(d, root);
	/* A program that is tried out, whose loop never turns, calls nobody. */
	assert_int_equal(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), -1);
	d = delivery_open(f->loop, &to, say, f);
	delivery_resume(d, root);
	carry_free(root);
	fd = next_client(f, listener);
	take(f, fd, &got, "number 3\n");
	assert_non_null(strstr(buf_str(&got), "number 1\n"));
	assert_null(strstr(strstr(buf_str(&got), "number 1\n") + 1, "number 1\n"));
	assert_int_equal(delivery_dropped(d), 0);
	delivery_close(d);
	buf_fini(&got);
	close(fd);
	close(listener);
}

/* It takes up what waits, and sends lines from *sent to `last`, which find room; then it only waits to be killed. */
static _Noreturn void send_all(const struct fixture *f, struct carry *root, volatile unsigned *sent,
			       unsigned last)
{
	struct logs_remote to = spec(f);
	struct ev_loop *loop = ev_loop_new(0);
	struct delivery *d = delivery_open(loop, &to, NULL, NULL);
	char text[64];

	delivery_resume(d, root);
	alarm(WAIT_S);
	while (delivery_dropped(d) == 0) {
		struct logs_line line;

		if (*sent == last) {
			ev_run(loop, EVRUN_ONCE);
			continue;
		}
		snprintf(text, sizeof(text), "number %u of many", *sent + 1);
		line = a_line(text);
		delivery_send(d, &line);
		(*sent)++;
		ev_run(loop, EVRUN_NOWAIT);
	}
	_exit(1);
}

/* All that came by one connection: whole lines, one after the other; the last one may be cut. The next number that is to come. */
static unsigned look_at(const struct buf *got, unsigned next)
{
	const char *nl;
	unsigned n;

	for (const char *at = buf_str(got); (nl = strchr(at, '\n')); at = nl + 1) {
		const char *text = strstr(at, ": number ");

		assert_true(text && text < nl && sscanf(text, ": number %u of many", &n) == 1);
		assert_true(n <= next);
		next = n ? n + 1 : next;
	}
	return next;
}

static void take_some(int fd, struct buf *got)
{
	char block[65536];
	ssize_t n;

	while ((n = recv(fd, block, sizeof(block), 0)) > 0)
		buf_add(got, block, (size_t)n);
}

/* Who comes last sends the rest. The number behind it. */
static unsigned end_of_all(struct fixture *f, const struct delivery *held, int listener,
			   unsigned next)
{
	struct logs_remote to = spec(f);
	struct delivery *last = delivery_open(f->loop, &to, say, f);
	struct carry *had = carry_new(), *root = carry_new();
	struct logs_line line = a_line("number 0 of many");
	_cleanup_free_ int *fds = NULL;
	struct buf got = { 0 };
	size_t n;
	int fd;

	delivery_carry(held, had);
	fds = carry_fds(had, &n);
	assert_int_equal(n, 1);
	carry_put_fd(root, "spool", fcntl(fds[0], F_DUPFD_CLOEXEC, 3));
	delivery_resume(last, root);
	delivery_send(last, &line);
	fd = next_client(f, listener);
	take(f, fd, &got, "number 0 of many\n");
	next = look_at(&got, next);
	buf_fini(&got);
	close(fd);
	carry_free(had);
	carry_free(root);
	delivery_close(last);
	return next;
}

/* Whoever sends is killed again and again, the receiver is silent every other time: nothing is missing. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	int listener = receiver(f, SOCK_STREAM);
	struct ev_loop *other = ev_loop_new(0);
	struct delivery *held = delivery_open(other, &to, say, f); /* as the guard has it */
	volatile unsigned *sent = mmap(NULL, sizeof(*sent), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned next = 1;

	for (unsigned i = 0; i < 10; i++) {
		struct carry *root = carry_new();
		struct buf got = { 0 };
		unsigned until = *sent + 700 + 50 * i;
		int fd, status;
		pid_t pid;

		delivery_carry(held, root);
		pid = fork();
		if (pid == 0)
			send_all(f, root, sent, until + 300);
		carry_free(root);
		fd = next_client(f, listener);
		while (*sent < until && waitpid(pid, NULL, WNOHANG) == 0)
			i % 2 ? take_some(fd, &got) : (void)usleep(1000);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, SIGKILL);
		take_some(fd, &got);
		close(fd);
		next = look_at(&got, next);
		buf_fini(&got);
	}
	next = end_of_all(f, held, listener, next);
	/* The last one may have been sent, and not been counted any more. */
	assert_true(next == *sent + 1 || next == *sent + 2);
	munmap((void *)(uintptr_t)sent, sizeof(*sent));
	delivery_close(held);
	ev_loop_destroy(other);
	close(listener);
}

/* A receiver that reads nothing fills all buffers; what found no room is lost as whole lines, and the rest arrives when it comes back. */
static void test_stream(void **state)
{
	struct fixture *f = *state;
	struct logs_remote to = spec(f);
	int listener = receiver(f, SOCK_STREAM), fd;
	struct delivery *d = delivery_open(f->loop, &to, say, f);
	struct buf got = { 0 };
	unsigned next = 0;
	char text[64];

	fd = next_client(f, listener);
	while (delivery_dropped(d) == 0) {
		struct logs_line line;

		assert_true(next < MANY);
		snprintf(text, sizeof(text), "number %u of many", next++);
		line = a_line(text);
		delivery_send(d, &line);
		ev_run(f->loop, EVRUN_NOWAIT);
	}
	/* It goes in the middle of a message. */
	assert_int_equal(recv(fd, text, 10, 0), 10);
	close(fd);
	fd = next_client(f, listener);
	snprintf(text, sizeof(text), ": number %u of many\n", next - 2);
	take(f, fd, &got, text);
	for (char *at = got.data, *nl; (nl = strchr(at, '\n')); at = nl + 1)
		assert_true(!strncmp(at, "<30>", 4) && !strncmp(nl - 8, " of many", 8));
	assert_non_null(strstr(buf_str(&f->said), "lines are not delivered to syslog: "));
	buf_fini(&got);
	close(fd);
	close(listener);
	delivery_close(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_messages), TEST(test_datagrams), TEST(test_large),
		TEST(test_carried),  TEST(test_stream),	   TEST(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
