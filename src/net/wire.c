/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: makes lab wires. Called by sup through net_connect, when the namespaces of both ends are
 * there. The order keeps the host off the wire: host ends are born down, then come the rules that
 * lead past the host, then they go up without addresses of their own, and the inner ends last.
 * Failures are told wire by wire.
 */
#include <assert.h>
#include <errno.h>

#include "net/addr.h"
#include "net/link.h"
#include "net/wirewatch.h"

/* The host ends take whatever the inner ones are set to later. */
#define MTU_MAX	    65535u
#define MTU_DEFAULT 1500u

/* One host end to be made. */
struct end {
	struct net_connect *wire;
	const struct net_end_spec *spec;
	int side;
	uint32_t item; /* in the ledger */
	int index;     /* 0 until it is there */
	bool failed, taken;
};

struct making {
	struct net *n;
	struct end *ends;
	size_t n_ends;
};

/* ---- before anything is there ---------------------------------------------------------------- */

static int complain(const struct net_wire_spec *w, const struct net_end_spec *e, struct err *err)
{
	err_wrap(err, "x-links: '%s'", e->text);
	err->line = w->line;
	return -1;
}

static int check_host(const struct net *n, const struct net_end_spec *e, struct err *err)
{
	struct link_info l;
	int rc = link_find(n->rtnl, e->ifname, &l, err);

	/* Of a try that failed half-way it may be ours. */
	if (!rc && veth_clear_leftover(n, e->host_ifname))
		rc = link_find(n->rtnl, e->ifname, &l, err);
	if (!rc)
		err_set(err, "this host has an interface '%s' already: choose another name",
			e->ifname);
	return rc > 0 ? 0 : -1;
}

static int check_device(const struct net *n, const struct net_end_spec *e, struct wire *ret,
			struct err *err)
{
	struct link_info l;
	int rc = link_find(n->rtnl, e->ifname, &l, err);

	if (rc > 0)
		err_set(err, "this host has no interface '%s'", e->ifname);
	else if (!rc && !ret->mtu)
		ret->mtu = l.mtu;
	return rc ? -1 : 0;
}

static int check_end(const struct net *n, const struct net_end_spec *e, struct wire *ret,
		     struct err *err)
{
	if (e->kind == NET_END_HOST)
		return check_host(n, e, err);
	return e->kind == NET_END_MACVLAN ? check_device(n, e, ret, err) : 0;
}

int wires_check(const struct net *n, struct err *err)
{
	for (size_t i = 0; i < n->spec->n_wires; i++) {
		const struct net_wire_spec *w = &n->spec->wires[i];

		/* Those that are there have been checked, and their names are theirs. */
		if (w->gone || n->wires[i].index[0])
			continue;
		n->wires[i].mtu = w->mtu;
		for (size_t k = 0; k < ARRAY_LEN(w->ends); k++)
			if (check_end(n, &w->ends[k], &n->wires[i], err))
				return complain(w, &w->ends[k], err);
		if (!n->wires[i].mtu)
			n->wires[i].mtu = MTU_DEFAULT;
	}
	return 0;
}

/* ---- host ends ------------------------------------------------------------------------------- */

static void take_error(void *arg, const struct nl_error *error)
{
	struct making *m = arg;
	struct end *e = &m->ends[error->tag];

	if (!e->failed)
		e->taken = error->sys == EEXIST;
	e->failed = true;
	/* The first failure of a wire is what is told; later ones follow from it. */
	if (e->wire->err.text[0])
		return;
	nl_error_set(&e->wire->err, error);
	complain(&m->n->spec->wires[e->wire->wire], e->spec, &e->wire->err);
}

static void take_index(void *arg, const struct nlmsghdr *msg, unsigned tag)
{
	struct making *m = arg;
	struct link_info l;

	link_parse(msg, &l);
	/* After a failed creation this is somebody else's link. */
	if (!m->ends[tag].failed)
		m->ends[tag].index = l.index;
}

static void put_veth(struct nl_batch *b, const struct making *m, const struct end *e)
{
	struct link_veth veth = {
		.host_ifname = e->spec->host_ifname,
		.ifname = e->spec->ifname,
		.mac = e->spec->mac,
		.netns_fd = e->spec->kind == NET_END_SLOT ? e->wire->ends[e->side].netns_fd : -1,
		.group = link_group(m->n->spec->id),
		.mtu = m->n->wires[e->wire->wire].mtu,
		.host_mtu = MTU_MAX,
	};

	link_put_veth(b, &veth);
}

