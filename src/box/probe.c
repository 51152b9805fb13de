/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: can this host run containers, feature by feature, with the cure for what is missing.
 * Called by `mstack doctor`. Tries things out in children that end at once; changes nothing that
 * outlives the call.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/devfilter.h"
#include "box/sys.h"
#include "mstack/base_level.h"
#include "mstack/box.h"

struct check {
	const char *what;
	/* 0 good, or -1 with the reason in `why`. */
	int (*run)(const struct check *c, char *why, size_t size);
	uint64_t arg;
	const char *cure;
};

static int say_errno(char *why, size_t size, const char *what)
{
	snprintf(why, size, "%s: %s", what, strerror(errno));
	return -1;
}

/* ---- who and what ---------------------------------------------------------------------------- */

static int check_root(const struct check *c, char *why, size_t size)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t set = CAP_CLEAR;

	(void)c;
	if (caps)
		cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &set);
	cap_free(caps);
	if (!geteuid() && set == CAP_SET)
		return 0;
	snprintf(why, size, geteuid() ? "user id is %u" : "root without CAP_SYS_ADMIN (user id %u)",
		 geteuid());
	return -1;
}

static int check_kernel(const struct check *c, char *why, size_t size)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	(void)c;
	if (uname(&u) < 0)
		return say_errno(why, size, "uname");
	snprintf(why, size, "Linux %.60s", u.release);
	return sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
			       (major > 6 || (major == 6 && minor >= 1))
		       ? 0
		       : -1;
}

/* ---- system calls ---------------------------------------------------------------------------- */

/* A child of clone3 with these namespaces, which ends at once. */
static int check_clone(const struct check *c, char *why, size_t size)
{
	_cleanup_fd_ int pidfd = -1;
	siginfo_t si;
	pid_t pid = sys_clone(c->arg, -1, &pidfd);

	if (pid < 0)
		return say_errno(why, size, "clone3");
	if (!pid)
		_exit(0);
	waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL);
	return 0;
}

/* Below the root, which everybody may open: the folder that we are in need not be for us. */
static int check_openat2(const struct check *c, char *why, size_t size)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int fd = sys_open_plain(root, ".", O_PATH);

	(void)c;
	return fd < 0 ? say_errno(why, size, "openat2") : 0;
}

static int check_pidfd(const struct check *c, char *why, size_t size)
{
	_cleanup_fd_ int fd = sys_pidfd_open(getpid());

	(void)c;
	return fd < 0 || sys_pidfd_kill(fd, 0) < 0 ? say_errno(why, size, "pidfd") : 0;
}

static int check_seccomp(const struct check *c, char *why, size_t size)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	(void)c;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
		return say_errno(why, size, "seccomp");
	return 0;
}

/* With a descriptor that is none, a kernel that has the call says EBADF. */
static int check_idmap(const struct check *c, char *why, size_t size)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)-1 };

	(void)c;
	syscall(SYS_mount_setattr, -1, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	return errno == ENOSYS ? say_errno(why, size, "mount_setattr") : 0;
}

static int check_overlay(const struct check *c, char *why, size_t size)
{
	int fd = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);

	(void)c;
	if (fd < 0)
		return say_errno(why, size, "fsopen");
	close(fd);
	return 0;
}

/* ---- cgroups --------------------------------------------------------------------------------- */

static int check_cgroup2(const struct check *c, char *why, size_t size)
{
	_cleanup_free_ char *mount = NULL;
	struct err err = { 0 };

	(void)c;
	if (!cgroup_find_mount(&mount, &err))
		return 0;
	snprintf(why, size, "%.*s", (int)size - 1, err.text);
	return -1;
}

/* The group in which stacks would have theirs. */
static int find_place(struct cgroup_tree *ret, char *why, size_t size)
{
	_cleanup_free_ char *own = NULL;
	struct err err = { 0 };
	int nowhere = cgroup_find_top(&ret->path, &own, &err);

	ret->nested = level_get().nested;
	ret->delegated = own || ret->nested;
	if (!nowhere) {
		*strrchr(ret->path, '/') = '\0';
		return 0;
	}
	snprintf(why, size, "%.*s", (int)size - 1,
		 nowhere < 0 ? err.text : "no cgroup here is the user's");
	return -1;
}

/* The root group has no cgroup.kill, so a group is made for the question. */
static int check_cgroup_use(const struct check *c, char *why, size_t size)
{
	_cleanup_(cgroup_tree_fini) struct cgroup_tree place = { 0 };
	_cleanup_free_ char *path = NULL, *kill = NULL;
	int rc;

	(void)c;
	if (find_place(&place, why, size) < 0)
		return -1;
	path = xasprintf("%s/mstack-probe-%d", place.path, (int)getpid());
	kill = xasprintf("%s/cgroup.kill", path);
	rc = mkdir(path, 0755) < 0 ? say_errno(why, size, "make a group") : 0;
	if (!rc && access(kill, W_OK) < 0)
		rc = say_errno(why, size, "cgroup.kill");
	cgroup_remove(path);
	return rc;
}

