/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_mount, form_tmpfs: volumes and tmpfs, short and long. The project's folder is /p. */
#include <stdio.h>

#include "stack/form_mount.h"
#include "unit/stack/service_case.h"
#include "unit/cputime.h"

static struct loaded load(const char *keys)
{
	const char *path = "stack.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .project_dir = "/p",
				   .env = fixture_env };
	_cleanup_free_ char *yaml = xasprintf("services: {a: {image: a, %s}}\nvolumes: {data: }\n", keys);

	fixture_write(path, yaml, strlen(yaml));
	return load_opts(&opts);
}

static void show(struct buf *b, const struct stack_service *s)
{
	static const char types[] = { [STACK_BIND] = 'b', [STACK_VOLUME] = 'v', [STACK_TMPFS] = 't',
				      [STACK_IMAGE] = 'i' };
	static const char *const propagation[] = { "", " slave", " shared" };

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct stack_mount *m = &s->mounts[i];

		buf_printf(b, "%s%c %s %s%s%s%s%s%s%s", i ? "; " : "", types[m->type], m->source ? m->source : "-", m->target,
			   m->read_only ? " ro" : "", m->nocopy ? " nocopy" : "",
			   m->type == STACK_BIND && !m->create_host_path ? " must" : "",
			   propagation[m->propagation], m->subpath ? " below " : "", m->subpath ? m->subpath : "");
		if (m->volume)
			buf_printf(b, " %s", m->volume->name);
		if (m->tmpfs_size || m->tmpfs_mode)
			buf_printf(b, " %jd %o", (intmax_t)m->tmpfs_size, m->tmpfs_mode);
	}
}

