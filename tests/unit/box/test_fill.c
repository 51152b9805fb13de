/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of filling a volume: layers merged, all that a file has, what a crash leaves, and that nothing else is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/copytree.h"
#include "unit/box/rig.h"

/* Two layers and a volume, new for each test. */
static char top[300], low[300], volume[300];
static const char *lower[] = { top, low };

static void folder(const char *base, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", base, name);

	assert_int_equal(path_mkdirs(AT_FDCWD, path, 0755), 0);
}

static void put(const char *base, const char *name, const char *text)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", base, name);

	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

/* The bytes of a file of the volume; "-" when it is not there. */
static const char *content(const char *name)
{
	static char text[200];
	_cleanup_free_ char *path = xasprintf("%s/_data/%s", volume, name);
	struct buf b = { 0 };

	snprintf(text, sizeof(text), "%s",
		 file_read(AT_FDCWD, path, 100, &b) < 0 ? "-" : buf_str(&b));
	buf_fini(&b);
	return text;
}

static struct stat look(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/_data/%s", volume, name);
	struct stat st = { 0 };

	if (lstat(path, &st) < 0)
		st.st_mode = 0;
	return st;
}

static bool is_there(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", volume, name);

	return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int make(void **state)
{
	(void)state;
	path_remove_tree(AT_FDCWD, rig_path("fill"));
	snprintf(top, sizeof(top), "%s", rig_path("fill/top"));
	snprintf(low, sizeof(low), "%s", rig_path("fill/low"));
	snprintf(volume, sizeof(volume), "%s", rig_path("fill/volume"));
	folder(top, "");
	folder(low, "d");
	folder(volume, "_data");
	return 0;
}

static int fill(struct err *err)
{
	const struct box_fill f = { .volume = "v",
				    .lower = lower,
				    .n_lower = ARRAY_LEN(lower),
				    .target = "/d",
				    .folder = volume,
				    .own = true };

	return box_fill(&f, err);
}

static void fill_ok(int want)
{
	struct err err = { 0 };
	int rc = fill(&err);

	if (rc != want)
		fail_msg("%d instead of %d: %s", rc, want, err.text);
}

/* ---- what is copied -------------------------------------------------------------------------- */

static void whiteout(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top, name);

	assert_int_equal(mknod(path, S_IFCHR, makedev(0, 0)), 0);
}

static void test_layers(void **state)
{
	_cleanup_free_ char *opaque = xasprintf("%s/d/opaque", top);

	(void)state;
	folder(low, "d/opaque");
	folder(low, "d/gone");
	put(low, "d/opaque/old", "x");
	put(low, "d/gone/x", "x");
	put(low, "d/removed", "x");
	put(low, "d/both", "low");
	put(low, "d/low", "low");
	folder(top, "d/opaque");
	put(top, "d/opaque/new", "new");
	put(top, "d/both", "top");
	whiteout("d/gone");
	whiteout("d/removed");
	if (setxattr(opaque, "trusted.overlay.opaque", "y", 1, 0) < 0) {
		print_message("no trusted attributes here: %s\n", strerror(errno));
		skip();
	}
	fill_ok(1);
	assert_string_equal(content("both"), "top");
	assert_string_equal(content("low"), "low");
	assert_string_equal(content("opaque/new"), "new");
	assert_string_equal(content("opaque/old"), "-");
	assert_false(is_there("_data/gone") || is_there("_data/removed"));
	/* It is not empty any more. */
	put(top, "d/later", "x");
	fill_ok(0);
	assert_string_equal(content("later"), "-");
}

/* An effective CAP_NET_BIND_SERVICE, as linux/capability.h has it in files. */
static const uint32_t file_caps[5] = { 0x02000001, 1u << 10 };

