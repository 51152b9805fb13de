/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients at the streams of a made-up container, which obeys what it reads (fake/box.c): who reads, who does not, who goes, and
 * what they hear of its end. Each client is a process of its own; its exit status says whether it saw what it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "unit/sup/life.h"

#define EXIT_STATUS(code) ((code) << 8)
#define FLOOD		  (24 << 20)

enum { PATIENCE_MS = 30000 };

static const char piped[] = "services:\n  a: {image: i, command: x, stdin_open: true}\n";
static const char on_terminal[] =
	"services:\n  a: {image: i, command: x, stdin_open: true, tty: true}\n";
static const char closed[] = "services:\n  a: {image: i, command: x}\n";

static const struct fake_slot obedient = { .name = "a-1", .obeys = true, .flood = FLOOD };

/* ---- a client --------------------------------------------------------------------------------- */

#define MUST(what)                                                                        \
	do {                                                                              \
		if (!(what)) {                                                            \
			dprintf(STDERR_FILENO, "client: line %d: %s\n", __LINE__, #what); \
			_exit(99);                                                        \
		}                                                                         \
	} while (0)

struct end {
	int sock;
	uint32_t id;
	bool tty, input;
	int out, in, err_out;
	uint64_t lost;
};

static int take(void *arg, const struct ctl_msg *m)
{
	struct end *e = arg;
	size_t n = 0;

	e->id = m->id;
	e->tty = json_is_true(json_object_get(m->body, "tty"));
	e->input = json_is_true(json_object_get(m->body, "stdin"));
	MUST(m->n_fds == 1U + (e->tty || e->input) + !e->tty);
	e->out = dup(m->fds[n++]);
	if (e->tty || e->input)
		e->in = dup(m->fds[n++]);
	if (!e->tty)
		e->err_out = dup(m->fds[n++]);
	return 1;
}

static int connect_to_it(void)
{
	_cleanup_free_ char *path = sup_socket_path("t");
	struct err err = { 0 };
	int fd = -1;

	for (int i = 0; i < 3000 && fd < 0; i++) {
		fd = ctl_connect(path, PATIENCE_MS, &err);
		usleep(10000);
	}
	MUST(fd >= 0);
	return fd;
}

static int ask(int sock, json_t *body, struct end *ret, struct err *err)
{
	int rc;

	*ret = (struct end){ .sock = sock, .out = -1, .in = -1, .err_out = -1 };
	rc = ctl_call(sock, CTL_ATTACH, body, take, ret, err);
	json_decref(body);
	return rc;
}

/* As soon as it runs. */
static struct end attach(bool input)
{
	int sock = connect_to_it();
	struct err err = { 0 };
	struct end e;

	for (int i = 0; i < 1000; i++) {
		if (ask(sock, json_pack("{s:s, s:b}", "service", "a", "stdin", input), &e, &err) ==
		    1)
			return e;
		usleep(10000);
	}
	MUST(!err.text[0]);
	return e;
}

static void type(const struct end *e, const char *text)
{
	MUST(write(e->in, text, strlen(text)) == (ssize_t)strlen(text));
}

static void see(int fd, const char *text)
{
	char got[256] = "";

	for (size_t n = 0; n < strlen(text);) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t len;

		MUST(poll(&p, 1, PATIENCE_MS) == 1);
		len = read(fd, got + n, strlen(text) - n);
		MUST(len > 0);
		n += (size_t)len;
	}
	if (strcmp(got, text) != 0)
		dprintf(STDERR_FILENO, "client: came '%s' for '%s'\n", got, text);
	MUST(!strcmp(got, text));
}

static size_t read_to_end(int fd)
{
	static char block[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			MUST(block[i] == (char)('a' + (all + (size_t)i) % 25) || block[i] == '\n');
		all += (size_t)n;
	}
	return all;
}

/* The status, with what it was told of losses on the way. */
static int last_word(struct end *e)
{
	struct err err = { 0 };

	for (;;) {
		_cleanup_(ctl_msg_fini) struct ctl_msg m = { 0 };

		MUST(ctl_recv(e->sock, &m, &err) == 0);
		if (m.id != e->id)
			continue;
		e->lost += (uint64_t)json_integer_value(json_object_get(m.body, "lost"));
		if (m.flags & CTL_LAST)
			return (int)json_integer_value(json_object_get(m.body, "status"));
	}
}

