/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_depends: a list and a map of dependencies become one form; what is wrong with either. */
#include <stdio.h>

#include "unit/stack/service_case.h"

#define OTHERS "}, db: {image: b, healthcheck: {test: a}}, mq: {image: c"

static void expect_depends(const char *depends, const char *json)
{
	_cleanup_free_ char *yaml =
		xasprintf("services: {web: {image: a, depends_on: %s" OTHERS "}}\n", depends);
	_cleanup_(loaded_fini) struct loaded l = load_text(yaml);
	_cleanup_free_ char *got = NULL;

	assert_string_equal(l.text, "");
	got = service_value(l.stack, "depends_on");
	assert_string_equal(got, json);
}

static void expect_wrong(const char *depends, const char *why)
{
	_cleanup_free_ char *keys = xasprintf("depends_on: %s" OTHERS, depends);

	expect_error(keys, why);
}

static void test_forms(void **state)
{
	(void)state;
	expect_depends("[mq, db]", "{\"mq\":{\"condition\":\"service_started\",\"required\":true},"
				   "\"db\":{\"condition\":\"service_started\",\"required\":true}}");
	expect_depends("[]", "{}");
	expect_depends("{}", "{}");
	expect_depends("{db: {required: false, condition: service_healthy}}",
		       "{\"db\":{\"condition\":\"service_healthy\",\"required\":false}}");
	expect_depends(
		"{db: {restart: true, condition: service_completed_successfully}}",
		"{\"db\":{\"condition\":\"service_completed_successfully\",\"required\":true,"
		"\"restart\":true}}");
	expect_depends("{db: {restart: \"false\", condition: service_started}}",
		       "{\"db\":{\"condition\":\"service_started\",\"required\":true}}");
	expect_depends(
		"{db: {condition: service_started, x-why: it is so}}",
		"{\"db\":{\"condition\":\"service_started\",\"required\":true,\"x-why\":\"it is so\"}}");
}

static void test_model(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(
		"services:\n"
		"  web: {image: a, depends_on: {db: {condition: service_healthy}, "
		"mq: {condition: service_completed_successfully, required: false, restart: true}}}\n"
		"  mq: {image: a, depends_on: [db]}\n"
		"  db: {image: a, healthcheck: {test: a}}\n");
	const struct stack_service *web, *mq;

	(void)state;
	assert_string_equal(l.text, "");
	web = stack_find_service(l.stack, "web");
	mq = stack_find_service(l.stack, "mq");
	assert_int_equal(web->n_depends, 2);
	assert_ptr_equal(web->depends[0].service, stack_find_service(l.stack, "db"));
	assert_int_equal(web->depends[0].condition, STACK_HEALTHY);
	assert_true(web->depends[0].required);
	assert_false(web->depends[0].restart);
	assert_ptr_equal(web->depends[1].service, mq);
	assert_int_equal(web->depends[1].condition, STACK_COMPLETED);
	assert_false(web->depends[1].required);
	assert_true(web->depends[1].restart);
	assert_int_equal(mq->n_depends, 1);
	assert_int_equal(mq->depends[0].condition, STACK_STARTED);
	assert_int_equal(mq->depends[0].pos.line, 3);
	assert_int_equal(mq->depends[0].pos.col, 31);
}

static void test_wrong(void **state)
{
	(void)state;
	expect_wrong("[db, mq, db]",
		     "depends_on[2]: service 'db' is named twice, first at stack.yaml:1");
	expect_wrong("[1]", "depends_on[0]: must be a string, not a number");
	expect_wrong("db", "must be a list or a map, not a string");
	expect_wrong("{db: }", "depends_on.db: must be a map, not empty");
	expect_wrong("{db: service_healthy}", "depends_on.db: must be a map, not a string");
	expect_wrong("{db: {}}", "depends_on.db: 'condition' is missing");
	expect_wrong("{db: {restart: true}}", "service_started is what the list form means");
	expect_wrong("{db: {condition: service_health}}", "did you mean 'service_healthy'?");
	expect_wrong("{db: {condition: }}", "depends_on.db: 'condition' is missing");
	expect_wrong("{db: {condition: service_started, required: \"no\"}}",
		     "required: must be a truth value, not a string");
	expect_wrong("{db: {condition: service_started, when: now}}", "unknown key 'when'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
