/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nameport.h: the sockets by which a slot asks its DNS server.
 */
#ifndef NET_NAMEPORT_H
#define NET_NAMEPORT_H

#include "mstack/base.h"

/*
 * Sockets born in the slot's network, of UDP, TCP and nf_tables; the latter stays open as long as the slot does. Afterwards
 * 127.0.0.11:53 there means the first two, and what comes in waits in them for whoever reads it.
 */
int nameport_open(int udp, int tcp, int nft, struct err *err);

#endif
