/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine alone: every cell, the rules of restart with virtual time, a million random events with invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mstack/svc.h"

#define EXIT_STATUS(code) ((code) << 8)

/* A made-up process and timer around the machine; checks what the machine asks for. */
struct world {
	struct svc s;
	uint64_t now;
	bool process, starting, armed, frozen;
	uint64_t timer_at;
};

static void apply(struct world *w, struct svc_out out)
{
	if (out.todo & DO_START) {
		assert_false(w->process || w->starting); /* never two at once */
		w->starting = true;
	}
	if (out.todo & (DO_SIGNAL | DO_KILL | DO_POST_START | DO_PRE_STOP))
		assert_true(w->process || w->starting); /* no signal, no hook without a process */
	if (out.todo & DO_POST_START)
		assert_true(w->s.fresh);
	assert_false((out.todo & DO_PRE_STOP) && (out.todo & DO_SIGNAL)); /* one after the other */
	assert_true(!w->s.fresh || w->s.state == SVC_RUNNING);
	assert_true(!w->s.parting || (w->s.state == SVC_STOPPING && w->armed) || out.todo & DO_ARM);
	assert_true(!w->s.dead || w->s.state == SVC_EXITED);
	if (w->s.policy.max_restarts && !w->s.policy.window_ms)
		assert_true(w->s.restarts <= w->s.policy.max_restarts);
	assert_false((out.todo & DO_FREEZE) && (out.todo & DO_THAW));
	if (out.todo & (DO_FREEZE | DO_THAW)) {
		assert_int_equal(w->frozen, (out.todo & DO_THAW) != 0); /* neither twice */
		w->frozen = out.todo & DO_FREEZE;
	}
	assert_int_equal(w->frozen, w->s.paused);
	assert_true(!w->s.paused ||
		    w->s.state == SVC_RUNNING); /* no start, and no signal, meets ice */
	if (out.todo & DO_DISARM)
		w->armed = false;
	if (out.todo & DO_ARM) {
		w->armed = true;
		w->timer_at = w->now + out.timer_ms;
	}
	if (w->s.state == SVC_BACKOFF)
		assert_true(w->armed); /* always a timer in BACKOFF */
	assert_int_equal(w->process, w->s.state == SVC_RUNNING || w->s.state == SVC_STOPPING);
	assert_int_equal(w->starting, w->s.state == SVC_STARTING);
}

static struct svc_out feed(struct world *w, enum svc_event_kind kind, int status)
{
	struct svc_event ev = { .kind = kind, .status = status, .now_ms = w->now };
	struct svc_out out;

	if (kind == SVC_EV_STARTED) {
		w->starting = false;
		w->process = true;
	} else if (kind == SVC_EV_START_FAILED) {
		w->starting = false;
	} else if (kind == SVC_EV_EXITED) {
		w->process = false;
	} else if (kind == SVC_EV_TIMER) {
		w->armed = false;
	}
	out = svc_step(&w->s, &ev);
	apply(w, out);
	return out;
}

static struct world world(enum svc_restart restart, unsigned max)
{
	struct svc_policy p = { .restart = restart, .max_restarts = max, .grace_ms = 10000 };
	struct world w = { .now = 1000 };

	svc_init(&w.s, &p);
	return w;
}

static void run(struct world *w)
{
	feed(w, SVC_EV_UP, 0);
	feed(w, SVC_EV_READY, 0);
	feed(w, SVC_EV_STARTED, 0);
	assert_int_equal(w->s.state, SVC_RUNNING);
}

static void test_cells(void **state)
{
	(void)state;
	for (int s = 0; s < SVC_N_STATES; s++)
		for (int e = 0; e < SVC_EV_N_KINDS; e++)
			assert_true(svc_cell_filled(s, e));
}

