/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig: what the tests of box share: namespaces of their own, a ledger, a runtime, an image of one
 * static busybox, and a loop that runs until an event comes. Nothing of it stays on the machine.
 */
#ifndef TESTS_BOX_RIG_H
#define TESTS_BOX_RIG_H

#include "box/runtime.h"

#define RIG_EVENTS 64

struct rig {
	struct ev_loop *loop;
	struct ledger *ledger;
	struct box_runtime *rt;
	char project[32];
	struct box_event events[RIG_EVENTS];
	size_t n_events, n_seen;
	char exec_output[BOX_OUTPUT_MAX + 1];
};

/*
 * First thing of main: the rest runs as PID 1 of new pid, mount and network namespaces. Skips
 * nothing.
 */
void rig_isolate(void);

int rig_up(void **state);
int rig_down(void **state);

/* The folder of this program's files, and the image in it. */
const char *rig_path(const char *name);
#define RIG_IMAGE "image"

/* The next event, which must be of this kind; fails the test otherwise or after a minute. */
const struct box_event *rig_wait(struct rig *r, enum box_event_kind kind);
/* The next event, whatever it is. */
const struct box_event *rig_any(struct rig *r);
/* Runs the loop for that long; no event may come. */
void rig_idle(struct rig *r, double seconds);

struct box_slot *rig_slot(struct rig *r, const char *name);
/* A spec that runs `sh -c SCRIPT` (or argv) on the image; both streams go to `out`. */
struct box_spec rig_spec(const char *const *argv, int out);
/* Starts, waits for the end, returns what it wrote; status as of wait(2). */
const char *rig_run(struct rig *r, struct box_slot *s, const struct box_spec *spec,
		    int *ret_status);
/* The same for a shell script with the plain spec; the exit status must be 0. */
const char *rig_script(struct rig *r, struct box_slot *s, const char *script);
/* A start that must fail; its error. */
const struct err *rig_fail(struct rig *r, struct box_slot *s, const struct box_spec *spec);

/* A pipe whose write end is the `out` of specs; rig_output empties it. */
int rig_pipe(void);
const char *rig_output(void);
/* A process in that group until it is killed. */
pid_t rig_resident(const char *path);

#endif
