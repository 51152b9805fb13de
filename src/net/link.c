/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: rtnetlink messages about interfaces, and reading them back. Called by bridge.c,
 * veth.c, kinds.c and facts.c. The put functions touch no socket. One message does as much
 * as the kernel allows; see rtnetlink(7).
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>

#include <linux/ip.h>

#include "net/link.h"

#define MAC_LEN	   6
#define MAC_LAST   0xfe /* locally administered, unicast, and no lower than any other one */
#define VXLAN_PORT 4789 /* IANA's */

void link_mac(const char *ifname, uint8_t ret[6])
{
	uint64_t h = hash64_str(ifname);

	memcpy(ret, &h, 6);
	ret[0] = 0x02; /* locally administered, unicast */
}

bool link_is_ours(const struct link_info *l)
{
	uint8_t mac[6];

	link_mac(l->name, mac);
	if (l->alias[0])
		return !strncmp(l->alias, LINK_OWNER, strlen(LINK_OWNER));
	return !memcmp(mac + 1, l->mac + 1, sizeof(mac) - 1) &&
	       (l->mac[0] == mac[0] || l->mac[0] == MAC_LAST);
}

uint32_t link_group(uint32_t id)
{
	return (id & ~LINK_GROUPS_MASK) | LINK_GROUPS;
}

static void begin(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, int index,
		  unsigned up)
{
	struct ifinfomsg head = { .ifi_index = index, .ifi_flags = up, .ifi_change = up };

	nl_begin(b, what, type, flags, &head, sizeof(head));
}

/* Of ours, in the group of the stack, with this address or that which follows from its name. */
static void begin_create(struct nl_batch *b, const char *ifname, const uint8_t *address,
			 uint32_t group, unsigned mtu, unsigned up)
{
	uint8_t mac[MAC_LEN];

	link_mac(ifname, mac);
	if (address)
		memcpy(mac, address, sizeof(mac));
	begin(b, "create", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, up);
	nl_put_str(b, IFLA_IFNAME, ifname);
	nl_put_u32(b, IFLA_GROUP, group);
	nl_put(b, IFLA_ADDRESS, mac, sizeof(mac));
	if (mtu)
		nl_put_u32(b, IFLA_MTU, mtu);
}

void link_put_bridge(struct nl_batch *b, const char *ifname, uint32_t group, unsigned mtu)
{
	size_t info, data;

	begin_create(b, ifname, NULL, group, mtu, 0);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u32(b, IFLA_BR_STP_STATE, 0);
	nl_put_u32(b, IFLA_BR_FORWARD_DELAY, 0);
	nl_put_u8(b, IFLA_BR_MCAST_SNOOPING, 0);
	/* All reserved multicast (LLDP, LACP, ...) that a bridge may pass at all. */
	nl_put_u16(b, IFLA_BR_GROUP_FWD_MASK, 0xfff8);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_put_bridge_up(struct nl_batch *b, int index, bool internal, const char *alias)
{
	size_t spec, inet, conf;

	begin(b, "set up", RTM_SETLINK, 0, index, IFF_UP);
	nl_put_str(b, IFLA_IFALIAS, alias);
	spec = nl_nest(b, IFLA_AF_SPEC);
	inet = nl_nest(b, AF_INET);
	conf = nl_nest(b, IFLA_INET_CONF);
	nl_put_u32(b, IPV4_DEVCONF_FORWARDING, !internal);
	/*
	 * Loose: with several networks, what a container sends may come in by another
	 * bridge than its address says.
	 */
	nl_put_u32(b, IPV4_DEVCONF_RP_FILTER, 2);
	/*
	 * Answers to a port that was published to 127.0.0.1; the table's guard chain
	 * closes the hole that it opens.
	 */
	nl_put_u32(b, IPV4_DEVCONF_ROUTE_LOCALNET, !internal);
	nl_nest_end(b, conf);
	nl_nest_end(b, inet);
	nl_nest_end(b, spec);
}

void link_put_altname(struct nl_batch *b, int index, const char *altname)
{
	size_t list;

	begin(b, "set alternative name", RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL, index, 0);
	nl_tolerate(b, EEXIST); /* for people only: not worth failing for */
	list = nl_nest(b, IFLA_PROP_LIST);
	nl_put_str(b, IFLA_ALT_IFNAME, altname);
	nl_nest_end(b, list);
}

/*
 * Unless both counts are named, each veth costs two grace periods more, under a lock of
 * the whole machine.
 */
static void put_queues(struct nl_batch *b)
{
	nl_put_u32(b, IFLA_NUM_TX_QUEUES, 1);
	nl_put_u32(b, IFLA_NUM_RX_QUEUES, 1);
}

/*
 * The container's end. Not up: the kernel refuses that (ENOTCONN), for its other end does
 * not exist yet.
 */
static void put_peer(struct nl_batch *b, const struct link_veth *v)
{
	static const struct ifinfomsg down;
	size_t peer = nl_nest(b, VETH_INFO_PEER);

	/* A bare ifinfomsg comes first within this attribute. */
	if (nl_message(b, sizeof(down))) {
		memcpy(mnl_nlmsg_put_extra_header(nl_message(b, 0), sizeof(down)), &down,
		       sizeof(down));
		nl_sync(b);
	}
	nl_put_str(b, IFLA_IFNAME, v->ifname);
	nl_put(b, IFLA_ADDRESS, v->mac, MAC_LEN);
	if (v->mtu)
		nl_put_u32(b, IFLA_MTU, v->mtu);
	put_queues(b);
	if (v->netns_fd >= 0)
		nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)v->netns_fd);
	nl_nest_end(b, peer);
}

