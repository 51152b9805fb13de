/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nl: what a batch looks like byte for byte, and what the kernel's answers become.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/nl.h"
#include "world.h"

static void test_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t want[] = {
		40, 0, 0, 0, 0x34, 0x12, 0x01, 0x06, 7, 0, 0, 0, 0, 0, 0, 0,	/* length, type, flags, seq, port */
		0xaa, 0xbb, 0xcc, 0xdd,						/* head */
		7, 0, 3, 0, 'a', 'b', 0, 0,					/* a string with its NUL, padded */
		12, 0, 5, 0x80,							/* a nest */
		5, 0, 1, 0, 9, 0, 0, 0,						/*   with one byte in it */
		20, 0, 0, 0, 1, 0, 5, 0, 8, 0, 0, 0, 0, 0, 0, 0,		/* the next one asks for an answer */
		1, 2, 3, 4,
	};
	/* clang-format on */
	struct nl_batch b;
	size_t nest;

	(void)state;
	nl_batch_init(&b);
	b.first = 7;
	nl_begin(&b, "first", 0x1234, NLM_F_CREATE | NLM_F_EXCL, "\xaa\xbb\xcc\xdd", 4);
	nl_put_str(&b, 3, "ab");
	nest = nl_nest(&b, 5);
	nl_put_u8(&b, 1, 9);
	nl_nest_end(&b, nest);
	nl_begin(&b, "second", 1, 0, "\1\2\3\4", 4);
	nl_await(&b);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	assert_int_equal(b.awaited, 8);
	assert_int_equal(b.labels.n, 2);
	nl_batch_fini(&b);
}

static void test_grows(void **state)
{
	struct nl_batch b;
	int left;
	size_t n = 0;

	(void)state;
	nl_batch_init(&b);
	for (uint32_t i = 0; i < 1000; i++) {
		size_t nest;

		nl_begin(&b, "x", 1, 0, &i, sizeof(i));
		nest = nl_nest(&b, 1);
		for (uint32_t j = 0; j < 20; j++)
			nl_put_u32(&b, 2, j);
		nl_nest_end(&b, nest);
	}
	assert_false(b.overflow);
	left = (int)b.len;
	for (const struct nlmsghdr *m = (void *)b.data; mnl_nlmsg_ok(m, left);
	     m = mnl_nlmsg_next(m, &left)) {
		assert_int_equal(*(const uint32_t *)mnl_nlmsg_get_payload(m), n);
		assert_int_equal(m->nlmsg_seq, b.first + n++);
		assert_int_equal(m->nlmsg_len, 16 + 4 + 4 + 20 * 8);
	}
	assert_int_equal(n, 1000);
	nl_batch_fini(&b);
}

/* What does not fit is told at sending, once, and nothing is sent. */
static void test_overflow(void **state)
{
	char *big = xcalloc(1, 70000);
	struct nl_batch b;
	struct err err = { 0 };
	uint32_t head = 0;
	size_t nest;

	(void)state;
	memset(big, 'x', 69999);
	nl_batch_init(&b);
	nl_begin(&b, "x", 1, 0, &head, sizeof(head));
	nl_put_str(&b, 1, big);
	assert_true(b.overflow);
	nest = nl_nest(&b, 1);
	nl_put_u32(&b, 1, 1);
	nl_nest_end(&b, nest);
	nl_begin(&b, "y", 1, 0, &head, sizeof(head));
	nl_await(&b);
	assert_null(nl_message(&b, 10));
	assert_int_equal(nl_transact(-1, &b, NULL, &err), -1);
	assert_non_null(strstr(err.text, "too large"));
	nl_batch_fini(&b);

	/* a nest that grows beyond the 16 bits of its length */
	nl_batch_init(&b);
	nl_begin(&b, "x", 1, 0, &head, sizeof(head));
	nest = nl_nest(&b, 1);
	nl_put(&b, 1, big, 40000);
	nl_put(&b, 1, big, 40000);
	nl_nest_end(&b, nest);
	assert_true(b.overflow);
	nl_batch_fini(&b);
	free(big);
}

static void test_empty(void **state)
{
	struct nl_batch b;

	(void)state;
	nl_batch_init(&b);
	assert_int_equal(nl_transact(-1, &b, NULL, NULL), 0);
	nl_batch_fini(&b);
}

struct seen {
	unsigned tags[4];
	int errors[4];
	size_t n;
};

static void take_error(void *arg, const struct nl_error *e)
{
	struct seen *s = arg;

	s->tags[s->n] = e->tag;
	s->errors[s->n++] = e->sys;
}

/*
 * rtnetlink goes on after a failure; each is told with the tag of its message, tolerated
 * ones are not.
 */
static void test_errors(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct seen seen = { 0 };
	struct nl_sink sink = { .error = take_error, .arg = &seen };
	struct link_info l;
	struct nl_batch b;
	struct err err = { 0 };

	(void)state;
	nl_batch_init(&b);
	b.tag = 5;
	link_put_up(&b, "absent");
	b.tag = 6;
	link_put_up(&b, "gone");
	nl_tolerate(&b, ENODEV);
	b.tag = 7;
	link_put_bridge(&b, "mstkhere", 1, 0);
	b.tag = 8;
	link_put_bridge(&b, "lo", 1, 0);
	b.tag = 9;
	link_put_up(&b, "mstkhere");
	assert_int_equal(nl_transact(fd, &b, &sink, &err), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.tags[0], 5);
	assert_int_equal(seen.errors[0], ENODEV);
	assert_int_equal(seen.tags[1], 8);
	assert_int_equal(seen.errors[1], EEXIST);
	assert_int_equal(link_find(fd, "mstkhere", &l, &err), 0);

	/* without a sink the first failure is the error */
	assert_int_equal(nl_transact(fd, &b, NULL, &err), -1);
	assert_int_equal(b.failed_tag, 5);
	assert_int_equal(err.sys, ENODEV);
	assert_string_equal(err.text, "set up: no such device");
	nl_batch_fini(&b);
}

/* The kernel's own words are in the text. */
static void test_words(void **state)
{
	static const uint8_t mac[6] = { 2 };
	struct link_veth veth = {
		.host_ifname = "mvtest", .ifname = "eth0", .mac = mac, .netns_fd = 9999
	};
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct ifinfomsg head = { 0 };
	struct nl_batch b;
	struct err err = { 0 };
	size_t info;

	(void)state;
	nl_batch_init(&b);
	nl_begin(&b, "create", RTM_NEWLINK, NLM_F_CREATE, &head, sizeof(head));
	info = nl_nest(&b, IFLA_LINKINFO);
	nl_put_str(&b, IFLA_INFO_KIND, "nonsense");
	nl_nest_end(&b, info);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), -1);
	assert_int_equal(err.sys, EOPNOTSUPP);
	assert_string_equal(err.text, "create: Unknown device type: operation not supported");
	nl_batch_fini(&b);

	nl_batch_init(&b);
	link_put_veth(&b, &veth);
	assert_int_equal(nl_transact(fd, &b, NULL, &err), -1);
	assert_int_equal(err.sys, EBADF);
	nl_batch_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_grows),
		cmocka_unit_test(test_overflow), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("nl", tests, world_setup, world_teardown);
}
