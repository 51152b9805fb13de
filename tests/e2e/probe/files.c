/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files: what a container must not write, read or make: /proc and /sys, device nodes, mounts, ways out of its root. The
 * test puts device nodes into the image (/node-in-image) and into a bound folder (/bound/node).
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <unistd.h>

#include "probe.h"

/* ---- /proc and /sys -------------------------------------------------------------------------- */

static unsigned writable;

/* Opening alone changes nothing. Thousands of files: those let through are told up to ten. */
static int try_to_open(const char *path, const struct stat *st, int type, struct FTW *at)
{
	int fd;

	(void)at;
	if (type == FTW_D && !access(path, W_OK) && writable++ < 10)
		let_through("folder %s", path);
	if (!S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_WRONLY | O_NONBLOCK);
	if (fd >= 0 && writable++ < 10)
		let_through("%s", path);
	if (fd >= 0)
		close(fd);
	return 0;
}

static bool try_kernel_files(void)
{
	static const char *const trees[] = { "/proc/sys",  "/proc/irq",	 "/proc/bus", "/proc/fs",
					     "/proc/acpi", "/proc/scsi", "/sys" };

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		nftw(trees[i], try_to_open, 50, FTW_PHYS);
	return writable > 0;
}

/* What stands in /proc itself and is no process. */
static bool try_proc_top(void)
{
	DIR *d = opendir("/proc");
	bool any = REFUSED;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct stat st;
		int fd;

		/* What is masked by a null device may be written to. */
		if (fstatat(dirfd(d), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		fd = openat(dirfd(d), e->d_name, O_WRONLY | O_NONBLOCK);
		if (fd >= 0 && write(fd, "", 0) >= 0)
			any = let_through("/proc/%s", e->d_name);
	}
	return any;
}

static bool has_content(const char *path)
{
	char byte;
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		DIR *d = fdopendir(fd);
		unsigned n = 0;

		while (d && readdir(d))
			n++;
		return n > 2;
	}
	return read(fd, &byte, 1) > 0;
}

static bool try_masked(void)
{
	static const char *const paths[] = {
		"/proc/acpi",
		"/proc/asound",
		"/proc/config.gz",
		"/proc/interrupts",
		"/proc/kallsyms",
		"/proc/kcore",
		"/proc/keys",
		"/proc/kpagecgroup",
		"/proc/kpagecount",
		"/proc/kpageflags",
		"/proc/latency_stats",
		"/proc/sched_debug",
		"/proc/scsi",
		"/proc/slabinfo",
		"/proc/timer_list",
		"/proc/timer_stats",
		"/proc/vmallocinfo",
		"/proc/kmsg",
		"/sys/firmware",
		"/sys/fs/bpf",
		"/sys/fs/pstore",
		"/sys/kernel/debug",
		"/sys/kernel/security",
		"/sys/kernel/tracing",
		"/sys/devices/virtual/powercap",
		"/dev/core",
	};
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (has_content(paths[i]))
			any = let_through("%s", paths[i]);
	for (unsigned cpu = 0; cpu < 1024; cpu++) {
		char path[80];

		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/thermal_throttle", cpu);
		if (has_content(path))
			any = let_through("%s", path);
	}
	return any;
}

/* ---- devices --------------------------------------------------------------------------------- */

/* Memory, disks, consoles, a raw network: a node that was made must not open either. */
static bool try_mknod(void)
{
	static const char *const places[] = { "/node", "/tmp/node", "/dev/node", "/dev/shm/node",
					      "/bound/new" };
	static const struct {
		mode_t type;
		unsigned major, minor;
	} nodes[] = { { S_IFCHR, 1, 1 },    { S_IFCHR, 1, 3 }, { S_IFCHR, 5, 1 },
		      { S_IFCHR, 10, 200 }, { S_IFBLK, 8, 0 }, { S_IFBLK, 7, 0 },
		      { S_IFBLK, 254, 0 } };
	bool any = REFUSED;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		for (size_t j = 0; j < sizeof(nodes) / sizeof(*nodes); j++) {
			unlink(places[i]);
			if (!mknod(places[i], nodes[j].type | 0666,
				   makedev(nodes[j].major, nodes[j].minor)))
				any = let_through("%s of %u:%u", places[i], nodes[j].major,
						  nodes[j].minor);
		}
	return any;
}

static bool try_given_nodes(void)
{
	bool any = REFUSED;

	if (open("/node-in-image", O_RDONLY) >= 0)
		any = let_through("of the image");
	if (open("/bound/node", O_RDONLY) >= 0)
		any = let_through("of a bound folder");
	return any;
}

