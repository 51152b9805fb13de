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

/* ---- one way --------------------------------------------------------------------------------- */

/* The end of a link in whose queue packets of one way stand. */
struct end {
	int fd; /* rtnetlink, of its namespace */
	const char *ifname;
	const struct impair *now, *want;
};

static int set_queues(const struct impair_facts *f, const struct end *e, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct link_info l;
	int rc = link_find(e->fd, e->ifname, &l, err);

	if (rc)
		return rc > 0 ? err_sys(err, ENODEV, "link '%s'", e->ifname) : -1;
	nl_batch_init(&b);
	if (!impair_is_set(e->want)) {
		qdisc_put_delete(&b, l.index);
	} else {
		qdisc_put_frames(&b, l.index, l.mtu);
		if (f->netem)
			qdisc_put_netem(&b, l.index, e->want);
		else
			qdisc_put_rate(&b, l.index, l.mtu, e->want);
	}
	return nl_transact(e->fd, &b, NULL, err) ? err_wrap(err, "link '%s'", e->ifname) : 0;
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

/*
 * What has been taken apart in the queue at one end is lost where it arrives at the other one: what the slot sends at the
 * host end, what comes to it in its own namespace.
 */
static int set_drops(struct net *n, const struct net_impair_spec *spec, enum impair_way way,
		     struct err *err)
{
	const struct impair *want = &spec->want.way[way];
	struct drops d = { .had = spec->now.way[way].value[IMPAIR_LOSS] };
	_cleanup_fd_ int inside = -1;

	if (way == IMPAIR_EGRESS) {
		d.dev = spec->host_ifname;
		return drops_set_host(n, &d, want, err);
	}
	d.table = "mstack_loss";
	d.dev = spec->ifname;
	inside = socket_inside(spec->netns_fd, err);
	return inside < 0 ? -1 : drops_set(inside, &d, want, err);
}

/* ---- both ways ------------------------------------------------------------------------------- */

/* netem at the far end of a wire keeps what a container may do to its own end out of it. */
static struct end end_of(const struct net *n, const struct impair_facts *f,
			 const struct net_impair_spec *spec, enum impair_way way)
{
	struct end e = { n->rtnl, spec->host_ifname, &spec->now.way[way], &spec->want.way[way] };

	if (way == IMPAIR_INGRESS)
		return e;
	if (spec->far_ifname && f->netem) {
		e.ifname = spec->far_ifname;
	} else {
		e.fd = spec->rtnl_fd;
		e.ifname = spec->ifname;
	}
	return e;
}

int net_impair(struct net *n, const struct impair_facts *f, const struct net_impair_spec *spec,
	       struct err *err)
{
	for (enum impair_way way = 0; way < IMPAIR_WAYS; way++) {
		struct end e = end_of(n, f, spec, way);
		bool lossy = e.now->value[IMPAIR_LOSS] || e.want->value[IMPAIR_LOSS];

		if (impair_same(e.now, e.want) || (!impair_is_set(e.now) && !impair_is_set(e.want)))
			continue;
		if (impair_possible(f, e.want, err) || set_queues(f, &e, err) ||
		    (!f->netem && lossy && set_drops(n, spec, way, err)))
			return -1;
	}
	return 0;
}
