/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vlan: rtnetlink messages about VLANs of bridges and their ports, see bridge(8). A range is two entries, its first number and
 * its last one; so all of a port is one message.
 */
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "net/vlan.h"

enum { OF_BRIDGE = 1 }; /* what every port is in, and the bridge itself */

void vlan_put_filtering(struct nl_batch *b, int bridge)
{
	struct ifinfomsg head = { .ifi_index = bridge };
	size_t info, data;

	nl_begin(b, "tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)", RTM_NEWLINK, 0, &head,
		 sizeof(head));
	info = nl_nest(b, IFLA_LINKINFO);
	nl_put_str(b, IFLA_INFO_KIND, "bridge");
	data = nl_nest(b, IFLA_INFO_DATA);
	nl_put_u8(b, IFLA_BR_VLAN_FILTERING, 1);
	nl_nest_end(b, data);
	nl_nest_end(b, info);
}

static void put_entry(struct nl_batch *b, uint16_t flags, uint16_t vid)
{
	const struct bridge_vlan_info info = { .flags = flags, .vid = vid };

	nl_put(b, IFLA_BRIDGE_VLAN_INFO, &info, sizeof(info));
}

static void put_range(struct nl_batch *b, const struct net_vids *v)
{
	if (v->first == v->last) {
		put_entry(b, 0, v->first);
		return;
	}
	put_entry(b, BRIDGE_VLAN_INFO_RANGE_BEGIN, v->first);
	put_entry(b, BRIDGE_VLAN_INFO_RANGE_END, v->last);
}

static size_t begin(struct nl_batch *b, const char *what, uint16_t type, int index)
{
	struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = index };

	nl_begin(b, what, type, 0, &head, sizeof(head));
	return nl_nest(b, IFLA_AF_SPEC);
}

/* The number of frames without a tag comes last: it stands also when the trunk has it. */
void vlan_put_port(struct nl_batch *b, int index, const struct net_port_spec *port)
{
	size_t spec;

	if (port->pvid > OF_BRIDGE) {
		spec = begin(b, "leave the bridge's own VLAN", RTM_DELLINK, index);
		put_entry(b, 0, OF_BRIDGE);
		nl_nest_end(b, spec);
	}
	if (!port->pvid && !port->n_trunk)
		return;
	spec = begin(b, "set VLANs", RTM_SETLINK, index);
	for (size_t i = 0; i < port->n_trunk; i++)
		put_range(b, &port->trunk[i]);
	put_entry(b, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED,
		  port->pvid ? port->pvid : OF_BRIDGE);
	nl_nest_end(b, spec);
}
