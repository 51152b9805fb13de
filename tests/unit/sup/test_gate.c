/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts over one edge: a table of states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sup/state.h"

#define EXIT_STATUS(code) ((code) << 8)

static void test_table(void **state)
{
	static const struct {
		enum stack_condition condition;
		struct svc on;
		enum svc_health_state health;
		enum sup_gate want;
	} t[] = {
		{ STACK_STARTED, { .state = SVC_IDLE }, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, { .state = SVC_STARTING }, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, { .state = SVC_RUNNING, .runs = 1 }, HEALTH_NONE, GATE_OPEN },
		{ STACK_STARTED, { .state = SVC_EXITED, .runs = 1 }, HEALTH_NONE, GATE_OPEN },
		{ STACK_STARTED, { .state = SVC_BACKOFF, .runs = 1 }, HEALTH_NONE, GATE_OPEN },
		{ STACK_STARTED,
		  { .state = SVC_EXITED, .start_failed = true },
		  HEALTH_NONE,
		  GATE_FAILED },
		{ STACK_STARTED,
		  { .state = SVC_EXITED, .gate_failed = true },
		  HEALTH_NONE,
		  GATE_FAILED },
		{ STACK_STARTED, { .state = SVC_RUNNING, .fresh = true }, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED,
		  { .state = SVC_STOPPING, .runs = 1, .want_up = true },
		  HEALTH_NONE,
		  GATE_WAIT },
		{ STACK_HEALTHY, { .state = SVC_RUNNING, .runs = 1 }, HEALTH_PROBING, GATE_WAIT },
		{ STACK_HEALTHY, { .state = SVC_RUNNING, .runs = 1 }, HEALTH_GOOD, GATE_OPEN },
		{ STACK_HEALTHY, { .state = SVC_RUNNING, .runs = 1 }, HEALTH_BAD, GATE_FAILED },
		{ STACK_HEALTHY, { .state = SVC_EXITED, .runs = 1 }, HEALTH_NONE, GATE_FAILED },
		{ STACK_HEALTHY, { .state = SVC_BACKOFF, .runs = 1 }, HEALTH_NONE, GATE_WAIT },
		{ STACK_COMPLETED, { .state = SVC_RUNNING, .runs = 1 }, HEALTH_NONE, GATE_WAIT },
		{ STACK_COMPLETED, { .state = SVC_EXITED, .runs = 1 }, HEALTH_NONE, GATE_OPEN },
		{ STACK_COMPLETED,
		  { .state = SVC_EXITED, .runs = 1, .last_status = EXIT_STATUS(2) },
		  HEALTH_NONE,
		  GATE_FAILED },
		{ STACK_COMPLETED,
		  { .state = SVC_EXITED, .runs = 1, .last_status = 9 },
		  HEALTH_NONE,
		  GATE_FAILED },
		{ STACK_COMPLETED,
		  { .state = SVC_EXITED, .start_failed = true },
		  HEALTH_NONE,
		  GATE_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct plan_edge e = { .condition = t[i].condition, .required = true };

		assert_int_equal(sup_gate_edge(&e, &t[i].on, t[i].health), t[i].want);
		e.required = false; /* a failure does not keep it back then */
		assert_int_equal(sup_gate_edge(&e, &t[i].on, t[i].health),
				 t[i].want == GATE_FAILED ? GATE_OPEN : t[i].want);
	}
}

/* Who comes back by itself waits for what is not there, and never fails for it. */
static void test_again(void **state)
{
	static const struct svc running = { .state = SVC_RUNNING, .runs = 1, .want_up = true },
				fresh = { .state = SVC_RUNNING, .runs = 1, .fresh = true },
				back_off = { .state = SVC_BACKOFF, .runs = 1, .want_up = true },
				done = { .state = SVC_EXITED, .runs = 1, .want_up = true },
				stopped = { .state = SVC_EXITED, .runs = 1 },
				dead = { .state = SVC_EXITED,
					 .runs = 1,
					 .want_up = true,
					 .dead = true },
				broken = { .state = SVC_EXITED,
					   .runs = 1,
					   .want_up = true,
					   .last_status = EXIT_STATUS(2) };
	static const struct {
		enum stack_condition condition;
		const struct svc *on;
		enum svc_health_state health;
		enum sup_gate want;
	} t[] = {
		{ STACK_STARTED, &running, HEALTH_NONE, GATE_OPEN },
		{ STACK_STARTED, &fresh, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, &back_off, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, &done, HEALTH_NONE, GATE_OPEN },
		{ STACK_STARTED, &stopped, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, &dead, HEALTH_NONE, GATE_WAIT },
		{ STACK_STARTED, &broken, HEALTH_NONE, GATE_WAIT },
		{ STACK_HEALTHY, &running, HEALTH_GOOD, GATE_OPEN },
		{ STACK_HEALTHY, &running, HEALTH_BAD, GATE_WAIT },
		{ STACK_HEALTHY, &running, HEALTH_PROBING, GATE_WAIT },
		{ STACK_HEALTHY, &broken, HEALTH_NONE, GATE_WAIT },
		{ STACK_COMPLETED, &done, HEALTH_NONE, GATE_OPEN },
		{ STACK_COMPLETED, &running, HEALTH_NONE, GATE_WAIT },
		{ STACK_COMPLETED, &broken, HEALTH_NONE, GATE_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct plan_edge e = { .condition = t[i].condition, .required = true };

		assert_int_equal(sup_gate_again(&e, t[i].on, t[i].health), t[i].want);
	}
}

static void test_failure(void **state)
{
	static const struct {
		struct svc on;
		const char *want;
	} t[] = {
		{ { .state = SVC_EXITED, .start_failed = true }, "could not be started" },
		{ { .state = SVC_EXITED, .gate_failed = true }, "was not started either" },
		{ { .state = SVC_RUNNING, .runs = 1 }, "became unhealthy" },
		{ { .state = SVC_EXITED, .runs = 1 }, "was stopped" },
		{ { .state = SVC_EXITED,
		    .runs = 1,
		    .want_up = true,
		    .last_status = EXIT_STATUS(3) },
		  "exited with code 3" },
		{ { .state = SVC_EXITED, .runs = 1, .want_up = true, .last_status = 9 },
		  "was ended by SIGKILL" },
	};
	const struct stack_service service = { .name = (char *)"db" };
	const struct plan_slot plan = { .service = &service };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct sup_slot on = { .plan = &plan, .svc = t[i].on };
		struct buf out = { 0 };

		sup_gate_failure(&on, &out);
		assert_memory_equal(buf_str(&out), "'db', which it depends on, ", 27);
		assert_string_equal(buf_str(&out) + 27, t[i].want);
		buf_fini(&out);
	}
}

static void test_at_rest(void **state)
{
	(void)state;
	for (int st = 0; st < SVC_N_STATES; st++) {
		struct svc s = { .state = (enum svc_state)st };

		assert_int_equal(sup_at_rest(&s), st == SVC_IDLE || st == SVC_EXITED);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
