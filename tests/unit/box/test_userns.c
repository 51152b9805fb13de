/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of user namespaces: the ids inside and outside, whose files are whose, and what is refused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static struct box_slot *slot_of_host(struct rig *r)
{
	struct box_slot_spec spec = {
		.token = 7, .name = "host-1", .tmp_upper = true, .host_ids = true
	};
	struct box_slot *s = box_slot_open(r->rt, &spec, NULL);

	assert_non_null(s);
	rig_wait(r, BOX_SLOT_READY);
	return s;
}

static const char *script_with(struct rig *r, struct box_slot *s, const struct box_mount *mounts,
			       size_t n, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const char *out;
	int status;

	spec.mounts = mounts;
	spec.n_mounts = n;
	out = rig_run(r, s, &spec, &status);
	if (status)
		fail_msg("'%s' ended with status %x: %s", script, status, out);
	return out;
}

static void test_maps(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	unsigned inside, outside, count;

	for (int i = 0; i < 2; i++) {
		const char *map =
			rig_script(r, s, i ? "cat /proc/self/gid_map" : "cat /proc/self/uid_map");

		assert_int_equal(sscanf(map, "%u %u %u", &inside, &outside, &count), 3);
		assert_int_equal(inside, 0);
		assert_int_equal(outside, box_ids(r->rt));
		assert_int_equal(count, 65536);
	}
	assert_string_equal(rig_script(r, s, "cat /proc/self/setgroups; id -u; id -g"),
			    "allow\n0\n0\n");
	assert_string_equal(rig_script(r, slot_of_host(r), "cat /proc/self/uid_map | head -c 22"),
			    "         0          0 ");
}

/* All that mstack makes belongs to the container's root, and the image's files to whom they say. */
static void test_owners(void **state)
{
	struct rig *r = *state;
	const struct box_mount mounts[] = {
		{ .type = BOX_TMPFS, .target = "/made/by/us" },
		{ .type = BOX_FILE, .text = "x\n", .text_len = 2, .target = "/made/file" },
		{ .type = BOX_FILE, .text = "", .target = "/made/his", .uid = 33, .gid = 44 },
	};
	struct box_slot *slots[] = { rig_slot(r, "web-1"), slot_of_host(r) };

	assert_int_equal(chown(rig_path(RIG_IMAGE "/tmp"), 1000, 65535), 0);
	for (size_t i = 0; i < ARRAY_LEN(slots); i++)
		assert_string_equal(
			script_with(
				r, slots[i], mounts, ARRAY_LEN(mounts),
				"stat -c %u:%g / /bin /bin/busybox /tmp /dev /dev/null /dev/shm "
				"/made /made/by /made/by/us /made/file /made/his"),
			"0:0\n0:0\n0:0\n1000:65535\n0:0\n0:0\n0:0\n0:0\n0:0\n0:0\n0:0\n33:44\n");
	assert_int_equal(chown(rig_path(RIG_IMAGE "/tmp"), 0, 0), 0);
}

static void make_file(const char *name, uid_t uid, gid_t gid)
{
	int fd = open(rig_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, gid), 0);
	close(fd);
}

