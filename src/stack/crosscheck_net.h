/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck_net: subnets, gateways, addresses and published ports against each other. Called by crosscheck. */
#ifndef STACK_CROSSCHECK_NET_H
#define STACK_CROSSCHECK_NET_H

#include "stack/reader.h"

void crosscheck_net(struct reader *r, const struct node *root);

#endif
