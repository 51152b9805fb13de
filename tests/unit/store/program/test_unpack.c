/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack: archives made with libarchive, good ones and hostile ones, are unpacked by a confined child as mstack-store
 * does it. Nothing beside the target may ever change.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/program/unpack.h"

/* The sanitizers reserve terabytes of addresses. */
#define MEMORY (SANITIZED ? 0 : 1ull << 30)

struct made {
	const char *path;
	mode_t mode;	     /* with its type */
	const char *content; /* of a file; target of a symbolic link */
	const char *hard;    /* target of a hard link */
	uid_t uid;
	const char *attribute;
};

struct scratch {
	char dir[64], target[80], outside[80], archive[80];
	struct buf said;
	int status;
	uint32_t ids; /* see store_task */
};

static int setup(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));

	strcpy(s->dir, "/tmp/mstack-unpack-test-XXXXXX");
	if (!mkdtemp(s->dir))
		return -1;
	snprintf(s->target, sizeof(s->target), "%s/target", s->dir);
	snprintf(s->outside, sizeof(s->outside), "%s/outside", s->dir);
	snprintf(s->archive, sizeof(s->archive), "%s/archive", s->dir);
	*state = s;
	return mkdir(s->target, 0755) | file_replace(AT_FDCWD, s->outside, "untouched", 9, 0600);
}

static int teardown(void **state)
{
	struct scratch *s = *state;
	int rc = path_remove_tree(AT_FDCWD, s->dir);

	buf_fini(&s->said);
	free(s);
	return rc;
}

static void put(struct archive *a, const struct made *m)
{
	struct archive_entry *e = archive_entry_new();
	size_t len = m->content && S_ISREG(m->mode) ? strlen(m->content) : 0;

	archive_entry_set_pathname(e, m->path);
	archive_entry_set_mode(e, m->mode);
	archive_entry_set_uid(e, m->uid);
	archive_entry_set_gid(e, m->uid);
	archive_entry_set_mtime(e, 1000000000, 0);
	archive_entry_set_size(e, (int64_t)len);
	if (S_ISLNK(m->mode))
		archive_entry_set_symlink(e, m->content);
	if (m->hard)
		archive_entry_set_hardlink(e, m->hard);
	if (S_ISCHR(m->mode) || S_ISBLK(m->mode))
		archive_entry_set_rdev(e, makedev(1, 3));
	if (m->attribute)
		archive_entry_xattr_add_entry(e, m->attribute, "value", 5);
	assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
	if (len)
		assert_int_equal(archive_write_data(a, m->content, len), len);
	archive_entry_free(e);
}

static void pack(const struct scratch *s, const struct made *m, size_t n,
		 int (*filter)(struct archive *))
{
	struct archive *a = archive_write_new();

	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	if (filter)
		assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(a, s->archive), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++)
		put(a, &m[i]);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void child(const struct scratch *s, const struct store_limits *limits, int out)
{
	const struct store_task task = {
		.sort = STORE_SORT_ROOTFS, .out = 1, .marks = -1, .limits = limits, .ids = s->ids
	};
	struct buf done = { 0 };
	struct err err = { 0 };

	if (chdir(s->target) || dup2(open(s->archive, O_RDONLY), 0) < 0 || dup2(out, 1) < 0)
		_exit(9);
	if (store_confine(task.sort, limits, &err) || store_unpack(&task, &done, &err)) {
		store_say(1, "error: %s", err.text);
		_exit(1);
	}
	store_say(1, "ok: %s", buf_str(&done));
	_exit(0);
}

/* True when it went well; what was said is in s->said. */
static bool unpack_with(struct scratch *s, const struct store_limits *limits)
{
	char block[1024];
	int ends[2];
	ssize_t n;
	pid_t pid;

	assert_int_equal(path_remove_tree(AT_FDCWD, s->target) | mkdir(s->target, 0755), 0);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid)
		child(s, limits, ends[1]);
	close(ends[1]);
	buf_fini(&s->said);
	while ((n = read(ends[0], block, sizeof(block))) > 0)
		buf_add(&s->said, block, (size_t)n);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &s->status, 0), pid);
	return s->status == 0;
}

static bool unpack(struct scratch *s)
{
	static const struct store_limits limits = { 1 << 30, 10000, MEMORY, 0, 0 };

	return unpack_with(s, &limits);
}

static bool made_ok(struct scratch *s, const struct made *m, size_t n)
{
	pack(s, m, n, NULL);
	return unpack(s);
}

static void look(const struct scratch *s, const char *name, struct stat *st)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", s->target, name);

	if (lstat(path, st) < 0)
		fail_msg("'%s' is missing", name);
}

