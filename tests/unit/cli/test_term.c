/* SPDX-License-Identifier: GPL-2.0-or-later */
/* term: who asked for colours and who did not, and how progress looks in each of its forms. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/term.h"

static void set_or_unset(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* What cli_term_get finds while both streams are `fd`. */
static struct cli_term term_on(int fd, const struct cli_options *o)
{
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3),
	    err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	struct cli_term t;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	t = cli_term_get(o);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	return t;
}

struct colour_case {
	bool tty;
	const char *ansi, *term, *no_color, *force;
	bool want;
};

static void test_colours(void **state)
{
	static const struct colour_case cases[] = {
		{ true, NULL, "xterm", NULL, NULL, true },
		{ false, NULL, "xterm", NULL, NULL, false },
		{ true, NULL, "dumb", NULL, NULL, false },
		{ true, NULL, "", NULL, NULL, false },
		{ true, NULL, NULL, NULL, NULL, false },
		{ true, NULL, "xterm", "1", NULL, false },
		{ true, NULL, "xterm", "", NULL, true }, /* no-color.org: present and not empty */
		{ false, NULL, NULL, NULL, "1", true },
		{ false, NULL, "xterm", NULL, "0", false },
		{ true, NULL, "xterm", "1", "1", false },
		{ true, "never", "xterm", NULL, "1", false },
		{ false, "always", NULL, "1", NULL, true },
		{ true, "auto", "xterm", NULL, NULL, true },
	};
	int master, slave, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct colour_case *c = &cases[i];
		struct cli_term t;

		set_or_unset("TERM", c->term);
		set_or_unset("NO_COLOR", c->no_color);
		set_or_unset("CLICOLOR_FORCE", c->force);
		t = term_on(c->tty ? slave : null, &(struct cli_options){ .ansi = c->ansi });
		assert_int_equal(t.out_tty, c->tty);
		assert_int_equal(t.out_colour, c->want);
		assert_int_equal(t.err_colour, c->want);
	}
	close(master);
	close(slave);
	close(null);
}

static void test_progress_word(void **state)
{
	static const struct {
		const char *word;
		enum cli_progress tty, file;
	} cases[] = {
		{ NULL, PROGRESS_TTY, PROGRESS_PLAIN },
		{ "auto", PROGRESS_TTY, PROGRESS_PLAIN },
		{ "tty", PROGRESS_TTY, PROGRESS_TTY },
		{ "plain", PROGRESS_PLAIN, PROGRESS_PLAIN },
		{ "json", PROGRESS_JSON, PROGRESS_JSON },
		{ "quiet", PROGRESS_QUIET, PROGRESS_QUIET },
	};
	int master, slave, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cli_options o = { .progress = cases[i].word };

		assert_int_equal(term_on(slave, &o).progress, cases[i].tty);
		assert_int_equal(term_on(null, &o).progress, cases[i].file);
	}
	close(master);
	close(slave);
	close(null);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void expect_line(struct cli_term t, enum sup_say kind, const char *slot, const char *text,
			const char *want)
{
	_cleanup_(buf_fini) struct buf got = { 0 };

	cli_say_add(&t, kind, slot, text, &got);
	assert_string_equal(buf_str(&got), want);
}

static void test_plain(void **state)
{
	const struct cli_term t = { .progress = PROGRESS_PLAIN };

	(void)state;
	expect_line(t, SUP_PROGRESS, "web-1", "started", "web-1 started\n");
	expect_line(t, SUP_NOTE, NULL, "stopping", "stopping\n");
	expect_line(t, SUP_WARNING, "web-1", "slow", "warning: web-1 slow\n");
	expect_line(t, SUP_ERROR, NULL, "no", "error: no\n");
	/* Texts hold words of containers and files. */
	expect_line(t, SUP_ERROR, NULL, "a\033[2Jb", "error: a^[[2Jb\n");
}

static void test_tty(void **state)
{
	struct cli_term t = { .progress = PROGRESS_TTY };

	(void)state;
	expect_line(t, SUP_PROGRESS, "web-1", "started", "[+] web-1 started\n");
	expect_line(t, SUP_WARNING, NULL, "slow", "[!] slow\n");
	t.err_colour = true;
	expect_line(t, SUP_NOTE, NULL, "so", "\033[36m[i]\033[0m so\n");
	expect_line(t, SUP_ERROR, "db-1", "no", "\033[31m[x]\033[0m db-1 no\n");
}

static void test_json(void **state)
{
	const struct cli_term t = { .progress = PROGRESS_JSON };

	(void)state;
	expect_line(t, SUP_PROGRESS, "web-1", "started",
		    "{\"level\":\"progress\",\"id\":\"web-1\",\"text\":\"started\"}\n");
	expect_line(t, SUP_ERROR, NULL, "a \"b\"\n",
		    "{\"level\":\"error\",\"text\":\"a \\\"b\\\"\\n\"}\n");
}

/* Quiet is about progress: who asked for silence still wants to know why it failed. */
static void test_quiet(void **state)
{
	const struct cli_term t = { .progress = PROGRESS_QUIET };

	(void)state;
	expect_line(t, SUP_PROGRESS, "web-1", "started", "");
	expect_line(t, SUP_NOTE, NULL, "so", "");
	expect_line(t, SUP_WARNING, NULL, "slow", "warning: slow\n");
	expect_line(t, SUP_ERROR, NULL, "no", "error: no\n");
}

static void test_told(void **state)
{
	struct err err = { .text = "long since printed" };

	(void)state;
	assert_int_equal(cli_told(&err, ERR_LEFTOVER), -1);
	assert_int_equal(err.kind, ERR_LEFTOVER);
	assert_string_equal(err.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_colours), cmocka_unit_test(test_progress_word),
		cmocka_unit_test(test_plain),	cmocka_unit_test(test_tty),
		cmocka_unit_test(test_json),	cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
