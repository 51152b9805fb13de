/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A porch that nobody stands on: stacks of these tests are root's. Follows the contract of mstack/net_porch.h as far as it is asked for. */
#include <errno.h>

#include "fake/fake.h"
#include "mstack/net_porch.h"

struct net_porch *net_porch_open(struct err *err)
{
	err_set(err, "there is no host here");
	return NULL;
}

int net_porch_enter(struct net_porch *p, struct err *err)
{
	(void)p;
	return err_set(err, "there is no host here");
}

const char *net_porch_await(struct net_porch *p)
{
	(void)p;
	return NULL;
}

bool net_porch_is_lost(const struct net_porch *p)
{
	(void)p;
	return false;
}

void net_porch_hear(struct net_porch *p, struct ev_loop *loop, net_event_fn *fn, void *arg)
{
	(void)p;
	(void)loop;
	(void)fn;
	(void)arg;
}

int net_porch_socket(struct net_porch *p, int family, int type)
{
	(void)p;
	(void)family;
	(void)type;
	errno = ENETUNREACH;
	return -1;
}

void net_use_porch(struct net *n, struct net_porch *p)
{
	(void)n;
	(void)p;
}

void net_porch_carry(const struct net_porch *p, struct carry *to)
{
	(void)p;
	(void)to;
}

struct net_porch *net_porch_resume(struct carry *from, struct net_porch *fresh)
{
	(void)from;
	(void)fresh;
	return NULL;
}

void net_porch_pids(const struct net_porch *p, pid_t ret[NET_PORTERS])
{
	(void)p;
	ret[0] = ret[1] = 0;
}

void net_porch_close(struct net_porch *p)
{
	(void)p;
}
