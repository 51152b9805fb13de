/* SPDX-License-Identifier: GPL-2.0-or-later */
/* project: which file, from where, by which name; each case in a folder of its own below /tmp. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/project.h"

/* Variables of whoever runs the tests would be taken for an answer to the questions asked here. */
static void clear_environment(void)
{
	static const char *const names[] = { "FILE", "PATH_SEPARATOR", "ENV_FILES", "PROFILES",
					     "PROJECT_NAME" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_free_ char *ours = xasprintf("MSTACK_%s", names[i]);
		_cleanup_free_ char *theirs = xasprintf("COMPOSE_%s", names[i]);

		unsetenv(ours);
		unsetenv(theirs);
	}
}

static int begin(void **state)
{
	char *dir = xstrdup("/tmp/mstack-project-XXXXXX");

	clear_environment();
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	*state = dir;
	return 0;
}

static int end(void **state)
{
	clear_environment();
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(path_remove_tree(AT_FDCWD, *state), 0);
	free(*state);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), 0600), 0);
}

/* A stack file whose one service, and project, has this name. */
static void write_stack(const char *path, const char *name)
{
	_cleanup_free_ char *text = xasprintf("name: %s\nservices: {%s: {image: a}}\n", name, name);

	write_file(path, text);
}

/* The name of the stack that these options lead to. */
static void expect_load(struct cli_options o, const char *name)
{
	struct cli_project p = { 0 };
	struct err err = { 0 };

	if (cli_project_load(&o, NULL, &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(p.stack->services[0].name, name);
	assert_string_equal(p.name, p.stack->name);
	cli_project_fini(&p);
	assert_null(p.name);
	cli_project_fini(&p);
}

static void expect_image(struct cli_options o, const char *image)
{
	struct cli_project p = { 0 };
	struct err err = { 0 };

	assert_int_equal(cli_project_load(&o, NULL, &p, &err), 0);
	assert_string_equal(p.stack->services[0].image.text, image);
	cli_project_fini(&p);
}

static void expect_error(struct cli_options o, enum err_kind kind, const char *text)
{
	struct cli_project p = { 0 };
	struct err err = { 0 };

	assert_int_equal(cli_project_load(&o, NULL, &p, &err), -1);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, text))
		fail_msg("'%s' does not say '%s'", err.text, text);
	assert_null(p.stack);
}

static void test_names_in_order(void **state)
{
	static const char *const names[] = {
		"docker-compose.yaml", "docker-compose.yml", "compose.yml", "compose.yaml",
		"mstack.yaml",	       "stack.yml",	     "stack.yaml",
	};

	(void)state;
	expect_error((struct cli_options){ 0 }, ERR_STACK, "no stack file: looked for stack.yaml");
	/* Each comes before those that are there already. */
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char service[] = { 'a', (char)('a' + i), '\0' };

		write_stack(names[i], service);
		expect_load((struct cli_options){ 0 }, service);
	}
}

static void test_parents(void **state)
{
	(void)state;
	write_stack("stack.yaml", "top");
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(mkdir("sub/deep", 0700), 0);
	/* A folder of the name is not the file. */
	assert_int_equal(mkdir("sub/deep/stack.yaml", 0700), 0);
	assert_int_equal(chdir("sub/deep"), 0);
	expect_load((struct cli_options){ 0 }, "top");
	write_stack("../compose.yml", "near");
	expect_load((struct cli_options){ 0 }, "near");
	expect_load((struct cli_options){ .project_dir = "../.." }, "top");
	expect_error((struct cli_options){ .project_dir = "absent" }, ERR_RUN,
		     "project directory 'absent': no such file");
}

static void write_image(const char *path, const char *image)
{
	_cleanup_free_ char *text = xasprintf("name: t\nservices: {s: {image: %s}}\n", image);

	write_file(path, text);
}

/* All warnings of the stack that these options lead to. */
static void expect_warnings(size_t n, const char *text)
{
	struct cli_project p = { 0 };
	struct cli_options o = { 0 };
	struct err err = { 0 };
	struct buf b = { 0 };

	assert_int_equal(cli_project_load(&o, NULL, &p, &err), 0);
	assert_int_equal(stack_diags_count(p.diags), n);
	stack_diags_print(p.diags, false, &b);
	if (!strstr(buf_str(&b), text))
		fail_msg("'%s' does not say '%s'", buf_str(&b), text);
	buf_fini(&b);
	cli_project_fini(&p);
}

static void expect_diags(struct cli_project *p, const char *want)
{
	const struct cli_term t = { 0 };
	struct buf b = { 0 };

	assert_int_equal(cli_project_diags(p, &t, &b), *want != 0);
	assert_string_equal(buf_str(&b), want);
	buf_fini(&b);
}