/* Owners on disk are the ones that the container speaks of. */
static void test_binds(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	_cleanup_free_ char *source = xstrdup(rig_path("shared"));
	const struct box_mount m = { .type = BOX_BIND, .source = source, .target = "/s" };
	struct stat st;

	assert_int_equal(mkdir(source, 0755), 0);
	make_file("shared/ours", 0, 0);
	make_file("shared/theirs", 33, 44);
	make_file("shared/nobodys", 100000, 100000);
	assert_string_equal(
		script_with(r, s, &m, 1,
			    "cd /s; stat -c %u:%g . ours theirs nobodys; touch new; "
			    "chmod 600 theirs; chmod 600 nobodys 2>/dev/null || echo no"),
		"0:0\n0:0\n33:44\n65534:65534\nno\n");
	assert_int_equal(stat(rig_path("shared/new"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(stat(rig_path("shared/theirs"), &st), 0);
	assert_int_equal(st.st_uid, 33);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* The upper layer belongs to the mapped ids, so the next process of the slot finds its files. */
static void test_upper(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	_cleanup_free_ char *upper = xstrdup(rig_path("layer/upper"));
	_cleanup_free_ char *work = xstrdup(rig_path("layer/work"));
	const char *const argv[] = {
		"sh", "-c",
		"stat -c %u:%g /mine 2>/dev/null || { echo x >/mine; chmod 600 "
		"/mine; chmod 700 /bin/busybox; chmod 711 /; }",
		NULL
	};
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct stat st;
	int status;

	assert_int_equal(mkdir(rig_path("layer"), 0755) | mkdir(upper, 0755) | mkdir(work, 0700),
			 0);
	spec.upper = upper;
	spec.work = work;
	assert_string_equal(rig_run(r, s, &spec, &status), "");
	assert_int_equal(status, 0);
	assert_int_equal(stat(rig_path("layer/upper/mine"), &st), 0);
	assert_int_equal(st.st_uid, box_ids(r->rt));
	assert_int_equal(stat(rig_path("layer/upper/bin/busybox"), &st), 0);
	assert_int_equal(st.st_uid, box_ids(r->rt));
	assert_int_equal(stat(rig_path("layer/upper"), &st), 0);
	assert_int_equal(st.st_uid, box_ids(r->rt));
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_string_equal(rig_run(r, s, &spec, &status), "0:0\n");
}

static void test_users(void **state)
{
	static const gid_t groups[] = { 5, 65535 };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c",
				     "id -u; id -g; id -G; grep Cap /proc/self/status | "
				     "grep -vc 0000000000000000",
				     NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	spec.uid = 65535;
	spec.gid = 33;
	spec.groups = groups;
	spec.n_groups = 2;
	/* The bounding set alone is not empty. */
	assert_string_equal(rig_run(r, s, &spec, &status), "65535\n33\n33 5 65535\n1\n");
	spec.uid = 65536;
	assert_non_null(strstr(rig_fail(r, s, &spec)->text, "become user 65536"));
}

/* In whatever way root gets rights, they are those of its own namespace. */
static void test_rights(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = {
		"sh", "-c",
		"mount -t tmpfs t /tmp 2>/dev/null && echo mounted; "
		"hostname x 2>/dev/null && echo named; "
		"echo 1 2>/dev/null >/proc/self/oom_score_adj; "
		"echo -5 2>/dev/null >/proc/self/oom_score_adj && echo raised; "
		"ulimit -Hn 600000 2>/dev/null && echo more; :",
		NULL
	};
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	spec.caps = ~UINT64_C(0);
	/* Its namespaces are its own; oom score and limits are the host's. */
	assert_string_equal(rig_run(r, s, &spec, &status), "mounted\nnamed\n");
	assert_int_equal(status, 0);
}

static void test_limits(void **state)
{
	static const struct box_rlimit few[] = { { RLIMIT_NOFILE, 20, 20, 9 } };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = { "sh", "-c", "ulimit -Sn; ulimit -Hn", NULL };
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int status;

	spec.rlimits = few;
	spec.n_rlimits = 1;
	assert_string_equal(rig_run(r, s, &spec, &status), "20\n20\n");
}

static void test_exec(void **state)
{
	static const char *const argv[] = { "sleep", "1000", NULL };
	static const char *const probe[] = {
		"sh", "-c",
		"id -u; cat /proc/self/uid_map; stat -c %u /proc/1; "
		"readlink /proc/self/ns/user; readlink /proc/1/ns/user",
		NULL
	};
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const struct box_exec_spec exec = { .token = 9, .argv = probe };
	char ns[2][64];
	unsigned uid, first, owner;

	assert_int_equal(box_start(s, &spec, true, NULL), 0);
	rig_wait(r, BOX_STARTED);
	assert_int_equal(box_exec(s, &exec, NULL), 0);
	assert_int_equal(rig_wait(r, BOX_EXEC_DONE)->status, 0);
	assert_int_equal(sscanf(r->exec_output, "%u 0 %u 65536 %u %63s %63s", &uid, &first, &owner,
				ns[0], ns[1]),
			 5);
	assert_int_equal(uid, 0);
	assert_int_equal(first, box_ids(r->rt));
	assert_int_equal(owner, 0);
	assert_string_equal(ns[0], ns[1]);
	assert_int_equal(box_kill(s, NULL), 0);
	rig_wait(r, BOX_EXITED);
}

/* ramfs is what no kernel can show with other ids. */
static void test_refusal(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1"), *host = slot_of_host(r);
	_cleanup_free_ char *outer = xstrdup(rig_path("outer"));
	_cleanup_free_ char *inner = xstrdup(rig_path("outer/inner"));
	struct box_spec spec = rig_spec(argv, rig_pipe());
	struct box_mount m = { .type = BOX_BIND, .source = inner, .target = "/m", .line = 12 };
	const struct err *err;
	int status;

	assert_int_equal(mkdir(outer, 0755) | mkdir(inner, 0755), 0);
	assert_int_equal(mount("ramfs", inner, "ramfs", 0, NULL), 0);
	spec.mounts = &m;
	spec.n_mounts = 1;
	err = rig_fail(r, s, &spec);
	assert_non_null(
		strstr(err->text, "/outer/inner': its file system (ramfs) cannot be shown"));
	assert_non_null(strstr(err->text, "write `userns_mode: host`"));
	assert_int_equal(err->line, 12);
	m.source = outer;
	err = rig_fail(r, s, &spec);
	assert_non_null(strstr(err->text, "on a folder below it is a file system"));
	spec.n_mounts = 0;
	spec.lower = (const char *const[]){ inner };
	assert_non_null(strstr(rig_fail(r, s, &spec)->text, "(ramfs)"));
	/* The way out that is named is one. */
	spec = rig_spec(argv, rig_pipe());
	spec.mounts = &m;
	spec.n_mounts = 1;
	rig_run(r, host, &spec, &status);
	assert_int_equal(status, 0);
	umount(inner);
}

/* A device is bound as it is: there are no ids to map on the host's /dev. */
static void test_device_file(void **state)
{
	struct rig *r = *state;
	const struct box_mount m = { .type = BOX_BIND,
				     .source = "/dev/null",
				     .target = "/etc/off" };

	assert_string_equal(script_with(r, rig_slot(r, "web-1"), &m, 1, "stat -c %F /etc/off"),
			    "character special file\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_maps),	T(test_owners), T(test_binds), T(test_upper),	T(test_users),
		T(test_rights), T(test_limits), T(test_exec),  T(test_refusal), T(test_device_file),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
