/* SPDX-License-Identifier: GPL-2.0-or-later */
/* obedient: see obedient.h. Called by the made-up box. Never waits, since it lives in the supervisor's own loop. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fake/obedient.h"

static const ev_tstamp AWAY_S = 0.3;

struct obedient {
	struct ev_loop *loop;
	int console, in, out, err;
	ev_io reader, writer;
	ev_timer away;
	size_t flood, left;
	char line[256];
	size_t len;
	bool gone;
	obedient_fn *bye;
	void *arg;
};

static void say(int fd, const char *text)
{
	/* There is room for so little. */
	(void)!write(fd, text, strlen(text));
}

static void close_ends(struct obedient *o)
{
	ev_io_stop(o->loop, &o->reader);
	ev_io_stop(o->loop, &o->writer);
	cleanup_fd(&o->in);
	cleanup_fd(&o->out);
	cleanup_fd(&o->err);
}

/* ---- orders ---------------------------------------------------------------------------------- */

static void tell_size(const struct obedient *o)
{
	struct winsize size = { 0 };
	char text[32];

	ioctl(o->in, TIOCGWINSZ, &size);
	snprintf(text, sizeof(text), "%u %u\n", size.ws_row, size.ws_col);
	say(o->out, text);
}

/* A group of its own would be stopped for writing there, which it is not: it has no controlling terminal. */
static int open_terminal(const struct obedient *o)
{
	return ioctl(o->console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

static void take_ends(struct obedient *o, int in, int out, int err)
{
	o->in = in;
	o->out = out;
	o->err = err;
	if (o->in >= 0)
		ev_io_set(&o->reader, o->in, EV_READ);
	ev_io_set(&o->writer, o->out, EV_WRITE);
}

static void away_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct obedient *o = w->data;

	(void)revents;
	take_ends(o, open_terminal(o), open_terminal(o), open_terminal(o));
	say(o->out, "back\n");
	ev_io_start(loop, &o->reader);
}

static void obey(struct obedient *o, const char *line)
{
	if (!strcmp(line, "bye\n")) {
		o->gone = true;
		o->bye(o->arg);
	} else if (!strcmp(line, "flood\n")) {
		o->left = o->flood;
		ev_io_start(o->loop, &o->writer);
	} else if (!strcmp(line, "size\n")) {
		tell_size(o);
	} else if (!strcmp(line, "away\n")) {
		close_ends(o);
		ev_timer_set(&o->away, AWAY_S, 0);
		ev_timer_start(o->loop, &o->away);
	} else {
		say(*line == '!' ? o->err : o->out, line);
	}
}

/* One after the other: behind "flood" only when that is done. */
static void obey_all(struct obedient *o)
{
	char *nl;

	while (!o->gone && !o->left && (nl = memchr(o->line, '\n', o->len))) {
		size_t n = (size_t)(nl - o->line) + 1;
		char line[sizeof(o->line) + 1];

		memcpy(line, o->line, n);
		line[n] = '\0';
		o->len -= n;
		memmove(o->line, nl + 1, o->len);
		obey(o, line);
	}
}

static void reader_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct obedient *o = w->data;
	ssize_t n = read(o->in, o->line + o->len, sizeof(o->line) - o->len);

	(void)revents;
	if (n > 0) {
		o->len += (size_t)n;
		obey_all(o);
	} else if (n == 0 || errno != EAGAIN) {
		ev_io_stop(loop, w);
	}
}

static void writer_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct obedient *o = w->data;
	char block[16384];
	size_t at = o->flood - o->left, len = o->left < sizeof(block) ? o->left : sizeof(block);
	ssize_t n;

	(void)revents;
	for (size_t i = 0; i < len; i++)
		block[i] = (at + i) % 64 == 63 ? '\n' : (char)('a' + (at + i) % 25);
	n = write(o->out, block, len);
	o->left -= n > 0 ? (size_t)n : 0;
	if (o->left)
		return;
	ev_io_stop(loop, w);
	obey_all(o);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int duplicate(int fd)
{
	int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (own >= 0)
		fd_nonblock(own, true);
	return own;
}

struct obedient *obedient_new(struct ev_loop *loop, const struct box_spec *spec, size_t flood,
			      obedient_fn *bye, void *arg)
{
	struct obedient *o = xcalloc(1, sizeof(*o));
	int first;

	*o = (struct obedient){ .loop = loop, .flood = flood, .bye = bye, .arg = arg };
	o->console = -1;
	ev_init(&o->reader, reader_cb);
	ev_init(&o->writer, writer_cb);
	ev_init(&o->away, away_cb);
	o->reader.data = o->writer.data = o->away.data = o;
	if (!spec->tty) {
		take_ends(o, duplicate(spec->stdin_fd), duplicate(spec->stdout_fd),
			  duplicate(spec->stderr_fd));
	} else if (openpty(&o->console, &first, NULL, NULL, NULL) == 0) {
		fd_nonblock(o->console, true);
		take_ends(o, open_terminal(o), open_terminal(o), open_terminal(o));
		close(first);
	}
	return o;
}

void obedient_begin(struct obedient *o)
{
	if (o && o->in >= 0)
		ev_io_start(o->loop, &o->reader);
}

void obedient_end(struct obedient *o)
{
	if (!o)
		return;
	ev_timer_stop(o->loop, &o->away);
	close_ends(o);
}

void obedient_free(struct obedient *o)
{
	if (!o)
		return;
	obedient_end(o);
	cleanup_fd(&o->console);
	free(o);
}

int obedient_console(const struct obedient *o)
{
	return o ? o->console : -1;
}
