/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isolated: a stack whose networks are in a network namespace of their own. Called by run.c and wherever ports are published.
 *
 * For the host such a stack is one network with one container on it: the namespace that holds everything else. So nothing of
 * the net room is made twice: `uplink` is a net in the host's namespace, `net` one whose sockets were opened in the
 * stack's. The supervisor goes there for a moment, to open sockets, and comes back; what is made there dies with its last holder.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/net_resume.h"
#include "mstack/rootless.h"
#include "sup/keeping.h"

bool sup_is_isolated(bool asked)
{
	return asked && !rootless_is_user();
}

/* ---- going there ----------------------------------------------------------------------------- */

static int make_namespace(struct sup *s, int *ret_rtnl, struct err *err)
{
	s->host_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->host_ns < 0 || unshare(CLONE_NEWNET) < 0)
		return err_sys(err, errno, "isolated: make a network namespace");
	s->stack_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	*ret_rtnl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (s->stack_ns < 0 || *ret_rtnl < 0)
		err_sys(err, errno, "isolated: look at the new network namespace");
	net_become_router();
	sup_leave(s);
	return s->stack_ns < 0 || *ret_rtnl < 0 ? -1 : 0;
}

int sup_enter(struct sup *s, struct err *err)
{
	if (s->stack_ns >= 0 && setns(s->stack_ns, CLONE_NEWNET) < 0)
		return err_sys(err, errno, "isolated: enter the network namespace");
	return 0;
}

/* What would be done in the wrong place then is worse than an end, after which the guard clears up. */
void sup_leave(const struct sup *s)
{
	if (s->host_ns >= 0 && setns(s->host_ns, CLONE_NEWNET) < 0)
		abort();
}

/* ---- the way out ----------------------------------------------------------------------------- */

/* Containers do not wait for it: their own bridges are what they wait for. */
static void uplink_event(void *arg, const struct net_event *ev)
{
	if (ev->kind == NET_NOTE)
		sup_net_event(arg, ev);
}

static int attach(struct sup *s, int rtnl, struct err *err)
{
	struct net_attach a = { .netns_fd = s->stack_ns,
				.rtnl_fd = rtnl,
				.ports = &s->plan->uplink->port,
				.n_ports = 1 };

	if (net_attach(s->uplink, &a, 1, err) < 0)
		return -1;
	if (a.err.text[0])
		*err = a.err;
	return a.err.text[0] ? -1 : 0;
}

int sup_isolate(struct sup *s, struct err *err)
{
	_cleanup_fd_ int rtnl = -1;

	if (net_up(s->uplink, err) < 0 || make_namespace(s, &rtnl, err) < 0)
		return -1;
	if (attach(s, rtnl, err) < 0)
		return err_wrap(err, "isolated");
	sup_netns_link_stack(s);
	return 0;
}

int sup_uplink_open(struct sup *s, struct err *err)
{
	s->uplink = net_open(s->loop, &s->plan->uplink->net, s->ledger, uplink_event, s, err);
	if (s->uplink)
		net_use_porch(s->uplink, s->porch);
	return s->uplink ? 0 : -1;
}

int sup_uplink_resume(struct sup *s, struct carry *from, struct err *err)
{
	s->uplink =
		net_resume(s->loop, &s->plan->uplink->net, from, s->ledger, uplink_event, s, err);
	if (s->uplink)
		net_use_porch(s->uplink, s->porch);
	return s->uplink ? 0 : -1;
}

/* ---- ports ----------------------------------------------------------------------------------- */

static struct net_publish_spec *outside(const struct sup *s, const struct net_publish_spec *pubs,
					size_t n)
{
	struct net_publish_spec *all = xcalloc(n + 1, sizeof(*all));

	for (size_t i = 0; i < n; i++)
		all[i] = plan_outside(s->plan, &pubs[i]);
	return all;
}

int sup_reserve(struct sup *s, struct net_publish_spec *pubs, size_t n, struct err *err)
{
	_cleanup_free_ struct net_publish_spec *all = NULL;
	int rc;

	sup_handing_refresh(s);
	net_tell_holders(s->uplink ? s->uplink : s->net, sup_port_holder, s);
	if (!s->uplink)
		return net_reserve(s->net, pubs, n, err);
	all = outside(s, pubs, n);
	rc = net_reserve(s->uplink, all, n, err);
	for (size_t i = 0; rc >= 0 && i < n; i++)
		pubs[i].host_port = all[i].host_port;
	return rc;
}

void sup_release(struct sup *s, const char *owner)
{
	s->handing.released = true;
	net_release(s->uplink ? s->uplink : s->net, owner);
}

void sup_release_ports(struct sup *s, const struct net_publish_spec *pubs, size_t n)
{
	_cleanup_free_ struct net_publish_spec *out = s->uplink ? outside(s, pubs, n) : NULL;

	s->handing.released = true;
	net_release_ports(out ? s->uplink : s->net, out ? out : pubs, n);
}

void sup_proxy(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add)
{
	_cleanup_free_ struct net_publish_spec *out = s->uplink ? outside(s, pubs, n) : NULL;

	if (s->names)
		net_names_proxy(s->names, out ? s->uplink : s->net, out ? out : pubs, n, add);
}

int sup_publish_rules(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add,
		      struct err *err)
{
	_cleanup_free_ struct net_publish_spec *out = NULL, *in = NULL;

	if (!s->uplink)
		return net_publish(s->net, pubs, n, add, err);
	out = outside(s, pubs, n);
	in = xcalloc(n + 1, sizeof(*in));
	for (size_t i = 0; i < n; i++)
		in[i] = plan_inside(&pubs[i]);
	if (net_publish(s->net, in, n, add, err) < 0)
		return -1;
	return net_publish(s->uplink, out, n, add, err) < 0 ? -1 : 0;
}

int sup_publish(struct sup *s, const struct net_publish_spec *pubs, size_t n, bool add,
		struct err *err)
{
	if (sup_publish_rules(s, pubs, n, add, err) < 0)
		return -1;
	sup_proxy(s, pubs, n, add);
	return 0;
}
