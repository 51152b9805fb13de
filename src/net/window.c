/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * window: a network namespace seen from outside: which interfaces it has, and word when that changes. Called by clients through
 * net_capture.h. Sockets keep the namespace in which they were made, so the process is in there for one system call only.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <unistd.h>

#include "net/link.h"
#include "net/window.h"

struct net_window {
	int netns, home;
	int rtnl; /* questions */
	int news; /* only to be readable: what it says is asked for again */
};

static int fail(int sys, const char *what, struct err *err)
{
	return err_sys(err, sys, "network namespace: %s", what);
}

/* A process that is left behind in a stranger's network must not go on. */
int window_socket(struct net_window *w, int family, int type, int protocol, struct err *err)
{
	int fd, sys;

	if (setns(w->netns, CLONE_NEWNET) < 0)
		return fail(errno, "enter", err);
	fd = socket(family, type | SOCK_CLOEXEC, protocol);
	sys = errno;
	if (setns(w->home, CLONE_NEWNET) < 0)
		abort();
	return fd < 0 ? fail(sys, "make a socket", err) : fd;
}

static int open_sockets(struct net_window *w, struct err *err)
{
	struct sockaddr_nl news = { .nl_family = AF_NETLINK,
				    .nl_groups =
					    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };

	w->rtnl = window_socket(w, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, err);
	if (w->rtnl < 0)
		return -1;
	nl_tune(w->rtnl);
	w->news = window_socket(w, AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE, err);
	if (w->news < 0)
		return -1;
	if (bind(w->news, (struct sockaddr *)&news, sizeof(news)) < 0)
		return fail(errno, "listen for changes", err);
	return 0;
}

struct net_window *net_window_open(int netns, struct err *err)
{
	struct net_window *w = xcalloc(1, sizeof(*w));

	w->rtnl = w->news = -1;
	w->netns = fcntl(netns, F_DUPFD_CLOEXEC, 3);
	w->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (w->netns < 0 || w->home < 0)
		fail(errno, "open", err);
	else if (open_sockets(w, err) == 0)
		return w;
	net_window_close(w);
	return NULL;
}

void net_window_close(struct net_window *w)
{
	if (!w)
		return;
	cleanup_fd(&w->netns);
	cleanup_fd(&w->home);
	cleanup_fd(&w->rtnl);
	cleanup_fd(&w->news);
	free(w);
}

int net_window_fd(const struct net_window *w)
{
	return w->news;
}

/* ---- listing --------------------------------------------------------------------------------- */

struct links VEC(struct net_window_link);

static void take_counts(const struct nlmsghdr *m, struct net_window_link *l)
{
	struct rtnl_link_stats64 stats = { 0 };
	const struct nlattr *a;

	mnl_attr_for_each(a, m, sizeof(struct ifinfomsg))
	{
		size_t len = mnl_attr_get_payload_len(a);

		/* It grows with the kernel. */
		if (mnl_attr_get_type(a) == IFLA_STATS64)
			memcpy(&stats, mnl_attr_get_payload(a),
			       len < sizeof(stats) ? len : sizeof(stats));
	}
	l->received = stats.rx_bytes;
	l->sent = stats.tx_bytes;
}

static void take_link(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(m);
	struct links *all = arg;
	struct net_window_link l = { 0 };
	struct link_info info;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWLINK)
		return;
	link_parse(m, &info);
	l.index = info.index;
	memcpy(l.name, info.name, sizeof(l.name));
	memcpy(l.mac, info.mac, sizeof(l.mac));
	l.type = head->ifi_type;
	l.loopback = head->ifi_flags & IFF_LOOPBACK;
	take_counts(m, &l);
	vec_push(all, l);
}

static void take_addr(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(m);
	size_t len = head->ifa_family == AF_INET ? 4 : 16;
	struct links *all = arg;
	struct net_window_addr addr = { .family = head->ifa_family, .prefix = head->ifa_prefixlen };
	uint16_t wanted = IFA_ADDRESS;
	const struct nlattr *a;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWADDR || (addr.family != AF_INET && addr.family != AF_INET6))
		return;
	/* On a point-to-point link IFA_ADDRESS is the other side's. */
	mnl_attr_for_each(a, m, sizeof(*head)) if (mnl_attr_get_type(a) == IFA_LOCAL) wanted =
		IFA_LOCAL;
	mnl_attr_for_each(a, m, sizeof(*head)) if (mnl_attr_get_type(a) == wanted &&
						   mnl_attr_get_payload_len(a) == len)
		memcpy(addr.addr, mnl_attr_get_payload(a), len);
	for (size_t i = 0; i < all->n; i++) {
		struct net_window_link *l = &all->v[i];

		if (l->index != (int)head->ifa_index)
			continue;
		l->addrs = xrealloc(l->addrs, (l->n_addrs + 1) * sizeof(*l->addrs));
		l->addrs[l->n_addrs++] = addr;
	}
}

static int ask(int fd, const char *what, uint16_t type, struct nl_sink *sink, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct ifinfomsg links = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg addrs = { .ifa_family = AF_UNSPEC };

	nl_batch_init(&b);
	if (type == RTM_GETLINK) {
		nl_begin(&b, what, type, NLM_F_DUMP, &links, sizeof(links));
	} else {
		nl_begin(&b, what, type, NLM_F_DUMP, &addrs, sizeof(addrs));
	}
	return nl_transact(fd, &b, sink, err);
}

/* First, so that what changes while the lists are made is news again. A full queue is news like any other. */
static void forget_news(struct net_window *w)
{
	char data[8192];

	while (recv(w->news, data, sizeof(data), MSG_DONTWAIT) >= 0 || errno == EINTR ||
	       errno == ENOBUFS)
		;
}

int net_window_list(struct net_window *w, struct net_window_links *ret, struct err *err)
{
	struct links all = { 0 };
	struct nl_sink links = { .message = take_link, .arg = &all },
		       addrs = { .message = take_addr, .arg = &all };

	forget_news(w);
	if (ask(w->rtnl, "list links", RTM_GETLINK, &links, err) ||
	    ask(w->rtnl, "list addresses", RTM_GETADDR, &addrs, err)) {
		net_window_links_fini(&(struct net_window_links){ all.v, all.n });
		return -1;
	}
	*ret = (struct net_window_links){ all.v, all.n };
	return 0;
}

void net_window_links_fini(struct net_window_links *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].addrs);
	free(l->v);
	*l = (struct net_window_links){ 0 };
}
