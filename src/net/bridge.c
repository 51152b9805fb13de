/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bridge: the networks of a stack as bridges in the host's namespace; those that are no bridges of ours are lan.c's. Called by net.c.
 * Nothing of what is there already is changed: a name or a subnet that somebody has taken
 * since the plan is an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "net/addr.h"
#include "net/lan.h"
#include "net/link.h"
#include "net/net.h"
#include "net/vlan.h"

/* Ends an error about network `br`: where it stands in the file. */
static int at_line(const struct net_bridge_spec *br, struct err *err)
{
	err->line = br->line;
	return -1;
}

/* By the alias of a link of ours: a name that the file gives may be that of another stack, which lives. */
static bool is_of_other_stack(const struct net *n, const struct link_info *l, char project[128])
{
	const char *name = l->alias + strlen(LINK_OWNER);

	if (!l->alias[0])
		return false;
	snprintf(project, 128, "%.*s", (int)strcspn(name, ":"), name);
	return strcmp(project, n->spec->project) != 0;
}

static int check_name(const struct net *n, const struct net_bridge_spec *br, struct err *err)
{
	struct link_info l;
	int rc = link_find(n->rtnl, br->ifname, &l, err);
	char project[128];

	if (rc)
		return rc < 0 ? -1 : 0;
	if (link_is_ours(&l) && is_of_other_stack(n, &l, project))
		err_set(err, "bridge '%s': stack '%s' has one of this name: choose another one",
			br->ifname, project);
	else if (link_is_ours(&l))
		err_set(err,
			"bridge '%s': left over from an earlier run: remove it with `mstack down -p %s`",
			br->ifname, n->spec->project);
	else
		err_set(err,
			"bridge '%s': something else has this name already: rename or remove that link",
			br->ifname);
	return at_line(br, err);
}

static int check_subnet(const struct net_bridge_spec *br, const struct ip_net *subnet,
			const struct addr_info *addrs, size_t n, struct err *err)
{
	char dev[IFNAMSIZ];

	for (size_t i = 0; i < n; i++) {
		if (!ip_overlap(subnet, &addrs[i].net))
			continue;
		if (!if_indextoname((unsigned)addrs[i].index, dev))
			snprintf(dev, sizeof(dev), "link %d", addrs[i].index);
		err_set(err, "subnet %s: in use: '%s' has %s: choose another one under `ipam`",
			ip_net_text(subnet).text, dev, ip_net_text(&addrs[i].net).text);
		return at_line(br, err);
	}
	return 0;
}

static int check_bridge(const struct net *n, const struct net_bridge_spec *br,
			const struct addr_info *addrs, size_t n_addrs, struct err *err)
{
	if (check_name(n, br, err))
		return -1;
	for (size_t i = 0; i < br->n_subnets; i++)
		if (check_subnet(br, &br->subnets[i].net, addrs, n_addrs, err))
			return -1;
	return 0;
}

int bridges_check(const struct net *n, struct err *err)
{
	_cleanup_free_ struct addr_info *addrs = NULL;
	size_t n_addrs;

	if (addr_list(n->rtnl, &addrs, &n_addrs, err))
		return -1;
	for (size_t i = n->first; i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];

		if (!lan_is_bridge(br) && lan_check(n, i, err))
			return at_line(br, err);
		if (lan_is_bridge(br) && check_bridge(n, br, addrs, n_addrs, err))
			return -1;
	}
	return 0;
}

static void take_index(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct net *n = arg;
	struct link_info l;

	link_parse(m, &l);
	n->bridges[tag] = l.index;
}

static int transact(struct net *n, struct nl_batch *b, struct err *err)
{
	struct nl_sink sink = { .message = take_index, .arg = n };
	const struct net_bridge_spec *br;

	if (!nl_transact(n->rtnl, b, &sink, err))
		return 0;
	br = &n->spec->bridges[b->failed_tag];
	err_wrap(err, "bridge '%s'", br->ifname);
	return at_line(br, err);
}

static int create(struct net *n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	for (size_t i = n->first; i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];

		if (!lan_is_bridge(br))
			continue;
		b.tag = (unsigned)i;
		link_put_bridge(&b, br->ifname, link_group(n->spec->id), br->mtu);
		link_put_get(&b, br->ifname);
	}
	return transact(n, &b, err);
}

