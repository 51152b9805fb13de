/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world: see world.h. Talks to the kernel by plain system calls and the room's own
 * messages; runs no tool.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base_program.h"
#include "net/addr.h"
#include "net/link.h"
#include "net/route.h"
#include "world.h"

static const struct ledger_kind *const *const kinds[] = { ledger_kinds, net_ledger_kinds, NULL };

static int open_self(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

struct ip world_ip(const char *text)
{
	struct ip ip;

	assert_true(ip_parse(text, &ip));
	return ip;
}

struct ip_net world_net(const char *text, unsigned prefix)
{
	return (struct ip_net){ world_ip(text), (uint8_t)prefix };
}

static void transact(int rtnl, struct nl_batch *b)
{
	struct err err = { 0 };

	if (nl_transact(rtnl, b, NULL, &err))
		fail_msg("%s", err.text);
	nl_batch_fini(b);
}

static void host_link_up(int rtnl, const char *ifname)
{
	struct nl_batch b;

	nl_batch_init(&b);
	link_put_up(&b, ifname);
	transact(rtnl, &b);
}

void world_set_address(int rtnl, const char *ifname, const char *ip, unsigned prefix,
		       const char *gateway)
{
	struct ip_net net = world_net(ip, prefix);
	struct link_info l;
	struct nl_batch b;
	struct err err;

	host_link_up(rtnl, ifname);
	assert_int_equal(link_find(rtnl, ifname, &l, &err), 0);
	nl_batch_init(&b);
	addr_put(&b, l.index, &net);
	if (gateway) {
		net.ip = world_ip(gateway);
		route_put_default(&b, l.index, &net.ip);
	}
	transact(rtnl, &b);
}

void world_ns_make(struct world_ns *ret)
{
	int home = open_self();
	struct err err;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	ret->netns = open_self();
	ret->rtnl = nl_socket(NETLINK_ROUTE, &err);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	assert_true(ret->rtnl >= 0);
}

void world_ns_free(struct world_ns *ns)
{
	cleanup_fd(&ns->netns);
	cleanup_fd(&ns->rtnl);
}

/* The outside knows the host's up-link and nothing of what is behind it. */
static void make_outside(struct world *w)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
	struct link_veth veth = { .host_ifname = "up0", .ifname = "out0", .mac = mac, .up = true };
	_cleanup_fd_ int rtnl = nl_socket(NETLINK_ROUTE, NULL);
	struct nl_batch b;

	world_ns_make(&w->outside);
	veth.netns_fd = w->outside.netns;
	nl_batch_init(&b);
	link_put_veth(&b, &veth);
	transact(rtnl, &b);
	world_set_address(w->outside.rtnl, "out0", "192.0.2.2", 24, NULL);
	world_set_address(rtnl, "up0", "192.0.2.1", 24, "192.0.2.2");
	world_set_address(w->outside.rtnl, "out0", "2001:db8::2", 64, NULL);
	world_set_address(rtnl, "up0", "2001:db8::1", 64, "2001:db8::2");
	host_link_up(rtnl, "lo");
}

static void open_ledger(struct world *w)
{
	_cleanup_free_ char *path = xasprintf("%s/ledger", w->dir);
	struct err err;

	w->ledger = ledger_open(path, true, kinds, &err);
	assert_non_null(w->ledger);
	assert_int_equal(ledger_lock(w->ledger, 0, NULL, &err), 0);
}

int world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	if (geteuid()) {
		print_message("skipped: needs root to make network namespaces\n");
		exit(0);
	}
	assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	strcpy(w->dir, "/tmp/mstack-net-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	setenv("MSTACK_RUN_DIR", w->dir, 1);
	w->loop = ev_loop_new(0);
	make_outside(w);
	open_ledger(w);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	world_ns_free(&w->outside);
	ledger_close(w->ledger);
	ev_loop_destroy(w->loop);
	path_remove_tree(AT_FDCWD, w->dir);
	free(w);
	return 0;
}

static void tell(void *arg, const char *line)
{
	(void)arg;
	print_message("left: %s\n", line);
}

void world_undo(struct world *w)
{
	struct err err = { 0 };
	int rc = ledger_undo(w->ledger, 2000, tell, NULL, &err);

	if (rc)
		fail_msg("undo: %d: %s", rc, err.text);
}

int world_reset(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(w->nets); i++)
		net_close(take_ptr(&w->nets[i]));
	world_undo(w);
	w->n_events = 0;
	return 0;
}

int world_socket(int netns, int type)
{
	int home = open_self(), fd;

	if (netns >= 0)
		assert_int_equal(setns(netns, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	close(home);
	assert_true(fd >= 0);
	return fd;
}

int world_server(int netns, int type, uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = world_socket(netns, type), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int connect_within(int netns, const char *ip, uint16_t port, int ms, int *ret_fd)
{
	struct ip to = world_ip(ip);
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr = ip_to4(&to) };
	_cleanup_fd_ int fd = world_socket(netns, SOCK_STREAM);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) && errno != EINPROGRESS)
		return -1;
	if (poll(&p, 1, ms) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len);
	errno = sys;
	if (sys)
		return -1;
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}

int world_connect(int netns, const char *ip, uint16_t port, int *ret_fd)
{
	return connect_within(netns, ip, port, 10000, ret_fd);
}

int world_no_connect(int netns, const char *ip, uint16_t port)
{
	return connect_within(netns, ip, port, 300, NULL);
}

void world_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
}

void world_event(void *world, const struct net_event *ev)
{
	struct world *w = world;

	assert_true(w->n_events < ARRAY_LEN(w->events));
	w->events[w->n_events++] = *ev;
}

