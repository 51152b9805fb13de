/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slot: the part of a container that outlives its processes: cgroup, user and network
 * namespace, upper layer. Called by sup through box.h. The namespaces are held by descriptors alone, so they end
 * with the supervisor, however it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>

#include "box/runtime.h"

#define SETTLE_FIRST_S	  0.001
#define SETTLE_LAST_S	  0.064
#define SETTLE_PATIENCE_S 0.005
#define NAME_MAX_LEN	  128

/* ---- settling -------------------------------------------------------------------------------- */

static void on_settle(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct box_slot *s = w->data;

	(void)loop;
	(void)revents;
	/*
	 * The end of PID 1 is that of its pid namespace: only who has stood beside it is left, if
	 * anybody, or all others in a namespace that is not its own.
	 */
	if (s->settle_s > SETTLE_PATIENCE_S && cgroup_populated(s->cgroup.fd))
		slot_kill_all(s);
	start_advance(s);
}

/*
 * Without a group there is the namespace of processes, whose first one takes all others along. A service that is a guest in another
 * one's leaves there what it has started, until that one ends.
 */
void slot_kill_all(struct box_slot *s)
{
	struct guest *exec = exec_guest(s);

	if (s->cgroup.fd >= 0) {
		cgroup_kill_all(&s->cgroup);
		return;
	}
	guest_kill(&s->guest);
	guest_hang_up(&s->guest);
	if (!exec)
		return;
	guest_kill(exec);
	guest_hang_up(exec);
}

/*
 * libev can wait for "readable" only, and cgroup.events always is: so a short timer, which runs
 * while somebody dies.
 */
void slot_settle_later(struct box_slot *s)
{
	if (ev_is_active(&s->settle))
		return;
	ev_timer_set(&s->settle, s->settle_s, 0.);
	ev_timer_start(s->rt->loop, &s->settle);
	s->settle_s = s->settle_s * 2 < SETTLE_LAST_S ? s->settle_s * 2 : SETTLE_LAST_S;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_LEN || *name == '.' || strchr(name, '/'))
		return err_set(err, "slot '%s': no name for a cgroup", name);
	return 0;
}

static bool has_namespaces(const struct box_slot *s)
{
	const struct guest *g = &s->guest;

	for (size_t i = 0; i < (s->ids.own ? SLOT_FDS : SLOT_USERNS); i++)
		if (g->fds[i] < 0)
			return false;
	return g->ready && !g->failed;
}

static void opened(struct guest *g)
{
	struct box_slot *s = g->slot;
	struct box_event ev = { .kind = BOX_SLOT_READY };

	if (!guest_settled(g))
		return;
	if (has_namespaces(s)) {
		cleanup_fd(&s->netns);
		s->netns = take_fd(&g->fds[SLOT_NETNS]);
		s->mntns = take_fd(&g->fds[SLOT_MNTNS]);
		s->rtnl = take_fd(&g->fds[SLOT_RTNL]);
		for (size_t i = 0; i < BOX_SOCKETS; i++)
			s->sockets[i] = take_fd(&g->fds[SLOT_UDP + i]);
		cleanup_fd(&s->userns);
		s->userns = take_fd(&g->fds[SLOT_USERNS]);
		s->state = SLOT_IDLE;
	} else {
		ev.kind = BOX_SLOT_FAILED;
		if (!g->failed)
			err_set(&g->err, "killed while its namespaces were made");
		ev.err = g->err;
		s->state = SLOT_BROKEN;
	}
	guest_fini(g);
	if (s->closing)
		slot_try_free(s);
	else
		runtime_emit(s, &ev);
}

struct box_slot *slot_new(struct box_runtime *rt, const struct box_slot_spec *spec)
{
	struct box_slot *s = xcalloc(1, sizeof(*s));

	s->rt = rt;
	s->name = xstrdup(spec->name);
	s->token = spec->token;
	s->memo = s->console = s->netns = s->mntns = s->rtnl = s->userns = -1;
	for (size_t i = 0; i < BOX_SOCKETS; i++)
		s->sockets[i] = -1;
	s->cgroup.fd = s->cgroup.devices = -1;
	s->ids = rt->ids;
	if (spec->host_ids)
		s->ids = (struct ids_map){ .count = rt->level.ids };
	s->net = spec->net;
	if (spec->ids_of)
		s->userns = fcntl(spec->ids_of->userns, F_DUPFD_CLOEXEC, 3);
	if (s->net == BOX_JOIN)
		s->netns = fcntl(spec->net_of->netns, F_DUPFD_CLOEXEC, 3);
	s->settle_s = SETTLE_FIRST_S;
	ev_timer_init(&s->settle, on_settle, 0., 0.);
	s->settle.data = s;
	s->next = rt->slots;
	rt->slots = s;
	return s;
}

