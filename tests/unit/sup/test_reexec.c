/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reexec: a supervisor on made-up rooms that is sent SIGUSR2. The new program is this one as well: a variable says what it is to
 * be, and main looks there first. When it takes the process over, a child of the test does all that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/sup_carried.h"
#include "unit/reexec.h"
#include "unit/sup/life.h"

#define NEXT "MSTACK_TEST_NEXT" /* refuses, dies, goes-on */

enum { TOOK_OVER = 42, TOO_LONG_MS = 60000 };

static const char two[] = "services:\n"
			  "  a: {image: busybox, command: [x], restart: always}\n"
			  "  b: {image: busybox, command: [x], healthcheck: {test: [CMD, x],"
			  " interval: 100ms}}\n";

/* ---- the next program ------------------------------------------------------------------------ */

static struct life next;

/* It runs: now it is told to end, as the first one would have been. */
static void next_say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	life_say(arg, kind, slot, text);
	if (strstr(text, "goes on in place of"))
		kill(getpid(), SIGTERM);
}

static int go_on(void)
{
	static const struct fake_slot slots[] = { { .name = "b-1", .probes = "+" } };
	struct sup_carried carried;
	struct err err = { 0 };

	next = (struct life){ .world = { .slots = slots, .n_slots = 1 }, .exit_code = -1 };
	next.world.log_root = getenv("MSTACK_TEST_DIR");
	next.world.alive = 2;
	fake_world = &next.world;
	if (sup_carried_open(&carried, &err) != 1) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	next.opts = (struct sup_opts){ .stack = carried.stack,
				       .diags = carried.diags,
				       .hooks = { .arg = &next, .say = next_say },
				       .foreground = true,
				       .timeout_ms = -1,
				       .carried = &carried };
	alarm(TOO_LONG_MS / 1000);
	if (sup_run(&next.opts, &next.exit_code, &err) < 0 || next.exit_code != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	/* Nothing was opened or started anew, and both were stopped. */
	if (strstr(buf_str(&next.world.log), "open ") || strstr(buf_str(&next.world.log), "start "))
		return 3;
	if (!strstr(buf_str(&next.world.log), "signal a-1 15\n") ||
	    !strstr(buf_str(&next.world.log), "signal b-1 15\n") || next.world.alive)
		return 4;
	if (!strstr(buf_str(&next.said), "b-1: healthy") &&
	    strstr(buf_str(&next.said), "unhealthy"))
		return 5;
	return TOOK_OVER;
}

static int be_next(const char *what)
{
	if (!strcmp(what, "refuses")) {
		fprintf(stderr, "some noise\nmstack: no such version\n");
		return 3;
	}
	if (!strcmp(what, "dies"))
		raise(SIGKILL);
	return go_on();
}

/* ---- the first program ----------------------------------------------------------------------- */

static struct life running(const char *next_is)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 600 },
						  { .name = "b-1", .run_ms = 900, .probes = "+" } };
	struct life l = new_life();

	setenv(NEXT, next_is, 1);
	setenv("MSTACK_TEST_DIR", life_dir, 1);
	l.signo = SIGUSR2;
	live(&l,
	     "services:\n"
	     "  a: {image: busybox, command: [x]}\n"
	     "  b: {image: busybox, command: [x], healthcheck: {test: [CMD, x], interval: 100ms}}\n",
	     slots, ARRAY_LEN(slots));
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.exit_code, 0);
	return l;
}

static void assert_goes_on(struct life *l, const char *why)
{
	if (!strstr(buf_str(&l->said), why))
		fail_msg("%s", buf_str(&l->said));
	assert_non_null(strstr(buf_str(&l->said), "this program goes on"));
	/* To its end, which is that of its services. */
	assert_non_null(strstr(buf_str(&l->world.log), "exit a-1\n"));
	assert_non_null(strstr(buf_str(&l->world.log), "exit b-1\n"));
	end_life(l);
}

static void test_refused(void **state)
{
	struct life l = running("refuses");

	(void)state;
	assert_goes_on(&l, "cannot go on for us: mstack: no such version");
}

static void test_dies(void **state)
{
	struct life l = running("dies");

	(void)state;
	assert_goes_on(&l, "cannot go on for us");
}

static void test_goes_on(void **state)
{
	static const struct fake_slot slots[] = { { .name = "b-1", .probes = "+" } };
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct life l = new_life();

		setenv(NEXT, "goes-on", 1);
		setenv("MSTACK_TEST_DIR", life_dir, 1);
		l.signo = SIGUSR2;
		live(&l, two, slots, ARRAY_LEN(slots));
		fprintf(stderr, "%s%s", buf_str(&l.said), l.err.text);
		_exit(7);
	}
	assert_int_equal(code_of(pid), TOOK_OVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dies),
		cmocka_unit_test(test_goes_on),
	};

	if (getenv(SUP_CARRIED_VARIABLE))
		_exit(be_next(getenv(NEXT))); /* what it has in memory goes with it */
	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
