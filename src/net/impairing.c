/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impairing: where each way over a link is impaired, and by what of the kernel. Called by sup, when a link is made and when
 * somebody asks for another delay. The messages are made in qdisc.c and drops.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/net_impair.h"
#include "net/drops.h"
#include "net/link.h"
#include "net/net.h"
#include "net/qdisc.h"

/* ---- what the kernel can --------------------------------------------------------------------- */

static void take_seed(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	(void)tag;
	if (qdisc_has_seed(m) > 0)
		*(bool *)arg = true;
}

static bool try_queues(int fd)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	qdisc_put_frames(&b, LO_INDEX, 1500);
	return !nl_transact(fd, &b, NULL, &(struct err){ 0 });
}

static bool try_netem(int fd)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	static const struct impair none;

	nl_batch_init(&b);
	qdisc_put_netem(&b, LO_INDEX, &none);
	return !nl_transact(fd, &b, NULL, &(struct err){ 0 });
}

static bool try_seed(int fd)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	bool seed = false;
	struct nl_sink sink = { .message = take_seed, .arg = &seed };

	nl_batch_init(&b);
	qdisc_put_list(&b, LO_INDEX);
	return !nl_transact(fd, &b, &sink, &(struct err){ 0 }) && seed;
}

static bool try_loss(void)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	static const struct impair half = { .value[IMPAIR_LOSS] = IMPAIR_ALL / 2 };

	return fd >= 0 && !drops_set(fd, &(struct drops){ .table = "mstk_probe", .dev = "lo" },
				     &half, &(struct err){ 0 });
}

static void run_child(int pipe)
{
	struct impair_facts f = { 0 };
	int fd = unshare(CLONE_NEWNET) ? -1 : nl_socket(NETLINK_ROUTE, NULL);

	if (fd < 0)
		_exit(1);
	f.queues = try_queues(fd);
	f.netem = f.queues && try_netem(fd);
	f.seed = f.netem && try_seed(fd);
	f.loss = try_loss();
	_exit(write(pipe, &f, sizeof(f)) == (ssize_t)sizeof(f) ? 0 : 1);
}

int net_impair_probe(struct impair_facts *ret, struct err *err)
{
	_cleanup_fd_ int in = -1;
	struct impair_facts f;
	ssize_t got;
	pid_t pid;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return err_sys(err, errno, "impairments: look what the kernel can do");
	in = fds[0];
	pid = fork();
	if (!pid)
		run_child(fds[1]);
	close(fds[1]);
	if (pid < 0)
		return err_sys(err, errno, "impairments: look what the kernel can do");
	got = read(in, &f, sizeof(f));
	waitpid(pid, NULL, 0);
	if (got != (ssize_t)sizeof(f))
		return err_set(
			err,
			"impairments: look what the kernel can do: no network namespace to try it in");
	*ret = f;
	return 0;
}

/* ---- where ----------------------------------------------------------------------------------- */

/*
 * One way over a link. What has been taken apart in its queue is lost behind that: on the way out of a slot at the host end, on
 * the way in within its own namespace.
 */
struct lane {
	int fd; /* rtnetlink, of the namespace of the device whose queue it is */
	const char *ifname;
	const struct net_impair_end *slot; /* how long a frame may be, its interface says */
	bool drops_outside;
	const struct impair *now, *want;
};

static bool of_slot(const struct net_impair_end *e)
{
	return e->rtnl_fd >= 0;
}

static bool has_host_end(const struct net_impair_end *e)
{
	return e->host_ifname && e->host_ifname[0];
}

