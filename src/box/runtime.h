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
/* Of a container that runs already: stage one is long gone. Takes over the descriptor. status: of one that has ended, else 0. */
void guest_resume(struct guest *g, struct box_slot *s, guest_fn *changed, pid_t pid, int pidfd,
		  int status);
int guest_go(struct guest *g);
/* Are all of its processes reaped and has it said all? */
bool guest_settled(const struct guest *g);
/* Stage one has ended. May there be a stage two that we do not watch? Not when a step of stage one failed, see child_run. */
bool guest_is_untold(const struct guest *g);
/* Hears what it has said, without waiting for the loop. */
void guest_catch_up(struct guest *g);
/* If this zombie is one of its processes, reaps it as the loop would have. */
bool guest_claim(struct guest *g, pid_t pid);
/* SIGKILL for both of its processes. */
void guest_kill(struct guest *g);
/* For a second process that we have not heard of: what it says next, or waits for, tells it to end. */
void guest_hang_up(struct guest *g);
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
	struct ids_map ids;
	struct guest guest;    /* the slot's child, then each start */
	struct launch *launch; /* of the present or last start */
	int memo;	       /* of the present start, for clients; else -1 */
	int console;	       /* our side of the terminal of the present or last start; -1: none */
	bool go;	       /* the word is to be given, */
	bool told;	       /* and was */
	uint32_t process;      /* its item where there is no group (ungrouped.h), else 0 */
	bool stray; /* a process that nobody told us of may end in it, see runtime_expect_stray */
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
	int home; /* the network namespace that the supervisor lives in */
	int init; /* the program for PID 1, once somebody wanted it */
	int self; /* pidfd of ours, for children to see whether we live */
	struct cgroup_tree tree;
	struct level level;
	struct ids_map ids; /* the stack's range */
	char *maps[2];	    /* see struct child */
	struct seccomp_filter *filters;
	struct box_slot *slots;
	struct ev_timer
		later; /* looks again for zombies whose owner was not clear, or that are to come, */
	double later_s; /* after so long */
};

/* What any runtime of this program has; nothing of a stack yet. */
struct box_runtime *runtime_new(struct ev_loop *loop, struct ledger *ledger, box_event_fn *fn,
				void *arg, struct err *err);
/* One level below the host: what its slots' maps of ids are. */
int runtime_write_maps(struct box_runtime *rt, struct err *err);
void runtime_emit(struct box_slot *s, struct box_event *ev);
/*
 * Stage one was killed before it could tell of stage two, which is a child of ours, too, and tells nobody of its end. As long as we
 * have not reaped it, PID 1 of its container cannot end either (pid_namespaces(7)).
 */
void runtime_expect_stray(struct box_slot *s);
/* What a child of this slot needs to begin with. */
struct child runtime_child(const struct box_slot *s);

/* slot.c: one in the list, with nothing of the kernel's but what it shares by its spec. */
struct box_slot *slot_new(struct box_runtime *rt, const struct box_slot_spec *spec);
/* slot.c: frees a closing slot when nothing is left in it, else looks again in a moment. */
void slot_try_free(struct box_slot *s);
/* slot.c: memory and descriptors only. */
void slot_free(struct box_slot *s);
/* slot.c: SIGKILL for all that is in it, by its group or, where it has none, by its first process. */
void slot_kill_all(struct box_slot *s);
/* slot.c: looks again in a moment, every time a bit later. */
void slot_settle_later(struct box_slot *s);
/* start.c: goes on with a start or an end as far as the facts allow. */
void start_advance(struct box_slot *s);
/* The same, as a guest_fn. */
void start_changed(struct guest *g);
/* The process of its start is no more, as far as the ledger goes. */
void start_forget(struct box_slot *s);
/* exec.c: the guest of the command that is being executed, or NULL. */
struct guest *exec_guest(struct box_slot *s);
void exec_free(struct box_slot *s);

#endif
