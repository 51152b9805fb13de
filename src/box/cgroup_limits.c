/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup_limits: the numbers of a spec as cgroup v2 wants them written into a slot's group. Called by cgroup.c when the group is
 * new. What the file asks for and the host has no controller for is an error; what is only our default is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/launch.h"

#define CPU_PERIOD_US	 100000
#define CPU_QUOTA_MIN_US 1000
#define BFQ_WEIGHT_MIN	 10
#define BFQ_WEIGHT_MAX	 1000
#define IO_WEIGHT_MAX	 10000

/* ---- writing --------------------------------------------------------------------------------- */

static int put(int fd, const char *file, const char *text, struct err *err)
{
	return file_put(fd, file, text) < 0
		       ? err_sys(err, errno, "write '%s' to cgroup's %s", text, file)
		       : 0;
}

static int put_number(int fd, const char *file, int64_t value, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return put(fd, file, text, err);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/*
 * A group protects no more than those above it do: each gets the sum of what is below it. Nothing is lost when this fails, so
 * nobody is told.
 */
static void sum_low(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	struct dirent *e;
	uint64_t sum = 0;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *file = xasprintf("%s/memory.low", e->d_name);
		_cleanup_(buf_fini) struct buf text = { 0 };

		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    file_read(dirfd(dir), file, 64, &text) >= 0)
			sum += strtoull(buf_str(&text), NULL, 10);
	}
	if (dir)
		(void)put_number(dirfd(dir), "memory.low", (int64_t)sum, NULL);
}

static int put_low(int fd, const struct cgroup_tree *t, int64_t low, struct err *err)
{
	_cleanup_free_ char *top = NULL;

	if (put_number(fd, "memory.low", low, err) < 0)
		return -1;
	top = xasprintf("%.*s", (int)(strrchr(t->path, '/') - t->path), t->path);
	sum_low(t->path);
	sum_low(top);
	return 0;
}

static int put_swap(int fd, const struct box_limits *l, struct err *err)
{
	if (faccessat(fd, "memory.swap.max", F_OK, 0) < 0)
		return l->swap_wanted ? err_set(err, "memory.swap.max: this kernel counts no swap")
				      : 0;
	return l->swap_max < 0 ? put(fd, "memory.swap.max", "max", err)
			       : put_number(fd, "memory.swap.max", l->swap_max, err);
}

static int put_memory(int fd, const struct cgroup_tree *t, const struct box_limits *l,
		      struct err *err)
{
	if (l->memory_max > 0 &&
	    (put_number(fd, "memory.max", l->memory_max, err) < 0 || put_swap(fd, l, err) < 0))
		return -1;
	if (l->memory_low > 0 && put_low(fd, t, l->memory_low, err) < 0)
		return -1;
	return put_number(fd, "memory.oom.group", 1, err);
}

/* ---- processors and processes ---------------------------------------------------------------- */

static int put_cpu(int fd, const struct cgroup_tree *t, const struct box_limits *l, struct err *err)
{
	int64_t quota = l->cpu_milli * (CPU_PERIOD_US / 1000);
	char text[64];

	(void)t;
	if (quota > 0 && quota < CPU_QUOTA_MIN_US)
		quota = CPU_QUOTA_MIN_US;
	snprintf(text, sizeof(text), "%" PRId64 " %d", quota, CPU_PERIOD_US);
	if (quota > 0 && put(fd, "cpu.max", text, err) < 0)
		return -1;
	return l->cpu_weight ? put_number(fd, "cpu.weight", l->cpu_weight, err) : 0;
}

static int put_pids(int fd, const struct cgroup_tree *t, const struct box_limits *l,
		    struct err *err)
{
	int64_t pids = l->pids_max ? l->pids_max : BOX_PIDS_DEFAULT;

	(void)t;
	return pids > 0 ? put_number(fd, "pids.max", pids, err) : 0;
}

static int put_cpuset(int fd, const struct cgroup_tree *t, const struct box_limits *l,
		      struct err *err)
{
	(void)t;
	return l->cpus ? put(fd, "cpuset.cpus", l->cpus, err) : 0;
}

/* ---- disks ----------------------------------------------------------------------------------- */

/* Two schedulers know weights, each by a file and a range of its own. `device` is empty or ends in a blank. */
static int put_weight(int fd, const char *device, uint64_t weight, struct err *err)
{
	bool bfq = !faccessat(fd, "io.bfq.weight", F_OK, 0);
	uint64_t wide = 1 + (weight - BFQ_WEIGHT_MIN) * (IO_WEIGHT_MAX - 1) /
				    (BFQ_WEIGHT_MAX - BFQ_WEIGHT_MIN);
	char text[64];

	if (!bfq && faccessat(fd, "io.weight", F_OK, 0) < 0)
		return err_set(err, "io.weight: no scheduler of this kernel knows weights: "
				    "load the module bfq");
	snprintf(text, sizeof(text), "%s%" PRIu64, device, bfq ? weight : wide);
	return put(fd, bfq ? "io.bfq.weight" : "io.weight", text, err);
}