static bool carries_ipv6(const struct net_bridge_spec *br)
{
	for (size_t i = 0; i < br->n_subnets; i++)
		if (br->subnets[i].net.ip.family == AF_INET6)
			return true;
	return false;
}

/* A kernel without IPv6 has no such switch, and one before 6.17 not all of them. */
static int set(const struct net_bridge_spec *br, const char *name, const char *value, bool must,
	       struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/sys/net/ipv6/conf/%s/%s", br->ifname, name);

	if (!file_put(AT_FDCWD, path, value) || (errno == ENOENT && !must))
		return 0;
	err_sys(err, errno, "bridge '%s': write %s", br->ifname, path);
	return at_line(br, err);
}

/*
 * Before it is up. Containers are neighbours of the host on their bridge: one that plays router must
 * not change the host's routes, so announcements are not listened to.
 */
static int tame_ipv6(const struct net *n, struct err *err)
{
	for (size_t i = n->first; i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];
		bool six = carries_ipv6(br);

		if (!lan_is_bridge(br))
			continue;
		if (set(br, "disable_ipv6", six ? "0" : "1", six, err) ||
		    (six && set(br, "accept_ra", "0", true, err)) ||
		    (six && !br->internal && set(br, "force_forwarding", "1", false, err)))
			return -1;
	}
	return 0;
}

/*
 * With fe80::1, because without any address of the link's own the host could not ask for the neighbours
 * that it forwards to.
 */
static void put_gateways(struct nl_batch *b, int index, const struct net_bridge_spec *br)
{
	const struct ip_net link_local = { { AF_INET6, { 0xfe, 0x80, [15] = 1 } }, 64 };

	if (carries_ipv6(br))
		addr_put(b, index, &link_local);
	for (size_t i = 0; i < br->n_subnets; i++) {
		struct ip_net gateway = { br->subnets[i].gateway, br->subnets[i].net.prefix };

		addr_put(b, index, &gateway);
	}
}

/*
 * Hosts that are joined by tunnels may have the same gateway. Then it has one hardware address everywhere, and who asks for it is
 * led to his own host.
 */
static void put_anycast(struct nl_batch *b, int index, const struct net_bridge_spec *br)
{
	_cleanup_free_ char *text =
		xasprintf("vxlan %u %s", br->tunnel->vni,
			  br->n_subnets ? ip_text(&br->subnets[0].gateway).text : "");
	uint8_t mac[6];

	link_mac(text, mac);
	link_put_mac(b, index, mac);
}

static int configure(struct net *n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	for (size_t i = n->first; i < n->spec->n_bridges; i++) {
		const struct net_bridge_spec *br = &n->spec->bridges[i];
		_cleanup_free_ char *alias = xasprintf(LINK_OWNER "%.63s:%.127s", n->spec->project,
						       br->altname ? br->altname : br->ifname);

		if (!lan_is_bridge(br))
			continue;
		b.tag = (unsigned)i;
		if (br->tunnel)
			put_anycast(&b, n->bridges[i], br);
		link_put_quiet(&b, n->bridges[i]);
		if (br->vlans)
			vlan_put_filtering(&b, n->bridges[i]);
		if (br->altname)
			link_put_altname(&b, n->bridges[i], br->altname);
		put_gateways(&b, n->bridges[i], br);
		link_put_bridge_up(&b, n->bridges[i], br->internal, alias);
	}
	return transact(n, &b, err);
}

int bridges_up(struct net *n, struct err *err)
{
	size_t count = n->spec->n_bridges;
	_cleanup_free_ uint32_t *items = xcalloc(count + 1, sizeof(*items));

	for (size_t i = n->first; i < count; i++) {
		if (!lan_is_bridge(&n->spec->bridges[i]))
			continue;
		items[i] = ledger_intend(n->ledger, "bridge", 0, n->spec->bridges[i].ifname, err);
		if (!items[i])
			return -1;
	}
	if (create(n, err) || tame_ipv6(n, err))
		return -1;
	for (size_t i = n->first; i < count; i++)
		if (items[i] && ledger_done(n->ledger, items[i], (uint64_t)n->bridges[i], 0, err))
			return -1;
	if (configure(n, err))
		return -1;
	for (size_t i = n->first; i < count; i++)
		if (lan_up(n, i, err))
			return at_line(&n->spec->bridges[i], err);
	return 0;
}
