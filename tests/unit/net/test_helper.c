/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helper, nameport: the real mstack-net answers who asks in namespaces of the test's own, knows by the socket who that is, and when
 * it is killed or hangs, the next one is told all that it knew.
 */
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base_program.h"
#include "mstack/net_resume.h"
#include "net/link.h"
#include "world.h"

enum { WEB, DB, SLOTS };

struct asking {
	struct world *w;
	struct ev_loop *loop; /* of the world; another one when it was taken up */
	struct net_names *names;
	struct world_ns ns[SLOTS];
	struct net_names_sockets sockets[SLOTS];
	char resolv_conf[128];
};

/* ---- setting up ------------------------------------------------------------------------------ */

static int netfilter_socket(int netns)
{
	_cleanup_fd_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	assert_int_equal(setns(netns, CLONE_NEWNET), 0);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	assert_true(fd >= 0);
	return fd;
}

/* web is on one network, db as well, and only internal. */
static void add(struct asking *a, uint32_t slot, const char *name, uint8_t last, bool internal)
{
	const char *const names[] = { name };
	const struct net_names_at at = { .network = 0,
					 .ips = { { AF_INET, { 10, 9, 0, last } } },
					 .names = names,
					 .n_names = 1 };
	const struct net_names_spec spec = {
		.at = &at, .n_at = 1, .asks = true, .internal = internal
	};

	net_names_add(a->names, slot, &spec);
}

static void tell_all(struct asking *a)
{
	static struct net_bridge_spec bridge = { .altname = "t_default", .n_subnets = 1 };
	const struct net_spec spec = { .bridges = &bridge, .n_bridges = 1 };

	bridge.subnets[0].net = world_net("10.9.0.0", 24);
	net_names_networks(a->names, &spec, 0);
	add(a, WEB, "web", 2, false);
	add(a, DB, "db", 3, true);
}

static void begin(struct asking *a, struct world *w)
{
	struct err err = { 0 };

	*a = (struct asking){ .w = w, .loop = w->loop };
	snprintf(a->resolv_conf, sizeof(a->resolv_conf), "%s/resolv.conf", w->dir);
	a->names = net_names_open(w->loop, a->resolv_conf, NULL, false, world_event, w, &err);
	if (!a->names)
		fail_msg("%s", err.text);
	tell_all(a);
	for (uint32_t i = 0; i < SLOTS; i++) {
		world_ns_make(&a->ns[i]);
		a->sockets[i] =
			(struct net_names_sockets){ world_socket(a->ns[i].netns, SOCK_DGRAM),
						    world_socket(a->ns[i].netns, SOCK_STREAM),
						    netfilter_socket(a->ns[i].netns) };
		/* Before lo is up. */
		if (net_names_listen(a->names, i, &a->sockets[i], &err) < 0)
			fail_msg("%s", err.text);
		world_set_address(a->ns[i].rtnl, "lo", "127.0.0.9", 32, NULL);
	}
}

static void end(struct asking *a)
{
	net_names_close(a->names);
	for (uint32_t i = 0; i < SLOTS; i++) {
		cleanup_fd(&a->sockets[i].udp);
		cleanup_fd(&a->sockets[i].tcp);
		cleanup_fd(&a->sockets[i].nft);
		world_ns_free(&a->ns[i]);
	}
	if (a->w->loop != a->loop) {
		ev_loop_destroy(a->w->loop);
		a->w->loop = a->loop;
	}
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* The loop turns meanwhile, as it does where the supervisor is. */
static ssize_t wait_for_answer(struct asking *a, int fd, uint8_t *ret, size_t size)
{
	for (int i = 0; i < 2000; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		ev_run(a->w->loop, EVRUN_NOWAIT);
		if (poll(&p, 1, 10) > 0)
			return recv(fd, ret, size, 0);
	}
	return -1;
}

/* The socket to which the answer comes. */
static int put_question(struct asking *a, uint32_t slot, const char *name)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = world_socket(a->ns[slot].netns, SOCK_DGRAM);
	uint8_t q[64] = { 1, 2, 1, 0, 0, 1 };
	size_t n = strlen(name), at = 13 + n;

	to.sin_addr.s_addr = htonl(0x7f00000b);
	q[12] = (uint8_t)n;
	memcpy(q + 13, name, n);
	q[at + 2] = q[at + 4] = 1;
	assert_int_equal(sendto(fd, q, at + 5, 0, (struct sockaddr *)&to, sizeof(to)), at + 5);
	return fd;
}

/* The last byte of the address of a name; -RCODE without one. */
static int take_answer(struct asking *a, int fd)
{
	uint8_t got[512];
	ssize_t len = wait_for_answer(a, fd, got, sizeof(got));

	assert_true(len >= 12 && got[0] == 1 && got[1] == 2);
	return got[7] ? got[len - 1] : -(got[3] & 15);
}

