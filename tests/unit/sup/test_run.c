/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor on made-up rooms: whole lives of stacks, from text to the last event. The fake world logs what was asked of
 * it; order and content of that log are what is asserted. Runs as root (the supervisor refuses to run otherwise).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/fake.h"
#include "mstack/ctl.h"
#include "mstack/ledger.h"
#include "mstack/sup.h"
#include "mstack/sup_keep.h"
#include "unit/sup/life.h"

#define EXIT_STATUS(code) ((code) << 8)

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

/* ---- lives ----------------------------------------------------------------------------------- */

static const char three[] = "services:\n"
			    "  c: {image: i, command: x, depends_on: [b]}\n"
			    "  b: {image: i, command: x, depends_on: [a]}\n"
			    "  a: {image: i, command: x}\n";

static void test_order(void **state)
{
	struct life l = new_life();

	(void)state;
	l.signo = SIGINT;
	live(&l, three, NULL, 0);
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.exit_code, 130);
	assert_int_equal(l.ups, 1);
	assert_order(&l, "start a-1", "open b-1");
	assert_order(&l, "start b-1", "open c-1");
	assert_order(&l, "exit c-1", "signal b-1");
	assert_order(&l, "exit b-1", "signal a-1");
	end_life(&l);
}

static void test_sigterm_is_zero(void **state)
{
	struct life l = new_life();

	(void)state;
	l.signo = SIGTERM;
	live(&l, three, NULL, 0);
	assert_int_equal(l.exit_code, 0);
	end_life(&l);
}

static void test_all_at_once(void **state)
{
	static const char yaml[] = "services:\n"
				   "  a: {image: i, command: x}\n"
				   "  b: {image: i, command: x}\n"
				   "  c: {image: i, command: x}\n";
	struct life l = new_life();

	(void)state;
	l.signo = SIGTERM;
	live(&l, yaml, NULL, 0);
	assert_int_equal(l.world.most_alive, 3);
	assert_int_equal(count(&l, "attach 3"), 1); /* one message for all of them */
	end_life(&l);
}

static void test_ends_by_itself(void **state)
{
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 5 },
		{ .name = "b-1", .run_ms = 9 },
		{ .name = "c-1", .run_ms = 1, .status = EXIT_STATUS(3) }
	};
	struct life l = new_life();

	(void)state;
	live(&l, three, slots, ARRAY_LEN(slots));
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.exit_code, 0);
	end_life(&l);
}

static void test_abort_on_exit(void **state)
{
	static const struct fake_slot slots[] = {
		{ .name = "b-1", .run_ms = 20, .status = EXIT_STATUS(7) }
	};
	struct life l = new_life();

	(void)state;
	l.opts.abort_on_exit = true;
	live(&l, three, slots, ARRAY_LEN(slots));
	assert_int_equal(l.exit_code, 4);
	end_life(&l);
}

static void test_exit_code_from(void **state)
{
	static const struct fake_slot slots[] = {
		{ .name = "b-1", .run_ms = 20, .status = EXIT_STATUS(7) }
	};
	struct life l = new_life();

	(void)state;
	l.opts.abort_on_exit = true;
	l.opts.exit_code_from = "a";
	live(&l, three, slots, ARRAY_LEN(slots));
	assert_int_equal(l.exit_code, 128 + SIGTERM); /* it was stopped by the abort */
	end_life(&l);
}

static void test_restart(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, restart: 'on-failure:2'}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 1, .status = EXIT_STATUS(1) }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	assert_int_equal(l.exit_code, 0);
	assert_int_equal(count(&l, "start a-1"), 3);
	assert_int_equal(count(&l, "open a-1"), 1); /* the slot outlives its processes */
	assert_int_equal(count(&l, "attach"), 1);
	assert_non_null(strstr(buf_str(&l.lines), "a-1: exited with code 1, restarting in 1"));
	assert_non_null(strstr(buf_str(&l.lines), "a-1: exited with code 1, restarting in 2"));
	end_life(&l);
}

static void test_deaf_is_killed(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, stop_grace_period: 50ms, stop_signal: SIGUSR1}\n";
	static const struct fake_slot slots[] = { { .name = "a-1", .deaf = true } };
	struct life l = new_life();
	char word[32];

	(void)state;
	l.signo = SIGTERM;
	live(&l, yaml, slots, 1);
	snprintf(word, sizeof(word), "signal a-1 %d\n", SIGUSR1);
	assert_order(&l, word, "kill a-1");
	end_life(&l);
}

