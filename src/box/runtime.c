/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runtime: what a stack's slots share, from box_open to box_close, and the way of events to the
 * caller. Called by sup.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/ids.h"
#include "box/runtime.h"
#include "box/sys.h"

#define TABLE_MAX (4U << 20)
#define LATER_S	  0.02

/* ---- opening --------------------------------------------------------------------------------- */

/*
 * pivot_root cannot leave the kernel's first file system. The last mount on "/" is the one in use.
 */
static int refuse_initramfs(struct err *err)
{
	_cleanup_(buf_fini) struct buf table = { 0 };
	bool rootfs = false;

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", TABLE_MAX, &table) < 0)
		return err_sys(err, errno, "read /proc/self/mountinfo");
	for (char *line = table.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (strstr(line, " / / "))
			rootfs = strstr(line, " - rootfs ");
	}
	if (rootfs)
		return err_set(err, "the root is an initramfs, which pivot_root cannot leave: "
				    "switch_root to another file system (a tmpfs will do) first");
	return 0;
}

static int check_host(struct err *err)
{
	if (geteuid())
		return err_set(err, "containers need root: run mstack with sudo");
	return refuse_initramfs(err);
}

/*
 * Limits of ours that nobody asked for are left out where there is no controller, and one line says
 * so.
 */
static void note_left_out(struct box_runtime *rt)
{
	unsigned missing = (BOX_WANT_MEMORY | BOX_WANT_PIDS) & ~rt->tree.have;
	unsigned first = missing & -missing;
	char why[160];

	if (!missing)
		return;
	cgroup_why_missing(first, rt->tree.delegated, why, sizeof(why));
	snprintf(rt->left_out, sizeof(rt->left_out),
		 "left out: %s%s%s: no controller on cgroup v2 (%s)",
		 missing & BOX_WANT_PIDS ? "the default limit of 2048 processes" : "",
		 missing == (BOX_WANT_MEMORY | BOX_WANT_PIDS) ? ", " : "",
		 missing & BOX_WANT_MEMORY ? "memory.oom.group" : "", why);
}

static int look_around(struct box_runtime *rt, struct err *err)
{
	rt->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rt->proc < 0)
		return err_sys(err, errno, "open /proc");
	rt->self = sys_pidfd_open(getpid());
	return rt->self < 0 ? err_sys(err, errno, "pidfd_open: Linux 6.1 or later is needed") : 0;
}

static int fill(struct box_runtime *rt, const char *project, struct err *err)
{
	if (ids_lease(project, rt->ledger, &rt->ids, err) < 0 ||
	    cgroup_tree_open(&rt->tree, project, rt->ledger, err) < 0)
		return -1;
	note_left_out(rt);
	return 0;
}

static void on_later(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	box_reap_strangers(w->data);
}

struct box_runtime *runtime_new(struct ev_loop *loop, struct ledger *ledger, box_event_fn *fn,
				void *arg, struct err *err)
{
	struct box_runtime *rt = xcalloc(1, sizeof(*rt));

	*rt = (struct box_runtime){ .loop = loop,
				    .ledger = ledger,
				    .fn = fn,
				    .arg = arg,
				    .tables = &child_tables,
				    .proc = -1,
				    .init = -1,
				    .self = -1 };
	ev_timer_init(&rt->later, on_later, LATER_S, 0.);
	rt->later.data = rt;
	if (look_around(rt, err) == 0)
		return rt;
	box_close(rt);
	return NULL;
}

struct box_runtime *box_open(struct ev_loop *loop, const char *project, struct ledger *ledger,
			     box_event_fn *fn, void *arg, struct err *err)
{
	struct box_runtime *rt =
		check_host(err) < 0 ? NULL : runtime_new(loop, ledger, fn, arg, err);

	if (rt && fill(rt, project, err) == 0)
		return rt;
	box_close(rt);
	return NULL;
}

