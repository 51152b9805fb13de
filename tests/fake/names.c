/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names that nobody answers for. Follows the contract of mstack/net_names.h: what is added can listen, until it is dropped. */
#include <assert.h>

#include "fake/fake.h"
#include "mstack/net_resume.h"

enum { SLOTS_MAX = 1024 };

struct net_names {
	bool there[SLOTS_MAX], listens[SLOTS_MAX];
};

struct net_names *net_names_open(struct ev_loop *loop, const char *resolv_conf,
				 struct net_porch *porch, bool outlives, net_event_fn *fn,
				 void *arg, struct err *err)
{
	(void)porch;
	(void)outlives;
	(void)loop;
	(void)resolv_conf;
	(void)fn;
	(void)arg;
	(void)err;
	return xcalloc(1, sizeof(struct net_names));
}

void net_names_carry(const struct net_names *n, struct carry *to)
{
	(void)n;
	(void)to;
}

struct net_names *net_names_resume(struct ev_loop *loop, const char *resolv_conf,
				   struct net_porch *porch, bool outlives, net_event_fn *fn,
				   void *arg)
{
	return net_names_open(loop, resolv_conf, porch, outlives, fn, arg, NULL);
}

void net_names_listens(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets)
{
	(void)sockets;
	assert(n->there[slot] && !n->listens[slot]);
	n->listens[slot] = true;
}

int net_names_resumed(struct net_names *n, struct carry *from, bool exact, struct err *err)
{
	(void)n;
	(void)from;
	(void)exact;
	(void)err;
	return 0;
}

void net_names_networks(struct net_names *n, const struct net_spec *spec, size_t first)
{
	(void)n;
	assert(first <= spec->n_bridges);
}

void net_names_add(struct net_names *n, uint32_t slot, const struct net_names_spec *spec)
{
	assert(slot < SLOTS_MAX && spec->n_at);
	n->there[slot] = true;
	n->listens[slot] = false;
}

int net_names_listen(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets,
		     struct err *err)
{
	(void)sockets;
	(void)err;
	assert(n->there[slot] && !n->listens[slot]);
	n->listens[slot] = true;
	return 0;
}

void net_names_up(struct net_names *n, uint32_t slot, bool up)
{
	(void)n;
	(void)slot;
	(void)up;
}

void net_names_change(struct net_names *n, uint32_t slot, const struct net_names_spec *spec)
{
	(void)n;
	(void)spec;
	fake_note("names change %u", slot);
}

void net_names_drop(struct net_names *n, uint32_t slot)
{
	n->there[slot] = false;
}

void net_names_outlive(struct net_names *n, bool outlives)
{
	(void)n;
	fake_note("names outlive %d", outlives);
}

pid_t net_names_pid(const struct net_names *n)
{
	(void)n;
	return 0;
}

void net_names_close(struct net_names *n)
{
	free(n);
}

void net_names_proxy(struct net_names *n, const struct net *net, const struct net_publish_spec *pubs, size_t count,
		     bool add)
{
	(void)n;
	(void)net;
	(void)pubs;
	(void)count;
	(void)add;
}