void link_put_veth(struct nl_batch *b, const struct link_veth *v)
{
	size_t info, data;
	uint8_t mac[MAC_LEN];

	link_mac(v->host_ifname, mac);
	if (v->last)
		mac[0] = MAC_LAST;
	begin_create(b, v->host_ifname, mac, v->group, v->host_mtu, v->up ? IFF_UP : 0);
	if (v->master)
		nl_put_u32(b, IFLA_MASTER, (uint32_t)v->master);
	put_queues(b);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "veth");
	data = nl_nest(b, IFLA_INFO_DATA);
	put_peer(b, v);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_put_macvlan(struct nl_batch *b, const struct link_macvlan *m)
{
	static const uint32_t modes[] = {
		[NET_MACVLAN_BRIDGE] = MACVLAN_MODE_BRIDGE,
		[NET_MACVLAN_PRIVATE] = MACVLAN_MODE_PRIVATE,
		[NET_MACVLAN_VEPA] = MACVLAN_MODE_VEPA,
		[NET_MACVLAN_PASSTHRU] = MACVLAN_MODE_PASSTHRU,
	};
	size_t info, data;

	begin_create(b, m->ifname, m->mac, m->group, m->mtu, 0);
	nl_put_u32(b, IFLA_LINK, (uint32_t)m->nic);
	if (m->netns_fd >= 0)
		nl_put_u32(b, IFLA_NET_NS_FD, (uint32_t)m->netns_fd);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "macvlan");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u32(b, IFLA_MACVLAN_MODE, modes[m->mode]);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_put_vxlan(struct nl_batch *b, const struct link_vxlan *v)
{
	bool v4 = v->remote->family == AF_INET;
	size_t info, data;

	begin_create(b, v->ifname, NULL, v->group, v->mtu, 0);
	if (v->master)
		nl_put_u32(b, IFLA_MASTER, (uint32_t)v->master);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "vxlan");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u32(b, IFLA_VXLAN_ID, v->vni);
	nl_put(b, v4 ? IFLA_VXLAN_GROUP : IFLA_VXLAN_GROUP6, v->remote->bytes, v4 ? 4 : 16);
	if (v->dev)
		nl_put_u32(b, IFLA_VXLAN_LINK, (uint32_t)v->dev);
	nl_put_u16(b, IFLA_VXLAN_PORT, htons(v->port ? v->port : VXLAN_PORT));
	nl_put_u8(b, IFLA_VXLAN_LEARNING, v->learns);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

/* The address of nobody stands for all that nobody is known to have: such entries add up. */
void link_put_peer(struct nl_batch *b, int index, const struct ip *peer)
{
	static const uint8_t nobody[MAC_LEN];
	struct ndmsg head = { .ndm_family = AF_BRIDGE,
			      .ndm_ifindex = index,
			      .ndm_state = NUD_NOARP | NUD_PERMANENT,
			      .ndm_flags = NTF_SELF };

	nl_begin(b, "add peer", RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, &head, sizeof(head));
	nl_put(b, NDA_LLADDR, nobody, sizeof(nobody));
	nl_put(b, NDA_DST, peer->bytes, peer->family == AF_INET ? 4 : 16);
}

void link_put_vlan(struct nl_batch *b, const char *ifname, int base, uint16_t vid)
{
	size_t info, data;

	begin(b, "create", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_UP);
	nl_put_str(b, IFLA_IFNAME, ifname);
	nl_put_u32(b, IFLA_GROUP, LINK_GROUPS);
	nl_put_u32(b, IFLA_LINK, (uint32_t)base);
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "vlan");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u16(b, IFLA_VLAN_ID, vid);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

