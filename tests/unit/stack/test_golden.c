/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * golden: each NAME.yaml of golden/ gives NAME.out: its diagnostics as they are printed and, when
 * there is no error, its canonical form. That form, read again, gives itself, in YAML and in JSON.
 * GOLDEN_WRITE=1 writes the .out files anew: read the difference before it is committed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "unit/stack/fixture.h"

#define GOLDEN "tests/unit/stack/golden"

static struct loaded load(const char *path)
{
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_dir = "/srv/project", .env = fixture_env,
				   .for_run = true };

	return load_opts(&opts);
}

static void expect_round_trip(const struct loaded *l, enum stack_format format)
{
	char path[] = "/tmp/mstack-golden-XXXXXX";
	_cleanup_fd_ int fd = mkostemp(path, O_CLOEXEC);
	_cleanup_(buf_fini) struct buf once = { 0 }, twice = { 0 };
	struct loaded again;

	assert_true(fd >= 0);
	stack_config(l->stack, format, &once);
	assert_int_equal(write(fd, once.data, once.len), (ssize_t)once.len);
	again = load(path);
	unlink(path);
	/* What has no effect is still said, but nothing can be wrong any more. */
	assert_int_equal(again.result, 0);
	stack_config(again.stack, format, &twice);
	assert_string_equal(once.data, twice.data);
	loaded_fini(&again);
}

static void check(const char *yaml)
{
	_cleanup_(loaded_fini) struct loaded l = load(yaml);
	_cleanup_free_ char *path = xasprintf("%.*s.out", (int)(strlen(yaml) - 5), yaml);
	_cleanup_(buf_fini) struct buf got = { 0 }, want = { 0 };

	buf_puts(&got, l.result < 0 ? l.err.text : l.text);
	if (!l.result) {
		stack_config(l.stack, STACK_YAML, &got);
		expect_round_trip(&l, STACK_YAML);
		expect_round_trip(&l, STACK_JSON);
	}
	if (getenv("GOLDEN_WRITE"))
		assert_int_equal(file_replace(AT_FDCWD, path, got.data, got.len, 0644), 0);
	if (file_read(AT_FDCWD, path, 1 << 20, &want) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_string_equal(buf_str(&got), buf_str(&want));
}

static void test_golden(void **state)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	/* Paths in the diagnostics are as they were given: without a folder. */
	assert_int_equal(chdir(GOLDEN), 0);
	dir = opendir(".");
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".yaml"))
			continue;
		check(entry->d_name);
		n++;
	}
	assert_true(n >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
