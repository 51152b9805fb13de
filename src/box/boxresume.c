/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxresume: a runtime and its slots, handed to the program that takes our place by execve. Called by sup, when nothing is on its way: slots
 * that are made, starts, ends and commands have children that report to this program and no other. Namespaces, cgroups and processes
 * notice nothing: who holds their descriptors stays the same process.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "box/ids.h"
#include "box/runtime.h"

static const struct {
	const char *name;
	size_t at;
} slot_fds[] = {
	{ "netns", offsetof(struct box_slot, netns) },
	{ "mntns", offsetof(struct box_slot, mntns) },
	{ "rtnl", offsetof(struct box_slot, rtnl) },
	{ "userns", offsetof(struct box_slot, userns) },
	{ "udp", offsetof(struct box_slot, sockets[BOX_UDP]) },
	{ "tcp", offsetof(struct box_slot, sockets[BOX_TCP]) },
	{ "nft", offsetof(struct box_slot, sockets[BOX_NFT]) },
	{ "console", offsetof(struct box_slot, console) },
	{ "cgroup", offsetof(struct box_slot, cgroup.fd) },
	{ "devices", offsetof(struct box_slot, cgroup.devices) },
};

static int *fd_at(const struct box_slot *s, size_t at)
{
	return (int *)((char *)(uintptr_t)s + at);
}

/* ---- writing it down ------------------------------------------------------------------------- */

static bool at_rest(const struct box_slot *s)
{
	return !s->closing && !s->exec && (s->state == SLOT_IDLE || s->state == SLOT_RUNNING) &&
	       !(s->state == SLOT_RUNNING && s->guest.two.gone);
}

const char *box_busy(const struct box_runtime *rt)
{
	for (const struct box_slot *s = rt->slots; s; s = s->next)
		if (!at_rest(s))
			return s->name;
	return NULL;
}

void box_carry(const struct box_runtime *rt, struct carry *to)
{
	carry_put_num(to, "ids", rt->ids);
	carry_put(to, "cgroup", rt->tree.path);
	carry_put_num(to, "cgroup-item", rt->tree.item);
	carry_put_num(to, "delegated", rt->tree.delegated);
}

void box_slot_carry(const struct box_slot *s, struct carry *to)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_fds); i++)
		carry_put_fd(to, slot_fds[i].name, *fd_at(s, slot_fds[i].at));
	carry_put(to, "path", s->cgroup.path);
	carry_put_num(to, "item", s->cgroup.item);
	carry_put_num(to, "killed", s->cgroup.killed);
	carry_put_num(to, "ids", s->ids);
	carry_put_num(to, "net", s->net);
	if (s->state != SLOT_RUNNING)
		return;
	carry_put_num(to, "pid", s->guest.two.pid);
	carry_put_fd(to, "pidfd", s->guest.two.fd);
	carry_put_fd(to, "memo", s->memo);
	carry_put_num(to, "oom", (int64_t)s->oom_before);
	carry_put_num(to, "shares-pids", s->launch->shares_pids);
}

/* ---- taking it up ---------------------------------------------------------------------------- */

static int resume_tree(struct box_runtime *rt, const struct carry *from, struct err *err)
{
	const char *path = carry_text(from, "cgroup");

	rt->ids = (uint32_t)carry_num(from, "ids", 0);
	rt->tree.item = (uint32_t)carry_num(from, "cgroup-item", 0);
	rt->tree.delegated = carry_num(from, "delegated", 0);
	if (!path || !rt->ids)
		return err_set(err, "containers: their cgroup was not carried over");
	rt->tree.path = xstrdup(path);
	rt->tree.have = cgroup_controllers(path, "cgroup.subtree_control");
	return 0;
}

