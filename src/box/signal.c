/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signal: signals to PID 1 of a container, its freezing, and the end of all of it. Called by sup through box.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "box/runtime.h"
#include "box/sys.h"

/* PID 1 and both stages of a command of ours, and one more. */
#define COMPANY_MAX 4

static uint64_t signal_mask(const char *status, const char *field)
{
	const char *at = strstr(status, field);

	return at ? strtoull(at + strlen(field), NULL, 16) : UINT64_MAX;
}

/* By default these end nobody, so not handling them is no reason to be killed. */
static bool is_harmless(int sig)
{
	return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH ||
	       sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static bool is_alive(const struct guest_proc *p)
{
	return p->pid && !p->gone && !sys_pidfd_ended(p->fd);
}

/* PID 1, and a command of ours beside it: a health check is no company. */
static unsigned count_ours(struct box_slot *s)
{
	const struct guest *exec = exec_guest(s);

	return 1U + (exec && is_alive(&exec->one)) + (exec && is_alive(&exec->two));
}

/* Where it has no group: PID 1 of the namespace and children of its threads, who are all that is in there but commands of ours. */
static bool is_alone(struct box_slot *s)
{
	_cleanup_free_ char *tasks = xasprintf("%d/task", s->guest.two.pid);
	int fd = openat(s->rt->proc, tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool alone = dir;

	for (struct dirent *e; alone && (e = readdir(dir));) {
		_cleanup_(buf_fini) struct buf children = { 0 };
		_cleanup_free_ char *path = xasprintf("%s/children", e->d_name);

		alone = *e->d_name == '.' ||
			(!file_read(fd, path, 65536, &children) && !children.len);
	}
	return alone;
}

/* The kernel keeps default actions away from the first process of a pid namespace. */
static bool would_be_lost(struct box_slot *s, int sig)
{
	_cleanup_(buf_fini) struct buf status = { 0 };
	char path[32];

	if (sig == SIGKILL || is_harmless(sig) || s->launch->shares_pids)
		return false;
	snprintf(path, sizeof(path), "%d/status", s->guest.two.pid);
	if (file_read(s->rt->proc, path, 65536, &status) < 0)
		return false;
	return !((signal_mask(buf_str(&status), "\nSigCgt:") |
		  signal_mask(buf_str(&status), "\nSigBlk:")) >>
			 (sig - 1) &
		 1);
}

/* It might still end by itself when one of the others in there does. */
static bool has_company(struct box_slot *s)
{
	unsigned ours, there, tries = 3;

	if (s->cgroup.fd < 0)
		return !is_alone(s);
	/* A command of ours may end between the two counts: then they are of different moments. */
	do {
		ours = count_ours(s);
		there = cgroup_count(s->cgroup.fd, COMPANY_MAX);
	} while (ours != count_ours(s) && --tries);
	return !tries || there > ours;
}

static int check(const struct box_slot *s, int sig, struct err *err)
{
	if (s->state != SLOT_RUNNING || s->guest.two.gone)
		return err_sys(err, ESRCH, "signal '%s'", s->name);
	if (sig < 1 || sig >= _NSIG)
		return err_sys(err, EINVAL, "signal '%s': number %d", s->name, sig);
	return 0;
}

static int send_to_first(const struct box_slot *s, int sig, struct err *err)
{
	return sys_pidfd_kill(s->guest.two.fd, sig) < 0
		       ? err_sys(err, errno, "signal '%s'", s->name)
		       : 0;
}

int box_signal(struct box_slot *s, int sig, bool *ret_ignored, struct err *err)
{
	bool lost;

	if (check(s, sig, err) < 0)
		return -1;
	lost = would_be_lost(s, sig) && !has_company(s);
	if (ret_ignored)
		*ret_ignored = lost;
	return send_to_first(s, lost ? SIGKILL : sig, err);
}

int box_tell(struct box_slot *s, int sig, bool *ret_lost, struct err *err)
{
	if (check(s, sig, err) < 0)
		return -1;
	*ret_lost = would_be_lost(s, sig);
	return send_to_first(s, sig, err);
}

int box_can_freeze(const struct box_runtime *rt, struct err *err)
{
	return rt->tree.path
		       ? 0
		       : err_set(err, "containers can stand still by a cgroup only, and there "
				      "is none here that is the user's: " CGROUP_GRANT);
}

int box_freeze(struct box_slot *s, bool on, struct err *err)
{
	/* Part of cgroup v2 itself: no controller is needed. */
	if (file_put(s->cgroup.fd, "cgroup.freeze", on ? "1" : "0") < 0)
		return err_sys(err, errno, "%s '%s': cgroup.freeze", on ? "freeze" : "thaw",
			       s->name);
	return 0;
}

int box_kill(struct box_slot *s, struct err *err)
{
	/*
	 * PID 1 takes its pid namespace along; cgroup.kill is for what that leaves, see on_settle,
	 * and for all others where the namespace is not its own.
	 */
	(void)err;
	box_exec_cancel(s);
	guest_kill(&s->guest);
	/* Stage one may have made stage two, and what it says of that is not read yet. */
	if (s->state == SLOT_STARTING)
		slot_kill_all(s);
	return 0;
}
