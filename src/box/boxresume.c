/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxresume: a runtime and its slots, handed to the program that takes our place by execve, or to a guard that keeps them for the next
 * supervisor. Called by sup. Slots that are made, starts, ends and commands have children that report to this program and no other: they are
 * not carried over, and what is found of them in the groups is ended. Namespaces, cgroups and processes notice nothing: somebody
 * holds their descriptors all the time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/ids.h"
#include "box/runtime.h"
#include "box/ungrouped.h"
#include "mstack/base_level.h"

/* How long what was killed may take to end. */
#define CLEAR_MS 5000

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

bool box_slot_made(const struct box_slot *s)
{
	return s->state != SLOT_OPENING && s->state != SLOT_BROKEN && !s->closing;
}

void box_carry(const struct box_runtime *rt, struct carry *to)
{
	carry_put_num(to, "ids", rt->ids.first);
	if (rt->tree.path)
		carry_put(to, "cgroup", rt->tree.path);
	carry_put_num(to, "cgroup-item", rt->tree.item);
	carry_put_num(to, "delegated", rt->tree.delegated);
}

void box_slot_carry(const struct box_slot *s, struct carry *to)
{
	for (size_t i = 0; i < ARRAY_LEN(slot_fds); i++)
		carry_put_fd(to, slot_fds[i].name, *fd_at(s, slot_fds[i].at));
	if (s->cgroup.path)
		carry_put(to, "path", s->cgroup.path);
	carry_put_num(to, "item", s->cgroup.item);
	carry_put_num(to, "killed", s->cgroup.killed);
	carry_put_num(to, "ids", s->ids.first);
	carry_put_num(to, "own-ids", s->ids.own);
	carry_put_num(to, "net", s->net);
	if (s->state != SLOT_RUNNING && s->state != SLOT_ENDING)
		return;
	carry_put_num(to, "pid", s->guest.two.pid);
	carry_put_num(to, "process", s->process);
	carry_put_num(to, "status", s->guest.two.gone ? s->guest.two.status : 0);
	carry_put_fd(to, "pidfd", s->guest.two.fd);
	carry_put_fd(to, "memo", s->memo);
	carry_put_num(to, "oom", (int64_t)s->oom_before);
	carry_put_num(to, "shares-pids", s->launch->shares_pids);
}

/* ---- taking it up ---------------------------------------------------------------------------- */

static int resume_tree(struct box_runtime *rt, const struct carry *from, struct err *err)
{
	const char *path = carry_text(from, "cgroup");

	rt->ids = (struct ids_map){ true, (uint32_t)carry_num(from, "ids", 0), IDS_SIZE };
	if (rt->level.ids < rt->ids.count)
		rt->ids.count = rt->level.ids;
	rt->tree.nested = rt->level.nested;
	rt->tree.item = (uint32_t)carry_num(from, "cgroup-item", 0);
	rt->tree.delegated = carry_num(from, "delegated", 0);
	if (rt->level.nested && runtime_write_maps(rt, err) < 0)
		return -1;
	if (rt->level.nested && !path)
		return 0;
	if (!path || (!rt->level.nested && !rt->ids.first))
		return err_set(err, "containers: their cgroup was not carried over");
	rt->tree.path = xstrdup(path);
	rt->tree.have = cgroup_controllers(path, "cgroup.subtree_control");
	return 0;
}

int box_resume_check(const struct carry *from, struct err *err)
{
	const char *path = carry_text(from, "cgroup");

	if (!level_get().nested || !path || cgroup_is_reached(path))
		return 0;
	return err_set(
		err,
		"nothing can be begun in its cgroup '%s' from that of this command: "
		"`systemd-run --user --scope mstack up`, or make it a unit of the user's own (systemctl --user)",
		path);
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
	guest_resume(&s->guest, s, start_changed, pid, pidfd, (int)carry_num(from, "status", 0));
	s->state = SLOT_RUNNING;
	s->go = s->told = true;
	s->process = (uint32_t)carry_num(from, "process", 0);
	s->oom_before = (uint64_t)carry_num(from, "oom", 0);
	s->memo = carry_take_fd(from, "memo");
	s->launch = s->memo < 0 ? NULL : launch_of_memo(s->memo);
	if (!s->launch && renew_memo(s, pid, runs, err) < 0)
		return -1;
	s->launch->shares_pids = carry_num(from, "shares-pids", 0);
	return 0;
}

static const struct timespec pause_2ms = { .tv_nsec = 2000000 };

static int empty_group(int group)
{
	uint64_t until = time_mono_ms() + CLEAR_MS;

	while (cgroup_populated(group)) {
		if (cgroup_kill(group) < 0)
			return -1;
		if (time_mono_ms() > until) {
			errno = EBUSY;
			return -1;
		}
		nanosleep(&pause_2ms, NULL);
	}
	return 0;
}

