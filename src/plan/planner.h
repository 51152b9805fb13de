/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of plan share while a plan is being made. Everything made lives in the plan's arena.
 */
#ifndef PLAN_PLANNER_H
#define PLAN_PLANNER_H

#include "mstack/plan.h"

/* A mount of a slot: its own, one of its image's volumes, or one of another service's. */
struct planner_mount {
	const struct stack_mount *mount;
	const struct plan_slot
		*owner; /* whose it is: an anonymous volume is named after that one */
	bool read_only;
	bool foreign; /* by `volumes_from`: never filled from this slot's image */
};

struct planner_mounts {
	struct planner_mount *v;
	size_t n;
	bool known;
};

struct planner {
	const struct stack *stack;
	const struct plan_host *host;
	struct stack_diags *diags;
	struct plan *plan;
	struct arena *arena;
	size_t host_errors;	    /* of the diagnostics: not the file is to blame but this host */
	const struct plan *running; /* plan_beside: what is there already; else NULL */
	const struct plan_extra *extra;	 /* likewise: what comes to it */
	size_t first;			 /* the slots before it are planned already */
	struct planner_mounts *mounts;	 /* by number of the slot */
	const struct net_prefix *routes; /* where no subnet may be chosen */
	size_t n_routes;
	size_t *bridge_of; /* by number of the stack's network: index of its bridge; SIZE_MAX: not used */
};

/* name.c: names are a pure function of stack and place. */
void planner_bridge_name(const struct planner *p, const char *network, char ret[IFNAMSIZ]);
void planner_link_name(const struct planner *p, const char *slot, const char *network,
		       char ret[IFNAMSIZ]);
/* Of the host end of a wire: its end in full. */
void planner_wire_name(const struct planner *p, const char *end, char ret[IFNAMSIZ]);
void planner_mac(const struct planner *p, const char *slot, const char *network, uint8_t ret[6]);
/* Of the port of a bridge that leads to other hosts. */
void planner_tunnel_name(const struct planner *p, const char *network, char ret[IFNAMSIZ]);

/* subnet.c: a bridge with its subnet for every network in use. */
void planner_networks(struct planner *p);
/* One bridge, named after `key`. */
void planner_bridge(struct planner *p, const struct stack_network *n, const char *key,
		    struct net_bridge_spec *b);
/* Those of the file, or free ones, of the families that the network carries. */
void planner_choose_subnets(struct planner *p, const struct stack_network *n,
			    struct net_bridge_spec *b);
/* Is an attachment to it in a VLAN of its own? */
bool planner_has_vlans(const struct planner *p, const struct stack_network *n);
/* outward.c: networks that lead out of the stack. True: it is no bridge of ours, and all about it is known. */
bool planner_lan(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b);
/* Is it an ordinary user's, who cannot have this? Then it is told, with the cure. */
bool planner_needs_root(struct planner *p, struct stack_pos pos, const char *hint,
			const char *what);
/* Of a bridge that leads to those of other hosts. */
void planner_tunnel(struct planner *p, const struct stack_network *n, struct net_bridge_spec *b);
/* Through a tunnel less fits than through what it is made of; the kernel says nothing about what does not. 0: nothing */
unsigned planner_tunnel_fits(unsigned outer, const struct ip *peer);
/* Where giving out addresses of this subnet begins; none: at its beginning. */
struct ip planner_lan_start(const struct planner *p, const struct net_bridge_spec *b,
			    const struct net_subnet *subnet);
/* Who has this address on a network that is not ours alone; NULL: nobody whom we know. */
const char *planner_lan_holder(const struct planner *p, const struct net_bridge_spec *b,
			       const struct ip *ip);
/* By which address of this family the host is reached there; none: by none. */
struct ip planner_host_on(const struct planner *p, const struct net_bridge_spec *b, int family);
/* Of one end on such a network: its hardware address must be another one than those of other hosts with the same file. */
bool planner_leads_out(const struct net_bridge_spec *b);
/* uplink.c: of an isolated stack; before its networks, and behind its ports. */
void planner_uplink(struct planner *p);
void planner_uplink_ports(struct planner *p);
/* The bridge's subnet in which an address lies, or NULL. */
const struct net_subnet *planner_subnet_of(const struct net_bridge_spec *b, const struct ip *ip);
/* What the file says about a subnet of a network; NULL: it was chosen here. */
const struct stack_subnet *planner_subnet_in_file(const struct stack_network *n,
						  const struct ip_net *net);
