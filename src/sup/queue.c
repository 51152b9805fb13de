/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one queue. Every watcher of the supervisor stands here; each only appends a fact. The queue is drained before the loop
 * waits again: all facts settle, then gates are looked at, then what the states ask for is executed. Executing may fail at
 * once and append facts of its own, so this goes on until nothing is left.
 */
#include <sys/signalfd.h>
#include <unistd.h>

#include "sup/change.h"
#include "sup/keeping.h"
#include "sup/reexec.h"
#include "sup/reload.h"

void sup_queue(struct sup *s, const struct sup_fact *fact)
{
	vec_push(&s->facts, *fact);
}

/* What a probe wrote is box's and gone when this returns, so it is copied now. */
void sup_box_event(void *arg, const struct box_event *ev)
{
	struct sup *s = arg;
	struct sup_slot *slot = &s->slots[ev->token];
	struct sup_fact fact = { .kind = FACT_BOX, .slot = (size_t)ev->token, .box = *ev };

	if (ev->kind == BOX_EXEC_DONE) {
		size_t n = ev->output_len < SUP_PROBE_OUTPUT ? ev->output_len : SUP_PROBE_OUTPUT;

		if (n)
			memcpy(slot->probe_output, ev->output, n);
		slot->probe_output[n] = 0;
	}
	fact.box.output = NULL;
	sup_queue(s, &fact);
}

void sup_net_event(void *arg, const struct net_event *ev)
{
	struct sup *s = arg;

	switch (ev->kind) {
	case NET_READY:
		sup_queue(s, &(struct sup_fact){ .kind = FACT_NET, .slot = (size_t)ev->token });
		break;
	case NET_WIRED:
		sup_queue(s, &(struct sup_fact){ .kind = FACT_WIRE, .slot = (size_t)ev->token });
		break;
	case NET_NOTE:
		/* Who died may have been replaced, and is held by other descriptors. */
		s->handing.changed = true;
		sup_say(&s->opts->hooks, SUP_NOTE, NULL, "%s", ev->text);
		break;
	}
}

static void queue_timer(struct sup_slot *slot, enum sup_fact_kind kind)
{
	sup_queue(slot->sup, &(struct sup_fact){ .kind = kind, .slot = slot->nr });
}

static void timer_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	queue_timer(w->data, FACT_TIMER);
}

static void health_timer_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	queue_timer(w->data, FACT_HEALTH_TIMER);
}

static void probe_timer_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	queue_timer(w->data, FACT_PROBE_TIMEOUT);
}

static void exec_timer_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	queue_timer(w->data, FACT_EXEC_TIMEOUT);
}

static void give_up_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	sup_queue(w->data, &(struct sup_fact){ .kind = FACT_GIVE_UP });
}

static void guard_again_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	sup_queue(w->data, &(struct sup_fact){ .kind = FACT_GUARD_DIED });
}

/* The turn that it begins looks at all. */
static void look_again_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

void sup_look_again(struct sup *s, uint64_t after_ms)
{
	ev_tstamp after = (ev_tstamp)after_ms / 1000;

	if (ev_is_active(&s->look_again) && ev_timer_remaining(s->loop, &s->look_again) <= after)
		return;
	ev_timer_stop(s->loop, &s->look_again);
	ev_timer_set(&s->look_again, after, 0);
	ev_timer_start(s->loop, &s->look_again);
}

/* Stopped at once: the pidfd of a dead process stays readable, and the loop would spin. */
static void guard_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)revents;
	ev_io_stop(loop, w);
	sup_queue(w->data, &(struct sup_fact){ .kind = FACT_GUARD_DIED });
}

/*
 * Signals of one kind that are pending count once (signal(7)), so a fact may stand for several: who
 * settles SIGCHLD has to look for more than one child.
 */
static void signal_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct signalfd_siginfo si;

	(void)loop;
	(void)revents;
	while (read(w->fd, &si, sizeof(si)) == sizeof(si))
		sup_queue(w->data, &(struct sup_fact){ .kind = FACT_SIGNAL,
						       .signo = (int)si.ssi_signo,
						       .sender = (pid_t)si.ssi_pid,
						       .sender_uid = (uid_t)si.ssi_uid });
}

/* Before the loop waits. Facts appended while executing are settled in the next round of this. */
static void pump_cb(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct sup *s = w->data;
	bool changed = s->facts.n || s->asked;

	(void)loop;
	(void)revents;
	s->asked = false;
	do {
		changed = changed || s->facts.n;
		for (size_t i = 0; i < s->facts.n; i++) {
			struct sup_fact fact = s->facts.v[i]; /* settling may append */

			sup_settle(s, &fact);
		}
		s->facts.n = 0;
		sup_look_at_gates(s);
		sup_change_tell_start(s);
		sup_execute(s);
		if (!s->facts.n) {
			sup_look_at_up(s);
			sup_look_at_verbs(s);
			sup_look_at_change(s);
			sup_look_at_oneoffs(s);
			sup_look_at_rest(s);
			sup_look_at_end(s);
			sup_look_at_reload(s);
			sup_look_at_reexec(s);
			sup_change_tell_start(s);
			sup_execute(s);
		}
	} while (s->facts.n);
	sup_look_at_handing(s, changed);
	sup_notify_look(s);
}

void sup_slot_watchers_init(struct sup_slot *slot)
{
	ev_init(&slot->timer, timer_cb);
	ev_init(&slot->health_timer, health_timer_cb);
	ev_init(&slot->probe_timer, probe_timer_cb);
	ev_init(&slot->exec_timer, exec_timer_cb);
	sup_streams_init(slot);
	sup_knock_init(slot);
	slot->timer.data = slot->health_timer.data = slot->probe_timer.data = slot;
	slot->exec_timer.data = slot;
}

void sup_watchers_start(struct sup *s)
{
	ev_prepare_init(&s->pump, pump_cb);
	s->pump.data = s;
	ev_prepare_start(s->loop, &s->pump);
	ev_io_init(&s->signals, signal_cb, s->signal_fd, EV_READ);
	s->signals.data = s;
	ev_io_start(s->loop, &s->signals);
	ev_io_init(&s->listener, sup_listen_cb, s->listen_fd, EV_READ);
	s->listener.data = s;
	ev_io_start(s->loop, &s->listener);
	ev_init(&s->give_up, give_up_cb);
	s->give_up.data = s;
	ev_init(&s->guard_again, guard_again_cb);
	s->guard_again.data = s;
	ev_init(&s->look_again, look_again_cb);
	ev_init(&s->guard_io, guard_cb);
	s->guard_io.data = s;
	if (s->guard_fd >= 0) {
		ev_io_set(&s->guard_io, s->guard_fd, EV_READ);
		ev_io_start(s->loop, &s->guard_io);
	}
}

void sup_watchers_stop(struct sup *s)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		ev_timer_stop(s->loop, &s->slots[i].timer);
		ev_timer_stop(s->loop, &s->slots[i].health_timer);
		ev_timer_stop(s->loop, &s->slots[i].probe_timer);
		ev_timer_stop(s->loop, &s->slots[i].exec_timer);
		sup_knock_end(&s->slots[i]);
		sup_streams_stop(&s->slots[i]);
	}
	ev_timer_stop(s->loop, &s->give_up);
	ev_timer_stop(s->loop, &s->guard_again);
	ev_timer_stop(s->loop, &s->look_again);
	ev_io_stop(s->loop, &s->guard_io);
	ev_io_stop(s->loop, &s->listener);
	ev_io_stop(s->loop, &s->signals);
	ev_prepare_stop(s->loop, &s->pump);
}
