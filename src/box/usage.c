/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * usage: what a running container uses, from its cgroup and its network namespace, and whether it is frozen. Called by cli
 * through box.h. Only reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/running.h"
#include "box/sys.h"

#define FILE_MAX     4096
#define IO_FILE_MAX  (1U << 20)
#define NET_FILE_MAX (1U << 20)

static int open_group(const struct box_running *r)
{
	const char *path = ((const struct running *)r)->memo->cgroup;

	return *path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* ---- controllers ----------------------------------------------------------------------------- */

/* A file of one number; "max" is the greatest. False: there is no such file, because its controller is not there. */
static bool read_number(int group, const char *file, uint64_t *ret)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (file_read(group, file, FILE_MAX, &text) < 0)
		return false;
	*ret = strncmp(buf_str(&text), "max", 3) ? strtoull(buf_str(&text), NULL, 10) : UINT64_MAX;
	return true;
}

static uint64_t host_memory(void)
{
	struct sysinfo si;

	return sysinfo(&si) < 0 ? 0 : (uint64_t)si.totalram * si.mem_unit;
}

/* As docker counts: pages of files that nobody has touched for a while are not the container's need. */
static bool read_memory(int group, struct box_usage *u)
{
	uint64_t idle = cgroup_number(group, "memory.stat", "inactive_file");

	if (!read_number(group, "memory.current", &u->memory))
		return false;
	u->memory -= idle < u->memory ? idle : u->memory;
	if (!read_number(group, "memory.max", &u->memory_max) || u->memory_max > host_memory())
		u->memory_max = host_memory();
	return true;
}

static bool read_tasks(int group, struct box_usage *u)
{
	return read_number(group, "pids.current", &u->tasks);
}

/* "8:0 rbytes=1 wbytes=2 ...", a line per disk. */
static bool read_io(int group, struct box_usage *u)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (file_read(group, "io.stat", IO_FILE_MAX, &text) < 0)
		return false;
	for (const char *p = buf_str(&text); (p = strchr(p, ' ')); p++) {
		if (!strncmp(p, " rbytes=", 8))
			u->read += strtoull(p + 8, NULL, 10);
		else if (!strncmp(p, " wbytes=", 8))
			u->written += strtoull(p + 8, NULL, 10);
	}
	return true;
}

static const struct {
	unsigned one;
	bool (*read)(int group, struct box_usage *u);
} readers[] = {
	{ BOX_WANT_MEMORY, read_memory },
	{ BOX_WANT_PIDS, read_tasks },
	{ BOX_WANT_IO, read_io },
};

/* ---- the network ----------------------------------------------------------------------------- */

/* proc_pid_net(5): "  eth0: " and sixteen numbers, of which the first are bytes in and the ninth bytes out. */
static void add_link(const char *line, struct box_usage *u)
{
	uint64_t in, out;
	char name[32];

	if (sscanf(line, " %31[^:]: %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, name, &in,
		   &out) != 3 ||
	    !strcmp(name, "lo"))
		return;
	u->received += in;
	u->sent += out;
}

static void read_network(pid_t pid, struct box_usage *u)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	u->net = running_elsewhere(pid, "net") > 0 &&
		 !file_read(AT_FDCWD, path, NET_FILE_MAX, &text);
	for (const char *p = buf_str(&text); p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		add_link(p, u);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

int box_running_usage(const struct box_running *r, struct box_usage *ret, struct err *err)
{
	_cleanup_fd_ int group = open_group(r);
	struct box_usage u = { 0 };

	if (group < 0 && *((const struct running *)r)->memo->cgroup)
		return err_sys(err, ENOENT, "has just ended");
	/* An ordinary user's may have no group (read_number finds nothing then), but the network is there. */
	u.cpu_us = cgroup_number(group, "cpu.stat", "usage_usec");
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (!readers[i].read(group, &u))
			u.missing |= readers[i].one;
	read_network(r->pid, &u);
	if (sys_pidfd_ended(r->pidfd))
		return err_sys(err, ENOENT, "has just ended");
	*ret = u;
	return 0;
}

int box_running_frozen(const struct box_running *r)
{
	_cleanup_fd_ int group = open_group(r);
	uint64_t asked = 0;

	if (group < 0 || !read_number(group, "cgroup.freeze", &asked) || !asked)
		return 0;
	return cgroup_number(group, "cgroup.events", "frozen") ? 1 : 2;
}

const char *box_controller_name(unsigned one)
{
	return cgroup_controller_name(one);
}

/* What is said of a group that systemd delegated would be the same here but for its cure, which only its supervisor knows. */
void box_controller_missing(unsigned one, char *ret, size_t size)
{
	_cleanup_free_ char *top = NULL;
	int nowhere = cgroup_find_top(&top, NULL, &(struct err){ 0 });

	cgroup_why_missing(one, nowhere ? CGROUP_NOWHERE : CGROUP_OF_HOST, ret, size);
}
