/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threshold: the way into a level of the user's own, and into that of a stack which runs. Called by cli before anything else of a command, while
 * there is one thread and nothing is open that a namespace would have to know.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "rootless/map.h"
#include "rootless/threshold.h"

/* ---- what forbids it ------------------------------------------------------------------------- */

static bool sysctl_is(const char *path, const char *value)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	return file_read(AT_FDCWD, path, 64, &b) == 0 &&
	       strcspn(buf_str(&b), "\n") == strlen(value) &&
	       !strncmp(buf_str(&b), value, strlen(value));
}

void threshold_why(int refused, char *why, size_t why_size, char *cure, size_t cure_size)
{
	static const struct {
		const char *path, *bad, *name, *cure;
	} sysctls[] = {
		{ "/proc/sys/kernel/unprivileged_userns_clone", "0",
		  "kernel.unprivileged_userns_clone is 0",
		  "sudo sysctl -w kernel.unprivileged_userns_clone=1" },
		{ "/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces is 0",
		  "sudo sysctl -w user.max_user_namespaces=15000" },
		{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		  "kernel.apparmor_restrict_unprivileged_userns is 1",
		  "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
	};

	snprintf(why, why_size, "%s", strerror(refused));
	snprintf(cure, cure_size, "%s",
		 refused == ENOSPC || refused == EUSERS
			 ? "sudo sysctl -w user.max_user_namespaces=15000"
			 : "");
	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++)
		if (sysctl_is(sysctls[i].path, sysctls[i].bad)) {
			snprintf(why, why_size, "the sysctl %s", sysctls[i].name);
			snprintf(cure, cure_size, "%s", sysctls[i].cure);
			return;
		}
}

static int forbidden(int refused, const char *what, struct err *err)
{
	char why[160], cure[160];

	threshold_why(refused, why, sizeof(why), cure, sizeof(cure));
	err_set(err, "%s is not allowed to ordinary users here: %s%s%s; or run mstack with sudo",
		what, why, *cure ? ": " : "", cure);
	err->sys = refused;
	return -1;
}

/* ---- a new one ------------------------------------------------------------------------------- */

/*
 * Only from outside can more than one id be given, so somebody has to stay there until that is done. What it comes to is told
 * as the error itself.
 */
struct mapper {
	pid_t pid;
	int sock;
};

static _Noreturn void give_ids(int sock, pid_t pid, const struct subids_both *who)
{
	struct err err = { 0 };
	char go;
	int rc;

	/* An end instead of the byte: there is no namespace to give ids to. */
	if (read(sock, &go, 1) != 1)
		_exit(0);
	rc = map_ranges(pid, who, &err);
	if (fd_write_all(sock, &err, sizeof(err)) < 0)
		rc = -1;
	_exit(rc < 0);
}

static int mapper_start(struct mapper *m, const struct subids_both *who, struct err *err)
{
	pid_t self = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "ids of the user: socket");
	m->pid = fork();
	if (m->pid == 0) {
		close(pair[0]);
		give_ids(pair[1], self, who);
	}
	close(pair[1]);
	m->sock = pair[0];
	if (m->pid > 0)
		return 0;
	cleanup_fd(&m->sock);
	return err_sys(err, errno, "ids of the user: fork");
}

static void mapper_end(struct mapper *m)
{
	cleanup_fd(&m->sock);
	while (m->pid > 0 && waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int mapper_ask(const struct mapper *m, struct err *err)
{
	struct err said = { 0 };
	ssize_t n;

	if (send(m->sock, "", 1, MSG_NOSIGNAL) != 1)
		return err_sys(err, errno, "ids of the user: ask for them");
	do
		n = read(m->sock, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(said))
		return err_set(err, "ids of the user: who asks newuidmap for them has ended");
	if (!said.text[0])
		return 0;
	*err = said;
	return -1;
}

/* What is mounted and unmounted on the host later shall be so here as well, and nothing of ours there. */
static int settle(struct err *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, errno, "become id 0 in a user namespace");
	/* The same, of who has had ids from newuidmap, which is root's. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return forbidden(errno, "a mount namespace of one's own", err);
	return 0;
}

static int unshare_both(struct err *err)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? forbidden(errno, "a user namespace", err)
							: 0;
}

static int enter_with_ranges(const struct subids_both *who, struct err *err)
{
	_cleanup_(mapper_end) struct mapper m = { .sock = -1 };

	return mapper_start(&m, who, err) < 0 || unshare_both(err) < 0 || mapper_ask(&m, err) < 0
		       ? -1
		       : 0;
}

static int enter_with_one(struct err *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare_both(err) < 0)
		return -1;
	if (map_single(uid, gid, err) == 0)
		return 0;
	/* Where only rights inside are withheld (AppArmor), this is the first that needs one. */
	return err->sys == EPERM ? forbidden(EPERM, "a user namespace", err) : -1;
}

int rootless_enter(struct err *err)
{
	struct subids_both who;

	subids_of(geteuid(), &who);
	if ((who.usable ? enter_with_ranges(&who, err) : enter_with_one(err)) < 0)
		return -1;
	return settle(err);
}

/* ---- that of a stack ------------------------------------------------------------------------- */

static int join(pid_t pid, int namespaces, struct err *err)
{
	_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 || setns(fd, namespaces) < 0)
		return err_sys(err, errno, "enter the namespaces of process %d", (int)pid);
	return setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0
		       ? err_sys(err, errno, "become id 0 in the user namespace of process %d",
				 (int)pid)
		       : 0;
}

int rootless_join(pid_t pid, struct err *err)
{
	return join(pid, CLONE_NEWUSER | CLONE_NEWNET, err);
}

int rootless_follow(pid_t pid, struct err *err)
{
	_cleanup_free_ char *folder = getcwd(NULL, 0);

	if (join(pid, CLONE_NEWUSER | CLONE_NEWNS, err) < 0)
		return -1;
	/* Other mounts: we are at the root of them. */
	(void)!(folder && chdir(folder));
	return 0;
}
