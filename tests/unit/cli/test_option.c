/* SPDX-License-Identifier: GPL-2.0-or-later */
/* option: every way to write an option, whose letter it is, where a file stands; and the tables themselves. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/command.h"

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

struct parsed {
	int r;
	struct cli_options o;
	const struct cli_command *c;
	struct err err;
};

static struct parsed parse(const char *const *words)
{
	struct parsed p = { 0 };

	p.r = cli_options_parse(words, &p.o, &p.c, &p.err);
	return p;
}

static void assert_words(const struct cli_words *w, size_t n, const char *first, const char *second)
{
	assert_int_equal(w->n, n);
	if (n > 0)
		assert_string_equal(w->v[0], first);
	if (n > 1)
		assert_string_equal(w->v[1], second);
}

static void test_forms(void **state)
{
	struct parsed p =
		PARSE("--file", "a.yaml", "-fb.yaml", "-p", "x", "up", "-dt5", "--wait=true",
		      "--wait-timeout=07", "--no-color", "--no-color=false");

	(void)state;
	assert_return_code(p.r, 0);
	assert_string_equal(p.c->name, "up");
	assert_words(&p.o.files, 2, "a.yaml", "b.yaml");
	assert_string_equal(p.o.project, "x");
	assert_true(p.o.detach && p.o.wait && !p.o.no_color);
	assert_int_equal(p.o.timeout_s, 5);
	assert_int_equal(p.o.wait_timeout_s, 7);
	cli_options_fini(&p.o);

	p = PARSE("down", "-t=0", "-v");
	assert_return_code(p.r, 0);
	assert_int_equal(p.o.timeout_s, 0);
	assert_true(p.o.volumes);
	cli_options_fini(&p.o);

	p = PARSE("down");
	assert_int_equal(p.o.timeout_s, -1);
	cli_options_fini(&p.o);
}

/* After a command its own letters come first; the long forms of the global options always mean the same. */
static void test_whose_letter(void **state)
{
	struct parsed p = PARSE("logs", "-f", "--file", "a.yaml", "web");

	(void)state;
	assert_true(p.o.follow);
	assert_words(&p.o.files, 1, "a.yaml", NULL);
	assert_words(&p.o.args, 1, "web", NULL);
	cli_options_fini(&p.o);

	p = PARSE("ps", "-f", "a.yaml");
	assert_words(&p.o.files, 1, "a.yaml", NULL);
	cli_options_fini(&p.o);

	p = PARSE("up", "-V");
	assert_true(p.o.renew_volumes && !p.o.version);
	cli_options_fini(&p.o);
	p = PARSE("ps", "-V");
	assert_true(p.o.version);
	cli_options_fini(&p.o);
}

static void test_file_word(void **state)
{
	struct parsed p = PARSE("logs", "-n", "3", "s.yml", "web", "db.yaml");

	(void)state;
	assert_words(&p.o.files, 1, "s.yml", NULL);
	assert_words(&p.o.args, 2, "web", "db.yaml");
	assert_string_equal(p.o.tail, "3");
	cli_options_fini(&p.o);

	p = PARSE("logs", "web", "s.yml");
	assert_words(&p.o.files, 0, NULL, NULL);
	assert_words(&p.o.args, 2, "web", "s.yml");
	cli_options_fini(&p.o);

	p = PARSE("ps", "--", "-", "--all");
	assert_words(&p.o.files, 1, "-", NULL);
	assert_words(&p.o.args, 1, "--all", NULL);
	assert_false(p.o.all);
	cli_options_fini(&p.o);
}