static int ask(struct asking *a, uint32_t slot, const char *name)
{
	_cleanup_fd_ int fd = put_question(a, slot, name);

	return take_answer(a, fd);
}

/* What it is told of slots and what it is asked come by different sockets: until it has heard. */
static void ask_until(struct asking *a, uint32_t slot, const char *name, int want)
{
	int got = ask(a, slot, name);

	for (int tries = 0; got != want && tries < 500; tries++) {
		usleep(10000);
		got = ask(a, slot, name);
	}
	assert_int_equal(got, want);
}

/* The child of ours that answers. */
static pid_t helper_pid(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc");
	const struct dirent *e;

	while ((e = readdir(dir))) {
		_cleanup_free_ char *path = xasprintf("/proc/%s/stat", e->d_name);
		struct buf text = { 0 };
		int pid = 0, parent = 0;
		char name[32] = "", state = 0;

		if (atoi(e->d_name) > 0 && !file_read(AT_FDCWD, path, 4096, &text))
			sscanf(buf_str(&text), "%d (%31[^)]) %c %d", &pid, name, &state, &parent);
		buf_fini(&text);
		if (parent == getpid() && state != 'Z' && !strcmp(name, "mstack-net"))
			return pid;
	}
	return 0;
}

static bool can_run(void)
{
	if (world_find_helper())
		return true;
	print_message("skipped: mstack-net is not built\n");
	skip();
	return false;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_answers(void **state)
{
	struct asking a;
	int fd;

	if (!can_run())
		return;
	begin(&a, *state);
	ask_until(&a, WEB, "db", 3);
	ask_until(&a, DB, "web", 2);
	/* By the socket it is known who may ask outside, where there is nobody. */
	ask_until(&a, WEB, "nobody", -2);
	ask_until(&a, DB, "nobody", -5);
	/* Port 53 is free. */
	fd = world_server(a.ns[WEB].netns, SOCK_DGRAM, 53);
	close(fd);
	fd = world_server(a.ns[WEB].netns, SOCK_STREAM, 53);
	ask_until(&a, WEB, "db", 3);
	close(fd);
	assert_int_equal(world_connect(a.ns[DB].netns, "127.0.0.11", 53, &fd), 0);
	close(fd);
	/* Who goes is not known any more, and who comes is. */
	net_names_drop(a.names, WEB);
	ask_until(&a, DB, "web", -5);
	add(&a, WEB, "other", 7, false);
	ask_until(&a, DB, "other", 7);
	end(&a);
}

/* Whatever waits when it comes round to it: what it was told before it was asked holds for the answer. */
static void test_order(void **state)
{
	struct asking a;
	pid_t pid;

	if (!can_run())
		return;
	begin(&a, *state);
	ask_until(&a, DB, "web", 2);
	pid = helper_pid();
	for (uint8_t host = 10; host < 20; host++) {
		_cleanup_fd_ int before = -1, after = -1;
		siginfo_t si;

		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_int_equal(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT), 0);
		before = put_question(&a, DB, "web");
		net_names_drop(a.names, WEB);
		add(&a, WEB, "web", host, false);
		after = put_question(&a, DB, "web");
		assert_int_equal(kill(pid, SIGCONT), 0);
		assert_int_equal(take_answer(&a, after), host);
		assert_true(take_answer(&a, before) > 0);
	}
	end(&a);
}

static void test_starts_again(void **state)
{
	static const int signals[] = { SIGKILL, SIGSEGV, SIGTERM };
	struct world *w = *state;
	struct asking a;

	if (!can_run())
		return;
	begin(&a, w);
	ask_until(&a, WEB, "db", 3);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		pid_t pid = helper_pid();

		w->n_events = 0;
		assert_true(pid > 0);
		assert_int_equal(kill(pid, signals[i]), 0);
		/* Asked while nobody is there. */
		ask_until(&a, WEB, "db", 3);
		ask_until(&a, DB, "nobody", -5);
		assert_int_not_equal(helper_pid(), pid);
		assert_int_equal(w->n_events, 1);
		assert_int_equal(w->events[0].kind, NET_NOTE);
	}
	end(&a);
	assert_int_equal(helper_pid(), 0);
}

/* One that hangs is noticed though it has nothing to do, and another one takes over. */
static void test_hangs(void **state)
{
	struct world *w = *state;
	struct asking a;
	pid_t pid;

	if (!can_run())
		return;
	begin(&a, w);
	ask_until(&a, WEB, "db", 3);
	w->n_events = 0;
	pid = helper_pid();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (int i = 0; i < 600 && !w->n_events; i++)
		world_run(w, 1, 50);
	assert_int_equal(w->n_events, 1);
	ask_until(&a, WEB, "db", 3);
	assert_int_not_equal(helper_pid(), pid);
	end(&a);
}

