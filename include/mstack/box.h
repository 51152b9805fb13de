/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box: one container's kernel body: slot, clone, namespaces, mounts, cgroup, limits, exec, exit.
 *
 * A slot (namespaces, cgroup, tmpfs upper layer) outlives the processes that are guests in it. A start takes two stages: stage
 * one is cloned into the slot's cgroup with a private mount namespace, builds the root and reports the pid of stage two,
 * which it clones as the supervisor's own child (CLONE_PARENT) into new pid, mount, ipc, uts and cgroup namespaces.
 * Unless `host_ids` is asked for, a slot has a user namespace in which the stack's own range of 65,536 ids (MSTACK_ID_POOL)
 * stands for 0 to 65535; layers and binds are id-mapped, so that files keep their owners on disk. Capabilities are those of
 * that namespace. The child walks a table of steps (src/box/child.c). Before exec it waits for box_go.
 *
 * Nothing here blocks: results come through the callback, which must only take notes (it is called from libev watchers).
 * Knows no services: plan fills in these specs. Specs are borrowed for the call only.
 */
#ifndef MSTACK_BOX_H
#define MSTACK_BOX_H

#include "mstack/base.h"
#include "mstack/box_resume.h"
#include "mstack/box_spec.h"
#include "mstack/box_usage.h"
#include "mstack/ledger.h"

struct ev_loop;

/* ---- events ---------------------------------------------------------------------------------- */

enum box_event_kind {
	BOX_SLOT_READY,		/* box_slot_netns and box_slot_rtnl are valid now */
	BOX_SLOT_FAILED,	/* err */
	BOX_STARTED,		/* READY seen and exec done: pid is the container's PID 1 */
	BOX_START_FAILED,	/* err: kind ERR_CREATE, ERR_NOEXEC or ERR_NOTFOUND; nothing of it runs any more */
	BOX_EXITED,		/* status as of wait(2); oom: the cgroup's memory.events counted a kill in this run. All its processes are gone */
	BOX_EXEC_DONE,		/* status, output (first 4096 bytes of both streams), of box_exec; timeout is the caller's */
};

struct box_event {
	enum box_event_kind kind;
	uint64_t token;		/* as given to box_slot_open / box_exec */
	pid_t pid;
	int status;
	bool oom;
	const char *output; size_t output_len;
	struct err err;
};

typedef void box_event_fn(void *arg, const struct box_event *ev);

/* ---- the runtime of one stack ---------------------------------------------------------------- */

struct box_runtime;
struct box_slot;

/* Finds the cgroup2 mount, makes the sub-tree `project` (ledger first), checks the basics of the host; errors name the cure. */
struct box_runtime *box_open(struct ev_loop *loop, const char *project, struct ledger *ledger, box_event_fn *fn, void *arg,
			     struct err *err);
void box_close(struct box_runtime *rt);	/* processes still there are killed; the rest is the ledger's to undo */
/*
 * What is not as usual because controllers are missing, as a line, or nothing: our own limits are left out, or limits of processes stand in for
 * those that were asked for (`wanted`: BOX_WANT_*).
 */
void box_left_out(const struct box_runtime *rt, unsigned wanted, struct buf *ret);
/*
 * BOX_WANT_*: controllers that are not here, and that limits of processes stand in for. Such a limit of memory is taken on when a process starts,
 * one of the number of processes when the slot is made.
 */
unsigned box_stands_in(const struct box_runtime *rt);
/* Before anything ends for such limits: a controller that they ask for is not here, and nothing stands in. -1 with the words of the start. */
int box_limits_check(const struct box_runtime *rt, const struct box_limits *l, struct err *err);
/* For limits that are a wish: takes those away that have no controller here, and says so as a line. False: all can be kept. */
bool box_limits_spare(const struct box_runtime *rt, struct box_limits *l, struct buf *ret);
/* The id of the host that is 0 in the stack's user namespaces; what containers are to own outside (FIFOs) belongs to it and those above. */
uint32_t box_ids(const struct box_runtime *rt);
/* For zombies of others that land on us (we may be PID 1 of a VM): reaps every child that is not one of ours. Call on SIGCHLD. */
void box_reap_strangers(struct box_runtime *rt);

