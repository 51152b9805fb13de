/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runtime: the supervisor's side of the room: a runtime per stack, a slot per service instance, and
 * a guest for each child that was cloned and has not settled yet. Private to src/box.
 */
#ifndef BOX_RUNTIME_H
#define BOX_RUNTIME_H

#include <ev.h>

#include "box/cgroup.h"
#include "box/child.h"
#include "box/launch.h"
#include "box/memo.h"
#include "box/seccomp.h"
#include "box/sys.h"
#include "mstack/box.h"

#define BOX_DEADLINE_S 30.0
#define BOX_OUTPUT_MAX 4096

/* ---- guests (guest.c) ------------------------------------------------------------------------ */

struct guest;
typedef void guest_fn(struct guest *g);

/* One process of a guest: there when pid is not 0, until `gone` (reaped). */
struct guest_proc {
	struct ev_io io;
	struct guest *guest;
	pid_t pid;
	int fd;
	int status; /* as of wait(2) */
	bool gone;
};

/*
 * A child that reports through a socket, and the one that it clones in its turn. Facts are
 * collected here; `changed` is called after each one and decides.
 */
struct guest {
	struct box_slot *slot;
	guest_fn *changed;
	int sock;
	struct ev_io io;
	struct ev_timer deadline;
	struct guest_proc one, two;
	bool begun; /* cloned, and not ended by guest_fini */
	bool ready, failed, eof;
	int fds[SYS_FDS_MAX]; /* that came with READY, or a terminal */
	struct err err;
};

/* Clones stage one into the slot's cgroup. `go`: the word to go on is in the socket already. */
int guest_begin(struct guest *g, struct box_slot *s, guest_fn *changed, uint64_t namespaces,
		struct child *c, const struct child_step *steps, bool go, struct err *err);
/* Of a container that runs already: stage one is long gone. Takes over the descriptor. */
void guest_resume(struct guest *g, struct box_slot *s, guest_fn *changed, pid_t pid, int pidfd);
int guest_go(struct guest *g);
/* Are all of its processes reaped and has it said all? */
bool guest_settled(const struct guest *g);
/* Hears what it has said, without waiting for the loop. */
void guest_catch_up(struct guest *g);
/* If this zombie is one of its processes, reaps it as the loop would have. */
bool guest_claim(struct guest *g, pid_t pid);
/* SIGKILL for both of its processes. */
void guest_kill(struct guest *g);
/* Closes descriptors and stops watchers; kills nothing. */
void guest_fini(struct guest *g);

/* ---- slots ----------------------------------------------------------------------------------- */

enum slot_state {
	SLOT_OPENING, /* its child makes the namespaces */
	SLOT_BROKEN,  /* that failed; only good for closing */
	SLOT_IDLE,
	SLOT_STARTING,
	SLOT_FAILING, /* a start failed, its remains are on their way out */
	SLOT_RUNNING,
	SLOT_ENDING, /* PID 1 is gone, waiting for the last process of the cgroup */
};

struct box_exec;

struct box_slot {
	struct box_slot *next;
	struct box_runtime *rt;
	char *name;
	uint64_t token;
	enum slot_state state;
	bool closing; /* box_slot_close was called: freed as soon as nothing runs in it */
	struct cgroup cgroup;
	int netns, mntns, rtnl, userns; /* userns -1: the host's */
	enum box_share net;		/* whose netns is */
	int sockets[BOX_SOCKETS];	/* see box_slot_socket */
	uint32_t ids; /* first id of the host's that is a container's, 0: the host's own are */
	struct guest guest;    /* the slot's child, then each start */
	struct launch *launch; /* of the present or last start */
	int memo;	       /* of the present start, for clients; else -1 */
	int console;	       /* our side of the terminal of the present or last start; -1: none */
	bool go;	       /* the word was given */
	uint64_t oom_before;
	struct ev_timer settle; /* looks whether the cgroup is empty, */
	double settle_s;	/* after so long */
	struct box_exec *exec;
};

struct box_runtime {
	struct ev_loop *loop;
	struct ledger *ledger;
	box_event_fn *fn;
	void *arg;
	const struct child_tables *tables;
	int proc; /* the host's /proc */
	int init; /* the program for PID 1, once somebody wanted it */
	int self; /* pidfd of ours, for children to see whether we live */
	struct cgroup_tree tree;
	uint32_t ids; /* the first of the stack's range */
	struct seccomp_filter *filters;
	struct box_slot *slots;
	struct ev_timer later; /* looks again for zombies whose owner was not clear */
	char left_out[288];
};

/* What any runtime of this program has; nothing of a stack yet. */
struct box_runtime *runtime_new(struct ev_loop *loop, struct ledger *ledger, box_event_fn *fn,
				void *arg, struct err *err);
void runtime_emit(struct box_slot *s, struct box_event *ev);
/* What a child of this slot needs to begin with. */
struct child runtime_child(const struct box_slot *s);

/* slot.c: one in the list, with nothing of the kernel's but what it shares by its spec. */
struct box_slot *slot_new(struct box_runtime *rt, const struct box_slot_spec *spec);
/* slot.c: frees a closing slot when nothing is left in it, else looks again in a moment. */
void slot_try_free(struct box_slot *s);
/* slot.c: memory and descriptors only. */
void slot_free(struct box_slot *s);
/* slot.c: looks again in a moment, every time a bit later. */
void slot_settle_later(struct box_slot *s);
/* start.c: goes on with a start or an end as far as the facts allow. */
void start_advance(struct box_slot *s);
/* The same, as a guest_fn. */
void start_changed(struct guest *g);
/* exec.c: the guest of the command that is being executed, or NULL. */
struct guest *exec_guest(struct box_slot *s);
void exec_free(struct box_slot *s);

#endif
