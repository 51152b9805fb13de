/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * svc: the state machine of one service slot. Given an event, what next. No descriptor, no clock, no global.
 *
 * States. IDLE: nothing is wanted. WAITING: wanted up, its dependencies do not hold yet. STARTING: start asked for, not yet
 * confirmed. RUNNING: a process is there. BACKOFF: no process, a timer will start it again. STOPPING: a process is there and
 * was told to stop. EXITED: it ended and is not to come back by itself (until SVC_EV_UP).
 *
 * Priority: what the user asked for last wins. A stop in WAITING or BACKOFF takes effect at once (no process). A stop in
 * STARTING is remembered and carried out when the start is confirmed or has failed. SVC_EV_UP in STOPPING is remembered and
 * carried out at the exit. A second stop (SVC_EV_KILL) in STOPPING kills at once.
 *
 * Pause is a flag of RUNNING, not a state. A stop or kill takes it away: what is frozen hears a signal only when it thaws, so
 * the signal is sent first and the thaw follows (DO_SIGNAL, then DO_THAW). A process that ends frozen leaves the flag behind it
 * no more than the slot its ice: the next start must not be frozen.
 *
 * Restart, as dockerd does it (see the compose format notes): the delay is 100 ms, doubled at every exit up to one minute,
 * and 100 ms again after a run of 10 s or more. on-failure[:N] counts restarts since the last explicit start.
 *
 * Health is a second small machine beside it: NONE, PROBING, GOOD, BAD (svc_health_step). While a slot is paused nobody is
 * asked; what was known stays, and a probe that was under way counts for nothing.
 */
#ifndef MSTACK_SVC_H
#define MSTACK_SVC_H

#include "mstack/base.h"

enum svc_state { SVC_IDLE, SVC_WAITING, SVC_STARTING, SVC_RUNNING, SVC_BACKOFF, SVC_STOPPING, SVC_EXITED, SVC_N_STATES };

enum svc_restart { SVC_RESTART_NO, SVC_RESTART_ALWAYS, SVC_RESTART_ON_FAILURE, SVC_RESTART_UNLESS_STOPPED };

enum svc_event_kind {
	SVC_EV_UP,			/* somebody wants it up: an explicit start, counters from zero */
	SVC_EV_READY,		/* its gate holds: the dependencies are there */
	SVC_EV_GATE_FAILED,		/* a required dependency failed: it will not be started */
	SVC_EV_STARTED,		/* the process runs */
	SVC_EV_START_FAILED,	/* it could not be started */
	SVC_EV_EXITED,		/* it ended; `status` */
	SVC_EV_TIMER,		/* the timer that was asked for */
	SVC_EV_DOWN,		/* somebody wants it stopped */
	SVC_EV_KILL,		/* stop it now, without grace */
	SVC_EV_PAUSE,		/* somebody wants its processes to stand still */
	SVC_EV_UNPAUSE,
	SVC_EV_N_KINDS
};

struct svc_event {
	enum svc_event_kind kind;
	int status;		/* SVC_EV_EXITED: as of wait(2) */
	uint64_t now_ms;	/* monotonic; set for all events */
};

/* What the caller must do now; several at once. */
enum {
	DO_START = 1,		/* begin a start; answer with SVC_EV_STARTED or SVC_EV_START_FAILED */
	DO_SIGNAL = 2,		/* send the stop signal */
	DO_KILL = 4,		/* end all processes of the slot */
	DO_ARM = 8,		/* (re)arm the one timer: SVC_EV_TIMER after timer_ms */
	DO_DISARM = 16,
	DO_REPORT = 32,		/* the state changed: tell watchers, look at gates again */
	DO_FREEZE = 64,
	DO_THAW = 128,		/* after a signal of the same turn */
};

struct svc_out {
	unsigned todo;
	uint64_t timer_ms;
};

struct svc_policy {
	enum svc_restart restart;
	unsigned max_restarts;	/* on-failure:N; 0: no limit */
	uint64_t grace_ms;	/* between stop signal and kill */
};

struct svc {
	enum svc_state state;
	struct svc_policy policy;
	bool want_up;		/* what the user asked for last */
	bool start_failed;	/* the last start failed (state EXITED or BACKOFF) */
	bool gate_failed;
	unsigned restarts;	/* since the last explicit start */
	unsigned runs;		/* starts that worked since then */
	uint64_t delay_ms;	/* the last back-off delay; 0: none yet */
	uint64_t started_ms;	/* of the current or last run */
	int last_status;	/* wait(2) status of the last exit */
	bool ever_started, ever_exited;
	bool paused;		/* only in RUNNING */
};

/* For the test that walks all cells. */
bool svc_cell_filled(enum svc_state state, enum svc_event_kind kind);
bool svc_cell_is_bug(enum svc_state state, enum svc_event_kind kind);

void svc_init(struct svc *s, const struct svc_policy *policy);
struct svc_out svc_step(struct svc *s, const struct svc_event *ev);
/* `State` of ps: created running paused restarting exited dead. */
const char *svc_compose_state(const struct svc *s);

/* ---- health ---------------------------------------------------------------------------------- */

enum svc_health_state { HEALTH_NONE, HEALTH_PROBING, HEALTH_GOOD, HEALTH_BAD };

struct svc_health_policy {
	bool enabled;
	uint64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms;
	unsigned retries;
};

struct svc_health {
	enum svc_health_state state;
	struct svc_health_policy policy;
	bool probing;		/* a probe is under way */
	bool paused;
	unsigned streak;	/* failures in a row that count */
	uint64_t started_ms, probe_ms;
};

enum svc_health_event_kind { HEV_STARTED, HEV_STOPPED, HEV_TIMER, HEV_PROBE_OK, HEV_PROBE_FAILED, HEV_PAUSED, HEV_RESUMED };

enum {
	HDO_PROBE = 1,		/* run a probe; the answer is HEV_PROBE_*; kill it and answer FAILED after timer_ms (timeout) */
	HDO_ARM = 2,		/* HEV_TIMER after timer_ms: the wait between two probes */
	HDO_CANCEL = 4,		/* end a running probe, disarm */
	HDO_REPORT = 8,		/* the health changed */
};

void svc_health_init(struct svc_health *h, const struct svc_health_policy *policy);
struct svc_out svc_health_step(struct svc_health *h, enum svc_health_event_kind kind, uint64_t now_ms);
const char *svc_health_name(enum svc_health_state s);	/* "", "starting", "healthy", "unhealthy" as ps prints them */

#endif
