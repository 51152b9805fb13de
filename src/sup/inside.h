/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inside: commands of ours in a container, a health check or a hook. box runs one at a time in a slot, so whoever wants one waits
 * for its turn here; hooks go first, then `x-exec`. Used by probing, hooks and nodeexec; settle tells when one has ended.
 */
#ifndef SUP_INSIDE_H
#define SUP_INSIDE_H

#include <ev.h>

#include "mstack/base.h"

struct sup_slot;
struct plan_hooks;

enum sup_errand { ERRAND_NONE, ERRAND_HOOK = 1, ERRAND_PROBE = 2, ERRAND_EXEC = 4 };

struct sup_inside {
	enum sup_errand running;
	unsigned waiting; /* of enum sup_errand */
	bool dropped; /* who wanted what runs wants it no more */
};

void sup_inside_want(struct sup_slot *slot, enum sup_errand errand);
/* Not wanted any more: what runs of it is killed, and its end is not told. */
void sup_inside_drop(struct sup_slot *slot, enum sup_errand errand);
/* Begins what waits, if nothing runs. */
void sup_inside_execute(struct sup_slot *slot);
/* BOX_EXEC_DONE: what it was; NONE: nobody wants to know. */
enum sup_errand sup_inside_done(struct sup_slot *slot);

/* A probe of ours: no command, but a socket of the container's network, or what it has logged. */
struct sup_knock {
	ev_io io;
	int fd; /* -1: none is under way */
	bool six; /* 127.0.0.1 has refused, now ::1 */
	bool asked; /* HTTP: the request is out */
	bool seen; /* the line of a log probe, since this start */
	char head[16]; /* HTTP: how the answer begins */
	size_t len;
};

/* Hooks that run, one after the other. */
struct sup_hooking {
	const struct plan_hooks *list;
	size_t at;
};

/* `pre_start`: the step that runs or is next. */
struct sup_stepping {
	size_t at;
	bool running; /* a process of it is there, or is being made */
	bool told;    /* to end, because nobody wants the service any more */
};

/* `x-exec`: the command that runs or is next. */
struct sup_execing {
	size_t at;
	bool late;
};

#endif
