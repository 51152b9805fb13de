/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_mount: volumes and tmpfs, short and long. The project's folder is /p. */
#include <stdio.h>

#include "unit/stack/fixture.h"
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
	static const char types[] = { [STACK_BIND] = 'b', [STACK_VOLUME] = 'v', [STACK_TMPFS] = 't' };

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct stack_mount *m = &s->mounts[i];

		buf_printf(b, "%s%c %s %s%s%s%s", i ? "; " : "", types[m->type], m->source ? m->source : "-", m->target,
			   m->read_only ? " ro" : "", m->nocopy ? " nocopy" : "",
			   m->type == STACK_BIND && !m->create_host_path ? " must" : "");
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
		{ "volumes: [./a:/b:rshared]", "volumes[0]: option 'rshared': not supported yet" },
		{ "volumes: [{source: ./a, target: /b}]", "volumes[0]: 'type' must be bind, volume or tmpfs" },
		{ "volumes: [{type: bind, target: /b}]", "volumes[0]: a bind needs a 'source'" },
		{ "volumes: [{type: volume}]", "volumes[0]: 'target' is missing" },
		{ "volumes: [{type: image, source: a, target: /b}]", "volumes[0]: type 'image': not supported yet" },
		{ "tmpfs: run", "tmpfs: 'run': the path in the container must begin with /" },
		{ "tmpfs: [\"/run:size=big\"]", "tmpfs[0]: 'size=big' is not a size; write like size=64m" },
		{ "tmpfs: [\"/run:mode=9\"]", "tmpfs[0]: the mode of a tmpfs goes from 0 to 07777" },
		{ "tmpfs: [\"/run:uid=1\"]", "tmpfs[0]: option 'uid=1': not supported; known are size=, mode=, ro and rw" },
		{ "volumes: [./a:/b], tmpfs: /b",
		  "tmpfs: '/b' is the target of a volume and of a tmpfs, see stack.yaml:1 (volumes, tmpfs)" },
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
		cmocka_unit_test(test_same_target),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
