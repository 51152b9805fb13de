/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * process: the child's steps that are about the process itself: session, streams, limits, ids,
 * capabilities, filter. A start and an exec walk the same ones. System calls that glibc spreads
 * over threads are made directly.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/child.h"
#include "box/sys.h"

/* ---- first ----------------------------------------------------------------------------------- */

/*
 * Again after every change of ids, which clears it. The supervisor may have died before the call.
 */
int child_die_with_supervisor(struct child *c)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(&c->err, errno, "prctl");
	if (c->supervisor >= 0 ? sys_pidfd_ended(c->supervisor) : sys_hung_up(c->sock))
		return err_set(&c->err, "the supervisor has ended");
	return 0;
}

/*
 * For the last time. A container that is to go on without a supervisor has none from here on; one that was not told yet to go on
 * ends all the same when it finds that nobody will. A command in it does not wait for that word, and dies with us.
 */
int child_die_or_stay(struct child *c)
{
	if (!c->launch->keep || !c->wait_go)
		return child_die_with_supervisor(c);
	if (prctl(PR_SET_PDEATHSIG, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(&c->err, errno, "prctl");
	return 0;
}

/*
 * Everything is close-on-exec from birth; this is for what a library may have opened behind our
 * back.
 */
int child_close_others(struct child *c)
{
	const int keep[] = {
		c->sock,
		c->supervisor,
		c->proc,
		c->netns,
		c->mntns,
		c->userns,
		c->join,
		c->in,
		c->out,
		c->err_out,
		c->init,
		c->volumes,
		c->joins[BOX_PID],
		c->joins[BOX_IPC],
		c->joins[BOX_UTS],
		c->joins[BOX_CGROUP],
	};

	return sys_close_but(keep, ARRAY_LEN(keep)) < 0 ? err_sys(&c->err, errno, "close_range")
							: 0;
}

/* An ordinary user may not lower it, and who asked for nothing does without: systemd raises it for all of them. */
static bool is_kept(const struct child *c, const char *score)
{
	return c->level.nested && errno == EACCES && !strcmp(score, "0");
}

/* Here, with the host's rights: a container could only raise it. */
int child_set_oom_score(struct child *c)
{
	const char *score = c->launch->oom_score_adj;

	if (file_put(c->proc, "self/oom_score_adj", score) < 0 && !is_kept(c, score))
		return err_sys(&c->err, errno, "write %s to oom_score_adj%s", score,
			       c->level.nested ? " (an ordinary user may only raise it)" : "");
	return 0;
}

/* ---- the process ----------------------------------------------------------------------------- */

int child_set_hostname(struct child *c)
{
	const char *name = c->launch->hostname, *domain = c->launch->domainname;

	if (name && sethostname(name, strlen(name)) < 0)
		return err_sys(&c->err, errno, "'%s'", name);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return err_sys(&c->err, errno, "domainname '%s'", domain);
	return 0;
}

int child_new_session(struct child *c)
{
	if (setsid() < 0)
		return err_sys(&c->err, errno, "setsid");
	/* A kernel without keys has nothing to keep apart. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return err_sys(&c->err, errno, "session keyring");
	return 0;
}

/* Moved out of the way first: what shall become 1 may be 2, and the other way round. */
static int take_stream(struct child *c, int fd, int flags)
{
	int got = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3)
			  : open("/dev/null", flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (got < 0)
		return err_sys(&c->err, errno, "%s", fd >= 0 ? "duplicate" : "open /dev/null");
	/* A container that runs may have put something else there. */
	if (fd < 0 && (fstat(got, &st) < 0 || st.st_rdev != makedev(1, 3)))
		return err_set(&c->err, "/dev/null of the container is none");
	return got;
}

int child_set_stdio(struct child *c)
{
	int fds[] = { c->term < 0 ? c->in : c->term, c->term < 0 ? c->out : c->term,
		      c->term < 0 ? c->err_out : c->term };

	for (int i = 0; i < 3; i++) {
		fds[i] = take_stream(c, fds[i], i ? O_WRONLY : O_RDONLY);
		if (fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			return err_sys(&c->err, errno, "place");
	return 0;
}

/* As the stack file has it, where -1 stands for no limit. */
enum { LIMIT_TEXT = 24 };

static const char *limit_text(rlim_t value, char *text)
{
	if (value == RLIM_INFINITY)
		return "-1 (no limit)";
	snprintf(text, LIMIT_TEXT, "%llu", (unsigned long long)value);
	return text;
}

/*
 * Who has joined a user namespace may lower limits only. So stage one raises what is to be raised,
 * and no more: with few open files, say, it could not go on itself.
 */
int child_raise_limits(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; c->ids.own && i < l->n_rlimits; i++) {
		const struct box_rlimit *r = &l->rlimits[i];
		char hard[LIMIT_TEXT];
		struct rlimit value;

		if (getrlimit((__rlimit_resource_t)r->resource, &value) < 0)
			return err_sys(&c->err, errno, "read '%s'", rlimit_name(r->resource));
		if (value.rlim_max >= r->hard)
			continue;
		value.rlim_max = r->hard;
		if (!setrlimit((__rlimit_resource_t)r->resource, &value))
			continue;
		err_sys(&c->err, errno, "raise '%s' to %s%s", rlimit_name(r->resource),
			limit_text(r->hard, hard),
			c->level.nested ? " (an ordinary user may have no more than at the login)"
					: "");
		c->err.line = r->line;
		return -1;
	}
	return 0;
}

int child_set_limits(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_rlimits; i++) {
		const struct box_rlimit *r = &l->rlimits[i];
		struct rlimit value = { .rlim_cur = r->soft, .rlim_max = r->hard };
		char soft[LIMIT_TEXT], hard[LIMIT_TEXT];

		if (setrlimit((__rlimit_resource_t)r->resource, &value) < 0) {
			err_sys(&c->err, errno, "set '%s' to %s and %s", rlimit_name(r->resource),
				limit_text(r->soft, soft), limit_text(r->hard, hard));
			c->err.line = r->line;
			return -1;
		}
	}
	return 0;
}

/*
 * getcwd puts "(unreachable)" before a folder outside of the root, which a leaked descriptor would
 * give.
 */
int child_enter_cwd(struct child *c)
{
	const char *cwd = c->launch->cwd;
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int fd = path_open_in(root, cwd, O_PATH | O_DIRECTORY, 0);
	char at[PATH_MAX];

	if (fd < 0 || fchdir(fd) < 0)
		return err_sys(&c->err, errno, "enter '%s'", cwd);
	if (syscall(SYS_getcwd, at, sizeof(at)) < 0 || at[0] != '/')
		return err_set(&c->err, "'%s' is not below the root", cwd);
	return 0;
}

/* ---- rights ---------------------------------------------------------------------------------- */

int child_bound_caps(struct child *c)
{
	const struct launch *l = c->launch;

	for (int cap = 0; cap <= l->last_cap; cap++)
		if (!(l->caps >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(&c->err, errno, "drop number %d", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(&c->err, errno, "clear the ambient set");
	return 0;
}

int child_set_ids(struct child *c)
{
	const struct launch *l = c->launch;

	/* With one id there are no others to have (user_namespaces(7): setgroups is denied). */
	if (c->level.groups && syscall(SYS_setgroups, l->n_groups, l->groups) < 0)
		return err_sys(&c->err, errno, "set groups");
	if (syscall(SYS_setresgid, l->gid, l->gid, l->gid) < 0)
		return err_sys(&c->err, errno, "become group %u", l->gid);
	if (syscall(SYS_setresuid, l->uid, l->uid, l->uid) < 0)
		return err_sys(&c->err, errno, "become user %u", l->uid);
	return 0;
}

/*
 * Exec gives root what the bounding set holds. Nobody inherits anything, and other users have
 * nothing.
 */
int child_set_caps(struct child *c)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint64_t caps = c->launch->uid ? 0 : c->launch->caps;

	if (syscall(SYS_capget, &head, data) < 0)
		return err_sys(&c->err, errno, "read");
	for (size_t i = 0; i < ARRAY_LEN(data); i++) {
		/* We can keep what we have, not more. */
		data[i].permitted &= (uint32_t)(caps >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(&c->err, errno, "set");
	return 0;
}

int child_no_new_privs(struct child *c)
{
	if (c->launch->new_privileges)
		return 0;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? err_sys(&c->err, errno, "prctl") : 0;
}

/*
 * Ignored ones would stay ignored over exec (SIGPIPE), blocked ones blocked. The C library keeps
 * two to itself.
 */
int child_default_signals(struct child *c)
{
	static const unsigned long by_default[4]; /* the kernel's own struct sigaction, all zero */
	sigset_t none;

	for (int sig = 1; sig < _NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, by_default, NULL, _NSIG / 8);
	umask(022);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? err_sys(&c->err, errno, "unblock") : 0;
}

static int load_filter(struct child *c)
{
	if (c->launch->filter &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, c->launch->filter) < 0)
		return err_sys(&c->err, errno, "load");
	return 0;
}

/*
 * Whoever may gain privileges has to be privileged to load a filter, so it comes before rights are
 * given up; the steps in between make do with calls that it leaves open.
 */
int child_load_filter_early(struct child *c)
{
	return c->launch->new_privileges ? load_filter(c) : 0;
}

int child_load_filter(struct child *c)
{
	return c->launch->new_privileges ? 0 : load_filter(c);
}

/* ---- AppArmor -------------------------------------------------------------------------------- */

/* Takes effect at the exec. By the host's own /proc: that of the container is no place to trust. */
int child_enter_profile(struct child *c)
{
	static const char file[] = "self/attr/apparmor/exec";
	const char *words = c->launch->apparmor, *name = words ? words + strlen("exec ") : NULL;

	if (!words)
		return 0;
	if (faccessat(c->proc, file, F_OK, 0) < 0)
		return err_set(&c->err,
			       "profile '%s': this kernel runs without AppArmor: leave the option "
			       "out, or boot with apparmor=1 security=apparmor",
			       name);
	if (!file_put(c->proc, file, words))
		return 0;
	if (errno == ENOENT || errno == EINVAL)
		return err_set(&c->err,
			       "profile '%s' is not loaded: load it with apparmor_parser -r FILE",
			       name);
	return err_sys(&c->err, errno, "profile '%s'", name);
}
