/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box_usage: what is going on in a running container: its processes, what it uses, whether it is frozen. Part of the door of
 * box, included by box.h. Read by clients from /proc and the container's cgroup; its supervisor is not asked.
 */
#ifndef MSTACK_BOX_USAGE_H
#define MSTACK_BOX_USAGE_H

#include "mstack/base.h"

struct box_running;

struct box_process {
	pid_t pid, ppid;	/* of the host */
	uint32_t uid;		/* effective, as the container counts */
	uint32_t tty;		/* device number as in proc_pid_stat(5); 0: none */
	uint64_t started_wall_ns, cpu_ms;
	char *command;		/* words with blanks between them, or [name]; any bytes that a stranger likes */
};
struct box_processes { struct box_process *v; size_t n; };

/* All that are in its cgroup, by pid. One that ends meanwhile is left out; none at all is no error. */
int box_running_processes(const struct box_running *r, struct box_processes *ret, struct err *err);
void box_processes_fini(struct box_processes *p);

/* BOX_WANT_* of controllers that the group does not have: their numbers are 0. */
struct box_usage {
	unsigned missing;
	uint64_t cpu_us;		/* since the group was made; needs no controller */
	uint64_t memory, memory_max;	/* without what the kernel would give back at once; the host's memory when there is no limit */
	uint64_t tasks;
	uint64_t read, written;		/* bytes of block devices */
	bool net;			/* false: it has the host's network */
	uint64_t received, sent;	/* of its interfaces but `lo` */
};
/* 0, or -1: it has just ended (err->sys ENOENT). */
int box_running_usage(const struct box_running *r, struct box_usage *ret, struct err *err);
/* "memory" for BOX_WANT_MEMORY, and why that controller is not there, with the cure. */
const char *box_controller_name(unsigned one);
void box_controller_missing(unsigned one, char *ret, size_t size);

/* 1 no process of it runs any more; 0 it goes on; 2 it was asked to stand still and does not yet. */
int box_running_frozen(const struct box_running *r);

#endif
