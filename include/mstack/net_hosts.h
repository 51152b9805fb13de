/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_hosts: names of a stack in the hosts file of the host. A part of the door of net. Each line of ours ends with a mark that
 * names the project, so what is removed is known without a memory; all other bytes of the file stay as they are.
 */
#ifndef MSTACK_NET_HOSTS_H
#define MSTACK_NET_HOSTS_H

#include "mstack/base.h"
#include "mstack/base_ip.h"
#include "mstack/ledger.h"

#define NET_HOSTS_FILE "/etc/hosts"

struct net_hosts_line { struct ip ip; const char *const *names; size_t n_names; };

/*
 * From now on the project has these lines in the hosts file `path` and no others; with a ledger it is entered there first, with n 0
 * it has none. The file is replaced as a whole, with its owner and mode; where something is mounted on it, it is written to in
 * place. Somebody else of us who is at it is waited for, a second at most.
 */
int net_hosts_write(struct ledger *l, const char *path, const char *project, const struct net_hosts_line *lines,
		    size_t n, struct err *err);

/* As net_find, for the lines of a project in NET_HOSTS_FILE. 1 found, 0 nothing, -1. `l` may be NULL. */
int net_hosts_find(const char *project, struct ledger *l, struct err *err);

#endif
