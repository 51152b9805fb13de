/* SPDX-License-Identifier: GPL-2.0-or-later */
/* carry: a tree goes through a memory file and is the same; descriptors are inherited, taken once, closed when nobody takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_carry.h"
#include <cmocka.h>

static struct carry *through(struct carry *root)
{
	struct err err = { 0 };
	_cleanup_fd_ int fd = carry_write(root, &err);
	struct carry *again;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0); /* an execve leaves it open */
	carry_free(root);
	again = carry_read(fd, &err);
	assert_non_null(again);
	return again;
}

static void test_tree(void **state)
{
	struct carry *root = carry_new(), *slot, *one;
	const char *bytes;
	size_t len;

	(void)state;
	carry_put_num(root, "version", 7);
	carry_put_num(root, "least", INT64_MIN);
	carry_put(root, "none", NULL);
	carry_put(root, "name", "web \"1\"\n");
	slot = carry_add(root, "slot");
	carry_put(slot, "name", "a");
	carry_put_bytes(slot, "held", "x\0y", 3);
	carry_put_bytes(slot, "nothing", NULL, 0);
	carry_put_num(carry_add(slot, "health"), "streak", 2);
	carry_put(carry_add(root, "other"), "name", "c");
	carry_put(carry_add(root, "slot"), "name", "b");
	root = through(root);

	assert_int_equal(carry_num(root, "version", -1), 7);
	assert_true(carry_num(root, "least", 0) == INT64_MIN);
	assert_int_equal(carry_num(root, "name", -1), -1); /* of another kind */
	assert_int_equal(carry_num(root, "absent", 5), 5);
	assert_null(carry_text(root, "none"));
	assert_string_equal(carry_text(root, "name"), "web \"1\"\n");
	one = carry_next(root, "slot", NULL);
	assert_string_equal(carry_text(one, "name"), "a");
	bytes = carry_bytes(one, "held", &len);
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "x\0y", 4);
	assert_non_null(carry_bytes(one, "nothing", &len));
	assert_int_equal(len, 0);
	assert_int_equal(carry_num(carry_next(one, "health", NULL), "streak", -1), 2);
	one = carry_next(root, "slot", one);
	assert_string_equal(carry_text(one, "name"), "b");
	assert_null(carry_next(root, "slot", one));
	assert_string_equal(
		carry_text(carry_next(root, NULL, carry_next(root, "slot", NULL)), "name"), "c");
	carry_free(root);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_copy(void **state)
{
	struct carry *from = carry_new(), *to = carry_new(), *node = carry_add(from, "slot");
	const struct carry *copy;
	size_t len;

	(void)state;
	carry_put_bytes(node, "held", "x\0y", 3);
	carry_put_num(node, "place", 4);
	carry_put(carry_add(node, "port"), "ip", "10.0.0.1");
	carry_put(carry_add(node, "port"), "ip", "10.0.0.2");
	carry_add(to, "slot");
	carry_add_copy(to, node);
	/* Nothing of it is the other tree's. */
	carry_free(from);
	to = through(to);

	copy = carry_next(to, "slot", carry_next(to, "slot", NULL));
	assert_non_null(copy);
	assert_null(carry_next(to, "slot", copy));
	assert_memory_equal(carry_bytes(copy, "held", &len), "x\0y", 4);
	assert_int_equal(len, 3);
	assert_int_equal(carry_num(copy, "place", 0), 4);
	node = carry_next(copy, "port", carry_next(copy, "port", NULL));
	assert_string_equal(carry_text(node, "ip"), "10.0.0.2");
	carry_free(to);
}

static void test_descriptors(void **state)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    b = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct carry *root = carry_new(), *below = carry_add(root, "below");
	struct err err = { 0 };

	(void)state;
	carry_put_fd(root, "a", a);
	carry_put_fd(root, "none", -1);
	carry_put_fd(below, "b", b);
	assert_int_equal(carry_inherit(root, true, &err), 0);
	assert_int_equal(fcntl(a, F_GETFD), 0);
	assert_int_equal(fcntl(b, F_GETFD), 0);
	root = through(root);
	below = carry_next(root, "below", NULL);

	assert_int_equal(carry_take_fd(root, "none"), -1);
	assert_int_equal(carry_take_fd(root, "a"), a);
	assert_int_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
	assert_int_equal(carry_take_fd(root, "a"), -1);
	carry_close_rest(root);
	assert_true(is_open(a));
	assert_false(is_open(b));
	assert_int_equal(carry_take_fd(below, "b"), -1);
	carry_free(root);
	close(a);
}

/* Back again when the execve fails; one that is closed is our mistake, and is told by its name. */
static void test_not_inherited(void **state)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct carry *root = carry_new();
	struct err err = { 0 };

	(void)state;
	carry_put_fd(carry_add(root, "net"), "nft", a);
	assert_int_equal(carry_inherit(root, true, &err), 0);
	assert_int_equal(carry_inherit(root, false, &err), 0);
	assert_int_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
	close(a);
	assert_int_equal(carry_inherit(root, true, &err), -1);
	assert_non_null(strstr(err.text, "net: "));
	assert_non_null(strstr(err.text, "'nft'"));
	carry_free(root);
}

static int memory_file(const char *data, size_t len, bool sealed)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(fd_write_all(fd, data, len), 0);
	if (sealed)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	return fd;
}

/* Of a good file every beginning, and every one with another byte: none of them is more than an error. */
static void test_damaged(void **state)
{
	struct carry *root = carry_new();
	struct err err = { 0 };
	char data[256];
	ssize_t n;
	int fd;

	(void)state;
	carry_put_num(root, "n", 1);
	carry_put(carry_add(root, "slot"), "name", "web");
	fd = carry_write(root, &err);
	n = pread(fd, data, sizeof(data), 0);
	assert_true(n > 0 && n < (ssize_t)sizeof(data));
	close(fd);
	carry_free(root);
	for (ssize_t i = 1; i < n; i++) {
		fd = memory_file(data, (size_t)i, true);
		assert_null(carry_read(fd, &err));
		close(fd);
	}
	for (ssize_t i = 0; i < n; i++) {
		data[i] ^= 0x55;
		fd = memory_file(data, (size_t)n, true);
		carry_free(carry_read(fd, &err));
		close(fd);
		data[i] ^= 0x55;
	}
	fd = memory_file(data, (size_t)n, false);
	assert_null(carry_read(fd, &err)); /* somebody could still write it */
	close(fd);
	assert_null(carry_read(-1, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	    cmocka_unit_test(test_copy),
		cmocka_unit_test(test_descriptors), cmocka_unit_test(test_not_inherited),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