static bool is_there(const struct scratch *s, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", s->target, name);
	struct stat st;

	return !lstat(path, &st);
}

/* Only target, archive and the file that nobody touched are in the folder; nothing new has come up beside it. */
static void assert_contained(const struct scratch *s)
{
	_cleanup_free_ char *command = xasprintf(
		"test \"$(ls -A %s | tr '\\n' ' ')\" = 'archive outside target '", s->dir);
	struct buf text = { 0 };

	assert_int_equal(system(command), 0);
	assert_int_equal(file_read(AT_FDCWD, s->outside, 100, &text), 0);
	assert_string_equal(buf_str(&text), "untouched");
	buf_fini(&text);
	assert_int_not_equal(access("/mstack-escaped", F_OK), 0);
	assert_int_not_equal(access("/tmp/mstack-escaped", F_OK), 0);
}

static void test_good(void **state)
{
	static int (*const filters[])(struct archive *) = {
		NULL,
		archive_write_add_filter_gzip,
		archive_write_add_filter_xz,
		archive_write_add_filter_zstd,
		archive_write_add_filter_bzip2,
	};
	static const struct made tree[] = {
		{ .path = "./", .mode = S_IFDIR | 0751 },
		{ .path = "./bin", .mode = S_IFDIR | 0755 },
		{ .path = "./bin/su", .mode = S_IFREG | 04755, .content = "binary" },
		{ .path = "./bin/su2", .mode = S_IFREG | 0755, .hard = "./bin/su" },
		{ .path = "etc/none", .mode = S_IFREG, .uid = 1000, .content = "" },
		{ .path = "tmp", .mode = S_IFDIR | 01777 },
		{ .path = "closed", .mode = S_IFDIR, .uid = 7 },
		{ .path = "closed/in", .mode = S_IFREG | 0600, .uid = 8, .content = "x" },
		{ .path = "link", .mode = S_IFLNK | 0777, .content = "/etc/passwd" },
		{ .path = "fifo", .mode = S_IFIFO | 0600 },
		{ .path = "gr\xc3\xbc\xc3\x9f", .mode = S_IFREG | 0644, .content = "umlaut" },
	};
	struct scratch *s = *state;
	struct stat a, b;

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		pack(s, tree, ARRAY_LEN(tree), filters[i]);
		if (!unpack(s))
			fail_msg("%s", buf_str(&s->said));
		assert_string_equal(buf_str(&s->said), "ok: unpacked 11 entries, 13 B\n");
		look(s, ".", &a);
		assert_int_equal(a.st_mode, S_IFDIR | 0751);
		look(s, "bin/su", &a);
		look(s, "bin/su2", &b);
		assert_int_equal(a.st_mode, S_IFREG | 04755);
		assert_int_equal(a.st_mtime, 1000000000);
		assert_int_equal(a.st_ino, b.st_ino);
		look(s, "etc/none", &a);
		assert_int_equal(a.st_mode, S_IFREG);
		assert_int_equal(a.st_uid, 1000);
		look(s, "tmp", &a);
		assert_int_equal(a.st_mode, S_IFDIR | 01777);
		look(s, "closed/in", &a);
		assert_int_equal(a.st_uid, 8);
		look(s, "closed", &a);
		assert_int_equal(a.st_mode, S_IFDIR);
		look(s, "link", &a);
		assert_true(S_ISLNK(a.st_mode));
		look(s, "gr\xc3\xbc\xc3\x9f", &a);
	}
	assert_contained(s);
}

/* Each must fail, say this, and leave everything outside as it was. */
static void test_hostile(void **state)
{
	static const struct {
		const char *what, *text;
		struct made m[3];
	} cases[] = {
		{ "absolute path",
		  "absolute",
		  { { .path = "/mstack-escaped", .mode = S_IFREG | 0644, .content = "x" } } },
		{ "dot dot",
		  "'..'",
		  { { .path = "../mstack-escaped", .mode = S_IFREG | 0644, .content = "x" } } },
		{ "dot dot inside",
		  "'..'",
		  { { .path = "a/../../../tmp/mstack-escaped",
		      .mode = S_IFREG | 0644,
		      .content = "x" } } },
		{ "through a link",
		  "symlink",
		  { { .path = "out", .mode = S_IFLNK | 0777, .content = "/tmp" },
		    { .path = "out/mstack-escaped", .mode = S_IFREG | 0644, .content = "x" } } },
		{ "through a link of two steps",
		  "symlink",
		  { { .path = "a", .mode = S_IFLNK | 0777, .content = "../.." },
		    { .path = "b", .mode = S_IFLNK | 0777, .content = "a" },
		    { .path = "b/mstack-escaped", .mode = S_IFDIR | 0755 } } },
		{ "hard link out",
		  "'..'",
		  { { .path = "x", .mode = S_IFREG | 0644, .hard = "../outside" } } },
		{ "hard link to an absolute path",
		  "absolute",
		  { { .path = "x", .mode = S_IFREG | 0644, .hard = "/etc/passwd" } } },
		{ "hard link through a link",
		  "symlink",
		  { { .path = "out", .mode = S_IFLNK | 0777, .content = "/etc" },
		    { .path = "x", .mode = S_IFREG | 0644, .hard = "out/passwd" } } },
		{ "hard link to nothing",
		  "nothing",
		  { { .path = "x", .mode = S_IFREG | 0644, .hard = "nothing" } } },
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = 0;

		while (n < 3 && cases[i].m[n].path)
			n++;
		if (made_ok(s, cases[i].m, n))
			fail_msg("%s: was unpacked", cases[i].what);
		if (!WIFEXITED(s->status) || !strstr(buf_str(&s->said), "error: ") ||
		    !strcasestr(buf_str(&s->said), cases[i].text))
			fail_msg("%s: %s", cases[i].what, buf_str(&s->said));
		assert_contained(s);
	}
}

