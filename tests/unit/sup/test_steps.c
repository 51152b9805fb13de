/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of `pre_start` on made-up rooms: how often a slot starts, who waits for whom, and what a failure does. In the made-up world
 * steps and processes of a slot follow the same script.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "unit/sup/life.h"

#define EXIT_STATUS(code) ((code) << 8)

static size_t starts(const struct life *l, const char *slot)
{
	_cleanup_free_ char *line = xasprintf("start %s\n", slot);
	size_t n = 0;

	for (const char *c = buf_str(&l->world.log); (c = strstr(c, line)); c++)
		n++;
	return n;
}

static void assert_order(const struct life *l, const char *first, const char *second)
{
	const char *a = strstr(buf_str(&l->world.log), first);

	if (!a || !strstr(a, second))
		fail_msg("want '%s' before '%s' in:\n%s", first, second, buf_str(&l->world.log));
}

/* The second container starts when all steps of the first have ended. */
static const char *second_before_third(const struct life *l)
{
	const char *log = buf_str(&l->world.log), *second = strstr(log, "start a-2\n");
	size_t n = 0;

	for (const char *c = log; (c = strstr(c, "exit a-1\n")) && c < second; c++)
		n++;
	return n < 3 ? log : NULL;
}

/* Two steps for the service, one for each of its containers, and the process itself. */
static void test_once_and_each(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 2 },
						  { .name = "a-2", .run_ms = 2 } };
	struct life l = new_life();

	(void)state;
	live(&l,
	     "services:\n  a: {image: i, command: x, scale: 2, pre_start: [{command: p}, {command: q},"
	     " {command: r, per_replica: true}]}\n",
	     slots, ARRAY_LEN(slots));
	assert_int_equal(l.exit_code, 0);
	assert_int_equal(starts(&l, "a-1"), 4);
	assert_int_equal(starts(&l, "a-2"), 2);
	assert_order(&l, "start a-1", "start a-2");
	if (second_before_third(&l))
		fail_msg("too early:\n%s", buf_str(&l.world.log));
	end_life(&l);
}

static void test_restart_runs_none(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .run_ms = 2 } };
	struct life l = new_life();

	(void)state;
	live(&l,
	     "services:\n  a: {image: i, command: x, restart: 'on-failure:2', pre_start: [{command: p}]}\n",
	     slots, ARRAY_LEN(slots));
	assert_int_equal(starts(&l, "a-1"), 2);
	end_life(&l);
}

static void test_failure(void **state)
{
	static const struct fake_slot slots[] = {
		{ .name = "a-1", .run_ms = 2, .status = EXIT_STATUS(3) }
	};
	struct life l = new_life();

	(void)state;
	live(&l,
	     "services:\n"
	     "  a:\n"
	     "    image: i\n"
	     "    command: x\n"
	     "    scale: 2\n"
	     "    restart: always\n"
	     "    pre_start:\n"
	     "    - {command: p}\n"
	     "  b: {image: i, command: x, depends_on: [a]}\n",
	     slots, ARRAY_LEN(slots));
	assert_true(l.up_failed);
	assert_int_equal(l.rc, -1);
	assert_int_equal(starts(&l, "a-1"), 1);
	assert_int_equal(starts(&l, "a-2"), 0);
	assert_int_equal(starts(&l, "b-1"), 0);
	assert_non_null(
		strstr(l.err.text, ":8: service 'a': pre_start[0]: 'p' exited with code 3"));
	end_life(&l);
}

static void end_at_step(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	life_say(arg, kind, slot, text);
	if (!strcmp(text, "pre_start[0] runs"))
		kill(getpid(), SIGTERM);
}

/* It is deaf to its signal, so the grace period ends it. */
static void test_stop(void **state)
{
	static const struct fake_slot slots[] = { { .name = "a-1", .deaf = true } };
	struct life l = new_life();

	(void)state;
	l.said_by = end_at_step;
	live(&l,
	     "services:\n"
	     "  a: {image: i, command: x, stop_grace_period: 10ms, pre_start: [{command: p}]}\n",
	     slots, ARRAY_LEN(slots));
	assert_int_equal(l.exit_code, 0);
	assert_int_equal(starts(&l, "a-1"), 1);
	assert_order(&l, "signal a-1", "kill a-1");
	end_life(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_and_each),
		cmocka_unit_test(test_restart_runs_none),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}