static void test_ignored_signal_is_said(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x}\n";
	static const struct fake_slot slots[] = { { .name = "a-1", .ignores = true } };
	struct life l = new_life();

	(void)state;
	l.signo = SIGTERM;
	live(&l, yaml, slots, 1);
	assert_non_null(strstr(buf_str(&l.lines), "killed at once"));
	end_life(&l);
}

static void test_oom_is_said(void **state)
{
	static const char yaml[] = "services:\n  a: {image: i, command: x, mem_limit: 1m}\n";
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 1, .status = SIGKILL, .oom = true }
	};
	struct life l = new_life();

	(void)state;
	live(&l, yaml, slots, 1);
	assert_non_null(strstr(buf_str(&l.lines), "out of memory (mem_limit 1048576 bytes)"));
	end_life(&l);
}

/* ---- failing ups ------------------------------------------------------------------------------ */

static void test_failing_ups(void **state)
{
	static const struct {
		struct fake_slot slot;
		bool port;
		int exit;
		const char *text;
	} t[] = {
		{ { .name = "b-1", .start_fails = true },
		  false,
		  127,
		  "stack.yaml:3: service 'b': exec: not found" },
		{ { .name = "b-1", .slot_fails = true }, false, 125, "no namespaces today" },
		{ { .name = "b-1", .attach_fails = true }, false, 1, "service 'b': no link today" },
		{ { .name = "-" }, true, 1, "port taken" },
	};
	static const char yaml[] = "services:\n"
				   "  a: {image: i, command: x, ports: ['80:80']}\n"
				   "  b: {image: i, command: x}\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct life l = new_life();

		l.world.port_taken = t[i].port;
		live(&l, yaml, &t[i].slot, 1);
		assert_int_equal(l.rc, -1);
		assert_true(l.up_failed);
		assert_int_equal(l.ups, 1);
		assert_int_equal(err_exit_code(&l.err), t[i].exit);
		if (!strstr(l.err.text, t[i].text))
			fail_msg("want '%s' in '%s'", t[i].text, l.err.text);
		end_life(&l);
	}
}

static void test_absent_image(void **state)
{
	struct life l = new_life();

	(void)state;
	live(&l, "services:\n  a: {image: absent, command: x}\n", NULL, 0);
	assert_int_equal(l.rc, -1);
	assert_non_null(strstr(l.err.text, "stack.yaml:2: service 'a': image 'absent'"));
	end_life(&l);
}

