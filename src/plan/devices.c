/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devices: which devices of the host a slot is given, and what it may do with which, in the kernel's words. Called by spec.c; the
 * host is not looked at.
 */
#include "plan/planner.h"

/* Bits of the file's are not those of the kernel's. */
static unsigned device_access(unsigned access)
{
	return (access & STACK_DEV_READ ? BOX_DEV_READ : 0) |
	       (access & STACK_DEV_WRITE ? BOX_DEV_WRITE : 0) |
	       (access & STACK_DEV_MKNOD ? BOX_DEV_MKNOD : 0);
}

void planner_devices(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	struct box_device *d = arena_array(p->arena, struct box_device, s->n_devices);
	struct box_device_rule *r =
		arena_array(p->arena, struct box_device_rule, s->n_device_rules);

	for (size_t i = 0; i < s->n_devices; i++)
		d[i] = (struct box_device){ s->devices[i].source, s->devices[i].target,
					    device_access(s->devices[i].access),
					    s->devices[i].pos.line };
	for (size_t i = 0; i < s->n_device_rules; i++)
		r[i] = (struct box_device_rule){ s->device_rules[i].type, s->device_rules[i].major,
						 s->device_rules[i].minor,
						 device_access(s->device_rules[i].access) };
	slot->box.devices = d;
	slot->box.n_devices = s->n_devices;
	slot->box.device_rules = r;
	slot->box.n_device_rules = s->n_device_rules;
}