/* A file that replaces a link replaces the link, not what it leads to. */
static void test_link_replaced(void **state)
{
	static const struct made tree[] = {
		{ .path = "x", .mode = S_IFLNK | 0777, .content = "../outside" },
		{ .path = "x", .mode = S_IFREG | 0644, .content = "overwritten" },
	};
	struct scratch *s = *state;
	struct stat st;

	assert_true(made_ok(s, tree, ARRAY_LEN(tree)));
	look(s, "x", &st);
	assert_true(S_ISREG(st.st_mode));
	assert_contained(s);
}

static void test_left_out(void **state)
{
	static const struct made tree[] = {
		{ .path = "dev/null", .mode = S_IFCHR | 0666 },
		{ .path = "dev/sda", .mode = S_IFBLK | 0660 },
		{ .path = "cap",
		  .mode = S_IFREG | 0755,
		  .content = "x",
		  .attribute = "security.capability" },
		{ .path = "mark", .mode = S_IFDIR | 0755, .attribute = "trusted.overlay.opaque" },
		{ .path = "mark2", .mode = S_IFDIR | 0755, .attribute = "user.overlay.opaque" },
		{ .path = "fine",
		  .mode = S_IFREG | 0644,
		  .content = "x",
		  .attribute = "user.note" },
	};
	static const char *const names[] = { "cap", "mark", "mark2" };
	struct scratch *s = *state;
	char list[256];

	if (!made_ok(s, tree, ARRAY_LEN(tree)))
		fail_msg("%s", buf_str(&s->said));
	assert_false(is_there(s, "dev/null"));
	assert_false(is_there(s, "dev/sda"));
	assert_non_null(strstr(buf_str(&s->said), "note: 'dev/null': device node left out"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", s->target, names[i]);

		if (listxattr(path, list, sizeof(list)) > 0)
			assert_string_equal(list, "security.selinux");
	}
	assert_non_null(strstr(buf_str(&s->said), "note: 'cap': extended attribute left out"));
	assert_null(strstr(buf_str(&s->said), "'fine': extended"));
}

/* Makes the first header say 8 GiB, which the archive does not hold. */
static void claim_huge_size(const struct scratch *s)
{
	_cleanup_fd_ int fd = open(s->archive, O_RDWR | O_CLOEXEC);
	unsigned char head[512];
	unsigned sum = 0;

	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	memcpy(head + 124, "77777777777", 12);
	memset(head + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(head); i++)
		sum += head[i];
	snprintf((char *)head + 148, 8, "%06o", sum);
	assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
}

static void test_limits(void **state)
{
	static const struct store_limits few = { 1 << 20, 3, MEMORY, 0, 0 },
					 small = { 10, 100, MEMORY, 0, 0 };
	static const struct made four[] = {
		{ .path = "a", .mode = S_IFDIR | 0755 },
		{ .path = "b", .mode = S_IFDIR | 0755 },
		{ .path = "c", .mode = S_IFDIR | 0755 },
		{ .path = "d", .mode = S_IFDIR | 0755 },
	};
	static const struct made big[] = {
		{ .path = "a", .mode = S_IFREG | 0644, .content = "123456" },
		{ .path = "b", .mode = S_IFREG | 0644, .content = "123456" },
	};
	struct scratch *s = *state;

	pack(s, four, ARRAY_LEN(four), NULL);
	assert_false(unpack_with(s, &few));
	assert_string_equal(buf_str(&s->said), "error: more than 3 entries\n");
	pack(s, big, ARRAY_LEN(big), NULL);
	assert_false(unpack_with(s, &small));
	assert_string_equal(buf_str(&s->said), "error: 'b': more than 10 bytes of content\n");
	pack(s, big, 1, NULL);
	claim_huge_size(s);
	assert_false(unpack(s));
	assert_non_null(strstr(buf_str(&s->said), "bytes of content"));
	assert_contained(s);
}

static void test_names(void **state)
{
	static const struct {
		size_t part, parts; /* length of each part, how many */
		bool ok;
	} cases[] = { { 255, 1, true },
		      { 256, 1, false },
		      { 200, 19, true },
		      { 200, 25, false },
		      { 100000, 1, false } };
	struct scratch *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf name = { 0 };
		struct made m = { .mode = S_IFREG | 0644, .content = "x" };

		for (size_t k = 0; k < cases[i].part * cases[i].parts; k++)
			buf_putc(&name, k % cases[i].part == cases[i].part - 1 && cases[i].parts > 1
						? '/'
						: 'n');
		buf_puts(&name, cases[i].parts > 1 ? "end" : "");
		m.path = buf_str(&name);
		if (made_ok(s, &m, 1) != cases[i].ok)
			fail_msg("%zu: %s", i, buf_str(&s->said));
		assert_true(s->said.len < 600);
		buf_fini(&name);
	}
	assert_contained(s);
}

