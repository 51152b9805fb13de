/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of logs/segment.c: rotation at every size, mending, and a disk that is full. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "logs/segment.h"

#define FILE_MAX (8u << 20)

struct fixture {
	char dir[64];
	struct segments s;
	struct batch *b;
	char head[RECORD_HEAD];
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mstack-logs-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->b = xcalloc(1, sizeof(*f->b));
	f->b->s = &f->s;
	f->s = (struct segments){ .dir = -1, .fd = -1 };
	record_head(f->head, 1769853600000000000ULL, LOGS_STDOUT);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	segments_close(&f->s);
	/* Only some tests mounted something. */
	umount2(f->dir, MNT_DETACH);
	rc = path_remove_tree(AT_FDCWD, f->dir);
	free(f->b);
	free(f);
	return rc;
}

static void open_segments(struct fixture *f, uint64_t max_size, unsigned max_files)
{
	struct err err = { 0 };

	f->b->len = f->b->lines = 0;
	segments_close(&f->s);
	assert_int_equal(segments_open(&f->s, f->dir, max_size, max_files, &err), 0);
}

static void put(struct fixture *f, const char *text)
{
	batch_add(f->b, f->head, text, strlen(text));
}

/* The content of segment `index`; false when there is none. */
static bool content(const struct fixture *f, unsigned index, struct buf *ret)
{
	char name[SEGMENT_NAME_SIZE], path[128];

	segment_name(index, name);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	ret->len = 0;
	return file_read(AT_FDCWD, path, FILE_MAX, ret) == 0;
}

/* All records of all segments must be whole and carry on counting; returns how many there are. */
static int check_numbers(const struct fixture *f, uint64_t max_size, unsigned max_files, int last)
{
	struct buf b = { 0 };
	int n = 0;

	for (unsigned i = 0; content(f, i, &b); i++) {
		const char *end = b.data + b.len, *nl;

		assert_true(i < max_files);
		assert_true(b.len <= max_size || !memchr(b.data, '\n', b.len - 1));
		for (; end > b.data; end = nl ? nl + 1 : b.data, n++) {
			struct logs_line line;

			assert_int_equal(end[-1], '\n');
			nl = memrchr(b.data, '\n', (size_t)(end - 1 - b.data));
			assert_int_equal(record_parse(nl ? nl + 1 : b.data,
						      (size_t)(end - 1 - (nl ? nl + 1 : b.data)),
						      &line),
					 0);
			assert_int_equal(atoi(line.text), last - n);
		}
		b.len = 0;
	}
	buf_fini(&b);
	return n;
}

static void rotation_at_every_size(void **state)
{
	struct fixture *f = *state;

	for (uint64_t max_size = 1; max_size < 400; max_size += max_size < 200 ? 1 : 7) {
		char text[32];
		int n;

		assert_int_equal(path_remove_tree(AT_FDCWD, f->dir), 0);
		open_segments(f, max_size, 4);
		for (int i = 1; i <= 40; i++) {
			snprintf(text, sizeof(text), "%d%*s", i, i % 9, "");
			put(f, text);
			if (i % 6 == 0)
				batch_flush(f->b);
		}
		batch_finish(f->b);
		n = check_numbers(f, max_size, 4, 40);
		assert_true(n >= 4 && (max_size < 110 || n >= 7));
		assert_int_equal(f->s.dropped, 0);
	}
}

static void number_of_files_is_kept(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	for (unsigned max_files = 5; max_files > 0; max_files--) {
		open_segments(f, 10, max_files);
		for (int i = 0; i < 9; i++)
			put(f, "1");
		batch_finish(f->b);
		assert_true(content(f, max_files - 1, &b));
		assert_false(content(f, max_files, &b));
	}
	buf_fini(&b);
}

static void history_goes_on(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	open_segments(f, 100, 3);
	put(f, "1");
	batch_finish(f->b);
	open_segments(f, 100, 3);
	put(f, "2");
	put(f, "3");
	batch_finish(f->b);
	assert_int_equal(check_numbers(f, 100, 3, 3), 3);
	assert_int_equal(fstat(f->s.fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void torn_ends_are_mended(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	size_t whole;

	open_segments(f, 1000, 3);
	put(f, "1");
	put(f, "2");
	batch_finish(f->b);
	assert_true(content(f, 0, &b));
	whole = b.len;
	for (size_t cut = 1; cut < whole; cut++) {
		int left = cut > whole / 2 ? 1 : 0;

		assert_int_equal(ftruncate(f->s.fd, 0), 0);
		assert_int_equal(write(f->s.fd, b.data, whole - cut), (ssize_t)(whole - cut));
		open_segments(f, 1000, 3);
		put(f, left ? "1" : "2");
		batch_finish(f->b);
		if (cut != whole / 2)
			assert_int_equal(check_numbers(f, 1000, 3, left ? 1 : 2), left ? 1 : 2);
	}
	buf_fini(&b);
}

static void what_is_no_log_is_put_aside(void **state)
{
	struct fixture *f = *state;
	char *junk = xcalloc(1, 3 * RECORD_MAX);
	struct buf b = { 0 };
	char path[128];

	memset(junk, 'j', 3 * RECORD_MAX);
	snprintf(path, sizeof(path), "%s/current.log", f->dir);
	assert_int_equal(file_replace(AT_FDCWD, path, junk, 3 * RECORD_MAX, 0640), 0);
	open_segments(f, FILE_MAX, 3);
	put(f, "1");
	batch_finish(f->b);
	assert_true(content(f, 1, &b));
	assert_int_equal(b.len, 3 * RECORD_MAX);
	assert_true(content(f, 0, &b));
	assert_int_equal(b.len, RECORD_HEAD + 2);
	buf_fini(&b);
	free(junk);
}

static void links_are_not_followed(void **state)
{
	struct fixture *f = *state;
	struct segments s = { .dir = -1, .fd = -1 };
	struct err err = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "%s/current.log", f->dir);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(segments_open(&s, f->dir, 100, 3, &err), -1);
	assert_int_equal(err.sys, ELOOP);
	assert_non_null(strstr(err.text, "current.log"));
}

/*
 * ---- a full disk: a small tmpfs that only this process sees ------------------------------------
 */

static bool mount_small_disk(const struct fixture *f, const char *size)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("small", f->dir, "tmpfs", 0, size) < 0) {
		print_message("needs the right to mount a tmpfs: %s\n", strerror(errno));
		return false;
	}
	return true;
}

