/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sys: see sys.h. Called by both sides of a start. The raw numbers are used where glibc 2.36 has no
 * wrapper or where its wrapper does more than the call (fork handlers, caches), which a child
 * between clone and exec must not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/sys.h"

#define EXITING	 0x4 /* PF_EXITING of the kernel's task flags */
#define STAT_MAX 1024

pid_t sys_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	/*
	 * exit_signal 0: with SIGCHLD a loop that waits for any child could take the status away
	 * from us.
	 */
	struct clone_args args = {
		.flags = flags | CLONE_CLEAR_SIGHAND,
		.cgroup = cgroup_fd < 0 ? 0 : (uint64_t)cgroup_fd,
	};
	int pidfd = -1;
	sigset_t all, old;
	long pid;

	if (cgroup_fd >= 0)
		args.flags |= CLONE_INTO_CGROUP;
	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	/*
	 * The child keeps them blocked until shortly before exec: a Ctrl-C is for us, not for it.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!pid)
		return 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid > 0 && ret_pidfd)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

int sys_open_plain(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

int sys_open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: something was renamed while it resolved a `..`. */
	for (int i = 0; i < 64; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			return (int)fd;
	}
	return -1;
}

int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sys_pidfd_kill(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int sys_close_range(unsigned first, unsigned last)
{
	if (first > last)
		return 0;
	return (int)syscall(SYS_close_range, first, last, 0);
}

int sys_close_but(const int *keep, size_t n)
{
	unsigned from = 3;

	for (;;) {
		unsigned next = ~0U;

		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)from && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next == ~0U)
			return sys_close_range(from, ~0U);
		if (next > from && sys_close_range(from, next - 1) < 0)
			return -1;
		from = next + 1;
	}
}

bool sys_pidfd_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* The headers of Debian 12 do not know it. */
struct pidfd_info_v0 {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define PIDFD_GET_INFO_V0   _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT (1u << 3)

/* Since Linux 6.15 a pidfd that was open when its process was reaped keeps the status, for whoever asks. */
static bool ask_pidfd(int pidfd, int *ret_status)
{
	struct pidfd_info_v0 info = { .mask = PIDFD_INFO_EXIT_BIT };

	if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) < 0 || !(info.mask & PIDFD_INFO_EXIT_BIT))
		return false;
	*ret_status = info.exit_code;
	return true;
}

/* proc_pid_stat(5) from the end of the name on, which may be anything; NULL: nobody has this pid. */
static char *read_stat(pid_t pid, char *text, size_t size)
{
	_cleanup_fd_ int fd = -1;
	char path[48];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return strrchr(text, ')');
}

/* As long as its parent has not asked for it, it stands in the last field. */
static bool ask_zombie(pid_t pid, int *ret_status)
{
	char text[STAT_MAX];
	const char *state = read_stat(pid, text, sizeof(text));

	if (!state || strncmp(state, ") Z", 3) != 0)
		return false;
	*ret_status = atoi(strrchr(state, ' ') + 1);
	return true;
}

/* Reaped between the two questions, the first one has an answer. */
bool sys_pidfd_status(int pidfd, pid_t pid, int *ret_status)
{
	return ask_pidfd(pidfd, ret_status) || ask_zombie(pid, ret_status) ||
	       ask_pidfd(pidfd, ret_status);
}

/*
 * PID 1 of a namespace ends after all others in it, whom the kernel kills: until then only a flag of the kernel's shows that it
 * is on its way.
 */
bool sys_pidfd_ending(int pidfd, pid_t pid)
{
	char text[STAT_MAX];
	const char *state;
	unsigned flags;

	if (sys_pidfd_ended(pidfd))
		return true;
	state = read_stat(pid, text, sizeof(text));
	return state && sscanf(state, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
	       flags & EXITING;
}

bool sys_hung_up(int sock)
{
	struct pollfd p = { .fd = sock };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* ---- messages -------------------------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * SYS_FDS_MAX)];
};

int sys_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };
	struct cmsghdr *c;

	if (n_fds) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void take_fds(struct cmsghdr *c, int *ret_fds, size_t n_fds)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (i < n_fds && ret_fds[i] < 0)
			ret_fds[i] = fd;
		else
			close(fd);
	}
}

ssize_t sys_recv(int sock, void *data, size_t len, int *ret_fds, size_t n_fds)
{
	struct iovec iov = { .iov_base = data, .iov_len = len };
	union control control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	for (size_t i = 0; i < n_fds; i++)
		ret_fds[i] = -1;
	if (n < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(c, ret_fds, n_fds);
	return n;
}
