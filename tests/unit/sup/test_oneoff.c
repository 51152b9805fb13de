/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-off containers on made-up rooms: what a client hears of its own, from the request to the end, and when the supervisor that
 * was started for it ends. The client is a process of its own; its exit status says whether it heard what it should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "unit/sup/life.h"

#define EXIT_STATUS(code) ((code) << 8)

enum { PATIENCE_MS = 30000, REQUEST = 1 };

static const char alone[] = "services:\n  a: {image: i, command: x}\n";
static const char beside[] =
	"services:\n  a: {image: i, command: x}\n  b: {image: i, command: x}\n";

/* ---- a client --------------------------------------------------------------------------------- */

#define MUST(what)                                                                        \
	do {                                                                              \
		if (!(what)) {                                                            \
			dprintf(STDERR_FILENO, "client: line %d: %s\n", __LINE__, #what); \
			_exit(99);                                                        \
		}                                                                         \
	} while (0)

/* One connection with the container that was asked for on it. */
struct one {
	int sock, in, out, err_out;
	char name[32];
};

static void request(int sock, json_t *body, const int *fds, size_t n)
{
	struct ctl_msg m = { .type = CTL_RUN, .id = REQUEST, .body = body };
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++)
		m.fds[m.n_fds++] = fds[i];
	MUST(ctl_send(sock, &m, &err) == 0);
	json_decref(body);
}

static struct one ask(int sock, const char *service)
{
	int in[2], out[2], err_out[2];

	MUST(!pipe(in) && !pipe(out) && !pipe(err_out));
	request(sock, json_pack("{s:s}", "service", service),
		(const int[]){ in[0], out[1], err_out[1] }, 3);
	close(in[0]);
	close(out[1]);
	close(err_out[1]);
	return (struct one){ .sock = sock, .in = in[1], .out = out[0], .err_out = err_out[0] };
}

static void tell(const struct one *o, json_t *body)
{
	request(o->sock, body, NULL, 0);
}

/* The next message; *ret_last whether it is the last one. */
static json_t *hear(const struct one *o, enum ctl_type type, bool last)
{
	struct ctl_msg m = { 0 };
	struct err err = { 0 };
	json_t *body;

	MUST(ctl_recv(o->sock, &m, &err) == 0);
	if (m.type != type)
		dprintf(STDERR_FILENO, "client: '%s'\n",
			json_string_value(json_object_get(m.body, "error")));
	MUST(m.type == type && m.id == REQUEST && !(m.flags & CTL_LAST) == !last);
	body = json_incref(m.body);
	ctl_msg_fini(&m);
	return body;
}

static const char *text_of(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

static long number_of(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);

	MUST(json_is_integer(value));
	return (long)json_integer_value(value);
}

static void see_started(struct one *o, const char *name, bool last)
{
	json_t *body = hear(o, CTL_OK, false);

	MUST(!strcmp(text_of(body, "name"), name));
	json_decref(body);
	body = hear(o, CTL_OK, last);
	MUST(number_of(body, "pid") > 0);
	json_decref(body);
}

static void see_ended(const struct one *o, int status)
{
	json_t *body = hear(o, CTL_OK, true);

	MUST(number_of(body, "status") == status);
	json_decref(body);
}

static void see_error(const struct one *o, const char *part, int code)
{
	json_t *body = hear(o, CTL_ERROR, true);

	if (!strstr(text_of(body, "error"), part))
		dprintf(STDERR_FILENO, "client: '%s'\n", text_of(body, "error"));
	MUST(strstr(text_of(body, "error"), part) && number_of(body, "code") == code);
	json_decref(body);
}

static void type(const struct one *o, const char *text)
{
	MUST(write(o->in, text, strlen(text)) == (ssize_t)strlen(text));
}

static void see(int fd, const char *text)
{
	char got[64] = "";

	for (size_t n = 0; n < strlen(text);) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t len;

		MUST(poll(&p, 1, PATIENCE_MS) == 1);
		len = read(fd, got + n, strlen(text) - n);
		MUST(len > 0);
		n += (size_t)len;
	}
	MUST(!strcmp(got, text));
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

