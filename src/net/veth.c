/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * veth: attaches slots to networks: to bridges here, to devices of the host by macvlan.c. Called by sup through net_attach. All links of a call
 * are made by one send, each by one message that also makes its peer within the slot's
 * namespace; moving a link there later would cost 20 ms of a lock that the whole machine
 * shares. Failures are told slot by slot, since rtnetlink goes on after a failed message.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "net/addr.h"
#include "net/ifsysctl.h"
#include "net/lan.h"
#include "net/link.h"
#include "net/macvlan.h"
#include "net/net.h"
#include "net/portwatch.h"
#include "net/route.h"
#include "net/vlan.h"

/* One link to be made. */
struct end {
	struct net_attach *slot;
	const struct net_port_spec *port;
	uint32_t item;	   /* in the ledger */
	int outer, inner;  /* indexes, 0 until it is there */
	bool within, sent; /* a macvlan, which has no end on the host; it has been asked for */
	bool failed;
	bool taken; /* failed because something of this name is there */
};

struct ends VEC(struct end);

static void take_error(void *arg, const struct nl_error *error)
{
	struct ends *ends = arg;
	struct end *e = &ends->v[error->tag];

	if (!e->failed)
		e->taken = error->sys == EEXIST;
	e->failed = true;
	/* The first failure of a slot is what is told; later ones follow from it. */
	if (e->slot->err.text[0])
		return;
	nl_error_set(&e->slot->err, error);
	err_wrap(&e->slot->err, "link '%s' ('%s')", e->port->ifname, e->port->host_ifname);
}

static void take_outer(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct ends *ends = arg;
	struct link_info l;

	link_parse(m, &l);
	/* After a failed creation this is somebody else's link. */
	if (!ends->v[tag].failed)
		ends->v[tag].outer = l.index;
}

static int create(struct net *n, struct ends *ends, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .message = take_outer, .error = take_error, .arg = ends };

	nl_batch_init(&b);
	for (size_t i = 0; i < ends->n; i++) {
		struct end *e = &ends->v[i];
		struct link_veth veth = {
			.host_ifname = e->port->host_ifname,
			.ifname = e->port->ifname,
			.mac = e->port->mac,
			.master = n->bridges[e->port->bridge],
			.netns_fd = e->slot->netns_fd,
			.group = link_group(n->spec->id),
			.mtu = n->spec->bridges[e->port->bridge].mtu,
			.host_mtu = n->spec->bridges[e->port->bridge].mtu,
			.up = true,
			.last = !lan_is_bridge(&n->spec->bridges[e->port->bridge]),
		};

		if (e->outer || e->failed || e->sent || (!e->item && !e->within))
			continue;
		b.tag = (unsigned)i;
		if (e->within) {
			macvlan_put(&b, n, e->port, e->slot->netns_fd);
			e->sent = true;
			continue;
		}
		link_put_veth(&b, &veth);
		link_put_get(&b, e->port->host_ifname);
	}
	return nl_transact(n->rtnl, &b, &sink, err);
}

/*
 * Namespaces die on the kernel's own time: what has our name may be the host end of a slot
 * that is gone. Takes it away unless it went by itself just now. Returns whether another
 * try makes sense.
 */
bool veth_clear_leftover(const struct net *n, const char *ifname)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info l;
	int rc = link_find(n->rtnl, ifname, &l, NULL);

	nl_batch_init(&b);
	if (rc)
		return rc > 0;
	if (!link_is_ours(&l) || l.group != link_group(n->spec->id))
		return false;
	link_put_delete(&b, l.index);
	nl_tolerate(&b, ENODEV);
	return !nl_transact(n->rtnl, &b, NULL, NULL);
}

static bool clear_leftovers(const struct net *n, struct ends *ends)
{
	bool any = false;

	for (size_t i = 0; i < ends->n; i++) {
		struct end *e = &ends->v[i];

		if (!e->taken || e->within || !veth_clear_leftover(n, e->port->host_ifname))
			continue;
		e->slot->err = (struct err){ 0 };
		e->taken = e->failed = false;
		any = true;
	}
	return any;
}

static void enter(struct net *n, struct ends *ends)
{
	for (size_t i = 0; i < ends->n; i++) {
		struct end *e = &ends->v[i];

		if (e->within)
			continue;
		e->item = ledger_intend(n->ledger, "veth", e->slot->ledger_parent,
					e->port->host_ifname, &e->slot->err);
	}
}

static void confirm(struct net *n, struct ends *ends)
{
	for (size_t i = 0; i < ends->n; i++) {
		struct end *e = &ends->v[i];

		/*
		 * A foreign link of our name stays in the ledger as an intent: undo finds
		 * that it is not ours.
		 */
		if (e->outer)
			ledger_done(n->ledger, e->item, (uint64_t)e->outer, 0, &e->slot->err);
		else if (!e->slot->err.text[0] && !e->within)
			err_set(&e->slot->err, "link '%s' ('%s'): could not be made",
				e->port->ifname, e->port->host_ifname);
	}
}

/*
 * Where frames within a bridge pass netfilter, those of a container that calls its own published port are turned round
 * within the bridge, which would not send them back to where they came from. docker switches this on for the whole host.
 */
static bool bridges_are_filtered(void)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	return file_read(AT_FDCWD, "/proc/sys/net/bridge/bridge-nf-call-iptables", 16, &b) >= 0 &&
	       *buf_str(&b) == '1';
}

