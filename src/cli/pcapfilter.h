/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapfilter: words of pcap-filter(7) as a program for the kernel. By libpcap, which is looked for only when there are such words:
 * mstack does without it, and starts without its libraries.
 */
#ifndef CLI_PCAPFILTER_H
#define CLI_PCAPFILTER_H

#include <linux/filter.h>

#include "mstack/base.h"

struct pcapfilter {
	struct sock_filter *v; /* NULL: all packets */
	size_t n;
	/*
	 * The kernel takes VLAN tags out of packets before its filters see them: a filter that asks for them has to run here, over
	 * packets that have them again.
	 */
	bool here;
	unsigned (*match)(const struct sock_filter *v, const uint8_t *data, unsigned wire_len,
			  unsigned len);
	void *library;
};

/* For packets of this link type, to be cut to `snaplen`. -1 with ERR_USAGE when the words are wrong. `words` NULL: all packets. */
int pcapfilter_make(const char *words, unsigned linktype, unsigned snaplen, struct pcapfilter *ret,
		    struct err *err);
void pcapfilter_fini(struct pcapfilter *f);

#endif
