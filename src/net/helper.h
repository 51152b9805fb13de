/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helper.h: what net and its program mstack-net say to each other: messages of one size over a SOCK_SEQPACKET, which is the
 * program's standard input. Net speaks, the program hears; it ends when the other end is closed. A program that is started
 * anew is told everything again.
 */
#ifndef NET_HELPER_H
#define NET_HELPER_H

#include "mstack/base.h"
#include "mstack/base_ip.h"

#define HELPER_NAME "mstack-net"
/* Its argument when it hands on connections under the addresses that they came from. */
#define HELPER_OUTSIDE "outside"
/* Its argument when it does not die with who has started it. */
#define HELPER_OUTLIVES "outlives"

enum {
	HELPER_SERVERS = 8, /* that are asked for a slot, at most */
	HELPER_NAME_MAX = 254,
	HELPER_SLOTS = 65536,
};

enum helper_kind {
	HELPER_UPSTREAM = 1, /* servers: whom the host asks */
	HELPER_NETWORK,	     /* network, name */
	HELPER_SUBNET,	     /* network, subnet: one of its own */
	HELPER_NAMED,	     /* slot, network, name, ips, canonical: somebody is called so there */
	HELPER_UP,	     /* slot, flag: a program runs in it */
	HELPER_ASKER,	     /* slot, flag (internal), servers: it will ask */
	HELPER_SEES,	     /* slot, network: the next one that it looks for names on */
	HELPER_LISTEN, /* slot, with its sockets of UDP and TCP: all that concerns it was told */
	HELPER_DROP,   /* slot: it is gone, with its names */
	/*
	 * protocol, own, with a socket of that: what comes to it by ::1 is handed on to `to`. flag: all that comes, from the address that it
	 * came from, if it may: after HELPER_ALLOW only from there
	 */
	HELPER_PROXY,
	HELPER_BEAT,   /* nothing: it is heard, or it is not */
	HELPER_UNPROXY, /* protocol, own: no more, and what is under way ends */
	HELPER_ALLOW,	/* subnet: one of those that the next port is for */
	HELPER_DESK,	/* with a socket of the porch: sockets to servers are made there (porch.h) */
	HELPER_ANEW,	/* nothing: what was told before does not count any more; ports are handed on meanwhile */
	HELPER_ALL,	/* nothing: all that counts was told since; ports that were not go */
};

/* zone: of an address that is valid on one link only. */
struct helper_server {
	struct ip ip;
	uint32_t zone;
};

struct helper_servers {
	uint32_t n;
	struct helper_server v[HELPER_SERVERS];
};

struct helper_port {
	struct ip ip;
	uint16_t port;
};

struct helper_message {
	uint32_t kind, slot, network;
	uint8_t flag, canonical, protocol;
	struct ip ips[2];
	struct ip_net subnet;
	struct helper_port own, to;
	struct helper_servers servers;
	char name[HELPER_NAME_MAX];
};

#endif
