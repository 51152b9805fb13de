/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network without links. Follows the contract of mstack/net.h. */
#include <errno.h>
#include <ev.h>
#include <stdio.h>

#include "fake/fake.h"
#include "mstack/net_resume.h"

enum { SLOTS_MAX = 64 };

struct net {
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	ev_timer timer;
	uint64_t tokens[SLOTS_MAX], wires[SLOTS_MAX];
	size_t n, n_wires;
	const struct net_spec *spec;
	bool pulled[SLOTS_MAX], made[SLOTS_MAX];
};

static void ready_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct net *n = w->data;

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < n->n; i++)
		n->fn(n->arg, &(struct net_event){ .kind = NET_READY, .token = n->tokens[i] });
	for (size_t i = 0; i < n->n_wires; i++)
		n->fn(n->arg, &(struct net_event){ .kind = NET_WIRED, .token = n->wires[i] });
	n->n = n->n_wires = 0;
}

int net_facts_get(struct net_facts *ret, struct err *err)
{
	(void)err;
	*ret = (struct net_facts){ .mtu = 1500 };
	return 0;
}

void net_facts_fini(struct net_facts *f)
{
	(void)f;
}

bool net_busy(const struct net *n)
{
	return fake_world->links_wait || (n && (n->n || n->n_wires));
}

void net_carry(const struct net *n, struct carry *to)
{
	(void)n;
	(void)to;
}

void net_forgotten(struct net *n)
{
	(void)n;
}

struct net *net_resume(struct ev_loop *loop, const struct net_spec *spec, struct carry *from,
		       struct ledger *ledger, net_event_fn *fn, void *arg, struct err *err)
{
	(void)from;
	return net_open(loop, spec, ledger, fn, arg, err);
}

struct net *net_open(struct ev_loop *loop, const struct net_spec *spec, struct ledger *ledger,
		     net_event_fn *fn, void *arg, struct err *err)
{
	struct net *n = xcalloc(1, sizeof(*n));

	(void)ledger;
	(void)err;
	n->spec = spec;
	n->loop = loop;
	n->fn = fn;
	n->arg = arg;
	ev_timer_init(&n->timer, ready_cb, 0, 0);
	n->timer.data = n;
	return n;
}

int net_up(struct net *n, struct err *err)
{
	(void)n;
	(void)err;
	fake_note("net up");
	return 0;
}

int net_grow(struct net *n, struct err *err)
{
	(void)n;
	(void)err;
	fake_note("net grow");
	return 0;
}

int net_change(struct net *n, const struct net_spec *spec, struct err *err)
{
	(void)err;
	n->spec = spec;
	fake_note("net change");
	return 0;
}

void net_disconnect(struct net *n, size_t wire)
{
	n->made[wire] = false;
	fake_note("disconnect %zu", wire);
}

size_t net_held(const struct net_publish_spec *pubs, size_t count)
{
	(void)pubs;
	return count;
}

void net_release(struct net *n, const char *owner)
{
	(void)n;
	fake_note("release %s", owner);
}

void net_release_ports(struct net *n, const struct net_publish_spec *pubs, size_t count)
{
	(void)n;
	for (size_t i = 0; i < count; i++)
		fake_note("release %s port %u", pubs[i].owner, pubs[i].host_port);
}

void net_down(struct net *n)
{
	(void)n;
	fake_note("net down");
}

void net_tell_holders(struct net *n, net_holder_fn *fn, void *arg)
{
	(void)n;
	(void)fn;
	(void)arg;
}

int net_reserve(struct net *n, struct net_publish_spec *pubs, size_t count, struct err *err)
{
	(void)n;
	(void)pubs;
	if (count && fake_world->port_taken)
		return err_sys(err, EADDRINUSE, "port taken");
	return 0;
}

int net_check_ports(struct net_publish_spec *pubs, size_t count, net_holder_fn *fn, void *arg,
		    struct err *err)
{
	(void)fn;
	(void)arg;
	return net_reserve(NULL, pubs, count, err);
}

