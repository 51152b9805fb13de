/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of plan share while a plan is being made. Everything made lives in the plan's arena.
 */
#ifndef PLAN_PLANNER_H
#define PLAN_PLANNER_H

#include "mstack/plan.h"

struct planner {
	const struct stack *stack;
	const struct plan_host *host;
	struct stack_diags *diags;
	struct plan *plan;
	struct arena *arena;
	size_t host_errors; /* of the diagnostics: not the file is to blame but this host */
	const struct plan *running;	 /* plan_beside: what is there already; else NULL */
	const struct plan_extra *extra;	 /* likewise: what comes to it */
	size_t first;			 /* the slots before it are planned already */
	size_t *bridge_of; /* by number of the stack's network: index of its bridge; SIZE_MAX: not used */
};

/* name.c: names are a pure function of stack and place. */
void planner_bridge_name(const struct planner *p, const struct stack_network *net,
			 char ret[IFNAMSIZ]);
void planner_link_name(const struct planner *p, const char *slot, const char *network,
		       char ret[IFNAMSIZ]);
void planner_mac(const struct planner *p, const char *slot, const char *network, uint8_t ret[6]);

/* subnet.c: a bridge with its subnet for every network in use. */
void planner_networks(struct planner *p);
/* address.c: an attachment with its address for every slot and network; published ports. */
void planner_addresses(struct planner *p);
void planner_publish(struct planner *p);
/* hosts.c: the files hosts, hostname and resolv.conf of a slot. */
void planner_files(struct planner *p, struct plan_slot *slot);
/* storage.c: named and anonymous volumes, host folders to make. */
void planner_volumes(struct planner *p);
const char *planner_volume_path(const struct planner *p, const struct plan_slot *slot,
				const struct stack_mount *m);
/* spec.c: the container of a slot. */
void planner_box(struct planner *p, struct plan_slot *slot);
/* ---- healthcheck.c ---- */
void planner_health(struct planner *p, struct plan_slot *slot, const struct store_image *img);
/* Last of all: who waits for a health that nobody ever tells is an error. */
void planner_health_waits(struct planner *p);
/* limits.c */
void planner_limits(struct planner *p, struct plan_slot *slot);
/* devices.c */
void planner_devices(struct planner *p, struct plan_slot *slot);
/* edge.c: who waits for whom. */
void planner_edges(struct planner *p);

/* Index of a service in the stack. */
static inline size_t planner_service(const struct planner *p, const struct stack_service *s)
{
	return (size_t)(s - p->stack->services);
}

static inline struct in_addr planner_addr(uint32_t host_order)
{
	return (struct in_addr){ .s_addr = htonl(host_order) };
}

static inline uint32_t planner_mask(unsigned prefix)
{
	return prefix ? ~(uint32_t)0 << (32 - prefix) : 0;
}

#endif
