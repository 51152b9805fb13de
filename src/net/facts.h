/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: the part of it that a test gives files of its own. */
#ifndef NET_FACTS_H
#define NET_FACTS_H

#include "mstack/net.h"

struct resolvers VEC(struct ip);

/*
 * Adds the nameservers of a resolv.conf(5) that a container could reach: IPv4 and not of
 * 127/8. 0, or -1 with errno.
 */
int resolvers_read(int dirfd, const char *path, struct resolvers *ret);

#endif
