/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netsetup N ROUNDS: how long the network of N containers takes to be made and to be removed: by the net room, which writes down
 * everything before it is made, protects the host by rules and names what it makes; and beside it the bare messages to the kernel for
 * the same links and addresses. Called by tests/bench/traffic inside the sandbox. Namespaces are made before, and not
 * counted. A line for each round: milliseconds of floor up, floor down, mstack up, mstack down.
 */
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "mstack/ledger.h"
#include "mstack/net.h"

enum { SLOTS_MAX = 250, GROUP = 77, ROOM = 512 };
#define BRIDGE "floor0"

struct slot {
	int netns, rtnl;
};

static struct slot slots[SLOTS_MAX];
static size_t n_slots;

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int route_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		fail("netlink");
	return fd;
}

static void make_namespaces(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < n_slots; i++) {
		if (unshare(CLONE_NEWNET))
			fail("unshare");
		slots[i].netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		slots[i].rtnl = route_socket();
	}
	if (setns(home, CLONE_NEWNET))
		fail("setns");
	close(home);
}

/* The kernel takes them apart on its own time; the next round shall not pay for that. */
static void end_namespaces(void)
{
	for (size_t i = 0; i < n_slots; i++) {
		close(slots[i].netns);
		close(slots[i].rtnl);
	}
	usleep(300000);
}

/* ---- the floor ------------------------------------------------------------------------------- */

static char *batch;
static size_t batch_len;
static struct nlmsghdr *last;

static void *begin(uint16_t type, uint16_t flags, size_t head)
{
	last = mnl_nlmsg_put_header(batch + batch_len);
	last->nlmsg_type = type;
	last->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(last, head);
}

static void end(void)
{
	batch_len += NLMSG_ALIGN(last->nlmsg_len);
}

