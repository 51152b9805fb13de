/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of an interface in another namespace: all of them, once, with direction, tag and true lengths; what is lost is counted. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/window.h"
#include "world.h"

#define PROTOCOL 0x88b5 /* of nobody: for experiments (IEEE 802) */
#define HEAD	 14

/* A window to the outside, an end of a packet socket at the host's end of its link, and one at the outside's. */
struct bench {
	struct net_window *window;
	struct net_window_link out0, lo;
	int from_host, from_outside, index;
};

static int raw_socket(struct net_window *w, int index)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = index };
	struct err err = { 0 };
	int fd = w ? window_socket(w, AF_PACKET, SOCK_RAW, 0, &err)
		   : socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_return_code(fd, errno);
	assert_return_code(bind(fd, (struct sockaddr *)&at, sizeof(at)), errno);
	return fd;
}

static struct bench bench_open(struct world *w)
{
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL);
	struct bench b = { 0 };
	struct net_window_links links;
	struct link_info up0;
	struct err err = { 0 };

	b.window = net_window_open(w->outside.netns, &err);
	assert_non_null(b.window);
	assert_int_equal(net_window_list(b.window, &links, &err), 0);
	for (size_t i = 0; i < links.n; i++) {
		if (!strcmp(links.v[i].name, "out0"))
			b.out0 = links.v[i];
		if (links.v[i].loopback)
			b.lo = links.v[i];
	}
	net_window_links_fini(&links);
	assert_int_equal(link_find(rtnl, "up0", &up0, &err), 0);
	b.from_host = raw_socket(NULL, up0.index);
	b.from_outside = raw_socket(b.window, b.out0.index);
	return b;
}

static void bench_close(struct bench *b)
{
	close(b->from_host);
	close(b->from_outside);
	net_window_close(b->window);
}

/* Only what these tests send. */
#define OURS(len)                                                                            \
	{                                                                                    \
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),                                      \
			BPF_JUMP(BPF_JMP | BPF_JEQ, PROTOCOL, 0, 1), BPF_STMT(BPF_RET, len), \
			BPF_STMT(BPF_RET, 0)                                                 \
	}

static struct net_capture *begin(struct bench *b, unsigned snaplen, size_t memory)
{
	const struct sock_filter ours[] = OURS(snaplen);
	struct net_capture_spec spec = { .index = b->out0.index,
					 .snaplen = snaplen,
					 .memory = memory,
					 .promiscuous = true,
					 .filter = ours,
					 .n_filter = ARRAY_LEN(ours) };
	struct err err = { 0 };
	struct net_capture *c = net_capture_open(b->window, &spec, &err);

	if (!c)
		fail_msg("%s", err.text);
	return c;
}

/* To this host, number `n` in it. */
static void send_frame(int fd, const uint8_t to[6], uint16_t n, size_t len)
{
	uint8_t frame[9000] = { 0 };
	uint16_t protocol = htons(PROTOCOL);

	memcpy(frame, to, 6);
	memcpy(frame + 6, "\x02\0\0\0\0\x09", 6);
	memcpy(frame + 12, &protocol, 2);
	memcpy(frame + HEAD, &n, sizeof(n));
	assert_int_equal(send(fd, frame, len, 0), len);
}

static const struct net_packet *wait_packet(struct net_capture *c)
{
	const struct net_packet *p = net_capture_peek(c);

	while (!p) {
		world_readable(net_capture_fd(c));
		p = net_capture_peek(c);
	}
	return p;
}

static uint16_t number(const struct net_packet *p)
{
	uint16_t n;

	memcpy(&n, p->data + HEAD, sizeof(n));
	return n;
}

static void test_kinds(void **state)
{
	static const uint8_t other[6] = { 2, 1, 1, 1, 1, 1 },
			     all[6] = { 255, 255, 255, 255, 255, 255 },
			     some[6] = { 1, 0, 0x5e, 0, 0, 1 };
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 4096, 1 << 20);
	const struct {
		int fd;
		const uint8_t *to;
		uint8_t kind;
	} t[] = {
		{ b.from_host, b.out0.mac, PACKET_HOST }, { b.from_host, other, PACKET_OTHERHOST },
		{ b.from_host, all, PACKET_BROADCAST },	  { b.from_host, some, PACKET_MULTICAST },
		{ b.from_outside, all, PACKET_OUTGOING },
	};
	uint64_t begun = time_wall_ns(), last = 0;

	for (uint16_t i = 0; i < ARRAY_LEN(t); i++)
		send_frame(t[i].fd, t[i].to, i, 100 + i);
	for (uint16_t i = 0; i < ARRAY_LEN(t); i++) {
		const struct net_packet *p = wait_packet(c);

		assert_int_equal(number(p), i);
		assert_int_equal(p->kind, t[i].kind);
		assert_int_equal(p->len, 100 + i);
		assert_int_equal(p->wire_len, 100 + i);
		assert_false(p->tagged);
		assert_true(p->at_ns + 1000000 > begun && p->at_ns >= last);
		last = p->at_ns;
		net_capture_pop(c);
	}
	assert_null(net_capture_peek(c));
	net_capture_close(c);
	bench_close(&b);
}

