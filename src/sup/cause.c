/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cause: see cause.h. Values only; what is asked of the kernel is who stands behind a process id at this moment.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "mstack/rootless.h"
#include "sup/state.h"

/* What the kernel tells of an id that a user namespace does not have (user_namespaces(7)). */
#define NOBODY 65534u

struct sup_cause sup_because(enum sup_why why, const char *what)
{
	struct sup_cause c = { .why = why };

	if (what)
		snprintf(c.what, sizeof(c.what), "%s", what);
	return c;
}

struct sup_cause sup_because_user(const struct sup_peer *p, const char *command)
{
	struct sup_cause c = sup_because(WHY_USER, command);
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	if (getsockopt(p->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
		c.pid = who.pid;
		c.uid = rootless_host_uid(who.uid);
	}
	return c;
}

struct sup_cause sup_because_started(const char *command)
{
	struct sup_cause c = sup_because(WHY_USER, command);

	c.pid = getpid();
	c.uid = rootless_host_uid(getuid());
	return c;
}

/* One level down everybody else is told as nobody, root of the host first of all; nobody of a container cannot reach us. */
static uid_t sender(uid_t uid)
{
	return uid == NOBODY && level_get().nested ? (uid_t)-1 : rootless_host_uid(uid);
}

/* Who has ended meanwhile has no name any more; a signal of the kernel (Ctrl-C) has no sender. */
struct sup_cause sup_because_signal(int signo, pid_t pid, uid_t uid)
{
	struct sup_cause c = { .why = WHY_SIGNAL, .signo = signo, .pid = pid, .uid = sender(uid) };
	_cleanup_(buf_fini) struct buf name = { 0 };
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (pid > 0 && file_read(AT_FDCWD, path, 64, &name) == 0)
		snprintf(c.program, sizeof(c.program), "%.*s", (int)strcspn(buf_str(&name), "\n"),
			 buf_str(&name));
	return c;
}
