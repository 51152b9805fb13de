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
#include "box/mountinfo.h"
#include "box/runtime.h"
#include "box/sys.h"

#define MAP_MAX	    65536
#define LATER_S	    0.02
#define LATER_MAX_S 1.

/* ---- opening --------------------------------------------------------------------------------- */

/*
 * pivot_root cannot leave the kernel's first file system. The last mount on "/" is the one in use.
 */
static int refuse_initramfs(struct err *err)
{
	_cleanup_(buf_fini) struct buf table = { 0 };
	bool rootfs = false;

	if (mountinfo_read(&table, err) < 0)
		return -1;
	for (char *rest = table.data, *line; (line = strsep(&rest, "\n"));)
		if (strstr(line, " / / "))
			rootfs = strstr(line, " - rootfs ");
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

static int look_around(struct box_runtime *rt, struct err *err)
{
	rt->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rt->proc < 0)
		return err_sys(err, errno, "open /proc");
	rt->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (rt->home < 0)
		return err_sys(err, errno, "open /proc/thread-self/ns/net");
	rt->level = level_get();
	rt->self = sys_pidfd_open(getpid());
	return rt->self < 0 ? err_sys(err, errno, "pidfd_open: Linux 6.1 or later is needed") : 0;
}

int runtime_write_maps(struct box_runtime *rt, struct err *err)
{
	static const char *const paths[] = { "/proc/self/uid_map", "/proc/self/gid_map" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		_cleanup_(buf_fini) struct buf own = { 0 }, same = { 0 };

		if (file_read(AT_FDCWD, paths[i], MAP_MAX, &own) < 0)
			return err_sys(err, errno, "read '%s'", paths[i]);
		level_same_ids(buf_str(&own), rt->ids.count, &same);
		rt->maps[i] = buf_take(&same);
	}
	return 0;
}

/*
 * One level below the host all ids that there are belong to this stack already, and files are shown with them: containers have the
 * same ones.
 */
static int take_ids(struct box_runtime *rt, const char *project, struct err *err)
{
	rt->ids = (struct ids_map){ .own = true, .count = IDS_SIZE };
	if (!rt->level.nested)
		return ids_lease(project, rt->ledger, &rt->ids.first, err);
	if (rt->level.ids < IDS_SIZE)
		rt->ids.count = rt->level.ids;
	if (runtime_write_maps(rt, err) < 0)
		return -1;
	return rt->ids.count ? 0 : err_set(err, "ids: this user namespace has no map of them");
}

static int fill(struct box_runtime *rt, const char *project, struct err *err)
{
	rt->tree.nested = rt->level.nested;
	if (take_ids(rt, project, err) < 0 ||
	    cgroup_tree_open(&rt->tree, project, rt->ledger, err) < 0)
		return -1;
	return 0;
}

static void on_later(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct box_runtime *rt = w->data;

	(void)loop;
	(void)revents;
	rt->later_s = rt->later_s * 2 < LATER_MAX_S ? rt->later_s * 2 : LATER_MAX_S;
	box_reap_strangers(rt);
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
				    .home = -1,
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
		slot_kill_all(rt->slots);
		slot_free(rt->slots);
	}
	ev_timer_stop(rt->loop, &rt->later);
	seccomp_free(&rt->filters);
	cgroup_tree_fini(&rt->tree);
	free(rt->maps[0]);
	free(rt->maps[1]);
	cleanup_fd(&rt->proc);
	cleanup_fd(&rt->home);
	cleanup_fd(&rt->self);
	cleanup_fd(&rt->init);
	free(rt);
}

unsigned box_stands_in(const struct box_runtime *rt)
{
	return cgroup_stands_in(&rt->tree);
}

int box_limits_check(const struct box_runtime *rt, const struct box_limits *l, struct err *err)
{
	return cgroup_limits_check(&rt->tree, l, err);
}