static int put_device(int fd, const struct box_io *io, struct err *err)
{
	static const char *const keys[] = {
		[BOX_READ_BPS] = "rbps",
		[BOX_READ_IOPS] = "riops",
		[BOX_WRITE_BPS] = "wbps",
		[BOX_WRITE_IOPS] = "wiops",
	};
	char device[32], text[80];
	struct stat st;

	if (stat(io->path, &st) < 0)
		return err_sys(err, errno, "'%s'", io->path);
	if (!S_ISBLK(st.st_mode))
		return err_set(err, "'%s' is not a block device", io->path);
	snprintf(device, sizeof(device), "%u:%u ", major(st.st_rdev), minor(st.st_rdev));
	if (io->kind == BOX_IO_WEIGHT)
		return io->value ? put_weight(fd, device, io->value, err) : 0;
	snprintf(text, sizeof(text), io->value ? "%s%s=%" PRIu64 : "%s%s=max", device,
		 keys[io->kind], io->value);
	if (!file_put(fd, "io.max", text))
		return 0;
	return errno == ENODEV ? err_set(err, "'%s' is not a whole disk", io->path)
			       : err_sys(err, errno, "write '%s' to cgroup's io.max", text);
}

static int put_io(int fd, const struct cgroup_tree *t, const struct box_limits *l, struct err *err)
{
	(void)t;
	if (l->io_weight && put_weight(fd, "", l->io_weight, err) < 0)
		return -1;
	for (size_t i = 0; i < l->n_io; i++) {
		if (!put_device(fd, &l->io[i], err))
			continue;
		if (err)
			err->line = l->io[i].line;
		return -1;
	}
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* By the number of the bit in BOX_WANT_*. */
static int (*const writers[BOX_CONTROLLERS])(int fd, const struct cgroup_tree *t,
					     const struct box_limits *l, struct err *err) = {
	put_memory, put_cpu, put_pids, put_io, put_cpuset,
};

static int wanted_but_missing(unsigned one, const struct cgroup_tree *t, struct err *err)
{
	char why[160];

	cgroup_why_missing(one, cgroup_place_of(t, one), why, sizeof(why));
	return err_set(err, "controller '%s' is not on cgroup v2 here (%s)",
		       cgroup_controller_name(one), why);
}

/* Memory that is kept for it, and swap, have no stand-in. */
static unsigned instead_of(const struct cgroup_tree *t, const struct box_limits *l)
{
	unsigned stands_in = cgroup_stands_in(t);

	return l->memory_low > 0 || l->swap_wanted ? stands_in & ~(unsigned)BOX_WANT_MEMORY
						   : stands_in;
}

/* Of those that are fetched only when somebody wants them (cgroup_tree_add): what the group above all stacks has to pass on. */
static unsigned within_reach(const struct cgroup_tree *t)
{
	_cleanup_free_ char *above = t->path ? xstrdup(t->path) : NULL;

	for (int i = 0; above && i < 2; i++)
		*strrchr(above, '/') = '\0';
	return above ? cgroup_controllers(above, "cgroup.controllers") &
			       (BOX_WANT_IO | BOX_WANT_CPUSET)
		     : 0;
}

int cgroup_limits_check(const struct cgroup_tree *t, const struct box_limits *l, struct err *err)
{
	unsigned missing = l->wanted & ~t->have & ~instead_of(t, l) & ~within_reach(t);

	return missing ? wanted_but_missing(missing & -missing, t, err) : 0;
}

int cgroup_limit(struct cgroup *c, struct cgroup_tree *t, struct err *err)
{
	const struct box_limits *l = &c->limits;

	if (t->path && l->wanted & ~t->have & (BOX_WANT_IO | BOX_WANT_CPUSET))
		cgroup_tree_add(t, l->wanted);
	for (unsigned i = 0; i < BOX_CONTROLLERS; i++) {
		int rc = 0;

		if (t->have & (1U << i))
			rc = writers[i](c->fd, t, l, err);
		else if (l->wanted & (1U << i) & ~instead_of(t, l))
			rc = wanted_but_missing(1U << i, t, err);
		if (!rc)
			continue;
		if (err && !err->line)
			err->line = l->lines[i];
		return -1;
	}
	return 0;
}