void box_close(struct box_runtime *rt)
{
	if (!rt)
		return;
	while (rt->slots) {
		if (rt->slots->cgroup.fd >= 0)
			cgroup_kill(rt->slots->cgroup.fd);
		slot_free(rt->slots);
	}
	ev_timer_stop(rt->loop, &rt->later);
	seccomp_free(&rt->filters);
	cgroup_tree_fini(&rt->tree);
	cleanup_fd(&rt->proc);
	cleanup_fd(&rt->self);
	cleanup_fd(&rt->init);
	free(rt);
}

bool box_limits_spare(const struct box_runtime *rt, struct box_limits *l, struct buf *ret)
{
	unsigned missing =
		l->wanted & (BOX_WANT_MEMORY | BOX_WANT_CPU | BOX_WANT_PIDS) & ~rt->tree.have;
	const char *between = "not kept: the limit of ";
	char why[160];

	if (!missing)
		return false;
	l->wanted &= ~missing;
	cgroup_why_missing(missing & -missing, rt->tree.delegated, why, sizeof(why));
	for (unsigned bit = 1; bit <= missing; bit <<= 1) {
		if (!(missing & bit))
			continue;
		buf_printf(ret, "%s%s", between, cgroup_controller_name(bit));
		between = ", ";
	}
	buf_printf(ret, ": no controller on cgroup v2 (%s)", why);
	return true;
}

const char *box_left_out(const struct box_runtime *rt)
{
	return rt->left_out;
}

uint32_t box_ids(const struct box_runtime *rt)
{
	return rt->ids;
}

/* ---- for the files of this room -------------------------------------------------------------- */

void runtime_emit(struct box_slot *s, struct box_event *ev)
{
	if (s->closing)
		return;
	if (ev->kind != BOX_EXEC_DONE)
		ev->token = s->token;
	s->rt->fn(s->rt->arg, ev);
}

struct child runtime_child(const struct box_slot *s)
{
	struct child c = child_blank();

	c.tables = s->rt->tables;
	c.supervisor = s->rt->self;
	c.proc = s->rt->proc;
	c.ids = s->ids;
	c.userns = s->userns;
	return c;
}

/* ---- zombies --------------------------------------------------------------------------------- */

/*
 * A stage two that has ended may be known by its pid from a message that was not read yet. A slot
 * that is closing may go away while its guest catches up, but not before its exec is done.
 */
static void catch_up(struct box_runtime *rt)
{
	for (struct box_slot *s = rt->slots, *next; s; s = next) {
		struct guest *exec = exec_guest(s);

		next = s->next;
		guest_catch_up(&s->guest);
		if (exec)
			guest_catch_up(exec);
	}
}

static bool claim(struct box_runtime *rt, pid_t pid)
{
	for (struct box_slot *s = rt->slots; s; s = s->next) {
		struct guest *exec = exec_guest(s);

		if ((exec && guest_claim(exec, pid)) || guest_claim(&s->guest, pid))
			return true;
	}
	return false;
}

static bool is_announced(const struct guest *g)
{
	return !g->begun || g->eof || g->two.pid;
}

/*
 * On a busy machine a container may have come to its end before stage one gets to say which process
 * it is.
 */
static bool may_be_ours(const struct box_runtime *rt)
{
	for (struct box_slot *s = rt->slots; s; s = s->next) {
		const struct guest *exec = exec_guest(s);

		if (!is_announced(&s->guest) || (exec && !is_announced(exec)))
			return true;
	}
	return false;
}

/*
 * waitid shows the same zombie until it is reaped, so ours are dealt with on the way, as their
 * watchers would.
 */
void box_reap_strangers(struct box_runtime *rt)
{
	catch_up(rt);
	for (;;) {
		siginfo_t si = { 0 };

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || !si.si_pid)
			return;
		if (claim(rt, si.si_pid))
			continue;
		if (may_be_ours(rt)) {
			ev_timer_stop(rt->loop, &rt->later);
			ev_timer_set(&rt->later, LATER_S, 0.);
			ev_timer_start(rt->loop, &rt->later);
			return;
		}
		waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG | __WALL);
	}
}