/* Begun by a supervisor that was killed before it could hand that over. Nobody would hear of the end of it. */
static int clear_idle(struct box_runtime *rt, struct err *err)
{
	for (struct box_slot *s = rt->slots; s; s = s->next) {
		if (s->state != SLOT_IDLE || !cgroup_populated(s->cgroup.fd))
			continue;
		s->cgroup.killed = true;
		if (empty_group(s->cgroup.fd) < 0)
			return err_sys(err, errno, "end what runs in cgroup '%s'", s->cgroup.path);
	}
	return 0;
}

/* Links and whatever else was entered below it go with it. */
static void remove_group(struct box_runtime *rt, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", rt->tree.path, name);
	const struct ledger_item *item = ledger_find(rt->ledger, CGROUP_KIND, path);

	if (item)
		ledger_undo_item(rt->ledger, item->id, CLEAR_MS, &(struct err){ 0 });
}

static bool is_of_slot(const struct box_runtime *rt, const struct ledger_item *item)
{
	for (const struct box_slot *s = rt->slots; s; s = s->next)
		if (s->process == item->id)
			return true;
	return false;
}

static int clear_ungrouped(struct box_runtime *rt, struct err *err)
{
	const struct ledger_item *item, *next;

	for (item = ledger_next(rt->ledger, UNGROUPED_KIND, NULL); item; item = next) {
		next = ledger_next(rt->ledger, UNGROUPED_KIND, item);
		if (!is_of_slot(rt, item) &&
		    ledger_undo_item(rt->ledger, item->id, CLEAR_MS, err) < 0)
			return -1;
	}
	return 0;
}

/* The slot of the others was not made when it was carried over, or belongs to nobody any more. */
int box_clear_rest(struct box_runtime *rt, struct err *err)
{
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;

	if (!rt->tree.path)
		return clear_ungrouped(rt, err);
	if (clear_idle(rt, err) < 0)
		return -1;
	dir = opendir(rt->tree.path);
	if (!dir)
		return err_sys(err, errno, "open cgroup '%s'", rt->tree.path);
	while ((e = readdir(dir))) {
		_cleanup_fd_ int group = -1;

		if (e->d_type != DT_DIR || e->d_name[0] == '.' || box_slot_there(rt, e->d_name))
			continue;
		group = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (group >= 0 && empty_group(group) < 0)
			return err_sys(err, errno, "end what runs in cgroup '%s/%s'", rt->tree.path,
				       e->d_name);
		remove_group(rt, e->d_name);
	}
	return 0;
}

bool box_exit(const struct box_slot *s, int *ret_status)
{
	const struct guest_proc *p = &s->guest.two;

	if (s->state != SLOT_RUNNING || !sys_pidfd_ended(p->fd))
		return false;
	*ret_status = p->status;
	if (!p->status && !sys_pidfd_status(p->fd, p->pid, ret_status))
		*ret_status = -1;
	return true;
}

/*
 * A supervisor that died just after it had made the group anew told nobody: what was handed over is one that was removed, and what
 * was begun meanwhile is in the new one.
 */
static void follow_group(struct cgroup *c)
{
	struct stat ours, named;
	_cleanup_fd_ int fd = -1;

	if (c->fd < 0 || fstat(c->fd, &ours) < 0)
		return;
	fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &named) == 0 && named.st_ino == ours.st_ino)
		return;
	c->killed = true;
	if (fd >= 0) {
		cleanup_fd(&c->fd);
		c->fd = take_fd(&fd);
	}
}

static int resume_slot(struct box_slot *s, const struct box_slot_spec *spec, struct carry *from,
		       const struct box_spec *runs, struct err *err)
{
	const char *path = carry_text(from, "path");

	for (size_t i = 0; i < ARRAY_LEN(slot_fds); i++)
		*fd_at(s, slot_fds[i].at) = carry_take_fd(from, slot_fds[i].name);
	s->ids.first = (uint32_t)carry_num(from, "ids", 0);
	/* Before there was a level below the host, ids from 0 on were never a slot's own. */
	s->ids.own = carry_num(from, "own-ids", s->ids.first != 0);
	s->net = (enum box_share)carry_num(from, "net", BOX_OWN);
	if ((s->rt->tree.path && (!path || s->cgroup.fd < 0)) || s->netns < 0)
		return err_set(err, "its namespaces were not carried over");
	cgroup_resume(&s->cgroup, path, (uint32_t)carry_num(from, "item", 0), &spec->limits);
	s->cgroup.killed = carry_num(from, "killed", 0);
	follow_group(&s->cgroup);
	s->state = SLOT_IDLE;
	return runs ? resume_run(s, from, runs, err) : 0;
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
