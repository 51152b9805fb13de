/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netfind: what a stack has left when its ledger was lost. Called by sup, before an `up`
 * and by `down`. Goes by what every thing of ours carries: alias, group, table name, owner
 * of a lease. Removes nothing: what it finds goes into a new ledger, and the kinds look
 * once more before they touch it.
 */
#include <errno.h>

#include "net/beside.h"
#include "net/lease.h"
#include "net/link.h"
#include "net/nft.h"

static int enter(struct ledger *l, const char *kind, const char *key, struct err *err)
{
	return l && !ledger_intend(l, kind, 0, key, err) ? -1 : 0;
}

/* A table of this name that says that it is somebody else's tells nothing about us. */
static int refuse_living(const struct net_spec *spec, struct err *err)
{
	_cleanup_free_ char *ours = xasprintf(LINK_OWNER "%s", spec->project);
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, err);
	char comment[128];
	int rc = fd < 0 ? -1 : nft_find(fd, spec->table, comment, sizeof(comment), err);

	if (rc)
		return rc < 0 ? -1 : 0;
	if (strcmp(comment, ours))
		return 0;
	return err_sys(err, EBUSY, "nftables table '%s': held by a running process", spec->table);
}

/*
 * Who died before it could set the alias has given the group, and the address that follows
 * from the name.
 */
static bool is_of(const struct link_info *link, const char *owner, uint32_t group)
{
	if (link->alias[0])
		return !strncmp(link->alias, owner, strlen(owner));
	return link->group == group && link_is_ours(link);
}

/* 1 found, 0 none, -1. */
static int enter_links(const char *kind, const struct net_spec *spec, const struct link_info *links,
		       size_t n, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *owner = xasprintf(LINK_OWNER "%s:", spec->project);
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(links[i].kind, kind) || !is_of(&links[i], owner, link_group(spec->id)))
			continue;
		if (enter(l, kind, links[i].name, err))
			return -1;
		found = 1;
	}
	return found;
}

/* Bridges last: they are undone first, in bulk, and take their ports along. */
static int find_links(const struct net_spec *spec, struct ledger *l, struct err *err)
{
	static const char *const kinds[] = { "veth", "macvlan", "vxlan", "bridge" };
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);
	_cleanup_free_ struct link_info *links = NULL;
	int found = 0;
	size_t n;

	if (fd < 0 || link_list(fd, &links, &n, err))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		int rc = enter_links(kinds[i], spec, links, n, l, err);

		if (rc < 0)
			return -1;
		found |= rc;
	}
	return found;
}

static int find_leases(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_(lease_devices_fini) struct lease_devices held = { 0 };

	if (lease_find(project, &held, err))
		return -1;
	for (size_t i = 0; i < held.n; i++) {
		_cleanup_free_ char *key = lease_key(&held.v[i], project);

		if (enter(l, "lease", key, err))
			return -1;
	}
	return held.n > 0;
}

int net_find(const struct net_spec *spec, struct ledger *l, struct err *err)
{
	int links, leases, rules;

	if (refuse_living(spec, err))
		return -1;
	leases = find_leases(spec->project, l, err);
	rules = leases < 0 ? -1 : beside_find(spec->project, l, err);
	links = rules < 0 ? -1 : find_links(spec, l, err);
	return links < 0 ? -1 : links | leases | rules;
}

/* "mstack:PROJECT:..." */
static void tell_owner(const char *alias, void (*found)(void *arg, const char *project), void *arg)
{
	const char *name = alias + strlen(LINK_OWNER);
	_cleanup_free_ char *project = NULL;

	if (strncmp(alias, LINK_OWNER, strlen(LINK_OWNER)) || !strchr(name, ':'))
		return;
	project = xasprintf("%.*s", (int)strcspn(name, ":"), name);
	found(arg, project);
}

void net_projects(void (*found)(void *arg, const char *project), void *arg)
{
	struct err err = { 0 };
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, &err);
	_cleanup_free_ struct link_info *links = NULL;
	size_t n = 0;

	lease_owners(found, arg);
	if (fd < 0 || link_list(fd, &links, &n, &err))
		return;
	for (size_t i = 0; i < n; i++)
		tell_owner(links[i].alias, found, arg);
}