/* Begins: cgroup with limits, then a short-lived child makes the namespaces. READY or FAILED follows. NULL: error, no event. */
struct box_slot *box_slot_open(struct box_runtime *rt, const struct box_slot_spec *spec, struct err *err);
int box_slot_netns(const struct box_slot *s);	/* borrowed; -1 before READY */
int box_slot_rtnl(const struct box_slot *s);	/* rtnetlink socket inside; borrowed */
/* Sockets of its network that belong to nobody yet: of UDP and TCP, not waiting, and of nf_tables; borrowed. */
enum box_socket { BOX_UDP, BOX_TCP, BOX_NFT, BOX_SOCKETS };
int box_slot_socket(const struct box_slot *s, enum box_socket which);
/* A further one, of TCP, which does not wait; the caller's. We are in that network for one system call. */
int box_slot_dial(const struct box_slot *s, int family, struct err *err);
uint32_t box_slot_item(const struct box_slot *s);	/* its ledger item (the cgroup) */
/* Other limits from now on, whether processes are in it or not. On error those that it had. */
int box_slot_limit(struct box_slot *s, const struct box_limits *l, struct err *err);
/* Closes it: the namespaces end with their last process. Kills what is in it. */
void box_slot_close(struct box_slot *s);
/* Is one of this name open, or not yet all gone? Only then may there be another one. */
bool box_slot_there(const struct box_runtime *rt, const char *name);

/* Begins a start in a ready slot that holds no process. go: do not wait for box_go. STARTED or START_FAILED follows. */
int box_start(struct box_slot *s, const struct box_spec *spec, bool go, struct err *err);
void box_go(struct box_slot *s);
/* Gives a start that hangs this long up (kill, START_FAILED); default 30 s. */
pid_t box_pid(const struct box_slot *s);	/* 0: none */
/* Has its PID 1 ended, or is it just ending? The kernel kills what else runs there first, and BOX_EXEC_DONE tells that before BOX_EXITED comes. */
bool box_is_ending(const struct box_slot *s);
int box_root(const struct box_slot *s, struct err *err);	/* its root, O_PATH, the caller's: only path_open_in may walk from here */
/* Our side of its terminal (spec.tty), which does not wait. Borrowed, from BOX_STARTED to the next start or close; -1: none. */
int box_console(const struct box_slot *s);
/* Signal to PID 1. *ret_ignored (may be NULL): it neither catches nor blocks it and is alone, so it was killed instead. */
int box_signal(struct box_slot *s, int sig, bool *ret_ignored, struct err *err);
/* The same for a signal that is not to end it: nothing else comes in its place. *ret_lost: it neither catches nor blocks it, so the kernel drops it. */
int box_tell(struct box_slot *s, int sig, bool *ret_lost, struct err *err);
int box_kill(struct box_slot *s, struct err *err);	/* all processes of the slot: PID 1 with its namespace, and an exec */
/* All processes of the slot stand still, a moment later, or go on. What is killed ends all the same. */
int box_freeze(struct box_slot *s, bool on, struct err *err);
/* Can that be done at all? It takes cgroups, which an ordinary user may have none of: -1 with the way to them. */
int box_can_freeze(const struct box_runtime *rt, struct err *err);
/* Runs a further command in the running container, with its limits. BOX_EXEC_DONE follows, also
 * when the container ends before. One at a time per slot. box_exec_cancel kills it. */
int box_exec(struct box_slot *s, const struct box_exec_spec *spec, struct err *err);
void box_exec_cancel(struct box_slot *s);

/* ---- a further command, by a client ----------------------------------------------------------- */

/*
 * Needs no help of the supervisor's: what it knows of a container lies in sealed memory that it holds (src/box/memo.h), and who
 * may look into it (root) reads that. A client steps into the container by the pidfd of PID 1, through the steps of box_exec.
 */

/* Goes on as a copy of this program that nobody can write to, named `name` (15 characters at most), and that leaves no core
 * dump; first thing of a command that enters containers or starts them (CVE-2019-5736). path_self still tells the file that
 * it is a copy of. Returns 0 in the copy; -1 when there is none. */
int box_seal_self(const char *name, struct err *err);

/* A container that runs. Strings live as long as it. */
struct box_running {
	const char *slot;
	pid_t pid;		/* of its PID 1 */
	int pidfd, root;	/* pidfd: readable when it has ended; root: O_PATH, only path_open_in may walk from here */
	const char *const *envp;
	uid_t uid; gid_t gid;
};

/* Slots of this supervisor that run a container or start one; NULL-terminated, the caller frees each and the list. */
char **box_running_list(pid_t supervisor);
/* NULL: err->sys ENOENT when it runs none, EAGAIN while it starts one. box_running_free closes it. */
struct box_running *box_running_get(pid_t supervisor, const char *slot, struct err *err);
void box_running_free(struct box_running *r);
/* Has it ended, or is it just ending? After a command of it was killed that says by whom. May wait for 0.1 s. */
bool box_running_ended(const struct box_running *r);

/*
 * In a child: its root's rights and ids become ours, and no others, while we stay outside. With `userns_mode: host` there is
 * nothing to take on. 0, or -1 with errno.
 */
int box_running_become(const struct box_running *r);