/* At a host end where netem is and there is one behind: what a container does to its own interface does not touch it. */
static struct lane lane_of(const struct net *n, const struct impair_facts *f,
			   const struct net_impair_spec *spec, enum impair_way way)
{
	const struct net_impair_end *from = &spec->ends[way == IMPAIR_EGRESS ? 0 : 1];
	const struct net_impair_end *to = &spec->ends[way == IMPAIR_EGRESS ? 1 : 0];
	struct lane l = { .now = &spec->now.way[way], .want = &spec->want.way[way] };

	l.slot = of_slot(from) ? from : to;
	l.drops_outside = of_slot(from);
	if (of_slot(from) && !(f->netem && has_host_end(to))) {
		l.fd = from->rtnl_fd;
		l.ifname = from->ifname;
	} else {
		l.fd = n->rtnl;
		l.ifname = to->host_ifname;
	}
	return l;
}

static int find(int fd, const char *ifname, struct link_info *ret, struct err *err)
{
	int rc = link_find(fd, ifname, ret, err);

	return rc > 0 ? err_sys(err, ENODEV, "link '%s'", ifname) : rc;
}

/* The host ends of wires let everything through: their own MTU says nothing. */
static int set_queues(const struct impair_facts *f, const struct lane *lane, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info l, inner;

	if (find(lane->fd, lane->ifname, &l, err) ||
	    find(lane->slot->rtnl_fd, lane->slot->ifname, &inner, err))
		return -1;
	nl_batch_init(&b);
	if (!impair_is_set(lane->want)) {
		qdisc_put_delete(&b, l.index);
	} else {
		qdisc_put_frames(&b, l.index, inner.mtu);
		if (f->netem)
			qdisc_put_netem(&b, l.index, lane->want);
		else
			qdisc_put_rate(&b, l.index, inner.mtu, lane->want);
	}
	return nl_transact(lane->fd, &b, NULL, err) ? err_wrap(err, "link '%s'", lane->ifname) : 0;
}

/* ---- loss without netem ---------------------------------------------------------------------- */

/* A socket born in the slot's namespace. */
static int socket_inside(int netns_fd, struct err *err)
{
	_cleanup_fd_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	if (home < 0 || setns(netns_fd, CLONE_NEWNET))
		return err_sys(err, errno, "network namespace: enter");
	fd = nl_socket(NETLINK_NETFILTER, err);
	/* Where we are not at home everything further would hit the wrong links. */
	if (setns(home, CLONE_NEWNET))
		abort();
	return fd;
}

static int set_drops(struct net *n, const struct lane *lane, struct err *err)
{
	struct drops d = { .had = lane->now->value[IMPAIR_LOSS] };
	_cleanup_fd_ int inside = -1;

	if (lane->drops_outside) {
		d.dev = lane->slot->host_ifname;
		return drops_set_host(n, &d, lane->want, err);
	}
	d.table = "mstack_loss";
	d.dev = lane->slot->ifname;
	inside = socket_inside(lane->slot->netns_fd, err);
	return inside < 0 ? -1 : drops_set(inside, &d, lane->want, err);
}

/* Of an attachment without a host end only what goes out passes a queue that can be told from those of others. */
static bool is_reachable(const struct lane *l, bool drops)
{
	return l->ifname && l->ifname[0] && !(drops && l->drops_outside && !has_host_end(l->slot));
}

/* ---- both ways ------------------------------------------------------------------------------- */

int net_impair(struct net *n, const struct impair_facts *f, const struct net_impair_spec *spec,
	       struct err *err)
{
	for (enum impair_way way = 0; way < IMPAIR_WAYS; way++) {
		struct lane l = lane_of(n, f, spec, way);
		bool lossy = l.now->value[IMPAIR_LOSS] || l.want->value[IMPAIR_LOSS];

		if (impair_same(l.now, l.want) || (!impair_is_set(l.now) && !impair_is_set(l.want)))
			continue;
		if (!is_reachable(&l, !f->netem && lossy))
			return err_set(
				err,
				"what %s a macvlan cannot be impaired: it has no end on the host",
				way == IMPAIR_INGRESS ? "comes in by" : "is lost behind");
		if (impair_possible(f, l.want, err) || set_queues(f, &l, err) ||
		    (!f->netem && lossy && set_drops(n, &l, err)))
			return -1;
	}
	return 0;
}
