/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of several interfaces in one order, and interfaces that go: on the loopback of a network namespace of our own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/capsources.h"

#define PACKETS 100

static struct net_window *window;
static struct net_window_links links;
static int udp;

static int setup(void **state)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_fd_ int self = -1;
	struct err err = { 0 };

	(void)state;
	if (geteuid()) {
		print_message("skipped: needs root to make network namespaces\n");
		exit(0);
	}
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	self = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	window = net_window_open(self, &err);
	if (ioctl(udp, SIOCSIFFLAGS, &up) < 0 || !window || net_window_list(window, &links, &err))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_window_links_fini(&links);
	net_window_close(window);
	close(udp);
	return 0;
}

static const struct net_window_link *lo(void)
{
	for (size_t i = 0; i < links.n; i++)
		if (links.v[i].loopback)
			return &links.v[i];
	fail_msg("no loopback");
	return NULL;
}

static void add(struct sources *s, const char *name, struct capout *out)
{
	struct err err = { 0 };

	if (sources_add(s, window, lo(), xstrdup(name), NULL, name, out, &err))
		fail_msg("%s", err.text);
}

static void send_packets(unsigned n)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(sendto(udp, &i, sizeof(i), 0, (struct sockaddr *)&to, sizeof(to)),
				 sizeof(i));
}

/* Merges until so many are written, however long the machine takes. */
static void merge(struct sources *s, struct capout *out, uint64_t n)
{
	for (int i = 0; i < 1000 && s->written < n; i++) {
		sources_merge(s, out);
		if (s->written < n)
			usleep(10000);
	}
	assert_int_equal(s->written, n);
}

struct seen {
	unsigned packets, interfaces, statistics;
	unsigned of[8]; /* packets of each interface */
	uint64_t last_ns, lost;
};

/* All blocks are whole, and times do not go back. */
static struct seen look(const struct capout *out)
{
	struct seen s = { 0 };
	uint32_t head[5];

	for (size_t at = 0; at < out->buf.len; at += head[1]) {
		uint64_t ns;

		assert_true(at + sizeof(head) <= out->buf.len);
		memcpy(head, out->buf.data + at, sizeof(head));
		assert_true(head[1] >= 12 && at + head[1] <= out->buf.len);
		s.interfaces += head[0] == 1;
		s.statistics += head[0] == 5;
		if (head[0] != 6)
			continue;
		ns = (uint64_t)head[3] << 32 | head[4];
		assert_true(ns >= s.last_ns);
		s.last_ns = ns;
		s.packets++;
		assert_true(head[2] < ARRAY_LEN(s.of));
		s.of[head[2]]++;
	}
	return s;
}

static const struct sources_spec spec = { .snaplen = 4096, .memory = 1 << 20, .filter = "udp" };

/* A loopback shows what is sent once, not as sent and as received; ICMP says that nobody listens. */
static void test_order(void **state)
{
	struct sources s = { .spec = &(struct sources_spec){
				     .snaplen = 4096, .memory = 1 << 20, .filter = "udp" } };
	struct capout out = { .fd = -1 };
	struct seen seen;

	(void)state;
	add(&s, "one:lo", &out);
	add(&s, "two:lo", &out);
	add(&s, "three:lo", &out);
	for (int i = 0; i < 10; i++) {
		send_packets(PACKETS / 10);
		sources_merge(&s, &out);
		usleep(7000);
	}
	merge(&s, &out, 3 * PACKETS);
	sources_close(&s, true, &out);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.lost, 0);
	seen = look(&out);
	assert_int_equal(seen.interfaces, 3);
	assert_int_equal(seen.statistics, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(seen.of[i], PACKETS);
	sources_fini(&s);
	capout_fini(&out);
}

static void test_max(void **state)
{
	struct sources s = { .spec = &spec, .max = 5 };
	struct capout out = { .fd = -1 };

	(void)state;
	add(&s, "one:lo", &out);
	send_packets(PACKETS);
	merge(&s, &out, 5);
	assert_true(sources_full(&s));
	assert_false(sources_merge(&s, &out));
	assert_int_equal(look(&out).packets, 5);
	sources_fini(&s);
	capout_fini(&out);
}

/* Whose interface is gone is closed when all is read, not before; whoever is left goes on. */
static void test_gone(void **state)
{
	struct sources s = { .spec = &(struct sources_spec){
				     .snaplen = 4096, .memory = 1 << 20, .filter = "udp" } };
	struct capout out = { .fd = -1 };
	const char *one = "one:lo";

	(void)state;
	add(&s, one, &out);
	add(&s, "two:lo", &out);
	send_packets(3);
	sources_gone(&s.v[0]);
	assert_null(sources_find(&s, one, lo()->index));
	sources_merge(&s, &out);
	sources_close(&s, false, &out);
	assert_int_equal(s.n, 2);
	merge(&s, &out, 6);
	for (int i = 0; i < 1000 && s.n == 2; i++) {
		sources_merge(&s, &out);
		sources_close(&s, false, &out);
		usleep(10000);
	}
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].name, "two:lo");
	assert_int_equal(look(&out).statistics, 1);
	add(&s, "one:lo", &out);
	assert_int_equal(s.v[1].id, 2); /* another one of the same name */
	sources_fini(&s);
	capout_fini(&out);
}

/* What a filter here does not want leaves nothing behind, not half a block. */
static void test_filter_here(void **state)
{
	struct sources s = { .spec = &(struct sources_spec){ .snaplen = 60,
							     .memory = 1 << 20,
							     .filter = "udp and not vlan" } };
	struct capout out = { .fd = -1 };

	(void)state;
	add(&s, "one:lo", &out);
	assert_true(s.v[0].filter.here);
	send_packets(10); /* and ten answers of ICMP */
	merge(&s, &out, 10);
	sources_stop(&s);
	send_packets(10);
	usleep(100000);
	s.draining = true;
	sources_merge(&s, &out);
	assert_int_equal(look(&out).packets, 10);
	sources_fini(&s);
	capout_fini(&out);
}

static void test_full_output(void **state)
{
	struct sources s = { .spec = &spec };
	struct capout out = { .fd = -1 };

	(void)state;
	add(&s, "one:lo", &out);
	send_packets(1);
	merge(&s, &out, 1);
	out.buf.len = 0;
	buf_putc(&out.buf, 0);
	while (out.buf.len < CAPOUT_FULL)
		buf_add(&out.buf, "", 1);
	send_packets(1);
	for (int i = 0; i < 1000 && !sources_merge(&s, &out); i++)
		usleep(10000);
	assert_int_equal(out.buf.len, CAPOUT_FULL);
	out.buf.len = 0;
	merge(&s, &out, s.written + 1);
	sources_fini(&s);
	capout_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	    cmocka_unit_test(test_max),
		cmocka_unit_test(test_gone),	    cmocka_unit_test(test_filter_here),
		cmocka_unit_test(test_full_output),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