static void test_policies(void **state)
{
	static const struct {
		enum svc_restart restart;
		unsigned max;
		int status;
		enum svc_state then;
	} t[] = {
		{ SVC_RESTART_NO, 0, 0, SVC_EXITED },
		{ SVC_RESTART_NO, 0, EXIT_STATUS(1), SVC_EXITED },
		{ SVC_RESTART_ALWAYS, 0, 0, SVC_BACKOFF },
		{ SVC_RESTART_ALWAYS, 0, 9, SVC_BACKOFF },
		{ SVC_RESTART_UNLESS_STOPPED, 0, 0, SVC_BACKOFF },
		{ SVC_RESTART_ON_FAILURE, 0, 0, SVC_EXITED },
		{ SVC_RESTART_ON_FAILURE, 0, EXIT_STATUS(1), SVC_BACKOFF },
		{ SVC_RESTART_ON_FAILURE, 0, 9, SVC_BACKOFF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct world w = world(t[i].restart, t[i].max);

		run(&w);
		feed(&w, SVC_EV_EXITED, t[i].status);
		assert_int_equal(w.s.state, t[i].then);
		assert_int_equal(w.s.last_status, t[i].status);
	}
}

static uint64_t exit_and_restart(struct world *w, uint64_t run_ms)
{
	struct svc_out out;

	w->now += run_ms;
	out = feed(w, SVC_EV_EXITED, EXIT_STATUS(1));
	assert_int_equal(w->s.state, SVC_BACKOFF);
	w->now = w->timer_at;
	feed(w, SVC_EV_TIMER, 0);
	assert_int_equal(w->s.state, SVC_WAITING); /* its gate is asked at every start */
	feed(w, SVC_EV_READY, 0);
	feed(w, SVC_EV_STARTED, 0);
	return out.timer_ms;
}

static void test_back_off(void **state)
{
	static const uint64_t want[] = { 100,  200,   400,   800,   1600,  3200,
					 6400, 12800, 25600, 51200, 60000, 60000 };
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	run(&w);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(exit_and_restart(&w, 10), want[i]);
	assert_int_equal(exit_and_restart(&w, 10000), 100); /* a long run resets the delay */
	assert_int_equal(exit_and_restart(&w, 9999), 200);
	assert_int_equal(w.s.restarts, ARRAY_LEN(want) + 2);
}

static void test_on_failure_counts_all(void **state)
{
	struct world w = world(SVC_RESTART_ON_FAILURE, 2);

	(void)state;
	run(&w);
	exit_and_restart(&w, 10);
	exit_and_restart(&w, 60000); /* not reset by a long run */
	feed(&w, SVC_EV_EXITED, EXIT_STATUS(1));
	assert_int_equal(w.s.state, SVC_EXITED);
	assert_true(w.s.dead);
	assert_string_equal(svc_compose_state(&w.s), "dead");
	feed(&w, SVC_EV_UP, 0); /* but by an explicit start */
	assert_int_equal(w.s.restarts, 0);
	assert_false(w.s.dead);
}

/* deploy.restart_policy: the delay is always the same, and a run as long as the window makes good for what was before. */
static void test_window_and_delay(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 2);

	(void)state;
	w.s.policy.fixed_delay = true;
	w.s.policy.delay_ms = 5000;
	w.s.policy.window_ms = 30000;
	run(&w);
	assert_int_equal(exit_and_restart(&w, 10), 5000);
	assert_int_equal(exit_and_restart(&w, 10), 5000);
	assert_int_equal(exit_and_restart(&w, 30000), 5000);
	assert_int_equal(w.s.attempts, 1);
	assert_int_equal(w.s.restarts, 3);
	exit_and_restart(&w, 29999);
	feed(&w, SVC_EV_EXITED, 0);
	assert_true(w.s.dead);
}

/* Twenty that die together come back one after the other, each time in the same way. */
static void test_jitter(void **state)
{
	uint64_t seen[20];
	size_t different = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_LEN(seen); i++) {
		struct world w = world(SVC_RESTART_ALWAYS, 0);
		bool known = false;

		w.s.policy.seed = hash64_str("web") + i * 7919;
		run(&w);
		for (int k = 0; k < 9; k++)
			seen[i] = exit_and_restart(&w, 10);
		assert_in_range(seen[i], 25600, 32000);
		for (uint32_t k = 0; k < i; k++)
			known = known || seen[k] == seen[i];
		different += !known;
	}
	assert_true(different > 15);
}