static int put_macvlan(struct nl_batch *b, const struct making *m, struct end *e)
{
	struct err *err = &e->wire->err;
	struct link_info nic;
	int rc = link_find(m->n->rtnl, e->spec->ifname, &nic, err);

	if (rc > 0)
		err_set(err, "this host has no interface '%s' any more", e->spec->ifname);
	if (rc) {
		e->failed = true;
		return complain(&m->n->spec->wires[e->wire->wire], e->spec, err);
	}
	link_put_macvlan(b, &(struct link_macvlan){ .ifname = e->spec->host_ifname,
						    .nic = nic.index,
						    .netns_fd = -1,
						    .group = link_group(m->n->spec->id),
						    .mtu = m->n->wires[e->wire->wire].mtu });
	return 0;
}

static int put_end(struct nl_batch *b, const struct making *m, struct end *e)
{
	switch (e->spec->kind) {
	case NET_END_SLOT:
	case NET_END_HOST:
		put_veth(b, m, e);
		break;
	case NET_END_MACVLAN:
		return put_macvlan(b, m, e);
	case NET_END_VXLAN:
		link_put_vxlan(b, &(struct link_vxlan){ .ifname = e->spec->host_ifname,
							.remote = &e->spec->remote,
							.group = link_group(m->n->spec->id),
							.vni = e->spec->vni,
							.mtu = m->n->wires[e->wire->wire].mtu });
		break;
	}
	return 0;
}

static int create(struct making *m, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .message = take_index, .error = take_error, .arg = m };

	nl_batch_init(&b);
	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];

		if (e->index || e->failed || e->wire->err.text[0])
			continue;
		b.tag = (unsigned)i;
		if (!put_end(&b, m, e))
			link_put_get(&b, e->spec->host_ifname);
	}
	return nl_transact(m->n->rtnl, &b, &sink, err);
}

/* Of a veth whose namespace is dying the kernel says the same as of an inner name that is taken. */
static bool clear_leftovers(struct making *m)
{
	bool any = false;

	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];

		if (!e->taken || !veth_clear_leftover(m->n, e->spec->host_ifname))
			continue;
		e->wire->err = (struct err){ 0 };
		e->taken = e->failed = false;
		any = true;
	}
	return any;
}

static const char *ledger_kind_of(enum net_end_kind kind)
{
	static const char *const names[] = {
		[NET_END_SLOT] = "veth",
		[NET_END_HOST] = "veth",
		[NET_END_MACVLAN] = "macvlan",
		[NET_END_VXLAN] = "vxlan",
	};

	return names[kind];
}

static void enter(struct making *m)
{
	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];

		e->item = ledger_intend(m->n->ledger, ledger_kind_of(e->spec->kind),
					e->wire->ends[e->side].ledger_parent, e->spec->host_ifname,
					&e->wire->err);
		e->failed = !e->item;
	}
}

static void confirm(struct making *m)
{
	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];

		if (e->index)
			ledger_done(m->n->ledger, e->item, (uint64_t)e->index, 0, &e->wire->err);
		else if (!e->wire->err.text[0])
			err_set(&e->wire->err, "x-links: '%s': could not be made", e->spec->text);
		m->n->wires[e->wire->wire].index[e->side] = e->index;
	}
}

/* As a macvlan sees only what comes for its own address, it has that of the end behind it. */
static int name(struct making *m, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .error = take_error, .arg = m };

	nl_batch_init(&b);
	for (size_t i = 0; i < m->n_ends; i++) {
		const struct end *e = &m->ends[i];

		if (!e->index)
			continue;
		b.tag = (unsigned)i;
		link_put_alias(&b, e->index, e->spec->alias);
		link_put_quiet(&b, e->index);
		if (e->spec->kind == NET_END_MACVLAN)
			link_put_mac(&b, e->index,
				     m->n->spec->wires[e->wire->wire].ends[!e->side].mac);
	}
	return nl_transact(m->n->rtnl, &b, &sink, err);
}

/* The rules of all wires that came to be, in one transaction. */
static int join(struct making *m, struct err *err)
{
	_cleanup_free_ size_t *wires = xcalloc(m->n_ends, sizeof(*wires));
	size_t n = 0;

	for (size_t i = 0; i < m->n_ends; i += 2)
		if (!m->ends[i].wire->err.text[0])
			wires[n++] = m->ends[i].wire->wire;
	return n ? fwd_join(m->n, wires, n, err) : 0;
}

