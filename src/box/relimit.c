/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relimit: other limits for a group while processes are in it. Called by sup through box.h when the stack file says so. What was
 * limited and is not any more gets the kernel's own value again; the rest is written as for a new group. A memory limit below what
 * is used lets the kernel reclaim, and kill when that is not enough: as it would with docker's `update`.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "box/runtime.h"

/* A file that is not there has nothing to take back. */
static int reset(int fd, const char *file, const char *value, struct err *err)
{
	if (faccessat(fd, file, F_OK, 0) < 0 || file_put(fd, file, value) == 0)
		return 0;
	return err_sys(err, errno, "write '%s' to cgroup's %s", value, file);
}

static bool has_device(const struct box_limits *l, const struct box_io *io)
{
	for (size_t i = 0; i < l->n_io; i++)
		if (l->io[i].kind == io->kind && !strcmp(l->io[i].path, io->path))
			return true;
	return false;
}

/* A limit of 0 is none; a weight of 100 is everybody's. */
static struct box_io *with_resets(struct arena *arena, const struct box_limits *old,
				  const struct box_limits *new, size_t *ret_n)
{
	struct box_io *io = arena_array(arena, struct box_io, old->n_io + new->n_io + 1);
	size_t n = 0;

	for (size_t i = 0; i < old->n_io; i++)
		if (!has_device(new, &old->io[i])) {
			io[n] = old->io[i];
			io[n++].value = old->io[i].kind == BOX_IO_WEIGHT ? 100 : 0;
		}
	for (size_t i = 0; i < new->n_io; i++)
		io[n++] = new->io[i];
	*ret_n = n;
	return io;
}

static int take_back(int fd, const struct box_limits *old, const struct box_limits *new,
		     struct err *err)
{
	const struct {
		bool gone;
		const char *file, *value;
	} rows[] = {
		{ old->memory_max > 0 && new->memory_max <= 0, "memory.max", "max" },
		{ old->memory_max > 0 && new->memory_max <= 0, "memory.swap.max", "max" },
		{ old->memory_low > 0 && new->memory_low <= 0, "memory.low", "0" },
		{ old->cpu_milli > 0 && new->cpu_milli <= 0, "cpu.max", "max 100000" },
		{ old->cpu_weight && !new->cpu_weight, "cpu.weight", "100" },
		{ old->cpus && !new->cpus, "cpuset.cpus", "\n" },
		{ new->pids_max < 0, "pids.max", "max" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].gone && reset(fd, rows[i].file, rows[i].value, err) < 0)
			return -1;
	return 0;
}

static int apply(struct box_slot *s, const struct box_limits *l, struct err *err)
{
	const struct box_limits old = s->cgroup.limits;
	struct arena *arena = s->cgroup.arena;
	struct box_limits with = *l;
	int rc;

	with.io = with_resets(arena, &old, l, &with.n_io);
	if (old.io_weight && !l->io_weight)
		with.io_weight = 100;
	s->cgroup.limits = with;
	rc = take_back(s->cgroup.fd, &old, l, err) < 0 ? -1
						       : cgroup_limit(&s->cgroup, &s->rt->tree, err);
	s->cgroup.limits = old;
	return rc;
}

int box_slot_limit(struct box_slot *s, const struct box_limits *l, struct err *err)
{
	const struct box_limits old = s->cgroup.limits;

	if (apply(s, l, err) < 0) {
		s->cgroup.limits = *l;
		apply(s, &old, &(struct err){ 0 });
		s->cgroup.limits = old;
		return -1;
	}
	cgroup_keep_limits(&s->cgroup, l);
	return 0;
}
