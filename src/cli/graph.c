/* SPDX-License-Identifier: GPL-2.0-or-later */
/* graph: see graph.h. What is drawn, apart from how. */
#include <stdio.h>

#include "cli/client.h"
#include "cli/graph.h"

#define PORTS_SHOWN 4

/* ---- services and networks ------------------------------------------------------------------- */

static const char *subnets(struct graph *g, const struct stack_network *n)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	for (size_t i = 0; i < n->n_subnets; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", ip_net_text(&n->subnets[i].net).text);
	return arena_strdup(g->arena, buf_str(&b));
}

static const char *port_text(struct graph *g, const struct stack_port *p)
{
	const char *protocol = p->protocol == IPPROTO_TCP ? "tcp" : "udp";
	struct ip_text ip = ip_text(&p->host_ip);
	const char *left = p->host_ip.family == AF_INET6 ? "[" : "", *right = *left ? "]" : "";

	if (!p->published)
		return arena_printf(g->arena, "%u/%s", p->target, protocol);
	return arena_printf(g->arena, "%s%s%s%s%u -> %u/%s", left, ip.text, right,
			    *ip.text ? ":" : "", p->published, p->target, protocol);
}

static void add_ports(struct graph *g, struct graph_node *node, const struct stack_service *s)
{
	size_t shown = s->n_ports <= PORTS_SHOWN ? s->n_ports : PORTS_SHOWN - 1;

	for (size_t i = 0; i < shown; i++)
		node->ports.v[node->ports.n++] = port_text(g, &s->ports[i]);
	if (shown < s->n_ports)
		node->ports.v[node->ports.n++] =
			arena_printf(g->arena, "and %zu more ports", s->n_ports - shown);
}

static const char *whose_network(struct graph *g, const struct stack_service *s)
{
	switch (s->net.share) {
	case STACK_OF_HOST:
		return "in the network of the host";
	case STACK_OF_SERVICE:
		return arena_printf(g->arena, "in the network of %s", s->net.of->name);
	case STACK_BARE:
	case STACK_OWN:
	case STACK_SHAREABLE:
		break;
	}
	return "";
}

static const char *addr_text(struct graph *g, const struct ip *ip)
{
	return ip->family ? arena_strdup(g->arena, ip_text(ip).text) : NULL;
}

/* From the service's side. */
static const char *both_ways(struct graph *g, const char *out, const char *in)
{
	if (!strcmp(out, in))
		return out;
	if (!*in)
		return arena_printf(g->arena, "out: %s", out);
	if (!*out)
		return arena_printf(g->arena, "in: %s", in);
	return arena_printf(g->arena, "out: %s; in: %s", out, in);
}

static const char *impair_words(struct graph *g, const struct impair_ways *ways)
{
	const char *words[IMPAIR_WAYS];

	for (int i = 0; ways && i < IMPAIR_WAYS; i++) {
		_cleanup_(buf_fini) struct buf b = { 0 };

		impair_text(&ways->way[i], &b);
		words[i] = arena_strdup(g->arena, buf_str(&b));
	}
	return ways ? both_ways(g, words[IMPAIR_EGRESS], words[IMPAIR_INGRESS]) : "";
}

static size_t net_number(const struct stack *s, const struct stack_network *net)
{
	size_t n = 0;

	for (const struct stack_network *other = s->networks; other != net; other++)
		n += other->used;
	return n;
}

static void add_attachment(struct graph *g, const struct stack *s,
			   const struct stack_service *service, size_t i)
{
	const struct stack_attach *a = &service->networks[i];
	struct graph_port p = {
		.end = { .node = (size_t)(service - s->services),
			 .ifname = a->interface_name ? a->interface_name
						     : arena_printf(g->arena, "eth%zu", i),
			 .addr4 = addr_text(g, &a->ipv4),
			 .addr6 = addr_text(g, &a->ipv6) },
		.net = net_number(s, a->network),
		.impair = impair_words(g, a->impair),
	};

	vec_push(&g->ports, p);
}

