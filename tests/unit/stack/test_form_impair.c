/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_impair: what a link does to packets, in the stack file. */
#include "unit/stack/tree_case.h"

static char *file_with(const char *impair)
{
	return xasprintf(
		"== c.yaml\nservices: {web: {image: a, networks: {b: {x-impair: %s}}}}\nnetworks: {b: }\n",
		impair);
}

static void test_forms(void **state)
{
	static const struct {
		const char *impair, *json;
	} cases[] = {
		{ "{}", "{}" },
		{ "{delay: 5ms}", "{\"delay\":\"5ms\"}" },
		{ "{loss: 0.50%, delay: 1000us, rate: 2000kbit}",
		  "{\"delay\":\"1ms\",\"loss\":\"0.5%\",\"rate\":\"2mbit\"}" },
		{ "{loss: 1% 25%}", "{\"loss\":\"1% 25%\"}" },
		{ "{delay: 0, limit: 50, seed: 7}",
		  "{\"delay\":\"0\",\"limit\":\"50\",\"seed\":\"7\"}" },
		{ "{delay: \"${EMPTY}\"}", "{}" },
		{ "{delay: 5ms, egress: {jitter: 1ms}, ingress: {rate: 1gbit}}",
		  "{\"delay\":\"5ms\",\"egress\":{\"jitter\":\"1ms\"},"
		  "\"ingress\":{\"rate\":\"1gbit\"}}" },
		{ "{egress: {delay: 5ms, reorder: 1%}}",
		  "{\"egress\":{\"delay\":\"5ms\",\"reorder\":\"1%\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = file_with(cases[i].impair);

		expect_tree_told("c.yaml", files, "services/web/networks/b/x-impair",
				 cases[i].json);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *impair, *what;
	} cases[] = {
		{ "[]", "networks.b.x-impair: must be a map, not a list" },
		{ "{delay: 5}", "x-impair.delay: '5': write like 20ms" },
		{ "{delay: [5ms]}", "x-impair.delay: must be a string or a number, not a list" },
		{ "{loss: 1}", "x-impair.loss: '1': write like 1%" },
		{ "{rate: 1mbps}", "x-impair.rate: '1mbps': write like 10mbit" },
		{ "{lag: 5ms}", "x-impair: unknown key 'lag'" },
		{ "{los: 1%}", "did you mean 'loss'?" },
		{ "{egress: {delay: 5}}", "x-impair.egress.delay: '5': write like 20ms" },
		{ "{egress: {ingress: {}}}", "x-impair.egress: unknown key 'ingress'" },
		{ "{egress: 5ms}", "x-impair.egress: must be a map" },
		{ "{jitter: 5ms}", "x-impair: jitter: needs a delay" },
		{ "{egress: {delay: 5ms}, reorder: 1%}", "x-impair: reorder: needs a delay" },
		{ "{delay: 5ms, jitter: 5ms, ingress: {delay: 0}}", "jitter: needs a delay" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *files = file_with(cases[i].impair);

		expect_one("c.yaml", files, false, "error", cases[i].what);
	}
}

/* A later file adds to what an earlier one says. */
static void test_merge(void **state)
{
	(void)state;
	expect_tree_told(
		"a.yaml b.yaml",
		"== a.yaml\n"
		"services: {web: {image: a, networks: {b: {x-impair: {delay: 5ms, loss: 1%}}}}}\n"
		"networks: {b: }\n"
		"== b.yaml\n"
		"services: {web: {networks: {b: {x-impair: {loss: 2%, egress: {rate: 1mbit}}}}}}\n",
		"services/web/networks/b/x-impair",
		"{\"delay\":\"5ms\",\"egress\":{\"rate\":\"1mbit\"},\"loss\":\"2%\"}");
}

static void test_model(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_text(
		"services:\n  web:\n    image: a\n    networks:\n      a:\n"
		"      b: {x-impair: {delay: 5ms, rate: 1mbit, egress: {rate: 2mbit}, ingress: {loss: 1%}}}\n"
		"networks: {a: , b: }\n");
	const struct impair *egress, *ingress;
	const struct stack_service *s = &l.stack->services[0];

	(void)state;
	assert_null(s->networks[0].impair);
	assert_non_null(s->networks[1].impair);
	assert_int_equal(s->networks[1].impair_pos.line, 6);
	egress = &s->networks[1].impair->way[IMPAIR_EGRESS];
	ingress = &s->networks[1].impair->way[IMPAIR_INGRESS];
	assert_int_equal(egress->value[IMPAIR_DELAY], 5000000);
	assert_int_equal(ingress->value[IMPAIR_DELAY], 5000000);
	assert_int_equal(egress->value[IMPAIR_RATE], 2000000);
	assert_int_equal(ingress->value[IMPAIR_RATE], 1000000);
	assert_int_equal(egress->value[IMPAIR_LOSS], 0);
	assert_int_equal(ingress->value[IMPAIR_LOSS], 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