/* How to make it: the Dockerfile is named from the folder that is built, wherever the command is typed. */
static void test_image_to_build(void **state)
{
	static const struct {
		const char *build, *command;
	} t[] = {
		{ "/c", "docker build -t absent /c &&" },
		{ "{context: /c, dockerfile: d/D}", "docker build -t absent -f /c/d/D /c &&" },
		{ "{context: /c, dockerfile: /D}", "docker build -t absent -f /D /c &&" },
		{ "{context: git@h:r, dockerfile: D}", "docker build -t absent -f D git@h:r &&" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct life l = new_life();
		char *yaml = xasprintf("services:\n  a: {image: absent, build: %s}\n", t[i].build);

		live(&l, yaml, NULL, 0);
		assert_int_equal(l.rc, -1);
		if (!strstr(l.err.text, t[i].command))
			fail_msg("%s: %s", t[i].command, l.err.text);
		end_life(&l);
		free(yaml);
	}
}

static void test_second_supervisor_is_refused(void **state)
{
	struct life l = new_life();
	int go[2];
	pid_t other;
	char byte;

	(void)state;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	other = fork();
	if (other == 0) { /* holds the project's ledger until it is killed */
		struct err err = { 0 };
		const struct ledger_kind *const *none[] = { NULL };
		char path[96];
		struct ledger *ledger;

		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when this test fails */
		snprintf(path, sizeof(path), "%s/run/t", life_dir);
		path_mkdirs(AT_FDCWD, path, 0700);
		snprintf(path, sizeof(path), "%s/run/t/ledger", life_dir);
		ledger = ledger_open(path, true, none, &err);
		if (!ledger || ledger_lock(ledger, 0, NULL, &err) != 0 || write(go[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(go[0], &byte, 1), 1);
	{
		struct stack_diags *diags = stack_diags_new();
		struct stack *stack = life_load(three, diags);

		fake_world = &l.world;
		l.opts.stack = stack;
		l.opts.diags = diags;
		l.rc = sup_run(&l.opts, &l.exit_code, &l.err);
		stack_free(stack);
		stack_diags_free(diags);
	}
	assert_int_equal(l.rc, -1);
	assert_int_equal(l.err.sys, EBUSY);
	assert_non_null(strstr(l.err.text, "already up"));
	assert_int_equal(buf_str(&l.world.log)[0], 0); /* nothing was touched */
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	close(go[0]);
	close(go[1]);
	assert_int_equal(sup_cleanup("t", NULL, &l.err), 0);
	end_life(&l);
}

/* ---- health and gates ------------------------------------------------------------------------- */

static const char checked[] =
	"services:\n"
	"  b: {image: i, command: x, depends_on: {a: {condition: service_healthy}}}\n"
	"  a: {image: i, command: x, healthcheck: {test: [CMD, t], interval: 10ms, retries: 2,"
	" timeout: 100ms}}\n";

static void test_waits_for_health(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .probes = "-+" } };
	struct life l = new_life();

	(void)state;
	l.signo = SIGTERM;
	live(&l, checked, slots, 1);
	assert_int_equal(l.rc, 0);
	assert_order(&l, "probe a-1\nprobe a-1", "open b-1");
	assert_non_null(strstr(buf_str(&l.said), "a-1: healthy"));
	end_life(&l);
}

static void test_unhealthy_dependency(void **state)
{
	static const char *const probes[] = { "-", "h" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		struct fake_slot slots[] = { { .name = "a-1", .probes = probes[i] } };
		struct life l = new_life();

		live(&l, checked, slots, 1);
		assert_int_equal(l.rc, -1);
		assert_int_equal(count(&l, "open b-1"), 0);
		assert_non_null(strstr(
			l.err.text,
			"service 'b': not started: 'a', which it depends on, became unhealthy"));
		assert_non_null(strstr(buf_str(&l.lines), "unhealthy after 2 failed probes"));
		end_life(&l);
	}
}

static void test_wait_option(void **state)
{
	static const char yaml[] =
		"services:\n  a: {image: i, command: x, healthcheck: {test: [CMD, t], interval: 5ms,"
		" retries: 1}}\n";
	static const struct {
		const char *probes;
		int exit;
	} t[] = { { "+", 0 }, { "-", 4 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct fake_slot slots[] = { { .name = "a-1", .probes = t[i].probes } };
		struct life l = new_life();

		l.opts.wait_healthy = true;
		l.signo = SIGTERM;
		live(&l, yaml, slots, 1);
		assert_int_equal(l.rc == 0 ? l.exit_code : err_exit_code(&l.err), t[i].exit);
		end_life(&l);
	}
}

static void test_completed(void **state)
{
	static const char yaml[] = "services:\n"
				   "  b: {image: i, command: x, depends_on: {a: {condition: "
				   "service_completed_successfully}}}\n"
				   "  a: {image: i, command: x}\n";
	static const struct {
		int status;
		bool works;
	} t[] = { { 0, true }, { EXIT_STATUS(1), false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct fake_slot slots[] = {
			{ .name = "a-1", .run_ms = 5, .status = t[i].status }
		};
		struct life l = new_life();

		l.signo = SIGTERM;
		live(&l, yaml, slots, 1);
		assert_int_equal(l.rc == 0, t[i].works);
		if (t[i].works)
			assert_order(&l, "exit a-1", "open b-1");
		end_life(&l);
	}
}

/* ---- clients and death ------------------------------------------------------------------------ */

static int count_answer(void *arg, const struct ctl_msg *m)
{
	if (json_object_get(m->body, "Service"))
		++*(int *)arg;
	return 0;
}

/* Of two of the three services, one by the name of its slot; the made-up box hands out our standard output. */
static int count_windows(void *arg, const struct ctl_msg *m)
{
	const char *slot = json_string_value(json_object_get(m->body, "slot"));
	const json_t *networks = json_object_get(m->body, "networks");

	if (slot && m->n_fds == 1 && json_is_string(json_object_get(networks, "eth0")))
		++*(int *)arg;
	return 0;
}

static int capture(int fd)
{
	json_t *body = json_pack("{s:[s,s,s]}", "services", "a", "b-1", "nobody");
	struct err err = { 0 };
	int n = 0, all = 0;

	if (ctl_call(fd, CTL_CAPTURE, body, count_windows, &n, &err) < 0 ||
	    ctl_call(fd, CTL_CAPTURE, NULL, count_windows, &all, &err) < 0)
		return -1;
	json_decref(body);
	return n * 10 + all;
}

/* A client in a process of its own: waits for the socket, asks for `ps`, then for `down`. Exits with the number of services. */
static pid_t client(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_free_ char *path = sup_socket_path("t");
		struct err err = { 0 };
		int fd = -1, n = 0;

		for (int i = 0; i < 6000 && fd < 0; i++) {
			fd = ctl_connect(path, 5000, &err);
			usleep(10000);
		}
		usleep(50000);
		if (ctl_call(fd, CTL_PS, NULL, count_answer, &n, &err) < 0)
			_exit(100);
		if (ctl_call(fd, 99, NULL, NULL, NULL, &err) == 0)
			_exit(101);
		/* A slot that is not open yet has no network to hand out. */
		for (int i = 0; i < 1000 && capture(fd) != 23; i++)
			usleep(10000);
		if (capture(fd) != 23)
			_exit(103);
		_exit(ctl_call(fd, CTL_DOWN, NULL, NULL, NULL, &err) < 0 ? 102 : n);
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
	l.opts.stack = life_load(three, diags);
	l.opts.diags = diags;
	l.opts.hooks = (struct sup_hooks){ .arg = &l, .say = life_say, .up = life_up };
	l.world.log_root = life_dir;
	fake_world = &l.world;
	alarm(60);
	assert_int_equal(sup_run(&l.opts, &l.exit_code, &l.err), 0);
	alarm(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	stack_free((struct stack *)l.opts.stack);
	stack_diags_free(diags);
	end_life(&l);
}

/* A supervisor that is killed in the very moment in which it says that all is up. */
static void die_when_up(struct life *l, const char *yaml)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct stack_diags *diags = stack_diags_new();

		l->opts.stack = life_load(yaml, diags);
		l->opts.diags = diags;
		l->opts.hooks = (struct sup_hooks){ .arg = l, .up = life_up };
		l->signo = SIGKILL;
		l->world.log_root = life_dir;
		fake_world = &l->world;
		sup_run(&l->opts, &l->exit_code, &l->err);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

/* Its guard removes what the ledger holds, with no command run. */
static void test_guard(void **state)
{
	struct life l = new_life();
	char path[96];

	(void)state;
	die_when_up(&l, three);
	snprintf(path, sizeof(path), "%s/run/t", life_dir);
	for (int i = 0; i < 6000 && access(path, F_OK) == 0; i++)
		usleep(10000);
	assert_int_equal(access(path, F_OK), -1);
	usleep(10000);
	end_life(&l);
}

/* What is said to be up is kept from then on. */
static void test_kept_when_up(void **state)
{
	struct carry *tree = NULL;
	struct life l = new_life();
	struct err err = { 0 };
	char path[96];

	(void)state;
	die_when_up(&l, "x-on-supervisor-death: keep\nservices: {a: {image: i, command: x}}\n");
	snprintf(path, sizeof(path), "%s/run/t", life_dir);
	for (int i = 0; i < 6000 && !tree && access(path, F_OK) == 0; i++) {
		usleep(10000);
		tree = sup_kept("t", &err);
	}
	assert_non_null(tree);
	carry_free(tree);
	assert_int_equal(sup_cleanup("t", NULL, &err), 0);
	end_life(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sigterm_is_zero),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_ends_by_itself),
		cmocka_unit_test(test_abort_on_exit),
		cmocka_unit_test(test_exit_code_from),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_deaf_is_killed),
		cmocka_unit_test(test_ignored_signal_is_said),
		cmocka_unit_test(test_oom_is_said),
		cmocka_unit_test(test_failing_ups),
		cmocka_unit_test(test_absent_image),
		cmocka_unit_test(test_image_to_build),
		cmocka_unit_test(test_second_supervisor_is_refused),
		cmocka_unit_test(test_waits_for_health),
		cmocka_unit_test(test_unhealthy_dependency),
		cmocka_unit_test(test_wait_option),
		cmocka_unit_test(test_completed),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_kept_when_up),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
