/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroup: one slot's group: made, limited, watched, emptied, removed. Called by slot.c and start.c,
 * and by kinds.c for what a dead supervisor left. Files of the group are reached from its
 * descriptor only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/cgroup.h"

#define LEVELS_MAX 16

/* ---- life ------------------------------------------------------------------------------------ */

/* One that a crash left is removed first: it may have been killed. */
static int make(struct cgroup *c, struct cgroup_tree *t, struct ledger *ledger, struct err *err)
{
	struct stat st;

	if (cgroup_remove(c->path) < 0 || mkdir(c->path, 0755) < 0)
		return err_sys(err, errno, "make cgroup '%s'", c->path);
	c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0 || fstat(c->fd, &st) < 0)
		return err_sys(err, errno, "open cgroup '%s'", c->path);
	if (ledger_done(ledger, c->item, st.st_ino, 0, err) < 0)
		return -1;
	return cgroup_limit(c, t, err);
}

/* A group that is renewed gets them again, when the spec is long gone. */
void cgroup_keep_limits(struct cgroup *c, const struct box_limits *l)
{
	struct arena *before = c->arena;
	struct box_io *io;

	c->arena = arena_new();
	c->limits = *l;
	c->limits.cpus = l->cpus ? arena_strdup(c->arena, l->cpus) : NULL;
	io = arena_array(c->arena, struct box_io, l->n_io);
	for (size_t i = 0; i < l->n_io; i++) {
		io[i] = l->io[i];
		io[i].path = arena_strdup(c->arena, l->io[i].path);
	}
	c->limits.io = io;
	arena_free(before);
}

int cgroup_open(struct cgroup *c, struct cgroup_tree *t, struct ledger *ledger,
		const struct box_slot_spec *spec, struct err *err)
{
	*c = (struct cgroup){ .fd = -1, .devices = -1 };
	cgroup_keep_limits(c, &spec->limits);
	if (!t->path) {
		if (!cgroup_limit(c, t, err))
			return 0;
		cgroup_fini(c);
		return -1;
	}
	c->path = xasprintf("%s/%s", t->path, spec->name);
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

void cgroup_resume(struct cgroup *c, const char *path, uint32_t item,
		   const struct box_limits *limits)
{
	c->path = path ? xstrdup(path) : NULL;
	c->item = item;
	cgroup_keep_limits(c, limits);
}

int cgroup_renew(struct cgroup *c, struct cgroup_tree *t, struct ledger *ledger, struct err *err)
{
	if (!c->path)
		return 0;
	cleanup_fd(&c->fd);
	cleanup_fd(&c->devices);
	if (make(c, t, ledger, err) < 0)
		return -1;
	c->killed = false;
	return 0;
}

void cgroup_fini(struct cgroup *c)
{
	cleanup_fd(&c->fd);
	cleanup_fd(&c->devices);
	free(c->path);
	arena_free(c->arena);
	c->path = NULL;
	c->arena = NULL;
}

/* ---- looking in ------------------------------------------------------------------------------ */

uint64_t cgroup_number(int fd, const char *file, const char *key)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	size_t len = strlen(key);
	const char *p;

	if (file_read(fd, file, 65536, &text) < 0)
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
	return cgroup_number(fd, "cgroup.events", "populated") > 0;
}

uint64_t cgroup_oom_kills(int fd)
{
	return cgroup_number(fd, "memory.events", "oom_kill");
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
