/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net: bridges, links, addresses, nftables. Through libmnl and libnftnl; nothing is executed.
 *
 * A network is a bridge in the host's namespace; an attachment is a veth whose peer is born in the slot's namespace by the
 * same message. One inet table per stack holds masquerade, published ports (map elements) and the forward rules; its
 * owner is the socket held here (NFT_TABLE_F_OWNER), so it goes with its process. All kernel objects are entered in the ledger first.
 * Knows no services: plan fills in these specs. Calls are synchronous local system calls, batched; none waits for others,
 * but for the port watch, which reports through `fn`. Recipes: rtnetlink(7), and the networking notes.
 */
#ifndef MSTACK_NET_H
#define MSTACK_NET_H

#include <net/if.h>
#include <netinet/in.h>

#include "mstack/base.h"
#include "mstack/ledger.h"
#include "mstack/net_capture.h"
#include "mstack/net_impair.h"
#include "mstack/net_lan.h"
#include "mstack/net_wire.h"

struct ev_loop;

struct net_spec {
	const char *project;
	uint32_t id;			/* hash of the project: link group, table name, aliases */
	char table[32];			/* nftables table, "mstk_PROJECT" shortened */
	struct net_bridge_spec *bridges;
	size_t n_bridges;
	const struct net_wire_spec *wires;
	size_t n_wires;
};

struct net_vids { uint16_t first, last; };
/* A setting of an interface. path: below /proc/sys */
struct net_sysctl { const char *path, *value; unsigned line; };

/* One attachment of a slot. */
struct net_port_spec {
	size_t bridge;			/* index into net_spec.bridges */
	char host_ifname[IFNAMSIZ];	/* "mvXXXXXXXXXX"; "" on a network without a bridge: it has no end on the host */
	const char *alias;		/* "mstack:PROJECT:SLOT ADDRESS...", for people, doctor and stacks that share the bridge */
	char ifname[IFNAMSIZ];		/* inside: "eth0" */
	uint8_t mac[6];
	struct ip_net ip4, ip6;		/* with the prefix of their subnet; none: not of this family */
	const struct ip_net *link_locals; size_t n_link_locals;	/* further addresses, as they are */
	struct ip gateway4, gateway6;	/* default routes; none: not here. At most one of a slot for each family */
	bool hairpin;			/* its own published ports are reached from itself, also with br_netfilter */
	const struct net_sysctl *sysctls; size_t n_sysctls;
	/* Where the bridge tells VLANs apart. pvid: of frames without a tag; 0: that of the bridge, 1. trunk: with their tags */
	uint16_t pvid;
	const struct net_vids *trunk; size_t n_trunk;
};

struct net_publish_spec {
	uint8_t protocol;		/* IPPROTO_TCP or IPPROTO_UDP */
	struct ip host_ip;		/* of the same family as addr; 0.0.0.0 and `::`: any of that family; ::1: see net_names_proxy */
	uint16_t host_port;		/* 0: a free one is chosen and written back by net_reserve */
	struct ip addr;			/* of the slot */
	uint16_t port;
	bool twin;			/* as the one before it, for the other family: a port that is chosen is the same one */
	const struct ip_net *allow; size_t n_allow;	/* who may reach it; none: all */
	const char *owner;		/* slot, for errors */
	unsigned line;
};

/* A slot to be attached; n of them in one call are pipelined: all veths in one sendmsg. */
struct net_attach {
	uint64_t token;			/* comes back in the event */
	int netns_fd;			/* borrowed for the call */
	int rtnl_fd;			/* rtnetlink socket born inside; borrowed while attached */
	uint32_t ledger_parent;		/* item of the slot, or 0 */
	const struct net_port_spec *ports;
	size_t n_ports;
	struct err err;			/* result: err.text[0] == 0 when it worked */
};

/*
 * NET_READY: all links of the slot carry traffic (bridge ports forwarding), or the wait of 200 ms for it has passed.
 * NET_NOTE: words for the user, about the host's firewall beside us; also during net_up.
 * NET_WIRED: see net_connect.
 */
enum net_event_kind { NET_READY, NET_NOTE, NET_WIRED };
struct net_event { enum net_event_kind kind; uint64_t token; const char *text; };
typedef void net_event_fn(void *arg, const struct net_event *ev);

struct net;

