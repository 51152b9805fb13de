/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * system: the steps of stage two that give the container its view of the kernel: proc, sys, cgroup,
 * masks, and the change of root. They run in the container's own namespaces, which these
 * mounts then belong to.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/child.h"
#include "box/mounting.h"
#include "box/sys.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const struct {
	const char *fs, *target;
	unsigned attrs;
} mounts[] = {
	{ "proc", "proc", QUIET },
	{ "sysfs", "sys", QUIET | MOUNT_ATTR_RDONLY },
	{ "cgroup2", "sys/fs/cgroup", QUIET | MOUNT_ATTR_RDONLY },
};

static const char *const masked_proc[] = {
	"acpi", "asound",      "config.gz",  "interrupts",  "kallsyms",	     "kcore",
	"keys", "kpagecgroup", "kpagecount", "kpageflags",  "latency_stats", "sched_debug",
	"scsi", "slabinfo",    "timer_list", "timer_stats", "vmallocinfo",   NULL,
};

static const char *const masked_sys[] = {
	"devices/virtual/powercap", "firmware",	      "fs/bpf", "fs/pstore", "kernel/debug",
	"kernel/security",	    "kernel/tracing", NULL,
};

static const char *const read_only_proc[] = {
	"bus", "fs", "irq", "sys", "sysrq-trigger", NULL,
};

/* ---- mounts ---------------------------------------------------------------------------------- */

/*
 * What comes from a namespace with more rights is locked: nothing that lies over something else may
 * be taken away, and so be made a root. A copy of the whole is free of that.
 */
static int unlock_root(struct child *c)
{
	_cleanup_fd_ int copy = mounting_copy(AT_FDCWD, "/" SLOT_ROOT, true);

	if (copy < 0 || mounting_attach(copy, c->root) < 0)
		return err_sys(&c->err, errno, "bind onto itself");
	cleanup_fd(&c->root);
	c->root = take_fd(&copy);
	return 0;
}

/* Anew in this mount namespace: the descriptor of stage one is in that of stage one. */
int child_open_root(struct child *c)
{
	cleanup_fd(&c->root);
	c->root = open("/" SLOT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->root < 0)
		return err_sys(&c->err, errno, "open");
	return c->ids.own ? unlock_root(c) : 0;
}

/* The host's control groups were mounted by stage one, into the slot's little root. */
static int new_system(const struct child *c, size_t nr)
{
	static const char *const no_options[] = { NULL };
	unsigned lifted = c->launch->privileged ? MOUNT_ATTR_RDONLY : 0;

	if (c->shared & CLONE_NEWCGROUP && !strcmp(mounts[nr].fs, "cgroup2"))
		return mounting_copy(AT_FDCWD, "/" SLOT_GROUPS, c->level.nested);
	return mounting_new(mounts[nr].fs, no_options, mounts[nr].attrs & ~lifted);
}

int child_mount_system(struct child *c)
{
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
		const char *target = mounts[i].target;
		_cleanup_fd_ int fd = new_system(c, i);
		_cleanup_fd_ int at = sys_open_plain(c->root, target, O_PATH | O_DIRECTORY);

		if (fd >= 0 && at < 0 && (errno == ELOOP || errno == ENOTDIR))
			return err_set(&c->err, "'/%s' of the image is not a folder", target);
		if (fd < 0 || at < 0 || mounting_attach(fd, at) < 0)
			return err_sys(&c->err, errno, "%s on '/%s'", mounts[i].fs, target);
	}
	return 0;
}

/* ---- masks ----------------------------------------------------------------------------------- */

static int open_null(void)
{
	int fd = mounting_copy(AT_FDCWD, "/" SLOT_NULL, false);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return fd;
	cleanup_fd(&fd);
	errno = ENODEV;
	return -1;
}

static int open_empty(void)
{
	int fd = mounting_copy(AT_FDCWD, "/" SLOT_EMPTY, false);

	if (fd >= 0 && mounting_restrict(fd, MOUNT_ATTR_RDONLY | QUIET, false) < 0)
		cleanup_fd(&fd);
	return fd;
}

/*
 * Where masks go. Opened once: a look-up that begins at the root asks the overlay for each of its
 * folders again.
 */
struct area {
	const char *name;
	int fd;
};

static int fail_at(struct child *c, const struct area *area, const char *path)
{
	return err_sys(&c->err, errno, "'/%s/%s'", area->name, path);
}

/*
 * An empty folder over a folder, a null device over a file. What this kernel does not have needs no
 * mask.
 */
static int mask(struct child *c, const struct area *area, const char *path)
{
	_cleanup_fd_ int at = sys_open_plain(area->fd, path, O_PATH), cover = -1;
	struct stat st;

	if (at < 0)
		return errno == ENOENT ? 0 : fail_at(c, area, path);
	if (fstat(at, &st) < 0)
		return fail_at(c, area, path);
	cover = S_ISDIR(st.st_mode) ? open_empty() : open_null();
	if (cover < 0 || mounting_attach(cover, at) < 0)
		return fail_at(c, area, path);
	return 0;
}

/* Heat tells one container about the work of another. */
static int mask_throttle(struct child *c, const struct area *sys)
{
	char path[80];

	for (unsigned cpu = 0;; cpu++) {
		snprintf(path, sizeof(path), "devices/system/cpu/cpu%u", cpu);
		_cleanup_fd_ int there = sys_open_plain(sys->fd, path, O_PATH);

		if (there < 0)
			return errno == ENOENT ? 0 : fail_at(c, sys, path);
		strcat(path, "/thermal_throttle");
		if (mask(c, sys, path) < 0)
			return -1;
	}
}

static int protect(struct child *c, const struct area *area, const char *path)
{
	_cleanup_fd_ int at = sys_open_plain(area->fd, path, O_PATH), tree = -1;

	if (at < 0)
		return errno == ENOENT ? 0 : fail_at(c, area, path);
	tree = mounting_copy(at, "", true);
	if (tree < 0 || mounting_restrict(tree, MOUNT_ATTR_RDONLY, true) < 0 ||
	    mounting_attach(tree, at) < 0)
		return fail_at(c, area, path);
	return 0;
}

static int for_all(struct child *c, const struct area *area, const char *const *paths,
		   int (*cover)(struct child *c, const struct area *area, const char *path))
{
	for (; *paths; paths++)
		if (cover(c, area, *paths) < 0)
			return -1;
	return 0;
}

int child_mask(struct child *c)
{
	_cleanup_fd_ int proc_fd = sys_open_plain(c->root, "proc", O_PATH | O_DIRECTORY);
	_cleanup_fd_ int sys_fd = sys_open_plain(c->root, "sys", O_PATH | O_DIRECTORY);
	const struct area proc = { "proc", proc_fd }, sys = { "sys", sys_fd };

	if (c->launch->unmasked)
		return 0;
	if (proc_fd < 0 || sys_fd < 0)
		return err_sys(&c->err, errno, "open '/proc' and '/sys'");
	if (for_all(c, &proc, masked_proc, mask) < 0 || for_all(c, &sys, masked_sys, mask) < 0 ||
	    for_all(c, &proc, read_only_proc, protect) < 0)
		return -1;
	return mask_throttle(c, &sys);
}

/* ---- the change of root ---------------------------------------------------------------------- */

int child_pivot(struct child *c)
{
	if (fchdir(c->root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(&c->err, errno, "pivot_root");
	/* The old root now lies over the new one, and is what "." means. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(&c->err, errno, "detach the old root");
	cleanup_fd(&c->root);
	return 0;
}