/* ---- a life with a client ---------------------------------------------------------------------- */

typedef void client_fn(int sock);

/* The supervisor of this life was started by the client, who has the connection from its birth. */
static void live_for(struct life *l, const char *yaml, const struct fake_slot *slots, size_t n,
		     client_fn *fn)
{
	struct sup_client client = { .service = "a" };
	int pair[2], status;
	pid_t pid;

	*l = new_life();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (!pid) {
		alarm(60);
		signal(SIGPIPE, SIG_IGN);
		close(pair[1]);
		fn(pair[0]);
		_exit(0);
	}
	close(pair[0]);
	client.fd = pair[1];
	l->bystanders = true;
	l->opts.foreground = false;
	l->opts.client = &client;
	live(l, yaml, slots, n);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* To its end without an error, and nothing is left. */
static void good_life(const char *yaml, const struct fake_slot *slots, size_t n, client_fn *fn,
		      const char *part)
{
	struct life l;

	live_for(&l, yaml, slots, n, fn);
	if (l.rc)
		fail_msg("%s", l.err.text);
	assert_int_equal(l.exit_code, 0);
	if (!strstr(buf_str(&l.world.log), part))
		fail_msg("no '%s' in\n%s", part, buf_str(&l.world.log));
	end_life(&l);
}

/* ---- what they hear ---------------------------------------------------------------------------- */

static void runs(int sock)
{
	struct one o = ask(sock, "a");

	see_started(&o, "t-a-run-1", false);
	see_ended(&o, EXIT_STATUS(3));
}

static void test_runs(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1", .run_ms = 20, .status = EXIT_STATUS(3) };

	(void)state;
	good_life(alone, &slot, 1, runs, "open a-run-1\n");
}

static void is_refused(int sock)
{
	struct one o = ask(sock, "nosuch");

	see_error(&o, "no such service: 'nosuch'", 125);
}

static void sends_no_streams(int sock)
{
	struct one o = { .sock = sock };

	request(sock, json_pack("{s:s}", "service", "a"), NULL, 0);
	see_error(&o, "descriptors", 125);
}

static void asks_twice(int sock)
{
	struct one o = ask(sock, "a"), again;

	see_started(&o, "t-a-run-1", false);
	again = ask(sock, "a");
	see_error(&again, "one container for each connection", 1);
	see_ended(&o, EXIT_STATUS(3));
}

static void test_refused(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1",
					.run_ms = 500,
					.status = EXIT_STATUS(3) };

	(void)state;
	good_life(alone, &slot, 1, is_refused, "");
	good_life(alone, &slot, 1, sends_no_streams, "");
	good_life(alone, &slot, 1, asks_twice, "start a-run-1\n");
}

static void fails(int sock)
{
	struct one o = ask(sock, "a");
	json_t *body = hear(&o, CTL_OK, false);

	json_decref(body);
	body = hear(&o, CTL_ERROR, true);
	MUST(strstr(text_of(body, "error"), "service 'a'"));
	json_decref(body);
}

static void test_fails(void **state)
{
	const struct fake_slot no_slot = { .name = "a-run-1", .slot_fails = true };
	const struct fake_slot no_start = { .name = "a-run-1", .start_fails = true };

	(void)state;
	good_life(alone, &no_slot, 1, fails, "open a-run-1\n");
	good_life(alone, &no_start, 1, fails, "open a-run-1\n");
}

static void talks(int sock)
{
	struct one o = ask(sock, "a");

	see_started(&o, "t-a-run-1", false);
	type(&o, "hello\n");
	see(o.out, "hello\n");
	type(&o, "!bad\n");
	see(o.err_out, "!bad\n");
	type(&o, "bye\n");
	see_ended(&o, EXIT_STATUS(7));
	/* Nobody else holds its ends any more. */
	MUST(read(o.out, &o.name, 1) == 0 && read(o.err_out, &o.name, 1) == 0);
}

static void test_streams(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1", .obeys = true };

	(void)state;
	good_life(alone, &slot, 1, talks, "exit a-run-1\n");
}

