/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running: finding a container as a client: the supervisor's memo of it, and the process that it
 * speaks of. Called by cli through box.h. A number of a process may be another's a moment later, so
 * whatever is opened by it is checked against a pidfd afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/running.h"
#include "box/sys.h"

#define ENDING_MS 100

static const char link_head[] = "/memfd:" MEMO_NAME, link_tail[] = " (deleted)";

/* ---- memos of a supervisor ------------------------------------------------------------------- */

/* The slot that the descriptor `name` is the memo of, or NULL. */
static char *slot_of(int dir, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	size_t head = sizeof(link_head) - 1, tail = sizeof(link_tail) - 1;

	if (n <= (ssize_t)(head + tail) || memcmp(target, link_head, head) != 0 ||
	    memcmp(target + n - tail, link_tail, tail) != 0)
		return NULL;
	target[(size_t)n - tail] = '\0';
	return xstrdup(target + head);
}

static DIR *open_fds(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fd", (int)pid);

	return opendir(path);
}

char **box_running_list(pid_t supervisor)
{
	_cleanup_closedir_ DIR *dir = open_fds(supervisor);
	struct VEC(char *) list = { 0 };
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *slot = slot_of(dirfd(dir), e->d_name);

		if (slot)
			vec_push(&list, slot);
	}
	vec_push(&list, NULL);
	return list.v;
}

static int open_memo(pid_t supervisor, const char *slot, struct err *err)
{
	_cleanup_closedir_ DIR *dir = open_fds(supervisor);
	const struct dirent *e;

	if (!dir)
		return err_sys(err, errno, "look into the supervisor (process %d)",
			       (int)supervisor);
	while ((e = readdir(dir))) {
		_cleanup_free_ char *found = slot_of(dirfd(dir), e->d_name);

		if (found && !strcmp(found, slot))
			return openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
	}
	return err_sys(err, ENOENT, "is not running");
}

/* ---- the process ----------------------------------------------------------------------------- */

static int open_of(pid_t pid, const char *what, int flags)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return open(path, flags | O_CLOEXEC);
}

static int find_process(struct running *r, struct err *err)
{
	const struct memo *m = r->memo;

	r->shown.pidfd = sys_pidfd_open(m->pid);
	if (r->shown.pidfd >= 0)
		r->shown.root = open_of(m->pid, "root", O_PATH | O_DIRECTORY);
	/* It lived when its root was opened, and is the one that the supervisor started. */
	if (r->shown.root < 0 || memo_start_time(m->pid) != m->started ||
	    sys_pidfd_ended(r->shown.pidfd))
		return err_sys(err, ENOENT, "has just ended");
	return 0;
}

int running_elsewhere(pid_t pid, const char *ns)
{
	struct stat ours, theirs;
	char path[48], own[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, ns);
	snprintf(own, sizeof(own), "/proc/self/ns/%s", ns);
	if (stat(own, &ours) < 0 || stat(path, &theirs) < 0)
		return -1;
	return ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev;
}

struct box_running *box_running_get(pid_t supervisor, const char *slot, struct err *err)
{
	_cleanup_fd_ int fd = open_memo(supervisor, slot, err);
	struct running *r;

	if (fd < 0)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->shown.pidfd = r->shown.root = -1;
	r->memo = memo_read(fd, err);
	if (!r->memo || find_process(r, err) < 0) {
		box_running_free(&r->shown);
		return NULL;
	}
	r->shown.slot = r->memo->slot;
	r->shown.pid = r->memo->pid;
	r->shown.envp = r->memo->launch.envp;
	r->shown.uid = r->memo->launch.uid;
	r->shown.gid = r->memo->launch.gid;
	return &r->shown;
}

void box_running_free(struct box_running *shown)
{
	struct running *r = (struct running *)shown;

	if (!r)
		return;
	cleanup_fd(&r->shown.pidfd);
	cleanup_fd(&r->shown.root);
	memo_free(r->memo);
	free(r);
}

bool box_running_ended(const struct box_running *r)
{
	struct pollfd end = { .fd = r->pidfd, .events = POLLIN };

	return sys_pidfd_ending(r->pidfd, r->pid) || poll(&end, 1, ENDING_MS) > 0;
}
