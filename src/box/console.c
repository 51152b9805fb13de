/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console: the steps that make a terminal for a command, in the container's own devpts, so that it
 * has a name there (ttyname works) and no device of the host's comes in. The other side goes out
 * through the socket. What lies in /dev is the container's to change, so it is looked at before it
 * is trusted, and our own side is opened without a path. That of PID 1 is /dev/console as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "box/child.h"
#include "box/mounting.h"
#include "box/sys.h"

#define PTMX	"dev/pts/ptmx"
#define CONSOLE "dev/console"

/* A container may put a link, a FIFO or another device in its place. */
static bool is_ptmx(int fd)
{
	struct stat st;
	struct statfs fs;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 2) &&
	       !fstatfs(fd, &fs) && fs.f_type == DEVPTS_SUPER_MAGIC;
}

static int open_master(struct child *c)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int seen = sys_open_plain(root, PTMX, O_PATH | O_NOFOLLOW);
	_cleanup_fd_ int fd = -1;
	int unlocked = 0;

	if (seen < 0)
		return err_sys(&c->err, errno, "open '/" PTMX "'");
	if (!is_ptmx(seen))
		return err_set(&c->err, "'/" PTMX "' of the container is none");
	/* It cannot wait, and changed in between it would be found out below. */
	fd = sys_open_plain(root, PTMX, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || !is_ptmx(fd) || ioctl(fd, TIOCSPTLCK, &unlocked) < 0)
		return err_sys(&c->err, errno, "open '/" PTMX "'");
	return take_fd(&fd);
}

/* Whoever the command runs as may open it by its name; the group stays that of all terminals. */
static int open_ours(struct child *c, int master)
{
	_cleanup_fd_ int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || fchown(fd, c->launch->uid, (gid_t)-1) < 0)
		return err_sys(&c->err, errno, "open its other side");
	if (c->size.ws_row && ioctl(fd, TIOCSWINSZ, &c->size) < 0)
		return err_sys(&c->err, errno, "set its size");
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		return err_sys(&c->err, errno, "make it the session's");
	return take_fd(&fd);
}

int child_make_term(struct child *c)
{
	struct child_msg m = { .type = CHILD_TERM };
	_cleanup_fd_ int master = -1;

	if (!c->want_term)
		return 0;
	master = open_master(c);
	if (master < 0)
		return -1;
	c->term = open_ours(c, master);
	if (c->term < 0)
		return -1;
	return sys_send(c->sock, &m, sizeof(m), &master, 1) < 0
		       ? err_sys(&c->err, errno, "hand it over")
		       : 0;
}

/* Onto a file that stage one has made in /dev, or what a volume has put over it. */
int child_bind_console(struct child *c)
{
	_cleanup_fd_ int root = -1, at = -1, term = -1;

	if (c->term < 0)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	at = sys_open_plain(root, CONSOLE, O_PATH | O_NOFOLLOW);
	if (at < 0)
		return err_sys(&c->err, errno, "open '/" CONSOLE "'");
	term = mounting_copy(c->term, "", false);
	if (term < 0 || mounting_attach(term, at) < 0)
		return err_sys(&c->err, errno, "mount the terminal on '/" CONSOLE "'");
	return 0;
}
