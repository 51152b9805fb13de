/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portwatch: listens to the kernel's link events for bridge ports that have begun to forward. Called by veth.c; calls back
 * from the loop. It changes nothing, and an event that is lost costs no more than the limit of the wait.
 */
#include <errno.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "net/nl.h"
#include "net/portwatch.h"

#define WAIT_S 0.2

/* A slot that is not ready yet. */
struct wait {
	struct wait *next;
	struct portwatch *watch;
	struct ev_timer timer;
	uint64_t token;
	size_t n;
	int ports[];		/* those that are not forwarding yet */
};

struct portwatch {
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	int fd;
	struct ev_io io;
	struct wait *waits;
};

static void drop(struct wait *w)
{
	struct wait **at = &w->watch->waits;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	ev_timer_stop(w->watch->loop, &w->timer);
	free(w);
}

static void ready(struct wait *w)
{
	struct net_event event = { .kind = NET_READY, .token = w->token };
	struct portwatch *watch = w->watch;

	drop(w);
	watch->fn(watch->arg, &event);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop;
	(void)revents;
	ready(timer->data);
}

static void port_forwards(struct portwatch *watch, int port)
{
	for (struct wait *w = watch->waits; w; w = w->next) {
		for (size_t i = 0; i < w->n; i++) {
			if (w->ports[i] != port)
				continue;
			w->ports[i] = w->ports[--w->n];
			if (!w->n)
				ready(w);
			return;
		}
	}
}

static void take_event(struct portwatch *watch, const struct nlmsghdr *m)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(m);
	const struct nlattr *a, *port;

	if (m->nlmsg_type != RTM_NEWLINK || head->ifi_family != AF_BRIDGE)
		return;
	mnl_attr_for_each(a, m, sizeof(*head)) {
		if (mnl_attr_get_type(a) != IFLA_PROTINFO)
			continue;
		mnl_attr_for_each_nested(port, a)
			if (mnl_attr_get_type(port) == IFLA_BRPORT_STATE &&
			    mnl_attr_get_u8(port) == BR_STATE_FORWARDING)
				port_forwards(watch, head->ifi_index);
	}
}

static void on_event(struct ev_loop *loop, struct ev_io *io, int revents)
{
	char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	(void)loop;
	(void)revents;
	/* ENOBUFS, events were lost: those waits run until their limit. */
	while ((n = recv(io->fd, data, sizeof(data), MSG_DONTWAIT)) > 0 || errno == EINTR || errno == ENOBUFS) {
		int left = n > 0 ? (int)n : 0;

		for (const struct nlmsghdr *m = (void *)data; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
			take_event(io->data, m);
	}
}

/* Only what bridges say about their ports shall wake us: the family stands in the first byte behind the header. */
static int filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

struct portwatch *portwatch_open(struct ev_loop *loop, net_event_fn *fn, void *arg, struct err *err)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);
	struct portwatch *w;

	if (fd < 0)
		return NULL;
	if (filter(fd) || bind(fd, (struct sockaddr *)&groups, sizeof(groups))) {
		err_sys(err, errno, "netlink: listen to link events");
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	*w = (struct portwatch){ .loop = loop, .fn = fn, .arg = arg, .fd = take_fd(&fd) };
	ev_io_init(&w->io, on_event, w->fd, EV_READ);
	w->io.data = w;
	ev_io_start(loop, &w->io);
	return w;
}

void portwatch_close(struct portwatch *w)
{
	if (!w)
		return;
	while (w->waits)
		drop(w->waits);
	ev_io_stop(w->loop, &w->io);
	cleanup_fd(&w->fd);
	free(w);
}

void portwatch_add(struct portwatch *watch, uint64_t token, const int *ports, size_t n)
{
	struct wait *w = xcalloc(1, sizeof(*w) + n * sizeof(*ports));

	*w = (struct wait){ .next = watch->waits, .watch = watch, .token = token, .n = n };
	memcpy(w->ports, ports, n * sizeof(*ports));
	watch->waits = w;
	ev_now_update(watch->loop);
	ev_timer_init(&w->timer, on_timer, n ? WAIT_S : 0., 0.);
	w->timer.data = w;
	ev_timer_start(watch->loop, &w->timer);
}