static void test_post_start(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	w.s.policy.post_start = true;
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_READY, 0);
	assert_true(feed(&w, SVC_EV_STARTED, 0).todo & DO_POST_START);
	assert_int_equal(w.s.runs, 0); /* those who wait for it wait on */
	feed(&w, SVC_EV_HOOKS_DONE, 0);
	assert_int_equal(w.s.runs, 1);
	feed(&w, SVC_EV_HOOKS_DONE, 0); /* late: nothing */
	assert_int_equal(w.s.runs, 1);
	exit_and_restart(&w, 10);
	assert_true(feed(&w, SVC_EV_HOOKS_FAILED, 0).todo & DO_SIGNAL);
	feed(&w, SVC_EV_EXITED, 15);
	assert_int_equal(w.s.state, SVC_BACKOFF); /* on a restart it is one more that failed */
}

static void test_post_start_fails_at_first(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	w.s.policy.post_start = true;
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_STARTED, 0);
	feed(&w, SVC_EV_HOOKS_FAILED, 0);
	assert_int_equal(w.s.state, SVC_STOPPING);
	feed(&w, SVC_EV_EXITED, 15);
	assert_int_equal(w.s.state, SVC_EXITED);
	assert_true(w.s.start_failed);
	assert_int_equal(w.s.runs, 0);
}

static void test_pre_stop(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);
	struct svc_out out;

	(void)state;
	w.s.policy.pre_stop = true;
	run(&w);
	out = feed(&w, SVC_EV_DOWN, 0);
	assert_int_equal(out.todo & (DO_PRE_STOP | DO_ARM | DO_SIGNAL), DO_PRE_STOP | DO_ARM);
	assert_true(feed(&w, SVC_EV_HOOKS_FAILED, 0).todo &
		    DO_SIGNAL); /* it is stopped all the same */
	feed(&w, SVC_EV_EXITED, 0);
	run(&w);
	feed(&w, SVC_EV_DOWN, 0);
	assert_true(feed(&w, SVC_EV_TIMER, 0).todo &
		    DO_KILL); /* the grace period counts from the stop */
	assert_int_equal(feed(&w, SVC_EV_HOOKS_DONE, 0).todo, 0);
	feed(&w, SVC_EV_EXITED, 9);
	assert_int_equal(w.s.state, SVC_EXITED);
}

static void test_unhealthy(void **state)
{
	static const struct {
		enum svc_unhealthy how;
		enum svc_restart restart;
		unsigned todo;
		enum svc_state then, after;
	} t[] = {
		{ SVC_UNHEALTHY_NONE, SVC_RESTART_ALWAYS, 0, SVC_RUNNING, SVC_BACKOFF },
		{ SVC_UNHEALTHY_RESTART, SVC_RESTART_NO, DO_SIGNAL, SVC_STOPPING, SVC_BACKOFF },
		{ SVC_UNHEALTHY_STOP, SVC_RESTART_ALWAYS, DO_SIGNAL, SVC_STOPPING, SVC_EXITED },
		{ SVC_UNHEALTHY_KILL, SVC_RESTART_ALWAYS, DO_KILL, SVC_RUNNING, SVC_BACKOFF },
		{ SVC_UNHEALTHY_KILL, SVC_RESTART_NO, DO_KILL, SVC_RUNNING, SVC_EXITED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct world w = world(t[i].restart, 0);

		w.s.policy.on_unhealthy = t[i].how;
		run(&w);
		assert_int_equal(feed(&w, SVC_EV_UNHEALTHY, 0).todo & (DO_SIGNAL | DO_KILL),
				 t[i].todo);
		assert_int_equal(w.s.state, t[i].then);
		feed(&w, SVC_EV_EXITED, 9);
		assert_int_equal(w.s.state, t[i].after);
	}
}

/* What the user wants meanwhile counts more than what ails it. */
static void test_wishes_while_ailing(void **state)
{
	struct world w = world(SVC_RESTART_NO, 0);

	(void)state;
	w.s.policy.on_unhealthy = SVC_UNHEALTHY_RESTART;
	run(&w);
	feed(&w, SVC_EV_UNHEALTHY, 0);
	feed(&w, SVC_EV_DOWN, 0);
	feed(&w, SVC_EV_EXITED, 0);
	assert_int_equal(w.s.state, SVC_EXITED);
	run(&w);
	feed(&w, SVC_EV_UNHEALTHY, 0);
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_EXITED, 0);
	assert_int_equal(w.s.state, SVC_WAITING);
	assert_int_equal(w.s.restarts, 0);
}

