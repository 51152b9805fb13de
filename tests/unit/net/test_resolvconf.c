/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolvconf: which lines name a server, and that a file is followed however it is written: in place, replaced, behind a link,
 * gone and back.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/resolvconf.h"

/* "10.0.0.1 ::1" */
static void expect(const struct helper_servers *s, const char *want)
{
	struct buf b = { 0 };

	for (uint32_t i = 0; i < s->n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", ip_text(&s->v[i].ip).text);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "nameserver 127.0.0.53\n", "127.0.0.53" },
		{ "nameserver\t10.0.0.1\nnameserver  2001:db8::1 # ours\nnameserver ::1",
		  "10.0.0.1 2001:db8::1 ::1" },
		{ "# nameserver 9.9.9.9\n; nameserver 9.9.9.9\n nameserver 9.9.9.9\n", "" },
		{ "nameserver\nnameserver \nnameserver10.0.0.1\nnameservers 10.0.0.1\n", "" },
		{ "nameserver nonsense\nnameserver 0.0.0.0\nnameserver 10.1\nnameserver ::\n", "" },
		{ "nameserver 10.0.0.1\r\nsearch lan\noptions rotate\n", "10.0.0.1" },
		{ "nameserver fe80::1%no-such-device\nnameserver fe80::1%lo\n", "fe80::1" },
		{ "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\nnameserver 1.0.0.5\n"
		  "nameserver 1.0.0.6\nnameserver 1.0.0.7\nnameserver 1.0.0.8\nnameserver 1.0.0.9\n",
		  "1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8" },
		{ "nameserver "
		  "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\n"
		  "nameserver 10.0.0.1",
		  "10.0.0.1" },
	};
	struct helper_servers s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		resolvconf_parse(rows[i].text, &s);
		expect(&s, rows[i].want);
	}
	resolvconf_parse("nameserver fe80::1%lo", &s);
	assert_int_not_equal(s.v[0].zone, 0);
}

struct followed {
	char dir[32], path[64];
	struct ev_loop *loop;
	struct resolvconf r;
	unsigned changes;
};

static void on_change(void *arg)
{
	struct followed *f = arg;

	f->changes++;
	ev_break(f->loop, EVBREAK_ALL);
}

static void on_patience(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

/* Until the next change, or for so long. */
static void wait_for(struct followed *f, double seconds)
{
	ev_timer patience;

	ev_timer_init(&patience, on_patience, seconds, 0);
	ev_timer_start(f->loop, &patience);
	ev_run(f->loop, 0);
	ev_timer_stop(f->loop, &patience);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void begin(struct followed *f, const char *name)
{
	*f = (struct followed){ .dir = "/tmp/mstack-resolv-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	f->loop = ev_loop_new(EVFLAG_AUTO);
}

static void end(struct followed *f)
{
	resolvconf_close(&f->r);
	ev_loop_destroy(f->loop);
	assert_int_equal(path_remove_tree(AT_FDCWD, f->dir), 0);
}

static void test_written(void **state)
{
	struct followed f;

	(void)state;
	begin(&f, "conf");
	write_file(f.path, "nameserver 10.0.0.1\n");
	resolvconf_open(&f.r, f.loop, f.path, on_change, &f);
	expect(&f.r.servers, "10.0.0.1");
	write_file(f.path, "nameserver 10.0.0.2\n");
	wait_for(&f, 20);
	expect(&f.r.servers, "10.0.0.2");
	/* Replaced, as resolvconf and NetworkManager do; and once more. */
	for (int i = 3; i < 5; i++) {
		_cleanup_free_ char *text = xasprintf("nameserver 10.0.0.%d\n", i);

		assert_int_equal(file_replace(AT_FDCWD, f.path, text, strlen(text), 0600), 0);
		wait_for(&f, 20);
		assert_int_equal(f.r.servers.v[0].ip.bytes[3], i);
	}
	/* The same servers are no change. */
	write_file(f.path, "search lan\nnameserver 10.0.0.4\n");
	wait_for(&f, 0.3);
	assert_int_equal(f.changes, 3);
	assert_int_equal(unlink(f.path), 0);
	wait_for(&f, 20);
	expect(&f.r.servers, "");
	write_file(f.path, "nameserver 10.0.0.9\n");
	wait_for(&f, 20);
	expect(&f.r.servers, "10.0.0.9");
	end(&f);
}

static void test_link(void **state)
{
	_cleanup_free_ char *run = NULL, *target = NULL;
	struct followed f;

	(void)state;
	begin(&f, "conf");
	run = xasprintf("%s/run", f.dir);
	target = xasprintf("%s/run/stub", f.dir);
	assert_int_equal(mkdir(run, 0700), 0);
	write_file(target, "nameserver 127.0.0.53\n");
	assert_int_equal(symlink("run/stub", f.path), 0);
	resolvconf_open(&f.r, f.loop, f.path, on_change, &f);
	expect(&f.r.servers, "127.0.0.53");
	assert_int_equal(file_replace(AT_FDCWD, target, "nameserver 10.0.0.1\n", 20, 0600), 0);
	wait_for(&f, 20);
	expect(&f.r.servers, "10.0.0.1");
	/* The link itself. */
	assert_int_equal(file_replace(AT_FDCWD, f.path, "nameserver 10.0.0.2\n", 20, 0600), 0);
	wait_for(&f, 20);
	expect(&f.r.servers, "10.0.0.2");
	end(&f);
}

static void test_absent(void **state)
{
	struct followed f;

	(void)state;
	begin(&f, "conf");
	resolvconf_open(&f.r, f.loop, f.path, on_change, &f);
	expect(&f.r.servers, "");
	write_file(f.path, "nameserver 10.0.0.1\n");
	wait_for(&f, 20);
	expect(&f.r.servers, "10.0.0.1");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