/* What planning finds later comes alone: who tells of it may have told of the file before. */
static void test_diags_once(void **state)
{
	const struct stack_pos nowhere = { 0 };
	struct cli_options o = { 0 };
	struct cli_project p = { 0 };
	struct err err = { 0 };

	(void)state;
	write_stack("stack.yaml", "t");
	assert_int_equal(cli_project_load(&o, NULL, &p, &err), 0);
	expect_diags(&p, "");
	stack_diag_add(p.diags, STACK_WARNING, nowhere, NULL, "of the file");
	expect_diags(&p, "warning: of the file\n");
	stack_diag_add(p.diags, STACK_WARNING, nowhere, NULL, "of the plan");
	expect_diags(&p, "warning: of the plan\n");
	expect_diags(&p, "");
	cli_project_fini(&p);
}

static void test_overrides(void **state)
{
	(void)state;
	write_image("compose.yaml", "base");
	expect_image((struct cli_options){ 0 }, "base");
	write_image("docker-compose.override.yml", "other");
	expect_image((struct cli_options){ 0 }, "other");
	expect_warnings(0, "");
	/* Of several the first name is taken, and this is told. */
	write_image("compose.override.yml", "over");
	expect_image((struct cli_options){ 0 }, "over");
	expect_warnings(1, "compose.override.yml is used, not docker-compose.override.yml");
	/* Who names the file does not mean the other one. */
	setenv("COMPOSE_FILE", "compose.yaml", 1);
	expect_image((struct cli_options){ 0 }, "base");
	unsetenv("COMPOSE_FILE");
	write_image("docker-compose.yml", "old");
	expect_warnings(2, "compose.yaml is used, not docker-compose.yml");
}

static void test_given_files(void **state)
{
	const char *words[] = { "one.yaml", "two.yaml" };
	struct cli_options one = { .files = { words, 1, 2 } }, both = { .files = { words, 2, 2 } };

	(void)state;
	write_image("one.yaml", "one");
	write_image("two.yaml", "two");
	write_image("stack.yaml", "found");
	expect_image(one, "one");
	expect_image(both, "two");
	setenv("COMPOSE_FILE", "two.yaml", 1);
	expect_image((struct cli_options){ 0 }, "two");
	/* The command line wins over the environment, and our names over those of compose. */
	expect_image(one, "one");
	setenv("MSTACK_FILE", "one.yaml", 1);
	expect_image((struct cli_options){ 0 }, "one");
	setenv("MSTACK_FILE", "one.yaml:two.yaml", 1);
	expect_image((struct cli_options){ 0 }, "two");
	setenv("MSTACK_FILE", ";two.yaml;one.yaml;", 1);
	setenv("COMPOSE_PATH_SEPARATOR", ";", 1);
	expect_image((struct cli_options){ 0 }, "one");
	words[0] = "absent.yaml";
	expect_error(one, ERR_STACK, "absent.yaml");
}

static void expect_services(struct cli_options o, const struct cli_load *how, size_t n)
{
	struct cli_project p = { 0 };
	struct err err = { 0 };

	assert_int_equal(cli_project_load(&o, how, &p, &err), 0);
	assert_int_equal(p.stack->n_services, n);
	cli_project_fini(&p);
}

static void test_profiles(void **state)
{
	const char *words[] = { "two", "three" };
	struct cli_options none = { 0 }, two = { .profiles = { words, 1, 2 } },
			   both = { .profiles = { words, 2, 2 } };

	(void)state;
	write_file("stack.yaml", "name: t\nservices:\n  a: {image: a}\n  b: {image: b, profiles: [two]}\n"
				 "  c: {image: c, profiles: [three]}\n");
	expect_services(none, NULL, 1);
	expect_services(two, NULL, 2);
	expect_services(both, NULL, 3);
	setenv("COMPOSE_PROFILES", "two,three", 1);
	expect_services(none, NULL, 3);
	expect_services(two, NULL, 2);
	setenv("MSTACK_PROFILES", "three", 1);
	expect_services(none, NULL, 2);
}

static void test_chosen_services(void **state)
{
	const char *words[] = { "b" };
	const struct cli_words chosen = { words, 1, 1 };

	(void)state;
	write_file("stack.yaml", "name: t\nservices:\n  a: {image: a}\n  b: {image: b, depends_on: [c]}\n"
				 "  c: {image: c}\n");
	expect_services((struct cli_options){ 0 }, NULL, 3);
	expect_services((struct cli_options){ 0 }, &(struct cli_load){ .services = &chosen }, 2);
}

