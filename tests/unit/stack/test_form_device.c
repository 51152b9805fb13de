/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_device: devices and rules. */
#include <stdio.h>

#include "unit/stack/service_case.h"

#define ONE(source, target, permissions) \
	"{\"permissions\":\"" permissions "\",\"source\":\"" source "\",\"target\":\"" target "\"}"

static void test_good(void **state)
{
	static const struct { const char *devices, *want; } cases[] = {
		{ "[/dev/fuse]", ONE("/dev/fuse", "/dev/fuse", "rwm") },
		{ "[\"/dev/sda:/dev/xvda\"]", ONE("/dev/sda", "/dev/xvda", "rwm") },
		{ "[\"/dev/sda:/dev//xvda/:r\"]", ONE("/dev/sda", "/dev/xvda", "r") },
		{ "[{source: /dev/a}]", ONE("/dev/a", "/dev/a", "rwm") },
		{ "[{source: /dev/a, target: /dev/b, permissions: mr}]", ONE("/dev/a", "/dev/b", "mr") },
		{ "[\"/dev/a:\"]", ONE("/dev/a", "/dev/a", "rwm") },
		/* The later one takes the place of the earlier. */
		{ "[\"/dev/a:/dev/x\", /dev/y, \"/dev/b:/dev/x\"]",
		  ONE("/dev/b", "/dev/x", "rwm") "," ONE("/dev/y", "/dev/y", "rwm") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("devices: %s", cases[i].devices);
		_cleanup_free_ char *want = xasprintf("[%s]", cases[i].want);

		expect_form(keys, "devices", want);
	}
	expect_form("devices: []", "devices", "[]");
}

static void test_bad(void **state)
{
	static const struct { const char *device, *want; } cases[] = {
		{ "\"/a:/b:r:x\"", ": '/a:/b:r:x' is not a device; write SOURCE[:TARGET[:rwm]]" },
		{ "\"/a:/b:\"", ": '' are no permissions; write some of r, w and m" },
		{ "\"/dev/a:rw\"", ": '/dev/a:rw' is not a device; write SOURCE[:TARGET[:rwm]]" },
		{ "\"/dev/a:/dev/b:rx\"", ": 'rx' are no permissions; write some of r, w and m" },
		{ "\"/dev/a:/dev/b:rr\"", ": 'rr' are no permissions; write some of r, w and m" },
		{ "fuse", ": 'fuse': the path of a device must begin with /" },
		{ "\"/dev/a:b\"", ": 'b': the path in the container must begin with /" },
		{ "{target: /dev/a}", ": 'source' is missing" },
		{ "{source: /dev/a, permissions: x}", ".permissions: 'x' are no permissions; write some of r, w and m" },
		{ "{source: /dev/a, mode: r}", ": unknown key 'mode'" },
		{ "3", ": must be a string or a map, not a number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("devices: [%s]", cases[i].device);
		_cleanup_free_ char *want = xasprintf("service 'web': devices[0]%s\n", cases[i].want);
		_cleanup_free_ char *yaml = xasprintf("services: {web: {image: a, %s}}\n", keys);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		if (!strstr(l.text, want))
			fail_msg("%s: %s", keys, l.text);
	}
}

/* These are read, and refused by what is to run. */
static void test_entries(void **state)
{
	static const struct { const char *device, *want; } cases[] = {
		{ "vendor.com/class=name", "devices[0]: CDI name 'vendor.com/class=name': not supported yet" },
		{ "$NONE:/dev/x", "devices[0]: a device without a path: not supported yet" },
		{ "$NONE:$NONE", "devices[0]: a device without a path: not supported yet" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, devices: [\"%s\"]}}\n", cases[i].device);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 0);
		if (!strstr(l.text, cases[i].want))
			fail_msg("%s: %s", cases[i].device, l.text);
	}
}

static void test_rules(void **state)
{
	static const char *const bad[] = { "c 1:3", "x 1:3 r", "c 1:3 rwx", "c 1 r", "c  1:3 r", "", "c 1:*: r", "c **:1 r" };

	(void)state;
	expect_form("device_cgroup_rules: [\"c 1:3 rwm\", \"a *:* r\", \"b 8:* m\", \"c 1:3 rwm\"]", "device_cgroup_rules",
		    "[\"c 1:3 rwm\",\"a *:* r\",\"b 8:* m\"]");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, device_cgroup_rules: [\"%s\"]}}\n", bad[i]);
		_cleanup_free_ char *want = xasprintf("device_cgroup_rules[0]: '%s' is not a rule; write like c 1:3 rwm\n",
						      bad[i]);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_non_null(strstr(l.text, want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
