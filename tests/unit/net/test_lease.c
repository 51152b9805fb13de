/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lease: forwarding is on as long as somebody needs it and then as it was before, whoever
 * dies when.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/lease.h"
#include "net/link.h"
#include "world.h"

static void candidates(struct lease_devices *ret)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	struct lease_wanted wanted = { 0 };
	struct err err = { 0 };

	if (lease_candidates(fd, AF_INET, &wanted, &err))
		fail_msg("%s", err.text);
	assert_int_equal(wanted.switches.n, wanted.uplinks.n);
	*ret = wanted.switches;
	vec_fini(&wanted.uplinks);
}

static struct lease_device up0(void)
{
	struct lease_device d = { .ifname = "up0", .index = (int)if_nametoindex("up0") };

	return d;
}

static void take(struct world *w, const char *project)
{
	struct lease_device d = up0();
	struct err err = { 0 };

	if (lease_take(w->ledger, &d, project, &err))
		fail_msg("%s", err.text);
}

static int drop(const char *project)
{
	_cleanup_free_ char *key = xasprintf("forwarding:up0:%s", project);
	struct err err = { 0 };

	return lease_drop(key, &err);
}

static bool has_books(const struct world *w)
{
	_cleanup_free_ char *path = xasprintf("%s/leases", w->dir);

	return !access(path, F_OK);
}

static void test_candidates(void **state)
{
	struct lease_devices d;

	(void)state;
	candidates(&d);
	assert_int_equal(d.n, 1); /* not lo */
	assert_string_equal(d.v[0].ifname, "up0");
	lease_devices_fini(&d);
	/* What the host does by itself is none of our business. */
	world_set_forwarding("up0", "1");
	candidates(&d);
	assert_int_equal(d.n, 0);
	lease_devices_fini(&d);
	world_set_forwarding("up0", "0");
}

static void test_counted(void **state)
{
	struct world *w = *state;
	struct lease_devices d;

	take(w, "one");
	assert_int_equal(world_forwarding("up0"), 1);
	assert_int_equal(lease_held("forwarding:up0:one"), 1);
	assert_int_equal(lease_held("forwarding:up0:two"), 0);
	/* on, but by a lease: the second stack takes part */
	candidates(&d);
	assert_int_equal(d.n, 1);
	lease_devices_fini(&d);
	take(w, "two");
	take(w, "two");
	assert_int_equal(drop("one"), 0);
	assert_int_equal(drop("one"), 1);
	assert_int_equal(world_forwarding("up0"), 1);
	assert_int_equal(drop("two"), 0);
	assert_int_equal(world_forwarding("up0"), 0);
	assert_false(has_books(w));
}

/* IPv6: by device where the kernel can, else for the host, with its devices told to go on listening to routers. */
static void test_ipv6(void **state)
{
	static const struct lease_device host[] = {
		{ .what = HOST_ACCEPT_RA, .ifname = "up0" },
		{ .what = HOST_FORWARDING6, .ifname = HOST_ALL },
	};
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, NULL);
	_cleanup_(lease_wanted_fini) struct lease_wanted wanted = { 0 };
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_equal(lease_candidates(fd, AF_INET6, &wanted, &err), 0);
	assert_int_equal(wanted.uplinks.n, 1);
	assert_string_equal(wanted.uplinks.v[0].ifname, "up0");
	assert_true(wanted.switches.n >= 1);
	for (size_t i = 0; i < 2; i++) {
		_cleanup_free_ char *key = lease_key(&host[i], "one");
		struct lease_device d = host[i];

		d.index = (int)if_nametoindex(d.ifname);
		assert_int_equal(host_switch_write(d.what, d.ifname, host_switch_off(d.what), &err),
				 0);
		assert_int_equal(lease_take(w->ledger, &d, "one", &err), 0);
		assert_int_equal(lease_take(w->ledger, &d, "two", &err), 0);
		assert_int_equal(host_switch_read(d.what, d.ifname), host_switch_on(d.what));
		assert_int_equal(lease_held(key), 1);
		assert_int_equal(lease_drop(key, &err), 0);
		assert_int_equal(lease_held(key), 0);
		assert_int_equal(host_switch_read(d.what, d.ifname), host_switch_on(d.what));
		strcpy(key + strlen(key) - 3, "two");
		assert_int_equal(lease_drop(key, &err), 0);
		assert_int_equal(host_switch_read(d.what, d.ifname), host_switch_off(d.what));
	}
	assert_false(has_books(w));
}

/* Another program makes a router of the host while a stack is up (sysctl net.ipv4.ip_forward=1): it stays one. */
static void test_wanted_by_others(void **state)
{
	struct world *w = *state;
	struct lease_devices d;

	take(w, "one");
	world_set_forwarding("all", "1");
	candidates(&d);
	assert_int_equal(d.n, 0);
	lease_devices_fini(&d);
	assert_int_equal(drop("one"), 0);
	assert_int_equal(world_forwarding("up0"), 1);
	/* On when we came, and one device was not meant: that one is off again. */
	world_set_forwarding("up0", "0");
	take(w, "one");
	assert_int_equal(drop("one"), 0);
	assert_int_equal(world_forwarding("up0"), 0);
	/* The other one leaves before us, which switches all off. */
	world_set_forwarding("all", "0");
	take(w, "one");
	world_set_forwarding("all", "1");
	world_set_forwarding("all", "0");
	assert_int_equal(drop("one"), 0);
	assert_int_equal(world_forwarding("up0"), 0);
	assert_false(has_books(w));
}