static void test_attributes(void **state)
{
	_cleanup_free_ char *d = xasprintf("%s/d", low), *file = xasprintf("%s/d/file", low),
			    *link = xasprintf("%s/d/link", low), *hard = xasprintf("%s/d/hard", low),
			    *fifo = xasprintf("%s/d/fifo", low), *copy = xasprintf("%s/_data/file", volume);
	const struct timespec times[] = { { 1000000000, 1 }, { 981173106, 7 } };
	char value[64];

	(void)state;
	put(low, "d/file", "text");
	assert_int_equal(chown(file, 1000, 1001) | chmod(file, 06755), 0);
	assert_int_equal(setxattr(file, "security.capability", file_caps, sizeof(file_caps), 0), 0);
	assert_int_equal(setxattr(file, "user.note", "hello", 5, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
	assert_int_equal(symlink("/etc/shadow", link), 0);
	assert_int_equal(lchown(link, 5, 6), 0);
	assert_int_equal(linkat(AT_FDCWD, file, AT_FDCWD, hard, 0), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(chown(d, 999, 998) | chmod(d, 01730), 0);
	fill_ok(1);
	assert_int_equal(look("").st_uid, 999);
	assert_int_equal(look("").st_mode & 07777, 01730);
	assert_int_equal(look("file").st_uid, 1000);
	assert_int_equal(look("file").st_gid, 1001);
	assert_int_equal(look("file").st_mode & 07777, 06755);
	assert_int_equal(look("file").st_mtim.tv_sec, 981173106);
	assert_int_equal(look("file").st_nlink, 2);
	assert_int_equal(look("file").st_ino, look("hard").st_ino);
	assert_int_equal(getxattr(copy, "user.note", value, sizeof(value)), 5);
	assert_int_equal(getxattr(copy, "security.capability", value, sizeof(value)), sizeof(file_caps));
	assert_true(S_ISLNK(look("link").st_mode) && look("link").st_uid == 5);
	assert_true(S_ISFIFO(look("fifo").st_mode));
	assert_false(is_there(".mstack-filling") || is_there(".mstack-filled"));
}

/* More than a block, so that it is looked for in its layer; with a hole. */
static void test_large(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/d/large", low), *copy = xasprintf("%s/_data/large", volume);
	_cleanup_(buf_fini) struct buf want = { 0 }, got = { 0 };
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	(void)state;
	for (int i = 0; i < 20000; i++)
		assert_int_equal(dprintf(fd, "%07d\n", i), 8);
	assert_int_equal(ftruncate(fd, 32 << 20), 0);
	assert_int_equal(pwrite(fd, "end", 3, (32 << 20) - 3), 3);
	fill_ok(1);
	assert_int_equal(file_read(AT_FDCWD, path, 64 << 20, &want), 0);
	assert_int_equal(file_read(AT_FDCWD, copy, 64 << 20, &got), 0);
	assert_int_equal(want.len, got.len);
	assert_memory_equal(want.data, got.data, want.len);
	assert_true(look("large").st_blocks * 512 < 4 << 20);
}

/* Nothing there, a file in its place, links that lead back into the image, out of it, and to its root. */
static void test_targets(void **state)
{
	static const struct {
		const char *link, *want; /* link NULL: nothing is there; "": a file */
	} cases[] = { { NULL, "-" }, { "", "-" }, { "/real", "in" }, { "../../../real", "in" }, { "/tmp/nothing", "-" }, { "/", "-" }, { "..", "-" } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *d = xasprintf("%s/d", low);

		make(state);
		assert_int_equal(rmdir(d), 0);
		folder(low, "real");
		put(low, "real/file", "in");
		if (cases[i].link && *cases[i].link)
			assert_int_equal(symlink(cases[i].link, d), 0);
		else if (cases[i].link)
			put(low, "d", "");
		fill_ok(cases[i].want[1] ? 1 : 0);
		assert_string_equal(content("file"), cases[i].want);
	}
}

/* ---- crashes and neighbours ------------------------------------------------------------------ */

static void test_left_overs(void **state)
{
	struct err err = { 0 };
	const struct box_fill nothing = { .volume = "v", .folder = volume, .own = true };

	(void)state;
	put(low, "d/file", "from the image");
	/* While it was copied: begun anew. */
	folder(volume, ".mstack-filling/tree/half");
	fill_ok(1);
	assert_string_equal(content("file"), "from the image");
	assert_int_equal(look("half").st_mode, 0);
	/* While it was moved: finished, also by who has nothing to copy; what is there already stays. */
	make(state);
	folder(volume, ".mstack-filled/a");
	put(volume, ".mstack-filled/b", "theirs");
	put(volume, "_data/b", "mine");
	assert_int_equal(box_fill(&nothing, &err), 0);
	assert_string_equal(content("b"), "mine");
	assert_true(is_there("_data/a"));
	assert_false(is_there(".mstack-filled"));
	/* What others have put there is not touched. */
	fill_ok(0);
}

static void test_two_at_once(void **state)
{
	char name[32];
	struct err err = { 0 };
	int status, rc;
	pid_t pid;

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		put(low, name, "x");
	}
	pid = fork();
	if (!pid)
		_exit(fill(&err) + 10);
	rc = fill(&err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rc + WEXITSTATUS(status), 11);
	assert_string_equal(content("199"), "x");
}

/* What it comes to; -2: to no end. */
static int fill_ends(const struct box_fill *f, unsigned seconds)
{
	struct err err = { 0 };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		alarm(seconds);
		_exit(box_fill(f, &err) + 10);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) - 10 : -2;
}

/* As a container that has it mounted can do. */
static void test_locked_by_a_container(void **state)
{
	_cleanup_free_ char *data = xasprintf("%s/_data", volume);
	_cleanup_fd_ int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct box_fill f = { .volume = "v", .lower = lower, .n_lower = ARRAY_LEN(lower), .target = "/d", .folder = volume, .own = true };

	(void)state;
	put(low, "d/f", "x");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(fill_ends(&f, 60), 1);
	assert_string_equal(content("f"), "x");
}

static void test_locked_folder_of_the_host(void **state)
{
	_cleanup_free_ char *data = xasprintf("%s/_data", volume);
	_cleanup_fd_ int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct box_fill f = { .volume = "v", .lower = lower, .n_lower = ARRAY_LEN(lower), .target = "/d", .folder = data };
	struct err err = { 0 };

	(void)state;
	put(low, "d/f", "x");
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(fill_ends(&f, 60), -1);
	assert_int_equal(box_fill(&f, &err), -1);
	assert_string_equal(err.text,
			    "volume 'v': copy from the image: its folder is locked (flock) by another stack that fills it, or by a container that has it: try "
			    "again, or stop that container");
	assert_string_equal(content("f"), "-");
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(box_fill(&f, &err), 1);
}

static void test_errors(void **state)
{
	static const char *const missing[] = { "/no/such/layer" };
	struct box_fill f = { .volume = "v", .lower = missing, .n_lower = 1, .target = "/d", .folder = volume, .own = true };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(box_fill(&f, &err), -1);
	assert_string_equal(err.text, "volume 'v': open the image: '/no/such/layer': no such file or directory");
	f.folder = "/no/such/volume";
	assert_int_equal(box_fill(&f, &err), -1);
	assert_string_equal(err.text, "volume 'v': open '/no/such/volume': no such file or directory");
}

/* ---- the copy itself ------------------------------------------------------------------------- */

static void test_left_out(void **state)
{
	_cleanup_free_ char *null = xasprintf("%s/d/null", low), *links = xasprintf("%s/links", volume);
	_cleanup_free_ char *from_path = xasprintf("%s/d", low), *to_path = xasprintf("%s/_data", volume);
	_cleanup_fd_ int from = open(from_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 to = open(to_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copytree t = { .links = -1 };
	struct err err = { 0 };
	char deep[1200] = "d";

	(void)state;
	assert_int_equal(mknod(null, S_IFCHR | 0666, makedev(1, 3)), 0);
	folder(volume, "links");
	t.links = open(links, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(copytree(&t, from, to, &err), 0);
	assert_int_equal(t.left_out, 1);
	assert_int_equal(look("null").st_mode, 0);
	for (int i = 0; i < 202; i++)
		strcat(deep, "/deep");
	folder(low, deep);
	assert_int_equal(copytree(&t, from, to, &err), -1);
	assert_non_null(strstr(err.text, "more than 200 folders in one another: '/deep/deep"));
	close(t.links);
}

#define TEST(f) cmocka_unit_test_setup(f, make)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layers),     TEST(test_attributes),  TEST(test_large),  TEST(test_targets),
		TEST(test_left_overs), TEST(test_two_at_once), TEST(test_errors), TEST(test_left_out),
		TEST(test_locked_by_a_container), TEST(test_locked_folder_of_the_host),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
