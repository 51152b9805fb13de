/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wirewatch: the carrier of wires. Called by wire.c and sup, and from the loop by the kernel's link
 * events. What an event says is old when it is read, so events only tell where to look: what is
 * done follows from how both host ends are then, and is the same however often it is done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "net/link.h"
#include "net/wirewatch.h"

/* Behind glibc's own, which lacks IFF_LOWER_UP. */
#include <linux/if.h>

#define WAIT_S 0.2

struct wirewatch {
	struct net *n;
	net_event_fn *fn;
	void *arg;
	int fd;
	struct ev_io io;
	struct ev_timer timer; /* then those that are still awaited are told all the same */
};

/* ---- looking --------------------------------------------------------------------------------- */

static bool is_made(const struct wire *w)
{
	return w->index[0] && w->index[1];
}

/* IFF_UP and what the kernel adds to it; 0 also when it is gone. */
static void flags_of(struct net *n, size_t wire, unsigned ret[2])
{
	for (int i = 0; i < 2; i++) {
		struct link_info l = { 0 };
		int rc = link_find(n->rtnl, n->spec->wires[wire].ends[i].host_ifname, &l, NULL);

		ret[i] = !rc && l.index == n->wires[wire].index[i] ? l.flags : 0;
	}
}

static bool is_dead(unsigned flags)
{
	return (flags & IFF_UP) && !(flags & IFF_LOWER_UP);
}

/*
 * A host end is up unless the cable is pulled, or the other end is down from within: that one is
 * left up, for it tells when it comes back.
 */
static bool should_be_up(const struct wire *w, unsigned own, unsigned other)
{
	if (w->pulled)
		return false;
	return !is_dead(other) || is_dead(own);
}

static int set_up(struct net *n, int index, bool up, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	link_put_state(&b, index, up);
	return nl_transact(n->rtnl, &b, NULL, err);
}

int wirewatch_follow(struct net *n, size_t wire, struct err *err)
{
	const struct wire *w = &n->wires[wire];
	unsigned flags[2];

	flags_of(n, wire, flags);
	for (int i = 0; i < 2; i++) {
		bool up = should_be_up(w, flags[i], flags[!i]);

		if (up != !!(flags[i] & IFF_UP) && set_up(n, w->index[i], up, err))
			return err_wrap(err, "link '%s'", n->spec->wires[wire].ends[i].text);
	}
	return 0;
}

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(struct wirewatch *w, size_t wire)
{
	struct net_event event = { .kind = NET_WIRED, .token = wire };

	w->n->wires[wire].awaited = false;
	w->fn(w->arg, &event);
}

static void look(struct wirewatch *w, size_t wire)
{
	struct wire *own = &w->n->wires[wire];
	unsigned flags[2];

	wirewatch_follow(w->n, wire, NULL); /* what goes away meanwhile needs no word */
	if (!own->awaited)
		return;
	flags_of(w->n, wire, flags);
	if (flags[0] & flags[1] & IFF_RUNNING)
		tell(w, wire);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct wirewatch *w = timer->data;

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < w->n->spec->n_wires; i++)
		if (w->n->wires[i].awaited)
			tell(w, i);
}

static void take_event(struct wirewatch *w, int index)
{
	for (size_t i = 0; i < w->n->spec->n_wires; i++) {
		const struct wire *own = &w->n->wires[i];

		if (is_made(own) && (own->index[0] == index || own->index[1] == index))
			look(w, i);
	}
}

/* Events were lost: anything may have happened. */
static void look_at_all(struct wirewatch *w)
{
	for (size_t i = 0; i < w->n->spec->n_wires; i++)
		if (is_made(&w->n->wires[i]))
			look(w, i);
}

static void on_event(struct ev_loop *loop, struct ev_io *io, int revents)
{
	char data[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	(void)loop;
	(void)revents;
	while ((n = recv(io->fd, data, sizeof(data), MSG_DONTWAIT)) > 0 || errno == EINTR ||
	       errno == ENOBUFS) {
		int left = n > 0 ? (int)n : 0;

		if (n < 0 && errno == ENOBUFS)
			look_at_all(io->data);
		for (const struct nlmsghdr *m = (void *)data; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			if (m->nlmsg_type == RTM_NEWLINK)
				take_event(
					io->data,
					((struct ifinfomsg *)mnl_nlmsg_get_payload(m))->ifi_index);
	}
}

/*
 * Only links of the stack's group shall wake us. Two loads: where the attribute is (the kernel
 * looks for it), and its value, which stands in the order of this machine and is loaded as big endian.
 */
static int filter(int fd, uint32_t group)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_IMM, NLMSG_HDRLEN + sizeof(struct ifinfomsg)),
		BPF_STMT(BPF_LDX | BPF_IMM, IFLA_GROUP),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_NLATTR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, NLA_HDRLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(group), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static struct wirewatch *wirewatch_new(struct net *n, net_event_fn *fn, void *arg, int fd)
{
	struct wirewatch *w = xcalloc(1, sizeof(*w));

	*w = (struct wirewatch){ .n = n, .fn = fn, .arg = arg, .fd = fd };
	ev_io_init(&w->io, on_event, w->fd, EV_READ);
	ev_timer_init(&w->timer, on_timer, WAIT_S, 0.);
	w->io.data = w->timer.data = w;
	return w;
}

void wirewatch_carry(const struct wirewatch *w, struct carry *to)
{
	carry_put_fd(to, "socket", w->fd);
}

struct wirewatch *wirewatch_resume(struct net *n, struct carry *from, net_event_fn *fn, void *arg)
{
	int fd = carry_take_fd(from, "socket");
	struct wirewatch *w = fd < 0 ? NULL : wirewatch_new(n, fn, arg, fd);

	if (w)
		ev_io_start(n->loop, &w->io);
	return w;
}

struct wirewatch *wirewatch_open(struct net *n, net_event_fn *fn, void *arg, struct err *err)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct wirewatch *w = wirewatch_new(n, fn, arg, nl_socket(NETLINK_ROUTE, err));

	if (w->fd < 0 || filter(w->fd, link_group(n->spec->id)) ||
	    bind(w->fd, (struct sockaddr *)&groups, sizeof(groups))) {
		if (w->fd >= 0)
			err_sys(err, errno, "netlink: listen to link events");
		wirewatch_close(w);
		return NULL;
	}
	ev_io_start(n->loop, &w->io);
	return w;
}

void wirewatch_close(struct wirewatch *w)
{
	if (!w)
		return;
	ev_io_stop(w->n->loop, &w->io);
	ev_timer_stop(w->n->loop, &w->timer);
	cleanup_fd(&w->fd);
	free(w);
}

void wirewatch_add(struct wirewatch *w, size_t wire)
{
	w->n->wires[wire].awaited = true;
	ev_now_update(w->n->loop);
	ev_timer_stop(w->n->loop, &w->timer);
	ev_timer_set(&w->timer, WAIT_S, 0.);
	ev_timer_start(w->n->loop, &w->timer);
}