static void detaches(int sock)
{
	struct one o = { .sock = sock };

	request(sock, json_pack("{s:s, s:b}", "service", "a", "detach", 1), NULL, 0);
	see_started(&o, "t-a-run-1", true);
}

static void test_detach(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1", .run_ms = 300 };

	(void)state;
	/* It ends by itself, unasked, and so does the supervisor. */
	good_life(alone, &slot, 1, detaches, "start a-run-1\nexit a-run-1\n");
}

static void leaves(int sock)
{
	struct one o = ask(sock, "a");
	json_t *body;

	see_started(&o, "t-a-run-1", false);
	tell(&o, json_pack("{s:b}", "leave", 1));
	body = hear(&o, CTL_OK, true);
	MUST(json_is_true(json_object_get(body, "left")));
	json_decref(body);
}

static void test_leave(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1", .run_ms = 400 };

	(void)state;
	good_life(alone, &slot, 1, leaves, "start a-run-1\nexit a-run-1\n");
}

static void signals(int sock)
{
	struct one o = ask(sock, "a");

	see_started(&o, "t-a-run-1", false);
	tell(&o, json_pack("{s:i}", "signal", SIGINT));
	see_ended(&o, SIGINT);
}

static void test_signal(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1" };

	(void)state;
	good_life(alone, &slot, 1, signals, "signal a-run-1 2\n");
}

static void goes(int sock)
{
	struct one o = ask(sock, "a");

	see_started(&o, "t-a-run-1", false);
}

static void test_client_gone(void **state)
{
	const struct fake_slot slot = { .name = "a-run-1" };

	(void)state;
	good_life(alone, &slot, 1, goes, "signal a-run-1 15\nexit a-run-1\n");
}

/* The first one's end is told while the second one goes on, and keeps the supervisor. */
static void has_two(int sock)
{
	struct one first = ask(sock, "a"), second;

	see_started(&first, "t-a-run-1", false);
	second = ask(connect_to_it(), "a");
	see_started(&second, "t-a-run-2", false);
	type(&first, "bye\n");
	see_ended(&first, EXIT_STATUS(7));
	type(&second, "still there\n");
	see(second.out, "still there\n");
	type(&second, "bye\n");
	see_ended(&second, EXIT_STATUS(7));
}

static void test_two(void **state)
{
	const struct fake_slot slots[] = { { .name = "a-run-1", .obeys = true },
					   { .name = "a-run-2", .obeys = true } };

	(void)state;
	good_life(alone, slots, ARRAY_LEN(slots), has_two,
		  "exit a-run-1\nrelease a-run-1\nexit a-run-2\n");
}

/* Beside a service: that one goes on when the one-off has ended; a `down` ends both. */
static void goes_down_with_it(int sock)
{
	struct one o = ask(sock, "a");
	struct err err = { 0 };
	int other;

	see_started(&o, "t-a-run-1", false);
	tell(&o, json_pack("{s:i}", "signal", SIGINT));
	see_ended(&o, SIGINT);
	o = ask(connect_to_it(), "a");
	see_started(&o, "t-a-run-2", false);
	other = connect_to_it();
	MUST(ctl_call(other, CTL_DOWN, NULL, NULL, NULL, &err) == 0);
	see_ended(&o, SIGTERM);
}

static void test_beside(void **state)
{
	const struct fake_slot slots[] = { { .name = "b-1" },
					   { .name = "a-run-1" },
					   { .name = "a-run-2" } };
	struct life l;

	(void)state;
	live_for(&l, beside, slots, ARRAY_LEN(slots), goes_down_with_it);
	assert_int_equal(l.rc, 0);
	assert_non_null(strstr(buf_str(&l.world.log), "start b-1\n"));
	assert_non_null(strstr(buf_str(&l.world.log), "signal b-1 15\n"));
	assert_null(strstr(buf_str(&l.world.log), "start a-1\n"));
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fails),  cmocka_unit_test(test_streams),
		cmocka_unit_test(test_detach), cmocka_unit_test(test_leave),
		cmocka_unit_test(test_signal), cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_two),    cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
