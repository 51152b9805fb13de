/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main: the mstack command. Reads the command line, calls the command, turns its error into one line and an exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/term.h"

/* A descriptor 0, 1 or 2 that is closed would be given to the first file opened, and be written into. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO && (fcntl(fd, F_SETFD, 0), true));
	if (fd > STDERR_FILENO)
		close(fd);
}

static int dispatch(const struct cli_options *o, const struct cli_command *c, struct err *err)
{
	if (o->version)
		return cli_version(o, err);
	if (o->help || !c) {
		cli_help_print(c);
		return 0;
	}
	if (!c->run)
		return err_kind(err, ERR_USAGE, "%s is not supported yet", c->name);
	return c->run(o, err);
}

static int run(const char *const *words, struct err *err)
{
	_cleanup_(cli_options_fini) struct cli_options o = { 0 };
	const struct cli_command *c = NULL;
	int code;

	if (cli_options_parse(words, &o, &c, err) < 0)
		return -1;
	code = dispatch(&o, c, err);
	if (code >= 0 && (fflush(stdout) || ferror(stdout)))
		return err_sys(err, errno, "write to standard output");
	return code;
}

static void complain(const struct err *err)
{
	const struct cli_options none = { 0 };
	struct cli_term t = cli_term_get(&none);
	struct buf b = { 0 };

	cli_harmless(err->text, strlen(err->text), false, &b);
	fprintf(stderr, "%smstack:%s %s\n", t.err_colour ? "\033[31m" : "",
		t.err_colour ? "\033[0m" : "", buf_str(&b));
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int code;

	fill_standard_fds();
	setlocale(LC_CTYPE, "");
	code = run((const char *const *)argv + (argc > 0), &err);
	if (code >= 0)
		return code;
	if (err.text[0])
		complain(&err);
	return err_exit_code(&err);
}
