/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of devices: nodes that a container is given, and those that it makes. Nothing of the machine's is opened: a character
 * device of major number 4000, above all that the kernel gives out, has no driver, so opening it is "no such device" (ENXIO)
 * where it is allowed, "operation not permitted" (EPERM) where the device program forbids it, and "permission denied" (EACCES) on a
 * file system without devices.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

#define NOBODYS makedev(4000, 7)
#define OPENS	"No such device or address\n"
#define BARRED	"Operation not permitted\n"
#define NODEV	"Permission denied\n"

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

/* A node in the folder of the tests; a path of the caller's until the next but three. */
static const char *node(const char *name, mode_t mode, dev_t number, uid_t uid, gid_t gid)
{
	static char paths[4][256];
	static unsigned turn;
	char *path = paths[turn++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s", rig_path(name));
	unlink(path);
	umask(0);
	assert_int_equal(mknod(path, mode, number), 0);
	umask(022);
	assert_int_equal(chown(path, uid, gid), 0);
	return path;
}

static const char *script(struct rig *r, struct box_slot *s, struct box_spec spec, const char *text)
{
	char whole[2048];
	const char *const argv[] = { "sh", "-c", whole, NULL };
	const char *out;
	int status;

	/* try MODE FILE: why it cannot be opened. */
	snprintf(
		whole, sizeof(whole),
		"try() { (case $1 in r) : <$2;; w) : >>$2;; rw) : <>$2;; esac) 2>&1 | sed 's/.*: //'; }; "
		"sed() { busybox sed \"$@\"; }; %s",
		text);
	spec.argv = argv;
	out = rig_run(r, s, &spec, &status);
	if (status)
		fail_msg("'%s' ended with status %x: %s", text, status, out);
	return out;
}

static const char *with_devices(struct rig *r, struct box_slot *s, const struct box_device *d,
				size_t n, const char *text)
{
	struct box_spec spec = rig_spec(NULL, rig_pipe());

	spec.devices = d;
	spec.n_devices = n;
	return script(r, s, spec, text);
}

static const char *with_rule(struct rig *r, struct box_slot *s, const struct box_device_rule *rule,
			     const char *text)
{
	struct box_spec spec = rig_spec(NULL, rig_pipe());

	spec.caps |= UINT64_C(1) << CAP_MKNOD;
	spec.device_rules = rule;
	spec.n_device_rules = rule ? 1 : 0;
	return script(r, s, spec, text);
}

/* In both kinds of slot: like the host's, its owner too, and of use for whom its mode says. */
static void test_given(void **state)
{
	struct rig *r = *state;
	const struct box_device devices[] = {
		{ node("mine", S_IFCHR | 0640, NOBODYS, 5, 6), "/dev/deep/er/mine", BOX_DEV_ALL,
		  1 },
		{ node("full", S_IFCHR | 0644, makedev(1, 7), 70000, 0), "/dev/more", BOX_DEV_ALL,
		  2 },
		{ "/dev/null", "/dev/null", BOX_DEV_ALL, 3 },
	};
	static const char look[] =
		"stat -c '%a %u:%g %t:%T' /dev/deep /dev/deep/er/mine /dev/null; try rw /dev/deep/er/mine; "
		"head -c 2 /dev/more | wc -c; stat -c %u /dev/more; ls /dev | grep -c .";
	char want[256];

	for (int host = 0; host < 2; host++) {
		struct box_slot *s = host ? slot_of_host(r) : rig_slot(r, "web-1");

		snprintf(want, sizeof(want),
			 "755 0:0 0:0\n640 5:6 fa0:7\n666 0:0 1:3\n" OPENS "2\n%s\n17\n",
			 host ? "70000" : "65534");
		assert_string_equal(with_devices(r, s, devices, 3, look), want);
	}
}

/* Who is no owner has what the mode gives to others. */
static void test_modes(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const struct box_device devices[] = {
		{ node("mine", S_IFCHR | 0640, NOBODYS, 1000, 2000), "/dev/mine", BOX_DEV_ALL, 1 },
	};
	static const gid_t groups[] = { 2000 };
	struct box_spec spec = rig_spec(NULL, rig_pipe());

	spec.devices = devices;
	spec.n_devices = 1;
	spec.uid = 33;
	assert_string_equal(script(r, s, spec, "try r /dev/mine"), NODEV);
	spec.groups = groups;
	spec.n_groups = 1;
	assert_string_equal(script(r, s, spec, "try r /dev/mine; try w /dev/mine"), OPENS NODEV);
	spec.uid = 1000;
	assert_string_equal(script(r, s, spec, "try rw /dev/mine"), OPENS);
}

/* `rwm` holds by the program, not by the mode. A start without it has another program, or none. */
static void test_permissions(void **state)
{
	struct rig *r = *state;
	const char *path = node("mine", S_IFCHR | 0666, NOBODYS, 0, 0);
	static const char look[] = "try r /dev/mine; try w /dev/mine; try rw /dev/mine";
	static const struct {
		unsigned access;
		const char *want;
	} cases[] = {
		{ BOX_DEV_READ, OPENS BARRED BARRED },
		{ BOX_DEV_WRITE, BARRED OPENS BARRED },
		{ BOX_DEV_MKNOD, BARRED BARRED BARRED },
		{ BOX_DEV_READ | BOX_DEV_WRITE, OPENS OPENS OPENS },
		{ BOX_DEV_READ, OPENS BARRED BARRED },
	};

	for (int host = 0; host < 2; host++) {
		struct box_slot *s = host ? slot_of_host(r) : rig_slot(r, "web-1");

		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			const struct box_device d = { path, "/dev/mine", cases[i].access, 1 };

			assert_string_equal(with_devices(r, s, &d, 1, look), cases[i].want);
		}
	}
}

