/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load: files that are none, the project's name, folder and variables, and the time that all of it
 * takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stack/names.h"
#include "unit/stack/fixture.h"
#include "unit/cputime.h"

#define ONE "services: {a: {image: \"i:${V:-none}\"}}\n"

static void write_text(const char *name, const char *text)
{
	fixture_write(name, text, strlen(text));
}

static struct loaded load(const char *path, const char *const *env)
{
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .env = env };

	return load_opts(&opts);
}

/* ---- what is not a stack file ---------------------------------------------------------------- */

static void expect_unreadable(const char *path, const char *text)
{
	uint64_t start = cputime_ms();
	_cleanup_(loaded_fini) struct loaded l = load(path, NULL);

	assert_int_equal(l.result, -1);
	assert_int_equal(l.err.kind, ERR_STACK);
	assert_string_equal(l.err.text, text);
	assert_true(cputime_ms() - start < 1000);
}

static void test_not_a_file(void **state)
{
	_cleanup_(buf_fini) struct buf large = { 0 };

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	for (int i = 0; i < 11 << 20; i += 14)
		buf_puts(&large, "a: xxxxxxxxxxxx\n");
	fixture_write("large", large.data, large.len);
	expect_unreadable("none.yaml", "stack file 'none.yaml': no such file or directory");
	expect_unreadable("fifo", "stack file 'fifo': not a regular file");
	expect_unreadable(".", "stack file '.': not a regular file");
	expect_unreadable("/dev/zero", "stack file '/dev/zero': not a regular file");
	expect_unreadable("loop", "stack file 'loop': too many levels of symbolic links");
	expect_unreadable("large", "stack file 'large': too large: 10240 KiB are the most");
}

static void test_number_of_files(void **state)
{
	const char *const paths[] = { "one.yaml", "sub/two.yaml" };
	struct stack_opts opts = { .paths = paths, .n_paths = 2, .project_name = "t" }, none = { 0 };
	_cleanup_(loaded_fini) struct loaded nothing = load_opts(&none);
	struct loaded two;

	(void)state;
	assert_string_equal(nothing.err.text, "no stack file given");
	assert_int_equal(mkdir("sub", 0700), 0);
	write_text("one.yaml", "services: {a: {image: x, volumes: [./d:/d]}}\n");
	two = load_opts(&opts);
	assert_string_equal(two.err.text, "stack file 'sub/two.yaml': no such file or directory");
	loaded_fini(&two);
	/* Paths of all files begin in the folder of the first. */
	write_text("sub/two.yaml", "services: {a: {volumes: [./e:/e]}}\n");
	two = load_opts(&opts);
	assert_int_equal(two.stack->n_files, 2);
	assert_int_equal(two.stack->services[0].n_mounts, 2);
	assert_null(strstr(two.stack->services[0].mounts[1].source, "/sub/"));
	loaded_fini(&two);
}

/* /dev/null says that there are no variables, not even those of .env. */
static void test_no_env_file(void **state)
{
	const char *const paths[] = { "none.yaml" }, *const env_files[] = { "/dev/null" };
	struct stack_opts opts = { .paths = paths, .n_paths = 1, .project_name = "t" };
	struct loaded l;

	(void)state;
	write_text("none.yaml", ONE);
	write_text(".env", "V=dotenv\n");
	l = load_opts(&opts);
	assert_string_equal(l.stack->services[0].image.text, "i:dotenv");
	loaded_fini(&l);
	opts.env_files = env_files;
	opts.n_env_files = 1;
	l = load_opts(&opts);
	assert_string_equal(l.stack->services[0].image.text, "i:none");
	loaded_fini(&l);
	assert_int_equal(unlink(".env"), 0);
}

static void test_stdin(void **state)
{
	int keep = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], ONE, strlen(ONE)), (ssize_t)strlen(ONE));
	close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	{
		_cleanup_(loaded_fini) struct loaded l = load("-", (const char *const[]){ "COMPOSE_PROJECT_NAME=p", NULL });
		_cleanup_free_ char *cwd = getcwd(NULL, 0);

		assert_int_equal(l.result, 0);
		assert_string_equal(l.stack->files[0].path, "-");
		assert_string_equal(l.stack->dir, cwd);
	}
	if (keep >= 0) {
		dup2(keep, STDIN_FILENO);
		close(keep);
	}
}

/* ---- the project ----------------------------------------------------------------------------- */

