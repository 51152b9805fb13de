/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the first process of a slot has for 0, 1 and 2 when its log is the other side: FIFOs, or a terminal, which is read here.
 * Input comes from clients only (attach.c). Called where a run begins and ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sup/state.h"

/* A turn of the loop takes so much from a terminal, an end so much more than all that can be on its way. */
enum { TURN_MAX = 1 << 16, DRAIN_MAX = 1 << 20 };

/* For who has closed his terminal and may open it again. */
static const ev_tstamp AGAIN_S = 0.1;

/* ---- the terminal ---------------------------------------------------------------------------- */

/* Up to `max` bytes of what is there now. False: nobody has its other side open. */
static bool read_terminal(struct sup_slot *slot, size_t max)
{
	for (size_t got = 0; got < max;) {
		ssize_t n = logs_feed(slot->log, LOGS_STDOUT, box_console(slot->box));

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		got += (size_t)n;
	}
	return true;
}

/* A terminal without another side is readable for ever. */
static void terminal_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup_slot *slot = w->data;

	(void)revents;
	if (read_terminal(slot, TURN_MAX))
		return;
	ev_io_stop(loop, w);
	ev_timer_set(&slot->terminal_again, AGAIN_S, 0);
	ev_timer_start(loop, &slot->terminal_again);
}

static void again_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct sup_slot *slot = w->data;

	(void)revents;
	if (!slot->held)
		ev_io_start(loop, &slot->terminal);
}

void sup_streams_stop(struct sup_slot *slot)
{
	ev_io_stop(slot->sup->loop, &slot->terminal);
	ev_timer_stop(slot->sup->loop, &slot->terminal_again);
	slot->terminal_open = false;
	cleanup_fd(&slot->input);
}

void sup_streams_hold(struct sup_slot *slot, bool on)
{
	if (slot->held == on)
		return;
	slot->held = on;
	logs_hold(slot->log, on);
	if (on)
		ev_io_stop(slot->sup->loop, &slot->terminal);
	else if (slot->terminal_open && !ev_is_active(&slot->terminal_again))
		ev_io_start(slot->sup->loop, &slot->terminal);
}

/* ---- a run ----------------------------------------------------------------------------------- */

void sup_streams_init(struct sup_slot *slot)
{
	ev_init(&slot->terminal, terminal_cb);
	ev_init(&slot->terminal_again, again_cb);
	slot->terminal.data = slot->terminal_again.data = slot;
	slot->input = -1;
}

/* The ids by which the host knows the service's user, who may open what he has as /dev/stdin. */
static int make_input(struct sup_slot *slot, struct box_spec *spec, struct err *err)
{
	uint32_t ids = slot->plan->box_slot.host_ids ? 0 : box_ids(slot->sup->runtime);
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "standard input: pipe");
	spec->stdin_fd = pair[0];
	slot->input = pair[1];
	if (fd_nonblock(slot->input, true) == 0 && fchown(pair[0], ids + spec->uid, (gid_t)-1) == 0)
		return 0;
	err_sys(err, errno, "standard input: pipe");
	sup_streams_given(slot, spec);
	cleanup_fd(&slot->input);
	return -1;
}

int sup_streams_give(struct sup_slot *slot, struct box_spec *spec, struct err *err)
{
	spec->stdin_fd = -1;
	spec->stdout_fd = logs_write_fd(slot->log, LOGS_STDOUT);
	spec->stderr_fd = logs_write_fd(slot->log, LOGS_STDERR);
	cleanup_fd(&slot->input);
	if (spec->tty || !slot->plan->service->stdin_open)
		return 0;
	return make_input(slot, spec, err);
}

void sup_streams_given(struct sup_slot *slot, struct box_spec *spec)
{
	if (slot->input >= 0)
		cleanup_fd(&spec->stdin_fd);
}

void sup_streams_started(struct sup_slot *slot)
{
	int fd = slot->log ? box_console(slot->box) : -1;

	if (fd < 0)
		return;
	slot->terminal_open = true;
	ev_io_set(&slot->terminal, fd, EV_READ);
	if (!slot->held)
		ev_io_start(slot->sup->loop, &slot->terminal);
}

/* Nothing of it runs any more: what it has left is all that will ever come. */
void sup_streams_ended(struct sup_slot *slot)
{
	bool terminal = slot->terminal_open;

	sup_streams_stop(slot);
	if (terminal)
		read_terminal(slot, DRAIN_MAX);
	if (slot->log)
		logs_drain(slot->log);
}
