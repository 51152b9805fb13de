/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup: one slot's group: made, limited, watched, emptied, removed. Called by slot.c and start.c,
 * and by kinds.c for what a dead supervisor left. Files of the group are reached from its
 * descriptor only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/cgroup.h"

#define PIDS_DEFAULT	 2048
#define CPU_PERIOD_US	 100000
#define CPU_QUOTA_MIN_US 1000
#define LEVELS_MAX	 16

/* ---- limits ---------------------------------------------------------------------------------- */

static int wanted_but_missing(unsigned one, const struct cgroup_tree *t, const struct box_limits *l,
			      struct err *err)
{
	char why[160];

	cgroup_why_missing(one, t->delegated, why, sizeof(why));
	err_set(err, "controller '%s' is not on cgroup v2 here (%s)", cgroup_controller_name(one),
		why);
	if (err)
		err->line = l->line;
	return -1;
}

static int put_number(int fd, const char *file, int64_t value, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return file_put(fd, file, text) < 0 ? err_sys(err, errno, "write %s to %s", text, file) : 0;
}

static int put_cpu(int fd, int64_t milli, struct err *err)
{
	int64_t quota = milli * (CPU_PERIOD_US / 1000);
	char text[64];

	if (quota < CPU_QUOTA_MIN_US)
		quota = CPU_QUOTA_MIN_US;
	snprintf(text, sizeof(text), "%" PRId64 " %d", quota, CPU_PERIOD_US);
	return file_put(fd, "cpu.max", text) < 0
		       ? err_sys(err, errno, "write '%s' to cpu.max", text)
		       : 0;
}

static int put_limits(int fd, const struct cgroup_tree *t, const struct box_limits *l,
		      struct err *err)
{
	unsigned missing = l->wanted & ~t->have;
	int64_t pids = l->pids_max ? l->pids_max : PIDS_DEFAULT;

	/* The lowest bit: one at a time is enough to say. */
	if (missing)
		return wanted_but_missing(missing & -missing, t, l, err);
	if (t->have & BOX_WANT_MEMORY) {
		if (l->memory_max > 0 && put_number(fd, "memory.max", l->memory_max, err) < 0)
			return -1;
		if (put_number(fd, "memory.oom.group", 1, err) < 0)
			return -1;
	}
	if (t->have & BOX_WANT_CPU && l->cpu_milli > 0 && put_cpu(fd, l->cpu_milli, err) < 0)
		return -1;
	if (t->have & BOX_WANT_PIDS && pids > 0)
		return put_number(fd, "pids.max", pids, err);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* One that a crash left is removed first: it may have been killed. */
static int make(struct cgroup *c, const struct cgroup_tree *t, struct ledger *ledger,
		struct err *err)
{
	struct stat st;

	if (cgroup_remove(c->path) < 0 || mkdir(c->path, 0755) < 0)
		return err_sys(err, errno, "make cgroup '%s'", c->path);
	c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st) < 0)
		return err_sys(err, errno, "open cgroup '%s'", c->path);
	if (ledger_done(ledger, c->item, st.st_ino, 0, err) < 0)
		return -1;
	return put_limits(c->fd, t, &c->limits, err);
}

int cgroup_open(struct cgroup *c, const struct cgroup_tree *t, struct ledger *ledger,
		const struct box_slot_spec *spec, struct err *err)
{
	*c = (struct cgroup){ .path = xasprintf("%s/%s", t->path, spec->name),
			      .fd = -1,
			      .limits = spec->limits };
	c->item = ledger_intend(ledger, CGROUP_KIND, t->item, c->path, err);
	if (!c->item) {
		cgroup_fini(c);
		return -1;
	}
	if (make(c, t, ledger, err) < 0) {
		if (cgroup_remove(c->path) >= 0)
			ledger_gone(ledger, c->item, NULL);
		cgroup_fini(c);
		return -1;
	}
	return 0;
}

int cgroup_renew(struct cgroup *c, const struct cgroup_tree *t, struct ledger *ledger,
		 struct err *err)
{
	cleanup_fd(&c->fd);
	if (make(c, t, ledger, err) < 0)
		return -1;
	c->killed = false;
	return 0;
}

void cgroup_fini(struct cgroup *c)
{
	cleanup_fd(&c->fd);
	free(c->path);
	c->path = NULL;
}

/* ---- looking in ------------------------------------------------------------------------------ */

/* The number behind `key` in a file of "key number" lines, or 0. */
static uint64_t keyed_number(int fd, const char *file, const char *key)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	size_t len = strlen(key);
	const char *p;

	if (file_read(fd, file, 4096, &text) < 0)
		return 0;
	for (p = buf_str(&text); p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (!strncmp(p, key, len) && p[len] == ' ')
			return strtoull(p + len, NULL, 10);
	}
	return 0;
}

bool cgroup_populated(int fd)
{
	return keyed_number(fd, "cgroup.events", "populated") > 0;
}

uint64_t cgroup_oom_kills(int fd)
{
	return keyed_number(fd, "memory.events", "oom_kill");
}

unsigned cgroup_count(int fd, unsigned max)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	unsigned n = 0;

	if (file_read(fd, "cgroup.procs", 1U << 20, &text) < 0)
		return max;
	for (const char *p = buf_str(&text); *p && n < max; p++)
		n += *p == '\n';
	return n;
}

/* ---- emptying and removing ------------------------------------------------------------------- */

/* Before 5.14 there is no cgroup.kill. Who forks meanwhile is met the next time round. */
static int kill_one_by_one(int fd)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	char *save = NULL;

	if (file_read(fd, "cgroup.procs", 1U << 20, &text) < 0)
		return -1;
	if (!text.data)
		return 0;
	for (char *p = strtok_r(text.data, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(p, NULL, 10);

		/* 0 is a process that our pid namespace does not show. */
		if (pid > 1)
			kill(pid, SIGKILL);
	}
	return 0;
}

int cgroup_kill(int fd)
{
	if (!file_put(fd, "cgroup.kill", "1"))
		return 0;
	return errno == ENOENT ? kill_one_by_one(fd) : -1;
}

int cgroup_kill_all(struct cgroup *c)
{
	c->killed = true;
	return cgroup_kill(c->fd);
}

static int remove_level(int parent, const char *name, unsigned level)
{
	_cleanup_fd_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *e;
	int own;

	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = own < 0 ? NULL : fdopendir(own);
	while (dir && level && (e = readdir(dir)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    remove_level(fd, e->d_name, level - 1) < 0)
			return -1;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

int cgroup_remove(const char *path)
{
	if (!rmdir(path))
		return 0;
	return errno == ENOENT ? 1 : remove_level(AT_FDCWD, path, LEVELS_MAX);
}