void link_put_alias(struct nl_batch *b, int index, const char *alias)
{
	begin(b, "set alias", RTM_SETLINK, 0, index, 0);
	nl_put_str(b, IFLA_IFALIAS, alias);
}

void link_put_mac(struct nl_batch *b, int index, const uint8_t mac[6])
{
	begin(b, "set address", RTM_SETLINK, 0, index, 0);
	nl_put(b, IFLA_ADDRESS, mac, MAC_LEN);
}

void link_put_state(struct nl_batch *b, int index, bool up)
{
	struct ifinfomsg head = { .ifi_index = index,
				  .ifi_flags = up ? IFF_UP : 0,
				  .ifi_change = IFF_UP };

	nl_begin(b, up ? "set up" : "set down", RTM_SETLINK, 0, &head, sizeof(head));
}

static void put_quiet(struct nl_batch *b, int index, const char *ifname)
{
	size_t spec, inet6;

	begin(b, "switch off automatic addresses", RTM_SETLINK, 0, index, 0);
	if (ifname)
		nl_put_str(b, IFLA_IFNAME, ifname);
	spec = nl_nest(b, IFLA_AF_SPEC);
	inet6 = nl_nest(b, AF_INET6);
	nl_put_u8(b, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(b, inet6);
	nl_nest_end(b, spec);
	nl_tolerate(b, EAFNOSUPPORT); /* a host without IPv6 is quiet already */
}

/* In the family of bridges SETLINK takes options of a port; in that of links it passes over them. */
static void switch_on(struct nl_batch *b, int index, const char *what, uint16_t option)
{
	struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = index };
	size_t port;

	nl_begin(b, what, RTM_SETLINK, 0, &head, sizeof(head));
	port = nl_nest(b, IFLA_PROTINFO);
	nl_put_u8(b, option, 1);
	nl_nest_end(b, port);
}

void link_put_hairpin(struct nl_batch *b, int index)
{
	switch_on(b, index, "set hairpin", IFLA_BRPORT_MODE);
}

void link_put_isolated(struct nl_batch *b, int index)
{
	switch_on(b, index, "keep ports apart", IFLA_BRPORT_ISOLATED);
}

void link_put_quiet(struct nl_batch *b, int index)
{
	put_quiet(b, index, NULL);
}

void link_put_quiet_named(struct nl_batch *b, const char *ifname)
{
	put_quiet(b, 0, ifname);
}

void link_put_up(struct nl_batch *b, const char *ifname)
{
	begin(b, "set up", RTM_SETLINK, 0, 0, IFF_UP);
	nl_put_str(b, IFLA_IFNAME, ifname);
}

void link_put_get(struct nl_batch *b, const char *ifname)
{
	begin(b, "look up", RTM_GETLINK, 0, 0, 0);
	nl_put_str(b, IFLA_IFNAME, ifname);
	nl_put_u32(b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void link_put_delete(struct nl_batch *b, int index)
{
	begin(b, "delete", RTM_DELLINK, 0, index, 0);
}

void link_put_delete_group(struct nl_batch *b, uint32_t group)
{
	begin(b, "delete group", RTM_DELLINK, 0, 0, 0);
	nl_put_u32(b, IFLA_GROUP, group);
}

static void parse_altname(const struct nlattr *list, struct link_info *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, list) if (mnl_attr_get_type(a) == IFLA_ALT_IFNAME &&
					      !ret->altname[0])
		snprintf(ret->altname, sizeof(ret->altname), "%s", mnl_attr_get_str(a));
}

static void parse_bridge(const struct nlattr *data, struct link_info *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, data) if (mnl_attr_get_type(a) == IFLA_BR_VLAN_FILTERING)
		ret->tells_vlans = mnl_attr_get_u8(a);
}

/* The kind comes before what is told of it. */
static void parse_kind(const struct nlattr *info, struct link_info *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, info)
	{
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			snprintf(ret->kind, sizeof(ret->kind), "%s", mnl_attr_get_str(a));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA && !strcmp(ret->kind, "bridge"))
			parse_bridge(a, ret);
	}
}

