/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own: what leaves its scope is released once, and errno stays.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base.h"

static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int fail_with_open_things(int *ret_fd)
{
	_cleanup_fd_ int fd = open_one();
	_cleanup_free_ char *text = xstrdup("x");
	_cleanup_closedir_ DIR *dir = opendir("/");

	assert_non_null(dir);
	assert_non_null(text);
	*ret_fd = fd;
	errno = EXFULL;
	return -1;
}

static void test_released_at_the_end(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(fail_with_open_things(&fd), -1);
	assert_int_equal(errno, EXFULL);
	assert_false(is_open(fd));
}

static int give_away(void)
{
	_cleanup_fd_ int fd = open_one();

	return take_fd(&fd);
}

static char *give_text(void)
{
	_cleanup_free_ char *text = xstrdup("given");

	return take_ptr(&text);
}

static void test_taken_stays(void **state)
{
	int fd = give_away();
	char *text = give_text();

	(void)state;
	assert_true(is_open(fd));
	assert_string_equal(text, "given");
	close(fd);
	free(text);
}

static void test_nothing_is_accepted(void **state)
{
	int fd = -1;
	void *p = NULL;

	(void)state;
	errno = EXFULL;
	cleanup_fd(&fd);
	cleanup_free(&p);
	cleanup_closedir(&p);
	assert_int_equal(errno, EXFULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_released_at_the_end),
		cmocka_unit_test(test_taken_stays),
		cmocka_unit_test(test_nothing_is_accepted),
	};

	return cmocka_run_group_tests_name("own", tests, NULL, NULL);
}