struct box_runtime *box_resume(struct ev_loop *loop, struct carry *from, struct ledger *ledger,
			       box_event_fn *fn, void *arg, struct err *err)
{
	struct box_runtime *rt = runtime_new(loop, ledger, fn, arg, err);

	if (rt && resume_tree(rt, from, err) == 0)
		return rt;
	box_close(rt);
	return NULL;
}

/* What was written down for clients is what commands in it are begun with here as well. */
static struct launch *launch_of_memo(int fd)
{
	struct memo *m = memo_read(fd, NULL);
	struct launch *l;

	if (!m)
		return NULL;
	l = arena_alloc(m->arena, sizeof(*l));
	*l = m->launch;
	l->arena = m->arena;
	l->last_cap = launch_last_cap();
	l->path_env = launch_path(l->envp);
	free(m);
	return l;
}

/* A program of another version wrote it: then it is what the spec says, and clients of this version can read that. */
static int renew_memo(struct box_slot *s, pid_t pid, const struct box_spec *runs, struct err *err)
{
	const struct sock_fprog *filter =
		runs->unfiltered
			? NULL
			: seccomp_get(&s->rt->filters, runs->caps, runs->i386, runs->seccomp, err);

	cleanup_fd(&s->memo);
	if (!filter && !runs->unfiltered)
		return -1;
	s->launch = launch_new(runs, filter, err);
	if (!s->launch)
		return -1;
	s->memo = memo_new(s->name, s->cgroup.path, s->launch, err);
	if (s->memo < 0)
		return -1;
	return memo_finish(s->memo, pid) < 0 ? err_sys(err, errno, "write down for clients") : 0;
}

static int resume_run(struct box_slot *s, struct carry *from, const struct box_spec *runs,
		      struct err *err)
{
	pid_t pid = (pid_t)carry_num(from, "pid", 0);
	int pidfd = pid > 0 ? carry_take_fd(from, "pidfd") : -1;

	if (pidfd < 0)
		return pid > 0 ? err_set(err, "its process was not carried over") : 0;
	guest_resume(&s->guest, s, start_changed, pid, pidfd);
	s->state = SLOT_RUNNING;
	s->go = true;
	s->oom_before = (uint64_t)carry_num(from, "oom", 0);
	s->memo = carry_take_fd(from, "memo");
	s->launch = s->memo < 0 ? NULL : launch_of_memo(s->memo);
	if (!s->launch && renew_memo(s, pid, runs, err) < 0)
		return -1;
	s->launch->shares_pids = carry_num(from, "shares-pids", 0);
	return 0;
}

static int resume_slot(struct box_slot *s, const struct box_slot_spec *spec, struct carry *from,
		       const struct box_spec *runs, struct err *err)
{
	const char *path = carry_text(from, "path");

	for (size_t i = 0; i < ARRAY_LEN(slot_fds); i++)
		*fd_at(s, slot_fds[i].at) = carry_take_fd(from, slot_fds[i].name);
	s->ids = (uint32_t)carry_num(from, "ids", 0);
	s->net = (enum box_share)carry_num(from, "net", BOX_OWN);
	if (!path || s->cgroup.fd < 0 || s->netns < 0)
		return err_set(err, "its namespaces were not carried over");
	cgroup_resume(&s->cgroup, path, (uint32_t)carry_num(from, "item", 0), &spec->limits);
	s->cgroup.killed = carry_num(from, "killed", 0);
	s->state = SLOT_IDLE;
	return resume_run(s, from, runs, err);
}

/* On error nothing of it is killed: whether the stack goes on is for the caller to say. */
struct box_slot *box_slot_resume(struct box_runtime *rt, const struct box_slot_spec *spec,
				 struct carry *from, const struct box_spec *runs, struct err *err)
{
	struct box_slot *s = slot_new(rt, spec);

	cleanup_fd(&s->netns);
	cleanup_fd(&s->userns);
	if (resume_slot(s, spec, from, runs, err) == 0)
		return s;
	err_wrap(err, "slot '%s'", spec->name);
	slot_free(s);
	return NULL;
}
