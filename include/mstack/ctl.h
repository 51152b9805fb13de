/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl: the control protocol. Messages between a client command and the supervisor, and the descriptors that travel with them.
 *
 * SOCK_SEQPACKET in the run-time folder, mode 0600. One packet is one message: a fixed header (version, type, id, flags),
 * a JSON body, descriptors beside it (SCM_RIGHTS). A request and its answers carry the same id; the last answer carries
 * CTL_LAST. Unknown types are answered with CTL_ERROR, unknown keys are ignored. Used by sup (server) and cli (client).
 */
#ifndef MSTACK_CTL_H
#define MSTACK_CTL_H

#include <jansson.h>

#include "mstack/base.h"

#define CTL_VERSION 1
#define CTL_BODY_MAX 65536
#define CTL_FDS_MAX 8

/* What the peer wants, or gets. Numbers are part of the protocol: only append. */
enum ctl_type {
	CTL_ERROR = 0,		/* answer: {"error": text, "code": exit code}; "busy": true when somebody else is at work, so nothing was begun, with
				   "ending": true when that is the end of the stack */
	CTL_OK = 1,		/* answer */
	CTL_PS = 2,		/* request {}; answers: one object per slot (the keys of `ps --format json`) */
	CTL_DOWN = 3,		/* request {"timeout": seconds or absent}; answered at once with
				   {"state": "stopping"}, and again when all is stopped and removed */
	CTL_STATUS = 4,		/* request {}; answer: {"project", "pid", "file", "version"} */
	/*
	 * To the streams of a service's container, until this run of it has ended; one for each connection, and it ends with the
	 * connection. Request {"service", "index" (absent: 1), "stdin": bool}. The first answer is {"tty", "stdin"} with these
	 * descriptors: what it writes from now on, to be read; with "tty" its terminal, with "stdin" alone its input: only with
	 * "stdin" to be written to; without "tty" its error output, to be read. Who reads too slowly loses bytes, and is told
	 * with {"lost": how many}. The last answer is {"status"} as of wait(2).
	 * Later requests on the same connection, which are not answered: {"signal": N}, for its PID 1.
	 */
	CTL_ATTACH = 5,
	/*
	 * A one-off container; one for each connection, and it ends with the connection. Request {"service", and if so "detach",
	 * "alone", "aliases" (it is found by the service's names), "document", "rows" and "cols" of a terminal}; descriptors: with "document" a memory file (src/sup/oneoff.h), then
	 * without a terminal the container's standard input, output and error output. Answers: {"name", "note"} at once, {"pid"} when it
	 * runs, with the terminal's descriptor, and {"status", "oom"} as of wait(2) when it has ended: a supervisor of its own may still
	 * remove what it had, and is not found any more. With "detach" the second is the last.
	 * Later requests on the same connection, which are not answered: {"signal": N}; {"leave": true}: it goes on without us.
	 */
	CTL_RUN = 6,
	CTL_PAUSE = 7,		/* request {"services": [names] or absent: all}; answers: {"slot", "changed"} for each that
				   runs; unchanged: it was paused before */
	CTL_UNPAUSE = 8,	/* likewise */
	/*
	 * Lab links and attachments. Request {"endpoints": [texts] and "up": bool: these get or lose their carrier, or absent: none
	 * does}; answers: {"a", "b", "kind": "wire" or "network", "state": "up", "down", "no-carrier" or "absent", "mtu"} for each
	 * that was asked for, as it is then, or for all; with "endpoints" also "changed".
	 */
	CTL_LINK = 9,
	/*
	 * What links do to packets. Request {"service", "index", "iface", and "clear": true, or "egress" and "ingress":
	 * {"delay": "20ms", ...}, what is not named stays}; without "service" nothing is changed. Answers: {"service", "slot",
	 * "interface", "network", "egress", "ingress"} for the link that is meant, or for all.
	 */
	CTL_IMPAIR = 10,
	/*
	 * Into the networks of services. Request {"services": [names of services or slots] or absent: all}; answers: for each slot
	 * {"slot", "service", "networks": {name of an interface: that of its network}} with a descriptor of its network namespace,
	 * and without one when it has none yet.
	 */
	CTL_CAPTURE = 11,
	/*
	 * Services that come and go while the stack stays. Request {"services": [names] or absent: all, "timeout": seconds or absent}
	 * and what stands below; one at a time for each connection, and who goes away has not taken it back. Answered at once with {},
	 * then for each container, when that has happened, with {"slot", "change": "started", "stopped", ...}, with {"slot", "same":
	 * "running"} if there was nothing to do, or with {"slot", "error"}; the last one is CTL_ERROR when something has failed.
	 */
	CTL_START = 12,		/* with what they depend on; "wait": bool, as `up --wait` does */
	CTL_STOP = 13,
	CTL_RESTART = 14,	/* "no_deps": bool, without those that depend on them by `restart: true` */
	CTL_KILL = 15,		/* "signal": number; of any other than SIGKILL the end is not waited for. {"slot", "lost": number}: its first process
				   has no handler for it, so nothing has happened */
	CTL_RM = 16,		/* what those that rest wrote is gone, and they are not listed any more; "stop": bool, all; "volumes":
				   bool, with their anonymous volumes */
	CTL_WAIT = 17,		/* "any": bool, for the first; "code" and "container" beside "slot": of the next exit, or of
				   the last one of a container that does not run */
	CTL_CREATE = 18,	/* those that were removed are there again, and wait for a start */
	/*
	 * The running stack is to become what a document says (a descriptor: the memory file of CTL_RUN). Request, all of it optional:
	 * {"services": [names: only these, and what they depend on], "no_deps", "force_recreate", "always_recreate_deps", "no_recreate",
	 * "remove_orphans", "renew_volumes" (anonymous ones of what is made anew), "wait", "isolated" (it is meant to be): bools, "timeout": seconds for what stops,
	 * "inactive": [names: the file has them, the document does not, and what runs of them is left alone],
	 * "command": who asks, in the journal ("up")}. Answers at once: for each
	 * container {"slot", "service", "action": "keep", "update", "restart", "recreate", "create", "remove" or "orphan", "starts": bool,
	 * "why", "old_volumes": bool, those are not renewed}, then for each key that differs {"slot", "service", "key", "from", "to", "class", "why"}; the last one, when all has
	 * arrived, is {}.
	 */
	CTL_APPLY = 20,
	CTL_PLAN = 21,		/* the same request and answers, and nothing is done */
	/*
	 * To the guard of a stack that goes on without a supervisor, at its own socket ("keeper" in the run-time folder). With each the
	 * connection is over, but for ADOPT.
	 */
	CTL_KEPT = 22,		/* request {}; answer {} with a descriptor: the tree (src/sup/writedown.c), whose descriptors mean nothing here */
	CTL_ADOPT = 23,		/* request {}; answer: the tree with all descriptors (base_bundle.h), then nothing. Who goes away has not taken it */
	CTL_ADOPTED = 24,	/* request {}, on that connection or by another guard: somebody else has it now. Answered when nothing is kept */
	CTL_FORGET = 25,	/* request {}; likewise: the stack is about to be removed */
	/*
	 * The end of a service that nobody asked for is to be that of the stack, for as long as the connection is there. Request {"exit",
	 * "failure": bools, "from": a service or absent}; answered at once with {}, and when all is stopped and removed, whoever ended
	 * it, with {"code": of `up`}.
	 */
	CTL_ABORT = 40,
	/* Request {"services": [names] or absent: all}; answered with {} when none of them runs, waits or is restarted: they have ended for good. */
	CTL_REST = 41,
};

