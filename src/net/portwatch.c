/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portwatch: listens to the kernel's link events for ports and bridges that have come to
 * work. Called by net.c and veth.c; calls back from the loop. It changes nothing, and an
 * event that is lost costs no more than the limit of the wait.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <net/if.h>

#include <linux/filter.h>
#include <linux/if.h>
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
	struct portwatch_link links[]; /* port 0: this one forwards */
};

struct bridge {
	int index;
	bool up;
};

struct portwatch {
	struct ev_loop *loop;
	net_event_fn *fn;
	void *arg;
	int fd;
	struct ev_io io;
	struct wait *waits;
	struct VEC(struct bridge) bridges;
};

static void drop(struct wait **at)
{
	struct wait *w = *at;

	*at = w->next;
	ev_timer_stop(w->watch->loop, &w->timer);
	free(w);
}

static void ready(struct wait **at)
{
	struct net_event event = { .kind = NET_READY, .token = (*at)->token };
	struct portwatch *watch = (*at)->watch;

	drop(at);
	watch->fn(watch->arg, &event);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct wait *w = timer->data, **at = &w->watch->waits;

	(void)loop;
	(void)revents;
	while (*at != w)
		at = &(*at)->next;
	ready(at);
}

static struct bridge *find_bridge(struct portwatch *watch, int index)
{
	for (size_t i = 0; i < watch->bridges.n; i++)
		if (watch->bridges.v[i].index == index)
			return &watch->bridges.v[i];
	return NULL;
}

static bool is_ready(const struct wait *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct bridge *b = find_bridge(w->watch, w->links[i].bridge);

		if (w->links[i].port || (b && !b->up))
			return false;
	}
	return w->n > 0;
}

/* Where the first one that is ready hangs in the list, or the end of it. */
static struct wait **find_ready(struct portwatch *watch)
{
	struct wait **at = &watch->waits;

	while (*at && !is_ready(*at))
		at = &(*at)->next;
	return at;
}

static void port_forwards(struct portwatch *watch, int port)
{
	for (struct wait *w = watch->waits; w; w = w->next)
		for (size_t i = 0; i < w->n; i++)
			if (w->links[i].port == port)
				w->links[i].port = 0;
}

static bool says_forwarding(const struct nlattr *protinfo)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, protinfo) if (mnl_attr_get_type(a) ==
						  IFLA_BRPORT_STATE) return mnl_attr_get_u8(a) ==
		BR_STATE_FORWARDING;
	return false;
}

/*
 * A new port counts as forwarding at once, before it has seen its carrier: its state of
 * operation is unknown then. Only when that is "up" has the kernel given the link its
 * queue, and what is sent arrives.
 */
static void take_event(struct portwatch *watch, const struct nlmsghdr *m)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(m);
	struct bridge *bridge = find_bridge(watch, head->ifi_index);
	bool up = false, forwarding = false;
	const struct nlattr *a;
	struct wait **at;

	if (m->nlmsg_type != RTM_NEWLINK)
		return;
	mnl_attr_for_each(a, m, sizeof(*head))
	{
		if (mnl_attr_get_type(a) == IFLA_OPERSTATE)
			up = mnl_attr_get_u8(a) == IF_OPER_UP;
		else if (mnl_attr_get_type(a) == IFLA_PROTINFO && head->ifi_family == AF_BRIDGE)
			forwarding = says_forwarding(a);
	}
	if (bridge && head->ifi_family == AF_UNSPEC)
		bridge->up = up;
	else if (up && forwarding)
		port_forwards(watch, head->ifi_index);
	/* The callback may add waits, so the list is looked through anew after each. */
	while (*(at = find_ready(watch)))
		ready(at);
}