/* Everything that is wrong is a line of JSON, also what kept the file from being read. */
static void test_json(void **state)
{
	const char *words[] = { "absent.yaml" };
	struct cli_options absent = { .files = { words, 1, 1 } };
	struct cli_load how = { 0 };
	struct cli_project p = { 0 };
	struct err err = { 0 };
	char *text = NULL;
	size_t len;

	(void)state;
	write_file("stack.yaml", "name: t\nservices: {s: {image: a, imge: b}}\n");
	how.json = open_memstream(&text, &len);
	assert_int_equal(cli_project_load(&(struct cli_options){ 0 }, &how, &p, &err), -1);
	assert_int_equal(err.kind, ERR_STACK);
	assert_string_equal(err.text, "");
	assert_int_equal(cli_project_load(&absent, &how, &p, &err), -1);
	assert_int_equal(err.kind, ERR_STACK);
	assert_string_equal(err.text, "");
	fclose(how.json);
	assert_non_null(strstr(text, "{\"severity\":\"error\",\"file\":\"stack.yaml\",\"line\":2,"));
	assert_non_null(strstr(text, "absent.yaml"));
	free(text);
}

static void test_env_files(void **state)
{
	const char *words[] = { "a.env" };
	struct cli_options given = { .env_files = { words, 1, 1 } };

	(void)state;
	write_file("stack.yaml", "name: t\nservices: {s: {image: \"${A:-none}\"}}\n");
	write_file("a.env", "A=first\n");
	write_file("b.env", "A=second\n");
	expect_image((struct cli_options){ 0 }, "none");
	expect_image(given, "first");
	/* The later one wins; the command line wins over all of them. */
	setenv("COMPOSE_ENV_FILES", "a.env,b.env", 1);
	expect_image((struct cli_options){ 0 }, "second");
	expect_image(given, "first");
	setenv("MSTACK_ENV_FILES", ",,a.env", 1);
	expect_image((struct cli_options){ 0 }, "first");
	setenv("MSTACK_ENV_FILES", "absent.env", 1);
	expect_error((struct cli_options){ 0 }, ERR_STACK, "env file 'absent.env'");
}

static void test_project_name(void **state)
{
	struct cli_project p;
	struct err err;

	(void)state;
	write_stack("stack.yaml", "inside");
	assert_int_equal(cli_project_load(&(struct cli_options){ .project = "given" }, NULL, &p, &err),
			 0);
	assert_string_equal(p.name, "given");
	cli_project_fini(&p);
	expect_error((struct cli_options){ .project = "Not-One" }, ERR_USAGE,
		     "project name 'Not-One'");
	expect_error((struct cli_options){ .project = "../up" }, ERR_USAGE, "project name '../up'");
}

/* `down -p NAME` must work when the file is gone or broken. */
static void test_find_without_file(void **state)
{
	const char *words[] = { "stack.yaml" };
	struct cli_options named = { .project = "gone" }, none = { 0 };
	struct cli_options both = { .project = "given", .files = { words, 1, 1 } };
	struct cli_project p;
	struct err err;

	(void)state;
	assert_int_equal(cli_project_find(&named, &p, &err), 0);
	assert_string_equal(p.name, "gone");
	assert_null(p.stack);
	cli_project_fini(&p);
	assert_int_equal(cli_project_find(&none, &p, &err), -1);
	assert_int_equal(cli_project_find(&both, &p, &err), -1);
	assert_int_equal(cli_project_find(&(struct cli_options){ .project = "" }, &p, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	write_stack("stack.yaml", "found");
	assert_int_equal(cli_project_find(&none, &p, &err), 0);
	assert_string_equal(p.name, "found");
	assert_non_null(p.stack);
	cli_project_fini(&p);
	assert_int_equal(cli_project_find(&both, &p, &err), 0);
	assert_string_equal(p.name, "given");
	assert_non_null(p.stack);
	cli_project_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_in_order, begin, end),
		cmocka_unit_test_setup_teardown(test_parents, begin, end),
		cmocka_unit_test_setup_teardown(test_diags_once, begin, end),
		cmocka_unit_test_setup_teardown(test_overrides, begin, end),
		cmocka_unit_test_setup_teardown(test_given_files, begin, end),
		cmocka_unit_test_setup_teardown(test_profiles, begin, end),
		cmocka_unit_test_setup_teardown(test_chosen_services, begin, end),
		cmocka_unit_test_setup_teardown(test_json, begin, end),
		cmocka_unit_test_setup_teardown(test_env_files, begin, end),
		cmocka_unit_test_setup_teardown(test_project_name, begin, end),
		cmocka_unit_test_setup_teardown(test_find_without_file, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