/* Opens the sockets; makes nothing yet. spec and ledger must outlive it. loop may be NULL where no event is wanted. */
struct net *net_open(struct ev_loop *loop, const struct net_spec *spec, struct ledger *ledger, net_event_fn *fn, void *arg,
		     struct err *err);
/* Bridges with their gateway address, the table, forwarding leases. A subnet or name taken since the plan is an error here, also one of a wire. */
int net_up(struct net *n, struct err *err);
/* The same for the bridges that the spec has got since, behind those that are up. Those that fail stay for the end to remove. */
int net_grow(struct net *n, struct err *err);
/*
 * `spec` follows the one that counted until now, and must outlive it: its bridges and wires begin with the same ones, but that some are `gone`;
 * these are removed, and new bridges are made. On error the new spec may count already; what could not be made stays for the end to remove.
 */
int net_change(struct net *n, const struct net_spec *spec, struct err *err);
/*
 * Reserves published ports: TCP ports are bound and listened on (what arrives there is reset), UDP ports are bound.
 * Port 0 is chosen and written back. In use: error that names port and owner. Before anything else is made.
 * One that mstack-net was given and we gave back is waited for, for 3 s at most.
 */
int net_reserve(struct net *n, struct net_publish_spec *pubs, size_t count, struct err *err);
/* Who has this port, in words for the error of net_reserve. 0, or -1: not known. */
typedef int net_holder_fn(void *arg, const struct net_publish_spec *pub, char *ret, size_t size);
/* From now on it is asked first; else only the process can be told. */
void net_tell_holders(struct net *n, net_holder_fn *fn, void *arg);
/* Could they be reserved now? The same errors, and nothing is held afterwards. For who is in the host's network, without a net. */
int net_check_ports(struct net_publish_spec *pubs, size_t count, net_holder_fn *fn, void *arg, struct err *err);
/* So many of them would be held, each by a descriptor: long ranges are only looked at. */
size_t net_held(const struct net_publish_spec *pubs, size_t count);
/* Gives back what was reserved for this owner. */
void net_release(struct net *n, const char *owner);
/* Only these. */
void net_release_ports(struct net *n, const struct net_publish_spec *pubs, size_t count);
/* Attaches all; failures are told in each entry's err. -1 (with err) only when nothing could be sent at all. */
int net_attach(struct net *n, struct net_attach *slots, size_t count, struct err *err);
/*
 * Before the namespace of a slot is let go: what of its links has no end on the host is deleted, for the kernel takes its time with
 * namespaces, and a hardware address is on a device once. May wait some tens of milliseconds.
 */
void net_detach(const struct net_attach *slot);
/* Adds, or removes, the map elements of published ports. One transaction. */
int net_publish(struct net *n, const struct net_publish_spec *pubs, size_t count, bool add, struct err *err);
/*
 * When all slots are at rest, before their namespaces end: gives the ports back, deletes all links with one message, then the
 * table. May wait some tens of milliseconds. What does not go by this, and the leases, are the ledger's to undo.
 */
void net_down(struct net *n);
/*
 * Closes sockets. A table that is still there goes with them, for which the kernel lets us wait a grace period: another
 * reason for net_down.
 */
void net_close(struct net *n);

/*
 * What a stack whose ledger was lost has left in the kernel and on the books of leases: links by their alias or group, leases
 * by their owner. Of `spec` counts who it is: project, id, table. Everything found is entered in `l` as an intent, for
 * ledger_undo; with `l` NULL this only looks. 1 found, 0 nothing, -1 error; err->sys == EBUSY: its table is there, and a table
 * goes with the process that made it, so that one lives.
 */
int net_find(const struct net_spec *spec, struct ledger *l, struct err *err);
/* Names of stacks that links or books of leases bear, some more than once: whoever may have left something. */
void net_projects(void (*found)(void *arg, const char *project), void *arg);

/* Ledger kinds "bridge" "veth" "macvlan" "vxlan" "nft-table" "lease" "accept-rule"; NULL-terminated. */
extern const struct ledger_kind *const net_ledger_kinds[];

/* For doctor: is this feature of the kernel there? Each tries it in a child's own network namespace. NULL-terminated names. */
struct net_probe { const char *what; bool ok; char why[160]; const char *cure; };
size_t net_probe(struct net_probe *ret, size_t max);

/* The network namespace that we are in forwards from now on: one of our own, in which there are no links yet. It gives nothing back. */
void net_become_router(void);

#endif