static void test_stop(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);
	struct svc_out out;

	(void)state;
	run(&w);
	out = feed(&w, SVC_EV_DOWN, 0);
	assert_int_equal(out.todo & (DO_SIGNAL | DO_ARM), DO_SIGNAL | DO_ARM);
	assert_int_equal(out.timer_ms, 10000);
	out = feed(&w, SVC_EV_TIMER, 0);
	assert_true(out.todo & DO_KILL);
	feed(&w, SVC_EV_EXITED, 9);
	assert_int_equal(w.s.state, SVC_EXITED);
	assert_string_equal(svc_compose_state(&w.s), "exited");
}

static void test_stop_without_grace(void **state)
{
	struct world w = world(SVC_RESTART_NO, 0);

	(void)state;
	w.s.policy.grace_ms = 0;
	run(&w);
	assert_true(feed(&w, SVC_EV_DOWN, 0).todo & DO_KILL);
}

static void test_stop_in_back_off(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	run(&w);
	feed(&w, SVC_EV_EXITED, 0);
	assert_true(feed(&w, SVC_EV_DOWN, 0).todo & DO_DISARM);
	assert_int_equal(w.s.state, SVC_EXITED);
	feed(&w, SVC_EV_TIMER, 0); /* a late timer changes nothing */
	assert_int_equal(w.s.state, SVC_EXITED);
}

static void test_wishes_while_busy(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_DOWN, 0);
	assert_int_equal(w.s.state, SVC_STARTING);
	assert_true(feed(&w, SVC_EV_STARTED, 0).todo & DO_SIGNAL); /* remembered */
	feed(&w, SVC_EV_UP, 0);
	assert_int_equal(w.s.state, SVC_STOPPING);
	feed(&w, SVC_EV_EXITED, 0);
	assert_int_equal(w.s.state, SVC_WAITING); /* remembered as well */
}

static void test_start_failures(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_START_FAILED, 0);
	assert_int_equal(w.s.state, SVC_EXITED); /* the first one is told, not repeated */
	assert_true(w.s.start_failed);
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_STARTED, 0);
	feed(&w, SVC_EV_EXITED, 0);
	feed(&w, SVC_EV_TIMER, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_START_FAILED, 0);
	assert_int_equal(w.s.state, SVC_BACKOFF); /* on a restart it is an exit */
	assert_int_equal(w.s.delay_ms, 200);
}

static void test_gate(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	feed(&w, SVC_EV_UP, 0);
	assert_string_equal(svc_compose_state(&w.s), "created");
	feed(&w, SVC_EV_GATE_FAILED, 0);
	assert_int_equal(w.s.state, SVC_EXITED);
	assert_true(w.s.gate_failed);
}

/* It goes on as long as it likes, and comes back only if somebody wants it before it has ended. */
static void test_last_run(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	run(&w);
	assert_int_equal(feed(&w, SVC_EV_LAST_RUN, 0).todo, 0);
	assert_int_equal(w.s.state, SVC_RUNNING);
	feed(&w, SVC_EV_UP, 0);
	feed(&w, SVC_EV_EXITED, 0);
	assert_int_equal(w.s.state, SVC_BACKOFF);
	feed(&w, SVC_EV_LAST_RUN, 0); /* there is no run */
	feed(&w, SVC_EV_TIMER, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_STARTED, 0);
	feed(&w, SVC_EV_LAST_RUN, 0);
	feed(&w, SVC_EV_EXITED, 1 << 8);
	assert_int_equal(w.s.state, SVC_EXITED);
	assert_false(w.s.want_up);
}

