/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hostsfile.h: what of the hosts file is for net only: its ledger kind, and the text of the file as a value.
 */
#ifndef NET_HOSTSFILE_H
#define NET_HOSTSFILE_H

#include "mstack/net_hosts.h"

/* The kind "hosts": key "PATH PROJECT". */
extern const struct ledger_kind hostsfile_kind;

/* The text without the lines of this project, and with these at its end. Pure. Returns whether it had any. */
bool hostsfile_edit(const char *text, size_t len, const char *project, const struct net_hosts_line *lines, size_t n,
		    struct buf *ret);

#endif
