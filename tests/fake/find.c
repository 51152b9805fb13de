/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A world in which no stack has left anything behind. Follows the contracts of mstack/net.h, store.h and box.h. */
#include "mstack/box.h"
#include "mstack/net.h"
#include "mstack/net_hosts.h"
#include "mstack/store.h"

int net_find(const struct net_spec *spec, struct ledger *l, struct err *err)
{
	(void)spec;
	(void)l;
	(void)err;
	return 0;
}

int box_find(const char *project, struct ledger *l, struct err *err)
{
	(void)project;
	(void)l;
	(void)err;
	return 0;
}

pid_t box_supervisor(const char *project)
{
	(void)project;
	return 0;
}

pid_t box_keeper(const char *project)
{
	(void)project;
	return 0;
}

int store_find(const char *project, struct ledger *l, struct err *err)
{
	(void)project;
	(void)l;
	(void)err;
	return 0;
}

int net_hosts_find(const char *project, struct ledger *l, struct err *err)
{
	(void)project;
	(void)l;
	(void)err;
	return 0;
}

int net_hosts_write(struct ledger *l, const char *path, const char *project, const struct net_hosts_line *lines, size_t n,
		    struct err *err)
{
	(void)l;
	(void)path;
	(void)project;
	(void)lines;
	(void)n;
	(void)err;
	return 0;
}

void net_projects(void (*found)(void *arg, const char *project), void *arg)
{
	(void)found;
	(void)arg;
}

void box_projects(void (*found)(void *arg, const char *project), void *arg)
{
	(void)found;
	(void)arg;
}

void store_projects(void (*found)(void *arg, const char *project), void *arg)
{
	(void)found;
	(void)arg;
}