static void bye(const struct end *e)
{
	type(e, "bye\n");
}

/* ---- lives with clients ----------------------------------------------------------------------- */

typedef void client_fn(void);

static pid_t start(client_fn *fn)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	alarm(60);
	signal(SIGPIPE, SIG_IGN);
	fn();
	_exit(0);
}

/* A stack of one service with these clients, until the service ends. */
static void live_with(struct life *l, const char *yaml, const struct fake_slot *slot,
		      client_fn *const *fns, size_t n)
{
	pid_t pids[4];
	int status;

	*l = new_life();
	l->bystanders = true;
	for (size_t i = 0; i < n; i++)
		pids[i] = start(fns[i]);
	live(l, yaml, slot, 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static void one(struct life *l, const char *yaml, client_fn *fn)
{
	live_with(l, yaml, &obedient, &fn, 1);
}

/* ---- what they see ----------------------------------------------------------------------------- */

static void talks(void)
{
	struct end e = attach(true);

	MUST(e.input && !e.tty);
	type(&e, "hello\n");
	see(e.out, "hello\n");
	type(&e, "!bad\n");
	see(e.err_out, "!bad\n");
	/* Its input stays open when one who wrote to it goes. */
	close(e.in);
	close(e.sock);
	e = attach(true);
	type(&e, "again\n");
	see(e.out, "again\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
	MUST(read_to_end(e.out) == 0);
	MUST(read_to_end(e.err_out) == 0);
}

static void test_pipes(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, talks);
	assert_string_equal(buf_str(&l.lines), "a-1: hello\na-1: !bad\na-1: again\n");
	end_life(&l);
}

static void talks_at_a_terminal(void)
{
	struct winsize size = { .ws_row = 7, .ws_col = 9 };
	struct end e = attach(true);

	MUST(e.input && e.tty && e.err_out < 0 && isatty(e.in));
	type(&e, "hello\n");
	/* Its echo, and the answer. */
	see(e.out, "hello\r\nhello\r\n");
	MUST(ioctl(e.in, TIOCSWINSZ, &size) == 0);
	type(&e, "size\n");
	see(e.out, "size\r\n7 9\r\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_terminal(void **state)
{
	struct life l;

	(void)state;
	one(&l, on_terminal, talks_at_a_terminal);
	/* Bytes as they came; who shows them knows what a CR at the end is. */
	assert_non_null(
		strstr(buf_str(&l.lines), "a-1: hello\r\na-1: hello\r\na-1: size\r\na-1: 7 9\r\n"));
	end_life(&l);
}

/* Its terminal is closed for a while; the supervisor neither spins nor gives it up. */
static void sees_a_closed_terminal(void)
{
	struct end e = attach(true);

	type(&e, "away\n");
	see(e.out, "away\r\n");
	see(e.out, "back\r\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_terminal_is_reopened(void **state)
{
	struct life l;

	(void)state;
	one(&l, on_terminal, sees_a_closed_terminal);
	end_life(&l);
}

static void only_looks(void)
{
	struct end e = attach(true);

	MUST(!e.input && e.in < 0);
	MUST(last_word(&e) == EXIT_STATUS(3));
	MUST(read_to_end(e.out) == 0);
}

static void test_no_input(void **state)
{
	static const struct fake_slot slot = { .name = "a-1",
					       .run_ms = 1000,
					       .status = EXIT_STATUS(3) };
	client_fn *const fns[] = { only_looks };
	struct life l;

	(void)state;
	live_with(&l, closed, &slot, fns, 1);
	end_life(&l);
}

/* ---- readers ----------------------------------------------------------------------------------- */

/* Sees all of it, without a loss, though it is many times what fits into a pipe. */
static void reads_all(void)
{
	struct end e = attach(true);

	type(&e, "flood\n");
	type(&e, "bye\n");
	MUST(read_to_end(e.out) == FLOOD);
	MUST(last_word(&e) == EXIT_STATUS(7));
	MUST(e.lost == 0);
}

static void test_all_arrives(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, reads_all);
	end_life(&l);
}

/* Does not read before the container has come to its end, which it does in spite of that. */
static void reads_late(void)
{
	struct end e = attach(true);
	size_t came;

	type(&e, "flood\n");
	type(&e, "bye\n");
	MUST(last_word(&e) == EXIT_STATUS(7));
	came = read_to_end(e.out);
	MUST(came > 0 && e.lost > 0 && came + e.lost == FLOOD);
}

static void test_slow_reader(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, reads_late);
	end_life(&l);
}

static void reads_nothing(void)
{
	struct end e = attach(false);

	MUST(last_word(&e) == EXIT_STATUS(7));
	MUST(e.lost > 0);
}

/* Who reads is not made to lose anything by who does not. */
static void reads_beside_one_who_does_not(void)
{
	usleep(500000);
	reads_all();
}

static void test_two_readers(void **state)
{
	client_fn *const fns[] = { reads_nothing, reads_beside_one_who_does_not };
	struct life l;

	(void)state;
	live_with(&l, piped, &obedient, fns, ARRAY_LEN(fns));
	end_life(&l);
}

/* Begins to read again: what comes after that comes whole. */
static void reads_again(void)
{
	char block[65536];
	struct end e = attach(true);
	size_t came = 0;
	ssize_t n;

	type(&e, "flood\n");
	usleep(2500000); /* longer than anybody's patience */
	fcntl(e.out, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct pollfd p = { e.out, POLLIN, 0 };

		if (poll(&p, 1, 1000) == 0)
			break;
		n = read(e.out, block, sizeof(block));
		MUST(n > 0);
		came += (size_t)n;
	}
	fcntl(e.out, F_SETFL, 0);
	MUST(came < FLOOD);
	type(&e, "whole\n");
	see(e.out, "whole\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
	MUST(came + e.lost == FLOOD);
}

static void test_comes_back(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, reads_again);
	end_life(&l);
}

static void closes_its_output(void)
{
	struct end e = attach(true);

	close(e.out);
	type(&e, "flood\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_reader_goes(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, closes_its_output);
	end_life(&l);
}

/* A client that holds the container up is gone: the container goes on at once. */
static void goes_in_the_middle(void)
{
	struct end e = attach(true);

	type(&e, "flood\n");
	usleep(100000);
	close(e.sock);
	close(e.out);
	e = attach(true);
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_client_goes(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, goes_in_the_middle);
	end_life(&l);
}

/* ---- requests ---------------------------------------------------------------------------------- */

static void asks_in_vain(void)
{
	struct end e = attach(true), other;
	struct err err = { 0 };

	MUST(ask(e.sock, json_pack("{s:s}", "service", "a"), &other, &err) < 0);
	MUST(strstr(err.text, "attached already"));
	other.sock = connect_to_it();
	MUST(ask(other.sock, json_pack("{s:s}", "service", "b"), &other, &err) < 0);
	MUST(strstr(err.text, "service 'b': there is no such container"));
	MUST(ask(other.sock, json_pack("{s:s, s:i}", "service", "a", "index", 2), &other, &err) <
	     0);
	MUST(ask(other.sock, json_pack("{}"), &other, &err) < 0);
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_refusals(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, asks_in_vain);
	end_life(&l);
}

static void signals(void)
{
	struct end e = attach(false);
	_cleanup_(ctl_msg_fini) struct ctl_msg m = { .type = CTL_ATTACH, .id = 1 };

	m.body = json_pack("{s:i}", "signal", SIGUSR1);
	MUST(ctl_send(e.sock, &m, NULL) == 0);
	MUST(last_word(&e) == SIGUSR1);
}

static void test_signal(void **state)
{
	struct life l;

	(void)state;
	one(&l, piped, signals);
	assert_non_null(strstr(buf_str(&l.world.log), "signal a-1 10"));
	end_life(&l);
}

/* Each run has its own clients: they hear of its end and not of the next one. */
static void sees_one_run(void)
{
	struct end e = attach(true);

	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
	MUST(read_to_end(e.out) == 0);
	e = attach(true);
	type(&e, "second\n");
	see(e.out, "second\n");
	bye(&e);
	MUST(last_word(&e) == EXIT_STATUS(7));
}

static void test_restart(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, stdin_open: true, restart: 'on-failure:1'}\n";
	struct life l;

	(void)state;
	one(&l, yaml, sees_one_run);
	end_life(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes),	    cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_no_input),    cmocka_unit_test(test_terminal_is_reopened),
		cmocka_unit_test(test_all_arrives), cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_two_readers), cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_reader_goes), cmocka_unit_test(test_client_goes),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_signal),
		cmocka_unit_test(test_restart),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
