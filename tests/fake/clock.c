/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clock: see clock.h. What is asked of the kernel is asked by number, because the names are ours here. */
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fake/clock.h"

static bool is_on;
static long long ahead_ns;

void fake_clock(bool on)
{
	is_on = on;
}

/* Never set back: what has been armed by it may still be there. */
int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	long long ns;

	if (rc < 0 || id != CLOCK_MONOTONIC)
		return rc;
	ns = ts->tv_nsec + ahead_ns % 1000000000;
	ts->tv_sec += ahead_ns / 1000000000 + ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return rc;
}

/* What is under way in the kernel, such as bytes in a pipe, is there at once or within a moment. */
int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int rc = (int)syscall(SYS_epoll_pwait, fd, events, max, is_on && timeout > 0 ? 1 : timeout,
			      NULL, 0);

	if (rc == 0 && is_on && timeout > 0)
		ahead_ns += timeout * 1000000LL;
	return rc;
}