enum { CTL_LAST = 1 };		/* flags */

struct ctl_msg {
	enum ctl_type type;
	uint32_t id, flags;
	json_t *body;		/* owned, an object; NULL is the empty one */
	int fds[CTL_FDS_MAX];	/* owned, close-on-exec when received; keep one with take_fd, fini closes the rest */
	size_t n_fds;
};

void ctl_msg_fini(struct ctl_msg *m);

/* A listening socket at `path` (an old dead socket there is replaced, a live one is EADDRINUSE). Non-blocking. -1 on error. */
int ctl_listen(const char *path, struct err *err);
/*
 * The next client, non-blocking; its uid must be ours or 0, checked before anything is read (else it is closed and
 * skipped). -1 with err->sys EAGAIN when nobody waits.
 */
int ctl_accept(int listen_fd, struct err *err);
/* A blocking connection with time-out `ms` on each receive (0: none). err->sys ENOENT or ECONNREFUSED: no supervisor there. */
int ctl_connect(const char *path, unsigned ms, struct err *err);

/*
 * Sends; never raises SIGPIPE. Takes nothing over: the caller still owns body and descriptors. 0, 1 would block, -1. Where fd blocks it waits some seconds
 * for descriptors of the same user that are on their way, of which there may not be too many.
 */
int ctl_send(int fd, const struct ctl_msg *m, struct err *err);
/* Receives one message. 0; 1 nothing there (EAGAIN, or the time-out of ctl_connect passed); 2 the peer is gone; -1 malformed. */
int ctl_recv(int fd, struct ctl_msg *ret, struct err *err);

/*
 * Client's shorthand: sends a request and takes the answers until CTL_LAST; `each` (may be NULL) sees every one but
 * CTL_ERROR, which becomes -1 with its text and kind in err. Non-zero from `each` ends the call and is its result. The
 * body (may be NULL) stays the caller's. May wait; ERR_TIMEOUT when the time-out of ctl_connect passed, err->sys
 * ECONNRESET when the supervisor went away.
 */
int ctl_call(int fd, enum ctl_type type, json_t *body, int (*each)(void *arg, const struct ctl_msg *m), void *arg,
	     struct err *err);
/* What a CTL_ERROR says, with its kind; err->sys is EALREADY when it is "busy", ESHUTDOWN when it is "ending" as well. Returns -1. */
int ctl_error(const struct ctl_msg *m, struct err *err);
/* Server's shorthand: one answer with this body (stolen, may be NULL) for request `m`. Errors are only logged by the caller. */
int ctl_answer(int fd, const struct ctl_msg *request, enum ctl_type type, json_t *body, bool last);

#endif
