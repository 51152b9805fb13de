/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_life: what a service does in its life beside running: probes of ours, hooks, restarts by `deploy.restart_policy`. A part of
 * the door of stack: include mstack/stack.h. Times are nanoseconds.
 */
#ifndef MSTACK_STACK_LIFE_H
#define MSTACK_STACK_LIFE_H

#include "mstack/stack_model.h"

enum stack_probe_kind { STACK_PROBE_TCP, STACK_PROBE_HTTP, STACK_PROBE_UNIX, STACK_PROBE_LOG };

/* `x-probe` */
struct stack_probe {
	enum stack_probe_kind kind;
	struct ip ip;			/* TCP, HTTP; none: the container itself, 127.0.0.1 and then ::1 */
	uint16_t port;			/* TCP, HTTP */
	const char *text;		/* HTTP: what is asked for, from / on; UNIX: absolute path inside; LOG: part of a line */
	const char *host;		/* HTTP: for the header */
	struct stack_pos pos;
};

/* An entry of `post_start` or `pre_stop`: a command in the container; of `pre_start`: one before it, in a container of its own. */
struct stack_hook {
	struct stack_strs command;
	struct stack_kvs environment;
	struct stack_str user, working_dir;	/* text NULL: the container's */
	bool privileged;
	struct stack_str image;		/* `pre_start`; text NULL: the service's */
	bool per_replica;		/* `pre_start`: before each container of the service, not only before the first */
	struct stack_pos pos;
};

/* `deploy.restart_policy`; its condition and max_attempts are `restart` and `restart_max` of the service. */
struct stack_retry {
	struct stack_num delay;		/* not given: the usual back-off */
	int64_t window_ns;		/* 0: every restart counts */
};

#endif
