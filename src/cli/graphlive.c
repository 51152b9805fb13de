/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * graphlive: see graphlive.h. Counters of interfaces are read twice, in the network namespaces that the supervisor hands over, as for
 * a capture. Called by graph.
 */
#include <time.h>

#include "cli/client.h"
#include "cli/graphlive.h"
#include "mstack/ctl.h"
#include "mstack/net.h"
#include "mstack/rootless.h"
#include "mstack/sup.h"

#define LOOK_NS	   400000000
#define NS_PER_S   UINT64_C(1000000000)
#define PLACES_MAX 1000

/* A container that runs, at the first look. */
struct place {
	size_t node;
	struct net_window *window;
	struct net_window_links before;
};

struct looking {
	struct graph *g;
	struct VEC(struct place) places;
};

/* ---- what there is --------------------------------------------------------------------------- */

static size_t node_of(const struct graph *g, const char *service)
{
	for (size_t i = 0; i < g->nodes.n; i++)
		if (!g->nodes.v[i].outside && !strcmp(g->nodes.v[i].name, service))
			return i;
	return SIZE_MAX;
}

/* Of several containers the first: the ends of a service are drawn once. */
static bool is_new(const struct looking *l, size_t node)
{
	for (size_t i = 0; i < l->places.n; i++)
		if (l->places.v[i].node == node)
			return false;
	return node != SIZE_MAX && l->places.n < PLACES_MAX;
}

static int take_place(void *arg, const struct ctl_msg *m)
{
	struct looking *l = arg;
	struct place p = { .node = node_of(l->g, cli_string(m->body, "service")) };
	struct err err = { 0 };

	if (m->n_fds != 1 || !is_new(l, p.node))
		return 0;
	p.window = net_window_open(m->fds[0], &err);
	if (p.window && net_window_list(p.window, &p.before, &err) == 0)
		vec_push(&l->places, p);
	else
		net_window_close(p.window);
	return 0;
}

static void places_fini(struct looking *l)
{
	for (size_t i = 0; i < l->places.n; i++) {
		net_window_links_fini(&l->places.v[i].before);
		net_window_close(l->places.v[i].window);
	}
	vec_fini(&l->places);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static const struct net_window_link *find(const struct net_window_links *links, const char *name)
{
	for (size_t i = 0; name && i < links->n; i++)
		if (!strcmp(links->v[i].name, name))
			return &links->v[i];
	return NULL;
}

static bool is_link_local(const struct ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* Those that the file does not have; of several the first. Link-local ones are everybody's. */
static void take_addresses(struct graph *g, struct graph_end *e, const struct net_window_link *l)
{
	for (size_t i = 0; i < l->n_addrs; i++) {
		const struct net_window_addr *a = &l->addrs[i];
		struct ip ip = { .family = (uint8_t)a->family };
		const char **at = a->family == AF_INET ? &e->addr4 : &e->addr6;

		memcpy(ip.bytes, a->addr, sizeof(ip.bytes));
		if (!*at && !is_link_local(&ip))
			*at = arena_strdup(g->arena, ip_text(&ip).text);
	}
}

/* Which the plan has chosen, and so is not in the file. */
static void take_subnets(struct graph *g, struct graph_net *net, const struct net_window_link *l)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	for (size_t i = 0; i < l->n_addrs; i++) {
		const struct net_window_addr *a = &l->addrs[i];
		struct ip_net subnet = { .ip.family = (uint8_t)a->family,
					 .prefix = (uint8_t)a->prefix };

		memcpy(subnet.ip.bytes, a->addr, sizeof(subnet.ip.bytes));
		if (is_link_local(&subnet.ip))
			continue;
		subnet.ip = ip_first(&subnet);
		buf_printf(&text, "%s%s", text.len ? ", " : "", ip_net_text(&subnet).text);
	}
	net->subnets = arena_strdup(g->arena, buf_str(&text));
}

static uint64_t bits_per_second(uint64_t before, uint64_t after, uint64_t ns)
{
	return after > before ? (after - before) * 8 * NS_PER_S / ns : 0;
}

static void look_at_end(struct graph *g, struct graph_end *e, const struct place *p,
			const struct net_window_links *after, uint64_t ns)
{
	const struct net_window_link *now = find(after, e->ifname),
				     *then = find(&p->before, e->ifname);
	uint64_t in, out;

	if (e->node != p->node || !now)
		return;
	take_addresses(g, e, now);
	if (!then || then->index != now->index)
		return;
	in = bits_per_second(then->received, now->received, ns);
	out = bits_per_second(then->sent, now->sent, ns);
	if (in || out)
		e->rate = graph_rate(g, in, out);
}

static void look_at_port(struct graph *g, struct graph_port *port, const struct place *p,
			 const struct net_window_links *after, uint64_t ns)
{
	const struct net_window_link *now = find(after, port->end.ifname);
	struct graph_net *net = &g->nets.v[port->net];

	look_at_end(g, &port->end, p, after, ns);
	if (port->end.node == p->node && now && !*net->subnets)
		take_subnets(g, net, now);
}

static void look_again(struct looking *l, uint64_t begun)
{
	struct graph *g = l->g;

	for (size_t i = 0; i < l->places.n; i++) {
		const struct place *p = &l->places.v[i];
		struct net_window_links after;
		uint64_t ns;

		if (net_window_list(p->window, &after, &(struct err){ 0 }))
			continue;
		ns = time_mono_ns() - begun;
		for (size_t k = 0; k < g->ports.n; k++)
			look_at_port(g, &g->ports.v[k], p, &after, ns);
		for (size_t k = 0; k < 2 * g->wires.n; k++)
			look_at_end(g, &g->wires.v[k / 2].ends[k % 2], p, &after, ns);
		net_window_links_fini(&after);
	}
}

static int take_link(void *arg, const struct ctl_msg *m)
{
	graph_add_link(arg, m->body);
	return 0;
}

static int take_impair(void *arg, const struct ctl_msg *m)
{
	graph_add_impair(arg, m->body);
	return 0;
}

/* Networks of an ordinary user's containers are seen by root of their user namespace only. */
static int come_near(const struct graph *g, struct err *err)
{
	return rootless_outside() ? rootless_join(sup_owner(g->project), err) : 0;
}

int cli_graph_live(struct graph *g, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct looking l = { .g = g };
	uint64_t begun;
	json_t *rows;
	int rc = cli_slots(g->project, &rows, err);

	if (rc)
		return rc;
	graph_add_states(g, rows);
	json_decref(rows);
	rc = cli_connect(g->project, CLI_ANSWER_MS, &fd, err);
	if (!rc &&
	    (ctl_call(fd, CTL_LINK, NULL, take_link, g, err) < 0 ||
	     ctl_call(fd, CTL_IMPAIR, NULL, take_impair, g, err) < 0 || come_near(g, err) < 0 ||
	     ctl_call(fd, CTL_CAPTURE, NULL, take_place, &l, err) < 0))
		rc = -1;
	begun = time_mono_ns();
	if (!rc && l.places.n) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
		look_again(&l, begun);
	}
	places_fini(&l);
	return rc;
}
