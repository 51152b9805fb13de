/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows: connections that the kernel remembers although they lead to the wrong place by now. */
#ifndef NET_FLOWS_H
#define NET_FLOWS_H

#include "net/net.h"

/*
 * UDP only, because TCP begins anew by itself. A sender that never pauses keeps its flow for ever, also when the port was
 * published only afterwards, or to another container. Forgets those that these ports are meant for and that lead to the host
 * itself or to a container of ours; nobody else's. What a kernel without ctnetlink keeps, it keeps.
 */
void flows_forget(struct net *n, const struct net_publish_spec *pubs, size_t count);
/* Those that were sent on to containers of this stack. */
void flows_forget_all(struct net *n);
/* Those that were sent on to somebody in these subnets, of a stack of which no more is known. */
void flows_forget_subnets(const struct ip_net *nets, size_t count);

#endif
