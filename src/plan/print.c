/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan as text: one fact a line, in the order in which it will be done. For `up --dry-run` and golden tests.
 */
#include <stdio.h>

#include "mstack/plan.h"

static void print_bridge(const struct net_bridge_spec *b, struct buf *out)
{
	static const char *const kinds[] = { [NET_LAN_BRIDGE] = "bridge",
					     [NET_LAN_EXTERNAL] = "external",
					     [NET_LAN_MACVLAN] = "macvlan" };

	buf_printf(out, "network %s %s=%s", b->altname, kinds[b->kind], b->ifname);
	if (b->tunnel)
		buf_printf(out, " vxlan=%u on %s", b->tunnel->vni, b->tunnel->ifname);
	for (size_t i = 0; b->tunnel && i < b->tunnel->n_peers; i++)
		buf_printf(out, " peer=%s", ip_text(&b->tunnel->peers[i]).text);
	for (size_t i = 0; i < b->n_subnets; i++)
		buf_printf(out, " subnet=%s gateway=%s", ip_net_text(&b->subnets[i].net).text,
			   ip_text(&b->subnets[i].gateway).text);
	buf_printf(out, " mtu=%u%s%s%s\n", b->mtu, b->internal ? " internal" : "",
		   b->routed ? " routed" : "", b->isolated ? " isolated" : "");
}

static void print_words(const char *key, const char *const *v, struct buf *out)
{
	buf_printf(out, "  %s", key);
	for (size_t i = 0; v && v[i]; i++)
		buf_printf(out, " %s", v[i]);
	buf_putc(out, '\n');
}

static void print_probe(const struct stack_probe *p, struct buf *out)
{
	static const char *const kinds[] = {
		[STACK_PROBE_TCP] = "tcp",
		[STACK_PROBE_HTTP] = "http",
		[STACK_PROBE_UNIX] = "unix",
		[STACK_PROBE_LOG] = "log",
	};

	buf_printf(out, "  probe %s", kinds[p->kind]);
	if (p->kind == STACK_PROBE_TCP || p->kind == STACK_PROBE_HTTP)
		buf_printf(out, " %s:%u", p->ip.family ? ip_text(&p->ip).text : "", p->port);
	if (p->kind != STACK_PROBE_TCP)
		buf_printf(out, " %s", p->text);
	buf_putc(out, '\n');
}

static void print_address(const struct ip_net *addr, struct buf *out)
{
	if (addr->ip.family)
		buf_printf(out, " addr=%s", ip_net_text(addr).text);
}

static void print_port(const struct net_spec *net, const struct net_port_spec *port,
		       struct buf *out)
{
	const uint8_t *m = port->mac;

	buf_printf(out, "  link %s on %s as %s", port->ifname, net->bridges[port->bridge].altname,
		   port->host_ifname[0] ? port->host_ifname : "macvlan");
	print_address(&port->ip4, out);
	print_address(&port->ip6, out);
	for (size_t i = 0; i < port->n_link_locals; i++)
		print_address(&port->link_locals[i], out);
	buf_printf(out, " mac=%02x:%02x:%02x:%02x:%02x:%02x%s%s\n", m[0], m[1], m[2], m[3], m[4],
		   m[5], port->gateway4.family ? " default-route" : "",
		   port->gateway6.family ? " default-route6" : "");
}

static void print_impair(const char *ifname, const struct impair_ways *impair, struct buf *out)
{
	static const char *const ways[] = {
		[IMPAIR_EGRESS] = "egress", [IMPAIR_INGRESS] = "ingress"
	};

	for (size_t i = 0; i < IMPAIR_WAYS; i++) {
		if (!impair_is_set(&impair->way[i]))
			continue;
		buf_printf(out, "  impair %s %s ", ifname, ways[i]);
		impair_text(&impair->way[i], out);
		buf_putc(out, '\n');
	}
}

static void print_publish(const struct net_publish_spec *pub, struct buf *out)
{
	bool six = pub->addr.family == AF_INET6;

	buf_printf(out, six ? "  publish [%s]:%u -> [%s]:%u/%s" : "  publish %s:%u -> %s:%u/%s",
		   ip_text(&pub->host_ip).text, pub->host_port, ip_text(&pub->addr).text, pub->port,
		   pub->protocol == IPPROTO_TCP ? "tcp" : "udp");
	for (size_t i = 0; i < pub->n_allow; i++)
		buf_printf(out, " allow=%s", ip_net_text(&pub->allow[i]).text);
	buf_putc(out, '\n');
}

