/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest: right, remembered, and not believed when the file is another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

/* From FIPS 180-2, appendix B.1. */
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digest(const struct scratch *s, const char *path, char ret[STORE_DIGEST_SIZE])
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err = { 0 };

	if (store_digest(s->store, fd, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static char *index_path(const struct scratch *s)
{
	return scratch_path(s, "data/images/.digests");
}

static void test_known_answer(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *path = scratch_file(s, "abc", "abc", 3);
	char d[STORE_DIGEST_SIZE];

	digest(s, path, d);
	assert_string_equal(d, OF_ABC);
	digest(s, path, d);
	assert_string_equal(d, OF_ABC);
}

/* The second time the answer comes from the index: seen by putting a wrong one there. */
static void test_remembered(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *path = scratch_file(s, "abc", "abc", 3), *index = index_path(s);
	struct buf text = { 0 };
	char d[STORE_DIGEST_SIZE];

	digest(s, path, d);
	assert_int_equal(file_read(AT_FDCWD, index, 4096, &text), 0);
	text.data[text.len - 2] = '0';
	assert_int_equal(file_replace(AT_FDCWD, index, text.data, text.len, 0600), 0);
	digest(s, path, d);
	assert_string_not_equal(d, OF_ABC);
	/* Touched: looked at again. */
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0),
			 0);
	digest(s, path, d);
	assert_string_equal(d, OF_ABC);
	buf_fini(&text);
}

static void test_rubbish_index(void **state)
{
	static const char *const rubbish[] = { "", "\n\n", "no line", "0 0 0 0 0\n", "\x01\xff" };
	struct scratch *s = *state;
	_cleanup_free_ char *path = scratch_file(s, "abc", "abc", 3), *index = index_path(s);
	char d[STORE_DIGEST_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
		assert_int_equal(
			file_replace(AT_FDCWD, index, rubbish[i], strlen(rubbish[i]), 0600), 0);
		digest(s, path, d);
		assert_string_equal(d, OF_ABC);
	}
}

static void test_bounded(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *index = index_path(s);
	char d[STORE_DIGEST_SIZE], text[16];
	struct stat st;

	for (int i = 0; i < 400; i++) {
		_cleanup_free_ char *path = NULL;

		snprintf(text, sizeof(text), "%d", i);
		path = scratch_file(s, "f", text, strlen(text));
		digest(s, path, d);
	}
	assert_int_equal(stat(index, &st), 0);
	assert_true(st.st_size < 64 << 10);
}

static void test_not_a_file(void **state)
{
	struct scratch *s = *state;
	_cleanup_fd_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char d[STORE_DIGEST_SIZE];
	struct err err = { 0 };

	assert_int_equal(store_digest(s->store, fd, d, &err), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_known_answer), TEST(test_remembered), TEST(test_rubbish_index),
		TEST(test_bounded),	 TEST(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
