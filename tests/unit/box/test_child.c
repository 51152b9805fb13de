/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the walk over the child's steps: each of them fails once, and the error says which one.
 */
#include <errno.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/sys.h"
#include "unit/box/rig.h"

#define STEPS_MAX 32

static int broken(struct child *c)
{
	return err_sys(&c->err, EIO, "made to fail");
}

static int vanishing(struct child *c)
{
	(void)c;
	_exit(0);
}

/* The tables of the runtime with one row of one table replaced. */
struct bent {
	struct child_tables tables;
	struct child_step steps[STEPS_MAX];
};

static size_t length(const struct child_step *steps)
{
	size_t n = 0;

	while (steps[n].name)
		n++;
	return n;
}

static void bend(struct rig *r, struct bent *b, const struct child_step **which, size_t row,
		 int (*run)(struct child *c))
{
	size_t n = length(*which);

	assert_true(n < STEPS_MAX);
	memcpy(b->steps, *which, (n + 1) * sizeof(**which));
	b->steps[row].run = run;
	*which = b->steps;
	r->rt->tables = &b->tables;
}

static void expect(const struct err *err, const struct child_step *step, size_t row)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: made to fail: input/output error", step->name);
	assert_string_equal(err->text, text);
	assert_int_equal(err->sys, EIO);
	assert_int_equal(err->step, row + 1);
	assert_int_equal(err->kind, ERR_CREATE);
}

static void fail_each(struct rig *r, bool second)
{
	const struct child_step *from = second ? child_tables.stage_two : child_tables.stage_one;
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");

	spec.tty = true;
	for (size_t i = 0; i < length(from); i++) {
		struct bent b = { .tables = child_tables };

		bend(r, &b, second ? &b.tables.stage_two : &b.tables.stage_one, i, broken);
		expect(rig_fail(r, s, &spec), &from[i], i);
	}
	r->rt->tables = &child_tables;
	assert_string_equal(rig_script(r, s, "echo fine"), "fine\n");
}

static void test_stage_one(void **state)
{
	fail_each(*state, false);
}

static void test_stage_two(void **state)
{
	fail_each(*state, true);
}

static int look(struct child *c)
{
	return prctl(PR_GET_DUMPABLE) ? err_set(&c->err, "can be looked into") : 0;
}

/* Each step, and behind each a look at whether others could look into the process (CVE-2016-9962). */
static void interleave(struct child_step ret[2 * STEPS_MAX], const struct child_step *steps)
{
	size_t n = length(steps);

	assert_true(n < STEPS_MAX);
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = steps[i];
		ret[2 * i + 1] = (struct child_step){ steps[i].name, look };
	}
	ret[2 * n] = (struct child_step){ NULL, NULL };
}

static void test_not_dumpable(void **state)
{
	struct child_step one[2 * STEPS_MAX], two[2 * STEPS_MAX];
	const char *const argv[] = { "id", "-u", NULL };
	struct child_tables tables = child_tables;
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	int status;

	interleave(one, child_tables.stage_one);
	interleave(two, child_tables.stage_two);
	tables.stage_one = one;
	tables.stage_two = two;
	r->rt->tables = &tables;
	assert_string_equal(rig_run(r, s, &spec, &status), "0\n");
	spec.uid = 1000;
	assert_string_equal(rig_run(r, s, &spec, &status), "1000\n");
	r->rt->tables = &child_tables;
}

static void test_slot(void **state)
{
	struct rig *r = *state;
	struct box_slot_spec spec = { .name = "web-1", .tmp_upper = true };

	for (size_t i = 0; i < length(child_slot_steps); i++) {
		struct bent b = { .tables = child_tables };
		struct box_slot *s;

		bend(r, &b, &b.tables.slot, i, broken);
		s = box_slot_open(r->rt, &spec, NULL);
		expect(&rig_wait(r, BOX_SLOT_FAILED)->err, &child_slot_steps[i], i);
		assert_int_equal(box_slot_netns(s), -1);
		box_slot_close(s);
		rig_idle(r, 0.02);
		assert_null(r->rt->slots);
	}
}

static void test_exec(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "sleep", "60", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_exec_spec exec = { .token = 9, .argv = argv };
	struct box_slot *s = rig_slot(r, "web-1");

	box_start(s, &spec, true, NULL);
	rig_wait(r, BOX_STARTED);
	for (size_t i = 0; i < 2 * STEPS_MAX; i++) {
		bool second = i >= STEPS_MAX;
		const struct child_step *from =
			second ? child_tables.exec_two : child_tables.exec_one;
		struct bent b = { .tables = child_tables };
		size_t row = i % STEPS_MAX;

		if (row >= length(from))
			continue;
		bend(r, &b, second ? &b.tables.exec_two : &b.tables.exec_one, row, broken);
		assert_int_equal(box_exec(s, &exec, NULL), 0);
		expect(&rig_wait(r, BOX_EXEC_DONE)->err, &from[row], row);
		assert_non_null(strstr(r->exec_output, "made to fail"));
	}
}

/* Stages that end without a word: the row "no, no" of the table in start.c. */
static void test_silent_death(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");

	for (size_t i = 0; i < 2; i++) {
		struct bent b = { .tables = child_tables };

		bend(r, &b, i ? &b.tables.stage_two : &b.tables.stage_one, 5, vanishing);
		assert_string_equal(rig_fail(r, s, &spec)->text,
				    "ended while being set up (status 0)");
	}
}

/* Stage two ends at once, and stage one is slow to say which process that was. */
static int report_late(struct child *c)
{
	struct child_msg m = { .type = CHILD_PID, .pid = sys_clone(CLONE_PARENT, -1, NULL) };

	if (!m.pid)
		_exit(0);
	usleep(200000);
	return sys_send(c->sock, &m, sizeof(m), NULL, 0);
}

static void test_unknown_child(void **state)
{
	struct rig *r = *state;
	const char *const argv[] = { "true", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_slot *s = rig_slot(r, "web-1");
	struct bent b = { .tables = child_tables };
	size_t row = 0;

	while (strcmp(child_tables.stage_one[row].name, "clone the container") != 0)
		row++;
	bend(r, &b, &b.tables.stage_one, row, report_late);
	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	for (int i = 0; i < 100; i++) {
		box_reap_strangers(r->rt);
		usleep(1000);
	}
	assert_string_equal(rig_wait(r, BOX_START_FAILED)->err.text,
			    "ended while being set up (status 0)");
	r->rt->tables = &child_tables;
	assert_string_equal(rig_script(r, s, "echo fine"), "fine\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_stage_one), T(test_stage_two),	  T(test_not_dumpable), T(test_slot),
		T(test_exec),	   T(test_unknown_child), T(test_silent_death),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
