/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoint: where client and supervisor meet: listening, accepting, connecting. Called by sup
 * (first two) and cli (last). Who may talk to the supervisor owns its containers, so nothing is
 * ever read from a peer that was not checked, and the socket is never, not even for a moment, open
 * to others. The socket of a living supervisor is never removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "mstack/ctl.h"

#define BACKLOG 64

/*
 * An address holds 107 bytes only; for a longer path `dir` is its folder and the address leads
 * through it.
 */
struct place {
	struct sockaddr_un addr;
	int dir;
};

static void place_fini(struct place *p)
{
	cleanup_fd(&p->dir);
}

static int place_init(struct place *p, const char *path, struct err *err)
{
	size_t size = sizeof(p->addr.sun_path);
	const char *slash = strrchr(path, '/');

	*p = (struct place){ .addr.sun_family = AF_UNIX, .dir = -1 };
	if (strlen(path) < size) {
		memcpy(p->addr.sun_path, path, strlen(path));
		return 0;
	}
	if (slash) {
		_cleanup_free_ char *copy = xstrdup(path);

		p->dir = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->dir < 0)
			return err_sys(err, errno, "control socket '%s': open its folder", path);
		if (snprintf(p->addr.sun_path, size, "/proc/self/fd/%d/%s", p->dir, slash + 1) <
		    (int)size)
			return 0;
		cleanup_fd(&p->dir);
	}
	return err_sys(err, ENAMETOOLONG, "control socket '%s'", path);
}

static int place_bind(const struct place *p, int fd)
{
	return bind(fd, (const struct sockaddr *)&p->addr, sizeof(p->addr));
}

static int place_connect(const struct place *p, int fd)
{
	return connect(fd, (const struct sockaddr *)&p->addr, sizeof(p->addr));
}

/*
 * Nobody listens on a socket whose owner died: ECONNREFUSED. A file that is no socket says the
 * same, hence lstat.
 */
static bool is_dead_socket(const struct place *p)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	return fd >= 0 && lstat(p->addr.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       place_connect(p, fd) < 0 && errno == ECONNREFUSED;
}

int ctl_listen(const char *path, struct err *err)
{
	_cleanup_(place_fini) struct place p = { .dir = -1 };
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_sys(err, errno, "control socket '%s'", path);
	if (place_init(&p, path, err) < 0)
		return -1;
	/*
	 * The file is born with the mode of the socket's own inode (unix(7)), so there is no moment
	 * of a wider one.
	 */
	if (fchmod(fd, 0600) < 0)
		return err_sys(err, errno, "control socket '%s': set its mode", path);
	if (place_bind(&p, fd) < 0) {
		int why = errno;

		if (why != EADDRINUSE || !is_dead_socket(&p))
			return err_sys(err, why, "control socket '%s': bind", path);
		if ((unlink(p.addr.sun_path) < 0 && errno != ENOENT) || place_bind(&p, fd) < 0)
			return err_sys(err, errno, "control socket '%s': replace the old one",
				       path);
	}
	if (listen(fd, BACKLOG) < 0)
		return err_sys(err, errno, "control socket '%s': listen", path);
	return take_fd(&fd);
}

static bool peer_is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

int ctl_accept(int listen_fd, struct err *err)
{
	for (;;) {
		_cleanup_fd_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return err_sys(err, errno, "control socket: accept");
		if (fd >= 0 && peer_is_trusted(fd))
			return take_fd(&fd);
	}
}

int ctl_connect(const char *path, unsigned ms, struct err *err)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L };
	_cleanup_(place_fini) struct place p = { .dir = -1 };
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, errno, "control socket '%s'", path);
	if (place_init(&p, path, err) < 0)
		return -1;
	/*
	 * The time-out for sending covers connect(2) as well: it waits while the backlog of a stuck
	 * supervisor is full.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return err_sys(err, errno, "control socket '%s': set the time-out", path);
	while (place_connect(&p, fd) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "control socket '%s': connect", path);
	return take_fd(&fd);
}
