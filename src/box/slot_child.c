/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slot_child: the steps of the short-lived child that makes a slot's namespaces. Cloned by slot.c
 * with a new mount namespace, and a new network if it is to have one that does not belong to a user
 * namespace; hands descriptors back and ends.
 *
 * The mount namespace is tiny: a tmpfs as its root, so that each start copies a handful of mounts
 * and not the host's. It also carries the upper layer that lives as long as the slot: before Linux
 * 6.15 an overlay takes no detached mount as its upper layer, so a descriptor of the tmpfs alone
 * would not do.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/child.h"
#include "box/ids.h"
#include "box/mounting.h"
#include "box/sys.h"

#define UPPER_DEFAULT (INT64_C(1) << 30)
#define ROOT_SIZE     (INT64_C(1) << 20)
#define ROOT_INODES   INT64_C(1024)

/* What is said of a network below is said by the slot that it belongs to, and never of the host's. */
static int join_network(struct child *c)
{
	if (c->slot->net != BOX_JOIN || !setns(c->netns, CLONE_NEWNET))
		return 0;
	return err_sys(&c->err, errno, "join");
}

/*
 * Unprivileged ping for everybody, since file capabilities give nothing here. The kernel keeps the
 * groups by their numbers on the host, and takes only those that we have ourselves: of a user
 * without ranges that is one. Where none of these fit, only ping goes without.
 */
static int allow_ping(struct child *c)
{
	char own[32], level[32];
	const char *const ranges[] = { own, level, "0 65535", "0 0" };

	if (c->slot->net != BOX_OWN)
		return 0;
	snprintf(own, sizeof(own), "%u %u", c->ids.first,
		 c->ids.own ? c->ids.first + c->ids.count - 1 : INT32_MAX);
	snprintf(level, sizeof(level), "0 %u", c->level.ids ? c->level.ids - 1 : 0);
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (!file_put(c->proc, "sys/net/ipv4/ping_group_range", ranges[i]))
			return 0;
	/* A kernel without IPv4's settings has no such limit either. */
	return errno == ENOENT || errno == EINVAL
		       ? 0
		       : err_sys(&c->err, errno, "write ping_group_range");
}

/*
 * Ports below 1024 for everybody, as images expect it of Docker: programs that run as their own user from the start listen
 * on 80. The ports are those of this network alone.
 */
static int allow_low_ports(struct child *c)
{
	if (c->slot->net != BOX_OWN)
		return 0;
	if (!file_put(c->proc, "sys/net/ipv4/ip_unprivileged_port_start", "0") || errno == ENOENT)
		return 0;
	return err_sys(&c->err, errno, "write ip_unprivileged_port_start");
}

/*
 * Secrets lie here, so it is never swapped out where the kernel can promise that (6.4). Each file has a page at least, which
 * leaves an inode for each.
 */
