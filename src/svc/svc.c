/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of states and events. Called by sup with one event at a time; answers what must be done.
 * The prose is in mstack/svc.h; this is its translation: a row per state, a cell per event, none empty.
 * No descriptor, no clock (time comes with the event), no global, no allocation.
 */
#include <assert.h>
#include <sys/wait.h>

#include "mstack/svc.h"

enum { FIRST_DELAY_MS = 100, LAST_DELAY_MS = 60000, LONG_RUN_MS = 10000 };

/* What a start that failed on a restart counts as: the shell's code for "could not be started". */
enum { START_FAILED_STATUS = 127 << 8 };

typedef struct svc_out svc_action(struct svc *s, const struct svc_event *ev);

static struct svc_out nothing(void)
{
	return (struct svc_out){ 0 };
}

static struct svc_out enter(struct svc *s, enum svc_state state, unsigned todo)
{
	s->state = state;
	return (struct svc_out){ .todo = todo | DO_REPORT };
}

/* The event changes nothing here: it came late, or the wish is fulfilled already. */
static struct svc_out same(struct svc *s, const struct svc_event *ev)
{
	(void)s;
	(void)ev;
	return nothing();
}

/* The caller broke the contract: a process reported twice, or one that was never started. */
static struct svc_out bug(struct svc *s, const struct svc_event *ev)
{
	(void)s;
	(void)ev;
	assert(!"svc: an event that cannot come in this state");
	return nothing();
}

/* ---- wishes ---------------------------------------------------------------------------------- */

/* A wish of the user begins a new life: earlier failures and delays do not count any more. */
static struct svc_out up(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = true;
	s->restarts = 0;
	s->attempts = 0;
	s->delay_ms = 0;
	s->start_failed = false;
	s->gate_failed = false;
	s->dead = false;
	s->ailment = SVC_WELL;
	s->runs = 0;
	return enter(s, SVC_WAITING, DO_DISARM);
}

static struct svc_out want_up(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = true;
	s->ailment = SVC_WELL;
	return nothing();
}

static struct svc_out want_down(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = false;
	s->ailment = SVC_WELL;
	return nothing();
}

/* No process is there: the wish is carried out by resting. */
static struct svc_out rest(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = false;
	return enter(s, s->ever_started ? SVC_EXITED : SVC_IDLE, DO_DISARM);
}

/* What must be done to its group when it leaves RUNNING. */
static unsigned thaw(struct svc *s)
{
	unsigned todo = s->paused ? DO_THAW : 0;

	s->paused = false;
	return todo;
}

/* What has not arrived yet has nothing to take leave of, and neither has what is frozen: its hooks could not run. */
static struct svc_out part(struct svc *s)
{
	struct svc_out out;
	bool hooks = s->policy.pre_stop && !s->fresh && !s->paused;

	s->fresh = false;
	if (!s->policy.grace_ms)
		return enter(s, SVC_STOPPING, DO_SIGNAL | DO_KILL | thaw(s));
	s->parting = hooks;
	out = enter(s, SVC_STOPPING, (hooks ? DO_PRE_STOP : DO_SIGNAL) | DO_ARM | thaw(s));
	out.timer_ms = s->policy.grace_ms;
	return out;
}

static struct svc_out stop(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = false;
	return part(s);
}

/* The grace period, which began with the hooks, goes on. */
static struct svc_out parted(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	if (!s->parting)
		return nothing();
	s->parting = false;
	return (struct svc_out){ .todo = DO_SIGNAL };
}

/* What is being started ends by this; the state waits for START_FAILED or STARTED to say so. */
static struct svc_out kill_start(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = false;
	return (struct svc_out){ .todo = DO_KILL };
}

static struct svc_out kill_now(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->want_up = false;
	s->fresh = false;
	return enter(s, SVC_STOPPING, DO_KILL | DO_DISARM | thaw(s));
}

static struct svc_out kill_again(struct svc *s, const struct svc_event *ev)
{
	if (ev->kind == SVC_EV_KILL)
		s->want_up = false;
	s->parting = false;
	return (struct svc_out){ .todo = DO_KILL };
}

static struct svc_out freeze(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	if (s->paused)
		return nothing();
	s->paused = true;
	return enter(s, SVC_RUNNING, DO_FREEZE);
}

static struct svc_out unfreeze(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	return s->paused ? enter(s, SVC_RUNNING, thaw(s)) : nothing();
}

/* ---- starts and exits ------------------------------------------------------------------------ */

static struct svc_out start(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	return enter(s, SVC_STARTING, DO_START);
}

static struct svc_out gate_failed(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->gate_failed = true;
	return enter(s, SVC_EXITED, 0);
}

/* Only now is it there for those who wait for it. */
static struct svc_out arrive(struct svc *s, unsigned todo)
{
	s->fresh = false;
	s->runs++;
	return enter(s, SVC_RUNNING, todo);
}