static int check_ids(const struct box_slot_spec *spec, struct err *err)
{
	if (!spec->ids_of || spec->ids_of->userns >= 0)
		return 0;
	return err_set(err, "slot '%s': '%s', whose user namespace it joins, has none", spec->name,
		       spec->ids_of->name);
}

/* A network belongs to a user namespace, and only who is in that one may mount its /sys. */
static int check_net(const struct box_slot_spec *spec, struct err *err)
{
	if (spec->net == BOX_HOST && !spec->host_ids)
		return err_set(err, "slot '%s': the host's network needs the host's ids",
			       spec->name);
	if (spec->net != BOX_JOIN)
		return 0;
	if (!spec->net_of || spec->net_of->netns < 0)
		return err_set(err, "slot '%s': '%s', whose network it joins, has none", spec->name,
			       spec->net_of ? spec->net_of->name : "another service");
	if (spec->host_ids ? !spec->net_of->ids.own : spec->net_of->ids.own && spec->ids_of)
		return 0;
	return err_set(err, "slot '%s': '%s', whose network it joins, has other ids", spec->name,
		       spec->net_of->name);
}

struct box_slot *box_slot_open(struct box_runtime *rt, const struct box_slot_spec *spec,
			       struct err *err)
{
	struct box_slot *s;
	struct child c;
	uint64_t namespaces = CLONE_NEWNS;

	if (check_name(spec->name, err) < 0 || check_ids(spec, err) < 0 || check_net(spec, err) < 0)
		return NULL;
	s = slot_new(rt, spec);
	if (cgroup_open(&s->cgroup, &rt->tree, rt->ledger, spec, err) < 0) {
		slot_free(s);
		return NULL;
	}
	c = runtime_child(s);
	c.slot = spec;
	c.pids_max = launch_stand_in_pids(&spec->limits, cgroup_stands_in(&rt->tree));
	c.netns = s->netns;
	if (!s->ids.own && s->net == BOX_OWN)
		namespaces |= CLONE_NEWNET;
	if (guest_begin(&s->guest, s, opened, namespaces, &c, rt->tables->slot, false, err) < 0) {
		s->closing = true;
		slot_try_free(s);
		return NULL;
	}
	return s;
}

int box_slot_netns(const struct box_slot *s)
{
	return s->netns;
}

int box_slot_rtnl(const struct box_slot *s)
{
	return s->rtnl;
}

int box_slot_socket(const struct box_slot *s, enum box_socket which)
{
	return s->sockets[which];
}

uint32_t box_slot_item(const struct box_slot *s)
{
	return s->cgroup.item;
}

/* ---- closing --------------------------------------------------------------------------------- */

bool box_slot_there(const struct box_runtime *rt, const char *name)
{
	for (const struct box_slot *s = rt->slots; s; s = s->next)
		if (!strcmp(s->name, name))
			return true;
	return false;
}

static void close_sockets(struct box_slot *s)
{
	for (size_t i = 0; i < BOX_SOCKETS; i++)
		cleanup_fd(&s->sockets[i]);
}

void slot_free(struct box_slot *s)
{
	struct box_slot **at = &s->rt->slots;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	ev_timer_stop(s->rt->loop, &s->settle);
	exec_free(s);
	guest_fini(&s->guest);
	cleanup_fd(&s->netns);
	cleanup_fd(&s->mntns);
	cleanup_fd(&s->rtnl);
	close_sockets(s);
	cleanup_fd(&s->memo);
	cleanup_fd(&s->console);
	cleanup_fd(&s->userns);
	cgroup_fini(&s->cgroup);
	launch_free(s->launch);
	free(s->name);
	free(s);
}

void slot_try_free(struct box_slot *s)
{
	/* Watchers of its processes come back here. */
	if (!guest_settled(&s->guest) || s->exec)
		return;
	start_forget(s);
	if (s->cgroup.path && cgroup_remove(s->cgroup.path) < 0) {
		slot_settle_later(s);
		return;
	}
	if (s->cgroup.item)
		ledger_gone(s->rt->ledger, s->cgroup.item, NULL);
	slot_free(s);
}

void box_slot_close(struct box_slot *s)
{
	if (!s)
		return;
	s->closing = true;
	s->settle_s = SETTLE_FIRST_S;
	if (s->cgroup.fd < 0 || cgroup_populated(s->cgroup.fd))
		slot_kill_all(s);
	/* From here on only processes hold the namespaces. */
	cleanup_fd(&s->netns);
	cleanup_fd(&s->mntns);
	cleanup_fd(&s->rtnl);
	close_sockets(s);
	cleanup_fd(&s->userns);
	cleanup_fd(&s->console);
	slot_try_free(s);
}
