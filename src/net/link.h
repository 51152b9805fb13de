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
	char kind[IFNAMSIZ]; /* "bridge", "veth", "" */
	char alias[256];
	uint8_t mac[6];
	uint32_t group;
	unsigned mtu;
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
};

/*
 * The MAC of a bridge or host end: a pure function of its name, given at creation. By it a
 * link is known as ours even if the supervisor died before it could set the alias.
 */
void link_mac(const char *ifname, uint8_t ret[6]);
bool link_is_ours(const struct link_info *l);
/*
 * The link group of a stack, never 0 (the group of everybody else): bridges and host ends
 * are in one, so that all of them are removed by one message.
 */
uint32_t link_group(uint32_t id);

void link_put_bridge(struct nl_batch *b, const char *ifname, uint32_t group, unsigned mtu);
/* Forwarding (unless internal), route_localnet, loose rp_filter, alias, and up. */
void link_put_bridge_up(struct nl_batch *b, int index, bool internal, const char *alias);
void link_put_altname(struct nl_batch *b, int index, const char *altname);
void link_put_veth(struct nl_batch *b, const struct link_veth *v);
/* On a device of the host: a macvlan, which sees what comes for its address; both are born down. */
void link_put_macvlan(struct nl_batch *b, const char *ifname, uint32_t group, int nic,
		      unsigned mtu);
/* A tunnel to one other host: VXLAN, RFC 7348. */
void link_put_vxlan(struct nl_batch *b, const char *ifname, uint32_t group, const struct ip *remote,
		    uint32_t vni, unsigned mtu);
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