static struct svc_out started(struct svc *s, const struct svc_event *ev)
{
	s->ever_started = true;
	s->started_ms = ev->now_ms;
	s->start_failed = false;
	s->ailment = SVC_WELL;
	s->fresh = s->policy.post_start;
	if (!s->want_up)
		return stop(s, ev);
	return s->fresh ? enter(s, SVC_RUNNING, DO_POST_START) : arrive(s, 0);
}

static struct svc_out arrived(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	return s->fresh ? arrive(s, 0) : nothing();
}

static struct svc_out hook_failed(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	if (!s->fresh)
		return nothing();
	s->start_failed = true;
	s->ailment = SVC_AILS_HOOK;
	return part(s);
}

static struct svc_out unhealthy(struct svc *s, const struct svc_event *ev)
{
	switch (s->policy.on_unhealthy) {
	case SVC_UNHEALTHY_NONE:
		break;
	case SVC_UNHEALTHY_RESTART:
		s->ailment = SVC_AILS_UNHEALTHY;
		return part(s);
	case SVC_UNHEALTHY_STOP:
		s->ailment = SVC_AILS_UNHEALTHY;
		return stop(s, ev);
	case SVC_UNHEALTHY_KILL:
		return enter(s, SVC_RUNNING, DO_KILL | thaw(s));
	}
	return nothing();
}