/* address.c: an attachment with its address for every slot and network. */
void planner_addresses(struct planner *p);
/* interface.c: what is not an address of the next attachment of a slot; when all are there, which of them is the way out. */
void planner_port(struct planner *p, const struct plan_slot *slot, const struct stack_attach *a,
		  struct net_port_spec *ret);
void planner_routes(struct planner *p, struct plan_slot *slot);
/* ways.c: how the outside reaches them. */
void planner_publish(struct planner *p);
/* impair_plan.c: what the link of an attachment does to packets. */
void planner_impair(struct planner *p, struct plan_slot *slot, const struct stack_attach *a,
		    struct plan_link *ret);
void planner_impair_wire(struct planner *p, const struct stack_wire *w, struct impair_ways *ret);
/* planwire.c: the wires between slots that are there. */
void planner_wires(struct planner *p);
/* hosts.c: the files hosts, hostname and resolv.conf of a slot. */
void planner_files(struct planner *p, struct plan_slot *slot);
/*
 * resolv.c: resolv.conf of a slot: this one, but for what the service wants otherwise. ours: its server is ours, and asks those that
 * the service wants.
 */
const char *planner_resolv_conf(struct planner *p, const struct stack_service *s, const char *base,
				bool ours);
/* naming.c: how others call it. */
void planner_naming(struct planner *p, struct plan_slot *slot);
/* The name that a program in it is told by the kernel. */
const char *planner_hostname(const struct planner *p, const struct stack_service *s);
const char *planner_slot_hostname(const struct planner *p, const struct plan_slot *slot);
/* mounts.c: what a slot finds in its file system. */
void planner_mounts(struct planner *p);
void planner_slot_mounts(struct planner *p, struct plan_slot *slot);
/* storage.c: volumes, what they are filled with, paths of the host. */
void planner_volumes(struct planner *p);
const char *planner_volume_name(const struct planner *p, const struct planner_mount *m);
const char *planner_volume_path(const struct planner *p, const char *volume);
/* Of a volume that binds a folder of the host. */
bool planner_bind_read_only(const struct stack_volume *v);
/* spec.c: the container of a slot. */
void planner_box(struct planner *p, struct plan_slot *slot);
/* What its processes find in their environment when they are of this image and user. */
const char *const *planner_environment(struct planner *p, const struct plan_slot *slot, const struct store_image *img,
				       const struct store_user *user);
/* ---- healthcheck.c ---- */
/* hook.c: needs all else of the container. */
void planner_hooks(struct planner *p, struct plan_slot *slot);
void planner_health(struct planner *p, struct plan_slot *slot, const struct store_image *img);
/* Last of all: who waits for a health that nobody ever tells is an error. */
void planner_health_waits(struct planner *p);
/* namespaces.c: whose namespaces it has. Before the others, who look at it. */
void planner_share(struct planner *p, struct plan_slot *slot);
/* rootrules.c: may it write where the file says? After the root of the slots before it. */
void planner_root(struct planner *p, struct plan_slot *slot, const struct store_image *img);
/* limits.c */
void planner_limits(struct planner *p, struct plan_slot *slot);
/* devices.c */
void planner_devices(struct planner *p, struct plan_slot *slot);
/* edge.c: who waits for whom. */
void planner_edges(struct planner *p);

/* kept.c: what stays of what runs. SIZE_MAX, false: nothing. */
/* Routes that lead to bridges of our own are nobody else's. */
void planner_kept_routes(struct planner *p);
/* The subnet that was chosen for the network. */
bool planner_kept_subnet(const struct planner *p, const struct stack_network *n, int family, struct ip_net *ret);
/* The number of the bridge that is there and need not be changed to be this one. */
size_t planner_kept_bridge(const struct planner *p, const struct net_bridge_spec *b);
bool planner_kept_address(const struct planner *p, const struct plan_slot *slot, size_t bridge, int family, struct ip *ret);
/* Has another slot that runs this address? */
bool planner_kept_holds(const struct planner *p, const struct plan_slot *slot, size_t bridge, const struct ip *ip);
/* Of those that are to be chosen the ones that were. */
void planner_kept_ports(const struct planner *p, struct plan_slot *slot);
size_t planner_kept_wire(const struct planner *p, const struct net_wire_spec *w);

/* Index of a service in the stack. */
static inline size_t planner_service(const struct planner *p, const struct stack_service *s)
{
	return (size_t)(s - p->stack->services);
}

#endif
