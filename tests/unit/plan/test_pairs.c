/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random stacks that become others, as plans: B over what runs of A is B, and B over that is nothing to do. PAIRS=100000 for more,
 * SEED=7 for others; a pair that fails is named by its number, which tests/torture/pairs takes as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "mstack/plan_diff.h"
#include "unit/plan/planned.h"
#include "unit/plan/randomstack.h"

static unsigned long number_of(const char *variable, unsigned long otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static void make_random(struct planned *p, unsigned long seed, const struct plan *running)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	randomstack(out, (uint32_t)seed);
	fclose(out);
	planned_make(p, text, running, NULL);
	free(text);
}

static size_t count_others(const char *text)
{
	size_t n = 0;

	for (const char *c = text; *c; c = strchr(c, '\n') + 1)
		n += strncmp(c, "network ", 8) != 0;
	return n;
}

/* All that is said of the one is said of the other, which may have networks that are on their way out. */
static bool is_like(const struct plan *fresh, const struct plan *changed)
{
	struct buf a = { 0 }, b = { 0 };
	bool ok;

	plan_print(fresh, &a);
	plan_print(changed, &b);
	ok = count_others(buf_str(&a)) == count_others(buf_str(&b));
	for (char *line = (char *)buf_str(&a), *end; ok && *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		ok = strstr(buf_str(&b), line) != NULL;
		if (!ok)
			print_message("not there: %s\n", line);
	}
	buf_fini(&a);
	buf_fini(&b);
	return ok;
}

static bool is_same(const struct plan *running, const struct plan *again)
{
	bool same = running->n_slots == again->n_slots &&
		    running->net.n_bridges == again->net.n_bridges &&
		    running->net.n_wires == again->net.n_wires;
	struct plan_diff d = { 0 };

	for (size_t i = 0; same && i < again->n_slots; i++)
		same = plan_diff_slot(&d, running, &running->slots[i], again, &again->slots[i]) ==
		       PLAN_SAME;
	for (size_t i = 0; i < d.n; i++)
		print_message("%s %s: %s -> %s\n", d.v[i].name, d.v[i].key, d.v[i].from, d.v[i].to);
	plan_diff_fini(&d);
	return same;
}

static void test_pairs(void **state)
{
	unsigned long n = number_of("PAIRS", 1500), first = number_of("SEED", 1);

	(void)state;
	for (unsigned long i = first; i < first + n; i++) {
		struct planned a = { 0 }, b = { 0 }, fresh = { 0 }, again = { 0 };

		make_random(&a, 2 * i, NULL);
		make_random(&b, 2 * i + 1, a.plan);
		make_random(&fresh, 2 * i + 1, NULL);
		make_random(&again, 2 * i + 1, b.plan);
		if (!is_like(fresh.plan, b.plan))
			fail_msg("pair %lu: what was changed is not what is started", i);
		if (!is_same(b.plan, again.plan))
			fail_msg("pair %lu: something to do for what is there", i);
		planned_fini(&again);
		planned_fini(&fresh);
		planned_fini(&b);
		planned_fini(&a);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_pairs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
