/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_capture: packets of another network namespace, as they pass its interfaces. Part of the door of net, included by net.h.
 * For clients with one thread: the calling process steps into the namespace for as long as it takes to make a socket, and back.
 * The supervisor never calls this. Only copies of packets are seen; nothing in the namespace changes but, if asked for, that the
 * interface is promiscuous for as long as the capture is open.
 */
#ifndef MSTACK_NET_CAPTURE_H
#define MSTACK_NET_CAPTURE_H

#include <net/if.h>
#include <sys/socket.h>

#include "mstack/base.h"

struct sock_filter;	/* linux/filter.h */

/* ---- what interfaces there are --------------------------------------------------------------- */

struct net_window_addr { sa_family_t family; uint8_t addr[16]; unsigned prefix; };

struct net_window_link {
	int index;
	char name[IFNAMSIZ];
	unsigned type;		/* ARPHRD_ of linux/if_arp.h */
	bool loopback;
	uint8_t mac[6];
	uint64_t received, sent;	/* bytes, since it was made */
	struct net_window_addr *addrs; size_t n_addrs;
};
struct net_window_links { struct net_window_link *v; size_t n; };

/* A network namespace that is looked into. */
struct net_window;
/* The descriptor stays the caller's. err->sys EPERM: only who has CAP_SYS_ADMIN there may. */
struct net_window *net_window_open(int netns, struct err *err);
void net_window_close(struct net_window *w);
/* Readable when interfaces have come, changed or gone since net_window_list. */
int net_window_fd(const struct net_window *w);
/* All there are now. */
int net_window_list(struct net_window *w, struct net_window_links *ret, struct err *err);
void net_window_links_fini(struct net_window_links *l);

/* ---- packets --------------------------------------------------------------------------------- */

enum {
	NET_CAPTURE_SNAP_ALL = 127 << 10,	/* more than any packet has, as long as nobody has allowed larger ones (BIG TCP) */
	NET_CAPTURE_SNAP_MAX = 262144,
	/* A packet is readable at last so long after it passed; on a busy machine a little later. */
	NET_CAPTURE_LATE_MS = 40,
};

struct net_capture_spec {
	int index;			/* of the interface */
	unsigned snaplen;		/* so many bytes of each packet at most; to NET_CAPTURE_SNAP_MAX */
	size_t memory;			/* for packets that have not been read, 1 MiB at least; with a larger snaplen than SNAP_ALL 4 MiB */
	bool promiscuous;
	bool once;			/* what it sends is left out: on loopback all is received again */
	const struct sock_filter *filter;	/* classic BPF, which says how much of a packet is kept; NULL: all packets */
	size_t n_filter;
};

struct net_packet {
	uint64_t at_ns;			/* since 1970 */
	const uint8_t *data;		/* in memory that the kernel writes; any bytes that a stranger likes */
	uint32_t len, wire_len;		/* what there is of it, and what it had */
	uint8_t kind;			/* PACKET_HOST, ... PACKET_OUTGOING of linux/if_packet.h */
	bool tagged;			/* the kernel took this VLAN tag out of it, behind the two addresses of Ethernet */
	uint8_t tag[4];
};

struct net_capture;
struct net_capture *net_capture_open(struct net_window *w, const struct net_capture_spec *spec, struct err *err);
void net_capture_close(struct net_capture *c);
/* Readable when there are packets. */
int net_capture_fd(const struct net_capture *c);
/* The oldest that was not taken; NULL: none is there. Valid until net_capture_pop. */
const struct net_packet *net_capture_peek(struct net_capture *c);
void net_capture_pop(struct net_capture *c);
/* From here on none comes in; those that are in can be read after NET_CAPTURE_LATE_MS at last. */
void net_capture_stop(struct net_capture *c);
/* So far: packets that passed the filter, and how many of them were lost because nobody read. */
void net_capture_count(struct net_capture *c, uint64_t *ret_packets, uint64_t *ret_lost);
/* Clears what poll reports as an error: its interface went down, or away. */
void net_capture_clear(struct net_capture *c);

#endif
