/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of volumes with file systems of their own, of what is below a source, of images as mounts, and of propagation.
 */
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

#include "box/propagation.h"
#include "unit/box/rig.h"

static const char *script[] = { "sh", "-c", "true", NULL };

static struct box_spec spec_with(const struct box_mount *m, size_t n)
{
	struct box_spec spec = rig_spec(script, rig_pipe());

	spec.mounts = m;
	spec.n_mounts = n;
	spec.volumes = -1;
	return spec;
}

static const char *run(struct rig *r, struct box_slot *s, const struct box_spec *spec,
		       const char *text)
{
	const char *out;
	int status;

	script[2] = text;
	out = rig_run(r, s, spec, &status);
	if (status)
		fail_msg("'%s': status %x: %s", text, status, out);
	return out;
}

static void test_tmpfs(void **state)
{
	static const struct box_volume volumes[] = {
		{ "one", "tmpfs", "tmpfs", "size=1m,mode=0711,uid=7,noexec,defaults", 1 },
		{ "two", "tmpfs", "tmpfs", NULL, 2 },
	};
	static const struct box_mount mounts[] = {
		{ .type = BOX_MOUNTED, .source = "one", .target = "/one" },
		{ .type = BOX_MOUNTED, .source = "two", .target = "/two", .read_only = true },
	};
	struct rig *r = *state;
	struct box_slot *a = rig_slot(r, "a-1"), *b = rig_slot(r, "b-1");
	struct box_spec spec = spec_with(mounts, ARRAY_LEN(mounts));
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct err err = { 0 };

	spec.volumes = box_volumes_mount(volumes, ARRAY_LEN(volumes), &err);
	if (spec.volumes < 0)
		fail_msg("%s", err.text);
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text), 0);
	assert_null(strstr(buf_str(&text), "size=1024k"));
	assert_string_equal(run(r, a, &spec, "stat -c '%u %a' /one; echo x >/one/file; touch /two/x 2>/dev/null || echo no"),
			    "7 711\nno\n");
	assert_string_equal(run(r, b, &spec, "cat /one/file; grep -c ' /one tmpfs .*nodev,noexec' /proc/mounts"), "x\n1\n");
	close(spec.volumes);
}

static void test_refused(void **state)
{
	static const struct {
		struct box_volume volume;
		const char *want;
	} cases[] = {
		{ { "v", "nosuchfs", "x", NULL, 3 },
		  "mount volumes: volume 'v': this kernel has no file system of the type 'nosuchfs'" },
		{ { "v", "tmpfs", "x", "size=1m,bogus=1", 4 }, "the kernel says: tmpfs: Unknown parameter 'bogus'" },
		{ { "v", "tmpfs", "x", "size=lots", 5 }, "the kernel says: tmpfs: Bad value for 'size'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };

		assert_int_equal(box_volumes_mount(&cases[i].volume, 1, &err), -1);
		if (!strstr(err.text, cases[i].want))
			fail_msg("'%s' is not in '%s'", cases[i].want, err.text);
		assert_int_equal(err.line, cases[i].volume.line);
	}
}

static void test_subpath(void **state)
{
	static const struct {
		const char *subpath, *want; /* NULL: what `cat /m/f` says is "deep" */
	} cases[] = {
		{ "a/b", NULL },
		{ "a/../a/./b/", NULL },
		{ "in", NULL },
		{ "a/none", "it is not there: make it first" },
		{ "a/b/f/x", "it is not there: make it first" },
		{ "out", "a link in it leads out of there" },
		{ "absolute", "a link in it leads out of there" },
		{ "loop", "a link in it leads out of there" },
	};
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "a-1");
	_cleanup_free_ char *base = xstrdup(rig_path("sub"));

	path_mkdirs(AT_FDCWD, rig_path("sub/a/b"), 0755);
	assert_int_equal(file_replace(AT_FDCWD, rig_path("sub/a/b/f"), "deep", 4, 0644), 0);
	assert_int_equal(symlink("a/b", rig_path("sub/in")) | symlink("../..", rig_path("sub/out")), 0);
	assert_int_equal(symlink("/etc", rig_path("sub/absolute")) | symlink("loop", rig_path("sub/loop")), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct box_mount m = { .source = base, .target = "/m", .subpath = cases[i].subpath, .line = 9 };
		struct box_spec spec = spec_with(&m, 1);
		const struct err *err;

		if (!cases[i].want) {
			assert_string_equal(run(r, s, &spec, "cat /m/f"), "deep");
			continue;
		}
		err = rig_fail(r, s, &spec);
		assert_int_equal(err->line, 9);
		if (!strstr(err->text, cases[i].want))
			fail_msg("%s: '%s'", cases[i].subpath, err->text);
	}
}

