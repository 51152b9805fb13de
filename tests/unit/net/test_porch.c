/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * porch, porchproc, homeward, and what hold and mstack-net do with them: a stack in a network namespace of its own below the made-up host,
 * whose published ports are called from the outside. Pasta is not run: it would find no user here.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base_program.h"
#include "net/net.h"
#include "net/nl.h"
#include "net/porch.h"
#include "world.h"

enum { WEB = 0, PORT = 8080 };

struct below {
	struct world *w;
	int host; /* its network */
	struct net_porch *porch;
	struct world_stack s;
	struct net_names *names;
};

static void need_helper(void)
{
	if (world_find_helper())
		return;
	print_message("skipped: no mstack-net beside the tests\n");
	skip();
}

static struct net_porch *open_porch(void)
{
	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	struct net_porch *p;
	struct err err = { 0 };

	setenv("PATH", "/nonexistent", 1);
	p = net_porch_open(&err);
	setenv("PATH", path, 1);
	if (!p)
		fail_msg("%s", err.text);
	return p;
}

static void go_below(struct below *b, struct world *w)
{
	_cleanup_fd_ int rtnl = -1;
	struct err err = { 0 };

	*b = (struct below){ .w = w, .host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) };
	b->porch = open_porch();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	rtnl = nl_socket(NETLINK_ROUTE, &err);
	world_set_address(rtnl, "lo", "127.0.0.9", 32, NULL);
	if (net_porch_enter(b->porch, &err) < 0)
		fail_msg("%s", err.text);
	world_stack_open(w, &b->s, "demo", 77);
	net_use_porch(b->s.net, b->porch);
}

static void come_back(struct below *b)
{
	net_names_close(b->names);
	if (b->s.net)
		net_down(b->s.net);
	world_undo(b->w);
	world_stack_close(b->w, &b->s);
	net_porch_close(b->porch);
	assert_int_equal(setns(b->host, CLONE_NEWNET), 0);
	close(b->host);
}

/* The stack is up, and this port of its first slot is published. */
static void raise_stack(struct below *b, struct net_publish_spec *pub)
{
	_cleanup_free_ char *resolv_conf = xasprintf("%s/resolv.conf", b->w->dir);
	struct err err = { 0 };

	if (net_reserve(b->s.net, pub, 1, &err) < 0 || net_up(b->s.net, &err) < 0)
		fail_msg("%s", err.text);
	world_stack_attach(b->w, &b->s);
	if (net_publish(b->s.net, pub, 1, true, &err) < 0)
		fail_msg("%s", err.text);
	b->names =
		net_names_open(b->w->loop, resolv_conf, b->porch, false, world_event, b->w, &err);
	if (!b->names)
		fail_msg("%s", err.text);
	net_names_networks(b->names, &b->s.spec, 0);
	net_names_proxy(b->names, b->s.net, pub, 1, true);
}

static struct net_publish_spec web(uint8_t protocol)
{
	return (struct net_publish_spec){ .protocol = protocol,
					  .host_ip = world_ip("0.0.0.0"),
					  .host_port = PORT,
					  .addr = world_ip("10.77.0.2"),
					  .port = 80,
					  .owner = "web" };
}

static struct ip peer_of(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&a, &len), 0);
	return ip_from4(a.sin_addr);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

