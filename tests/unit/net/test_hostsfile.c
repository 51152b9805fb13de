/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostsfile: lines of ours come and go, and everything else stays, byte for byte. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/hostsfile.h"

static const char *const names[] = { "web.shop", "shop-web-1" };

static struct net_hosts_line line(const char *ip)
{
	struct net_hosts_line l = { .names = names, .n_names = 2 };

	assert_true(ip_parse(ip, &l.ip));
	return l;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void check_edit(const char *text, bool had, const char *expected, size_t n)
{
	const struct net_hosts_line lines[] = { line("10.0.0.2"), line("fd00::2") };
	struct buf b = { 0 };

	assert_int_equal(hostsfile_edit(text, strlen(text), "shop", lines, n, &b), had);
	assert_string_equal(buf_str(&b), expected);
	buf_fini(&b);
}

#define FOUR "10.0.0.2\tweb.shop shop-web-1\t# mstack:shop"
#define SIX  "fd00::2\tweb.shop shop-web-1\t# mstack:shop\n"

static void test_adds_and_removes(void **state)
{
	(void)state;
	check_edit("127.0.0.1 localhost\n", false, "127.0.0.1 localhost\n" FOUR "\n" SIX, 2);
	check_edit("", false, FOUR "\n", 1);
	check_edit("", false, "", 0);
	check_edit("127.0.0.1 localhost\n" FOUR "\n" SIX, true, "127.0.0.1 localhost\n", 0);
	/* Old ones are replaced; what somebody has put among them stays. */
	check_edit("a\n9.9.9.9\tx\t# mstack:shop\nb\n" SIX "c", true, "a\nb\nc\n" FOUR " (and a newline)\n", 1);
}

static void test_leaves_the_end_as_it_was(void **state)
{
	(void)state;
	check_edit("a", false, "a\n" FOUR " (and a newline)\n" SIX, 2);
	check_edit("a\n" FOUR " (and a newline)\n" SIX, true, "a", 0);
	/* Somebody has written behind it: then the newline is his. */
	check_edit("a\n" FOUR " (and a newline)\nb\n", true, "a\nb\n", 0);
	check_edit("a\n" FOUR " (and a newline)\nb", true, "a\nb", 0);
}

static void test_knows_only_its_own(void **state)
{
	static const char *const others[] = {
		"1.2.3.4 x # mstack:shop2\n", "1.2.3.4 x # mstack:sho\n", "1.2.3.4 x # mstack:shop yes\n",
		"# mstack:\n",		      "#\n",			  "mstack:shop\n",
		"1.2.3.4 x # about mstack:shop\n", "1.2.3.4 x # mstack:shop # mine\n", "\n\n\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		check_edit(others[i], false, others[i], 0);
}

/* ---- files ----------------------------------------------------------------------------------- */

struct folder {
	char dir[64], hosts[96];
};

static void put(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static void check_file(const char *path, const char *expected)
{
	struct buf b = { 0 };

	assert_int_equal(file_read(AT_FDCWD, path, 4096, &b), 0);
	assert_string_equal(buf_str(&b), expected);
	buf_fini(&b);
}

static int begin(void **state)
{
	struct folder *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mstack-hosts-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->hosts, sizeof(f->hosts), "%s/hosts", f->dir);
	put(f->hosts, "127.0.0.1 localhost\n");
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct folder *f = *state;

	path_remove_tree(AT_FDCWD, f->dir);
	free(f);
	return 0;
}

static void test_replaces_the_file(void **state)
{
	const struct folder *f = *state;
	const struct net_hosts_line l = line("10.0.0.2");
	struct stat before, after;
	struct err err = { 0 };

	chmod(f->hosts, 0640);
	stat(f->hosts, &before);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "shop", &l, 1, &err), 0);
	check_file(f->hosts, "127.0.0.1 localhost\n" FOUR "\n");
	stat(f->hosts, &after);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_mode & 07777, 0640);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "other", &l, 1, &err), 0);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "shop", NULL, 0, &err), 0);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "other", NULL, 0, &err), 0);
	check_file(f->hosts, "127.0.0.1 localhost\n");
	/* Nothing to do: it is not even touched. */
	stat(f->hosts, &before);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "other", NULL, 0, &err), 0);
	stat(f->hosts, &after);
	assert_int_equal(before.st_ino, after.st_ino);
}

static void test_follows_a_link(void **state)
{
	const struct folder *f = *state;
	const struct net_hosts_line l = line("10.0.0.2");
	_cleanup_free_ char *link = xasprintf("%s/link", f->dir);
	struct err err = { 0 };
	struct stat st;

	assert_int_equal(symlink("hosts", link), 0);
	assert_int_equal(net_hosts_write(NULL, link, "shop", &l, 1, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	check_file(f->hosts, "127.0.0.1 localhost\n" FOUR "\n");
}

static void test_says_what_is_wrong(void **state)
{
	const struct folder *f = *state;
	const struct net_hosts_line l = line("10.0.0.2");
	_cleanup_free_ char *none = xasprintf("%s/none", f->dir);
	_cleanup_fd_ int fd = open(f->hosts, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	assert_int_equal(net_hosts_write(NULL, none, "shop", &l, 1, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(net_hosts_write(NULL, f->dir, "shop", &l, 1, &err), -1);
	/* Somebody who does not let go: not for ever. */
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(net_hosts_write(NULL, f->hosts, "shop", &l, 1, &err), -1);
	assert_int_equal(err.sys, EBUSY);
	check_file(f->hosts, "127.0.0.1 localhost\n");
}

static const struct ledger_kind *const kinds[] = { &hostsfile_kind, NULL };

static void test_goes_by_the_ledger(void **state)
{
	static const struct ledger_kind *const *const all[] = { kinds, NULL };
	const struct folder *f = *state;
	const struct net_hosts_line l = line("10.0.0.2");
	_cleanup_free_ char *path = xasprintf("%s/ledger", f->dir);
	struct err err = { 0 };
	struct ledger *led = ledger_open(path, true, all, &err);

	assert_non_null(led);
	assert_int_equal(ledger_lock(led, 0, NULL, &err), 0);
	assert_int_equal(net_hosts_write(led, f->hosts, "shop", &l, 1, &err), 0);
	assert_int_equal(net_hosts_write(led, f->hosts, "shop", &l, 1, &err), 0);
	assert_non_null(ledger_next(led, "hosts", NULL));
	assert_null(ledger_next(led, "hosts", ledger_next(led, "hosts", NULL)));
	assert_int_equal(ledger_undo(led, 1000, NULL, NULL, &err), 0);
	check_file(f->hosts, "127.0.0.1 localhost\n");
	assert_null(ledger_next(led, NULL, NULL));
	/* Entered, and killed before it was written. */
	assert_int_not_equal(ledger_intend(led, "hosts", 0, "/nonexistent/hosts shop", &err), 0);
	assert_int_equal(ledger_undo(led, 1000, NULL, NULL, &err), 0);
	ledger_close(led);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_and_removes),
		cmocka_unit_test(test_leaves_the_end_as_it_was),
		cmocka_unit_test(test_knows_only_its_own),
		cmocka_unit_test_setup_teardown(test_replaces_the_file, begin, end),
		cmocka_unit_test_setup_teardown(test_follows_a_link, begin, end),
		cmocka_unit_test_setup_teardown(test_says_what_is_wrong, begin, end),
		cmocka_unit_test_setup_teardown(test_goes_by_the_ledger, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
