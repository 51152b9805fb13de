/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo: removes what the ledger holds. Called for a roll-back, by `down`, by the guard and by
 * `doctor`; whoever calls holds the lock. Nothing is destroyed before its kind says that it is
 * ours, and each removal is entered at once, so that being killed at any point costs nothing but
 * the time of the next run.
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "ledger/entry.h"

/*
 * How long things that die with their parent get for it: the kernel takes namespaces apart on its
 * own time.
 */
#define GRACE_MS     300
#define PAUSE_MAX_MS 50

enum fate { PENDING, OVER, FOREIGN, FAILED };

struct job {
	struct ledger_entry *e;
	enum fate fate;
	bool with_parent; /* left to its parent at first */
	bool bulked;	  /* was tried together with the others of its kind */
	bool held;	  /* something of it has to be tried again first */
	char *why;	  /* it is still there */
};

struct undo {
	struct ledger *l;
	uint64_t deadline;
	bool later; /* second half: what should have died with its parent */
	int rc;	    /* -1: the ledger itself could not be written */
	struct err *err;
	struct VEC(struct job) jobs;
};

static void pause_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000),
			      .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- what is to be removed ------------------------------------------------------------------- */

/*
 * Parents come before their children, so one walk finds all that is below `root` (0: everything).
 */
static void collect(struct undo *u, uint32_t root)
{
	for (struct ledger_entry *e = u->l->by_id, *parent; e; e = e->by_id.next) {
		HASH_FIND(by_id, u->l->by_id, &e->item.parent, sizeof(e->item.parent), parent);
		e->doomed = e->item.state != LEDGER_GONE &&
			    (!root || e->item.id == root || (parent && parent->doomed));
		if (e->doomed)
			vec_push(&u->jobs,
				 ((struct job){
					 .e = e,
					 .with_parent = (e->flags & LEDGER_DIES_WITH_PARENT) &&
							parent && parent->doomed,
				 }));
	}
}

static bool is_due(const struct undo *u, const struct job *j)
{
	return j->fate == PENDING && j->with_parent == u->later;
}

/* ---- one by one ------------------------------------------------------------------------------ */

/* A ledger that cannot be written (disk full) is no reason to leave the rest standing. */
static void settle(struct undo *u, struct job *j, enum fate fate)
{
	struct err err;

	j->fate = fate;
	if (ledger_gone(u->l, j->e->item.id, &err) < 0 && !u->rc) {
		*u->err = err;
		u->rc = -1;
	}
}

static void remember(struct job *j, const char *why)
{
	free(j->why);
	j->why = xstrdup(why);
}

static void destroy(struct undo *u, struct job *j)
{
	const struct ledger_kind *k = j->e->kind;
	struct err err = { 0 };

	if (k->destroy(&j->e->item, &err) < 0) {
		remember(j, err.text);
		if (err.sys != EBUSY)
			j->fate = FAILED;
	} else if (k->same(&j->e->item) == 1) {
		remember(j, "still there after its removal");
	} else {
		settle(u, j, OVER);
	}
}

static void attempt(struct undo *u, struct job *j)
{
	if (!j->e->kind) {
		remember(j, "of a kind that is not known here");
		j->fate = FAILED;
		return;
	}
	switch (j->e->kind->same(&j->e->item)) {
	case 1:
		destroy(u, j);
		break;
	case 0:
		remember(j, "something else is there under this name, left alone");
		settle(u, j, FOREIGN);
		break;
	default:
		if (j->e->kind->tidy)
			j->e->kind->tidy(&j->e->item);
		settle(u, j, OVER);
	}
}

/* What is shared, too, must not be taken for somebody else's because our own part is still in it. */
static void hold_parent(struct undo *u, const struct job *child)
{
	for (size_t i = 0; i < u->jobs.n; i++)
		if (u->jobs.v[i].e->item.id == child->e->item.parent)
			u->jobs.v[i].held = true;
}

/* Newest first, so children come before their parents. Returns how many are worth another try. */
static size_t pass(struct undo *u)
{
	size_t busy = 0;

	for (size_t i = u->jobs.n; i-- > 0;) {
		struct job *j = &u->jobs.v[i];

		if (!is_due(u, j))
			continue;
		/* At the deadline there is no better moment to come. */
		if (!j->held || time_mono_ms() >= u->deadline)
			attempt(u, j);
		else
			remember(j, "something of it is still there");
		j->held = false;
		if (j->fate != PENDING)
			continue;
		hold_parent(u, j);
		busy++;
	}
	return busy;
}

