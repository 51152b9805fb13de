/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link: messages that make, change and remove interfaces, and reading them back. Building
 * and sending are apart.
 *
 * After its creation a link is addressed by index only: rtnetlink goes on after a message
 * that failed, and by name a follow-up would hit the foreign link because of which the
 * creation failed.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "mstack/net.h"
#include "net/nl.h"

#define LINK_OWNER "mstack:" /* every alias of ours begins with it */

struct link_info {
	int index, master; /* master: index of the bridge, or 0 */
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ];	       /* "bridge", "veth", "" */
	char alias[256], altname[128]; /* altname: the first one */
	uint8_t mac[6];
	uint32_t group;
	unsigned mtu;
	bool tells_vlans; /* a bridge that filters them */
	unsigned flags; /* IFF_UP, IFF_LOWER_UP (it has carrier), IFF_RUNNING, ... */
};

struct link_veth {
	const char *host_ifname, *ifname; /* ifname: of the other end */
	const uint8_t *mac;		  /* likewise, six bytes */
	int master;			  /* 0: none */
	int netns_fd;			  /* where the other end is born; -1: with us */
	uint32_t group;
	unsigned mtu;	   /* of the other end; 0: the kernel's default */
	unsigned host_mtu; /* 0: likewise */
	bool up;	   /* the host end, from its beginning */
	bool last; /* its address comes behind those of others: a bridge that has none of its own takes the first of its ports' */
};

/*
 * The MAC of a bridge or host end: a pure function of its name, given at creation. By it a
 * link is known as ours even if the supervisor died before it could set the alias. Its first byte may be 0xfe instead.
 */
void link_mac(const char *ifname, uint8_t ret[6]);
bool link_is_ours(const struct link_info *l);
/*
 * The link group of a stack, never 0 (the group of everybody else): bridges and host ends
 * are in one, so that all of them are removed by one message.
 */
uint32_t link_group(uint32_t id);
/* All such groups: link_group & MASK == LINK_GROUPS, whichever the stack. */
#define LINK_GROUPS_MASK 0xe0000000u
#define LINK_GROUPS	 0x40000000u

void link_put_bridge(struct nl_batch *b, const char *ifname, uint32_t group, unsigned mtu);
/* Forwarding (unless internal), route_localnet, loose rp_filter, alias, and up. */
void link_put_bridge_up(struct nl_batch *b, int index, bool internal, const char *alias);
void link_put_altname(struct nl_batch *b, int index, const char *altname);
void link_put_veth(struct nl_batch *b, const struct link_veth *v);
/* On a device of the host: a macvlan, which sees what comes for its address; born down. */
struct link_macvlan {
	const char *ifname;
	const uint8_t *mac; /* NULL: that which follows from the name */
	int nic, netns_fd;  /* netns_fd: where it is born; -1: with us */
	enum net_macvlan mode;
	uint32_t group;
	unsigned mtu; /* 0: that of the device */
};
void link_put_macvlan(struct nl_batch *b, const struct link_macvlan *m);
/* A tunnel to another host, or to several (see fdb_put_peer): VXLAN, RFC 7348. Born down. */
struct link_vxlan {
	const char *ifname;
	const struct ip *remote; /* the first of them */
	int dev, master;	 /* 0: none */
	uint32_t group, vni;
	unsigned mtu;
	uint16_t port; /* 0: IANA's */
	bool learns;   /* who is behind which of them */
};
void link_put_vxlan(struct nl_batch *b, const struct link_vxlan *v);
/* What is for all goes to this host as well. */
void link_put_peer(struct nl_batch *b, int index, const struct ip *peer);
/* A port that sees the bridge itself, and no other port like it. */
void link_put_isolated(struct nl_batch *b, int index);
/* A device for what has this VLAN tag on another one; born up, in the group LINK_GROUPS, which is that of no stack. */
void link_put_vlan(struct nl_batch *b, const char *ifname, int base, uint16_t vid);
/* What comes in by this port of a bridge may go out by it again. */
void link_put_hairpin(struct nl_batch *b, int index);
void link_put_alias(struct nl_batch *b, int index, const char *alias);
void link_put_mac(struct nl_batch *b, int index, const uint8_t mac[6]);
/* Its carrier goes and comes with this: configuration of the other end stays. */
void link_put_state(struct nl_batch *b, int index, bool up);
/*
 * No IPv6 address by itself, hence no multicast chatter. To be sent before the link has
 * carrier.
 */
void link_put_quiet(struct nl_batch *b, int index);
/* The same by name, in a namespace where nobody else makes links. */
void link_put_quiet_named(struct nl_batch *b, const char *ifname);
void link_put_up(struct nl_batch *b, const char *ifname);
void link_put_get(struct nl_batch *b, const char *ifname);
void link_put_delete(struct nl_batch *b, int index);
void link_put_delete_group(struct nl_batch *b, uint32_t group);

/* Reads an RTM_NEWLINK message. */
void link_parse(const struct nlmsghdr *m, struct link_info *ret);
/* 0 found, 1 not there, -1 error. */
int link_find(int fd, const char *ifname, struct link_info *ret, struct err *err);
/* All links of the namespace; caller frees *ret. */
int link_list(int fd, struct link_info **ret, size_t *ret_n, struct err *err);
/*
 * Removes these links and their ports by one message, which names the group that they are
 * in. If anything else is in it: an error, and nothing is done. One by one they would take
 * 20 ms each, under a lock of the whole machine.
 */
int link_delete_all(int fd, const char *const *names, size_t n, struct err *err);

#endif
