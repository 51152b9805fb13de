/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wires in the lives of made-up stacks: both ends have namespaces before either program starts, no order among services can
 * be a circle with that, and what fails is told by the service that wanted to start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/fake.h"
#include "mstack/ctl.h"
#include "unit/sup/life.h"

static const char pair[] =
	"x-links: [{endpoints: ['a:eth1', 'b:eth1']}, {endpoints: ['b:eth2', 'c:eth1']}]\n"
	"services:\n"
	"  a: {image: i, command: x, depends_on: [b]}\n"
	"  b: {image: i, command: x, depends_on: [c]}\n"
	"  c: {image: i, command: x}\n";

static void assert_order(const struct life *l, const char *first, const char *second)
{
	const char *a = strstr(buf_str(&l->world.log), first);
	const char *b = a ? strstr(a, second) : NULL;

	if (!a || !b)
		fail_msg("want '%s' before '%s' in:\n%s", first, second, buf_str(&l->world.log));
}

static size_t count(const struct life *l, const char *word)
{
	size_t n = 0;

	for (const char *c = buf_str(&l->world.log); (c = strstr(c, word)); c++)
		n++;
	return n;
}

/* The first to start opens its neighbour, which waits for it; who has no wire to it does not matter yet. */
static void test_order(void **state)
{
	struct life l = new_life();

	(void)state;
	l.signo = SIGTERM;
	live(&l, pair, NULL, 0);
	assert_int_equal(l.rc, 0);
	assert_order(&l, "open b-1", "connect b:eth2 c:eth1");
	assert_order(&l, "connect b:eth2 c:eth1", "start c-1");
	assert_order(&l, "start c-1", "open a-1");
	assert_order(&l, "connect a:eth1 b:eth1", "start b-1");
	assert_order(&l, "start b-1", "start a-1");
	assert_int_equal(count(&l, "open"), 3);
	assert_int_equal(count(&l, "connect"), 2);
	end_life(&l);
}

/* They are as old as the slot: a restart makes none. */
static void test_restart(void **state)
{
	static const char yaml[] =
		"x-links: [{endpoints: ['a:eth1', 'b:eth1']}]\n"
		"services:\n"
		"  a: {image: i, command: x, restart: 'on-failure:1'}\n"
		"  b: {image: i, command: x, depends_on: {a: {condition: service_completed_successfully, required: false}}}\n";
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 5, .status = 256 },
						  { .name = "b-1", .run_ms = 5 } };
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, ARRAY_LEN(slots));
	assert_int_equal(count(&l, "start a-1"), 2);
	assert_int_equal(count(&l, "connect"), 1);
	end_life(&l);
}

static void test_wire_fails(void **state)
{
	struct life l = new_life();

	(void)state;
	l.world.wires_fail = true;
	live(&l, pair, NULL, 0);
	assert_int_equal(l.rc, -1);
	assert_non_null(strstr(l.err.text, "service 'c': no wire today"));
	assert_int_equal(count(&l, "start"), 0);
	end_life(&l);
}

static void test_end_fails(void **state)
{
	static const struct fake_slot slots[] = { { .name = "b-1", .slot_fails = true } };
	struct life l = new_life();

	(void)state;
	live(&l, pair, slots, ARRAY_LEN(slots));
	assert_int_equal(l.rc, -1);
	assert_non_null(strstr(l.err.text, "service 'c': its link leads to service 'b': "));
	assert_int_equal(count(&l, "connect"), 0);
	end_life(&l);
}

/* ---- requests -------------------------------------------------------------------------------- */

static int note_row(void *arg, const struct ctl_msg *m)
{
	const char *a = json_string_value(json_object_get(m->body, "a"));

	if (a)
		buf_printf(arg, "%s %s;", a, json_string_value(json_object_get(m->body, "state")));
	return 0;
}

static bool says(int fd, const char *body, const char *want)
{
	json_t *json = json_loads(body, 0, NULL);
	struct buf told = { 0 };
	struct err err = { 0 };
	bool ok;

	if (ctl_call(fd, CTL_LINK, json, note_row, &told, &err) < 0)
		buf_puts(&told, err.text);
	json_decref(json);
	ok = !strcmp(buf_str(&told), want);
	if (!ok)
		fprintf(stderr, "want: %s\ncame: %s\n", want, buf_str(&told));
	buf_fini(&told);
	return ok;
}

/* In a process of its own; its exit code is the number of the question that was not answered well. */
static pid_t client(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_free_ char *path = sup_socket_path("t");
		struct err err = { 0 };
		int fd = -1;

		for (int i = 0; i < 6000 && fd < 0; i++) {
			fd = ctl_connect(path, 5000, &err);
			usleep(10000);
		}
		for (int i = 0;
		     i < 500 &&
		     !says(fd, "{}", "a:eth1 up;b:eth2 up;a:eth0 up;b:eth0 up;c:eth0 up;");
		     i++)
			usleep(10000);
		if (!says(fd, "{\"endpoints\": [\"b-1:eth1\", \"c:eth0\"], \"up\": false}",
			  "a:eth1 down;c:eth0 up;"))
			_exit(1);
		if (!says(fd, "{\"endpoints\": [\"c:eth1\", \"d:eth1\"], \"up\": false}",
			  "'d:eth1': there is no such link: see 'mstack link'"))
			_exit(2);
		if (!says(fd, "{\"endpoints\": [5]}",
			  "'': there is no such link: see 'mstack link'"))
			_exit(3);
		if (!says(fd, "{\"endpoints\": [\"a:eth1\"], \"up\": true}", "a:eth1 up;"))
			_exit(4);
		_exit(ctl_call(fd, CTL_DOWN, NULL, NULL, NULL, &err) < 0 ? 5 : 0);
	}
	return pid;
}

static void test_requests(void **state)
{
	struct stack_diags *diags = stack_diags_new();
	struct life l = new_life();
	pid_t pid = client();
	int status = 0;

	(void)state;
	l.opts.foreground = false;
	l.opts.stack = life_load(pair, diags);
	l.opts.diags = diags;
	l.opts.hooks = (struct sup_hooks){ .arg = &l, .say = life_say, .up = life_up };
	l.world.log_root = life_dir;
	fake_world = &l.world;
	alarm(60);
	assert_int_equal(sup_run(&l.opts, &l.exit_code, &l.err), 0);
	alarm(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count(&l, "pull wire 0\n"), 1);
	assert_int_equal(count(&l, "pull wire 1\n"), 0);
	assert_int_equal(count(&l, "plug wire 0\n"), 1);
	stack_free((struct stack *)l.opts.stack);
	stack_diags_free(diags);
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	   cmocka_unit_test(test_restart),
		cmocka_unit_test(test_wire_fails), cmocka_unit_test(test_end_fails),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