void link_parse(const struct nlmsghdr *m, struct link_info *ret)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(m);
	const struct nlattr *a;

	*ret = (struct link_info){ .index = head->ifi_index, .flags = head->ifi_flags };
	mnl_attr_for_each(a, m, sizeof(*head))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			snprintf(ret->name, sizeof(ret->name), "%s", mnl_attr_get_str(a));
			break;
		case IFLA_IFALIAS:
			snprintf(ret->alias, sizeof(ret->alias), "%s", mnl_attr_get_str(a));
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(a) == sizeof(ret->mac))
				memcpy(ret->mac, mnl_attr_get_payload(a), sizeof(ret->mac));
			break;
		case IFLA_MASTER:
			ret->master = (int)mnl_attr_get_u32(a);
			break;
		case IFLA_GROUP:
			ret->group = mnl_attr_get_u32(a);
			break;
		case IFLA_MTU:
			ret->mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_LINKINFO:
			parse_kind(a, ret);
			break;
		case IFLA_PROP_LIST:
			parse_altname(a, ret);
			break;
		}
	}
}

static void take_one(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	(void)tag;
	if (m->nlmsg_type == RTM_NEWLINK)
		link_parse(m, arg);
}

int link_find(int fd, const char *ifname, struct link_info *ret, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info found = { 0 };
	struct nl_sink sink = { .message = take_one, .arg = &found };

	nl_batch_init(&b);
	link_put_get(&b, ifname);
	nl_tolerate(&b, ENODEV);
	if (nl_transact(fd, &b, &sink, err))
		return err_wrap(err, "link '%s'", ifname);
	if (!found.index)
		return 1;
	*ret = found;
	return 0;
}

struct link_infos VEC(struct link_info);

static void take_each(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct link_infos *all = arg;
	struct link_info l;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWLINK)
		return;
	link_parse(m, &l);
	vec_push(all, l);
}

int link_list(int fd, struct link_info **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_infos all = { 0 };
	struct nl_sink sink = { .message = take_each, .arg = &all };

	nl_batch_init(&b);
	begin(&b, "list links", RTM_GETLINK, NLM_F_DUMP, 0, 0);
	nl_put_u32(&b, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (nl_transact(fd, &b, &sink, err)) {
		vec_fini(&all);
		return -1;
	}
	*ret = all.v;
	*ret_n = all.n;
	return 0;
}

/* ---- removal --------------------------------------------------------------------------------- */

static bool is_named(const struct link_info *l, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], l->name))
			return true;
	return false;
}

/* A port of one of them? What hangs on a bridge of ours in our group was put there by us. */
static bool hangs_on(const struct link_info *port, const struct link_info *links, size_t n_links,
		     const char *const *names, size_t n)
{
	for (size_t i = 0; port->master && i < n_links; i++)
		if (links[i].index == port->master)
			return is_named(&links[i], names, n);
	return false;
}

/* "mstack:PROJECT:" of an alias of ours; 0: there is none. */
static size_t owner_len(const char *alias)
{
	const char *colon = strchr(alias, ':');

	colon = colon ? strchr(colon + 1, ':') : NULL;
	return colon ? (size_t)(colon - alias) + 1 : 0;
}

/* By their aliases of one stack: wires hang on no bridge. */
static bool is_kin(const struct link_info *l, const struct link_info *links, size_t n_links,
		   const char *const *names, size_t n)
{
	size_t len = owner_len(l->alias);

	for (size_t i = 0; len && i < n_links; i++)
		if (is_named(&links[i], names, n) && owner_len(links[i].alias) == len)
			return !strncmp(links[i].alias, l->alias, len);
	return false;
}

/* The group of the first of them that is there; 0: none is, or they are in nobody's group. */
static uint32_t find_group(const struct link_info *links, size_t n_links, const char *const *names,
			   size_t n)
{
	for (size_t i = 0; i < n_links; i++)
		if (is_named(&links[i], names, n))
			return links[i].group;
	return 0;
}

int link_delete_all(int fd, const char *const *names, size_t n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ struct link_info *links = NULL;
	size_t n_links;
	uint32_t group;

	nl_batch_init(&b);
	if (link_list(fd, &links, &n_links, err))
		return -1;
	group = find_group(links, n_links, names, n);
	if (!group)
		return err_set(err, "links: not there, or in no group");
	for (size_t i = 0; i < n_links; i++) {
		const struct link_info *l = &links[i];

		if (l->group == group &&
		    (!link_is_ours(l) ||
		     !(is_named(l, names, n) || hangs_on(l, links, n_links, names, n) ||
		       is_kin(l, links, n_links, names, n))))
			return err_set(err, "link '%s': has joined a group of ours", l->name);
	}
	link_put_delete_group(&b, group);
	nl_tolerate(&b, ENODEV);
	return nl_transact(fd, &b, NULL, err);
}