/* What is said is always whole lines of ours, whatever the names are. */
static void test_forged_lines(void **state)
{
	static const struct made m = { .path = "x\nok: done\n\x1b[2J", .mode = S_IFCHR | 0666 };
	struct scratch *s = *state;

	assert_true(made_ok(s, &m, 1));
	assert_non_null(strstr(buf_str(&s->said), "note: 'x?ok: done??[2J': device"));
}

static void test_sparse(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *command =
		xasprintf("cd %s && truncate -s 64M holes && echo end >>holes && "
			  "tar -cSf archive holes && rm holes",
			  s->dir);
	struct stat st;

	assert_int_equal(system(command), 0);
	if (!unpack(s))
		fail_msg("%s", buf_str(&s->said));
	look(s, "holes", &st);
	assert_int_equal(st.st_size, (64 << 20) + 4);
	assert_true(st.st_blocks < 2048);
}

/* Cut or spoilt anywhere: an error, and never a signal. */
static void test_broken(void **state)
{
	static const struct made tree[] = {
		{ .path = "a", .mode = S_IFREG | 0644, .content = "some content" },
		{ .path = "b/c/d", .mode = S_IFREG | 0644, .content = "more content" },
	};
	struct scratch *s = *state;
	struct stat st;

	assert_int_equal(file_replace(AT_FDCWD, s->archive, "", 0, 0600), 0);
	assert_false(unpack(s));
	assert_int_equal(file_replace(AT_FDCWD, s->archive, "not an archive", 14, 0600), 0);
	assert_false(unpack(s));
	assert_non_null(strstr(buf_str(&s->said), "error: "));
	for (int compressed = 0; compressed < 2; compressed++) {
		pack(s, tree, ARRAY_LEN(tree), compressed ? archive_write_add_filter_gzip : NULL);
		assert_int_equal(stat(s->archive, &st), 0);
		for (off_t len = st.st_size < 2560 ? st.st_size - 9 : 2500; len > 0;
		     len -= 1 + len / 8) {
			assert_int_equal(truncate(s->archive, len), 0);
			unpack(s);
			assert_true(WIFEXITED(s->status));
		}
		assert_false(unpack(s));
	}
	assert_contained(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Of a level with few ids: who is not there is root, and nobody is told for each file. */
static void test_few_ids(void **state)
{
	static const struct made made[] = {
		{ .path = "root", .mode = S_IFREG, .uid = 0, .content = "" },
		{ .path = "there", .mode = S_IFREG, .uid = 9, .content = "" },
		{ .path = "not", .mode = S_IFREG, .uid = 10, .content = "" },
		{ .path = "far", .mode = S_IFREG, .uid = 100000, .content = "" },
	};
	static const uid_t want[] = { 0, 9, 0, 0 };
	struct scratch *s = *state;

	pack(s, made, ARRAY_LEN(made), NULL);
	s->ids = 10;
	assert_true(unpack(s));
	assert_null(strstr(buf_str(&s->said), "note: "));
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		char path[160];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", s->target, made[i].path);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_uid, want[i]);
		assert_int_equal(st.st_gid, want[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),	 TEST(test_hostile), TEST(test_link_replaced),
		TEST(test_left_out),	 TEST(test_limits),  TEST(test_names),
		TEST(test_forged_lines), TEST(test_sparse),  TEST(test_broken),
		TEST(test_few_ids),
	};

	if (geteuid()) {
		print_message("skipped: unpacking needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
