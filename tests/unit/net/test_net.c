/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network of a stack as a whole, in a made-up host: up, attached, traffic in all directions, and gone again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/addr.h"
#include "net/link.h"
#include "world.h"

static void up(struct world_stack *s)
{
	struct err err = { 0 };

	if (net_up(s->net, &err))
		fail_msg("net_up: %s", err.text);
}

static void test_traffic(void **state)
{
	struct world *w = *state;
	struct world_stack s;
	_cleanup_fd_ int web = -1, out = -1, internal = -1;

	world_stack_open(w, &s, "demo", 77);
	up(&s);
	world_stack_attach(w, &s);
	web = world_server(s.ns[0].netns, SOCK_STREAM, 80);
	internal = world_server(s.ns[2].netns, SOCK_STREAM, 80);
	out = world_server(w->outside.netns, SOCK_STREAM, 80);

	/* within a network, by the host, and to the outside (which knows no way back but by masquerade) */
	assert_int_equal(world_connect(s.ns[1].netns, "10.77.0.2", 80, NULL), 0);
	assert_int_equal(world_connect(s.ns[1].netns, "10.88.0.4", 80, NULL), 0);
	assert_int_equal(world_connect(-1, "10.77.0.2", 80, NULL), 0);
	assert_int_equal(world_connect(s.ns[0].netns, "192.0.2.2", 80, NULL), 0);
	/* the internal network has no way out, to the outside or to the other network */
	assert_int_equal(world_connect(s.ns[2].netns, "192.0.2.2", 80, NULL), -1);
	assert_int_equal(world_connect(s.ns[2].netns, "10.77.0.2", 80, NULL), -1);
	assert_int_equal(world_connect(s.ns[0].netns, "10.88.0.4", 80, NULL), -1);
	world_stack_close(w, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_traffic, world_reset),
	};

	return cmocka_run_group_tests_name("net", tests, world_setup, world_teardown);
}
