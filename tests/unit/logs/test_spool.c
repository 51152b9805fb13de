/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spool: first in first out over the end of the ring, no room, and what another one finds in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "logs/spool.h"

/* Number `n`, as long as that asks for. */
static void make(struct buf *b, unsigned n)
{
	buf_cut(b, 0);
	buf_printf(b, "%u:%*s", n, (int)(n % 1000), "");
}

static void assert_first(const struct spool *s, unsigned n)
{
	struct buf want = { 0 }, came = { 0 };

	make(&want, n);
	assert_true(spool_first(s, &came));
	assert_string_equal(buf_str(&came), buf_str(&want));
	buf_fini(&want);
	buf_fini(&came);
}

/* Until there is no room; the next number. */
static unsigned fill(struct spool *s, unsigned n)
{
	struct buf b = { 0 };

	for (make(&b, n); spool_put(s, &b); make(&b, ++n))
		;
	buf_fini(&b);
	return n;
}

static void test_order(void **state)
{
	struct spool s = { .fd = -1 };
	struct buf b = { 0 };
	struct stat st;
	unsigned put, first = 0;

	(void)state;
	assert_true(spool_is_empty(&s));
	assert_false(spool_first(&s, &b));
	assert_int_equal(spool_open(&s), 0);
	put = fill(&s, 0);
	assert_in_range(put, 1500, 3000);
	/* Round and round, never empty. */
	while (put < 20000) {
		for (unsigned i = 0; i < 777; i++) {
			assert_first(&s, first++);
			spool_drop(&s);
		}
		put = fill(&s, put);
	}
	for (; first < put; first++) {
		assert_first(&s, first);
		spool_drop(&s);
	}
	assert_true(spool_is_empty(&s));
	/* The memory is given back. */
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_in_range(st.st_blocks, 0, 16);
	spool_close(&s);
	buf_fini(&b);
}

static void test_resumed(void **state)
{
	struct spool s, next = { .fd = -1 };
	struct carry *c = carry_new(), *none = carry_new();
	unsigned put;

	(void)state;
	assert_int_equal(spool_open(&s), 0);
	put = fill(&s, 5);
	spool_drop(&s);
	carry_put_fd(c, "spool", dup(s.fd));
	assert_int_equal(spool_resume(&next, none), 0);
	assert_int_equal(spool_resume(&next, c), 1);
	/* They are one. */
	for (unsigned n = 6; n < put; n++) {
		assert_first(&next, n);
		spool_drop(n % 2 ? &s : &next);
	}
	assert_true(spool_is_empty(&s) && spool_is_empty(&next));
	spool_close(&next);
	spool_close(&s);
	carry_free(c);
	carry_free(none);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