static void on_event(struct ev_loop *loop, struct ev_io *io, int revents)
{
	char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	(void)loop;
	(void)revents;
	/* ENOBUFS, events were lost: those waits run until their limit. */
	while ((n = recv(io->fd, data, sizeof(data), MSG_DONTWAIT)) > 0 || errno == EINTR ||
	       errno == ENOBUFS) {
		int left = n > 0 ? (int)n : 0;

		for (const struct nlmsghdr *m = (void *)data; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			take_event(io->data, m);
	}
}

/*
 * Only what bridges say about their ports and what is said about our bridges shall wake
 * us, not each link of the host. Behind the header come the family, and 4 bytes on the
 * index in the order of this machine, which the filter loads as big endian.
 */
static int filter(const struct portwatch *w)
{
	struct VEC(struct sock_filter) code = { 0 };
	struct sock_fprog program;
	int rc;

	vec_push(&code, ((struct sock_filter)BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN)));
	vec_push(&code, ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1)));
	vec_push(&code, ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)));
	vec_push(&code, ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NLMSG_HDRLEN + 4)));
	for (size_t i = 0; i < w->bridges.n; i++) {
		uint32_t index = htonl((uint32_t)w->bridges.v[i].index);

		vec_push(&code,
			 ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, index, 0, 1)));
		vec_push(&code, ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)));
	}
	vec_push(&code, ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0)));
	program = (struct sock_fprog){ .len = (unsigned short)code.n, .filter = code.v };
	rc = setsockopt(w->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	vec_fini(&code);
	return rc;
}

int portwatch_bridges(struct portwatch *w, const int *bridges, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		vec_push(&w->bridges, ((struct bridge){ .index = bridges[i] }));
	return filter(w) ? err_sys(err, errno, "netlink: filter link events") : 0;
}

static void begin(struct portwatch *w)
{
	ev_io_init(&w->io, on_event, w->fd, EV_READ);
	w->io.data = w;
}

struct portwatch *portwatch_open(struct ev_loop *loop, net_event_fn *fn, void *arg, struct err *err)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct portwatch *w = xcalloc(1, sizeof(*w));

	*w = (struct portwatch){
		.loop = loop, .fn = fn, .arg = arg, .fd = nl_socket(NETLINK_ROUTE, err)
	};
	begin(w);
	if (w->fd < 0 || filter(w) || bind(w->fd, (struct sockaddr *)&groups, sizeof(groups))) {
		if (w->fd >= 0)
			err_sys(err, errno, "netlink: listen to link events");
		portwatch_close(w);
		return NULL;
	}
	ev_io_start(loop, &w->io);
	return w;
}

bool portwatch_busy(const struct portwatch *w)
{
	return w && w->waits;
}

void portwatch_carry(const struct portwatch *w, struct carry *to)
{
	carry_put_fd(to, "socket", w->fd);
	for (size_t i = 0; i < w->bridges.n; i++) {
		struct carry *own = carry_add(to, "bridge");

		carry_put_num(own, "index", w->bridges.v[i].index);
		carry_put_num(own, "up", w->bridges.v[i].up);
	}
}

struct portwatch *portwatch_resume(struct ev_loop *loop, struct carry *from, net_event_fn *fn,
				   void *arg)
{
	int fd = carry_take_fd(from, "socket");
	struct portwatch *w;

	if (fd < 0)
		return NULL;
	w = xcalloc(1, sizeof(*w));
	*w = (struct portwatch){ .loop = loop, .fn = fn, .arg = arg, .fd = fd };
	for (const struct carry *c = NULL; (c = carry_next(from, "bridge", c));)
		vec_push(&w->bridges, ((struct bridge){ .index = (int)carry_num(c, "index", 0),
							.up = carry_num(c, "up", 0) }));
	begin(w);
	ev_io_start(loop, &w->io);
	return w;
}

void portwatch_close(struct portwatch *w)
{
	if (!w)
		return;
	while (w->waits)
		drop(&w->waits);
	ev_io_stop(w->loop, &w->io);
	cleanup_fd(&w->fd);
	vec_fini(&w->bridges);
	free(w);
}

void portwatch_add(struct portwatch *watch, uint64_t token, const struct portwatch_link *links,
		   size_t n)
{
	struct wait *w = xcalloc(1, sizeof(*w) + n * sizeof(*links));

	*w = (struct wait){ .next = watch->waits, .watch = watch, .token = token, .n = n };
	memcpy(w->links, links, n * sizeof(*links));
	watch->waits = w;
	ev_now_update(watch->loop);
	ev_timer_init(&w->timer, on_timer, n ? WAIT_S : 0., 0.);
	w->timer.data = w;
	ev_timer_start(watch->loop, &w->timer);
}