static void expect_name(const char *option, const char *env, const char *yaml_name, const char *want)
{
	_cleanup_free_ char *yaml = xasprintf("%s%s\n" ONE, yaml_name ? "name: " : "", yaml_name ? yaml_name : "");
	const char *path = "My_Folder.1/s.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = option,
				   .env = (const char *const[]){ env, NULL } };
	struct loaded l;

	write_text(path, yaml);
	l = load_opts(&opts);
	assert_string_equal(l.result ? l.text : l.stack->name, want);
	loaded_fini(&l);
}

static void test_project_name(void **state)
{
	(void)state;
	assert_int_equal(mkdir("My_Folder.1", 0700), 0);
	expect_name(NULL, NULL, NULL, "my_folder1");
	expect_name(NULL, NULL, "My-App", "my-app");
	expect_name(NULL, NULL, "\"${V:-x}y\"", "xy");
	expect_name(NULL, "COMPOSE_PROJECT_NAME=env", "app", "env");
	expect_name(NULL, "COMPOSE_PROJECT_NAME=", "app", "app");
	expect_name("opt", "COMPOSE_PROJECT_NAME=env", "app", "opt");
	expect_name("_x", NULL, NULL, "error: -p: '_x' is not a project name: small letters, digits, _ and -, a letter or digit "
		    "first\n");
	expect_name(NULL, "COMPOSE_PROJECT_NAME=From Env", NULL, "error: COMPOSE_PROJECT_NAME: 'From Env' is not a project name: "
		    "small letters, digits, _ and -, a letter or digit first\n");
	expect_name("a234567890123456789012345678901234567890123456789012345678901234", NULL, NULL,
		    "error: -p: project name too long: 'a234567890123456789012345678901234567890123456789012345678901234'\n");
	expect_name(NULL, NULL, "\"...\"", "My_Folder.1/s.yaml:1:7: error: name '...' holds no letter or digit for a project name\n"
		    "  name: \"...\"\n        ^\n  hint: give one with -p NAME\n");
}

static void test_mstack_wins(void **state)
{
	static const char *const env[] = { "COMPOSE_PROJECT_NAME=c", "MSTACK_PROJECT_NAME=m", NULL };
	struct loaded l;

	(void)state;
	write_text("s.yaml", "services: {a: {image: \"${COMPOSE_PROJECT_NAME}\"}}\n");
	l = load("s.yaml", env);
	assert_string_equal(l.stack->services[0].image.text, "m");
	loaded_fini(&l);
}

static void test_name_rules(void **state)
{
	char name[64], small[4];

	(void)state;
	assert_true(stack_name_valid("a-b_1"));
	assert_true(stack_name_valid("1"));
	assert_false(stack_name_valid(""));
	assert_false(stack_name_valid("A"));
	assert_false(stack_name_valid("-a"));
	assert_false(stack_name_valid("a.b"));
	assert_false(stack_name_valid("a/b"));
	name_normalise("__My App.2-", name, sizeof(name));
	assert_string_equal(name, "myapp2-");
	name_normalise("///", name, sizeof(name));
	assert_string_equal(name, "");
	name_normalise("abcdef", small, sizeof(small));
	assert_string_equal(small, "abc");
}

/* ---- variables ------------------------------------------------------------------------------- */

static void expect_image(const char *const *env_files, const char *const *env, const char *want)
{
	const char *path = "s.yaml";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .env = env, .env_files = env_files };
	struct loaded l;

	while (env_files && env_files[opts.n_env_files])
		opts.n_env_files++;
	l = load_opts(&opts);
	assert_int_equal(l.result, 0);
	assert_string_equal(l.stack->services[0].image.text, want);
	loaded_fini(&l);
}

static void test_precedence(void **state)
{
	static const char *const none[] = { NULL }, *const set[] = { "V=env", NULL }, *const empty[] = { "V=", NULL };

	(void)state;
	write_text("s.yaml", "services: {a: {image: \"i:${V-none}\"}}\n");
	expect_image(NULL, none, "i:none");
	write_text(".env", "V=dot\n");
	write_text("e1", "V=one\nW=1\n");
	write_text("e2", "V=two$W\n");
	expect_image(NULL, none, "i:dot");
	expect_image(NULL, set, "i:env");
	expect_image(NULL, empty, "i:");
	expect_image((const char *const[]){ "e1", "e2", NULL }, none, "i:two1");
	expect_image((const char *const[]){ "e2", "e1", NULL }, none, "i:one");
	expect_image((const char *const[]){ "e1", NULL }, set, "i:env");
	assert_int_equal(unlink(".env"), 0);
}