static void test_snaplen(void **state)
{
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 64, 1 << 20);
	const struct net_packet *p;

	send_frame(b.from_host, b.out0.mac, 1, 1400);
	p = wait_packet(c);
	assert_int_equal(p->len, 64);
	assert_int_equal(p->wire_len, 1400);
	net_capture_close(c);
	bench_close(&b);
}

/* More than the memory has room for, several times over, while somebody reads: nothing is lost or comes twice. */
static void test_many(void **state)
{
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 4096, 1 << 20);
	uint64_t packets, lost;
	uint16_t got = 0;

	for (uint16_t sent = 0; sent < 4000;) {
		for (int k = 0; k < 100; k++)
			send_frame(b.from_host, b.out0.mac, sent++, 1400);
		while (got < sent) {
			assert_int_equal(number(wait_packet(c)), got++);
			net_capture_pop(c);
		}
	}
	net_capture_count(c, &packets, &lost);
	assert_int_equal(packets, 4000);
	assert_int_equal(lost, 0);
	net_capture_close(c);
	bench_close(&b);
}

/* Nobody reads. */
static void test_lost(void **state)
{
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 4096, 1);
	uint64_t packets, lost, got = 0;

	for (uint16_t i = 0; i < 3000; i++)
		send_frame(b.from_host, b.out0.mac, i, 1400);
	usleep(2 * NET_CAPTURE_LATE_MS * 1000);
	while (net_capture_peek(c)) {
		got++;
		net_capture_pop(c);
	}
	net_capture_count(c, &packets, &lost);
	assert_int_equal(packets, 3000);
	assert_true(lost > 0);
	assert_int_equal(got + lost, 3000);
	net_capture_close(c);
	bench_close(&b);
}

/* Its tag travels beside the packet in the kernel. */
static void test_tag(void **state)
{
	static const uint8_t head[18] =
		"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x09\x81\0\x20\x05\x88\xb5";
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 4096, 1 << 20);
	const struct net_packet *p;
	uint8_t frame[100] = { 0 };

	memcpy(frame, head, sizeof(head));
	assert_int_equal(send(b.from_host, frame, sizeof(frame), 0), sizeof(frame));
	p = wait_packet(c);
	assert_true(p->tagged);
	assert_memory_equal(p->tag, head + 12, 4);
	assert_int_equal(p->len, sizeof(frame) - 4);
	assert_memory_equal(p->data, head, 12);
	assert_memory_equal(p->data + 12, head + 16, 2);
	net_capture_close(c);
	bench_close(&b);
}

static void test_stop(void **state)
{
	struct bench b = bench_open(*state);
	struct net_capture *c = begin(&b, 4096, 1 << 20);
	uint64_t packets, lost;

	send_frame(b.from_host, b.out0.mac, 1, 100);
	net_capture_stop(c);
	send_frame(b.from_host, b.out0.mac, 2, 100);
	assert_int_equal(number(wait_packet(c)), 1);
	net_capture_pop(c);
	usleep(2 * NET_CAPTURE_LATE_MS * 1000);
	assert_null(net_capture_peek(c));
	net_capture_count(c, &packets, &lost);
	assert_int_equal(packets, 1);
	net_capture_close(c);
	bench_close(&b);
}

static void test_wrong(void **state)
{
	struct bench b = bench_open(*state);
	const struct sock_filter ours[] = OURS(1),
				 endless[] = { BPF_JUMP(BPF_JMP | BPF_JA, 9, 0, 0) };
	struct net_capture_spec none = { .index = 9999, .snaplen = 1, .memory = 1 };
	struct net_capture_spec bad = {
		.index = b.out0.index, .snaplen = 1, .memory = 1, .filter = endless, .n_filter = 1
	};
	struct net_capture_spec huge = {
		.index = b.out0.index, .snaplen = 1, .memory = 1, .filter = ours, .n_filter = 5000
	};
	struct err err = { 0 };

	assert_null(net_capture_open(b.window, &none, &err));
	assert_int_equal(err.sys, ENODEV);
	assert_null(net_capture_open(b.window, &bad, &err));
	assert_int_equal(err.sys, EINVAL);
	assert_null(net_capture_open(b.window, &huge, &err));
	assert_non_null(strstr(err.text, "5000 instructions"));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_kinds, world_reset),
		cmocka_unit_test_setup(test_snaplen, world_reset),
		cmocka_unit_test_setup(test_many, world_reset),
		cmocka_unit_test_setup(test_lost, world_reset),
		cmocka_unit_test_setup(test_tag, world_reset),
		cmocka_unit_test_setup(test_stop, world_reset),
		cmocka_unit_test_setup(test_wrong, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
