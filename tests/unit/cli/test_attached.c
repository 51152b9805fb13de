/* SPDX-License-Identifier: GPL-2.0-or-later */
/* attached: a made-up command at one end, a made-up terminal or pipes at the other. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/child.h"
#include "cli/attached.h"

/* Descriptors of the user's and of the command's side; the process under test has the other ends. */
struct scene {
	int user;     /* other side of its terminal */
	int terminal; /* the user's */
	int command;  /* the command's terminal, as the command sees it */
	int master;
	int sock; /* the escort's end */
	int client;
};

static struct scene scene_new(void)
{
	struct scene s;
	struct winsize size = { .ws_row = 10, .ws_col = 20 };
	int pair[2];

	assert_return_code(openpty(&s.user, &s.terminal, NULL, NULL, &size), errno);
	assert_return_code(openpty(&s.master, &s.command, NULL, NULL, NULL), errno);
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), errno);
	s.sock = pair[0];
	s.client = pair[1];
	return s;
}

static void scene_close(struct scene *s)
{
	int *const fds[] = {
		&s->user, &s->terminal, &s->command, &s->master, &s->sock, &s->client
	};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		cleanup_fd(fds[i]);
}

/* What exec does once the command has begun; its exit code is what came of it. */
static pid_t run(struct scene *s)
{
	pid_t pid = fork();
	struct box_entered e = { s->client, s->master, dup(s->master), -1 };
	struct cli_console console = { .fd = STDIN_FILENO };
	struct detachkeys keys;
	const struct cli_far far = cli_far_entered(&e);
	struct cli_attached a = { &far, &console, &keys, -1 };
	struct err err = { 0 };
	int status = 0, rc;

	if (pid) {
		close(e.out);
		cleanup_fd(&s->client);
		cleanup_fd(&s->master);
		return pid;
	}
	dup2(s->terminal, 0);
	dup2(s->terminal, 1);
	close(s->command);
	close(s->user);
	close(s->sock);
	fd_nonblock(e.in, true);
	detachkeys_parse(DETACHKEYS_DEFAULT, &keys, &err);
	a.signals = cli_signals_take();
	rc = cli_attached_run(&a, &status, &err);
	_exit(rc < 0 ? 100 : rc == CLI_LEFT ? 101 : WEXITSTATUS(status));
}

static int code_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_raw(int fd)
{
	struct termios t;

	assert_return_code(tcgetattr(fd, &t), errno);
	return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static void wait_raw(int fd)
{
	for (int i = 0; i < 1000 && !is_raw(fd); i++)
		usleep(5000);
	assert_true(is_raw(fd));
}

static void say_end(const struct scene *s, int status)
{
	struct child_msg m = { .type = CHILD_END, .pid = status };

	assert_int_equal(write(s->sock, &m, sizeof(m)), sizeof(m));
}

/* What the escort is told: the type, and the number in it. */
static void hears(const struct scene *s, enum child_msg_type type, int number)
{
	struct child_msg m = { 0 };
	struct pollfd p = { s->sock, POLLIN, 0 };

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(read(s->sock, &m, sizeof(m)), sizeof(m));
	assert_int_equal(m.type, type);
	assert_int_equal(m.pid, number);
}

static void reads(int fd, const char *text)
{
	char got[64] = "";
	size_t n = 0;

	while (n < strlen(text)) {
		ssize_t more = read(fd, got + n, sizeof(got) - 1 - n);

		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_string_equal(got, text);
}

static void test_talk_and_end(void **state)
{
	struct scene s = scene_new();
	pid_t pid = run(&s);

	(void)state;
	wait_raw(s.terminal);
	assert_int_equal(write(s.user, "hi\r", 3), 3);
	reads(s.command, "hi\n");
	/* The command's terminal echoes, the user's does not. */
	reads(s.user, "hi\r\n");
	assert_int_equal(write(s.command, "last", 4), 4);
	say_end(&s, W_EXITCODE(7, 0));
	assert_int_equal(code_of(pid), 7);
	reads(s.user, "last");
	assert_false(is_raw(s.terminal));
	scene_close(&s);
}

static void test_leaves(void **state)
{
	struct scene s = scene_new();
	pid_t pid = run(&s);

	(void)state;
	wait_raw(s.terminal);
	assert_int_equal(write(s.user, "\020\021", 2), 2);
	assert_int_equal(code_of(pid), 101);
	hears(&s, CHILD_LEAVE, 0);
	assert_false(is_raw(s.terminal));
	scene_close(&s);
}

static void test_escort_gone(void **state)
{
	struct scene s = scene_new();
	pid_t pid = run(&s);

	(void)state;
	wait_raw(s.terminal);
	cleanup_fd(&s.sock);
	assert_int_equal(code_of(pid), 100);
	assert_false(is_raw(s.terminal));
	scene_close(&s);
}

static void test_signals(void **state)
{
	struct scene s = scene_new();
	pid_t pid = run(&s);

	(void)state;
	wait_raw(s.terminal);
	kill(pid, SIGINT);
	hears(&s, CHILD_SIGNAL, SIGINT);
	kill(pid, SIGUSR1);
	hears(&s, CHILD_SIGNAL, SIGUSR1);
	kill(pid, SIGTERM);
	hears(&s, CHILD_SIGNAL, SIGTERM);
	assert_true(is_raw(s.terminal));
	kill(pid, SIGTERM);
	assert_int_equal(code_of(pid), 100);
	assert_false(is_raw(s.terminal));
	scene_close(&s);
}

static void test_size(void **state)
{
	struct scene s = scene_new();
	struct winsize size = { .ws_row = 33, .ws_col = 44 };
	pid_t pid = run(&s);

	(void)state;
	wait_raw(s.terminal);
	assert_return_code(ioctl(s.user, TIOCSWINSZ, &size), errno);
	kill(pid, SIGWINCH);
	for (int i = 0; i < 1000; i++) {
		assert_return_code(ioctl(s.command, TIOCGWINSZ, &size), errno);
		if (size.ws_row == 33)
			break;
		usleep(5000);
	}
	assert_int_equal(size.ws_row, 33);
	assert_int_equal(size.ws_col, 44);
	say_end(&s, 0);
	assert_int_equal(code_of(pid), 0);
	scene_close(&s);
}

/* After a stop the shell's settings are there: ours come back with us. */
static void test_continued(void **state)
{
	struct scene s = scene_new();
	struct termios cooked;
	pid_t pid;

	(void)state;
	assert_return_code(tcgetattr(s.terminal, &cooked), errno);
	pid = run(&s);
	wait_raw(s.terminal);
	assert_return_code(tcsetattr(s.terminal, TCSANOW, &cooked), errno);
	kill(pid, SIGCONT);
	wait_raw(s.terminal);
	say_end(&s, 0);
	assert_int_equal(code_of(pid), 0);
	assert_false(is_raw(s.terminal));
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk_and_end), cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_escort_gone),  cmocka_unit_test(test_signals),
		cmocka_unit_test(test_size),	     cmocka_unit_test(test_continued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