static bool failed(int status)
{
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static bool restart_wanted(const struct svc *s)
{
	if (!s->want_up)
		return false;
	switch (s->policy.restart) {
	case SVC_RESTART_NO:
		return false;
	case SVC_RESTART_ALWAYS:
	case SVC_RESTART_UNLESS_STOPPED:
		return true;
	case SVC_RESTART_ON_FAILURE:
		return failed(s->last_status);
	}
	return false;
}

/* Up to a quarter more: the same for the same restart of the same slot, so that nothing here is left to chance. */
static uint64_t with_jitter(const struct svc *s, uint64_t ms)
{
	uint32_t x = s->policy.seed ^ (s->restarts * 2654435761u);

	if (!s->policy.seed)
		return ms;
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	return ms + ms * (x % 256) / 1024;
}

/*
 * A process that ran for a while was no failed start, so its delay begins anew; one that ends at
 * once is left alone for longer each time, and never keeps the machine busy.
 */
static uint64_t next_delay(struct svc *s, uint64_t run_ms)
{
	if (s->policy.fixed_delay)
		return s->policy.delay_ms;
	if (!s->delay_ms || run_ms >= LONG_RUN_MS)
		s->delay_ms = FIRST_DELAY_MS;
	else
		s->delay_ms *= 2;
	if (s->delay_ms > LAST_DELAY_MS)
		s->delay_ms = LAST_DELAY_MS;
	return s->delay_ms;
}

/* It is to come back, if its budget allows. */
static struct svc_out back_off(struct svc *s, uint64_t run_ms)
{
	struct svc_out out;

	if (s->policy.window_ms && run_ms >= s->policy.window_ms)
		s->attempts = 0;
	if (s->policy.max_restarts && s->attempts >= s->policy.max_restarts) {
		s->dead = true;
		return enter(s, SVC_EXITED, DO_DISARM);
	}
	s->attempts++;
	s->restarts++;
	out = enter(s, SVC_BACKOFF, DO_ARM);
	out.timer_ms = with_jitter(s, next_delay(s, run_ms));
	return out;
}

/* A start that fails at first is told to the user; one that fails on a restart is an exit like others. */
static struct svc_out start_failed(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	s->start_failed = true;
	if (!s->want_up)
		return enter(s, s->ever_started ? SVC_EXITED : SVC_IDLE, DO_DISARM);
	if (s->runs) {
		s->last_status = START_FAILED_STATUS;
		if (restart_wanted(s))
			return back_off(s, 0);
	}
	return enter(s, SVC_EXITED, 0);
}

/* Whoever ended before its hooks were through has come and gone. */
static void ended(struct svc *s, const struct svc_event *ev)
{
	s->ever_exited = true;
	s->last_status = ev->status;
	if (s->fresh)
		s->runs++;
	s->fresh = s->parting = false;
}

static struct svc_out exited(struct svc *s, const struct svc_event *ev)
{
	unsigned ice = thaw(s);
	struct svc_out out;

	ended(s, ev);
	out = restart_wanted(s) ? back_off(s, ev->now_ms - s->started_ms) : enter(s, SVC_EXITED, 0);
	out.todo |= ice;
	return out;
}

/* It was stopped for what it was, not because anybody wanted it down. */
static struct svc_out ailing_ended(struct svc *s, const struct svc_event *ev)
{
	enum svc_ailment ailment = s->ailment;

	s->ailment = SVC_WELL;
	if (ailment == SVC_AILS_HOOK && !(s->runs && s->policy.restart != SVC_RESTART_NO))
		return enter(s, SVC_EXITED, DO_DISARM);
	return back_off(s, ev->now_ms - s->started_ms);
}

/* The end of a stop; an SVC_EV_UP that came meanwhile is carried out now. */
static struct svc_out stopped(struct svc *s, const struct svc_event *ev)
{
	ended(s, ev);
	if (!s->want_up)
		return enter(s, SVC_EXITED, DO_DISARM);
	return s->ailment == SVC_WELL ? up(s, ev) : ailing_ended(s, ev);
}

/* The wait between two runs is over: its dependencies are asked for once more. */
static struct svc_out again(struct svc *s, const struct svc_event *ev)
{
	(void)ev;
	return enter(s, SVC_WAITING, 0);
}

static svc_action *const cell[SVC_N_STATES][SVC_EV_N_KINDS] = {
	[SVC_IDLE] = {
		[SVC_EV_UP] = up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = bug, [SVC_EV_TIMER] = same, [SVC_EV_DOWN] = want_down,
		[SVC_EV_KILL] = want_down, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = same, [SVC_EV_HOOKS_FAILED] = same, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = same,
	},
	[SVC_WAITING] = {
		[SVC_EV_UP] = up, [SVC_EV_READY] = start, [SVC_EV_GATE_FAILED] = gate_failed, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = bug, [SVC_EV_TIMER] = same, [SVC_EV_DOWN] = rest,
		[SVC_EV_KILL] = rest, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = same, [SVC_EV_HOOKS_FAILED] = same, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = same,
	},
	[SVC_STARTING] = {
		[SVC_EV_UP] = want_up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = started,
		[SVC_EV_START_FAILED] = start_failed, [SVC_EV_EXITED] = bug, [SVC_EV_TIMER] = same, [SVC_EV_DOWN] = want_down,
		[SVC_EV_KILL] = kill_start, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = same, [SVC_EV_HOOKS_FAILED] = same, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = same,
	},
	[SVC_RUNNING] = {
		[SVC_EV_UP] = want_up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = exited, [SVC_EV_TIMER] = same, [SVC_EV_DOWN] = stop,
		[SVC_EV_KILL] = kill_now, [SVC_EV_PAUSE] = freeze, [SVC_EV_UNPAUSE] = unfreeze,
		[SVC_EV_HOOKS_DONE] = arrived, [SVC_EV_HOOKS_FAILED] = hook_failed, [SVC_EV_UNHEALTHY] = unhealthy,
		[SVC_EV_LAST_RUN] = want_down,
	},
	[SVC_BACKOFF] = {
		[SVC_EV_UP] = up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = bug, [SVC_EV_TIMER] = again, [SVC_EV_DOWN] = rest,
		[SVC_EV_KILL] = rest, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = same, [SVC_EV_HOOKS_FAILED] = same, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = same,
	},
	[SVC_STOPPING] = {
		[SVC_EV_UP] = want_up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = stopped, [SVC_EV_TIMER] = kill_again, [SVC_EV_DOWN] = want_down,
		[SVC_EV_KILL] = kill_again, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = parted, [SVC_EV_HOOKS_FAILED] = parted, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = want_down,
	},
	[SVC_EXITED] = {
		[SVC_EV_UP] = up, [SVC_EV_READY] = same, [SVC_EV_GATE_FAILED] = same, [SVC_EV_STARTED] = bug,
		[SVC_EV_START_FAILED] = bug, [SVC_EV_EXITED] = bug, [SVC_EV_TIMER] = same, [SVC_EV_DOWN] = want_down,
		[SVC_EV_KILL] = want_down, [SVC_EV_PAUSE] = same, [SVC_EV_UNPAUSE] = same,
		[SVC_EV_HOOKS_DONE] = same, [SVC_EV_HOOKS_FAILED] = same, [SVC_EV_UNHEALTHY] = same,
		[SVC_EV_LAST_RUN] = same,
	},
};

void svc_init(struct svc *s, const struct svc_policy *policy)
{
	*s = (struct svc){ .state = SVC_IDLE, .policy = *policy };
}

struct svc_out svc_step(struct svc *s, const struct svc_event *ev)
{
	assert(ev->kind >= 0 && ev->kind < SVC_EV_N_KINDS);
	return cell[s->state][ev->kind](s, ev);
}

bool svc_cell_filled(enum svc_state state, enum svc_event_kind kind)
{
	return cell[state][kind] != NULL;
}

bool svc_cell_is_bug(enum svc_state state, enum svc_event_kind kind)
{
	return cell[state][kind] == bug;
}

const char *svc_compose_state(const struct svc *s)
{
	switch (s->state) {
	case SVC_IDLE:
		return "created";
	case SVC_WAITING:
	case SVC_STARTING:
		return s->restarts ? "restarting" : "created";
	case SVC_RUNNING:
		return s->paused ? "paused" : "running";
	case SVC_STOPPING:
		return "running";
	case SVC_BACKOFF:
		return "restarting";
	case SVC_EXITED:
		return s->dead ? "dead" : "exited";
	case SVC_N_STATES:
		break;
	}
	return "dead";
}