/* A program that was killed with its group is there again in the new one. */
static void test_renewed_group(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const struct box_device d = { node("mine", S_IFCHR | 0666, NOBODYS, 0, 0), "/dev/mine",
				      BOX_DEV_READ, 1 };

	assert_string_equal(with_devices(r, s, &d, 1, "try w /dev/mine"), BARRED);
	s->cgroup.killed = true;
	assert_string_equal(with_devices(r, s, &d, 1, "try w /dev/mine"), BARRED);
	assert_true(s->cgroup.devices >= 0);
}

/* All below a folder, but what has a place of its own in every container. */
static void test_folders(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	char folder[256];
	struct box_device d = { folder, "/dev", BOX_DEV_READ, 1 };

	snprintf(folder, sizeof(folder), "%s", rig_path("nodes"));
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(mkdir(rig_path("nodes/sub"), 0755), 0);
	node("nodes/a", S_IFCHR | 0600, NOBODYS, 0, 0);
	node("nodes/sub/b", S_IFBLK | 0600, NOBODYS, 0, 0);
	node("nodes/null", S_IFCHR | 0600, NOBODYS, 0, 0);
	node("nodes/console", S_IFCHR | 0600, NOBODYS, 0, 0);
	node("nodes/pts", S_IFCHR | 0600, NOBODYS, 0, 0);
	assert_int_equal(symlink("a", rig_path("nodes/link")), 0);
	close(open(rig_path("nodes/file"), O_CREAT | O_WRONLY, 0600));
	assert_string_equal(
		with_devices(
			r, s, &d, 1,
			"stat -c '%a %t:%T' /dev/a /dev/sub/b /dev/null; try r /dev/a; try w /dev/a; "
			"try r /dev/sub/b; ls -d /dev/console /dev/link /dev/file 2>/dev/null || :"),
		"600 fa0:7\n600 fa0:7\n666 1:3\n" OPENS BARRED OPENS);
	d.target = "/mine";
	assert_string_equal(
		with_devices(r, s, &d, 1, "try r /mine/null; try w /mine/a; try r /mine/sub/b"),
		OPENS BARRED OPENS);
}

/* The root holds no devices, so a node elsewhere comes by a mount. */
static void test_elsewhere(void **state)
{
	struct rig *r = *state;
	const struct box_device d = { node("mine", S_IFCHR | 0640, NOBODYS, 5, 6), "/data/disk",
				      BOX_DEV_ALL, 1 };

	for (int host = 0; host < 2; host++) {
		struct box_slot *s = host ? slot_of_host(r) : rig_slot(r, "web-1");

		for (int again = 0; again < 2; again++)
			assert_string_equal(
				with_devices(r, s, &d, 1,
					     "stat -c '%a %u:%g' /data/disk; try rw /data/disk"),
				"640 5:6\n" OPENS);
	}
}

static void test_refused(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *mine = node("mine", S_IFCHR | 0666, NOBODYS, 0, 0);
	char file[256];
	const struct {
		const char *source, *target, *want;
	} cases[] = {
		{ mine, "/dev/null",
		  "devices: refused to make '/dev/null': it would replace a standard device" },
		{ mine, "/dev/zero/x",
		  "devices: refused to make '/dev/zero/x': it would replace a standard device" },
		{ mine, "/dev/pts/9",
		  "devices: refused to make '/dev/pts/9': it would replace a standard device" },
		{ mine, "/dev/shm",
		  "devices: refused to make '/dev/shm': it would replace a standard device" },
		{ mine, "/dev/fd/x",
		  "devices: refused to make '/dev/fd/x': it would replace a standard device" },
		{ mine, "/dev", "devices: nothing can be made at '/dev'" },
		{ mine, "/proc/x", "devices: nothing can be made at '/proc/x'" },
		{ mine, "/sys/x", "devices: nothing can be made at '/sys/x'" },
		{ mine, "/", "devices: nothing can be made at '/'" },
		{ "/dev/no-such-device", "/dev/x",
		  "devices: '/dev/no-such-device': no such file or directory" },
		{ file, "/dev/x", "is neither a device nor a folder of them" },
	};

	snprintf(file, sizeof(file), "%s", rig_path("plain"));
	close(open(file, O_CREAT | O_WRONLY, 0600));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct box_device d = { cases[i].source, cases[i].target, BOX_DEV_ALL, 33 };
		static const char *const argv[] = { "true", NULL };
		struct box_spec spec = rig_spec(argv, rig_pipe());
		const struct err *err;

		spec.devices = &d;
		spec.n_devices = 1;
		err = rig_fail(r, s, &spec);
		if (!strstr(err->text, cases[i].want))
			fail_msg("%s: %s", cases[i].target, err->text);
		assert_int_equal(err->line, 33);
	}
}