static int check_controller(const struct check *c, char *why, size_t size)
{
	_cleanup_(cgroup_tree_fini) struct cgroup_tree place = { 0 };
	unsigned one = (unsigned)c->arg;

	if (find_place(&place, why, size) < 0)
		return -1;
	if (cgroup_controllers(place.path, "cgroup.controllers") & one)
		return 0;
	cgroup_why_missing(one, cgroup_place_of(&place, one), why, size);
	return -1;
}

static int check_devices(const struct check *c, char *why, size_t size)
{
	const struct launch none = { 0 };
	struct devfilter f = devfilter_make(&none);
	struct err err = { 0 };
	int fd = devfilter_load(&f, &err);

	(void)c;
	vec_fini(&f);
	if (fd < 0)
		snprintf(why, size, "%.*s", (int)size - 1, err.text);
	else
		close(fd);
	return fd < 0 ? -1 : 0;
}

/* ---- the list -------------------------------------------------------------------------------- */

#define NEWER	"boot Linux 6.1 or later (Debian 12 has it)"
#define UNIFIED "boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all"

/* clang-format off */
static const struct check checks[] = {
	{ "root rights", check_root, 0, "run mstack with sudo" },
	{ "kernel version", check_kernel, 0, NEWER },
	{ "clone3 with pidfd", check_clone, 0, NEWER },
	{ "pidfd signals", check_pidfd, 0, NEWER },
	{ "openat2", check_openat2, 0, NEWER },
	{ "mount namespace", check_clone, CLONE_NEWNS, "a kernel with CONFIG_NAMESPACES; a container must allow it" },
	{ "pid namespace", check_clone, CLONE_NEWPID, "a kernel with CONFIG_PID_NS" },
	{ "network namespace", check_clone, CLONE_NEWNET, "a kernel with CONFIG_NET_NS" },
	{ "uts namespace", check_clone, CLONE_NEWUTS, "a kernel with CONFIG_UTS_NS" },
	{ "ipc namespace", check_clone, CLONE_NEWIPC, "a kernel with CONFIG_IPC_NS" },
	{ "cgroup namespace", check_clone, CLONE_NEWCGROUP, "a kernel with CONFIG_CGROUPS" },
	{ "user namespace", check_clone, CLONE_NEWUSER, "raise the sysctl user.max_user_namespaces; a kernel with CONFIG_USER_NS" },
	{ "overlay file system", check_overlay, 0, "load the module: modprobe overlay" },
	{ "id-mapped mounts", check_idmap, 0, NEWER },
	{ "seccomp filters", check_seccomp, 0, "a kernel with CONFIG_SECCOMP_FILTER" },
	{ "device programs", check_devices, 0, "a kernel with CONFIG_CGROUP_BPF; without it write no `devices` and no `userns_mode: host`" },
	{ "cgroup v2", check_cgroup2, 0, UNIFIED },
	{ "cgroup.kill", check_cgroup_use, 0, NEWER },
	{ "controller memory", check_controller, BOX_WANT_MEMORY, UNIFIED },
	{ "controller cpu", check_controller, BOX_WANT_CPU, UNIFIED },
	{ "controller pids", check_controller, BOX_WANT_PIDS, UNIFIED },
};
/* clang-format on */

/* No ordinary user has device programs. */
static const char *cure_of_user(const struct check *c)
{
	_cleanup_(cgroup_tree_fini) struct cgroup_tree place = { 0 };
	char why[160];

	if (c->run == check_devices)
		return NULL;
	if (c->run != check_cgroup_use && c->run != check_controller)
		return c->cure;
	return find_place(&place, why, sizeof(why)) < 0
		       ? "for limits and pause: systemd-run --user --scope -p Delegate=yes mstack up ... (it wants the package "
			 "dbus-user-session), or a unit of the user's own: systemctl --user start mstack@STACK"
		       : CGROUP_USER_GRANT;
}

size_t box_probe(struct box_probe *ret, size_t max)
{
	size_t n = 0;

	for (; n < ARRAY_LEN(checks) && n < max; n++) {
		struct box_probe *p = &ret[n];

		*p = (struct box_probe){ .what = checks[n].what, .cure = checks[n].cure };
		p->ok = checks[n].run(&checks[n], p->why, sizeof(p->why)) == 0;
		if (level_get().nested)
			p->cure = cure_of_user(&checks[n]);
	}
	return n;
}