static void test_good(void **state)
{
	static const struct { const char *keys, *want; } cases[] = {
		{ "volumes: [./a:/b]", "b /p/a /b" },
		{ "volumes: [../a:/b:ro]", "b /a /b ro" },
		{ "volumes: [/x/../y/:/b//c/]", "b /y /b/c" },
		{ "volumes: [.:/b]", "b /p /b" },
		{ "volumes: [~/a:/b, ~:/c]", "b /home/user/a /b; b /home/user /c" },
		{ "volumes: [data:/b]", "v data /b t_data" },
		{ "volumes: [\"data:/b:ro,nocopy\"]", "v data /b ro nocopy t_data" },
		{ "volumes: [/b]", "v - /b" },
		{ "volumes: [\"/etc/x:/b:rw\"]", "b /etc/x /b" },
		{ "tmpfs: /run", "t - /run" },
		{ "tmpfs: [/run, \"/tmp:size=64m,mode=700,ro\"]", "t - /run; t - /tmp ro 67108864 700" },
		{ "volumes: [{type: bind, source: ./a, target: /b, read_only: true}]", "b /p/a /b ro" },
		{ "volumes: [{type: bind, source: ./a, target: /b, bind: {create_host_path: false}}]", "b /p/a /b must" },
		{ "volumes: [{type: volume, source: data, target: /b, volume: {nocopy: true}}]", "v data /b nocopy t_data" },
		{ "volumes: [{type: volume, target: /b}]", "v - /b" },
		{ "volumes: [{type: tmpfs, target: /b, tmpfs: {size: 1k, mode: 0755}}]", "t - /b 1024 755" },
		{ "volumes: [./a:/b:rshared, \"./a:/c:ro,slave\", ./a:/d:private]", "b /p/a /b shared; b /p/a /c ro slave; b /p/a /d" },
		{ "volumes: [{type: bind, source: a, target: /b, bind: {propagation: rslave}}]", "b /p/a /b slave" },
		{ "volumes: [{type: volume, source: data, target: /b, volume: {subpath: a/b}}]", "v data /b below a/b t_data" },
		{ "volumes: [{type: image, source: ./i, target: /b}]", "i /p/i /b" },
		{ "volumes: [{type: image, source: i, target: /b, image: {subpath: s}}]", "i i /b below s" },
		{ "volumes: []", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(loaded_fini) struct loaded l = load(cases[i].keys);
		_cleanup_(buf_fini) struct buf got = { 0 };

		assert_string_equal(l.text, "");
		show(&got, &l.stack->services[0]);
		assert_string_equal(buf_str(&got), cases[i].want);
	}
}

static void test_bad(void **state)
{
	static const struct { const char *keys, *want; } cases[] = {
		{ "volumes: [\":/b\"]", "volumes[0]: ':/b' is not a volume; write [SOURCE:]TARGET[:ro|rw]" },
		{ "volumes: [\"a:b:c:d\"]", "volumes[0]: 'a:b:c:d' is not a volume; write [SOURCE:]TARGET[:ro|rw]" },
		{ "volumes: [./a:b]", "volumes[0]: 'b': the path in the container must begin with /" },
		{ "volumes: [./a:/]", "volumes[0]: '/': nothing can be mounted over the root" },
		{ "volumes: [./a:/b/..]", "volumes[0]: '/b/..': nothing can be mounted over the root" },
		{ "volumes: [nope:/b]", "volumes[0]: volume 'nope' is not declared under the top-level 'volumes'" },
		{ "volumes: [data/sub:/b]", "volumes[0]: volume 'data/sub' is not declared under the top-level 'volumes'" },
		{ "volumes: [~x/a:/b]", "volumes[0]: '~x/a': only ~ and ~/ with HOME set can be resolved" },
		{ "volumes: [./a:/b:r0]", "volumes[0]: option 'r0' is unknown; known are ro, rw and nocopy" },
		{ "volumes: [{source: ./a, target: /b}]", "volumes[0]: 'type' must be bind, volume, tmpfs or image" },
		{ "volumes: [{type: bind, target: /b}]", "volumes[0]: a bind needs a 'source'" },
		{ "volumes: [{type: volume}]", "volumes[0]: 'target' is missing" },
		{ "volumes: [{type: bound, source: a, target: /b}]",
		  "volumes[0].type: 'bound' is unknown; write bind, volume, tmpfs or image" },
		{ "volumes: [{type: bind, source: \"\", target: /b}]", "volumes[0]: a bind needs a 'source'" },
		{ "volumes: [{type: bind, source: ~x/a, target: /b}]",
		  "volumes[0].source: '~x/a': only ~ and ~/ with HOME set can be resolved" },
		{ "volumes: [{type: volume, source: nope, target: /b}]",
		  "volumes[0]: volume 'nope' is not declared under the top-level 'volumes'" },
		{ "volumes: [{type: volume, target: b}]",
		  "volumes[0].target: 'b': the path in the container must begin with /" },
		{ "volumes: [{type: bind, source: a, target: /b, bind: {propagation: public}}]",
		  "volumes[0].bind.propagation: 'public' is unknown; write private, rprivate, slave, rslave, shared or rshared" },
		{ "volumes: [{type: bind, source: a, target: /b, bind: {selinux: y}}]",
		  "volumes[0].bind.selinux: 'y' is unknown; write z or Z" },
		{ "volumes: [{type: bind, source: a, target: /b, bind: {recursive: yes}}]",
		  "volumes[0].bind.recursive: 'yes' is unknown; write enabled, disabled, writable or readonly" },
		{ "volumes: [{type: tmpfs, target: /b, tmpfs: {mode: 010000}}]",
		  "volumes[0].tmpfs.mode: the mode of a tmpfs goes from 0 to 07777" },
		{ "volumes: [{type: tmpfs, target: /b, tmpfs: {size: much}}]",
		  "volumes[0].tmpfs.size: 'much' is not a size; write bytes or a number with k, m or g, like 64m" },
		{ "volumes: [{type: bind, source: a, target: /b, readonly: true}]",
		  "volumes[0]: unknown key 'readonly'" },
		{ "volumes: [\"./a::ro\"]", "volumes[0]: './a::ro' is not a volume; write [SOURCE:]TARGET[:ro|rw]" },
		{ "volumes: [\"\"]", "volumes[0]: '' is not a volume; write [SOURCE:]TARGET[:ro|rw]" },
		{ "volumes: [1]", "volumes[0]: must be a string or a map, not a number" },
		{ "tmpfs: run", "tmpfs: 'run': the path in the container must begin with /" },
		{ "tmpfs: [\"/run:size=big\"]", "tmpfs[0]: 'size=big' is not a size; write like size=64m" },
		{ "tmpfs: [\"/run:mode=9\"]", "tmpfs[0]: the mode of a tmpfs goes from 0 to 07777" },
		{ "tmpfs: [\"/run:colour=1\"]",
		  "tmpfs[0]: option 'colour=1' is unknown; known are size=, mode=, ro and rw" },
		{ "tmpfs: [\"/run:ro=1\"]", "tmpfs[0]: option 'ro=1' is unknown; known are size=, mode=, ro and rw" },
		{ "tmpfs: [/]", "tmpfs[0]: '/': nothing can be mounted over the root" },
		{ "volumes: [./a:/b], tmpfs: /b",
		  "volumes[0]: '/b' is the target of a volume and of a tmpfs, see stack.yaml:1 (volumes, tmpfs)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(loaded_fini) struct loaded l = load(cases[i].keys);
		_cleanup_free_ char *want = xasprintf("service 'a': %s", cases[i].want);

		assert_int_equal(l.result, 1);
		assert_int_equal(stack_diags_count(l.diags), 1);
		assert_string_equal(stack_diags_get(l.diags, 0)->text, want);
	}
}

static void test_same_target(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = load("volumes: [./a:/b, ./c:/b/]");
	_cleanup_(buf_fini) struct buf got = { 0 };

	(void)state;
	assert_int_equal(l.result, 0);
	assert_string_equal(stack_diags_get(l.diags, 0)->text,
			    "service 'a': volumes[1]: '/b' is already a target at stack.yaml:1: this one wins");
	show(&got, &l.stack->services[0]);
	assert_string_equal(buf_str(&got), "b /p/c /b");
}

#define BIND(options, rest) "[{" options "\"source\":\"/p/a\",\"target\":\"/b\",\"type\":\"bind\"" rest "}]"

/* Right for compose, and still to come here. */
static void test_refused(void **state)
{
	(void)state;
	expect_refusal("volumes: [{type: bind, source: a, target: /b, bind: {recursive: disabled}}]", "volumes",
		       BIND("\"bind\":{\"recursive\":\"disabled\"},", ""), "volumes[0].bind.recursive: 'disabled'");
	expect_refusal("volumes: [{type: npipe, source: p, target: /b}]", "volumes",
		       "[{\"source\":\"p\",\"target\":\"/b\",\"type\":\"npipe\"}]", "volumes[0]: type 'npipe'");
	expect_refusal("volumes: [{type: cluster, source: p, target: /b}]", "volumes",
		       "[{\"source\":\"p\",\"target\":\"/b\",\"type\":\"cluster\"}]", "volumes[0]: type 'cluster'");
	expect_refusal("tmpfs: [\"/run:exec\"]", "tmpfs", "[\"/run:exec\"]", "tmpfs[0]: option 'exec'");
	expect_refusal("tmpfs: [\"/run:size=1m,uid=5,gid=5\"]", "tmpfs", "[\"/run:size=1m,uid=5,gid=5\"]",
		       "tmpfs[0]: option 'uid=5'");
	expect_refusal("tmpfs: [\"/run:size=50%\"]", "tmpfs", "[\"/run:size=50%\"]", "tmpfs[0]: option 'size=50%'");
}

/* What the user wrote is printed, and what has no effect is said. */
static void test_warned(void **state)
{
	(void)state;
	expect_warning("volumes: [./a:/b:Z]", "volumes", BIND("\"bind\":{\"selinux\":\"Z\"},", ""),
		       "volumes[0]: option 'Z' has no effect: files are not labelled");
	expect_warning("volumes: [./a:/b:cached]", "volumes", BIND("", ""), "volumes[0]: option 'cached' has no effect");
	expect_warning("volumes: [./a:/b:roz]", "volumes",
		       BIND("\"bind\":{\"selinux\":\"z\"},\"read_only\":true,", ""), "'roz' is taken as 'ro,z'");
	expect_warning("volumes: [./a:/b:rwZ]", "volumes", BIND("\"bind\":{\"selinux\":\"Z\"},", ""),
		       "'rwZ' is taken as 'rw,Z'");
	expect_warning("volumes: [{type: bind, source: ./a, target: /b, bind: {selinux: z}}]", "volumes",
		       BIND("\"bind\":{\"selinux\":\"z\"},", ""), "volumes[0].bind.selinux: option 'z' has no effect");
	expect_warning("volumes: [{type: bind, source: ./a, target: /b, consistency: cached}]", "volumes",
		       "[{\"consistency\":\"cached\",\"source\":\"/p/a\",\"target\":\"/b\",\"type\":\"bind\"}]",
		       "volumes[0].consistency: has no effect");
	expect_warning("volumes: [{type: bind, source: ./a, target: /b, volume: {nocopy: true}}]", "volumes",
		       BIND("", ",\"volume\":{\"nocopy\":true}"),
		       "volumes[0]: 'volume' has no effect on a mount of type 'bind'");
	expect_warning("volumes: [{type: tmpfs, source: s, target: /b}]", "volumes",
		       "[{\"source\":\"s\",\"target\":\"/b\",\"type\":\"tmpfs\"}]",
		       "volumes[0]: 'source' has no effect on a mount of type 'tmpfs'");
	expect_warning("volumes: [{type: volume, target: /b, volume: {labels: [a=b]}}]", "volumes",
		       "[{\"target\":\"/b\",\"type\":\"volume\",\"volume\":{\"labels\":{\"a\":\"b\"}}}]",
		       "volumes[0].volume.labels: has no effect: it only describes");
	expect_warning("tmpfs: [/run, \"/run/:ro\"]", "tmpfs", "[\"/run/:ro\"]",
		       "tmpfs[1]: '/run' is already a target at stack.yaml:1: this one wins");
}

static void test_canonical(void **state)
{
	(void)state;
	expect_form("volumes: [./a:/b]", "volumes", BIND("", ""));
	expect_form("volumes: [\"./a:/b:ro,rprivate\"]", "volumes",
		    BIND("\"bind\":{\"propagation\":\"rprivate\"},\"read_only\":true,", ""));
	expect_form("volumes: [{type: bind, source: a, target: /b/, read_only: false, bind: {create_host_path: true}, x-k: 1}]",
		    "volumes", BIND("\"bind\":{},", ",\"x-k\":1"));
	expect_form("volumes: [{type: bind, source: a, target: /b, bind: {create_host_path: false, recursive: enabled}}]",
		    "volumes", BIND("\"bind\":{\"create_host_path\":false,\"recursive\":\"enabled\"},", ""));
	expect_form("volumes: [/x/../y/:/b]", "volumes",
		    "[{\"source\":\"/x/../y/\",\"target\":\"/b\",\"type\":\"bind\"}]");
	expect_form("volumes: [{type: tmpfs, target: /b, tmpfs: {size: 4096, mode: 0700}}]", "volumes",
		    "[{\"target\":\"/b\",\"tmpfs\":{\"mode\":448,\"size\":\"4096\"},\"type\":\"tmpfs\"}]");
	expect_form("tmpfs: \"/run:size=1m,mode=1777,nosuid\"", "tmpfs", "[\"/run:size=1m,mode=1777,nosuid\"]");
}

/* In an override the later one wins without a word. */
static void test_override(void **state)
{
	const char *paths[] = { "stack.yaml", "other.yaml" };
	struct stack_opts opts = { .paths = paths, .n_paths = 2, .project_name = "t", .project_dir = "/p",
				   .env = fixture_env };
	static const char base[] = "services: {web: {image: a, volumes: [./a:/b, /c]}}\n",
			  over[] = "services: {web: {volumes: [{type: bind, source: d, target: /b/}]}}\n";
	_cleanup_(loaded_fini) struct loaded l = { 0 };
	_cleanup_(buf_fini) struct buf got = { 0 };

	(void)state;
	fixture_write(paths[0], base, strlen(base));
	fixture_write(paths[1], over, strlen(over));
	l = load_opts(&opts);
	assert_string_equal(l.text, "");
	show(&got, &l.stack->services[0]);
	assert_string_equal(buf_str(&got), "b /p/d /b; v - /c");
}

/* What a service takes over from another one of the same file is an override too. */
static void test_inherited(void **state)
{
	_cleanup_(loaded_fini) struct loaded l = { 0 };
	_cleanup_(buf_fini) struct buf got = { 0 };

	(void)state;
	l = load_text("services:\n"
		      "  a: {image: a, volumes: [/b:/b], tmpfs: [\"/c:ro\"]}\n"
		      "  b: {extends: a, volumes: [/d:/b], tmpfs: [/c]}\n");
	assert_string_equal(l.text, "");
	show(&got, stack_find_service(l.stack, "b"));
	assert_string_equal(buf_str(&got), "b /d /b; t - /c");
}

static void test_tmpfs_grammar(void **state)
{
	struct tmpfs_wish wish;

	(void)state;
	assert_true(tmpfs_parse("/a/../b//c:size=2k,,mode=0750,ro", &wish));
	assert_string_equal(wish.target, "/b/c");
	assert_int_equal(wish.size, 2048);
	assert_int_equal(wish.mode, 0750);
	assert_true(wish.read_only);
	assert_null(wish.unbuilt);
	assert_true(tmpfs_parse("/a:exec,ro", &wish));
	assert_memory_equal(wish.unbuilt, "exec,ro", 8);
	assert_true(wish.read_only);
	assert_false(tmpfs_parse("", &wish));
	assert_false(tmpfs_parse("/a:mode=", &wish));
	assert_false(tmpfs_parse("/a:mode=77777", &wish));
	assert_false(tmpfs_parse("/a:size=-1", &wish));
	assert_false(tmpfs_parse("/a:size=%", &wish));
}

static void test_limit(void **state)
{
	_cleanup_(buf_fini) struct buf keys = { 0 };
	uint64_t start = cputime_ms();

	(void)state;
	buf_puts(&keys, "volumes: [");
	for (int i = 0; i < 20000; i++)
		buf_printf(&keys, "/d%d, ", i);
	buf_putc(&keys, ']');
	{
		_cleanup_(loaded_fini) struct loaded l = load(keys.data);

		assert_int_equal(l.result, 1);
		assert_string_equal(stack_diags_get(l.diags, 0)->text,
				    "service 'a': volumes[1000]: more than 1000 mounts in a service");
	}
	assert_true(cputime_ms() - start < 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_warned),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_tmpfs_grammar),
		cmocka_unit_test(test_same_target),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