static void add_service(struct graph *g, const struct stack *s, const struct stack_service *service)
{
	struct graph_node node = { .name = service->name,
				   .image = service->image.text,
				   .note = whose_network(g, service) };

	add_ports(g, &node, service);
	vec_push(&g->nodes, node);
	for (size_t i = 0; i < service->n_networks; i++)
		add_attachment(g, s, service, i);
}

/* ---- wires ----------------------------------------------------------------------------------- */

static size_t node_of_service(const struct graph *g, const struct stack *s,
			      const struct stack_service *service)
{
	size_t i = (size_t)(service - s->services);

	return i < g->nodes.n ? i : SIZE_MAX;
}

/* What is not of the stack has a box of its own; of one device all wires lead to the same. */
static size_t node_outside(struct graph *g, const char *text)
{
	struct graph_node node = { .name = text, .image = "", .note = "", .outside = true };

	for (size_t i = 0; i < g->nodes.n; i++)
		if (g->nodes.v[i].outside && !strcmp(g->nodes.v[i].name, text))
			return i;
	vec_push(&g->nodes, node);
	return g->nodes.n - 1;
}

static struct graph_end wire_end(struct graph *g, const struct stack *s, const struct stack_end *e)
{
	bool inside = e->kind == STACK_END_SERVICE;

	return (struct graph_end){
		.node = inside ? node_of_service(g, s, e->service) : node_outside(g, e->text),
		.ifname = inside ? e->ifname : NULL,
		.addr4 = e->ipv4.ip.family ? arena_strdup(g->arena, ip_net_text(&e->ipv4).text)
					   : NULL,
		.addr6 = e->ipv6.ip.family ? arena_strdup(g->arena, ip_net_text(&e->ipv6).text)
					   : NULL,
	};
}

static void add_wire(struct graph *g, const struct stack *s, const struct stack_wire *w)
{
	struct graph_wire wire = { .impair = impair_words(g, w->impair) };

	for (int i = 0; i < 2; i++) {
		wire.ends[i] = wire_end(g, s, &w->ends[i]);
		wire.texts[i] = w->ends[i].text;
	}
	if (wire.ends[0].node != SIZE_MAX && wire.ends[1].node != SIZE_MAX)
		vec_push(&g->wires, wire);
}

/* One that has nothing but its loopback should say so; a wire is something. */
static void look_for_hermits(struct graph *g, const struct stack *s)
{
	for (size_t i = 0; i < s->n_services; i++) {
		bool wired = false;

		for (size_t k = 0; k < 2 * g->wires.n; k++)
			wired |= g->wires.v[k / 2].ends[k % 2].node == i;
		if (s->services[i].net.share == STACK_BARE && !wired)
			g->nodes.v[i].note = "without a network";
	}
}

/* What kind of network it is, where it is not simply a bridge of the stack. */
static const char *network_note(struct graph *g, const struct stack_network *n)
{
	const char *parent = n->driver.parent.text;

	if (n->external)
		return "external";
	if (n->driver.kind == STACK_MACVLAN)
		return arena_printf(g->arena, "macvlan on %s", parent ? parent : "?");
	if (n->driver.kind == STACK_VXLAN)
		return arena_printf(g->arena, "vxlan %u", n->driver.vni);
	return n->internal ? "internal" : "";
}

struct graph *graph_new(const struct stack *s)
{
	struct graph *g = xcalloc(1, sizeof(*g));

	g->arena = arena_new();
	g->project = s->name;
	for (size_t i = 0; i < s->n_networks; i++) {
		const struct stack_network *n = &s->networks[i];
		struct graph_net net = { .name = n->key,
					 .note = network_note(g, n),
					 .subnets = subnets(g, n) };

		if (n->used)
			vec_push(&g->nets, net);
	}
	for (size_t i = 0; i < s->n_services; i++)
		add_service(g, s, &s->services[i]);
	for (size_t i = 0; i < s->n_wires; i++)
		add_wire(g, s, &s->wires[i]);
	look_for_hermits(g, s);
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	vec_fini(&g->nets);
	vec_fini(&g->nodes);
	vec_fini(&g->ports);
	vec_fini(&g->wires);
	arena_free(g->arena);
	free(g);
}

