/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_service: values of a service that are right, and what the model holds then. What is refused: test_values.c. */
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "unit/stack/fixture.h"

/* One service with these keys, in the project folder /p; nothing may be said about it but `diags`. */
static struct loaded load_service(const char *keys, const char *diags)
{
	_cleanup_free_ char *yaml = xasprintf("services: {web: {%s}}\n", keys);
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path,
				   .n_paths = 1,
				   .project_name = "t",
				   .project_dir = "/p",
				   .env = fixture_env };
	struct loaded l;

	fixture_write(path, yaml, strlen(yaml));
	l = load_opts(&opts);
	if (!*diags)
		assert_string_equal(l.text, "");
	else
		assert_non_null(strstr(l.text, diags));
	assert_int_equal(l.result, 0);
	return l;
}

static void test_images(void **state)
{
	static const struct {
		const char *keys, *image, *context, *dockerfile;
	} cases[] = {
		{ "image: nginx", "nginx", NULL, NULL },
		{ "image: registry.example:5000/a/b:1", "registry.example:5000/a/b:1", NULL, NULL },
		{ "image: ./rootfs", "/p/rootfs", NULL, NULL },
		{ "image: ../other/./rootfs", "/other/rootfs", NULL, NULL },
		/* Not a path without the dot: the store looks for an image of this name. */
		{ "image: rootfs/a", "rootfs/a", NULL, NULL },
		{ "build: .", "t-web", "/p", NULL },
		{ "build: ./src//x/", "t-web", "/p/src/x", NULL },
		{ "build: {}", "t-web", "/p", NULL },
		{ "build: {context: sub, dockerfile: D}", "t-web", "/p/sub", "D" },
		{ "build: {args: {A: b}, target: x}", "t-web", "/p", NULL },
		{ "build: \"https://example.org/r.git\"", "t-web", "https://example.org/r.git",
		  NULL },
		{ "build: \"git@example.org:r\"", "t-web", "git@example.org:r", NULL },
		{ "image: own, build: .", "own", "/p", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(loaded_fini) struct loaded l = load_service(cases[i].keys, "");
		const struct stack_service *s = &l.stack->services[0];

		assert_string_equal(s->image.text, cases[i].image);
		assert_int_equal(!s->build_context.text, !cases[i].context);
		if (cases[i].context)
			assert_string_equal(s->build_context.text, cases[i].context);
		assert_int_equal(!s->build_dockerfile.text, !cases[i].dockerfile);
		if (cases[i].dockerfile)
			assert_string_equal(s->build_dockerfile.text, cases[i].dockerfile);
	}
}

static void test_restart(void **state)
{
	static const struct {
		const char *text;
		enum stack_restart restart;
		unsigned max;
	} cases[] = {
		{ "\"no\"", STACK_NO, 0 },
		{ "always", STACK_ALWAYS, 0 },
		{ "unless-stopped", STACK_UNLESS_STOPPED, 0 },
		{ "on-failure", STACK_ON_FAILURE, 0 },
		{ "on-failure:0", STACK_ON_FAILURE, 0 },
		{ "on-failure:7", STACK_ON_FAILURE, 7 },
		{ "on-failure:2147483647", STACK_ON_FAILURE, INT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, restart: %s", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_service(keys, "");

		assert_int_equal(l.stack->services[0].restart, cases[i].restart);
		assert_int_equal(l.stack->services[0].restart_max, cases[i].max);
	}
}

static void test_restart_refused(void **state)
{
	static const char *const bad[] = {
		"sometimes",	 "always:1",	 "on-failure:",
		"on-failure:-1", "on-failure:x", "on-failure:2147483648",
		"Always",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, restart: \"%s\"}}\n", bad[i]);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_int_equal(stack_diags_errors(l.diags), 1);
		assert_non_null(strstr(l.text, "is not a policy"));
	}
}

static void test_stop(void **state)
{
	static const struct {
		const char *text;
		int nr;
	} cases[] = {
		{ "SIGTERM", SIGTERM }, { "TERM", SIGTERM },  { "sigint", SIGINT },
		{ "\"9\"", SIGKILL },	{ "SIGRTMIN+3", 37 },
	};
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, stop_signal: %s", cases[i].text);

		l = load_service(keys, "");
		assert_int_equal(l.stack->services[0].stop_signal_nr, cases[i].nr);
		loaded_fini(&l);
	}
	l = load_service("image: a", "");
	assert_int_equal(l.stack->services[0].stop_signal_nr, 0);
	assert_false(l.stack->services[0].stop_grace_ns.given);
	assert_int_equal(l.stack->services[0].stop_grace_ns.value, INT64_C(10000000000));
	loaded_fini(&l);
	l = load_service("image: a, stop_grace_period: 1m1500ms", "");
	assert_true(l.stack->services[0].stop_grace_ns.given);
	assert_int_equal(l.stack->services[0].stop_grace_ns.value, INT64_C(61500000000));
	loaded_fini(&l);
}

static void test_names_and_paths(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load_service(
		"image: a, hostname: web.example-1, container_name: c_1.x, working_dir: /srv//a, user: \"1:2\"",
		"");
	const struct stack_service *s = &l.stack->services[0];

	(void)state;
	assert_string_equal(s->hostname.text, "web.example-1");
	assert_string_equal(s->container_name.text, "c_1.x");
	/* As it was written: which folder that is only the image can tell. */
	assert_string_equal(s->working_dir.text, "/srv//a");
	assert_string_equal(s->user.text, "1:2");
}

/* Only the machine's own platform can be run; its name in the words of images and of the kernel. */
static void test_platform(void **state)
{
	struct utsname host;
	const char *arch;
	_cleanup_free_ char *own = NULL, *full = NULL, *image = NULL;

	(void)state;
	assert_int_equal(uname(&host), 0);
	arch = !strcmp(host.machine, "x86_64")	  ? "amd64"
	       : !strcmp(host.machine, "aarch64") ? "arm64"
						  : host.machine;
	own = xasprintf("image: a, platform: %s", host.machine);
	full = xasprintf("image: a, platform: linux/%s", host.machine);
	image = xasprintf("image: a, platform: linux/%s", arch);
	for (size_t i = 0; i < 4; i++) {
		const char *keys[] = { own, full, image, "image: a, platform: linux" };
		_cleanup_(loaded_fini) struct loaded l = load_service(keys[i], "");

		assert_int_equal(l.stack->n_services, 1);
	}
	for (size_t i = 0; i < 3; i++) {
		const char *const others[] = { "linux/s390x", "windows/amd64", "linux/" };
		_cleanup_free_ char *yaml =
			xasprintf("services: {web: {image: a, platform: %s}}\n", others[i]);
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		assert_int_equal(l.result, 1);
		assert_non_null(strstr(l.text, "is another platform than this machine's"));
	}
}

static void test_pull_policy(void **state)
{
	static const char *const idle[] = { "always", "never", "missing", "if_not_present",
					    "build",  "daily", "weekly" };
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, pull_policy: %s", idle[i]);

		l = load_service(keys, "has no effect: images are not pulled");
		loaded_fini(&l);
	}
	l = load_service("image: a, pull_policy: every_12h", "");
	loaded_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images),		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_refused), cmocka_unit_test(test_stop),
		cmocka_unit_test(test_names_and_paths), cmocka_unit_test(test_platform),
		cmocka_unit_test(test_pull_policy),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