static int name(struct net *n, struct ends *ends, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .error = take_error, .arg = ends };
	bool filtered = bridges_are_filtered();

	nl_batch_init(&b);
	for (size_t i = 0; i < ends->n; i++) {
		if (!ends->v[i].outer)
			continue;
		b.tag = (unsigned)i;
		link_put_alias(&b, ends->v[i].outer, ends->v[i].port->alias);
		link_put_quiet(&b, ends->v[i].outer);
		if (filtered && ends->v[i].port->hairpin)
			link_put_hairpin(&b, ends->v[i].outer);
		if (n->spec->bridges[ends->v[i].port->bridge].isolated)
			link_put_isolated(&b, ends->v[i].outer);
		vlan_put_port(&b, ends->v[i].outer, ends->v[i].port);
	}
	return nl_transact(n->rtnl, &b, &sink, err);
}

static void take_inner(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct end *ends = arg;
	struct link_info l;

	link_parse(m, &l);
	ends[tag].inner = l.index;
}

static int transact_inside(const struct net_attach *slot, struct nl_batch *b, struct end *ends,
			   struct err *err)
{
	struct nl_sink sink = { .message = take_inner, .arg = ends };

	if (!nl_transact(slot->rtnl_fd, b, &sink, err))
		return 0;
	return err_wrap(err, "link '%s', within",
			slot->n_ports ? slot->ports[b->failed_tag].ifname : "lo");
}

/*
 * First half: up, and which indexes the kernel has given (they are not always 2, 3, ...).
 */
static int raise_inside(const struct net_attach *slot, struct end *ends, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	link_put_up(&b, "lo");
	for (size_t i = 0; i < slot->n_ports; i++) {
		b.tag = (unsigned)i;
		link_put_quiet_named(&b, slot->ports[i].ifname);
		link_put_up(&b, slot->ports[i].ifname);
		link_put_get(&b, slot->ports[i].ifname);
	}
	return transact_inside(slot, &b, ends, err);
}

/* What the kernel would make of the hardware address, but without waiting for nobody to object. */
static void put_link_local(struct nl_batch *b, int index, const uint8_t mac[6])
{
	struct ip_net net = { { AF_INET6, { 0xfe, 0x80 } }, 64 };
	uint8_t *id = net.ip.bytes + 8;

	memcpy(id, mac, 3);
	id[0] ^= 2;
	id[3] = 0xff;
	id[4] = 0xfe;
	memcpy(id + 5, mac + 3, 3);
	addr_put(b, index, &net);
}

static void put_addresses(struct nl_batch *b, int index, const struct net_port_spec *port)
{
	if (port->ip4.ip.family)
		addr_put(b, index, &port->ip4);
	if (port->ip6.ip.family) {
		put_link_local(b, index, port->mac);
		addr_put(b, index, &port->ip6);
	}
	for (size_t i = 0; i < port->n_link_locals; i++)
		addr_put(b, index, &port->link_locals[i]);
	if (port->gateway4.family)
		route_put_default(b, index, &port->gateway4);
	if (port->gateway6.family)
		route_put_default(b, index, &port->gateway6);
}

static int address_inside(const struct net_attach *slot, struct end *ends, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	for (size_t i = 0; i < slot->n_ports; i++) {
		const struct net_port_spec *port = &slot->ports[i];

		b.tag = (unsigned)i;
		put_addresses(&b, ends[i].inner, port);
	}
	return transact_inside(slot, &b, ends, err);
}

/* `ends`: those of this slot. */
static void configure(struct net *n, struct net_attach *slot, struct end *ends)
{
	_cleanup_free_ struct portwatch_link *links = xcalloc(slot->n_ports + 1, sizeof(*links));
	size_t n_links = 0;

	if (slot->err.text[0])
		return;
	nl_tune(slot->rtnl_fd);
	if (ifsysctl_apply(slot, &slot->err) || macvlan_raise(n, slot, &slot->err) ||
	    raise_inside(slot, ends, &slot->err) || address_inside(slot, ends, &slot->err) ||
	    !n->watch)
		return;
	for (size_t i = 0; i < slot->n_ports; i++)
		if (ends[i].outer)
			links[n_links++] =
				(struct portwatch_link){ ends[i].outer,
							 n->bridges[slot->ports[i].bridge] };
	portwatch_add(n->watch, slot->token, links, n_links);
}

static int make_links(struct net *n, struct ends *ends, struct err *err)
{
	if (create(n, ends, err) || (clear_leftovers(n, ends) && create(n, ends, err)))
		return -1;
	confirm(n, ends);
	return name(n, ends, err);
}

int net_attach(struct net *n, struct net_attach *slots, size_t count, struct err *err)
{
	struct end none = { 0 }; /* of slots without a port */
	struct ends ends = { 0 };
	size_t first = 0;
	int rc;

	for (size_t i = 0; i < count; i++) {
		slots[i].err = (struct err){ 0 };
		for (size_t j = 0; j < slots[i].n_ports; j++) {
			assert(slots[i].ports[j].bridge < n->spec->n_bridges);
			vec_push(&ends,
				 ((struct end){ .slot = &slots[i],
						.port = &slots[i].ports[j],
						.within = macvlan_is(n, &slots[i].ports[j]) }));
		}
	}
	enter(n, &ends);
	rc = make_links(n, &ends, err);
	for (size_t i = 0; !rc && i < count; first += slots[i++].n_ports)
		configure(n, &slots[i], ends.n ? &ends.v[first] : &none);
	vec_fini(&ends);
	return rc;
}
