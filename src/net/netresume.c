/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netresume: the network of a stack, handed to the program that takes our place by execve. Called by sup, when nobody waits for links.
 * The sockets go over as they are: the table belongs to one of them, and what the kernel tells meanwhile waits in others.
 * Bridges and wires are found again by their names, so that their numbers in the next program's spec may be others.
 */
#include <unistd.h>

#include "mstack/net_resume.h"
#include "net/beside.h"
#include "net/net.h"
#include "net/portwatch.h"
#include "net/wirewatch.h"

static const struct {
	const char *name;
	size_t at;
} flags[] = {
	{ "table", offsetof(struct net, has_table) },
	{ "drops", offsetof(struct net, has_drops) },
	{ "uplinks4", offsetof(struct net, has_uplinks4) },
	{ "uplinks6", offsetof(struct net, has_uplinks6) },
	{ "udp", offsetof(struct net, has_udp) },
	{ "fwd", offsetof(struct net, has_fwd) },
	{ "no-guard", offsetof(struct net, no_guard) },
};

/* ---- writing it down ------------------------------------------------------------------------- */

bool net_busy(const struct net *n)
{
	for (size_t i = 0; i < n->spec->n_wires; i++)
		if (n->wires[i].awaited)
			return true;
	return n->first < n->spec->n_bridges || portwatch_busy(n->watch);
}

static void carry_wire(const struct net *n, size_t i, struct carry *to)
{
	const struct wire *w = &n->wires[i];

	carry_put(to, "name", n->spec->wires[i].ends[0].host_ifname);
	carry_put_num(to, "index", w->index[0]);
	carry_put_num(to, "other-index", w->index[1]);
	carry_put_num(to, "mtu", w->mtu);
	carry_put_num(to, "pulled", w->pulled);
}

void net_carry(const struct net *n, struct carry *to)
{
	carry_put_fd(to, "rtnl", n->rtnl);
	carry_put_fd(to, "nft", n->nft);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		carry_put_num(to, flags[i].name, *((const bool *)((const char *)n + flags[i].at)));
	for (size_t i = 0; i < n->spec->n_bridges; i++) {
		struct carry *bridge;

		/* One that came later may have its name. */
		if (n->spec->bridges[i].gone)
			continue;
		bridge = carry_add(to, "bridge");
		carry_put(bridge, "name", n->spec->bridges[i].ifname);
		carry_put_num(bridge, "index", n->bridges[i]);
	}
	for (size_t i = 0; i < n->spec->n_wires; i++)
		carry_wire(n, i, carry_add(to, "wire"));
	holds_carry(n, to);
	portwatch_carry(n->watch, carry_add(to, "ports"));
	beside_carry(n->beside, carry_add(to, "beside"));
	if (n->wire_watch)
		wirewatch_carry(n->wire_watch, carry_add(to, "wires"));
}

/* ---- taking it up ---------------------------------------------------------------------------- */

static const struct carry *find(const struct carry *from, const char *what, const char *name)
{
	for (const struct carry *c = NULL; (c = carry_next(from, what, c));) {
		const char *own = carry_text(c, "name");

		if (own && !strcmp(own, name))
			return c;
	}
	return NULL;
}

static int resume_bridges(struct net *n, const struct carry *from, struct err *err)
{
	for (size_t i = 0; i < n->spec->n_bridges; i++) {
		const char *name = n->spec->bridges[i].ifname;
		const struct carry *own = find(from, "bridge", name);

		if (n->spec->bridges[i].gone)
			continue;
		n->bridges[i] = own ? (int)carry_num(own, "index", 0) : 0;
		if (!own)
			return err_set(err, "network: bridge '%s' was not carried over", name);
	}
	n->first = n->spec->n_bridges;
	return 0;
}

/* One that is not there was not made yet. */
static void resume_wires(struct net *n, const struct carry *from)
{
	for (size_t i = 0; i < n->spec->n_wires; i++) {
		const struct carry *own = find(from, "wire", n->spec->wires[i].ends[0].host_ifname);

		if (!own)
			continue;
		n->wires[i].index[0] = (int)carry_num(own, "index", 0);
		n->wires[i].index[1] = (int)carry_num(own, "other-index", 0);
		n->wires[i].mtu = (unsigned)carry_num(own, "mtu", 0);
		n->wires[i].pulled = carry_num(own, "pulled", 0);
	}
}

/* What net_open would open: none of it anew, so it does not matter in whose network namespace we are. */
static int resume_watches(struct net *n, struct carry *from, net_event_fn *fn, void *arg,
			  struct err *err)
{
	struct carry *ports = carry_next(from, "ports", NULL);
	struct carry *beside = carry_next(from, "beside", NULL);
	struct carry *wires = carry_next(from, "wires", NULL);

	n->watch = ports ? portwatch_resume(n->loop, ports, fn, arg) : NULL;
	n->beside = beside ? beside_resume(n, beside, fn, arg) : NULL;
	if (!n->watch || !n->beside)
		return err_set(err, "network: its sockets were not carried over");
	if (!n->spec->n_wires)
		return 0;
	n->wire_watch =
		wires ? wirewatch_resume(n, wires, fn, arg) : wirewatch_open(n, fn, arg, err);
	return n->wire_watch ? 0 : -1;
}

static int resume(struct net *n, struct carry *from, net_event_fn *fn, void *arg, struct err *err)
{
	n->rtnl = carry_take_fd(from, "rtnl");
	n->nft = carry_take_fd(from, "nft");
	if (n->rtnl < 0 || n->nft < 0)
		return err_set(err, "network: its sockets were not carried over");
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		*((bool *)((char *)n + flags[i].at)) = carry_num(from, flags[i].name, 0);
	if (resume_bridges(n, from, err) < 0)
		return -1;
	resume_wires(n, from);
	holds_resume(n, from);
	return resume_watches(n, from, fn, arg, err);
}

struct net *net_resume(struct ev_loop *loop, const struct net_spec *spec, struct carry *from,
		       struct ledger *ledger, net_event_fn *fn, void *arg, struct err *err)
{
	struct net *n = xcalloc(1, sizeof(*n));

	*n = (struct net){ .loop = loop, .spec = spec, .ledger = ledger, .rtnl = -1, .nft = -1 };
	n->bridges = xcalloc(spec->n_bridges + 1, sizeof(*n->bridges));
	n->wires = xcalloc(spec->n_wires + 1, sizeof(*n->wires));
	if (resume(n, from, fn, arg, err) == 0)
		return n;
	net_close(n);
	return NULL;
}