bool box_limits_spare(const struct box_runtime *rt, struct box_limits *l, struct buf *ret)
{
	unsigned missing = l->wanted & (BOX_WANT_MEMORY | BOX_WANT_CPU | BOX_WANT_PIDS) &
			   ~rt->tree.have & ~cgroup_stands_in(&rt->tree);
	const char *between = "not kept: the limit of ";
	char why[160];

	if (!missing)
		return false;
	l->wanted &= ~missing;
	cgroup_why_missing(missing & -missing, cgroup_place_of(&rt->tree, missing & -missing), why,
			   sizeof(why));
	for (unsigned bit = 1; bit <= missing; bit <<= 1) {
		if (!(missing & bit))
			continue;
		buf_printf(ret, "%s%s", between, cgroup_controller_name(bit));
		between = ", ";
	}
	buf_printf(ret, ": no controller on cgroup v2 (%s)", why);
	return true;
}

/* Processes are counted for a container as a controller would do it, see userns.c. */
static void add_stand_in(const struct box_runtime *rt, unsigned missing, struct buf *ret)
{
	char why[160];

	missing &= BOX_WANT_MEMORY;
	if (!missing)
		return;
	cgroup_why_missing(missing, cgroup_place_of(&rt->tree, missing), why, sizeof(why));
	buf_printf(ret, "limits of memory hold for each process: no controller (%s)", why);
}

void box_left_out(const struct box_runtime *rt, unsigned wanted, struct buf *ret)
{
	unsigned missing = (BOX_WANT_MEMORY | BOX_WANT_PIDS) & ~rt->tree.have;
	char why[160];

	if (missing && cgroup_stands_in(&rt->tree)) {
		add_stand_in(rt, cgroup_stands_in(&rt->tree) & wanted, ret);
		return;
	}
	if (!missing)
		return;
	cgroup_why_missing(missing & -missing, cgroup_place_of(&rt->tree, missing & -missing), why,
			   sizeof(why));
	buf_printf(ret, "left out: %s%s%s: no controller on cgroup v2 (%s)",
		   missing & BOX_WANT_PIDS ? "the default limit of 2048 processes" : "",
		   missing == (BOX_WANT_MEMORY | BOX_WANT_PIDS) ? ", " : "",
		   missing & BOX_WANT_MEMORY ? "memory.oom.group" : "", why);
}

uint32_t box_ids(const struct box_runtime *rt)
{
	return rt->ids.first;
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
	c.level = s->rt->level;
	memcpy(c.maps, s->rt->maps, sizeof(c.maps));
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
 * watchers would. False when one is left because it may be ours.
 */
static bool reap_all(struct box_runtime *rt)
{
	for (;;) {
		siginfo_t si = { 0 };

		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || !si.si_pid)
			return true;
		if (claim(rt, si.si_pid))
			continue;
		if (may_be_ours(rt))
			return false;
		waitid(P_PID, (id_t)si.si_pid, &si, WEXITED | WNOHANG | __WALL);
	}
}

/* Where nothing runs any more, all have been reaped by now. */
static bool expects_strays(struct box_runtime *rt)
{
	bool any = false;

	for (struct box_slot *s = rt->slots; s; s = s->next) {
		s->stray &= s->state == SLOT_RUNNING || cgroup_populated(s->cgroup.fd);
		any |= s->stray;
	}
	return any;
}

static void look_later(struct box_runtime *rt)
{
	ev_timer_stop(rt->loop, &rt->later);
	ev_timer_set(&rt->later, rt->later_s, 0.);
	ev_timer_start(rt->loop, &rt->later);
}

void box_reap_strangers(struct box_runtime *rt)
{
	catch_up(rt);
	if (!reap_all(rt)) {
		rt->later_s = LATER_S;
		look_later(rt);
	} else if (expects_strays(rt)) {
		look_later(rt);
	}
}

void runtime_expect_stray(struct box_slot *s)
{
	s->stray = true;
	s->rt->later_s = LATER_S;
	look_later(s->rt);
}
