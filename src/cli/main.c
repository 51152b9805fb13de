/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main: the mstack command. Reads the command line, calls the command, turns its error into one line and an exit code.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/descend.h"
#include "cli/term.h"
#include "mstack/base.h"
#include "mstack/rootless.h"

enum { LOOP_PAUSE_MS = 100, LOOP_PATIENCE_MS = 30000 };

/*
 * A descriptor 0, 1 or 2 that is closed would be given to the first file opened, and be written into. Standard output stays one
 * that cannot be written to: who closed it is told that nothing was printed.
 */
static void fill_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			/* The lowest that is free. */
			open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
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
	if (o->dry_run && c->flags & COMMAND_ACTS)
		return err_kind(err, ERR_USAGE, "%s: --dry-run is not supported yet", c->name);
	if (c->flags & COMMAND_ROOT && rootless_outside() && cli_descend(o, c, err) < 0) {
		/* Whatever it was: there is no container. */
		if (c->run == cli_run)
			err->kind = ERR_CREATE;
		return err_wrap(err, "%s", c->name);
	}
	return c->run(o, err);
}

static int run(const struct cli_options *o, const struct cli_command *c, struct err *err)
{
	int code = dispatch(o, c, err);

	if (code >= 0 && (fflush(stdout) || ferror(stdout)))
		return err_sys(err, errno, "write to standard output");
	return code;
}

static void complain(const struct cli_options *o, const struct err *err)
{
	bool colour = cli_term_get(o).err_colour;
	struct buf b = { 0 };

	cli_harmless(err->text, strlen(err->text), false, &b);
	fprintf(stderr, "%smstack:%s %s\n", colour ? "\033[31m" : "", colour ? "\033[0m" : "",
		buf_str(&b));
	buf_fini(&b);
}

static bool may_pass(int why)
{
	return why == EMFILE || why == ENFILE || why == ENOMEM;
}

/*
 * Instead of libev's abort. It asks again when we return, and may do so at any time: what it is told of a descriptor that it does not
 * know any more makes it begin with a new epoll. So what may pass is waited for. Else no loop can go on, and a supervisor's guard
 * takes down what there is.
 */
static void loop_failed(const char *what)
{
	static uint64_t first, last;
	const uint64_t now = time_mono_ms();
	int why = errno;

	if (now - last > LOOP_PAUSE_MS * 10) {
		first = now;
		fprintf(stderr, "mstack: event loop: %s: %s\n", what, strerror(why));
	}
	if (!may_pass(why) || now - first > LOOP_PATIENCE_MS)
		_exit(1);
	usleep(LOOP_PAUSE_MS * 1000);
	last = time_mono_ms();
}

int main(int argc, char **argv)
{
	_cleanup_(cli_options_fini) struct cli_options o = { 0 };
	const struct cli_command *c = NULL;
	struct err err = { 0 };
	int code = -1;

	fill_standard_fds();
	setlocale(LC_CTYPE, "");
	ev_set_syserr_cb(loop_failed);
	if (rootless_outside())
		rootless_folders();
	if (cli_options_parse((const char *const *)argv + (argc > 0), &o, &c, &err) == 0)
		code = run(&o, c, &err);
	if (code >= 0)
		return code;
	/* What has been told already has no text. */
	if (err.text[0])
		complain(&o, &err);
	return err_exit_code(&err);
}
