/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump: see pump.h. Called by exec's loop. The user's own descriptors are shared with others (the shell, the next program of a
 * pipeline), so they are never set to not wait: nothing is read that poll does not promise, and no more written.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/pump.h"

#define SPLICE_MAX (1 << 20)

void pump_init(struct pump *p, int from, int to, struct detachkeys *keys)
{
	*p = (struct pump){ .from = from, .to = to, .keys = keys };
	p->copies = keys || isatty(from) || isatty(to);
}

struct pollfd pump_wants(const struct pump *p)
{
	if (p->from < 0)
		return (struct pollfd){ -1, 0, 0 };
	if (p->full || p->len)
		return (struct pollfd){ p->to, POLLOUT, 0 };
	return (struct pollfd){ p->from, POLLIN, 0 };
}

static bool over(struct pump *p)
{
	p->from = -1;
	p->len = 0;
	p->full = false;
	return false;
}

static bool is_ready(int fd, short events)
{
	struct pollfd one = { fd, events, 0 };

	return poll(&one, 1, 0) > 0;
}

/* What was read goes out before anything else is read. */
static bool write_out(struct pump *p)
{
	while (p->len && is_ready(p->to, POLLOUT)) {
		ssize_t n = write(p->to, p->buf + p->at, p->len < PUMP_ROOM ? p->len : PUMP_ROOM);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return over(p);
		p->at += (size_t)n;
		p->len -= (size_t)n;
	}
	return true;
}

static bool read_in(struct pump *p)
{
	char typed[PUMP_ROOM];
	ssize_t n = read(p->from, typed, sizeof(typed));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	/* EIO: the last one who had the terminal open has closed it. */
	if (n <= 0)
		return over(p);
	p->at = 0;
	p->len = (size_t)n;
	if (p->keys)
		p->detach = detachkeys_filter(p->keys, typed, (size_t)n, p->buf, &p->len);
	else
		memcpy(p->buf, typed, (size_t)n);
	return write_out(p);
}

static bool copy(struct pump *p)
{
	if (p->len)
		return write_out(p);
	return !is_ready(p->from, POLLIN) || read_in(p);
}

bool pump_turn(struct pump *p)
{
	ssize_t n;

	if (p->from < 0)
		return false;
	if (p->copies)
		return copy(p);
	p->full = false;
	n = splice(p->from, NULL, p->to, NULL, SPLICE_MAX, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	if (n > 0)
		return true;
	if (!n)
		return over(p);
	switch (errno) {
	case EINTR:
		return true;
	case EAGAIN:
		/* It does not say which of the two it was. */
		p->full = is_ready(p->from, POLLIN);
		return true;
	case EINVAL: /* a file opened for appending, a device that cannot */
		p->copies = true;
		return copy(p);
	default:
		return over(p);
	}
}
