/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounted: volumes with file systems of their own (`driver_opts` of compose): tmpfs, a block device, a server of files. A child
 * mounts all of them, first detached and then in a mount namespace with nothing else in it, whose descriptor it hands over. So
 * they are never seen on the host, several containers share one, and none outlives the supervisor and its containers.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/mounting.h"
#include "box/task.h"

#define OPTIONS_MAX 4096

/* ---- options --------------------------------------------------------------------------------- */

/* What is a matter of the mount, not of the file system; the last word of a kind wins, as for mount(8). */
static const struct {
	const char *word;
	uint64_t set, clear;
} attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nodev", 0, 0 },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "relatime", 0, MOUNT_ATTR__ATIME },
	{ "atime", 0, MOUNT_ATTR__ATIME },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
};

/* Words of fstab(5) that no file system hears of. */
static const char *const idle[] = { "defaults", "auto",	 "noauto", "user",    "nouser",
				    "users",	"owner", "nofail", "_netdev", "async" };

static bool take_attribute(const char *word, uint64_t *attrs)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
		if (strcmp(word, attributes[i].word))
			continue;
		*attrs = (*attrs & ~attributes[i].clear) | attributes[i].set;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		if (!strcmp(word, idle[i]))
			return true;
	return false;
}

/* What the kernel says about a context, its newest line: "e tmpfs: Unknown parameter 'x'". */
static int explain(struct child *c, int ctx, const struct box_volume *v, int why, const char *what)
{
	char said[256], line[256] = "";
	ssize_t n;

	while ((n = read(ctx, said, sizeof(said) - 1)) > 0) {
		n -= said[n - 1] == '\n';
		said[n] = '\0';
		memcpy(line, said + (n > 2 ? 2 : 0), (size_t)(n > 2 ? n - 1 : n + 1));
	}
	return err_sys(&c->err, why, "volume '%s': %s '%s' of type '%s'%s%s", v->name, what,
		       v->device, v->type, *line ? ": the kernel says: " : "", line);
}

/* ro is for both: a device that cannot be written needs it, and so does the mount. */
static int set_options(int ctx, const char *text, uint64_t *attrs)
{
	char list[OPTIONS_MAX], *rest = list, *word;

	if (strlen(text) >= sizeof(list)) {
		errno = E2BIG;
		return -1;
	}
	memcpy(list, text, strlen(text) + 1);
	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');
		int rc;

		if (!*word || (take_attribute(word, attrs) && strcmp(word, "ro")))
			continue;
		if (value)
			*value++ = '\0';
		rc = value ? fsconfig(ctx, FSCONFIG_SET_STRING, word, value, 0)
			   : fsconfig(ctx, FSCONFIG_SET_FLAG, word, NULL, 0);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int mount_one(struct child *c, const struct box_volume *v, int *ret_tree)
{
	_cleanup_fd_ int ctx = fsopen(v->type, FSOPEN_CLOEXEC);
	uint64_t attrs = MOUNT_ATTR_NODEV;

	if (ctx < 0 && errno == ENODEV)
		return err_set(&c->err,
			       "volume '%s': this kernel has no file system of the type '%s'",
			       v->name, v->type);
	if (ctx < 0)
		return err_sys(&c->err, errno, "volume '%s': type '%s'", v->name, v->type);
	if (fsconfig(ctx, FSCONFIG_SET_STRING, "source", v->device, 0) < 0 ||
	    (v->options && set_options(ctx, v->options, &attrs) < 0))
		return explain(c, ctx, v, errno, "options for");
	if (fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return explain(c, ctx, v, errno, "mount");
	*ret_tree = fsmount(ctx, FSMOUNT_CLOEXEC, (unsigned)attrs);
	if (*ret_tree < 0)
		return explain(c, ctx, v, errno, "mount");
	return 0;
}

/* Devices are found by their paths on the host: so first all are made, and then the host is left. */
static int mount_all(struct child *c)
{
	for (size_t i = 0; i < c->n_wanted; i++) {
		if (!mount_one(c, &c->wanted[i], &c->wanted_tree[i]))
			continue;
		c->err.line = c->wanted[i].line;
		return -1;
	}
	return 0;
}

static int leave_host(struct child *c)
{
	static const char *const options[] = { "size", "1m", "mode", "0755", NULL };
	_cleanup_fd_ int root = mounting_new(
		"tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);

	char path[VOLUME_PATH_SIZE];

	if (root < 0 || mounting_become_root(root) < 0)
		return err_sys(&c->err, errno, "make its mount namespace");
	/* The second is a place for who leaves from here in his turn, see mounting_become_root. */
	if (mkdir(VOLUMES, 0700) < 0 || mkdir("proc", 0700) < 0)
		return err_sys(&c->err, errno, "make folders");
	for (size_t i = 0; i < c->n_wanted; i++) {
		snprintf(path, sizeof(path), VOLUMES "/%s", c->wanted[i].name);
		if (child_attach_named(c, c->wanted_tree[i], path) < 0)
			return -1;
	}
	return 0;
}

static int hand_over(struct child *c)
{
	_cleanup_fd_ int ns = openat(c->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);

	return ns < 0 ? err_sys(&c->err, errno, "open its mount namespace") : task_answer(c, 0, ns);
}

static const struct child_step steps[] = {
	{ "death signal", child_die_with_supervisor },
	{ "close descriptors", child_close_others },
	{ "mount volumes", mount_all },
	{ "leave the host", leave_host },
	{ "hand over the volumes", hand_over },
	{ NULL, NULL },
};

int box_volumes_mount(const struct box_volume *v, size_t n, struct err *err)
{
	_cleanup_fd_ int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	_cleanup_free_ int *trees = xcalloc(n + 1, sizeof(*trees));
	struct child c = child_blank();

	if (proc < 0)
		return err_sys(err, errno, "open '/proc'");
	c.proc = proc;
	c.wanted = v;
	c.n_wanted = n;
	c.wanted_tree = trees;
	return task_run(&c, CLONE_NEWNS, steps, &fd, err) < 0 ? -1 : take_fd(&fd);
}
