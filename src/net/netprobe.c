/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netprobe: does this kernel have what a stack's network needs? Called by `mstack doctor`.
 * Each feature is tried for real, in a child with a network namespace of its own, so
 * nothing is left and nothing of the host is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/homeward.h"
#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "net/qdisc.h"

struct probe_row {
	const char *what, *cure;
	/* Adds what is to be tried; NULL: the namespace itself is. */
	void (*put)(struct nl_batch *b, int netns);
	int bus;
};

static void put_bridge(struct nl_batch *b, int netns)
{
	(void)netns;
	link_put_bridge(b, "mstkprobe", 1, 0);
}

static void put_veth(struct nl_batch *b, int netns)
{
	static const uint8_t mac[6] = { 2 };
	struct link_veth veth = { .host_ifname = "mvprobe",
				  .ifname = "eth0",
				  .mac = mac,
				  .netns_fd = netns,
				  .group = 1 };

	link_put_veth(b, &veth);
}

static void put_nft(struct nl_batch *b, int netns)
{
	(void)netns;
	nft_begin(b);
	nft_message(b, "create table", NFT_MSG_NEWTABLE, NLM_F_CREATE);
	nl_put_str(b, NFTA_TABLE_NAME, "mstk_probe");
	nft_end(b);
}

static void put_owned_table(struct nl_batch *b, int netns)
{
	(void)netns;
	nft_begin(b);
	nft_put_table(b, "mstk_owned", LINK_OWNER);
	nft_end(b);
}

/* The very rules of a stack. */
static void put_rules(struct nl_batch *b, int netns)
{
	(void)netns;
	nft_begin(b);
	nft_put_table(b, "mstk_rules", LINK_OWNER);
	ruleset_put(b, "mstk_rules");
	nft_end(b);
}

static void put_tbf(struct nl_batch *b, int netns)
{
	(void)netns;
	qdisc_put_frames(b, LO_INDEX, 1500);
}

/* In the queue of the row before it. */
static void put_netem(struct nl_batch *b, int netns)
{
	static const struct impair none;

	(void)netns;
	qdisc_put_netem(b, LO_INDEX, &none);
}

static void put_fwd(struct nl_batch *b, int netns)
{
	static const char table[] = NFT_NETDEV "mstk_wires";

	(void)netns;
	nft_begin(b);
	nft_put_table(b, table, LINK_OWNER);
	fwd_put(b, table, "lo", 1);
	nft_end(b);
}

static void put_home(struct nl_batch *b, int netns)
{
	(void)netns;
	homeward_put(b);
}

static const struct probe_row rows[] = {
	{ "network namespaces", "run as root, on a kernel with CONFIG_NET_NS", NULL, 0 },
	{ "bridge", "modprobe bridge", put_bridge, NETLINK_ROUTE },
	{ "veth", "modprobe veth", put_veth, NETLINK_ROUTE },
	{ "nf_tables", "modprobe nf_tables", put_nft, NETLINK_NETFILTER },
	{ "nftables nat, masquerade and fib",
	  "modprobe -a nft_chain_nat nft_nat nft_masq nft_fib_inet nft_ct", put_rules,
	  NETLINK_NETFILTER },
	{ "nftables fwd (lab wires)", "modprobe -a nft_fwd_netdev nf_dup_netdev", put_fwd,
	  NETLINK_NETFILTER },
	{ "nftables owner flag", "use Linux 6.1 or later", put_owned_table, NETLINK_NETFILTER },
	{ "nftables socket (ports of ordinary users)", "modprobe nft_socket", put_home,
	  NETLINK_NETFILTER },
	{ "x-impair: tbf", "modprobe sch_tbf", put_tbf, NETLINK_ROUTE },
	{ "x-impair: netem",
	  "modprobe sch_netem, for delay, jitter, corrupt, duplicate and reorder", put_netem,
	  NETLINK_ROUTE },
};

/* What the child tells of each row. */
struct answer {
	bool ok;
	char why[160];
};

static int try_row(const struct probe_row *row, int netns, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_fd_ int fd = row->put ? nl_socket(row->bus, err) : -1;

	nl_batch_init(&b);
	if (!row->put)
		return 0;
	if (fd < 0)
		return -1;
	row->put(&b, netns);
	return nl_transact(fd, &b, NULL, err);
}

static void run_child(int pipe)
{
	int rc = unshare(CLONE_NEWNET), sys = errno;
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer a = { 0 };
		struct err err = { 0 };

		if (rc)
			err_sys(&err, sys, "make a network namespace");
		a.ok = !rc && !try_row(&rows[i], netns, &err);
		snprintf(a.why, sizeof(a.why), "%.159s", err.text);
		/* Less than PIPE_BUF: whole or not at all, and then the parent says so. */
		if (write(pipe, &a, sizeof(a)) != (ssize_t)sizeof(a))
			break;
	}
	_exit(0);
}

size_t net_probe(struct net_probe *ret, size_t max)
{
	_cleanup_fd_ int in = -1;
	size_t n = 0;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return 0;
	in = fds[0];
	pid = fork();
	if (!pid)
		run_child(fds[1]);
	close(fds[1]);
	for (; pid > 0 && n < max && n < ARRAY_LEN(rows); n++) {
		struct answer a = { .why = "the test ended early" };

		if (read(in, &a, sizeof(a)) < 0)
			snprintf(a.why, sizeof(a.why), "the test gave no answer");
		ret[n] = (struct net_probe){ .what = rows[n].what,
					     .ok = a.ok,
					     .cure = rows[n].cure };
		memcpy(ret[n].why, a.why, sizeof(ret[n].why));
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return n;
}
