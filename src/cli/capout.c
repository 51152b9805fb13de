/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capout: see capout.h. Called by the recording. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/capout.h"

/* Standard output belongs to others too, so its flags are not ours to change: a pipe is opened once more. */
static int open_output(struct err *err)
{
	struct stat st;
	int fd = -1;

	if (isatty(STDOUT_FILENO))
		return err_kind(
			err, ERR_USAGE,
			"-w -: a terminal cannot show packets: write into a file or a pipe, "
			"as in '-w - | tshark -r -'");
	if (!fstat(STDOUT_FILENO, &st) && S_ISFIFO(st.st_mode))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, errno, "standard output") : fd;
}

static int open_file(const char *path, bool force, bool *ret_made, struct err *err)
{
	struct stat st;
	bool there = !stat(path, &st);
	int fd;

	if (there && !S_ISREG(st.st_mode))
		fd = open(path, O_WRONLY | O_CLOEXEC);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, "'%s' exists: name another file, or overwrite it with --force",
			       path);
	*ret_made = fd >= 0 && !there;
	return fd < 0 ? err_sys(err, errno, "'%s'", path) : fd;
}

int capout_open(const char *path, bool force, struct capout *ret, struct err *err)
{
	bool output = !strcmp(path, "-");
	struct stat st;

	*ret = (struct capout){ .path = path };
	ret->fd = output ? open_output(err) : open_file(path, force, &ret->made, err);
	if (ret->fd < 0)
		return -1;
	if (fstat(ret->fd, &st) < 0)
		st.st_mode = 0;
	ret->regular = S_ISREG(st.st_mode);
	ret->socket = S_ISSOCK(st.st_mode);
	if (!output && isatty(ret->fd)) {
		cleanup_fd(&ret->fd);
		return err_kind(err, ERR_USAGE, "'%s' is a terminal, which cannot show packets",
				path);
	}
	if (!output && !ret->regular)
		fd_nonblock(ret->fd, true);
	return 0;
}

/* Half a block at the end would make the file one that readers call damaged. */
static int fail(struct capout *o, int sys, struct err *err)
{
	off_t end = o->regular ? lseek(o->fd, 0, SEEK_CUR) : -1;

	if (end >= (off_t)o->at && ftruncate(o->fd, end - (off_t)o->at) < 0)
		return err_sys(err, sys, "write '%s', which ends in the middle of a packet",
			       o->path);
	return err_sys(err, sys, "write '%s'", o->path);
}

static ssize_t write_some(const struct capout *o)
{
	const char *data = o->buf.data + o->at;
	size_t len = o->buf.len - o->at;

	return o->socket ? send(o->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			 : write(o->fd, data, len);
}

int capout_flush(struct capout *o, struct err *err)
{
	while (!o->gone && o->at < o->buf.len) {
		ssize_t n = write_some(o);

		if (n >= 0)
			o->at += (size_t)n;
		else if (errno == EAGAIN)
			return 1;
		else if (errno == EPIPE || errno == ECONNRESET)
			o->gone = true;
		else if (errno != EINTR)
			return fail(o, errno, err);
	}
	buf_cut(&o->buf, 0);
	o->at = 0;
	return 0;
}

void capout_drop(struct capout *o)
{
	if (o->made && o->regular)
		unlink(o->path);
}

void capout_fini(struct capout *o)
{
	cleanup_fd(&o->fd);
	buf_fini(&o->buf);
}