/* With the host's ids a container may make any node where it has the right to; the program alone is in its way then. */
static void test_made_inside(void **state)
{
	static const struct box_device_rule one = { 'c', 4000, 7, BOX_DEV_READ },
					    other = { 'b', 4000, -1, BOX_DEV_ALL };
	static const char look[] =
		"busybox mknod /dev/n c 4000 7; busybox mknod /dev/full2 c 1 7; busybox mknod /n c 1 7; "
		"try r /dev/n; try w /dev/n; head -c 1 /dev/full2 | wc -c; try r /n";
	struct rig *r = *state;
	struct box_slot *s = slot_of_host(r);

	assert_string_equal(with_rule(r, s, NULL, look), BARRED BARRED "1\n" NODEV);
	assert_string_equal(with_rule(r, s, &one,
				      "busybox rm -f /n; "
				      "busybox mknod /dev/n c 4000 7; try r /dev/n; try w /dev/n"),
			    OPENS BARRED);
	assert_string_equal(
		with_rule(r, s, &other,
			  "busybox mknod /dev/n c 4000 7; busybox mknod /dev/b b 4000 7; "
			  "try r /dev/n; try rw /dev/b"),
		BARRED OPENS);
}

/* Nodes of a bound folder are of use where a rule speaks of them, and only those. */
static void test_bound(void **state)
{
	static const struct box_device_rule one = { 'c', 4000, 7, BOX_DEV_READ };
	struct rig *r = *state;
	struct box_mount bind = { .type = BOX_BIND, .target = "/b" };
	struct box_spec spec = rig_spec(NULL, rig_pipe());
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", rig_path("bound"));
	assert_int_equal(mkdir(folder, 0755), 0);
	node("bound/seven", S_IFCHR | 0666, NOBODYS, 0, 0);
	node("bound/eight", S_IFCHR | 0666, makedev(4000, 8), 0, 0);
	bind.source = folder;
	spec.mounts = &bind;
	spec.n_mounts = 1;
	for (int host = 0; host < 2; host++) {
		struct box_slot *s = host ? slot_of_host(r) : rig_slot(r, "web-1");

		spec.device_rules = NULL;
		spec.n_device_rules = 0;
		assert_string_equal(script(r, s, spec, "try r /b/seven"), NODEV);
		spec.device_rules = &one;
		spec.n_device_rules = 1;
		assert_string_equal(
			script(r, s, spec, "try r /b/seven; try w /b/seven; try r /b/eight"),
			OPENS BARRED BARRED);
	}
}

/* All there is on the host, and nothing in the way; here it is only looked at. */
static void test_privileged(void **state)
{
	static const char look[] =
		"busybox mknod /n c 4000 7; try rw /n; rm /n; head -c 1 /proc/interrupts | wc -c; "
		"grep -cE ' /(proc|sys)/' /proc/mounts; grep -cE '^(sysfs|cgroup2|proc) .* rw,' /proc/mounts; "
		"grep -cE '^overlay / .*nodev' /proc/mounts; stat -c %t:%T /dev/null; ls /dev | grep -cx console; :";
	struct rig *r = *state;
	struct box_slot *s = slot_of_host(r);
	struct box_spec spec = rig_spec(NULL, rig_pipe());
	struct stat st;

	spec.privileged = spec.unmasked = spec.unfiltered = spec.new_privileges = true;
	spec.caps = UINT64_MAX;
	assert_string_equal(script(r, s, spec, look), OPENS "1\n1\n3\n0\n1:3\n0\n");
	if (!stat("/dev/kmsg", &st) && S_ISCHR(st.st_mode))
		assert_string_equal(script(r, s, spec, "stat -c %t:%T /dev/kmsg"), "1:b\n");
	assert_int_equal(s->cgroup.devices, -1);
	/* Another start in the slot has none of it, and again has it. */
	spec.privileged = false;
	assert_string_equal(script(r, s, spec, "busybox mknod /dev/n c 4000 7; try rw /dev/n"),
			    BARRED);
	assert_true(s->cgroup.devices >= 0);
	spec.privileged = true;
	assert_string_equal(script(r, s, spec, "busybox mknod /dev/n c 4000 7; try rw /dev/n"),
			    OPENS);
	assert_int_equal(s->cgroup.devices, -1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_given),	 T(test_modes),	     T(test_permissions), T(test_renewed_group),
		T(test_folders), T(test_elsewhere),  T(test_refused),	  T(test_made_inside),
		T(test_bound),	 T(test_privileged),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
