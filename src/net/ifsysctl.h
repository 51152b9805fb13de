/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ifsysctl: settings of interfaces within a slot. Called by veth.c, when they are there and before they are up. */
#ifndef NET_IFSYSCTL_H
#define NET_IFSYSCTL_H

#include "mstack/net.h"

int ifsysctl_apply(const struct net_attach *slot, struct err *err);

#endif