static void on_tick(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)timer;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

void world_run(struct world *w, size_t events, unsigned ms)
{
	uint64_t until = time_mono_ms() + ms;
	struct ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0.005);
	ev_timer_start(w->loop, &tick);
	while (w->n_events < events && time_mono_ms() < until)
		ev_run(w->loop, EVRUN_ONCE);
	ev_timer_stop(w->loop, &tick);
}

int world_forwarding(const char *ifname)
{
	_cleanup_free_ char *path = xasprintf("/proc/sys/net/ipv4/conf/%s/forwarding", ifname);
	struct buf text = { 0 };
	int rc = -1;

	if (!file_read(AT_FDCWD, path, 16, &text))
		rc = atoi(buf_str(&text));
	buf_fini(&text);
	return rc;
}

void world_set_forwarding(const char *ifname, const char *value)
{
	_cleanup_free_ char *path = xasprintf("/proc/sys/net/ipv4/conf/%s/forwarding", ifname);

	assert_int_equal(file_put(AT_FDCWD, path, value), 0);
}

static struct ip in_net(unsigned net, unsigned host)
{
	return ip_from4((struct in_addr){ htonl(10u << 24 | net << 16 | host) });
}

static void fill_port(struct world_stack *s, size_t i, size_t bridge, const char *ifname,
		      unsigned host)
{
	struct net_port_spec *p = &s->ports[i];
	uint64_t h = hash64_str(s->spec.project) + i;

	*p = (struct net_port_spec){ .bridge = bridge, .alias = "mstack:demo:slot" };
	snprintf(p->host_ifname, sizeof(p->host_ifname), "mv%010llx",
		 (unsigned long long)h & 0xffffffffff);
	snprintf(p->ifname, sizeof(p->ifname), "%s", ifname);
	link_mac(p->host_ifname, p->mac);
	p->mac[5] ^= 1;
	p->ip4.ip = ip_plus(&s->bridges[bridge].subnets[0].net.ip, host);
	p->ip4.prefix = 24;
	p->ip6.ip = ip_plus(&s->bridges[bridge].subnets[1].net.ip, host);
	p->ip6.prefix = 64;
	if (s->bridges[bridge].internal)
		return;
	p->gateway4 = s->bridges[bridge].subnets[0].gateway;
	p->gateway6 = s->bridges[bridge].subnets[1].gateway;
}

void world_stack_open(struct world *w, struct world_stack *s, const char *project,
		      unsigned net_number)
{
	struct err err = { 0 };

	*s = (struct world_stack){ .spec = { .project = project, .n_bridges = 2 } };
	s->spec.bridges = s->bridges;
	s->spec.id = (uint32_t)hash64_str(project);
	snprintf(s->spec.table, sizeof(s->spec.table), "mstk_%s", project);
	for (unsigned i = 0; i < 2; i++) {
		struct net_bridge_spec *br = &s->bridges[i];

		snprintf(br->ifname, sizeof(br->ifname), "mstk%07x%u", s->spec.id >> 4, i);
		br->altname = i ? NULL : "demo_default";
		br->subnets[0].net = (struct ip_net){ in_net(net_number + 11 * i, 0), 24 };
		br->subnets[0].gateway = in_net(net_number + 11 * i, 1);
		br->subnets[1].net = world_net("fd10::", 64);
		br->subnets[1].net.ip.bytes[7] = (uint8_t)(net_number + 11 * i);
		br->subnets[1].gateway = ip_plus(&br->subnets[1].net.ip, 1);
		br->n_subnets = 2;
		br->internal = i == 1;
		br->mtu = 1400;
		br->line = 10 + i;
	}
	fill_port(s, 0, 0, "eth0", 2);
	fill_port(s, 1, 0, "eth0", 3);
	fill_port(s, 2, 1, "eth1", 3);
	fill_port(s, 3, 1, "eth0", 4);
	s->net = net_open(w->loop, &s->spec, w->ledger, world_event, w, &err);
	if (!s->net)
		fail_msg("net_open: %s", err.text);
	w->nets[w->nets[0] != NULL] = s->net;
}

void world_stack_attach(struct world *w, struct world_stack *s)
{
	static const size_t first[] = { 0, 1, 3 }, count[] = { 1, 2, 1 };
	struct err err = { 0 };

	for (size_t i = 0; i < 3; i++) {
		world_ns_make(&s->ns[i]);
		s->slots[i] = (struct net_attach){ .token = i + 1,
						   .netns_fd = s->ns[i].netns,
						   .rtnl_fd = s->ns[i].rtnl,
						   .ports = &s->ports[first[i]],
						   .n_ports = count[i] };
	}
	if (net_attach(s->net, s->slots, 3, &err))
		fail_msg("net_attach: %s", err.text);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(s->slots[i].err.text, "");
	assert_int_equal(w->n_events, 0);
	world_run(w, 3, 10000);
	assert_int_equal(w->n_events, 3);
	w->n_events = 0;
}

void world_stack_close(struct world *w, struct world_stack *s)
{
	for (size_t i = 0; i < ARRAY_LEN(w->nets); i++)
		if (w->nets[i] == s->net)
			w->nets[i] = NULL;
	net_close(s->net);
	for (size_t i = 0; i < 3; i++)
		if (s->ns[i].netns)
			world_ns_free(&s->ns[i]);
}

bool world_find_helper(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	_cleanup_free_ char *program = NULL;

	assert_true(n > 0);
	self[n] = '\0';
	program = xasprintf("%s/../../mstack-net", dirname(self));
	setenv(HELPER_VARIABLE, program, 1);
	return !access(program, X_OK);
}