static int new_root(int64_t files_size)
{
	char size[32], inodes[32];
	const char *const options[] = { "size", size,	  "nr_inodes", inodes, "mode",
					"0755", "noswap", NULL,	       NULL };
	const char *const plain[] = { "size", size, "nr_inodes", inodes, "mode", "0755", NULL };
	int fd = -1;

	snprintf(size, sizeof(size), "%" PRId64, ROOT_SIZE + files_size);
	snprintf(inodes, sizeof(inodes), "%" PRId64, ROOT_INODES + files_size / 4096);
	if (files_size)
		fd = mounting_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	return fd >= 0 ? fd : mounting_new("tmpfs", plain, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

static int leave_host(struct child *c)
{
	_cleanup_fd_ int root = new_root(c->slot->files_size);

	if (root < 0)
		return err_sys(&c->err, errno, "make its root");
	return mounting_become_root(root) < 0 ? err_sys(&c->err, errno, "leave the host's mounts")
					      : 0;
}

/* Where the namespace of processes is not our own, root may mount no proc for it; but that of the host can be shown again. */
static int open_system(struct child *c)
{
	static const char *const paths[] = { "/proc", "/sys" };

	for (size_t i = 0; c->level.nested && i < ARRAY_LEN(paths); i++) {
		c->system_tree[i] = mounting_copy(AT_FDCWD, paths[i], true);
		if (c->system_tree[i] < 0 ||
		    mounting_propagate(c->system_tree[i], MS_PRIVATE, true) < 0)
			return err_sys(&c->err, errno, "'%s' of the host", paths[i]);
	}
	return child_open_devices(c);
}

/*
 * Who may mount a new proc or sys in a user namespace must see a whole one already (mount_too_revealing in the kernel), and
 * the host's are gone. The containers leave them behind when they change their root.
 */
static int mount_system(struct child *c)
{
	static const char *const names[] = { "proc", "sys" }, *const no_options[] = { NULL };

	for (size_t i = 0; (c->ids.own || c->level.nested) && i < ARRAY_LEN(names); i++) {
		_cleanup_fd_ int at = -1;
		_cleanup_fd_ int fd = c->level.nested
					      ? take_fd(&c->system_tree[i])
					      : mounting_new(i ? "sysfs" : "proc", no_options,
							     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
								     MOUNT_ATTR_NOEXEC);

		if (fd < 0 || mkdir(names[i], 0755) < 0)
			return err_sys(&c->err, errno, "make '%s'", names[i]);
		at = open(names[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0 || mounting_attach(fd, at) < 0)
			return err_sys(&c->err, errno, "mount on '%s'", names[i]);
	}
	return 0;
}

static int make_null(struct child *c)
{
	_cleanup_fd_ int at = -1;

	if (mknod(SLOT_NULL, (c->level.nested ? S_IFREG : S_IFCHR) | 0666,
		  c->level.nested ? 0 : makedev(1, 3)) < 0)
		return err_sys(&c->err, errno, "make a null device");
	if (!c->level.nested)
		return 0;
	at = open(SLOT_NULL, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || mounting_attach(c->dev_tree[0], at) < 0)
		return err_sys(&c->err, errno, "show the null device of the host");
	return 0;
}

static int furnish(struct child *c)
{
	umask(0);
	if (mkdir(SLOT_ROOT, 0755) < 0 || mkdir(SLOT_UPPER, 0755) < 0 ||
	    mkdir(SLOT_EMPTY, 0755) < 0)
		return err_sys(&c->err, errno, "make folders");
	return make_null(c);
}

static int64_t upper_size(const struct box_slot_spec *spec)
{
	if (spec->tmp_upper_size > 0)
		return spec->tmp_upper_size;
	return spec->limits.memory_max > 0 ? spec->limits.memory_max / 2 : UPPER_DEFAULT;
}

static int mount_upper(struct child *c)
{
	char size[32];
	const char *const options[] = { "size", size, "mode", "0755", NULL };
	_cleanup_fd_ int fd = -1, at = -1;

	if (!c->slot->tmp_upper)
		return 0;
	snprintf(size, sizeof(size), "%" PRId64, upper_size(c->slot));
	fd = mounting_new("tmpfs", options, MOUNT_ATTR_NODEV);
	at = open(SLOT_UPPER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || at < 0 || mounting_attach(fd, at) < 0)
		return err_sys(&c->err, errno, "tmpfs of %s bytes", size);
	if (mkdirat(fd, "upper", 0755) < 0 || mkdirat(fd, "work", 0700) < 0)
		return err_sys(&c->err, errno, "make folders");
	return 0;
}

static int hand_over(struct child *c)
{
	struct child_msg m = { .type = CHILD_READY };
	const int type = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fds[SLOT_FDS] = {
		[SLOT_NETNS] = openat(c->proc, "self/ns/net", O_RDONLY | O_CLOEXEC),
		[SLOT_MNTNS] = openat(c->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC),
		[SLOT_RTNL] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
		[SLOT_UDP] = socket(AF_INET, SOCK_DGRAM | type, 0),
		[SLOT_TCP] = socket(AF_INET, SOCK_STREAM | type, 0),
		[SLOT_NFT] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER),
		[SLOT_USERNS] = c->userns,
	};
	size_t n = c->ids.own ? SLOT_FDS : SLOT_USERNS;

	for (size_t i = 0; i < n; i++)
		if (fds[i] < 0)
			return err_sys(&c->err, errno, "open descriptor %zu", i);
	if (sys_send(c->sock, &m, sizeof(m), fds, n) < 0)
		return err_sys(&c->err, errno, "send");
	return 0;
}

const struct child_step child_slot_steps[] = {
	{ "death signal", child_die_with_supervisor },
	{ "close descriptors", child_close_others },
	{ "make the user namespace", child_make_userns },
	{ "join the network", join_network },
	{ "allow ping", allow_ping },
	{ "allow low ports", allow_low_ports },
	{ "open what is the host's", open_system },
	{ "make the mount namespace", leave_host },
	{ "furnish the mount namespace", furnish },
	{ "mount proc and sys", mount_system },
	{ "mount the upper layer", mount_upper },
	{ "hand over the namespaces", hand_over },
	{ NULL, NULL },
};
