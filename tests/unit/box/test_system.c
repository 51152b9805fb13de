/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what a container sees of the kernel: namespaces, proc, sys, dev, masks, sysctls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

static void test_namespaces(void **state)
{
	static const char *const kinds[] = { "mnt", "pid", "net", "uts", "ipc", "cgroup", "user" };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	char path[64], ours[64], script[128];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		n = readlink(path, ours, sizeof(ours) - 2);
		assert_true(n > 0);
		memcpy(ours + n, "\n", 2);
		snprintf(script, sizeof(script), "readlink %s", path);
		assert_string_not_equal(rig_script(r, s, script), ours);
	}
	assert_string_equal(rig_script(r, s, "cat /proc/self/cgroup | grep ^0:"), "0::/\n");
	assert_string_equal(rig_script(r, s, "hostname"), "web-1\n");
	assert_string_equal(rig_script(r, s, "ls /sys/class/net"), "lo\n");
}

static void test_mounts(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	/* The root and what mstack made, nothing of the host. */
	assert_string_equal(rig_script(r, s, "grep -c '^overlay / overlay rw.*nodev' /proc/mounts"),
			    "1\n");
	assert_string_equal(
		rig_script(r, s,
			   "grep -vcE ' (/|/proc.*|/sys.*|/dev|/dev/(shm|pts|mqueue)) ' "
			   "/proc/mounts || :"),
		"0\n");
	assert_string_equal(
		rig_script(r, s, "grep -c '^sysfs /sys sysfs ro,nosuid,nodev,noexec' /proc/mounts"),
		"1\n");
	assert_string_equal(
		rig_script(r, s,
			   "grep -c '/sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec' /proc/mounts"),
		"1\n");
}

static void test_devices(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	assert_string_equal(
		rig_script(r, s, "ls -1 /dev"),
		"core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\n"
		"urandom\nzero\n");
	assert_string_equal(
		rig_script(
			r, s,
			"cd /dev; stat -c '%a %t:%T' null zero full random urandom tty pts/ptmx"),
		"666 1:3\n666 1:5\n666 1:7\n666 1:8\n666 1:9\n666 5:0\n666 5:2\n");
	assert_string_equal(
		rig_script(r, s,
			   "echo x >/dev/null; head -c 3 /dev/zero | wc -c; echo y >/dev/stderr"),
		"3\ny\n");
	assert_string_equal(rig_script(r, s, "touch /dev/shm/x /dev/mqueue/q && ls /dev/shm"),
			    "x\n");
	assert_string_equal(
		rig_script(
			r, s,
			"echo x >/dev/shm/x; chmod 755 /dev/shm/x; /dev/shm/x 2>/dev/null; echo $?"),
		"126\n");
}

static void test_masks(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	assert_string_equal(rig_script(r, s,
				       "wc -c </proc/interrupts; wc -c </proc/kallsyms; "
				       "ls -A /sys/firmware | wc -l"),
			    "0\n0\n0\n");
	assert_string_equal(
		rig_script(
			r, s,
			"for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger "
			"/proc/sys/vm/drop_caches /sys/kernel/mm/ksm/run /proc/irq/default_smp_affinity; "
			"do { echo x >$f; } 2>/dev/null && echo $f; done; :"),
		"");
	assert_string_equal(
		rig_script(r, s, "touch /sys/fs/cgroup/x /sys/firmware/x 2>/dev/null || echo no"),
		"no\n");
	/* A mask does not come off. */
	assert_string_equal(rig_script(r, s, "mount -t proc proc /tmp 2>/dev/null || echo no"),
			    "no\n");
}

static void test_sysctls(void **state)
{
	static const struct box_sysctl good[] = {
		{ "net.ipv4.ip_unprivileged_port_start", "80", 1 },
		{ "net/ipv4/conf/lo/forwarding", "1", 2 },
		{ "kernel.msgmax", "4096", 3 },
		{ "fs.mqueue.msg_max", "7", 4 },
		/* The host's root alone may write it. */
		{ "kernel.domainname", "meadow", 5 },
	};
	static const struct box_sysctl absent = { "net.no.such_thing", "1", 44 };
	static const struct box_sysctl wrong = { "kernel.msgmax", "many", 45 };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	const char *const argv[] = {
		"sh", "-c",
		"cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start net/ipv4/conf/lo/forwarding "
		"kernel/msgmax fs/mqueue/msg_max net/ipv4/ping_group_range kernel/domainname",
		NULL
	};
	struct box_spec spec = rig_spec(argv, rig_pipe());
	const struct err *err;
	int status;

	/* What everybody may do without being asked for. */
	assert_string_equal(rig_script(r, s,
				       "cd /proc/sys/net/ipv4; cat ip_unprivileged_port_start "
				       "ping_group_range"),
			    "0\n0\t65535\n");
	spec.sysctls = good;
	spec.n_sysctls = ARRAY_LEN(good);
	assert_string_equal(rig_run(r, s, &spec, &status), "80\n1\n4096\n7\n0\t65535\nmeadow\n");
	spec.sysctls = &absent;
	spec.n_sysctls = 1;
	err = rig_fail(r, s, &spec);
	assert_string_equal(
		err->text,
		"sysctls: 'net.no.such_thing' is not a setting of the container's own namespaces, or one "
		"that this kernel hides from user namespaces (those of net.core before Linux 6.3): leave "
		"it out, or write `userns_mode: host`");
	assert_int_equal(err->line, 44);
	spec.sysctls = &wrong;
	err = rig_fail(r, s, &spec);
	assert_string_equal(err->text, "sysctls: 'kernel.msgmax' to 'many': invalid argument");
	assert_int_equal(err->line, 45);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_namespaces), T(test_mounts), T(test_devices), T(test_masks), T(test_sysctls),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