int net_attach(struct net *n, struct net_attach *slots, size_t count, struct err *err)
{
	fake_note("attach %zu", count);
	for (size_t i = 0; i < count; i++) {
		char name[64] = "";

		if (slots[i].n_ports)
			sscanf(slots[i].ports[0].alias, "mstack:t:%63s", name);
		if (fake_slot(name)->attach_fails)
			err_set(&slots[i].err, "no link today");
		else if (n->n < SLOTS_MAX)
			n->tokens[n->n++] = slots[i].token;
	}
	(void)err;
	ev_timer_stop(n->loop, &n->timer);
	ev_timer_set(&n->timer, 0, 0);
	ev_timer_start(n->loop, &n->timer);
	return 0;
}

void net_detach(const struct net_attach *slot)
{
	(void)slot;
}

int net_impair_probe(struct impair_facts *ret, struct err *err)
{
	(void)err;
	fake_note("probe impairments");
	*ret = (struct impair_facts){ .queues = true,
				      .netem = !fake_world->no_netem,
				      .loss = true };
	return 0;
}

int net_impair(struct net *n, const struct impair_facts *f, const struct net_impair_spec *spec,
	       struct err *err)
{
	_cleanup_(buf_fini) struct buf egress = { 0 }, ingress = { 0 };

	(void)n;
	(void)f;
	if (fake_world->impair_fails && fake_world->impair_fails--)
		return err_set(err, "no queue today");
	impair_text(&spec->want.way[IMPAIR_EGRESS], &egress);
	impair_text(&spec->want.way[IMPAIR_INGRESS], &ingress);
	fake_note("impair %s%s%s egress %s ingress %s", spec->ends[0].ifname,
		  spec->ends[1].host_ifname ? " to " : "",
		  spec->ends[1].host_ifname ? spec->ends[1].ifname : "", buf_str(&egress),
		  buf_str(&ingress));
	return 0;
}

static void wake(struct net *n)
{
	ev_timer_stop(n->loop, &n->timer);
	ev_timer_set(&n->timer, 0, 0);
	ev_timer_start(n->loop, &n->timer);
}

int net_connect(struct net *n, struct net_connect *wires, size_t count, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++) {
		const struct net_end_spec *ends = n->spec->wires[wires[i].wire].ends;

		fake_note("connect %s %s", ends[0].text, ends[1].text);
		if (fake_world->wires_fail) {
			err_set(&wires[i].err, "no wire today");
			continue;
		}
		n->wires[n->n_wires++] = wires[i].wire;
		n->made[wires[i].wire] = true;
	}
	wake(n);
	return 0;
}

int net_wire_pull(struct net *n, size_t wire, bool pulled, struct err *err)
{
	(void)err;
	n->pulled[wire] = pulled;
	fake_note("%s wire %zu", pulled ? "pull" : "plug", wire);
	return 0;
}

int net_port_pull(struct net *n, const char *host_ifname, bool pulled, struct err *err)
{
	(void)n;
	(void)host_ifname;
	(void)err;
	fake_note("%s port", pulled ? "pull" : "plug");
	return 0;
}

struct net_link_state net_wire_state(struct net *n, size_t wire)
{
	return (struct net_link_state){ !n->made[wire]	  ? NET_ABSENT
					: n->pulled[wire] ? NET_PULLED
							  : NET_CARRIER,
					1500 };
}

struct net_link_state net_inner_state(int rtnl_fd, const char *ifname)
{
	(void)rtnl_fd;
	(void)ifname;
	return (struct net_link_state){ NET_CARRIER, 1500 };
}

struct net_link_state net_port_state(struct net *n, const char *host_ifname)
{
	(void)n;
	(void)host_ifname;
	return (struct net_link_state){ NET_CARRIER, 1500 };
}

int net_publish(struct net *n, const struct net_publish_spec *pubs, size_t count, bool add,
		struct err *err)
{
	(void)n;
	(void)pubs;
	(void)err;
	fake_note("%s %zu", add ? "publish" : "unpublish", count);
	return 0;
}

void net_become_router(void)
{
}

void net_close(struct net *n)
{
	if (!n)
		return;
	ev_timer_stop(n->loop, &n->timer);
	free(n);
}

const struct ledger_kind *const net_ledger_kinds[] = { NULL };