static void test_pause(void **state)
{
	struct world w = world(SVC_RESTART_ALWAYS, 0);
	struct svc_out out;

	(void)state;
	assert_int_equal(feed(&w, SVC_EV_PAUSE, 0).todo, 0); /* only what runs */
	run(&w);
	assert_int_equal(feed(&w, SVC_EV_UNPAUSE, 0).todo, 0);
	assert_true(feed(&w, SVC_EV_PAUSE, 0).todo & DO_FREEZE);
	assert_string_equal(svc_compose_state(&w.s), "paused");
	assert_int_equal(feed(&w, SVC_EV_PAUSE, 0).todo, 0);
	assert_true(feed(&w, SVC_EV_UNPAUSE, 0).todo & DO_THAW);
	assert_string_equal(svc_compose_state(&w.s), "running");
	feed(&w, SVC_EV_PAUSE, 0);
	out = feed(&w, SVC_EV_EXITED, 9); /* killed by somebody else */
	assert_int_equal(w.s.state, SVC_BACKOFF);
	assert_true(out.todo & DO_THAW); /* the next start must not be frozen */
	feed(&w, SVC_EV_TIMER, 0);
	feed(&w, SVC_EV_READY, 0);
	feed(&w, SVC_EV_STARTED, 0);
	assert_string_equal(svc_compose_state(&w.s), "running");
}

static void test_stop_of_a_paused_one(void **state)
{
	struct world w = world(SVC_RESTART_NO, 0);

	(void)state;
	run(&w);
	feed(&w, SVC_EV_PAUSE, 0);
	assert_int_equal(feed(&w, SVC_EV_DOWN, 0).todo & (DO_SIGNAL | DO_ARM | DO_THAW),
			 DO_SIGNAL | DO_ARM | DO_THAW);
	feed(&w, SVC_EV_EXITED, 0);
	run(&w);
	feed(&w, SVC_EV_PAUSE, 0);
	assert_int_equal(feed(&w, SVC_EV_KILL, 0).todo & (DO_KILL | DO_THAW), DO_KILL | DO_THAW);
}

static uint32_t random_next(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Events that can come in this world: those of a process only while there is one. */
static bool possible(const struct world *w, enum svc_event_kind k)
{
	switch (k) {
	case SVC_EV_STARTED:
	case SVC_EV_START_FAILED:
		return w->starting;
	case SVC_EV_EXITED:
		return w->process;
	default:
		return true;
	}
}

static void test_random(void **state)
{
	uint32_t x = 2463534242u;
	struct world w = world(SVC_RESTART_ALWAYS, 0);

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		enum svc_event_kind k = random_next(&x) % SVC_EV_N_KINDS;

		if (i % 1000 == 0) {
			w.s.policy.restart = random_next(&x) % 4;
			w.s.policy.on_unhealthy = random_next(&x) % 4;
			w.s.policy.post_start = random_next(&x) % 2;
			w.s.policy.pre_stop = random_next(&x) % 2;
			w.s.policy.window_ms = random_next(&x) % 2 * 5000;
			w.s.policy.seed = random_next(&x);
		}
		w.now += random_next(&x) % 20000;
		if (!possible(&w, k))
			continue;
		assert_false(svc_cell_is_bug(w.s.state, k));
		feed(&w, k, EXIT_STATUS(random_next(&x) % 2));
		if (!w.s.want_up)
			assert_int_not_equal(w.s.state, SVC_BACKOFF);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_on_failure_counts_all),
		cmocka_unit_test(test_window_and_delay),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_post_start),
		cmocka_unit_test(test_post_start_fails_at_first),
		cmocka_unit_test(test_pre_stop),
		cmocka_unit_test(test_unhealthy),
		cmocka_unit_test(test_wishes_while_ailing),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_without_grace),
		cmocka_unit_test(test_stop_in_back_off),
		cmocka_unit_test(test_wishes_while_busy),
		cmocka_unit_test(test_start_failures),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_last_run),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_stop_of_a_paused_one),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
