/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topology of a stack in all its forms, compared with golden ones (GRAPH_GOLDEN=write makes them anew: look at them before they are
 * believed); and text of others, which stays text.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/graph.h"

#define GOLDEN "tests/unit/cli/golden/graph"

static const char shop[] =
	"name: shop\n"
	"services:\n"
	"  proxy: {image: 'nginx:1.25', ports: ['8080:80', '127.0.0.1:8443:443/tcp', '[::1]:53:53/udp', '9'], networks: [front, back]}\n"
	"  api: {image: 'registry.example/team/some/long/path/to/an/api:4.0.1', networks: {back: {ipv4_address: 10.30.0.10, "
	"x-impair: {delay: 20ms, loss: 1%}}}}\n"
	"  db: {image: postgres, networks: {back: {ipv4_address: 10.30.0.2}, far: {}}}\n"
	"  many: {image: x, ports: ['1:1', '2:2', '3:3', '4:4', '5:5'], networks: [far]}\n"
	"  agent: {image: x, network_mode: host}\n"
	"  side: {image: x, network_mode: 'service:db'}\n"
	"  alone: {image: x, network_mode: none}\n"
	"x-links:\n"
	"  - {endpoints: ['proxy:eth5', 'db:eth5'], ipv4: [10.0.0.1/30, 10.0.0.2/30], ipv6: ['fd00::1/64', 'fd00::2/64'], "
	"impair: {delay: 20ms, loss: 1%}}\n"
	"  - endpoints: ['many:w0', 'host:lab0']\n"
	"networks:\n"
	"  front: {}\n"
	"  back: {internal: true, ipam: {config: [{subnet: 10.30.0.0/24}]}}\n"
	"  far: {}\n"
	"  unused: {}\n";

static const char states[] =
	"[{'Service': 'proxy', 'State': 'running', 'Health': 'healthy', 'ExitCode': 0},"
	" {'Service': 'api', 'State': 'running', 'Health': 'unhealthy', 'ExitCode': 0},"
	" {'Service': 'db', 'State': 'exited', 'Health': '', 'ExitCode': 3},"
	" {'Service': 'db', 'State': 'running', 'Health': '', 'ExitCode': 0},"
	" {'Service': 'many', 'State': 'paused', 'Health': '', 'ExitCode': 0},"
	" {'Service': 'many', 'State': 'running', 'Health': '', 'ExitCode': 0, 'OneOff': true},"
	" {'Service': 'side', 'State': 'exited', 'Health': '', 'ExitCode': 0},"
	" {'Service': 'gone', 'State': 'running', 'Health': '', 'ExitCode': 0}]";

struct drawing {
	struct stack *stack;
	struct stack_diags *diags;
	struct graph *g;
};

static struct drawing load(const char *yaml)
{
	static const char *const env[] = { NULL };
	const struct stack_text text = { .text = yaml, .dir = "/" };
	const struct stack_opts opts = { .text = &text, .project_dir = "/", .env = env };
	struct drawing d = { .diags = stack_diags_new() };
	_cleanup_(buf_fini) struct buf why = { 0 };
	struct err err = { 0 };

	if (stack_load(&opts, &d.stack, d.diags, &err)) {
		stack_diags_print(d.diags, false, &why);
		fail_msg("%s%s", buf_str(&why), err.text);
	}
	d.g = graph_new(d.stack);
	return d;
}

static void drawing_fini(struct drawing *d)
{
	graph_free(d->g);
	stack_free(d->stack);
	stack_diags_free(d->diags);
}

static json_t *parse(const char *text)
{
	_cleanup_free_ char *json = xstrdup(text);
	json_t *value;

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	return value;
}

static void add_states(struct graph *g)
{
	json_t *rows = parse(states);

	graph_add_states(g, rows);
	json_decref(rows);
}

static void add_link(struct graph *g, const char *text)
{
	json_t *link = parse(text);

	graph_add_link(g, link);
	json_decref(link);
}

static void add_impair(struct graph *g, const char *text)
{
	json_t *row = parse(text);

	graph_add_impair(g, row);
	json_decref(row);
}

static void compare(const char *suffix, const struct buf *got)
{
	_cleanup_free_ char *path = xasprintf("%s.%s", GOLDEN, suffix);
	_cleanup_(buf_fini) struct buf want = { 0 };
	const char *mode = getenv("GRAPH_GOLDEN");

	if (mode && !strcmp(mode, "write"))
		assert_return_code(file_replace(AT_FDCWD, path, got->data, got->len, 0644), errno);
	assert_return_code(file_read(AT_FDCWD, path, 1 << 20, &want), errno);
	assert_string_equal(buf_str(got), buf_str(&want));
}

static void test_golden(void **state)
{
	static const struct {
		const char *suffix;
		void (*make)(struct graph *g, struct buf *out);
	} forms[] = {
		{ "txt", graph_text }, { "dot", graph_dot },   { "mmd", graph_mermaid },
		{ "svg", graph_svg },  { "html", graph_html },
	};
	struct drawing d = load(shop);

	(void)state;
	add_states(d.g);
	d.g->wires.v[0].ends[0].rate = graph_rate(d.g, 0, 12345678);
	add_link(d.g, "{'a': 'many:w0', 'b': 'host:lab0', 'kind': 'wire', 'state': 'down'}");
	add_link(d.g,
		 "{'a': 'db:eth1', 'b': 'shop_far', 'kind': 'network', 'state': 'no-carrier'}");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		_cleanup_(buf_fini) struct buf out = { 0 };

		forms[i].make(d.g, &out);
		compare(forms[i].suffix, &out);
	}
	drawing_fini(&d);
}

