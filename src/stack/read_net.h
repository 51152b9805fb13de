/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_net: the top-level networks and volumes, and how services are attached to networks. */
#ifndef STACK_READ_NET_H
#define STACK_READ_NET_H

#include "stack/values.h"

struct volume_draft {
	struct stack_volume v;
	struct stack_str name, driver;
};

/* The nodes may be NULL: not in the file. Networks get one more, `default`, if it is not declared. */
void read_networks(struct reader *r, const struct where *w, const struct node *n);
void read_top_volumes(struct reader *r, const struct where *w, const struct node *n);
/* The one that services without `networks` are on; NULL: not in the model yet. */
const struct stack_network *network_default(const struct stack *s);

VALUE_READER(read_net_name);	/* const char *, of a network */
VALUE_READER(read_net_driver);	/* nothing: it must be bridge */
VALUE_READER(read_ipam);	/* struct stack_network */
VALUE_READER(read_ipam_driver);	/* nothing: it must be default */
VALUE_READER(read_ipam_config);	/* struct stack_network */
VALUE_READER(read_subnet);	/* struct stack_network */
VALUE_READER(read_gateway);	/* struct stack_network */

#endif