static void test_bad_env_file(void **state)
{
	const char *path = "s.yaml", *env_file = "none";
	struct stack_opts opts = { .paths = &path, .n_paths = 1, .project_name = "t", .env_files = &env_file, .n_env_files = 1 };
	struct loaded l;

	(void)state;
	write_text("s.yaml", ONE);
	l = load_opts(&opts);
	assert_int_equal(l.result, -1);
	assert_string_equal(l.err.text, "env file 'none': no such file or directory");
	loaded_fini(&l);
	env_file = "bad";
	write_text("bad", "A=1\nB='open\n");
	l = load_opts(&opts);
	assert_int_equal(l.result, 1);
	assert_string_equal(l.text, "bad:2:3: error: 'B': the single quote that begins here is never closed\n  B='open\n    ^\n");
	loaded_fini(&l);
}

static const char *env_of(const struct stack_service *s, const char *key)
{
	for (size_t i = 0; i < s->environment.n; i++)
		if (!strcmp(s->environment.v[i].key, key))
			return s->environment.v[i].value ? s->environment.v[i].value : "(null)";
	return "(absent)";
}

static void test_service_environment(void **state)
{
	static const struct { const char *key, *want; } cases[] = {
		{ "A", "own" }, { "B", "two" }, { "C", "one" }, { "D", "" }, { "E", "(null)" }, { "TAG", "1.2" },
		{ "F", "own-one" }, { "G", "(absent)" }, { "V", "(absent)" }, { "N", "1" },
	};
	struct loaded l;

	(void)state;
	write_text("one.env", "A=one\nB=one\nC=one\nD=one\nG\nF=$A-$C\n");
	write_text("two.env", "B=two\n");
	write_text(".env", "V=project\n");
	l = load_text("services:\n  a:\n    image: x\n    env_file: [one.env, two.env, {path: none.env, required: false}]\n"
		      "    environment: {A: own, D: \"\", E: , TAG: , N: 1}\n");
	assert_string_equal(l.text, "");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(env_of(&l.stack->services[0], cases[i].key), cases[i].want);
	loaded_fini(&l);
	assert_int_equal(unlink(".env"), 0);
	l = load_text("services:\n  a: {image: x, env_file: gone.env}\n");
	assert_non_null(strstr(l.text, "2:27: error: service 'a': env_file"));
	assert_non_null(strstr(l.text, "gone.env': no such file or directory"));
	loaded_fini(&l);
}

/* One million bytes of variables must not become a million million. */
static void test_variables_do_not_explode(void **state)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 }, env = { 0 };
	uint64_t start = cputime_ms();
	struct loaded l;

	(void)state;
	buf_puts(&env, "V=");
	for (int i = 0; i < 100000; i++)
		buf_putc(&env, 'x');
	buf_puts(&yaml, "x-a:\n");
	for (int i = 0; i < 20000; i++)
		buf_puts(&yaml, "- $V\n");
	write_text("s.yaml", yaml.data);
	l = load("s.yaml", (const char *const[]){ env.data, NULL });
	assert_int_equal(l.result, 1);
	assert_non_null(strstr(l.text, "variables make the files larger than"));
	assert_true(cputime_ms() - start < 5000);
	loaded_fini(&l);
}

/* ---- speed ----------------------------------------------------------------------------------- */

static void test_speed(void **state)
{
	static const char yaml[] = "services:\n"
		"  web: {image: busybox, ports: [\"8080:80\"], depends_on: [app], networks: [front]}\n"
		"  app: {image: busybox, environment: {A: 1, B: \"${TAG}\"}, networks: [front, back], volumes: [\"data:/d\"]}\n"
		"  db: {image: busybox, networks: [back], healthcheck: {test: [CMD, \"true\"]}}\n"
		"networks: {front: , back: }\nvolumes: {data: }\n";
	uint64_t best = UINT64_MAX;

	(void)state;
	for (int i = 0; i < 20; i++) {
		uint64_t start = cputime_ns(), took;
		_cleanup_(loaded_fini) struct loaded l = load_text(yaml);

		took = cputime_ns() - start;
		best = took < best ? took : best;
		assert_int_equal(l.result, 0);
	}
	print_message("three services: %ju us\n", (uintmax_t)best / 1000);
	/* Sanitizers and a busy machine included. */
	assert_true(best < 20000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_a_file),	     cmocka_unit_test(test_number_of_files),
		cmocka_unit_test(test_no_env_file), cmocka_unit_test(test_stdin),		     cmocka_unit_test(test_project_name),
		cmocka_unit_test(test_mstack_wins),	     cmocka_unit_test(test_name_rules),
		cmocka_unit_test(test_precedence),	     cmocka_unit_test(test_bad_env_file),
		cmocka_unit_test(test_service_environment),  cmocka_unit_test(test_variables_do_not_explode),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