/* What one end says comes out at the other. */
static void check_talk(int from, int to)
{
	char text[8] = { 0 };

	assert_int_equal(write(from, "hello", 5), 5);
	world_readable(to);
	assert_int_equal(read(to, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
}

static void test_client_keeps_address(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	int server, client = -1, conn;
	struct ip peer, own = world_ip("192.0.2.2");
	struct below b;

	need_helper();
	go_below(&b, *state);
	raise_stack(&b, &pub);
	server = world_server(b.s.ns[WEB].netns, SOCK_STREAM, 80);
	assert_int_equal(world_connect(b.w->outside.netns, "192.0.2.1", PORT, &client), 0);
	world_readable(server);
	conn = accept(server, NULL, NULL);
	peer = peer_of(conn);
	if (!ip_equal(&peer, &own))
		fail_msg("it came from %s", ip_text(&peer).text);
	check_talk(client, conn);
	check_talk(conn, client);
	close(conn);
	close(client);
	close(server);
	come_back(&b);
}

/* By 127.0.0.1 of the host: the gateway calls, as for root. */
static void test_host_itself(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct ip peer, gateway = world_ip("10.77.0.1");
	int server, client = -1, conn;
	struct below b;

	need_helper();
	go_below(&b, *state);
	raise_stack(&b, &pub);
	server = world_server(b.s.ns[WEB].netns, SOCK_STREAM, 80);
	assert_int_equal(world_connect(b.host, "127.0.0.1", PORT, &client), 0);
	world_readable(server);
	conn = accept(server, NULL, NULL);
	peer = peer_of(conn);
	assert_true(ip_equal(&peer, &gateway));
	check_talk(client, conn);
	close(conn);
	close(client);
	close(server);
	come_back(&b);
}

/* Somebody is there. False: and resets us so soon that we hear of nothing else. */
static bool is_taken(const struct below *b, int *ret_client)
{
	if (world_connect(b->w->outside.netns, "192.0.2.1", PORT, ret_client) == 0)
		return true;
	assert_int_equal(errno, ECONNRESET);
	return false;
}

/* Who is not among those that may reach it is reset; withdrawn, nobody is there. */
static void test_allowed(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct ip_net allow[] = { world_net("198.51.100.0", 24), world_net("192.0.2.0", 24) };
	struct pollfd p = { .events = POLLIN };
	int server, client = -1;
	char byte;
	struct below b;

	need_helper();
	go_below(&b, *state);
	pub.allow = allow;
	pub.n_allow = 1;
	raise_stack(&b, &pub);
	server = world_server(b.s.ns[WEB].netns, SOCK_STREAM, 80);
	if (is_taken(&b, &client)) {
		p.fd = client;
		assert_int_equal(poll(&p, 1, 10000), 1);
		assert_true(read(client, &byte, 1) <= 0);
	}
	cleanup_fd(&client);
	p.revents = 0;
	net_names_proxy(b.names, b.s.net, &pub, 1, false);
	assert_int_not_equal(world_no_connect(b.w->outside.netns, "192.0.2.1", PORT), 0);
	pub.n_allow = 2;
	net_names_proxy(b.names, b.s.net, &pub, 1, true);
	/* mstack-net may hear of both a moment after the port is listened on again, and resets who comes in between. */
	for (int i = 0; i < 100 && p.revents != POLLIN; i++) {
		cleanup_fd(&client);
		(void)is_taken(&b, &client);
		p = (struct pollfd){ .fd = server, .events = POLLIN };
		poll(&p, 1, 100);
	}
	assert_int_equal(p.revents, POLLIN);
	close(client);
	close(server);
	come_back(&b);
}

/* ---- UDP ------------------------------------------------------------------------------------- */

static void test_datagrams(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_UDP);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) }, from = { 0 };
	socklen_t len = sizeof(from);
	struct ip host = world_ip("192.0.2.1"), peer, own = world_ip("192.0.2.2");
	int server, client;
	char text[8] = { 0 };
	struct below b;

	need_helper();
	go_below(&b, *state);
	raise_stack(&b, &pub);
	server = world_server(b.s.ns[WEB].netns, SOCK_DGRAM, 80);
	client = world_server(b.w->outside.netns, SOCK_DGRAM, 4444);
	to.sin_addr = ip_to4(&host);
	assert_int_equal(sendto(client, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	world_readable(server);
	assert_int_equal(recvfrom(server, text, sizeof(text), 0, (struct sockaddr *)&from, &len),
			 5);
	peer = ip_from4(from.sin_addr);
	assert_true(ip_equal(&peer, &own));
	assert_int_equal(ntohs(from.sin_port), 4444);
	assert_int_equal(sendto(server, "back", 4, 0, (struct sockaddr *)&from, len), 4);
	world_readable(client);
	assert_int_equal(recvfrom(client, text, sizeof(text), 0, (struct sockaddr *)&from, &len),
			 4);
	assert_int_equal(ntohs(from.sin_port), PORT);
	close(server);
	close(client);
	come_back(&b);
}

/* ---- what is refused, and what is not there -------------------------------------------------- */

static void test_taken(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct err err = { 0 };
	int other;
	struct below b;

	go_below(&b, *state);
	other = world_server(b.host, SOCK_STREAM, PORT);
	assert_int_equal(net_reserve(b.s.net, &pub, 1, &err), -1);
	assert_non_null(strstr(err.text, "port 8080/tcp (web): already in use on this host"));
	close(other);
	assert_int_equal(net_reserve(b.s.net, &pub, 1, &err), 0);
	come_back(&b);
}

/* The host's port, not one of below. */
static void test_chosen(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct err err = { 0 };
	struct below b;

	go_below(&b, *state);
	pub.host_port = 0;
	assert_int_equal(net_reserve(b.s.net, &pub, 1, &err), 0);
	assert_int_not_equal(pub.host_port, 0);
	come_back(&b);
}

static void test_no_pasta(void **state)
{
	struct below b;

	go_below(&b, *state);
	assert_string_equal(net_porch_await(b.porch),
			    "pasta is not installed: sudo apt-get install passt");
	come_back(&b);
}

/* Somebody at the desk wishes and takes nothing: that one is hung up on, and ports are given out as before. */
static void test_desk_that_takes_nothing(void **state)
{
	const struct porch_wish wish = { AF_INET, SOCK_DGRAM };
	struct net_publish_spec pub = web(IPPROTO_TCP);
	_cleanup_fd_ int desk = -1;
	struct err err = { 0 };
	struct below b;

	go_below(&b, *state);
	desk = porch_desk(b.porch);
	assert_true(desk >= 0);
	while (fd_send(desk, &wish, sizeof(wish), -1) == 0)
		;
	assert_int_not_equal(errno, EAGAIN);
	if (net_reserve(b.s.net, &pub, 1, &err) < 0)
		fail_msg("%s", err.text);
	come_back(&b);
}

/* ---- its death ------------------------------------------------------------------------------- */

static void run_until(struct below *b, bool (*is)(const struct below *b))
{
	for (int i = 0; i < 4000 && !is(b); i++)
		world_run(b->w, SIZE_MAX, 5);
	assert_true(is(b));
}

static bool has_spare(const struct below *b)
{
	return porch_spare_pid(b->porch) != 0;
}

/* As a supervisor does. */
static void listen_to(struct below *b)
{
	net_porch_await(b->porch);
	net_porch_hear(b->porch, b->w->loop, world_event, b->w);
	run_until(b, has_spare);
	b->w->n_events = 0;
}

/* That there is no pasta is said anew: it has been told of the network. */
static bool is_replaced(const struct below *b)
{
	return b->w->n_events == 2 && has_spare(b);
}

static void replace(struct below *b)
{
	pid_t spare = porch_spare_pid(b->porch);

	b->w->n_events = 0;
	assert_int_equal(kill(porch_pid(b->porch), SIGKILL), 0);
	run_until(b, is_replaced);
	assert_int_equal(porch_pid(b->porch), spare);
	assert_int_not_equal(porch_spare_pid(b->porch), spare);
}

/* The port is one of the host's. */
static void check_reserves(const struct below *b, uint16_t port)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct err err = { 0 };
	int other = world_server(b->host, SOCK_STREAM, port);

	pub.host_port = port;
	assert_int_equal(net_reserve(b->s.net, &pub, 1, &err), -1);
	assert_non_null(strstr(err.text, "already in use on this host"));
	close(other);
	if (net_reserve(b->s.net, &pub, 1, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_killed(void **state)
{
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	replace(&b);
	check_reserves(&b, PORT);
	replace(&b);
	check_reserves(&b, PORT + 1);
	come_back(&b);
}

/* Who asks finds out first, and has an answer. */
static void test_killed_and_asked(void **state)
{
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	assert_int_equal(kill(porch_pid(b.porch), SIGKILL), 0);
	check_reserves(&b, PORT);
	run_until(&b, is_replaced);
	come_back(&b);
}

static void test_spare_killed(void **state)
{
	pid_t spare, porter;
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	spare = porch_spare_pid(b.porch);
	porter = porch_pid(b.porch);
	assert_int_equal(kill(spare, SIGKILL), 0);
	while (porch_spare_pid(b.porch) == spare)
		world_run(b.w, SIZE_MAX, 5);
	run_until(&b, has_spare);
	assert_int_equal(porch_pid(b.porch), porter);
	assert_int_equal(b.w->n_events, 0);
	replace(&b);
	check_reserves(&b, PORT);
	come_back(&b);
}

static bool has_nobody(const struct below *b)
{
	return !porch_pid(b->porch) && !porch_spare_pid(b->porch);
}

/* Whichever of them is heard of first. */
static void test_both_killed(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct err err = { 0 };
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	kill(porch_spare_pid(b.porch), SIGKILL);
	kill(porch_pid(b.porch), SIGKILL);
	run_until(&b, has_nobody);
	assert_true(b.w->n_events == 1 || b.w->n_events == 2);
	assert_int_equal(net_reserve(b.s.net, &pub, 1, &err), -1);
	assert_non_null(strstr(err.text, "'mstack down' and 'mstack up'"));
	come_back(&b);
}

static void kill_for_sure(pid_t pid)
{
	siginfo_t si;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0);
}

/* Who asks meets one after the other, and that is the end of it: the dead fork nobody. */
static void test_both_killed_and_asked(void **state)
{
	struct net_publish_spec pub = web(IPPROTO_TCP);
	struct err err = { 0 };
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	kill_for_sure(porch_spare_pid(b.porch));
	kill_for_sure(porch_pid(b.porch));
	assert_int_equal(net_reserve(b.s.net, &pub, 1, &err), -1);
	world_run(b.w, SIZE_MAX, 100);
	assert_int_equal(b.w->n_events, 2);
	come_back(&b);
}

static void test_close_ends_both(void **state)
{
	pid_t porter, spare;
	struct below b;

	go_below(&b, *state);
	listen_to(&b);
	porter = porch_pid(b.porch);
	spare = porch_spare_pid(b.porch);
	come_back(&b);
	assert_int_equal(kill(porter, 0), -1);
	assert_int_equal(kill(spare, 0), -1);
}

/* ---- the next supervisor --------------------------------------------------------------------- */

/* What is done in the host's network before it is left. */
static struct net_porch *open_on_host(const struct below *b)
{
	_cleanup_fd_ int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct net_porch *p;

	assert_int_equal(setns(b->host, CLONE_NEWNET), 0);
	p = open_porch();
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	return p;
}

/* The supervisor that was: nobody hears it any more, and nobody has closed anything for it. */
struct former {
	struct net_porch *porch;
	struct ev_loop *loop;
	pid_t porter, spare;
	struct carry *tree;
};

/* With descriptors of its own, as in the guard. */
static void carry_away(struct below *b, struct former *f)
{
	_cleanup_free_ int *fds = NULL;
	size_t n = 0;

	*f = (struct former){ .porch = b->porch,
			      .loop = ev_loop_new(EVFLAG_AUTO),
			      .tree = carry_new() };
	net_porch_await(f->porch);
	net_porch_hear(f->porch, f->loop, world_event, b->w);
	while (!porch_spare_pid(f->porch))
		ev_run(f->loop, EVRUN_ONCE);
	f->porter = porch_pid(f->porch);
	f->spare = porch_spare_pid(f->porch);
	net_porch_carry(f->porch, f->tree);
	fds = carry_fds(f->tree, &n);
	for (size_t i = 0; i < n; i++)
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	assert_int_equal(carry_set_fds(f->tree, fds, n, &(struct err){ 0 }), 0);
}

static void take_up(struct below *b, struct former *f, struct net_porch *fresh)
{
	b->porch = net_porch_resume(f->tree, fresh);
	assert_non_null(b->porch);
	carry_close_rest(f->tree);
	carry_free(f->tree);
	net_porch_close(fresh);
	net_use_porch(b->s.net, b->porch);
	net_porch_hear(b->porch, b->w->loop, world_event, b->w);
	run_until(b, has_spare);
}

/* Last, as it tells those that it has that nobody is there any more. */
static void former_fini(struct former *f)
{
	net_porch_close(f->porch);
	ev_loop_destroy(f->loop);
}

static void test_next_program(void **state)
{
	struct former f;
	struct below b;

	go_below(&b, *state);
	carry_away(&b, &f);
	take_up(&b, &f, NULL);
	assert_int_equal(porch_pid(b.porch), f.porter);
	assert_int_equal(porch_spare_pid(b.porch), f.spare);
	check_reserves(&b, PORT);
	replace(&b);
	check_reserves(&b, PORT + 1);
	come_back(&b);
	former_fini(&f);
}

/* The way out stays as it is, and the spare is that of the one who adopts. */
static void test_adopted(void **state)
{
	struct former f;
	struct below b;

	go_below(&b, *state);
	carry_away(&b, &f);
	take_up(&b, &f, open_on_host(&b));
	assert_int_equal(porch_pid(b.porch), f.porter);
	assert_int_not_equal(porch_spare_pid(b.porch), f.spare);
	replace(&b);
	check_reserves(&b, PORT);
	come_back(&b);
	former_fini(&f);
}

static void test_adopted_when_dead(void **state)
{
	struct former f;
	struct below b;

	go_below(&b, *state);
	carry_away(&b, &f);
	kill(f.porter, SIGKILL);
	kill(f.spare, SIGKILL);
	take_up(&b, &f, open_on_host(&b));
	check_reserves(&b, PORT);
	come_back(&b);
	former_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_client_keeps_address, world_reset),
		cmocka_unit_test_setup(test_host_itself, world_reset),
		cmocka_unit_test_setup(test_allowed, world_reset),
		cmocka_unit_test_setup(test_datagrams, world_reset),
		cmocka_unit_test_setup(test_taken, world_reset),
		cmocka_unit_test_setup(test_chosen, world_reset),
		cmocka_unit_test_setup(test_no_pasta, world_reset),
		cmocka_unit_test_setup(test_desk_that_takes_nothing, world_reset),
		cmocka_unit_test_setup(test_killed, world_reset),
		cmocka_unit_test_setup(test_killed_and_asked, world_reset),
		cmocka_unit_test_setup(test_spare_killed, world_reset),
		cmocka_unit_test_setup(test_both_killed, world_reset),
		cmocka_unit_test_setup(test_both_killed_and_asked, world_reset),
		cmocka_unit_test_setup(test_close_ends_both, world_reset),
		cmocka_unit_test_setup(test_next_program, world_reset),
		cmocka_unit_test_setup(test_adopted, world_reset),
		cmocka_unit_test_setup(test_adopted_when_dead, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