/* As the next program does it, when this one is `version`. `meanwhile`: what is told after it was written down. */
static void take_up(struct asking *a, const char *version, void (*meanwhile)(struct asking *a))
{
	static void *left[3];
	static size_t n_left;
	struct carry *root = carry_new();
	struct err err = { 0 };

	carry_put(root, "version", version);
	net_names_carry(a->names, root);
	if (meanwhile)
		meanwhile(a);
	assert_true(n_left < ARRAY_LEN(left));
	left[n_left++] = a->names;
	a->w->loop = ev_loop_new(0);
	a->names = net_names_resume(a->w->loop, a->resolv_conf, NULL, false, world_event, a->w);
	tell_all(a);
	for (uint32_t i = 0; i < SLOTS; i++)
		net_names_listens(a->names, i, &a->sockets[i]);
	if (net_names_resumed(a->names, root, !meanwhile, &err) < 0)
		fail_msg("%s", err.text);
	carry_close_rest(root);
	carry_free(root);
}

/* The process is the same one when it is of our version, and the next one knows all when it is not. */
static void test_carried(void **state)
{
	struct asking a;
	pid_t pid;

	if (!can_run())
		return;
	begin(&a, *state);
	ask_until(&a, WEB, "db", 3);
	pid = helper_pid();
	take_up(&a, NULL, NULL);
	ask_until(&a, WEB, "db", 3);
	ask_until(&a, DB, "nobody", -5);
	assert_int_equal(helper_pid(), pid);
	net_names_drop(a.names, WEB);
	add(&a, WEB, "other", 7, false);
	ask_until(&a, DB, "other", 7);
	/* When it ends it is started again, and knows what the first program had told. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	ask_until(&a, DB, "other", 7);
	pid = helper_pid();
	take_up(&a, "0.0.other", NULL);
	ask_until(&a, WEB, "db", 3);
	/* It was told to end, and on a busy machine is a moment about it. */
	for (int i = 0; i < 10000 && helper_pid() == pid; i++)
		usleep(1000);
	assert_int_not_equal(helper_pid(), pid);
	end(&a);
}

static void tell_more(struct asking *a)
{
	net_names_drop(a->names, WEB);
	net_names_drop(a->names, DB);
	add(a, WEB, "late", 8, false);
	net_names_listens(a->names, WEB, &a->sockets[WEB]);
	ask_until(a, WEB, "late", 8);
}

/* It was told more than anybody remembers: it is told all again, and nothing but that is known. */
static void test_ahead(void **state)
{
	struct asking a;
	pid_t pid;

	if (!can_run())
		return;
	begin(&a, *state);
	pid = helper_pid();
	take_up(&a, NULL, tell_more);
	ask_until(&a, WEB, "db", 3);
	ask_until(&a, DB, "web", 2);
	ask_until(&a, DB, "late", -5);
	assert_int_equal(helper_pid(), pid);
	end(&a);
}

/* Told that it is to live longer than who has started it, it is another process. That it does is looked at in keep.bats. */
static void test_outlives(void **state)
{
	struct world *w = *state;
	struct asking a;
	pid_t pid;

	if (!can_run())
		return;
	begin(&a, w);
	pid = helper_pid();
	net_names_outlive(a.names, false);
	assert_int_equal(net_names_pid(a.names), pid);
	net_names_outlive(a.names, true);
	assert_int_equal(net_names_pid(a.names), helper_pid());
	assert_int_not_equal(helper_pid(), pid);
	ask_until(&a, WEB, "db", 3);
	end(&a);
	assert_int_equal(helper_pid(), 0);
}

/* A supervisor died when it had begun with a slot, and before anybody knew: who takes the stack up begins with it again. */
static void test_begun(void **state)
{
	struct err err = { 0 };
	struct asking a;

	if (!can_run())
		return;
	begin(&a, *state);
	net_names_drop(a.names, WEB);
	add(&a, WEB, "web", 2, false);
	if (net_names_listen(a.names, WEB, &a.sockets[WEB], &err) < 0)
		fail_msg("%s", err.text);
	ask_until(&a, WEB, "db", 3);
	end(&a);
}

static void test_no_program(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	setenv(HELPER_VARIABLE, "/nonexistent/mstack-net", 1);
	assert_null(net_names_open(w->loop, "/nonexistent", NULL, false, world_event, w, &err));
	assert_non_null(strstr(err.text, "mstack-net"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers, world_reset),
		cmocka_unit_test_setup(test_order, world_reset),
		cmocka_unit_test_setup(test_starts_again, world_reset),
		cmocka_unit_test_setup(test_hangs, world_reset),
		cmocka_unit_test_setup(test_carried, world_reset),
		cmocka_unit_test_setup(test_ahead, world_reset),
		cmocka_unit_test_setup(test_outlives, world_reset),
		cmocka_unit_test_setup(test_begun, world_reset),
		cmocka_unit_test_setup(test_no_program, world_reset),
	};

	return cmocka_run_group_tests_name("helper", tests, world_setup, world_teardown);
}