static void print_mount(const struct box_mount *m, struct buf *out)
{
	static const char *const what[] = {
		[BOX_TMPFS] = "tmpfs", [BOX_FILE] = "file", [BOX_IMAGE] = "image"
	};
	static const char *const propagation[] = { "", " slave", " shared" };

	buf_printf(out, "  mount %s", m->source ? m->source : what[m->type]);
	if (m->subpath)
		buf_printf(out, " below %s", m->subpath);
	buf_printf(out, " on %s%s%s\n", m->target, m->read_only ? " ro" : "",
		   propagation[m->propagation]);
}

static void print_access(unsigned access, struct buf *out)
{
	buf_printf(out, " %s%s%s\n", access & BOX_DEV_READ ? "r" : "",
		   access & BOX_DEV_WRITE ? "w" : "", access & BOX_DEV_MKNOD ? "m" : "");
}

/* A number of a rule; -1 is every one. */
static void print_number(int64_t number, struct buf *out)
{
	if (number < 0)
		buf_putc(out, '*');
	else
		buf_printf(out, "%lld", (long long)number);
}

static void print_devices(const struct box_spec *b, struct buf *out)
{
	for (size_t i = 0; i < b->n_devices; i++) {
		buf_printf(out, "  device %s at %s", b->devices[i].source, b->devices[i].target);
		print_access(b->devices[i].access, out);
	}
	for (size_t i = 0; i < b->n_device_rules; i++) {
		buf_printf(out, "  devices %c ", b->device_rules[i].type);
		print_number(b->device_rules[i].major, out);
		buf_putc(out, ':');
		print_number(b->device_rules[i].minor, out);
		print_access(b->device_rules[i].access, out);
	}
}

static void print_limits(const struct box_limits *l, struct buf *out)
{
	if (l->memory_max)
		buf_printf(out, "  memory %lld\n", (long long)l->memory_max);
	if (l->swap_wanted)
		buf_printf(out, "  swap %lld\n", (long long)l->swap_max);
	if (l->memory_low)
		buf_printf(out, "  memory-low %lld\n", (long long)l->memory_low);
	if (l->cpu_milli)
		buf_printf(out, "  cpu %lld/1000\n", (long long)l->cpu_milli);
	if (l->cpu_weight)
		buf_printf(out, "  cpu-weight %u\n", l->cpu_weight);
	if (l->cpus)
		buf_printf(out, "  cpus %s\n", l->cpus);
	if (l->io_weight || l->n_io)
		buf_printf(out, "  io weight=%u limits=%zu\n", l->io_weight, l->n_io);
	if (l->wanted & BOX_WANT_PIDS)
		buf_printf(out, "  pids %lld\n", (long long)l->pids_max);
}

/* Only those that are not its own. */
static void print_namespaces(const struct plan *p, const struct plan_slot *s, struct buf *out)
{
	static const char *const names[] = {
		[BOX_PID] = "pid", [BOX_IPC] = "ipc", [BOX_UTS] = "uts", [BOX_CGROUP] = "cgroup"
	};

	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		if (s->box.ns[i].share != BOX_OWN)
			buf_printf(out, "  namespace %s of %s\n", names[i],
				   s->joins[i] == PLAN_NO_SLOT ? "the host"
							       : p->slots[s->joins[i]].name);
	if (s->box_slot.net != BOX_OWN)
		buf_printf(out, "  namespace net of %s\n",
			   s->net_of == PLAN_NO_SLOT ? "the host" : p->slots[s->net_of].name);
	if (s->ids_of != PLAN_NO_SLOT)
		buf_printf(out, "  ids of %s\n", p->slots[s->ids_of].name);
}

