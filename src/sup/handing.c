/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handing: the supervisor's side of keeping.h. Called at the end of each turn. One hand-over is on its way at a time: what changes meanwhile
 * goes with the next one, so however fast things change, the guard gets no more than it can take.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sup/keeping.h"
#include "sup/reexec.h"

/* How long a guard that only has to receive may take, before a loop runs. */
enum { PATIENCE_MS = 10000, AGAIN_MS = 50 };

#define KEY "x-on-supervisor-death: keep"

bool sup_is_to_keep(const struct sup *s)
{
	return s->model && s->model->stack && s->model->stack->keep && !s->opts->client;
}

bool sup_keeps(const struct sup *s)
{
	return sup_is_to_keep(s) && s->ending == ENDING_NO && s->up_told;
}

int sup_keep_check(const struct sup *s, const struct stack *stack, struct err *err)
{
	if (stack->keep && !s->opts->client && box_apart_check(s->runtime, err) < 0)
		return err_wrap(err, KEY);
	return 0;
}

/* A guard that dies with a session or a unit would keep nothing. */
int sup_keep_prepare(struct sup *s, const struct stack *stack, struct err *err)
{
	if (!stack->keep || s->opts->client)
		return 0;
	if (!s->handing.group)
		s->handing.group = box_group();
	if (box_apart(s->runtime, s->guard, err) < 0)
		return err_wrap(err, KEY);
	return 0;
}

/* Goes on as the guard does. Of one that has just ended we shall hear. */
static void take_along(struct sup *s, pid_t pid, const char *what)
{
	struct err err = { 0 };

	if (!pid || box_apart(s->runtime, pid, &err) == 0 || err.sys == ESRCH)
		return;
	sup_say(&s->opts->hooks, SUP_WARNING, NULL,
		KEY ": %s: %s: they end with the supervisor's session", what, err.text);
}

static bool look_at_names(struct sup *s)
{
	pid_t now = s->names ? net_names_pid(s->names) : 0;

	if (now == s->handing.names)
		return false;
	s->handing.names = now;
	take_along(s, now, "names");
	return true;
}

/* Those that one of them forks are where it is, but not who was there before, nor who came with an adoption. */
static bool look_at_porch(struct sup *s)
{
	pid_t *had = s->handing.porch, now[NET_PORTERS];

	if (!s->porch)
		return false;
	net_porch_pids(s->porch, now);
	if (!memcmp(now, had, sizeof(now)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(now); i++)
		if (now[i] != had[0] && now[i] != had[1])
			take_along(s, now[i], "way in and out");
	memcpy(had, now, sizeof(now));
	return true;
}

/* ---- handing over ---------------------------------------------------------------------------- */

static int hand_over(struct sup *s, struct err *err)
{
	struct sup_handing *h = &s->handing;
	struct carry *tree = sup_carry(s, true, err);
	_cleanup_fd_ int text = tree ? carry_write(tree, err) : -1;
	_cleanup_free_ int *fds = NULL;
	size_t n = 0;
	int rc = -1;

	if (text >= 0 && fcntl(text, F_SETFD, FD_CLOEXEC) == 0) {
		fds = carry_fds(tree, &n);
		rc = bundle_send(h->sock, h->number + 1, text, fds, n, err);
	}
	carry_free(tree);
	if (rc == 0) {
		h->number++;
		h->sent_ms = time_mono_ms();
		h->changed = h->lost = false;
		h->told = true;
	}
	return rc;
}

static void let_go(struct sup *s)
{
	struct sup_handing *h = &s->handing;

	if (!h->told || bundle_send_none(h->sock, h->number + 1, &(struct err){ 0 }) != 0)
		return;
	h->number++;
	h->told = h->lost = false;
}

/* ---- a guard that does not take it ----------------------------------------------------------- */

static void complain(struct sup *s, const struct err *err)
{
	struct sup_handing *h = &s->handing;

	if (!h->failed)
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			KEY ": %s: what changes from here on is not kept", err->text);
	h->failed = true;
}

/* Another one has it all before that one goes: there is no moment without a guard. */
static void replace_guard(struct sup *s, const struct err *why)
{
	_cleanup_free_ char *text = xasprintf("guard (process %d): %s", (int)s->guard, why->text);
	struct err err = { 0 };

	if (sup_guard_replace(s, &err) == 0) {
		sup_say(&s->opts->hooks, SUP_WARNING, NULL,
			KEY ": %s: another guard takes its place", text);
		return;
	}
	s->handing.deaf = err.kind == ERR_TIMEOUT;
	err_wrap(&err, "%s: no other one takes its place", text);
	complain(s, &err);
}

static int late(struct err *err)
{
	return err_kind(err, ERR_TIMEOUT, "it has not taken over in %d s, being stopped or hung",
			PATIENCE_MS / 1000);
}

static int too_few(struct err *err)
{
	return err_set(err, "it may not open as many files as it is to keep");
}

