/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits: what a service may use and what it gets when it is crowded, in the kernel's units. Here are the rules of engines for
 * what the file leaves open. Called by spec.c.
 */
#include "plan/planner.h"

#define SHARES_MIN 2
#define SHARES_MAX 262144
#define WEIGHT_MAX 10000

/* Wanted by the file: then the controller must be there. 0 has always meant "not given". */
static void want(struct box_limits *l, unsigned bit, const struct stack_num *n)
{
	unsigned nr = (unsigned)__builtin_ctz(bit);

	if (!n->given || !n->value)
		return;
	l->wanted |= bit;
	if (!l->lines[nr])
		l->lines[nr] = n->pos.line;
}

/* As much swap as memory again when nothing is said, and the file's number is the sum of both. */
static int64_t swap_max(const struct stack_service *s)
{
	if (s->memswap_limit.value)
		return s->memswap_limit.value < 0 ? -1
						  : s->memswap_limit.value - s->mem_limit.value;
	return s->mem_limit.value;
}

/* As engines do it: the range of shares laid over that of weights. */
static unsigned cpu_weight(int64_t shares)
{
	if (!shares)
		return 0;
	if (shares < SHARES_MIN)
		shares = SHARES_MIN;
	if (shares > SHARES_MAX)
		shares = SHARES_MAX;
	return (unsigned)(1 + (shares - SHARES_MIN) * (WEIGHT_MAX - 1) / (SHARES_MAX - SHARES_MIN));
}

static void disks(struct planner *p, const struct stack_service *s, struct box_limits *l)
{
	static const enum box_io_kind kinds[] = {
		[STACK_READ_BPS] = BOX_READ_BPS,       [STACK_READ_IOPS] = BOX_READ_IOPS,
		[STACK_WRITE_BPS] = BOX_WRITE_BPS,     [STACK_WRITE_IOPS] = BOX_WRITE_IOPS,
		[STACK_DEVICE_WEIGHT] = BOX_IO_WEIGHT,
	};
	struct box_io *io = arena_array(p->arena, struct box_io, s->n_blkio);

	for (size_t i = 0; i < s->n_blkio; i++) {
		const struct stack_blkio *b = &s->blkio[i];
		const struct stack_num at = { 1, true, b->pos };

		io[i] = (struct box_io){ kinds[b->kind], b->path, (uint64_t)b->value, b->pos.line };
		want(l, BOX_WANT_IO, &at);
	}
	l->io = io;
	l->n_io = s->n_blkio;
	l->io_weight = (unsigned)s->blkio_weight.value;
	want(l, BOX_WANT_IO, &s->blkio_weight);
}

void planner_limits(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	const struct stack_num cpuset = { 1, s->cpuset.text, s->cpuset.pos };
	struct box_limits *l = &slot->box_slot.limits;

	l->memory_max = s->mem_limit.value;
	l->memory_low = s->mem_reservation.value;
	l->swap_max = swap_max(s);
	l->swap_wanted = s->memswap_limit.value;
	l->cpu_milli = s->cpus.value;
	l->cpu_weight = cpu_weight(s->cpu_shares.value);
	l->cpus = s->cpuset.text;
	l->pids_max = s->pids_limit.value;
	want(l, BOX_WANT_MEMORY, &s->mem_limit);
	want(l, BOX_WANT_MEMORY, &s->mem_reservation);
	want(l, BOX_WANT_CPU, &s->cpus);
	want(l, BOX_WANT_CPU, &s->cpu_shares);
	want(l, BOX_WANT_PIDS, &s->pids_limit);
	want(l, BOX_WANT_CPUSET, &cpuset);
	disks(p, s, l);
}
