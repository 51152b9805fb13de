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
 * Order. Every start goes through WAITING, that after a back-off too, so its gate is asked each time.
 *
 * Hooks. With `post_start` a run has not arrived before its hooks are through: until then `fresh` is set, and when one of them
 * fails the process is told to stop and the start has failed. A process that ends before them has come and gone: the caller tells its
 * end only, not that of the hooks, which the kernel takes along. With `pre_stop` the stop signal waits for them (`parting`), while
 * the grace period runs.
 *
 * Unhealthy (SVC_EV_UNHEALTHY): `on_unhealthy` says what becomes of it. RESTART stops it and treats that as an exit which is to be
 * followed by a start, whatever the restart policy; STOP is a stop; KILL kills it, and the restart policy does the rest.
 *
 * Pause is a flag of RUNNING, not a state. A stop or kill takes it away: what is frozen hears a signal only when it thaws, so
 * the signal is sent first and the thaw follows (DO_SIGNAL, then DO_THAW). A process that ends frozen leaves the flag behind it
 * no more than the slot its ice: the next start must not be frozen.
 *
 * Restart, as dockerd does it (see the compose format notes): the delay is 100 ms, doubled at every exit up to one minute,
 * and 100 ms again after a run of 10 s or more; or always `delay_ms`, where that is given. Up to a quarter is added, which differs from
 * slot to slot (`seed`), so that services which died together do not all come back at once. The budget (max_restarts, 0: none) counts
 * restarts since the last explicit start; with a window, a run that lasted so long has succeeded, and counting begins anew. Who has
 * used it up is `dead`: EXITED, and it stays there until SVC_EV_UP.
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
	SVC_EV_HOOKS_DONE,	/* those of DO_POST_START or DO_PRE_STOP are through */
	SVC_EV_HOOKS_FAILED,	/* one of them failed; those behind it were not run */
	SVC_EV_UNHEALTHY,
	SVC_EV_LAST_RUN,		/* somebody sent it the signal that stops it, with all the time that it takes: it is not to come back */
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
	DO_POST_START = 256,	/* run these hooks; answer with SVC_EV_HOOKS_DONE or SVC_EV_HOOKS_FAILED */
	DO_PRE_STOP = 512,	/* the same; what runs of them ends with DO_SIGNAL and DO_KILL */
};

struct svc_out {
	unsigned todo;
	uint64_t timer_ms;
};

enum svc_unhealthy { SVC_UNHEALTHY_NONE, SVC_UNHEALTHY_RESTART, SVC_UNHEALTHY_STOP, SVC_UNHEALTHY_KILL };

struct svc_policy {
	enum svc_restart restart;
	enum svc_unhealthy on_unhealthy;
	unsigned max_restarts;	/* the restart budget; 0: no limit */
	bool fixed_delay;	/* delay_ms at each exit, and no doubling */
	uint64_t delay_ms, window_ms;
	uint64_t grace_ms;	/* between stop and kill */
	bool post_start, pre_stop;	/* it has such hooks */
	uint32_t seed;		/* 0: delays are exact */
};

/* Why it is STOPPING although it is wanted up. */
enum svc_ailment { SVC_WELL, SVC_AILS_UNHEALTHY, SVC_AILS_HOOK };

struct svc {
	enum svc_state state;
	struct svc_policy policy;
	bool want_up;		/* what the user asked for last */
	bool start_failed;	/* the last start failed (state EXITED or BACKOFF) */
	bool gate_failed;
	bool dead;		/* the restart budget is used up (state EXITED) */
	bool fresh, parting;	/* hooks run: after the start, before the stop signal */
	enum svc_ailment ailment; /* why it is being stopped, or was for good: not because anybody wanted it */
	unsigned restarts;	/* since the last explicit start */
	unsigned attempts;	/* those of them that count for the budget */
	unsigned runs;		/* starts that worked since the last explicit one, with their post_start */
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