static int raise(struct making *m, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .error = take_error, .arg = m };

	nl_batch_init(&b);
	for (size_t i = 0; i < m->n_ends; i++) {
		b.tag = (unsigned)i;
		if (!m->ends[i].wire->err.text[0])
			link_put_state(&b, m->ends[i].index, true);
	}
	return nl_transact(m->n->rtnl, &b, &sink, err);
}

/* ---- inner ends ------------------------------------------------------------------------------ */

static void take_inner(void *arg, const struct nlmsghdr *msg, unsigned tag)
{
	int *index = arg;
	struct link_info l;

	(void)tag;
	link_parse(msg, &l);
	*index = l.index;
}

/* Up, which gives the carrier to both ends; the kernel has chosen its index. */
static int raise_inner(int fd, const char *ifname, int *ret_index, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .message = take_inner, .arg = ret_index };

	nl_batch_init(&b);
	link_put_up(&b, ifname);
	link_put_get(&b, ifname);
	return nl_transact(fd, &b, &sink, err);
}

static int configure(const struct net *n, const struct end *e, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	bool slot = e->spec->kind == NET_END_SLOT;
	int fd = slot ? e->wire->ends[e->side].rtnl_fd : n->rtnl, index = 0;

	if (!slot && e->spec->kind != NET_END_HOST)
		return 0;
	if (slot)
		nl_tune(fd);
	if (raise_inner(fd, e->spec->ifname, &index, err))
		return -1;
	nl_batch_init(&b);
	for (size_t i = 0; i < ARRAY_LEN(e->spec->addrs); i++)
		if (e->spec->addrs[i].ip.family)
			addr_put(&b, index, &e->spec->addrs[i]);
	return nl_transact(fd, &b, NULL, err);
}

static void finish(struct making *m)
{
	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];
		struct err *err = &e->wire->err;

		if (!err->text[0] && configure(m->n, e, err))
			complain(&m->n->spec->wires[e->wire->wire], e->spec, err);
	}
	for (size_t i = 0; i < m->n_ends; i += 2)
		if (!m->ends[i].wire->err.text[0] && m->n->wire_watch)
			wirewatch_add(m->n->wire_watch, m->ends[i].wire->wire);
}

/* Half a wire is none: whoever tries again begins anew. What the kernel told nothing of may be there; what may stay is the ledger's to undo. */
static void abandon(struct making *m)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	bool deleted;

	nl_batch_init(&b);
	for (size_t i = 0; i < m->n_ends; i++) {
		struct end *e = &m->ends[i];

		if (!e->wire->err.text[0])
			continue;
		m->n->wires[e->wire->wire].index[e->side] = 0;
		if (e->index) {
			link_put_delete(&b, e->index);
			nl_tolerate(&b, ENODEV);
		}
	}
	deleted = !nl_transact(m->n->rtnl, &b, NULL, NULL);
	for (size_t i = 0; i < m->n_ends; i++) {
		const struct end *e = &m->ends[i];

		if (e->wire->err.text[0] && e->item &&
		    (e->index ? deleted : veth_clear_leftover(m->n, e->spec->host_ifname)))
			ledger_gone(m->n->ledger, e->item, &(struct err){ 0 });
	}
}

static int connect_all(struct making *m, struct err *err)
{
	enter(m);
	if (create(m, err) || (clear_leftovers(m) && create(m, err)))
		return -1;
	confirm(m);
	if (name(m, err) || join(m, err) || raise(m, err))
		return -1;
	finish(m);
	return 0;
}

int net_connect(struct net *n, struct net_connect *wires, size_t count, struct err *err)
{
	_cleanup_free_ struct end *ends = xcalloc(2 * count + 1, sizeof(*ends));
	struct making m = { .n = n, .ends = ends, .n_ends = 2 * count };
	int rc;

	for (size_t i = 0; i < m.n_ends; i++) {
		struct net_connect *w = &wires[i / 2];

		assert(w->wire < n->spec->n_wires && !n->wires[w->wire].index[i % 2]);
		w->err = (struct err){ 0 };
		ends[i] = (struct end){ .wire = w,
					.side = (int)(i % 2),
					.spec = &n->spec->wires[w->wire].ends[i % 2] };
	}
	rc = connect_all(&m, err);
	for (size_t i = 0; rc && i < count; i++)
		wires[i].err = *err;
	abandon(&m);
	return rc;
}