/* ---- as it is -------------------------------------------------------------------------------- */

static enum graph_mood mood_of(const char *state, const char *health, int code)
{
	static const struct {
		const char *state;
		enum graph_mood mood;
	} moods[] = {
		{ "running", GRAPH_GOOD }, { "created", GRAPH_BUSY }, { "restarting", GRAPH_BUSY },
		{ "paused", GRAPH_BUSY },  { "exited", GRAPH_OVER },  { "dead", GRAPH_BAD },
	};

	if (!strcmp(health, "unhealthy") || (code && !strcmp(state, "exited")))
		return GRAPH_BAD;
	if (!strcmp(health, "starting"))
		return GRAPH_BUSY;
	for (size_t i = 0; i < ARRAY_LEN(moods); i++)
		if (!strcmp(moods[i].state, state))
			return moods[i].mood;
	return GRAPH_UNKNOWN;
}

/* One state for all containers of a service, or "2 of 3 running": the worst decides the colour. */
static void add_state(struct graph *g, struct graph_node *node, const json_t *rows)
{
	unsigned n = 0, running = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *state = cli_string(row, "State"), *health = cli_string(row, "Health");
		int code = (int)json_integer_value(json_object_get(row, "ExitCode"));
		enum graph_mood mood = mood_of(state, health, code);

		if (strcmp(cli_string(row, "Service"), node->name) != 0 ||
		    json_is_true(json_object_get(row, "OneOff")))
			continue;
		n++;
		running += !strcmp(state, "running");
		node->state = *health ? arena_printf(g->arena, "%s (%s)", state, health)
			      : !strcmp(state, "exited")
				      ? arena_printf(g->arena, "%s (%d)", state, code)
				      : arena_strdup(g->arena, state);
		if (n == 1 || mood == GRAPH_BAD)
			node->mood = mood;
	}
	if (n > 1)
		node->state = arena_printf(g->arena, "%u of %u running", running, n);
}

void graph_add_states(struct graph *g, const json_t *rows)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!g->nodes.v[i].outside)
			add_state(g, &g->nodes.v[i], rows);
}

/* SERVICE:IFACE of an end on a network. */
static bool is_port(const struct graph *g, const struct graph_port *p, const char *text)
{
	const char *name = g->nodes.v[p->end.node].name;
	size_t len = strlen(name);

	return !strncmp(text, name, len) && text[len] == ':' &&
	       !strcmp(text + len + 1, p->end.ifname);
}

void graph_add_link(struct graph *g, const json_t *link)
{
	const char *a = cli_string(link, "a"), *b = cli_string(link, "b");
	const char *state = cli_string(link, "state");
	bool cut = !strcmp(state, "down") || !strcmp(state, "no-carrier");

	if (!cut)
		return;
	state = !strcmp(state, "down") ? "down" : "no carrier";
	for (size_t i = 0; i < g->wires.n; i++)
		if (!strcmp(g->wires.v[i].texts[0], a) && !strcmp(g->wires.v[i].texts[1], b))
			g->wires.v[i].state = state;
	for (size_t i = 0; !strcmp(cli_string(link, "kind"), "network") && i < g->ports.n; i++)
		if (is_port(g, &g->ports.v[i], a))
			g->ports.v[i].state = state;
}

static const char *way_text(struct graph *g, const json_t *way)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)way, key, value)
		buf_printf(&text, "%s%s=%s", text.len ? " " : "", key, cli_string(way, key));
	return arena_strdup(g->arena, buf_str(&text));
}

