/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes: who is in a container, for `top`. Called by cli through box.h. A pid is only a hint: a process is read through one
 * descriptor of its folder in /proc, and counts when it is in the container's group at that moment.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "box/running.h"

#define FILE_MAX      65536
#define PIDS_FILE_MAX (16U << 20)
#define COMMAND_MAX   4096
#define LEVELS_MAX    16

struct pids VEC(pid_t);

/* ---- one process ----------------------------------------------------------------------------- */

/* The group in cgroup v2, as "0::/path\n" of /proc/PID/cgroup says it. */
static char *group_of(int dir)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *line;

	if (file_read(dir, "cgroup", FILE_MAX, &text) < 0)
		return NULL;
	line = strncmp(buf_str(&text), "0::", 3) ? strstr(buf_str(&text), "\n0::")
						 : buf_str(&text) - 1;
	return line ? xasprintf("%.*s", (int)strcspn(line + 4, "\n"), line + 4) : NULL;
}

/* Which id of the container is this one of the host? One that the container does not have stays what it is. */
static uint32_t id_inside(const char *map, uint32_t id)
{
	unsigned inside, outside, count;
	int used;

	while (sscanf(map, " %u %u %u%n", &inside, &outside, &count, &used) == 3) {
		if (id >= outside && id - outside < count)
			return inside + (id - outside);
		map += used;
	}
	return id;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* proc_pid_stat(5). The name in field 2 may hold anything, brackets too; *ret_name is a copy of it. */
static int read_stat(int dir, struct box_process *p, char **ret_name)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *begin, *end;
	uint64_t user, system, start;
	const uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);

	if (file_read(dir, "stat", FILE_MAX, &text) < 0)
		return -1;
	begin = strchr(buf_str(&text), '(');
	end = strrchr(buf_str(&text), ')');
	if (!begin || !end ||
	    sscanf(end + 1,
		   " %*c %d %*d %*d %" SCNu32 " %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %*d %*d %" SCNu64,
		   &p->ppid, &p->tty, &user, &system, &start) != 5)
		return -1;
	p->cpu_ms = (user + system) * 1000 / hz;
	p->started_wall_ns = time_wall_ns() - clock_ns(CLOCK_BOOTTIME) + start * (1000000000 / hz);
	*ret_name = xasprintf("%.*s", (int)(end - begin - 1), begin + 1);
	return 0;
}

static int read_uid(int dir, const char *map, struct box_process *p)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *line;
	unsigned uid;

	if (file_read(dir, "status", FILE_MAX, &text) < 0)
		return -1;
	line = strstr(buf_str(&text), "\nUid:");
	if (!line || sscanf(line, "\nUid: %*u %u", &uid) != 1)
		return -1;
	p->uid = id_inside(map, uid);
	return 0;
}

/* Its beginning: a process may have megabytes of words. A zombie and a thread of the kernel have none. */
static char *read_command(int dir, const char *name)
{
	_cleanup_fd_ int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	char text[COMMAND_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	while (n > 0 && !text[n - 1])
		n--;
	if (n <= 0)
		return xasprintf("[%s]", name);
	for (ssize_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = ' ';
	return xasprintf("%.*s", (int)n, text);
}

/* Without a group of its own a container is who has its namespace of processes. */
static bool is_inside(int dir, const char *group, ino_t pidns)
{
	_cleanup_free_ char *in = pidns ? NULL : group_of(dir);
	struct stat st;

	if (!pidns)
		return in && path_is_within(in, group);
	return fstatat(dir, "ns/pid", &st, 0) == 0 && st.st_ino == pidns;
}

/* 0, or -1: it has ended, or it is another one by now. The folder stays that of the process it was opened for. */
static int read_process(pid_t pid, const char *group, ino_t pidns, const char *map,
			struct box_process *ret)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d", (int)pid), *name = NULL;
	_cleanup_fd_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct box_process p = { .pid = pid };

	if (dir < 0 || !is_inside(dir, group, pidns) || read_stat(dir, &p, &name) < 0 ||
	    read_uid(dir, map, &p) < 0)
		return -1;
	p.command = read_command(dir, name);
	*ret = p;
	return 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Of the group and those below it: one with rights over its cgroups may have made some. */
static void collect(int group, unsigned levels, struct pids *ret)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	int own = fcntl(group, F_DUPFD_CLOEXEC, 0);
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;

	/* 0 is a process that our pid namespace does not show. */
	if (!file_read(group, "cgroup.procs", PIDS_FILE_MAX, &text))
		for (const char *p = buf_str(&text); *p; p += strcspn(p, "\n") + 1)
			if (atoi(p) > 0)
				vec_push(ret, (pid_t)atoi(p));
	while (dir && levels && (e = readdir(dir))) {
		_cleanup_fd_ int below = -1;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		below = openat(group, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			collect(below, levels - 1, ret);
	}
}

/* All that there are: each is looked at anyway. */
static void collect_all(struct pids *ret)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (atoi(e->d_name) > 0)
			vec_push(ret, (pid_t)atoi(e->d_name));
}

static int by_pid(const void *a, const void *b)
{
	const struct box_process *one = a, *two = b;

	return (one->pid > two->pid) - (one->pid < two->pid);
}

int box_running_processes(const struct box_running *shown, struct box_processes *ret,
			  struct err *err)
{
	const struct memo *m = ((const struct running *)shown)->memo;
	_cleanup_free_ char *path = xasprintf("/proc/%d", (int)m->pid), *group = NULL;
	_cleanup_fd_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int fd = *m->cgroup ? open(m->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_(buf_fini) struct buf map = { 0 };
	struct stat own = { 0 };
	struct pids pids = { 0 };

	group = dir < 0 ? NULL : group_of(dir);
	if (!group || (*m->cgroup && fd < 0) || file_read(dir, "uid_map", FILE_MAX, &map) < 0 ||
	    (fd < 0 && fstatat(dir, "ns/pid", &own, 0) < 0))
		return err_sys(err, ENOENT, "has just ended");
	*ret = (struct box_processes){ 0 };
	if (fd >= 0)
		collect(fd, LEVELS_MAX, &pids);
	else
		collect_all(&pids);
	ret->v = xcalloc(pids.n ? pids.n : 1, sizeof(*ret->v));
	for (size_t i = 0; i < pids.n; i++)
		if (!read_process(pids.v[i], group, own.st_ino, buf_str(&map), &ret->v[ret->n]))
			ret->n++;
	vec_fini(&pids);
	qsort(ret->v, ret->n, sizeof(*ret->v), by_pid);
	return 0;
}

void box_processes_fini(struct box_processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].command);
	free(p->v);
	*p = (struct box_processes){ 0 };
}
