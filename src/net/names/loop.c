/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loop: the one place that waits: epoll, and the times of connections and questions. Called by main.c. What a handler frees
 * may have another event in the same round, so it stays until the round is over.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/names/nameserver.h"

enum { EVENTS = 64 };

int source_open(struct names *n, struct source *s, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	s->fd = fd;
	if (fd >= 0 && !epoll_ctl(n->epoll, EPOLL_CTL_ADD, fd, &e))
		return 0;
	source_close(s);
	return -1;
}

void source_want(struct names *n, const struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = (void *)(uintptr_t)s };

	epoll_ctl(n->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

void source_close(struct source *s)
{
	cleanup_fd(&s->fd);
	s->fd = -1;
}

void source_leave(struct names *n, struct source *s)
{
	if (s->fd >= 0)
		epoll_ctl(n->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	source_close(s);
}

void names_bury(struct names *n, void *p)
{
	vec_push(&n->dead, p);
}

static void free_dead(struct names *n)
{
	for (size_t i = 0; i < n->dead.n; i++)
		free(n->dead.v[i]);
	n->dead.n = 0;
}

int names_open(struct names *n, struct err *err)
{
	n->control = (struct source){ -1, control_ready };
	n->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll < 0)
		return err_sys(err, errno, "epoll");
	n->zone = zone_new();
	n->batch = batch_new();
	return proxies_open(n) < 0 ? err_sys(err, errno, "epoll") : 0;
}

/* The nearer of two times, of which either may be never. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int names_run(struct names *n)
{
	struct epoll_event events[EVENTS];

	while (!n->ended) {
		uint64_t now = time_mono_ms();
		int questions = forward_timers(n, now), conns = conn_timers(n, now), got;
		int next = sooner(sooner(questions, conns), proxy_timers(n, now));

		got = epoll_wait(n->epoll, events, EVENTS, next);
		if (got < 0 && errno != EINTR) {
			perror(HELPER_NAME ": epoll_wait");
			return 1;
		}
		for (int i = 0; i < got; i++) {
			struct source *s = events[i].data.ptr;

			if (s->fd >= 0)
				s->ready(n, s, events[i].events);
		}
		free_dead(n);
	}
	return 0;
}

void names_close(struct names *n)
{
	while (n->askers)
		asker_free(n->askers);
	proxies_close(n);
	source_close(&n->control);
	cleanup_fd(&n->desk);
	zone_free(n->zone);
	free(n->batch);
	free_dead(n);
	vec_fini(&n->dead);
	cleanup_fd(&n->epoll);
}