void graph_add_impair(struct graph *g, const json_t *row)
{
	const char *ifname = cli_string(row, "interface"), *service = cli_string(row, "service");
	const char *words = both_ways(g, way_text(g, json_object_get(row, "egress")),
				      way_text(g, json_object_get(row, "ingress")));

	for (size_t i = 0; i < g->ports.n; i++)
		if (!strcmp(g->nodes.v[g->ports.v[i].end.node].name, service) &&
		    !strcmp(g->ports.v[i].end.ifname, ifname))
			g->ports.v[i].impair = words;
	for (size_t i = 0; i < g->wires.n; i++) {
		const struct graph_end *e = &g->wires.v[i].ends[0];

		if (e->ifname && !strcmp(g->nodes.v[e->node].name, service) &&
		    !strcmp(e->ifname, ifname))
			g->wires.v[i].impair = words;
	}
}

static void add_rate(struct buf *b, const char *word, uint64_t bits)
{
	static const struct {
		uint64_t unit;
		const char *name;
	} units[] = { { 1000000000, "Gbit/s" }, { 1000000, "Mbit/s" }, { 1000, "kbit/s" } };

	buf_printf(b, "%s%s ", b->len ? ", " : "", word);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (bits >= units[i].unit) {
			uint64_t tenths = bits * 10 / units[i].unit;

			if (tenths < 100)
				buf_printf(b, "%llu.%llu %s", (unsigned long long)tenths / 10,
					   (unsigned long long)tenths % 10, units[i].name);
			else
				buf_printf(b, "%llu %s", (unsigned long long)tenths / 10,
					   units[i].name);
			return;
		}
	buf_puts(b, "0");
}

const char *graph_rate(struct graph *g, uint64_t in, uint64_t out)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	add_rate(&b, "in", in);
	add_rate(&b, "out", out);
	return arena_strdup(g->arena, buf_str(&b));
}

/* ---- words ----------------------------------------------------------------------------------- */

static void add_line(struct graph_lines *l, const char *text)
{
	if (text && *text && l->n < GRAPH_LINES_MAX)
		l->v[l->n++] = text;
}

struct graph_lines graph_end_lines(const struct graph_end *e, const char *impair, const char *state)
{
	struct graph_lines l = { 0 };

	add_line(&l, e->ifname);
	add_line(&l, e->addr4);
	add_line(&l, e->addr6);
	add_line(&l, state);
	add_line(&l, impair);
	add_line(&l, e->rate);
	return l;
}

struct graph_lines graph_end_plain(const struct graph_end *e)
{
	const struct graph_end plain = { .ifname = e->ifname,
					 .addr4 = e->addr4,
					 .addr6 = e->addr6 };

	return graph_end_lines(&plain, NULL, NULL);
}

const char *graph_colour(enum graph_mood mood)
{
	static const char *const colours[] = {
		[GRAPH_UNKNOWN] = "#5b6675", [GRAPH_GOOD] = "#23874f", [GRAPH_BUSY] = "#b57a08",
		[GRAPH_BAD] = "#c7362f",     [GRAPH_OVER] = "#8a929c",
	};

	return colours[mood];
}

struct graph_lines graph_node_lines(const struct graph_node *n)
{
	struct graph_lines l = { 0 };

	add_line(&l, n->state);
	add_line(&l, n->image);
	add_line(&l, n->note);
	for (size_t i = 0; i < n->ports.n; i++)
		add_line(&l, n->ports.v[i]);
	return l;
}

/* The rate is that of the first end: what goes out there comes in at the other. */
const char *graph_wire_words(struct graph *g, const struct graph_wire *w)
{
	const char *const words[] = { w->state, w->impair, w->ends[0].rate };
	_cleanup_(buf_fini) struct buf b = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i] && *words[i])
			buf_printf(&b, "%s%s", b.len ? ", " : "", words[i]);
	return arena_strdup(g->arena, buf_str(&b));
}