static void print_slot(const struct plan *p, const struct plan_slot *s, struct buf *out)
{
	const struct box_spec *b = &s->box;

	buf_printf(out, "slot %s container=%s\n", s->name, s->container);
	for (size_t i = 0; i < b->n_lower; i++)
		buf_printf(out, "  %s %s\n", b->writable_root ? "root" : "layer", b->lower[i]);
	if (s->box_slot.tmp_upper)
		buf_puts(out, "  layer on a tmpfs\n");
	print_limits(&s->box_slot.limits, out);
	for (size_t i = 0; i < s->n_ports; i++)
		print_port(&p->net, &s->ports[i], out);
	for (size_t i = 0; i < s->n_ports; i++)
		print_impair(s->ports[i].ifname, &s->links[i].impair, out);
	for (size_t i = 0; i < s->n_pubs; i++)
		print_publish(&s->pubs[i], out);
	for (size_t i = 0; i < b->n_mounts; i++)
		print_mount(&b->mounts[i], out);
	print_devices(b, out);
	buf_printf(out, "  user %u:%u caps=%016llx%s%s%s%s%s%s%s%s%s%s\n", b->uid, b->gid,
		   (unsigned long long)b->caps, b->read_only ? " read-only" : "",
		   s->box_slot.host_ids ? " ids-of-the-host" : "",
		   b->privileged ? " privileged" : "", b->unmasked ? " unmasked" : "",
		   b->i386 ? " i386" : "", b->new_privileges ? " new-privileges" : "",
		   b->unfiltered ? " unfiltered" : "", b->seccomp ? " own-filter" : "",
		   b->apparmor ? " apparmor=" : "", b->apparmor ? b->apparmor : "");
	print_namespaces(p, s, out);
	if (b->tty || s->service->stdin_open)
		buf_printf(out, "  has%s%s\n", b->tty ? " a terminal" : "",
			   s->service->stdin_open ? " an open input" : "");
	print_words(b->init ? "init command" : "command", b->argv, out);
	print_words("environment", b->envp, out);
	if (s->probe)
		print_words("probe", s->probe, out);
	if (s->own_probe)
		print_probe(s->own_probe, out);
	for (size_t i = 0; i < s->pre_start.n; i++)
		print_words("pre_start", s->pre_start.v[i].box.argv, out);
	for (size_t i = 0; i < s->post_start.n; i++)
		print_words("post_start", s->post_start.v[i].argv, out);
	for (size_t i = 0; i < s->exec.n; i++)
		print_words("x-exec", s->exec.v[i].argv, out);
	for (size_t i = 0; i < s->pre_stop.n; i++)
		print_words("pre_stop", s->pre_stop.v[i].argv, out);
}

static void print_end(const struct net_end_spec *e, struct buf *out)
{
	const uint8_t *m = e->mac;

	buf_printf(out, "  end %s as %s", e->text, e->host_ifname);
	if (e->kind == NET_END_SLOT || e->kind == NET_END_HOST)
		buf_printf(out, " mac=%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
			   m[5]);
	for (size_t i = 0; i < ARRAY_LEN(e->addrs); i++)
		if (e->addrs[i].ip.family)
			buf_printf(out, " addr=%s", ip_net_text(&e->addrs[i]).text);
	buf_putc(out, '\n');
}

static void print_wire(const struct net_wire_spec *w, const struct impair_ways *impair,
		       struct buf *out)
{
	buf_puts(out, "wire");
	if (w->mtu)
		buf_printf(out, " mtu=%u", w->mtu);
	buf_putc(out, '\n');
	for (size_t i = 0; i < ARRAY_LEN(w->ends); i++)
		print_end(&w->ends[i], out);
	print_impair(w->ends[0].text, impair, out);
}

static void print_edge(const struct plan *p, const struct plan_edge *e, struct buf *out)
{
	static const char *const condition[] = {
		[STACK_STARTED] = "started",
		[STACK_HEALTHY] = "healthy",
		[STACK_COMPLETED] = "completed",
	};

	buf_printf(out, "order %s after %s is %s%s\n", p->slots[e->slot].name, p->slots[e->on].name,
		   condition[e->condition], e->required ? "" : " (if it can be)");
}

void plan_print(const struct plan *p, struct buf *out)
{
	buf_printf(out, "project %s id=%08x table=%s\n", p->stack->name, p->id, p->net.table);
	if (p->uplink) {
		buf_puts(out, "isolated\n");
		print_bridge(&p->uplink->net.bridges[0], out);
		print_port(&p->uplink->net, &p->uplink->port, out);
	}
	for (size_t i = 0; i < p->net.n_bridges; i++)
		print_bridge(&p->net.bridges[i], out);
	for (size_t i = 0; i < p->n_volumes; i++)
		buf_printf(out, "volume %s%s\n", p->volumes[i].name,
			   p->volumes[i].external ? " external" : "");
	for (size_t i = 0; i < p->n_mounted; i++)
		buf_printf(out, "volume %s type=%s device=%s\n", p->mounted[i].name,
			   p->mounted[i].type, p->mounted[i].device);
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slots[i].name)
			print_slot(p, &p->slots[i], out);
	for (size_t i = 0; i < p->net.n_wires; i++)
		if (!p->net.wires[i].gone)
			print_wire(&p->net.wires[i], &p->wires[i], out);
	for (size_t i = 0; i < p->n_fills; i++)
		buf_printf(out, "fill %s from %s of %s\n", p->fills[i].volume, p->fills[i].target,
			   p->fills[i].slot->name);
	for (size_t i = 0; i < p->n_edges; i++)
		print_edge(p, &p->edges[i], out);
}
