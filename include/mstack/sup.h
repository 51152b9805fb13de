/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sup: the running supervisor of one stack. Events to state, state to work, requests to answers; one libev loop, no threads.
 *
 * Watcher callbacks append facts to one queue; the queue is drained once per turn: first all facts settle, then what the
 * states ask for is executed. When the supervisor dies, its guard (a fork of it that waits for that) replays the ledger.
 */
#ifndef MSTACK_SUP_H
#define MSTACK_SUP_H

#include "mstack/base.h"
#include "mstack/logs.h"
#include "mstack/stack.h"
#include "mstack/sup_carried.h"

/* What a foreground supervisor tells its user; one line each. */
enum sup_say { SUP_PROGRESS, SUP_NOTE, SUP_WARNING, SUP_ERROR };

struct sup_hooks {
	void *arg;
	void (*say)(void *arg, enum sup_say kind, const char *slot /* or NULL */, const char *text);
	/* Every log line; NULL when nobody wants to see them. */
	void (*line)(void *arg, const char *slot, const struct logs_line *line);
	/* Once: everything has been started (err NULL), or `up` failed and all was removed again. */
	void (*up)(void *arg, const struct err *err);
	/* Is anybody there who waits for that? NULL: yes. */
	bool (*awaited)(void *arg);
	/* What the caller needs when another program goes on for us (sup_carried.h); may be NULL. */
	void (*carry)(void *arg, struct carry *to);
};

/*
 * Who starts a supervisor for a one-off container (CTL_RUN): the service of the stack that is not started before it is asked for,
 * and the connection on which that will be; taken over. When no other service is started the supervisor ends with the
 * last one-off, or with the connection. What has been asked for on it already begins first of all.
 */
struct sup_client {
	const char *service;
	int fd;
	bool unheard;			/* the project's name was made up by chance: nothing is looked for that bears it */
};

struct sup_opts {
	const struct stack *stack;
	struct stack_diags *diags;	/* problems that only planning can find; printed by the caller */
	struct sup_hooks hooks;
	bool foreground;		/* ends when all services have ended, and with its terminal */
	int64_t timeout_ms;		/* -t: overrides the grace periods; -1 no */
	bool abort_on_exit, abort_on_failure;
	const char *exit_code_from;	/* service, or NULL */
	bool wait_healthy;		/* --wait: `up` is done when everything is running or healthy */
	bool renew_volumes;		/* -V: anonymous volumes begin empty */
	bool isolated;			/* --isolated: as if the file said so */
	bool no_start;			/* everything is made, and waits for CTL_START */
	bool turns_round;		/* the caller tries again when another supervisor has the ledger (EBUSY): only its guard is waited for */
	bool dry_run;			/* prints the plan to stdout and ends */
	const struct sup_carried *carried;	/* not NULL: goes on with a stack that runs, whose stack is this one */
	const char *reread;		/* with `carried`: the file of the stack from now on, read as soon as that is taken up; or NULL */
	const struct sup_client *client;	/* NULL: none; borrowed until sup_run returns */
};

/*
 * What tells a program that a supervisor has executed it, with its own words, to read the stack file again (SIGHUP): "PROJECT:FILE" of the
 * stack that is to become what the file says now. Nothing else may be started or changed. "PROJECT" alone: that is `up` itself, which has
 * taken the stack up.
 */
#define SUP_RELOAD_VARIABLE "MSTACK_RELOAD"

/*
 * Runs the stack until it is told to stop, then removes everything. Blocks SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGPIPE and takes them by
 * signalfd. *ret_exit is the exit code of the contract. 0, or -1 with err (nothing left behind; the exit code is
 * err_exit_code(err); 3 when diags has errors).
 */
int sup_run(const struct sup_opts *opts, int *ret_exit, struct err *err);

/*
 * Would sup_run refuse the stack before it starts anything, as the host is now: addresses, devices, folders, published ports? The same errors; nothing
 * is made but what images need to be looked at. As root, for a stack that is not up. 0 or -1 (when diags has errors they tell why).
 */
int sup_check_host(const struct sup_opts *opts, struct err *err);

/*
 * Without a living supervisor: replays the ledger of the project. 0 all is gone (also: there was nothing), 1 something is
 * left and was told by `say`, -1 error (a supervisor is alive: err->sys == EBUSY). May wait.
 */
int sup_cleanup(const char *project, const struct sup_hooks *hooks, struct err *err);

/*
 * For doctor: a thing of a stack of which kernel and ledger do not say the same. Of one that runs: it is there and in no ledger, or
 * (missing) it was made and somebody else has removed it. Of one that does not run: it was left. sup_cleanup removes those.
 */
struct sup_leftover {
	const char *project;
	const char *kind, *key;		/* as in the ledger */
	bool missing;
	pid_t owner;			/* who runs the stack, 0: nobody */
};
/*
 * Tells of each, for all stacks of this run-time folder and whose name stands on anything; of an ordinary user's of those alone that do not run.
 * 0, -1 with err: could not look. May wait.
 */
int sup_leftovers(void (*told)(void *arg, const struct sup_leftover *l), void *arg, struct err *err);
/* Of an ordinary user's stacks that run, by processes that go into their namespaces. Asked outside (rootless.h). Likewise. */
int sup_leftovers_inside(void (*told)(void *arg, const struct sup_leftover *l), void *arg, struct err *err);

/* The process that holds the project's ledger: a supervisor, also one that does not listen yet, or a guard at work. 0: none. */
pid_t sup_owner(const char *project);
/*
 * Is something in its ledger, and nobody there to remove it: were its supervisor and its guard killed? Waits for a moment when it
 * seems so: a guard that has just become the last one needs that to begin.
 */
bool sup_is_left(const char *project);
/*
 * The process of a supervisor that lives and whose control socket was made, for who has found that nobody answers there: it is just taking the stack
 * up, or ends it, or its socket was removed. 0: there is none.
 */
pid_t sup_unheard(const char *project);
/*
 * For who has found that nobody answers and nobody holds the ledger: 0, or -1 with err->sys EBUSY: a supervisor, or who keeps the stack, lives all the
 * same and has another run-time folder, or had this one, which was removed. One that is just ending is waited for; who asks for a stack that is down
 * does not wait.
 */
int sup_living_elsewhere(const char *project, struct err *err);
/* SIGTERM to it, unless it is a guard. 0, or 1 when there is none. */
int sup_interrupt(const char *project);

/*
 * Fetches and unpacks the image of a service, so that a supervisor who is asked for a container of it need not wait. May wait.
 */
int sup_fetch_image(const struct sup_opts *opts, const char *service, struct err *err);
/* What a client hands over as the document of CTL_RUN: the stack as it was read, with our environment. A descriptor, or -1. */
int sup_document(const struct stack *stack, struct err *err);

/* Paths that clients need; caller frees. */
char *sup_socket_path(const char *project);
/* Projects that have a run-time folder now; caller frees each and the list; NULL-terminated. */
char **sup_projects(void);
/* Removes the volumes that the project made (`down -v`); the stack must be down. */
int sup_remove_volumes(const char *project, const struct sup_hooks *hooks, struct err *err);

#endif