struct box_enter_spec {
	const char *const *argv, *const *envp;	/* NULL-terminated; PATH of envp is searched */
	const char *cwd;		/* absolute, inside; must be there; NULL: the container's */
	const struct box_user *user;	/* NULL: the container's */
	bool privileged;		/* all capabilities of its user namespace, no filter, set-user-ID files work */
	bool tty;			/* a terminal of the container's own; else three pipes */
	unsigned short rows, cols;	/* of it; 0: unknown */
	bool detach;			/* nothing is read or written, and our end is not the command's */
	int user_term;			/* a terminal that is put back to its present settings when we are killed; -1 none */
};

/* A command that runs. With a terminal `in` and `out` are two descriptors of it and err_out is -1. None of them waits. */
struct box_entered { int sock, in, out, err_out; };	/* sock: readable when box_entered_hear has something to say */

/*
 * Starts it, and waits until it has begun (30 s at most). On error nothing of it runs; kinds are those of BOX_START_FAILED. It is
 * a child of a process that outlives us: without box_entered_leave our end is followed by its SIGHUP and, 2 s later, SIGKILL.
 */
int box_enter(const struct box_running *r, const struct box_enter_spec *spec, struct box_entered *ret, struct err *err);
/* 1 it has ended (*ret_status as of wait(2)); 0 not yet; -1 nobody can say any more. Does not wait. */
int box_entered_hear(struct box_entered *e, int *ret_status, struct err *err);
void box_entered_signal(const struct box_entered *e, int sig);
void box_entered_leave(const struct box_entered *e);	/* from here on it goes on without us */
void box_entered_close(struct box_entered *e);

/* ---- volumes --------------------------------------------------------------------------------- */

/*
 * Mounts volumes that have file systems of their own, in a mount namespace that nobody else sees: containers get copies of these
 * mounts, and when its descriptor is closed and the last container has ended they are gone. May wait, as for a server
 * of files that does not answer. The namespace, for box_spec.volumes; -1 with err in the kernel's words (line: that of the volume).
 */
int box_volumes_mount(const struct box_volume *v, size_t n, struct err *err);

/* What a volume is filled with, and where it is. */
struct box_fill {
	const char *volume;			/* its name, for errors */
	const char *const *lower; size_t n_lower;	/* of the image, topmost first; none: only what was begun is finished */
	const char *target;			/* absolute, in the image */
	const char *folder;			/* of the host: the volume; NULL: `volume` in the namespace `volumes` */
	bool own;				/* the volume is folder/_data, and the rest of the folder is ours */
	int volumes;
};
/*
 * Copies what the image has at `target` into a volume in which nothing is yet: all of it, owners and modes included, also those of
 * the folder itself. The process that does it sees the image and the volume only, follows no link of either, and is made
 * for that. Killed anywhere, the next call finds that out: the volume is empty, or whole. Two calls for one volume wait for each other.
 * 1 filled, 0 there was nothing to do, -1. May wait.
 */
int box_fill(const struct box_fill *f, struct err *err);

/* ---- words ----------------------------------------------------------------------------------- */

uint64_t box_caps_default(void);
/* "NET_ADMIN" with or without CAP_, any case -> number; -1 unknown. */
int box_cap_number(const char *name);
/* The other way round, without CAP_; NULL: a number that has no name. */
const char *box_cap_name(int nr);
/* Can a container with these capabilities get this profile (as box_spec.seccomp)? -1 with the place of what is wrong. */
int box_seccomp_check(const char *profile, uint64_t caps, struct err *err);

/*
 * The cgroups and ids of a stack whose ledger was lost, by their names; in `l` as intents, in the order in which a run enters them.
 * With `l` NULL this only looks. 1 found, 0 nothing, -1 error. What was made below a group that systemd delegated is found
 * from within that group only.
 */
int box_find(const char *project, struct ledger *l, struct err *err);
/* Names of stacks that have cgroups or ids, some more than once. */
void box_projects(void (*found)(void *arg, const char *project), void *arg);
/* The living supervisor of a stack: the mstack whose children are in its cgroups, wherever it runs. 0: none, or no container now. */
pid_t box_supervisor(const char *project);
/* The guard that keeps it while it has none, as box_apart has put it. 0: none, or it is not apart. */
pid_t box_keeper(const char *project);

/* Ledger kinds "cgroup", "cgroup-top" (what all stacks share) and "ids" (the range of a stack); NULL-terminated. */
extern const struct ledger_kind *const box_ledger_kinds[];

/* For doctor, as net_probe. An ordinary user's cures are other ones than root's; NULL: there is none. */
struct box_probe { const char *what; bool ok; char why[160]; const char *cure; };
size_t box_probe(struct box_probe *ret, size_t max);

#endif
