/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_service: words and names of a service: canonical forms, what is refused, what is wrong. */
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "unit/stack/service_case.h"

static struct loaded load_service(const char *keys)
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
	assert_string_equal(l.text, "");
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
		{ "build: .", "t-web", "/p", "Dockerfile" },
		{ "build: ./src//x/", "t-web", "/p/src/x", "Dockerfile" },
		{ "build: {}", "t-web", "/p", "Dockerfile" },
		{ "build: {context: sub, dockerfile: D}", "t-web", "/p/sub", "D" },
		{ "image: own, build: .", "own", "/p", "Dockerfile" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(loaded_fini) struct loaded l = load_service(cases[i].keys);
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

static void test_image_empty(void **state)
{
	(void)state;
	expect_diags("services: {web: {image: \"\"}}\n",
		     "1:25: error: service 'web': image: must not be empty\n");
}

static void test_restart(void **state)
{
	static const struct {
		const char *text;
		enum stack_restart restart;
		unsigned max;
	} cases[] = {
		{ "no", STACK_NO, 0 },
		{ "", STACK_NO, 0 },
		{ "always", STACK_ALWAYS, 0 },
		{ "unless-stopped", STACK_UNLESS_STOPPED, 0 },
		{ "on-failure", STACK_ON_FAILURE, 0 },
		{ "on-failure:0", STACK_ON_FAILURE, 0 },
		{ "on-failure:7", STACK_ON_FAILURE, 7 },
		{ "on-failure:010", STACK_ON_FAILURE, 10 },
		{ "on-failure:2147483647", STACK_ON_FAILURE, INT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, restart: \"%s\"", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_service(keys);

		assert_int_equal(l.stack->services[0].restart, cases[i].restart);
		assert_int_equal(l.stack->services[0].restart_max, cases[i].max);
	}
	expect_form("restart: on-failure:7", "restart", "\"on-failure:7\"");
	expect_form("restart: \"\"", "restart", "");
}

static void test_restart_wrong(void **state)
{
	static const char *const bad[] = {
		"sometimes",
		"always:1",
		"no:1",
		"on-failure:",
		"on-failure:-1",
		"on-failure:x",
		"on-failure:1x",
		"on-failure:0x3",
		"on-failure:2147483648",
		"Always",
		"on-failure:+1",
		"on-failure:1:2",
		" always",
		"on-failure:99999999999",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("restart: \"%s\"", bad[i]);

		expect_error(keys, "is not a policy");
	}
	expect_error("restart: on-failur", "did you mean 'on-failure'?");
	expect_error("restart: false", "must be a string, not a truth value");
}

static void test_stop(void **state)
{
	static const struct {
		const char *text;
		int nr;
	} cases[] = {
		{ "SIGTERM", SIGTERM }, { "TERM", SIGTERM },  { "sigint", SIGINT },
		{ "\"9\"", SIGKILL },	{ "SIGRTMIN+3", 37 }, { "\"\"", 0 },
	};
	struct loaded l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, stop_signal: %s", cases[i].text);

		l = load_service(keys);
		assert_int_equal(l.stack->services[0].stop_signal_nr, cases[i].nr);
		loaded_fini(&l);
	}
	expect_error("stop_signal: SIGNOPE", "'SIGNOPE' is not a signal");
	expect_error("stop_signal: \"0\"", "'0' is not a signal");
	expect_error("stop_signal: \"4711\"", "'4711' is not a signal");
	l = load_service("image: a");
	assert_int_equal(l.stack->services[0].stop_signal_nr, 0);
	assert_false(l.stack->services[0].stop_grace_ns.given);
	assert_int_equal(l.stack->services[0].stop_grace_ns.value, INT64_C(10000000000));
	loaded_fini(&l);
	l = load_service("image: a, stop_grace_period: 1m1500ms");
	assert_true(l.stack->services[0].stop_grace_ns.given);
	assert_int_equal(l.stack->services[0].stop_grace_ns.value, INT64_C(61500000000));
	loaded_fini(&l);
}

static void test_names(void **state)
{
	static const struct {
		const char *keys, *key, *json;
	} cases[] = {
		{ "hostname: web.example-1", "hostname", "\"web.example-1\"" },
		{ "hostname: \"\"", "hostname", "" },
		{ "container_name: c_1.x", "container_name", "\"c_1.x\"" },
		{ "container_name: 00", "container_name", NULL },
		/* As it was written: which folder that is only the image can tell. */
		{ "working_dir: /srv//a", "working_dir", "\"/srv//a\"" },
		{ "working_dir: \"\"", "working_dir", "" },
		{ "user: \"1000\"", "user", "\"1000\"" },
		{ "user: \"1:2\"", "user", "\"1:2\"" },
		{ "user: neo4j:neo4j", "user", "\"neo4j:neo4j\"" },
		{ "user: \":0\"", "user", "\":0\"" },
		{ "user: \":\"", "user", "\":\"" },
		{ "user: \"\"", "user", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (cases[i].json)
			expect_form(cases[i].keys, cases[i].key, cases[i].json);
		else
			expect_error(cases[i].keys, "must be a string, not a number");
}

static void test_groups(void **state)
{
	(void)state;
	expect_form("group_add: [1000, audio, \"1000\"]", "group_add", "[\"1000\",\"audio\"]");
	expect_form("group_add: []", "group_add", "[]");
	expect_error("group_add: [[a]]", "group_add[0]: must be a string or a number, not a list");
	expect_error("group_add: audio", "must be a list, not a string");
}

/* What runs: an empty name is root, an empty group the user's own. */
static void test_users(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "a", "a" },	 { "1:2", "1:2" }, { ":", "0" },
		{ ":7", "0:7" }, { "a:", "a" },	   { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_free_ char *keys = xasprintf("image: a, user: \"%s\"", cases[i].text);
		_cleanup_(loaded_fini) struct loaded l = load_service(keys);
		const char *got = l.stack->services[0].user.text;

		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
	}
}

static void test_names_wrong(void **state)
{
	(void)state;
	expect_error("hostname: \"a b\"", "is not a host name of at most 64 letters");
	expect_error("hostname: -a", "is not a host name");
	expect_error("hostname: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		     "is not a host name");
	expect_error("container_name: \"ab cd\"", "'ab cd' is not a name");
	expect_error("container_name: _a", "'_a' is not a name");
	expect_error("container_name: a", "'a' is too short");
	expect_error("container_name: \"\"", "'' is not a name");
	expect_error("working_dir: srv", "must begin with /");
	expect_error("user: 1000", "must be a string, not a number");
	expect_error("user: \"a b\"", "'a b' is not a user");
	expect_error("user: \"a:b:c\"", "'a:b:c' is not a user");
	expect_error("user: /etc/passwd", "is not a user");
}

/* Only the machine's own platform can be run; its name in the words of images and of the kernel. */
static void test_platform(void **state)
{
	static const char *const others[] = { "linux/s390x", "windows/amd64", "wasi/wasm",
					      "linux/amd64/v9", "linuxx" };
	static const char *const bad[] = { "linux/", "/amd64", "a/b/c/d", "linux//v8", "a b" };
	struct utsname host;
	const char *arch;

	(void)state;
	assert_int_equal(uname(&host), 0);
	arch = !strcmp(host.machine, "x86_64")	  ? "amd64"
	       : !strcmp(host.machine, "aarch64") ? "arm64"
						  : host.machine;
	for (size_t i = 0; i < 5; i++) {
		const char *os = i < 2 ? "" : i < 4 ? "linux/" : "Linux/";
		_cleanup_free_ char *keys =
			xasprintf("platform: %s%s", os, i % 2 ? host.machine : arch);
		_cleanup_free_ char *json = xasprintf("\"%s\"", keys + strlen("platform: "));

		expect_form(keys, "platform", json);
	}
	expect_form("platform: linux", "platform", "\"linux\"");
	expect_form("platform: \"\"", "platform", "");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		_cleanup_free_ char *keys = xasprintf("platform: %s", others[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", others[i]);

		expect_refusal(keys, "platform", json, "is another platform than this machine's");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("platform: \"%s\"", bad[i]);

		expect_error(keys, "is not a platform");
	}
}

static void test_pull_policy(void **state)
{
	static const char *const good[] = { "always", "never",	"missing", "if_not_present",
					    "build",  "refresh",	"daily",   "weekly",
					    "every_12h", "every_1w2d" };
	static const char *const bad[] = { "sometimes", "",	    "every_",	 "every_h",
					   "every_12",	"every_1y", "every_1h ", "Always" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_free_ char *keys = xasprintf("pull_policy: %s", good[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", good[i]);

		expect_form(keys, "pull_policy", json);
	}
	expect_form("pull_refresh_after: 36h", "pull_refresh_after", "\"36h0m0s\"");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("pull_policy: \"%s\"", bad[i]);

		expect_error(keys, "is not a policy");
	}
	expect_error("pull_policy: alway", "did you mean 'always'?");
}

static void test_namespaces(void **state)
{
	static const char *const usual[] = {
		"pid: private",	   "ipc: private", "ipc: shareable",	"uts: private",
		"cgroup: private", "pid: host",	   "ipc: host",		"ipc: none",
		"uts: host",	   "cgroup: host", "userns_mode: host", "userns_mode: private"
	};
	static const char *const bad[] = { "pid: hots",
					   "pid: shareable",
					   "ipc: \"service:\"",
					   "uts: none",
					   "cgroup: other",
					   "cgroup: service:db",
					   "userns_mode: service:db",
					   "pid: container:a b",
					   "ipc: \"service:-\"",
					   "cgroup: \"\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		size_t len = strcspn(usual[i], ":");
		_cleanup_free_ char *key = xasprintf("%.*s", (int)len, usual[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", usual[i] + len + 2);

		expect_form(usual[i], key, json);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_error(bad[i], "is unknown; write ");
	expect_refusal("pid: container:vpn", "pid", "\"container:vpn\"",
		       "there are no containers outside of the stack");
	expect_form("pid: \"\"", "pid", "");
}

static void test_network_mode(void **state)
{
	static const char *const refused[] = { "container:vpn", "mynet" };
	static const char *const done[] = { "bridge", "none", "host" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(done); i++) {
		_cleanup_free_ char *keys = xasprintf("network_mode: %s", done[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", done[i]);

		expect_form(keys, "network_mode", json);
	}
	expect_form("network_mode: \"\"", "network_mode", "");
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_cleanup_free_ char *keys = xasprintf("network_mode: %s", refused[i]);
		_cleanup_free_ char *json = xasprintf("\"%s\"", refused[i]);

		expect_refusal(keys, "network_mode", json, refused[i]);
	}
	expect_refusal("network_mode: mynet", "network_mode", "\"mynet\"",
		       "name it under 'networks'");
	expect_error("network_mode: \"service:\"", "is unknown; write bridge, none, host");
	expect_error("network_mode: \"a b\"", "is unknown");
}

static void test_security(void **state)
{
	static const char *const done[] = {
		"no-new-privileges",  "no-new-privileges:true",	 "no-new-privileges=1",
		"seccomp=builtin",    "no-new-privileges=false", "no-new-privileges:0",
		"seccomp:unconfined", "apparmor=unconfined",	 "apparmor:a//b",
		"systempaths=unconfined", "systempaths:unconfined",
		"arch=i386", "arch=i386\",\"seccomp=unconfined"
	};
	static const char *const refused[] = { "arch=i386\",\"seccomp=./p.json" };
	static const char *const warned[] = { "label:disable", "label=type:x_t" };
	static const char *const bad[] = {
		"",	    "no-new-privileges=maybe", "seccomp",      "seccomp=",
		"apparmor", "systempaths=x", "arch=amd64", "arch",	       "apparmor=a b", "x=y",
		"label:"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(done); i++) {
		_cleanup_free_ char *keys = xasprintf("security_opt: [\"%s\"]", done[i]);
		_cleanup_free_ char *json = xasprintf("[\"%s\"]", done[i]);

		expect_form(keys, "security_opt", json);
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_cleanup_free_ char *keys = xasprintf("security_opt: [\"%s\"]", refused[i]);
		_cleanup_free_ char *json = xasprintf("[\"%s\"]", refused[i]);

		expect_refusal(keys, "security_opt", json, refused[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(warned); i++) {
		_cleanup_free_ char *keys = xasprintf("security_opt: [\"%s\"]", warned[i]);
		_cleanup_free_ char *json = xasprintf("[\"%s\"]", warned[i]);

		expect_warning(keys, "security_opt", json, "security_opt[0]: has no effect");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_free_ char *keys = xasprintf("security_opt: [\"%s\"]", bad[i]);

		expect_error(keys, "is not an option");
	}
	expect_error("security_opt: [1]", "must be a string, not a number");
	expect_error("security_opt: [no-new-privilege]", "did you mean 'no-new-privileges'?");
	expect_warning("security_opt: [apparmor=a, label:b, label:b]", "security_opt",
		       "[\"apparmor=a\",\"label:b\"]", "security_opt[1]: has no effect");
}

static void test_label_files(void **state)
{
	static const char one[] = "A=1\nB=${A}-${TAG:-none}\n", two[] = "A='2'\nC\n";
	struct loaded l;
	char *got;

	(void)state;
	fixture_write("one.labels", one, strlen(one));
	fixture_write("two.labels", two, strlen(two));
	l = load_text("services: {web: {image: a, label_file: [./one.labels, two.labels], "
		      "labels: [D=4, \"B=\"]}}\n");
	assert_string_equal(l.text, "");
	got = service_value(l.stack, "labels");
	assert_string_equal(got, "{\"A\":\"2\",\"B\":\"\",\"D\":\"4\"}");
	free(got);
	got = service_value(l.stack, "label_file");
	assert_string_equal(got, "");
	free(got);
	loaded_fini(&l);
	/* Of the project's variables a label file sees none. */
	l = load_text("services: {web: {image: a, label_file: one.labels}}\n");
	assert_string_equal(l.text, "");
	got = service_value(l.stack, "labels");
	assert_string_equal(got, "{\"A\":\"1\",\"B\":\"1-none\"}");
	free(got);
	loaded_fini(&l);
	expect_error("label_file: nope.labels",
		     "label_file[0]: label file '/p/nope.labels': no such file");
	expect_error("label_file: [\"\"]", "label_file[0]: must not be empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images),	     cmocka_unit_test(test_image_empty),
		cmocka_unit_test(test_restart),	     cmocka_unit_test(test_restart_wrong),
		cmocka_unit_test(test_stop),	     cmocka_unit_test(test_names),
		cmocka_unit_test(test_users),	     cmocka_unit_test(test_groups),
		cmocka_unit_test(test_names_wrong),  cmocka_unit_test(test_platform),
		cmocka_unit_test(test_pull_policy),  cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_network_mode), cmocka_unit_test(test_security),
		cmocka_unit_test(test_label_files),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
