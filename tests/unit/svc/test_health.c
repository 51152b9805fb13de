/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health machine with virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mstack/svc.h"

static struct svc_health health(uint64_t start_period)
{
	struct svc_health_policy p = {
		.enabled = true,
		.interval_ms = 30000,
		.timeout_ms = 2000,
		.start_period_ms = start_period,
		.start_interval_ms = 5000,
		.retries = 3,
	};
	struct svc_health h;

	svc_health_init(&h, &p);
	return h;
}

/* One probe that begins at `now` and ends at once. */
static struct svc_out probe(struct svc_health *h, uint64_t now, bool ok)
{
	struct svc_out out = svc_health_step(h, HEV_TIMER, now);

	assert_int_equal(out.todo, HDO_PROBE);
	assert_int_equal(out.timer_ms, 2000);
	return svc_health_step(h, ok ? HEV_PROBE_OK : HEV_PROBE_FAILED, now);
}

static void test_good_then_bad(void **state)
{
	struct svc_health h = health(0);
	struct svc_out out = svc_health_step(&h, HEV_STARTED, 0);

	(void)state;
	assert_int_equal(h.state, HEALTH_PROBING);
	assert_int_equal(out.timer_ms, 30000);
	out = probe(&h, 30000, true);
	assert_true(out.todo & HDO_REPORT);
	assert_int_equal(h.state, HEALTH_GOOD);
	probe(&h, 60000, false);
	probe(&h, 90000, false);
	assert_int_equal(h.state, HEALTH_GOOD);
	out = probe(&h, 120000, false);
	assert_int_equal(h.state, HEALTH_BAD);
	assert_true(out.todo & HDO_REPORT);
	out = probe(&h, 150000, true); /* one success is enough */
	assert_int_equal(h.state, HEALTH_GOOD);
}

static void test_start_period(void **state)
{
	struct svc_health h = health(20000);
	struct svc_out out = svc_health_step(&h, HEV_STARTED, 1000);

	(void)state;
	assert_int_equal(out.timer_ms, 5000);
	for (uint64_t t = 6000; t < 21000; t += 5000)
		out = probe(&h, t, false);
	assert_int_equal(h.streak, 0); /* not counted inside the period */
	assert_int_equal(out.timer_ms, 5000);
	out = probe(&h, 21000, false);
	assert_int_equal(h.streak, 1);
	assert_int_equal(out.timer_ms, 30000);
	probe(&h, 51000, false);
	probe(&h, 81000, false);
	assert_int_equal(h.state, HEALTH_BAD);
}

static void test_good_inside_start_period(void **state)
{
	struct svc_health h = health(20000);
	struct svc_out out;

	(void)state;
	svc_health_step(&h, HEV_STARTED, 0);
	out = probe(&h, 5000, true);
	assert_int_equal(h.state, HEALTH_GOOD);
	assert_int_equal(out.timer_ms, 30000);
	probe(&h, 6000, false);
	assert_int_equal(h.streak, 1); /* once healthy, every failure counts */
}

static void test_stop_and_late_answers(void **state)
{
	struct svc_health h = health(0);

	(void)state;
	svc_health_step(&h, HEV_STARTED, 0);
	svc_health_step(&h, HEV_TIMER, 30000);
	assert_int_equal(svc_health_step(&h, HEV_TIMER, 30001).todo, 0); /* one at a time */
	assert_true(svc_health_step(&h, HEV_STOPPED, 31000).todo & HDO_CANCEL);
	assert_int_equal(svc_health_step(&h, HEV_PROBE_OK, 31001).todo, 0);
	assert_int_equal(h.state, HEALTH_NONE);
}

static void test_pause(void **state)
{
	struct svc_health h = health(0);

	(void)state;
	assert_int_equal(svc_health_step(&h, HEV_PAUSED, 0).todo, 0); /* nobody asks as yet */
	svc_health_step(&h, HEV_STARTED, 0);
	probe(&h, 30000, true);
	probe(&h, 60000, false);
	svc_health_step(&h, HEV_TIMER, 90000);
	assert_int_equal(svc_health_step(&h, HEV_PAUSED, 90001).todo, HDO_CANCEL);
	assert_int_equal(svc_health_step(&h, HEV_PROBE_FAILED, 90002).todo,
			 0); /* counts for nothing */
	assert_int_equal(h.streak, 1);
	assert_int_equal(svc_health_step(&h, HEV_TIMER, 120000).todo, 0);
	assert_int_equal(svc_health_step(&h, HEV_PAUSED, 120001).todo, 0);
	assert_int_equal(h.state, HEALTH_GOOD); /* as it was */
	assert_int_equal(svc_health_step(&h, HEV_RESUMED, 500000).todo, HDO_ARM);
	assert_int_equal(svc_health_step(&h, HEV_RESUMED, 500001).todo, 0);
	probe(&h, 530000, false);
	assert_int_equal(h.streak, 2);
	svc_health_step(&h, HEV_PAUSED, 530001);
	svc_health_step(&h, HEV_STOPPED, 530002);
	svc_health_step(&h, HEV_STARTED, 530003); /* begins anew, without the pause */
	probe(&h, 560003, true);
}

static void test_disabled(void **state)
{
	struct svc_health_policy p = { .enabled = false };
	struct svc_health h;

	(void)state;
	svc_health_init(&h, &p);
	assert_int_equal(svc_health_step(&h, HEV_STARTED, 0).todo, 0);
	assert_string_equal(svc_health_name(h.state), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_then_bad),
		cmocka_unit_test(test_start_period),
		cmocka_unit_test(test_good_inside_start_period),
		cmocka_unit_test(test_stop_and_late_answers),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
