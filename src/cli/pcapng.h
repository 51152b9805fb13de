/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng: the blocks of a capture file (draft-ietf-opsawg-pcapng), as bytes. Called by the recording. Pure: touches no descriptor
 * and no clock. All is written in the byte order of this machine, as the format wants it.
 */
#ifndef CLI_PCAPNG_H
#define CLI_PCAPNG_H

#include "mstack/base.h"
#include "mstack/net.h"

/* Values of LINKTYPE_ (tcpdump.org/linktypes.html). */
enum { PCAPNG_ETHERNET = 1, PCAPNG_RAW = 101 };

/* Comment, operating system and program may be NULL. */
void pcapng_section(struct buf *out, const char *comment, const char *os, const char *program);

struct pcapng_interface {
	const char *name, *description, *filter; /* the last two may be NULL */
	uint16_t linktype;
	uint32_t snaplen;
	const uint8_t *mac; /* 6 bytes; NULL: none */
	const struct net_window_addr *addrs;
	size_t n_addrs;
};

/* Interfaces are numbered from 0 in the order of these blocks. */
void pcapng_interface(struct buf *out, const struct pcapng_interface *i);
/*
 * Its direction, VLAN tag and both lengths with it; not more than `snaplen` bytes of it. Returns how many: they stand
 * PCAPNG_PACKET_HEAD behind where the block begins.
 */
enum { PCAPNG_PACKET_HEAD = 28 };
uint32_t pcapng_packet(struct buf *out, uint32_t interface, const struct net_packet *p,
		       uint32_t snaplen);

struct pcapng_name {
	const char *name;
	const struct net_window_addr *addr;
};

/* Whose address it is, for readers that resolve names. */
void pcapng_names(struct buf *out, const struct pcapng_name *names, size_t n);

struct pcapng_statistics {
	uint32_t interface;
	uint64_t begin_ns, end_ns;
	uint64_t received; /* by the interface, what was lost included */
	uint64_t lost, written;
};

void pcapng_statistics(struct buf *out, const struct pcapng_statistics *s);

#endif
