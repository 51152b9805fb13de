/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proxied.h: the published ports that mstack-net hands on, as the room net remembers them for the next mstack-net.
 */
#ifndef NET_PROXIED_H
#define NET_PROXIED_H

#include "net/helper.h"
#include "net/net.h"

struct proxied {
	int fd; /* the reserved socket, by a descriptor of its own */
	struct helper_message message;
	struct ip_net *allow; /* none: all */
	size_t n_allow;
};

struct proxied_list {
	struct proxied *v;
	size_t n, cap;
};

/* Does this port need it, and is its socket there? Then it is listened on from now on, and is the last one of the list. */
bool proxied_add(struct proxied_list *l, const struct net *n, const struct net_publish_spec *pub);
/* Was it in the list? */
bool proxied_remove(struct proxied_list *l, const struct net_publish_spec *pub, struct helper_message *ret);
/* Borrowed; -1: not any more. */
int proxied_socket(const struct proxied_list *l, const struct helper_message *m);
void proxied_fini(struct proxied_list *l);

#endif