static void fill_disk(const struct fixture *f)
{
	static const char zeros[4096];
	char path[128];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "%s/ballast", f->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
}

static void free_disk(const struct fixture *f)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/ballast", f->dir);
	assert_int_equal(unlink(path), 0);
}

static void full_disk_costs_lines(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	char want[128];
	int stored = 0;

	if (!mount_small_disk(f, "size=256k"))
		skip();
	open_segments(f, FILE_MAX, 3);
	put(f, "before");
	batch_flush(f->b);
	fill_disk(f);
	for (int i = 0; i < 3000; i++) {
		put(f, "a line of thirty bytes or more");
		if (i % 10 == 0)
			batch_flush(f->b);
	}
	batch_flush(f->b);
	assert_true(f->s.dropped > 2000 && f->s.dropped < 3000);
	assert_int_equal(f->s.dropped, f->s.lost);
	assert_true(content(f, 0, &b));
	assert_int_equal(b.data[b.len - 1], '\n');

	free_disk(f);
	put(f, "after");
	batch_flush(f->b);
	assert_int_equal(f->s.lost, 0);
	assert_true(content(f, 0, &b));
	for (const char *p = b.data; (p = strchr(p, '\n')) != NULL; p++)
		stored++;
	/* before, after, the notice, and what still went in */
	assert_int_equal(stored, 3 + 3000 - (int)f->s.dropped);
	snprintf(want, sizeof(want), "mstack F %d lines dropped: no space left on device\n",
		 (int)f->s.dropped);
	assert_non_null(strstr(b.data, want));
	assert_string_equal(b.data + b.len - 6, "after\n");
	buf_fini(&b);
}

static void full_disk_notice_without_more_lines(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	if (!mount_small_disk(f, "size=64k"))
		skip();
	open_segments(f, FILE_MAX, 3);
	fill_disk(f);
	put(f, "lost");
	batch_finish(f->b);
	assert_int_equal(f->s.dropped, 1);
	batch_finish(f->b);
	assert_int_equal(f->s.dropped, 1);
	free_disk(f);
	batch_finish(f->b);
	assert_true(content(f, 0, &b));
	assert_non_null(strstr(b.data, "mstack F 1 lines dropped: no space left on device\n"));
	buf_fini(&b);
}

/* Not even the file can be made; the folder's own inode is there. */
static void full_disk_at_the_start(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	if (!mount_small_disk(f, "size=64k,nr_inodes=2"))
		skip();
	fill_disk(f);
	open_segments(f, FILE_MAX, 3);
	assert_int_equal(f->s.fd, -1);
	put(f, "lost");
	batch_flush(f->b);
	assert_int_equal(f->s.dropped, 1);
	free_disk(f);
	put(f, "stored");
	batch_flush(f->b);
	assert_true(content(f, 0, &b));
	assert_non_null(strstr(b.data, " 1 lines dropped"));
	assert_non_null(strstr(b.data, "stdout F stored\n"));
	buf_fini(&b);
}

static void limits_change_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };

	open_segments(f, 50, 4);
	for (int i = 0; i < 6; i++) {
		put(f, "one of each file");
		batch_flush(f->b);
	}
	assert_true(content(f, 3, &b));
	segments_limit(&f->s, 4000, 2);
	assert_true(content(f, 1, &b));
	assert_false(content(f, 2, &b));
	for (int i = 0; i < 6; i++)
		put(f, "many to a file");
	batch_finish(f->b);
	assert_true(content(f, 0, &b) && b.len > 6 * 40);
	assert_false(content(f, 2, &b));
	buf_fini(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(limits_change_meanwhile),
		TEST(rotation_at_every_size),
		TEST(number_of_files_is_kept),
		TEST(history_goes_on),
		TEST(torn_ends_are_mended),
		TEST(what_is_no_log_is_put_aside),
		TEST(links_are_not_followed),
		TEST(full_disk_costs_lines),
		TEST(full_disk_notice_without_more_lines),
		TEST(full_disk_at_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