static void test_find(void **state)
{
	struct world *w = *state;
	struct lease_devices d = { 0 };
	struct err err = { 0 };

	assert_int_equal(lease_find("one", &d, &err), 0);
	assert_int_equal(d.n, 0);
	assert_false(has_books(w));
	take(w, "one");
	assert_int_equal(lease_find("two", &d, &err), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(lease_find("one", &d, &err), 0);
	assert_int_equal(d.n, 1);
	assert_string_equal(d.v[0].ifname, "up0");
	assert_int_equal(d.v[0].index, up0().index);
	lease_devices_fini(&d);
}

/*
 * Entered in the ledger before the book, in the book before the switch is turned: each
 * step may have been the last.
 */
static void test_killed_between(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_not_equal(ledger_intend(w->ledger, "lease", 0, "forwarding:up0:dead", &err), 0);
	world_undo(w);
	take(w, "dead");
	world_set_forwarding(
		"up0",
		"0"); /* as if the switch had not been turned yet, or was turned back already */
	world_undo(w);
	assert_int_equal(world_forwarding("up0"), 0);
	assert_false(has_books(w));
	take(w, "dead");
	world_undo(w);
	world_undo(w);
	assert_int_equal(world_forwarding("up0"), 0);
	assert_null(ledger_next(w->ledger, NULL, NULL));
}

static void write_book(const struct world *w, const char *text)
{
	_cleanup_free_ char *folder = xasprintf("%s/leases", w->dir),
			    *path = xasprintf("%s/forwarding-up0", folder);

	assert_int_equal(path_mkdirs(AT_FDCWD, folder, 0700), 0);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0600), 0);
}

/* Killed with the folder made and the book not yet there, or half written under its first name: both go. */
static void test_killed_while_writing(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *folder = xasprintf("%s/leases", w->dir);
	_cleanup_free_ char *path = xasprintf("%s/forwarding-up0.4711.new", folder);
	struct err err = { 0 };

	for (int i = 0; i < 2; i++) {
		assert_int_not_equal(
			ledger_intend(w->ledger, "lease", 0, "forwarding:up0:dead", &err), 0);
		assert_int_equal(path_mkdirs(AT_FDCWD, folder, 0700), 0);
		if (i)
			assert_int_equal(file_replace(AT_FDCWD, path, "boot", 4, 0600), 0);
		world_undo(w);
		assert_false(has_books(w));
	}
}

/* Who only looks leaves no folder behind. */
static void test_looking_makes_nothing(void **state)
{
	struct world *w = *state;
	struct lease_devices d;

	assert_int_equal(lease_held("forwarding:up0:one"), 0);
	assert_int_equal(drop("one"), 1);
	candidates(&d);
	lease_devices_fini(&d);
	assert_false(has_books(w));
}

/* Books of another boot or another device, and rubbish, count for nothing. */
static void test_stale_books(void **state)
{
	static const char *const books[] = {
		"boot 00000000-0000-0000-0000-000000000000\nindex 2\nwas 1\nowner old\n",
		"",
		"rubbish\n\nboot\nowner\n \n",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(books); i++) {
		write_book(w, books[i]);
		assert_int_equal(lease_held("forwarding:up0:old"), 0);
		assert_int_equal(drop("old"), 1);
		take(w, "new");
		assert_int_equal(drop("new"), 0);
		assert_int_equal(world_forwarding("up0"), 0);
		assert_false(has_books(w));
	}
}

static void test_device_gone(void **state)
{
	struct lease_device ghost = { .ifname = "ghost0", .index = 99 };
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_equal(lease_take(w->ledger, &ghost, "one", &err), 0);
	world_undo(w);
	assert_false(has_books(w));
	assert_int_equal(lease_drop("forwarding:ghost0", &err), -1);
	assert_int_equal(lease_drop("forwarding:../../x:one", &err), -1);
	assert_int_equal(lease_held("rubbish"), 0);
}

/* Somebody sits on the lock: an error after a while instead of a supervisor that hangs. */
static void test_locked(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *folder = xasprintf("%s/leases", w->dir);
	_cleanup_fd_ int fd = -1;
	struct lease_device d = up0();
	struct err err = { 0 };

	assert_int_equal(path_mkdirs(AT_FDCWD, folder, 0700), 0);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(lease_take(w->ledger, &d, "one", &err), -1);
	assert_non_null(strstr(err.text, "locked"));
	assert_int_equal(world_forwarding("up0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_candidates),
		cmocka_unit_test_teardown(test_counted, world_reset),
		cmocka_unit_test_teardown(test_ipv6, world_reset),
		cmocka_unit_test_teardown(test_wanted_by_others, world_reset),
		cmocka_unit_test_teardown(test_find, world_reset),
		cmocka_unit_test_teardown(test_killed_between, world_reset),
		cmocka_unit_test_teardown(test_killed_while_writing, world_reset),
		cmocka_unit_test_teardown(test_looking_makes_nothing, world_reset),
		cmocka_unit_test_teardown(test_stale_books, world_reset),
		cmocka_unit_test_teardown(test_device_gone, world_reset),
		cmocka_unit_test_teardown(test_locked, world_reset),
	};

	return cmocka_run_group_tests_name("lease", tests, world_setup, world_teardown);
}
