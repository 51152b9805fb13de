/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual: each key stands in one of the three lists, and below a key without an effect there is none. */
#include <stdio.h>

#include "unit/stack/fixture.h"

static const enum stack_verdict verdicts[] = { STACK_DONE, STACK_ACCEPTED, STACK_REFUSED };

/* The line of a key: with the note behind it. */
static const char *find_line(const struct buf *list, const char *key)
{
	size_t len = strlen(key);

	for (const char *s = buf_str(list); *s; s += strcspn(s, "\n") + 1)
		if (!strncmp(s, key, len) && strchr("\t\n", s[len]))
			return s;
	return NULL;
}

static void test_lists(void **state)
{
	static const struct {
		const char *line;
		enum stack_verdict verdict;
	} cases[] = {
		{ "services.NAME.image\n", STACK_DONE },
		{ "services.NAME.healthcheck.interval\n", STACK_DONE },
		{ "services.NAME.deploy.resources.limits.memory\n", STACK_DONE },
		{ "services.NAME.deploy.mode\tit is for clusters\n", STACK_ACCEPTED },
		{ "services.NAME.deploy.update_config.order\tit is for clusters\n",
		  STACK_ACCEPTED },
		{ "services.NAME.develop.watch[].path\tfiles are not watched\n", STACK_ACCEPTED },
		{ "services.NAME.provider.type\tthere are no plugins of other engines here\n",
		  STACK_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(verdicts); k++) {
			_cleanup_(buf_fini) struct buf list = { 0 };
			_cleanup_free_ char *key =
				strndup(cases[i].line, strcspn(cases[i].line, "\t\n"));
			const char *line;

			stack_keys_list(verdicts[k], &list);
			line = find_line(&list, key);
			if (!line != (verdicts[k] != cases[i].verdict))
				fail_msg("%s: list %zu", key, k);
			if (line)
				assert_memory_equal(line, cases[i].line, strlen(cases[i].line));
		}
}

static void test_counts(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(verdicts); k++) {
		_cleanup_(buf_fini) struct buf list = { 0 };
		size_t lines = 0;

		stack_keys_list(verdicts[k], &list);
		for (const char *s = buf_str(&list); *s; s++)
			lines += *s == '\n';
		assert_true(lines > 0);
		assert_int_equal(stack_keys_count(verdicts[k]), lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