/* ---- in bulk --------------------------------------------------------------------------------- */

/* All that are due of the kind of job `last`; those that did not go are left to the passes. */
static void bulk_kind(struct undo *u, size_t last)
{
	const struct ledger_kind *k = u->jobs.v[last].e->kind;
	struct VEC(const struct ledger_item *) items = { 0 };
	struct err err = { 0 };
	int rc;

	for (size_t i = 0; i <= last; i++) {
		struct job *j = &u->jobs.v[i];

		if (!is_due(u, j) || j->e->kind != k)
			continue;
		j->bulked = true;
		if (k->same(&j->e->item) == 1)
			vec_push(&items, &j->e->item);
	}
	rc = items.n ? k->destroy_all(items.v, items.n, &err) : -1;
	vec_fini(&items);
	for (size_t i = 0; !rc && i <= last; i++) {
		struct job *j = &u->jobs.v[i];

		if (is_due(u, j) && j->e->kind == k && k->same(&j->e->item) < 0)
			settle(u, j, OVER);
	}
}

static void bulk(struct undo *u)
{
	for (size_t i = u->jobs.n; i-- > 0;) {
		const struct job *j = &u->jobs.v[i];

		if (is_due(u, j) && !j->bulked && j->e->kind && j->e->kind->destroy_all)
			bulk_kind(u, i);
	}
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void remove_due(struct undo *u)
{
	uint64_t now, pause = 1;

	bulk(u);
	while (pass(u) && (now = time_mono_ms()) < u->deadline) {
		pause_ms(pause < u->deadline - now ? pause : u->deadline - now);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

static bool any_there(const struct undo *u)
{
	for (size_t i = 0; i < u->jobs.n; i++) {
		const struct job *j = &u->jobs.v[i];

		if (is_due(u, j) && j->e->kind && j->e->kind->same(&j->e->item) == 1)
			return true;
	}
	return false;
}

static void wait_for_parents(const struct undo *u)
{
	uint64_t until = time_mono_ms() + GRACE_MS;

	if (until > u->deadline)
		until = u->deadline;
	for (uint64_t pause = 1; any_there(u) && time_mono_ms() < until;
	     pause = pause < 16 ? pause * 2 : pause)
		pause_ms(pause);
}

/*
 * Names what is left. Returns how much that is; the first goes into `err` unless there is
 * something worse in it.
 */
static size_t report(const struct undo *u, void (*tell)(void *arg, const char *line), void *arg)
{
	struct buf line = { 0 };
	size_t left = 0;

	for (size_t i = 0; i < u->jobs.n; i++) {
		const struct job *j = &u->jobs.v[i];

		if (j->fate == OVER)
			continue;
		buf_fini(&line);
		buf_printf(&line, "%s '%s': %s", j->e->item.kind, j->e->item.key, j->why);
		if (tell)
			tell(arg, buf_str(&line));
		if (!left++ && !u->rc)
			err_kind(u->err, ERR_LEFTOVER, "%s", buf_str(&line));
	}
	buf_fini(&line);
	return left;
}

static int undo(struct ledger *l, uint32_t root, unsigned deadline_ms,
		void (*tell)(void *arg, const char *line), void *arg, struct err *err)
{
	struct err ignored = { 0 };
	struct undo u = { .l = l,
			  .deadline = time_mono_ms() + deadline_ms,
			  .err = err ? err : &ignored };
	size_t left;

	assert(l->locked);
	collect(&u, root);
	remove_due(&u);
	u.later = true;
	wait_for_parents(&u);
	remove_due(&u);
	left = report(&u, tell, arg);
	for (size_t i = 0; i < u.jobs.n; i++)
		free(u.jobs.v[i].why);
	vec_fini(&u.jobs);
	return u.rc ? u.rc : left > 0;
}

int ledger_undo(struct ledger *l, unsigned deadline_ms, void (*tell)(void *arg, const char *line),
		void *arg, struct err *err)
{
	return undo(l, 0, deadline_ms, tell, arg, err);
}

int ledger_undo_item(struct ledger *l, uint32_t id, unsigned deadline_ms, struct err *err)
{
	return undo(l, id ? id : UINT32_MAX, deadline_ms, NULL, NULL, err);
}