static void send_batch(int fd)
{
	char answer[8192];
	const struct nlmsghdr *m = (void *)answer;

	last->nlmsg_flags |= NLM_F_ACK;
	if (send(fd, batch, batch_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		fail("netlink");
	if (m->nlmsg_type != NLMSG_ERROR || *(const int *)mnl_nlmsg_get_payload(m))
		fail("netlink: refused");
	batch_len = 0;
}

static void put_up(const char *ifname)
{
	struct ifinfomsg *head = begin(RTM_NEWLINK, 0, sizeof(*head));

	head->ifi_flags = head->ifi_change = IFF_UP;
	mnl_attr_put_strz(last, IFLA_IFNAME, ifname);
	end();
}

static void put_address(unsigned index, uint32_t addr)
{
	struct ifaddrmsg *head = begin(RTM_NEWADDR, NLM_F_CREATE, sizeof(*head));

	head->ifa_family = AF_INET;
	head->ifa_prefixlen = 16;
	head->ifa_index = index;
	mnl_attr_put_u32(last, IFA_LOCAL, htonl(addr));
	mnl_attr_put_u32(last, IFA_ADDRESS, htonl(addr));
	end();
}

static void put_bridge(void)
{
	struct nlattr *info;

	begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(last, IFLA_IFNAME, BRIDGE);
	mnl_attr_put_u32(last, IFLA_GROUP, GROUP);
	info = mnl_attr_nest_start(last, IFLA_LINKINFO);
	mnl_attr_put_strz(last, IFLA_INFO_KIND, "bridge");
	mnl_attr_nest_end(last, info);
	end();
}

static void put_veth(size_t i, unsigned bridge)
{
	struct ifinfomsg *head = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*head));
	struct nlattr *info, *data, *peer;
	char name[IFNAMSIZ];

	head->ifi_flags = head->ifi_change = IFF_UP;
	snprintf(name, sizeof(name), "floor-v%zu", i);
	mnl_attr_put_strz(last, IFLA_IFNAME, name);
	mnl_attr_put_u32(last, IFLA_MASTER, bridge);
	mnl_attr_put_u32(last, IFLA_GROUP, GROUP);
	info = mnl_attr_nest_start(last, IFLA_LINKINFO);
	mnl_attr_put_strz(last, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(last, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(last, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(last, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(last, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(last, IFLA_NET_NS_FD, (uint32_t)slots[i].netns);
	mnl_attr_nest_end(last, peer);
	mnl_attr_nest_end(last, data);
	mnl_attr_nest_end(last, info);
	end();
}

/* The first link beside lo. */
static void floor_up(int fd)
{
	unsigned bridge;

	put_bridge();
	send_batch(fd);
	bridge = if_nametoindex(BRIDGE);
	put_address(bridge, 0x0a4d0001);
	put_up(BRIDGE);
	for (size_t i = 0; i < n_slots; i++)
		put_veth(i, bridge);
	send_batch(fd);
	for (size_t i = 0; i < n_slots; i++) {
		put_up("lo");
		put_up("eth0");
		put_address(2, 0x0a4d0002 + (uint32_t)i);
		send_batch(slots[i].rtnl);
	}
}

static void floor_down(int fd)
{
	begin(RTM_DELLINK, 0, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(last, IFLA_GROUP, GROUP);
	end();
	send_batch(fd);
}

static void measure_floor(void)
{
	int fd = route_socket();
	double t0, t1, t2;

	make_namespaces();
	t0 = now_ms();
	floor_up(fd);
	t1 = now_ms();
	floor_down(fd);
	t2 = now_ms();
	printf("%.3f %.3f ", t1 - t0, t2 - t1);
	close(fd);
	end_namespaces();
}

/* ---- the room -------------------------------------------------------------------------------- */

static struct ip_net address(uint32_t addr)
{
	struct in_addr in = { htonl(addr) };

	return (struct ip_net){ ip_from4(in), 16 };
}

static void fill_spec(struct net_spec *spec, struct net_bridge_spec *br, struct net_port_spec *ports,
		      struct net_attach *list)
{
	struct ip_net first = address(0x0a4d0000);

	*br = (struct net_bridge_spec){
		.ifname = "mstkbench", .altname = "bench_default", .n_subnets = 1, .mtu = 1500
	};
	br->subnets[0] = (struct net_subnet){ first, ip_plus(&first.ip, 1) };
	*spec = (struct net_spec){
		.project = "bench", .id = GROUP, .table = "mstk_bench", .bridges = br, .n_bridges = 1
	};
	for (size_t i = 0; i < n_slots; i++) {
		ports[i] = (struct net_port_spec){ .alias = "mstack:bench:slot",
						   .ifname = "eth0",
						   .mac = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i },
						   .ip4 = address(0x0a4d0002 + (uint32_t)i),
						   .gateway4 = ip_plus(&first.ip, 1) };
		snprintf(ports[i].host_ifname, IFNAMSIZ, "mvbench%zu", i);
		list[i] = (struct net_attach){ .token = i,
					       .netns_fd = slots[i].netns,
					       .rtnl_fd = slots[i].rtnl,
					       .ports = &ports[i],
					       .n_ports = 1 };
	}
}

static void measure_room(void)
{
	static const struct ledger_kind *const *const kinds[] = { ledger_kinds, net_ledger_kinds,
								   NULL };
	static struct net_port_spec ports[SLOTS_MAX];
	static struct net_attach list[SLOTS_MAX];
	struct net_bridge_spec br;
	struct net_spec spec;
	struct err err = { 0 };
	struct ledger *l = ledger_open("netsetup.ledger", true, kinds, &err);
	struct net *n;
	double t0, t1, t2;

	make_namespaces();
	fill_spec(&spec, &br, ports, list);
	if (!l || ledger_lock(l, 0, NULL, &err))
		fail(err.text);
	t0 = now_ms();
	n = net_open(NULL, &spec, l, NULL, NULL, &err);
	if (!n || net_up(n, &err) || net_attach(n, list, n_slots, &err))
		fail(err.text);
	t1 = now_ms();
	net_down(n);
	t2 = now_ms();
	printf("%.3f %.3f\n", t1 - t0, t2 - t1);
	net_close(n);
	ledger_undo(l, 5000, NULL, NULL, &err);
	ledger_close(l);
	unlink("netsetup.ledger");
	end_namespaces();
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 1;

	n_slots = argc > 1 ? (size_t)atoi(argv[1]) : 1;
	if (!n_slots || n_slots > SLOTS_MAX)
		return 2;
	batch = calloc(n_slots + 4, ROOM);
	for (int i = 0; i < rounds; i++) {
		measure_floor();
		measure_room();
		fflush(stdout);
	}
	free(batch);
	return 0;
}