/* What was lost is on its way no more: the next change is handed over again, to whom it may concern. */
static void look_at_guard(struct sup *s)
{
	struct sup_handing *h = &s->handing;
	struct err err = { 0 };

	if (h->number == h->acked)
		return;
	if (h->lost) {
		h->acked = h->number;
		too_few(&err);
	} else if (h->changed && time_mono_ms() > h->sent_ms + PATIENCE_MS) {
		late(&err);
	}
	if (err.text[0] && !h->failed)
		replace_guard(s, &err);
}

void sup_look_at_handing(struct sup *s, bool changed)
{
	struct sup_handing *h = &s->handing;
	struct err err = { 0 };
	int rc = 0;

	h->changed = h->changed || changed;
	if (h->sock < 0 || (!h->told && !sup_keeps(s)))
		return;
	if (!sup_keeps(s)) {
		let_go(s);
		return;
	}
	h->changed = look_at_names(s) || h->changed;
	h->changed = look_at_porch(s) || h->changed;
	look_at_guard(s);
	if (h->changed && h->number == h->acked)
		rc = hand_over(s, &err);
	if (rc < 0)
		complain(s, &err);
	/* Others of this user hand over just now (ETOOMANYREFS): nothing need happen here until they have. */
	if (rc > 0)
		sup_look_again(s, AGAIN_MS);
}

static void take_word(struct sup_handing *h, int64_t word)
{
	if (word < 0) {
		h->lost = h->lost || -word == h->number;
		return;
	}
	h->acked = (uint32_t)word;
	if (h->acked == h->number)
		h->deaf = h->failed = false;
}

/* The number of what it has taken in, or lost. Its end is heard of by its pidfd. */
static bool hear(struct sup_handing *h)
{
	int64_t word;
	ssize_t n;

	while ((n = recv(h->sock, &word, sizeof(word), MSG_DONTWAIT)) == sizeof(word))
		take_word(h, word);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_word(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup *s = w->data;

	(void)revents;
	if (!hear(&s->handing))
		ev_io_stop(loop, w);
}

void sup_handing_begin(struct sup *s)
{
	struct sup_handing *h = &s->handing;

	if (h->sock < 0)
		return;
	h->changed = true;
	ev_io_init(&h->io, on_word, h->sock, EV_READ);
	h->io.data = s;
	ev_io_start(s->loop, &h->io);
}

void sup_handing_stop(struct sup *s)
{
	struct sup_handing *h = &s->handing;

	if (s->loop && ev_is_active(&h->io))
		ev_io_stop(s->loop, &h->io);
	cleanup_fd(&h->sock);
	h->number = h->acked = 0;
	h->told = h->failed = h->lost = h->deaf = false;
}

/* Until it has all that was sent. */
static int wait_for_guard(struct sup_handing *h, struct err *err)
{
	struct pollfd p = { .fd = h->sock, .events = POLLIN };
	uint64_t until = time_mono_ms() + PATIENCE_MS;

	while (h->acked != h->number) {
		if (h->lost)
			return too_few(err);
		if (time_mono_ms() > until)
			return late(err);
		(void)poll(&p, 1, 100);
		if (!hear(h))
			return err_set(err, "it has ended");
	}
	return 0;
}

/* 0; -1: it cannot be sent; 1: the guard does not take it. */
static int hand_over_now(struct sup *s, struct err *err)
{
	int rc = hand_over(s, err);

	/* There is room when it has taken what is on its way. */
	if (rc > 0 && wait_for_guard(&s->handing, err) < 0)
		return 1;
	if (rc > 0)
		rc = hand_over(s, err);
	if (rc > 0)
		return err_set(err, "no room for what it is to keep");
	return rc < 0 ? -1 : wait_for_guard(&s->handing, err) < 0;
}

int sup_handing_now(struct sup *s, struct err *err)
{
	return hand_over_now(s, err) == 0 ? 0 : err_wrap(err, "guard");
}

/* The next step may be one after which what the guard had before is worth nothing. */
void sup_handing_tell(struct sup *s)
{
	struct sup_handing *h = &s->handing;
	struct err err = { 0 };
	int rc;

	if (h->deaf)
		hear(h);
	if (!h->told || h->deaf)
		return;
	rc = hand_over_now(s, &err);
	if (rc > 0)
		replace_guard(s, &err);
	else if (rc < 0)
		complain(s, &err);
}

/* It only has to receive, so this takes as long as it takes to be woken up. */
void sup_handing_refresh(struct sup *s)
{
	struct sup_handing *h = &s->handing;

	if (h->released)
		sup_handing_tell(s);
	h->released = false;
}

/* Whoever is below the stack's group when that is removed dies with it, and the guard is to see the end. */
void sup_handing_end(struct sup *s)
{
	if (s->handing.sock >= 0)
		let_go(s);
	if (s->handing.group && s->guard > 0)
		box_come_back(s->handing.group, s->guard);
	free(take_ptr(&s->handing.group));
}
