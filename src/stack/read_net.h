/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_net: the top-level networks and volumes, and how services are attached to networks. */
#ifndef STACK_READ_NET_H
#define STACK_READ_NET_H

#include "stack/reader.h"

/* The nodes may be NULL: not in the file. Networks get one more, `default`, if it is not declared. */
void read_networks(struct reader *r, const struct where *w, const struct node *n);
void read_top_volumes(struct reader *r, const struct where *w, const struct node *n);

#endif