static void test_image(void **state)
{
	_cleanup_free_ char *top = xstrdup(rig_path("img-top")), *low = xstrdup(rig_path("img-low"));
	const char *lower[] = { top, low };
	struct box_mount m[] = {
		{ .type = BOX_IMAGE, .source = "i", .target = "/all", .lower = lower, .n_lower = 2 },
		{ .type = BOX_IMAGE, .source = "i", .target = "/part", .lower = lower, .n_lower = 2, .subpath = "link" },
		{ .type = BOX_IMAGE, .source = "i", .target = "/one", .lower = lower + 1, .n_lower = 1 },
	};
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "a-1");
	struct box_spec spec = spec_with(m, ARRAY_LEN(m));

	path_mkdirs(AT_FDCWD, rig_path("img-top"), 0755);
	path_mkdirs(AT_FDCWD, rig_path("img-low/d"), 0755);
	assert_int_equal(file_replace(AT_FDCWD, rig_path("img-low/d/f"), "f\n", 2, 0644), 0);
	assert_int_equal(file_replace(AT_FDCWD, rig_path("img-low/gone"), "x", 1, 0644), 0);
	assert_int_equal(mknod(rig_path("img-top/gone"), S_IFCHR, 0), 0);
	assert_int_equal(symlink("/d", rig_path("img-top/link")), 0);
	/* Twice: what the first start left in the slot does not matter. */
	for (int i = 0; i < 2; i++)
		assert_string_equal(run(r, s, &spec, "cat /all/d/f /part/f; ls -d /all/gone /one/gone 2>/dev/null; touch /all/x /part/x "
						     "2>/dev/null || echo no"),
				    "f\nf\n/one/gone\nno\n");
	m[1].subpath = "none";
	assert_non_null(strstr(rig_fail(r, s, &spec)->text, "subpath 'none' of 'i': it is not there"));
}

static void test_propagation_check(void **state)
{
	_cleanup_free_ char *path = xstrdup(rig_path("prop"));
	struct err err = { 0 };

	(void)state;
	path_mkdirs(AT_FDCWD, path, 0755);
	assert_int_equal(mount(path, path, NULL, MS_BIND, NULL) | mount(NULL, path, NULL, MS_PRIVATE, NULL), 0);
	assert_int_equal(propagation_check(path, BOX_PRIVATE, &err), 0);
	assert_int_equal(propagation_check(path, BOX_SLAVE, &err), -1);
	assert_non_null(strstr(err.text, "with propagation 'slave': the mount '"));
	assert_non_null(strstr(err.text, "is not shared"));
	assert_int_equal(propagation_check(path, BOX_SHARED, &err), -1);
	assert_int_equal(mount(NULL, path, NULL, MS_SHARED, NULL), 0);
	assert_int_equal(propagation_check(path, BOX_SLAVE, &err), 0);
	assert_int_equal(propagation_check(path, BOX_SHARED, &err), 0);
	/* A receiver can pass on what it receives, and nothing of its own. */
	assert_int_equal(unshare(CLONE_NEWNS) | mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), 0);
	assert_int_equal(propagation_check(path, BOX_SLAVE, &err), 0);
	assert_int_equal(propagation_check(path, BOX_SHARED, &err), -1);
	/* That is said by who opens it. */
	assert_int_equal(propagation_check("/no/such/path", BOX_SHARED, &err), 0);
	umount(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tmpfs), TEST(test_refused), TEST(test_subpath), TEST(test_image),
		TEST(test_propagation_check),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
