/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pump: bytes arrive as they left, whatever the descriptors are; nothing waits; both ends are noticed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/pump.h"

struct ends {
	int read, write;
};

static struct ends new_pipe(void)
{
	int pair[2];

	assert_return_code(pipe2(pair, O_CLOEXEC), errno);
	return (struct ends){ pair[0], pair[1] };
}

static void close_both(struct ends *e)
{
	cleanup_fd(&e->read);
	cleanup_fd(&e->write);
}

static char byte_at(size_t i)
{
	return (char)(i * 31 + i / 251);
}

/* Through it goes more than both pipes hold, and all that comes out is read at once. */
static void through(struct pump *p, int feed, int drain, size_t size)
{
	size_t fed = 0, drained = 0;
	char block[3000];

	fd_nonblock(feed, true);
	fd_nonblock(drain, true);
	while (drained < size) {
		size_t n = size - fed < sizeof(block) ? size - fed : sizeof(block);
		ssize_t got;

		for (size_t i = 0; i < n; i++)
			block[i] = byte_at(fed + i);
		got = n ? write(feed, block, n) : 0;
		fed += got > 0 ? (size_t)got : 0;
		assert_true(pump_turn(p));
		got = read(drain, block, sizeof(block));
		for (ssize_t i = 0; i < got; i++)
			if (block[i] != byte_at(drained + (size_t)i))
				fail_msg("byte %zu is another", drained + (size_t)i);
		drained += got > 0 ? (size_t)got : 0;
	}
	assert_int_equal(fed, size);
}

static void test_pipes(void **state)
{
	struct ends from = new_pipe(), to = new_pipe();
	struct pump p;

	(void)state;
	pump_init(&p, from.read, to.write, NULL);
	through(&p, from.write, to.read, 1000000);
	assert_false(p.copies);
	cleanup_fd(&from.write);
	assert_false(pump_turn(&p));
	assert_int_equal(pump_wants(&p).fd, -1);
	close_both(&from);
	close_both(&to);
}

static void test_socket(void **state)
{
	struct ends to = new_pipe();
	int pair[2];
	struct pump p;

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), errno);
	pump_init(&p, pair[0], to.write, NULL);
	through(&p, pair[1], to.read, 300000);
	close(pair[1]);
	assert_false(pump_turn(&p));
	close(pair[0]);
	close_both(&to);
}

/* `>>file`: splice refuses it. */
static void test_append(void **state)
{
	struct ends from = new_pipe();
	int file = memfd_create("file", MFD_CLOEXEC);
	char back[16] = "";
	struct pump p;

	(void)state;
	fcntl(file, F_SETFL, O_APPEND);
	assert_int_equal(write(file, "old", 3), 3);
	pump_init(&p, from.read, file, NULL);
	assert_int_equal(write(from.write, "new", 3), 3);
	assert_true(pump_turn(&p));
	assert_true(p.copies);
	assert_int_equal(pread(file, back, sizeof(back), 0), 6);
	assert_string_equal(back, "oldnew");
	close(file);
	close_both(&from);
}

/* With no room it waits for room, not for more, and says so. */
static void test_full(void **state)
{
	static char block[65536];
	struct ends from = new_pipe(), to = new_pipe();
	struct pump p;

	(void)state;
	fd_nonblock(to.write, true);
	while (write(to.write, block, sizeof(block)) > 0)
		;
	fd_nonblock(to.write, false);
	for (int copies = 0; copies < 2; copies++) {
		pump_init(&p, from.read, to.write, NULL);
		p.copies = copies;
		assert_int_equal(write(from.write, "x", 1), 1);
		assert_true(pump_turn(&p));
		assert_int_equal(pump_wants(&p).fd, to.write);
		assert_int_equal(pump_wants(&p).events, POLLOUT);
		assert_true(pump_turn(&p));
	}
	close_both(&from);
	close_both(&to);
}

static void test_reader_gone(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	for (int copies = 0; copies < 2; copies++) {
		struct ends from = new_pipe(), to = new_pipe();
		struct pump p;

		pump_init(&p, from.read, to.write, NULL);
		p.copies = copies;
		cleanup_fd(&to.read);
		assert_int_equal(write(from.write, "x", 1), 1);
		assert_false(pump_turn(&p));
		close_both(&from);
		close_both(&to);
	}
}

static void test_keys(void **state)
{
	struct ends from = new_pipe(), to = new_pipe();
	struct detachkeys keys;
	char back[16] = "";
	struct pump p;

	(void)state;
	assert_return_code(detachkeys_parse(DETACHKEYS_DEFAULT, &keys, NULL), 0);
	pump_init(&p, from.read, to.write, &keys);
	assert_int_equal(write(from.write, "ab\020", 3), 3);
	assert_true(pump_turn(&p));
	assert_false(p.detach);
	assert_int_equal(write(from.write, "\021c", 2), 2);
	assert_true(pump_turn(&p));
	assert_true(p.detach);
	assert_int_equal(read(to.read, back, sizeof(back)), 2);
	assert_string_equal(back, "ab");
	close_both(&from);
	close_both(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipes),	    cmocka_unit_test(test_socket),
		cmocka_unit_test(test_append),	    cmocka_unit_test(test_full),
		cmocka_unit_test(test_reader_gone), cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
