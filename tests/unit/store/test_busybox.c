/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * busybox: the image that is made from a host's binary, here mostly a made-up one.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/store/scratch.h"

/* An ELF file with one program header of this type and some text behind it; nobody will run it. */
static char *fake(const struct scratch *s, const char *name, uint32_t type, const char *text)
{
	Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
			 .e_phoff = sizeof(e),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = 1 };
	Elf64_Phdr p = { .p_type = type };
	struct buf b = { 0 };
	char *path;

	buf_add(&b, &e, sizeof(e));
	buf_add(&b, &p, sizeof(p));
	buf_puts(&b, text);
	path = scratch_file(s, name, b.data, b.len);
	buf_fini(&b);
	return path;
}

static void assert_mode(const char *root, const char *name, mode_t mode)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	if (!S_ISLNK(mode))
		assert_int_equal(st.st_mode, mode);
	assert_int_equal(st.st_mode & S_IFMT, mode & S_IFMT);
}

static void test_content(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *host = fake(s, "busybox", PT_LOAD, "v1"), *root = NULL, *link = NULL;
	const char *const hosts[] = { "/nonexistent/busybox", host, NULL };
	struct buf was = { 0 }, is = { 0 };
	struct err err = { 0 };
	mode_t mask = umask(0077);

	assert_int_equal(store_busybox_get(s->store, hosts, &root, &err), 0);
	umask(mask);
	assert_mode(root, "", S_IFDIR | 0755);
	assert_mode(root, "bin/busybox", S_IFREG | 0755);
	assert_mode(root, "bin/sh", S_IFLNK);
	assert_mode(root, "usr/bin/env", S_IFLNK);
	assert_mode(root, "sbin/ip", S_IFLNK);
	assert_mode(root, "tmp", S_IFDIR | 01777);
	assert_mode(root, "root", S_IFDIR | 0700);
	assert_mode(root, "etc/passwd", S_IFREG | 0644);
	assert_mode(root, "etc/group", S_IFREG | 0644);
	assert_mode(root, "var/log", S_IFDIR | 0755);
	link = xasprintf("%s/bin/sh", root);
	assert_int_equal(file_read(AT_FDCWD, host, 1 << 20, &was), 0);
	assert_int_equal(file_read(AT_FDCWD, link, 1 << 20, &is), 0);
	assert_int_equal(was.len, is.len);
	assert_memory_equal(was.data, is.data, is.len);
	buf_fini(&was);
	buf_fini(&is);
}

static void test_made_once(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *host = fake(s, "busybox", PT_LOAD, "v1"), *a = NULL, *b = NULL,
			    *c = NULL;
	_cleanup_free_ char *newer = NULL;
	const char *const hosts[] = { host, NULL };
	struct err err = { 0 };
	struct stat before, after;

	assert_int_equal(store_busybox_get(s->store, hosts, &a, &err), 0);
	assert_int_equal(stat(a, &before), 0);
	assert_int_equal(store_busybox_get(s->store, hosts, &b, &err), 0);
	assert_string_equal(a, b);
	assert_int_equal(stat(a, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* The host gets a new one. */
	newer = fake(s, "busybox", PT_LOAD, "v2");
	assert_int_equal(store_busybox_get(s->store, hosts, &c, &err), 0);
	assert_string_not_equal(a, c);
	assert_int_equal(images_like(s, "busybox-"), 2);
	assert_int_equal(images_like(s, ".making-"), 0);
}

static void test_not_static(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *linked = fake(s, "linked", PT_INTERP, ""),
			    *script = scratch_file(s, "x", "#!/bin/sh", 9);
	_cleanup_free_ char *fine = fake(s, "fine", PT_LOAD, ""), *root = NULL;
	const char *const none[] = { "/nonexistent", NULL }, *const bad[] = { linked, script,
									      NULL };
	const char *const third[] = { linked, script, fine, NULL };
	struct err err = { 0 };

	assert_int_equal(store_busybox_get(s->store, none, &root, &err), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, "apt-get install busybox-static"));
	assert_int_equal(store_busybox_get(s->store, bad, &root, &err), -1);
	assert_non_null(strstr(err.text, "is not static"));
	assert_non_null(strstr(err.text, "apt-get install busybox-static"));
	assert_int_equal(images_like(s, "busybox-"), 0);
	assert_int_equal(store_busybox_get(s->store, third, &root, &err), 0);
}

/* Headers that point anywhere. */
static void test_hostile_elf(void **state)
{
	struct scratch *s = *state;
	Elf64_Ehdr e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 } };
	static const struct {
		uint64_t off;
		uint16_t size, n;
	} cases[] = { { UINT64_MAX, 56, 1 },
		      { 64, 56, 1 },
		      { 64, 0, 1 },
		      { 0, 65535, 65535 },
		      { 0, 56, 0 } };
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *path = NULL, *root = NULL;
		const char *hosts[] = { NULL, NULL };

		e.e_phoff = cases[i].off;
		e.e_phentsize = cases[i].size;
		e.e_phnum = cases[i].n;
		path = scratch_file(s, "elf", &e, sizeof(e));
		hosts[0] = path;
		assert_int_equal(store_busybox_get(s->store, hosts, &root, &err), -1);
	}
}

/* Four at once: one image, nothing beside it, everybody satisfied. */
static void test_at_the_same_time(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *host = fake(s, "busybox", PT_LOAD, "v1");
	const char *const hosts[] = { host, NULL };
	int status;

	for (int i = 0; i < 4; i++) {
		if (!fork()) {
			struct err err = { 0 };
			char *root;

			_exit(store_busybox_get(s->store, hosts, &root, &err) ? 1 : 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(images_like(s, "busybox-"), 1);
	assert_int_equal(images_like(s, ".making-"), 0);
}

/* The host's own, if it has one: it must bring more than the fallback does, and runs. */
static void test_real(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *root = NULL, *command = NULL;
	struct err err = { 0 };

	if (store_busybox_get(s->store, NULL, &root, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	command = xasprintf(
		"test $(ls %s/bin | wc -l) -gt 100 && test \"$(%s/bin/echo hello)\" = hello", root,
		root);
	assert_int_equal(system(command), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_content),	TEST(test_made_once),	     TEST(test_not_static),
		TEST(test_hostile_elf), TEST(test_at_the_same_time), TEST(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
