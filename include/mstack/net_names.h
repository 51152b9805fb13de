/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_names: DNS of the slots at 127.0.0.11. A part of the door of net. Questions are answered by a process without rights,
 * mstack-net, which is started again when it dies; the sockets stay here, so what is asked meanwhile waits. Nothing here blocks
 * or fails late: what cannot be told to the process now is told when it can hear.
 */
#ifndef MSTACK_NET_NAMES_H
#define MSTACK_NET_NAMES_H

#include "mstack/net.h"

enum { NET_NAMES_SERVERS = 8 };		/* that one slot may ask */

/* A slot on one of its networks. */
struct net_names_at {
	uint32_t network;		/* number of the bridge in the net_spec */
	struct ip ips[2];		/* none: not of this family */
	const char *const *names;	/* the first one is what its addresses lead back to */
	size_t n_names;
};

struct net_names_spec {
	const struct net_names_at *at;	/* in the order in which its own questions are looked up */
	size_t n_at;
	bool asks;			/* it has a network of its own, where 127.0.0.11 is to answer */
	bool internal;			/* of networks without a way out only: what we do not know is refused */
	const struct ip *servers; size_t n_servers;	/* that are asked for it; none: those of the host */
};

/* Its sockets, born in its network. */
struct net_names_sockets { int udp, tcp, nft; };

struct net_names;
struct net_porch;

/*
 * Starts mstack-net. fn gets NET_NOTE when that dies. resolv_conf: the file that says whom the host asks; it is followed when it
 * changes. porch: where the host's network is when we are not in it (net_porch.h), else NULL. outlives: it does not die with us, but with
 * the last one who has what net_names_carry hands over.
 */
struct net_names *net_names_open(struct ev_loop *loop, const char *resolv_conf, struct net_porch *porch, bool outlives,
				 net_event_fn *fn, void *arg, struct err *err);
/* From now on so; then it is another process. */
void net_names_outlive(struct net_names *n, bool outlives);
/* 0: none runs now. */
pid_t net_names_pid(const struct net_names *n);
/* The bridges from this one on have names and subnets. */
void net_names_networks(struct net_names *n, const struct net_spec *spec, size_t first);
/* From now on the slot of this number is known under these names. Copied. */
void net_names_add(struct net_names *n, uint32_t slot, const struct net_names_spec *spec);
/* It is known by others from now on; what it asks goes on being answered. */
void net_names_change(struct net_names *n, uint32_t slot, const struct net_names_spec *spec);
/* A slot with `asks`: its questions are answered from now on. The sockets must stay open until net_names_drop. */
int net_names_listen(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets, struct err *err);
/* Does a program run in it? Of several with one name only such are told, if there are any. */
void net_names_up(struct net_names *n, uint32_t slot, bool up);
void net_names_drop(struct net_names *n, uint32_t slot);
/*
 * Published ports that the host reaches by ::1, by which the kernel has no way to a container: those that were reserved on ::1
 * or on `::`; and all that were reserved through a porch, whatever they come by, from the addresses that may. What comes to their sockets so mstack-net hands on, to addr and port; without `add` not any more. Others among
 * these are left alone. A mstack-net that is started again goes on with them; what it had under way is lost.
 */
void net_names_proxy(struct net_names *n, const struct net *net, const struct net_publish_spec *pubs, size_t count,
		     bool add);
void net_names_close(struct net_names *n);

#endif