/* In /dev there are six nodes, terminals of its own, and nothing else. */
static bool try_other_devices(void)
{
	static const char *const known[] = { "null", "zero", "full", "random", "urandom", "tty" };
	DIR *d = opendir("/dev");
	bool any = REFUSED;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		bool is_known = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			is_known |= !strcmp(e->d_name, known[i]);
		if ((e->d_type == DT_CHR || e->d_type == DT_BLK) && !is_known)
			any = let_through("/dev/%s", e->d_name);
	}
	return any;
}

/* ---- mounts and ways out --------------------------------------------------------------------- */

static bool try_mount(void)
{
	static const char *const systems[] = {
		"tmpfs",   "proc",    "sysfs", "devtmpfs", "cgroup2",
		"overlay", "debugfs", "ramfs", "mqueue",   "devpts"
	};
	bool any = REFUSED;

	mkdir("/tmp/at", 0755);
	for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++)
		if (!mount(systems[i], "/tmp/at", systems[i], 0, NULL))
			any = let_through("%s", systems[i]);
	if (!mount("/proc/sys", "/tmp/at", NULL, MS_BIND, NULL))
		any = let_through("bind");
	if (!mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL))
		any = let_through("remount of /proc/sys");
	if (!mount(NULL, "/sys", NULL, MS_REMOUNT, NULL))
		any = let_through("remount of /sys");
	if (!umount2("/proc/kcore", MNT_DETACH) || !umount2("/proc", MNT_DETACH))
		any = let_through("umount");
	return any;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The old way out: a folder kept open while the root becomes one below it. */
static bool try_chroot(void)
{
	struct stat root, top;
	int here = open("/", O_RDONLY | O_DIRECTORY);

	mkdir("/tmp/below", 0755);
	if (here < 0 || stat("/", &root) < 0 || chroot("/tmp/below") < 0 || fchdir(here) < 0)
		return REFUSED;
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			return REFUSED;
	return stat(".", &top) < 0 || !same(&root, &top);
}

/* Everything that a process of ours can be asked for, seen through /proc. */
static bool try_proc_links(void)
{
	static const char *const links[] = { "root", "cwd", "root/..", "cwd/../../../../../.." };
	struct stat root, there;
	bool any = REFUSED;
	char path[64];

	if (stat("/", &root) < 0)
		return THROUGH;
	for (int pid = 0; pid <= 64; pid++)
		for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid, links[i]);
			if (stat(path, &there) < 0 || there.st_dev == root.st_dev)
				continue;
			any = let_through("%s", path);
		}
	return any;
}

/* No descriptor but the three, none of them of a folder, and a working directory that has a name. */
static bool try_descriptors(void)
{
	bool any = REFUSED;
	char cwd[PATH_MAX];
	struct stat st;

	for (int fd = 0; fd < 4096; fd++)
		if (!fstat(fd, &st) && (fd > 2 || S_ISDIR(st.st_mode)))
			any = let_through("descriptor %d", fd);
	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0 || *cwd != '/')
		any = let_through("working directory");
	return any;
}

/* Does a process have another program than those of this file system? Asking needs the rights of a tracer. */
static bool is_stranger(const char *pid, const struct stat *own)
{
	char path[300];
	struct stat there;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (*pid < '1' || *pid > '9' || stat(path, &there) < 0 || there.st_dev == own->st_dev)
		return false;
	return let_through("%s", path);
}

/* The runtime may be seen for a moment where a health check or another command begins: nobody may look into it. */
static bool try_programs(void)
{
	DIR *d = opendir("/proc");
	struct stat own;
	struct dirent *e;

	if (!d || stat("/proc/self/exe", &own) < 0)
		return THROUGH;
	for (unsigned i = 0; i < 3000; i++, rewinddir(d))
		while ((e = readdir(d)))
			if (is_stranger(e->d_name, &own))
				return THROUGH;
	return REFUSED;
}

const struct attempt attempts_files[] = {
	{ "writing to /proc/sys, /proc/irq and /sys", try_kernel_files },
	{ "writing to /proc", try_proc_top },
	{ "reading masked files", try_masked },
	{ "making device nodes", try_mknod },
	{ "opening device nodes that are there", try_given_nodes },
	{ "devices in /dev", try_other_devices },
	{ "mounts", try_mount },
	{ "way out by chroot", try_chroot },
	{ "way out by links of /proc", try_proc_links },
	{ "descriptors of the host", try_descriptors },
	{ "program of the runtime", try_programs },
	{ NULL, NULL },
};
