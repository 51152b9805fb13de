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
	HELPER_PROXY,  /* protocol, own, with a socket of that: what comes to it by ::1 is handed on to `to` */
	HELPER_BEAT,   /* nothing: it is heard, or it is not */
	HELPER_UNPROXY, /* protocol, own: no more, and what is under way ends */
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
