/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever the stack: boxes do not overlap, no line runs through a box or along another one, all is within the picture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/graphlayout.h"

#define GRAPHS 400

/* The same numbers each time. */
static unsigned next(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

static void add_end(struct graph *g, unsigned *seed, size_t node, size_t net)
{
	struct graph_port p = { .end = { .node = node, .ifname = "eth0" },
				.net = net,
				.impair = "" };

	if (next(seed, 2))
		p.end.addr4 = "192.168.100.200";
	if (next(seed, 3) == 0)
		p.end.addr6 = "fd00:1234:5678:9abc:def0:1234:5678:9abc";
	if (next(seed, 4) == 0)
		p.end.rate = "in 1.2 Mbit/s, out 3.4 Mbit/s";
	vec_push(&g->ports, p);
}

static struct graph *make(unsigned seed)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	unsigned nets = next(&seed, 6), nodes = 1 + next(&seed, 14),
		 wires = next(&seed, 3) ? 0 : next(&seed, 12);

	g->arena = arena_new();
	g->project = "random";
	for (unsigned i = 0; i < nets; i++)
		vec_push(&g->nets, ((struct graph_net){ "net", "", "10.0.0.0/24" }));
	for (unsigned i = 0; i < nodes; i++) {
		struct graph_node n = {
			.name = next(&seed, 5) ? "web"
					       : "a-service-with-a-very-long-name-that-goes-on",
			.image = "image",
			.note = ""
		};

		n.ports.n = next(&seed, 4);
		for (size_t k = 0; k < n.ports.n; k++)
			n.ports.v[k] = "8080 -> 80/tcp";
		vec_push(&g->nodes, n);
		for (unsigned net = 0; net < nets; net++)
			if (next(&seed, 3) == 0)
				add_end(g, &seed, i, net);
	}
	for (unsigned i = 0; nodes > 1 && i < wires; i++) {
		struct graph_wire w = { .impair = "delay=20ms", .texts = { "a", "b" } };

		w.ends[0] = (struct graph_end){ .node = next(&seed, nodes),
						.ifname = "eth1",
						.addr4 = "10.0.0.1" };
		w.ends[1] = (struct graph_end){ .node = next(&seed, nodes), .ifname = "eth2" };
		vec_push(&g->wires, w);
	}
	return g;
}

static void check_boxes(const struct graph *g, const struct graph_layout *l)
{
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct layout_box *a = &l->boxes[i];

		assert_true(a->x >= GRAPH_MARGIN && a->y >= GRAPH_HEAD);
		assert_true(a->x + a->w <= l->width - GRAPH_MARGIN && a->y + a->h <= l->height);
		for (size_t k = 0; k < i; k++) {
			const struct layout_box *b = &l->boxes[k];

			assert_true(a->x + a->w < b->x || b->x + b->w < a->x ||
				    a->y + a->h < b->y || b->y + b->h < a->y);
		}
		for (size_t k = 0; k < g->nets.n; k++)
			assert_true(a->y + a->h < l->bars[k].y || l->bars[k].y + GRAPH_BAR < a->y);
	}
}

static void check_drop(const struct graph *g, const struct graph_layout *l,
		       const struct layout_drop *d, size_t node)
{
	int top = d->from < d->to ? d->from : d->to, bottom = d->from < d->to ? d->to : d->from;
	const struct layout_box *own = &l->boxes[node];

	assert_true(d->x > own->x && d->x < own->x + own->w);
	assert_true(d->from == own->y || d->from == own->y + own->h);
	assert_true(top < bottom);
	for (size_t i = 0; i < g->nodes.n; i++) {
		const struct layout_box *b = &l->boxes[i];

		if (i != node)
			assert_true(d->x < b->x || d->x > b->x + b->w || bottom < b->y ||
				    top > b->y + b->h);
	}
}

static bool overlap(const struct layout_drop *a, const struct layout_drop *b)
{
	int a_top = a->from < a->to ? a->from : a->to, a_bottom = a->from < a->to ? a->to : a->from;
	int b_top = b->from < b->to ? b->from : b->to, b_bottom = b->from < b->to ? b->to : b->from;

	return a->x == b->x && a_top < b_bottom && b_top < a_bottom;
}

static void check_drops(const struct graph *g, const struct graph_layout *l)
{
	size_t ports = g->ports.n, n = ports + 2 * g->wires.n;

	for (size_t i = 0; i < n; i++) {
		const struct layout_drop *a = i < ports ? &l->drops[i] : &l->ends[i - ports];
		size_t wire = (i - ports) / 2;

		check_drop(g, l, a,
			   i < ports ? g->ports.v[i].end.node
				     : g->wires.v[wire].ends[(i - ports) % 2].node);
		if (i >= ports)
			assert_int_equal(a->to, l->wires[wire].y);
		for (size_t k = 0; k < i; k++)
			assert_false(overlap(a, k < ports ? &l->drops[k] : &l->ends[k - ports]));
	}
}

static void check_bars(const struct graph *g, const struct graph_layout *l)
{
	for (size_t i = 0; i < g->ports.n; i++) {
		const struct layout_bar *b = &l->bars[g->ports.v[i].net];

		assert_true(l->drops[i].to == b->y || l->drops[i].to == b->y + GRAPH_BAR);
		assert_true(l->drops[i].x > b->x && l->drops[i].x < b->x + b->w);
	}
	for (size_t i = 0; i < g->wires.n; i++) {
		assert_true(l->wires[i].y < l->height);
		for (size_t k = 0; k < i; k++)
			assert_true(l->wires[i].y != l->wires[k].y ||
				    l->wires[i].x + l->wires[i].w < l->wires[k].x ||
				    l->wires[k].x + l->wires[k].w < l->wires[i].x);
	}
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < GRAPHS; seed++) {
		struct graph *g = make(seed);
		struct graph_layout l;

		graph_layout_make(g, &l);
		check_boxes(g, &l);
		check_drops(g, &l);
		check_bars(g, &l);
		graph_layout_fini(&l);
		graph_free(g);
	}
}

/* A crowd on one network stands on both sides of it. */
static void test_crowd(void **state)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	struct graph_layout l;
	size_t above = 0;

	(void)state;
	g->arena = arena_new();
	g->project = "crowd";
	vec_push(&g->nets, ((struct graph_net){ "net", "", "" }));
	for (size_t i = 0; i < 12; i++) {
		vec_push(&g->nodes, ((struct graph_node){ .name = "a", .image = "i", .note = "" }));
		vec_push(&g->ports, ((struct graph_port){ .end = { .node = i, .ifname = "eth0" },
							  .impair = "" }));
	}
	graph_layout_make(g, &l);
	for (size_t i = 0; i < 12; i++)
		above += l.boxes[i].y < l.bars[0].y;
	assert_int_equal(above, 6);
	graph_layout_fini(&l);
	graph_free(g);
}

static void test_short(void **state)
{
	struct graph *g = xcalloc(1, sizeof(*g));
	const char *plain = "123456789012345678901234567890123456";

	(void)state;
	g->arena = arena_new();
	assert_ptr_equal(graph_short(g, plain), plain);
	assert_string_equal(graph_short(g, "1234567890123456789012345678901234567"),
			    "12345678901234567890123456789012345…");
	assert_string_equal(graph_short(g, "ööööööööööööööööööööööööööööööööööööööö"),
			    "ööööööööööööööööööööööööööööööööööö…");
	assert_int_equal(graph_text_width("öö", 10, false), graph_text_width("oo", 10, false));
	graph_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