/* --hash alone is that of all; a stack file, or an option, behind it is not its value. */
static void test_optional_value(void **state)
{
	static const struct {
		const char *words[5], *hash, *file;
	} cases[] = {
		{ { "config", "--hash" }, "*", NULL },
		{ { "config", "--hash", "s.yaml" }, "*", "s.yaml" },
		{ { "config", "--hash", "-q" }, "*", NULL },
		{ { "config", "--hash", "web,db", "s.yaml" }, "web,db", "s.yaml" },
		{ { "config", "--hash=*", "s.yaml" }, "*", "s.yaml" },
		{ { "config", "s.yaml", "--hash", "*" }, "*", "s.yaml" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct parsed p = parse(cases[i].words);

		assert_return_code(p.r, 0);
		assert_string_equal(p.o.hash, cases[i].hash);
		assert_words(&p.o.files, cases[i].file != NULL, cases[i].file, NULL);
		assert_int_equal(p.o.args.n, 0);
		cli_options_fini(&p.o);
	}
}

static void test_wrong(void **state)
{
	static const char *const wrong[][4] = {
		{ "--", "nonsense" },
		{ "up", "--wai" },
		{ "up", "--wait=1" },
		{ "up", "-t", "1.5" },
		{ "up", "-t9999999999" },
		{ "up", "--timeout=" },
		{ "up", "--file" },
		{ "up", "-"
			"\x80" },
		{ "ps", "--format=" },
		{ "ps", "--format=tab" },
		{ "ps", "--format=table|" },
		{ "version", "x.yaml" },
		{ "up", "--=x" },
		{ "--profile" },
		{ "config", "--no-normalize" },
		{ "config", "-o" },
		{ "init", "name" },
		{ "up", "---" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct parsed p = parse(wrong[i]);

		assert_int_equal(p.r, -1);
		assert_int_equal(err_exit_code(&p.err), 2);
		assert_true(p.err.text[0]);
	}
}

static void test_environment(void **state)
{
	struct parsed p;

	(void)state;
	setenv("COMPOSE_PROJECT_NAME", "compose", 1);
	p = PARSE("ps");
	assert_string_equal(p.o.project, "compose");
	cli_options_fini(&p.o);
	setenv("MSTACK_PROJECT_NAME", "own", 1);
	p = PARSE("ps");
	assert_string_equal(p.o.project, "own");
	cli_options_fini(&p.o);
	p = PARSE("ps", "-p", "option");
	assert_string_equal(p.o.project, "option");
	cli_options_fini(&p.o);
	setenv("MSTACK_PROJECT_NAME", "", 1);
	p = PARSE("ps");
	assert_string_equal(p.o.project, "compose");
	cli_options_fini(&p.o);
	unsetenv("MSTACK_PROJECT_NAME");
	unsetenv("COMPOSE_PROJECT_NAME");
}

static size_t size_of(enum cli_option_kind kind)
{
	switch (kind) {
	case OPTION_FLAG:
		return sizeof(bool);
	case OPTION_SECONDS:
		return sizeof(int64_t);
	case OPTION_LIST:
		return sizeof(struct cli_words);
	case OPTION_TEXT:
	case OPTION_CHOICE:
	case OPTION_FORMAT:
	case OPTION_MAYBE:
		return sizeof(const char *);
	case OPTION_FIXED:
	case OPTION_LATER:
		break;
	}
	return 0;
}

static void check_rows(const struct cli_option *rows)
{
	for (const struct cli_option *row = rows; row->name; row++) {
		for (const struct cli_option *other = rows; other < row; other++) {
			assert_string_not_equal(row->name, other->name);
			assert_true(!row->letter || row->letter != other->letter);
		}
		assert_true(row->offset + size_of(row->kind) <= sizeof(struct cli_options));
		if (row->kind == OPTION_LATER)
			continue;
		assert_non_null(row->help);
		assert_int_equal(!row->arg, row->kind == OPTION_FLAG);
		assert_int_not_equal(row->help[strlen(row->help) - 1], '.');
	}
}

static void test_tables(void **state)
{
	(void)state;
	check_rows(cli_global_options);
	for (const struct cli_command *c = cli_commands; c->name; c++) {
		struct err err;

		assert_ptr_equal(cli_command_find(c->name, &err), c);
		assert_true(islower((unsigned char)c->summary[0]));
		check_rows(c->options);
		/* A long form of a command never hides a global one. */
		for (const struct cli_option *row = c->options; row->name; row++)
			for (const struct cli_option *g = cli_global_options; g->name; g++)
				assert_string_not_equal(row->name, g->name);
	}
}

/* What stands behind the service is not ours. */
static void test_own_words(void **state)
{
	struct parsed p = PARSE("exec", "-T", "s.yaml", "-u", "me", "-eA=1", "web", "ls", "-la",
				"--help", "--", "x.yaml");

	(void)state;
	assert_return_code(p.r, 0);
	assert_words(&p.o.files, 1, "s.yaml", NULL);
	assert_words(&p.o.env, 1, "A=1", NULL);
	assert_words(&p.o.args, 6, "web", "ls");
	assert_string_equal(p.o.args.v[2], "-la");
	assert_string_equal(p.o.args.v[4], "--");
	assert_string_equal(p.o.user, "me");
	assert_true(p.o.no_tty && !p.o.help);
	cli_options_fini(&p.o);
	p = PARSE("exec", "-it", "web", "-d");
	assert_return_code(p.r, 0);
	assert_words(&p.o.args, 2, "web", "-d");
	assert_false(p.o.detach);
	cli_options_fini(&p.o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	       cmocka_unit_test(test_whose_letter),
		cmocka_unit_test(test_file_word),      cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_environment),    cmocka_unit_test(test_tables),
		cmocka_unit_test(test_optional_value), cmocka_unit_test(test_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