static void test_moods(void **state)
{
	struct drawing d = load(shop);

	(void)state;
	assert_null(d.g->nodes.v[0].state);
	assert_int_equal(d.g->nodes.v[0].mood, GRAPH_UNKNOWN);
	add_states(d.g);
	assert_string_equal(d.g->nodes.v[0].state, "running (healthy)");
	assert_int_equal(d.g->nodes.v[0].mood, GRAPH_GOOD);
	assert_int_equal(d.g->nodes.v[1].mood, GRAPH_BAD);
	assert_string_equal(d.g->nodes.v[2].state, "1 of 2 running");
	assert_int_equal(d.g->nodes.v[2].mood, GRAPH_BAD);
	assert_string_equal(d.g->nodes.v[3].state, "paused");
	assert_int_equal(d.g->nodes.v[3].mood, GRAPH_BUSY);
	assert_null(d.g->nodes.v[4].state);
	assert_int_equal(d.g->nodes.v[5].mood, GRAPH_OVER);
	drawing_fini(&d);
}

static void test_links(void **state)
{
	struct drawing d = load(shop);
	struct graph *g = d.g;

	(void)state;
	assert_int_equal(g->wires.n, 2);
	assert_string_equal(g->wires.v[0].impair, "delay=20ms loss=1%");
	assert_string_equal(g->wires.v[0].ends[1].addr4, "10.0.0.2/30");
	assert_true(g->nodes.v[g->wires.v[1].ends[1].node].outside);
	add_link(g, "{'a': 'proxy:eth5', 'b': 'db:eth5', 'kind': 'wire', 'state': 'up'}");
	add_link(g, "{'a': 'many:w0', 'b': 'host:lab0', 'kind': 'wire', 'state': 'no-carrier'}");
	add_link(g, "{'a': 'api:eth0', 'b': 'shop_back', 'kind': 'network', 'state': 'down'}");
	add_link(g, "{'a': 'nobody:eth0', 'b': 'shop_back', 'kind': 'network', 'state': 'down'}");
	assert_null(g->wires.v[0].state);
	assert_string_equal(g->wires.v[1].state, "no carrier");
	for (size_t i = 0; i < g->ports.n; i++) {
		if (!strcmp(g->nodes.v[g->ports.v[i].end.node].name, "api"))
			assert_string_equal(g->ports.v[i].state, "down");
		else
			assert_null(g->ports.v[i].state);
	}
	add_impair(
		g,
		"{'service': 'proxy', 'interface': 'eth5', 'egress': {'loss': '5%'}, 'ingress': {}}");
	assert_string_equal(g->wires.v[0].impair, "out: loss=5%");
	add_impair(g, "{'service': 'proxy', 'interface': 'eth0', 'egress': {'delay': '1ms'}, "
		      "'ingress': {'delay': '2ms', 'loss': '1%'}}");
	assert_string_equal(g->ports.v[0].impair, "out: delay=1ms; in: delay=2ms loss=1%");
	add_impair(g, "{'service': 'proxy', 'interface': 'eth0', 'egress': {}, 'ingress': {}}");
	assert_string_equal(g->ports.v[0].impair, "");
	drawing_fini(&d);
}

static void test_rates(void **state)
{
	static const struct {
		uint64_t in, out;
		const char *text;
	} t[] = {
		{ 0, 999, "in 0, out 0" },
		{ 1000, 9990, "in 1.0 kbit/s, out 9.9 kbit/s" },
		{ 10000, 999999, "in 10 kbit/s, out 999 kbit/s" },
		{ 1250000, 40000000000, "in 1.2 Mbit/s, out 40 Gbit/s" },
	};
	struct drawing d = load(shop);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(graph_rate(d.g, t[i].in, t[i].out), t[i].text);
	drawing_fini(&d);
}

static size_t count(const struct buf *b, const char *what)
{
	size_t n = 0;

	for (const char *at = strstr(buf_str(b), what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* An image may be called anything: it ends no string, no line and no tag. */
static void test_hostile(void **state)
{
	struct drawing d = load(
		"name: x\nservices: {a: {image: \"</text><script>'\\\"\\\\]]> & #`|{}[];--\"}}\n");
	_cleanup_(buf_fini) struct buf svg = { 0 }, dot = { 0 }, mermaid = { 0 };

	(void)state;
	graph_svg(d.g, &svg);
	assert_int_equal(count(&svg, "<script"), 0);
	assert_true(count(&svg, "&lt;/text&gt;&lt;script&gt;&#39;&quot;\\]]&gt; &amp; #`|") > 0);
	graph_dot(d.g, &dot);
	assert_int_equal(count(&dot, "<script>'\\\"\\\\]]>"), 1);
	graph_mermaid(d.g, &mermaid);
	assert_int_equal(
		count(&mermaid,
		      "#60;/text#62;#60;script#62;'#34;#92;#93;#93;#62; #38; #35;#96;#124;"),
		1);
	drawing_fini(&d);
}

static void test_empty(void **state)
{
	struct drawing d = load("name: x\nservices: {a: {image: i, network_mode: none}}\n");
	_cleanup_(buf_fini) struct buf svg = { 0 }, text = { 0 };

	(void)state;
	graph_svg(d.g, &svg);
	assert_int_equal(count(&svg, "1 service, 0 networks"), 1);
	graph_text(d.g, &text);
	assert_string_equal(buf_str(&text), "stack x\n\nservices\n  a  i  without a network\n");
	drawing_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),	cmocka_unit_test(test_moods),
		cmocka_unit_test(test_links),	cmocka_unit_test(test_rates),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
