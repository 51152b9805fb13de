/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach: `mstack attach`. Asks the supervisor for the streams of a container (CTL_ATTACH) and stays with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/attached.h"
#include "cli/client.h"
#include "cli/unsupervised.h"
#include "cli/command.h"
#include "cli/servicename.h"
#include "cli/termguard.h"
#include "mstack/ctl.h"

struct session {
	int sock;
	uint32_t id;		/* of the request that is being answered */
	int out, term, err_out; /* what it answered with; -1 */
	int in;			/* a second descriptor of `term`, which may be closed alone */
	bool tty, input;
	uint64_t lost; /* bytes */
};

static void session_fini(struct session *s)
{
	cleanup_fd(&s->sock);
	cleanup_fd(&s->out);
	cleanup_fd(&s->term);
	cleanup_fd(&s->err_out);
	cleanup_fd(&s->in);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static int check(const struct cli_options *o, json_int_t *ret_index, struct err *err)
{
	const char *index = o->index ? o->index : "1";
	size_t len = strlen(index);

	if (!o->args.n)
		return err_kind(err, ERR_USAGE,
				"attach: SERVICE is missing (see 'mstack help attach')");
	if (!len || len > 9 || strspn(index, "0123456789") != len || *index == '0')
		return err_kind(err, ERR_USAGE, "attach: --index: '%s' is not a number from 1 on",
				index);
	*ret_index = atol(index);
	return 0;
}

/* As many descriptors as the answer speaks of, or it is none. */
static int take_streams(void *arg, const struct ctl_msg *m)
{
	struct session *s = arg;
	int *const places[] = { &s->out, &s->term, &s->err_out };
	size_t n = 0;

	s->id = m->id;
	s->tty = json_is_true(json_object_get(m->body, "tty"));
	s->input = json_is_true(json_object_get(m->body, "stdin"));
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		bool there = i == 0 || (i == 1 ? s->tty || s->input : !s->tty);

		if (there && n < m->n_fds)
			*places[i] = fcntl(m->fds[n++], F_DUPFD_CLOEXEC, 3);
	}
	if (s->input)
		s->in = fcntl(s->term, F_DUPFD_CLOEXEC, 3);
	return 1;
}

static int ask(const struct cli_options *o, const char *project, json_int_t index,
	       struct session *s, struct err *err)
{
	json_t *body = json_pack("{s:s, s:I, s:b}", "service", o->args.v[0], "index", index,
				 "stdin", !o->no_stdin);
	int rc = cli_command(project, CLI_ANSWER_MS, &s->sock, err);

	if (rc == 1)
		rc = err_set(err, "stack '%s' is not up: see 'mstack up'", project);
	if (rc == 0)
		rc = ctl_call(s->sock, CTL_ATTACH, body, take_streams, s, err);
	json_decref(body);
	if (rc < 0)
		return err_wrap(err, "attach");
	if (s->out < 0 || (s->tty ? s->term : s->err_out) < 0 || (s->input && s->in < 0))
		return err_set(err, "attach: the supervisor answered without the streams");
	if (fd_nonblock(s->sock, true) < 0 || (s->input && fd_nonblock(s->in, true) < 0))
		return err_sys(err, errno, "attach");
	return 0;
}

/* ---- the far side ---------------------------------------------------------------------------- */

static int hear(void *arg, int *ret_status, struct err *err)
{
	_cleanup_(ctl_msg_fini) struct ctl_msg m = { 0 };
	struct session *s = arg;
	int rc = ctl_recv(s->sock, &m, err);

	if (rc == 2)
		return err_set(err, "the supervisor is gone, and its containers with it");
	if (rc != 0 || m.id != s->id)
		return rc < 0 ? -1 : 0;
	s->lost += (uint64_t)json_integer_value(json_object_get(m.body, "lost"));
	if (!(m.flags & CTL_LAST))
		return 0;
	*ret_status = (int)json_integer_value(json_object_get(m.body, "status"));
	return 1;
}

static void pass_signal(void *arg, int sig)
{
	const struct session *s = arg;
	json_t *body = json_pack("{s:i}", "signal", sig);
	const struct ctl_msg m = { .type = CTL_ATTACH, .id = s->id + 1, .body = body };

	ctl_send(s->sock, &m, &(struct err){ 0 });
	json_decref(body);
}

/* The end of the connection says it. */
static void leave(void *arg)
{
	(void)arg;
}

/* ---- while it runs --------------------------------------------------------------------------- */

/* Whatever they do by default they do to us. */
static int let_signals_through(void)
{
	static const int ours[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		sigaddset(&set, ours[i]);
	return sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* What has drawn on another terminal draws anew when the size changes: so it does, twice. */
static void give_size(const struct session *s, const struct cli_console *console)
{
	struct winsize size;

	if (!s->tty || console->fd < 0 || ioctl(console->fd, TIOCGWINSZ, &size) < 0)
		return;
	size.ws_row++;
	ioctl(s->term, TIOCSWINSZ, &size);
	size.ws_row--;
	ioctl(s->term, TIOCSWINSZ, &size);
}

static int want_console(const struct cli_options *o, const struct session *s,
			struct cli_console *ret, struct err *err)
{
	const struct cli_term t = cli_term_get(o);
	_cleanup_free_ char *text = NULL;

	*ret = (struct cli_console){ .fd = -1 };
	if (s->tty && s->input && !isatty(STDIN_FILENO))
		return err_kind(
			err, ERR_USAGE,
			"attach: service '%s' has a terminal, and standard input is none: add --no-stdin to look only",
			o->args.v[0]);
	if (s->tty && isatty(STDIN_FILENO)) {
		ret->fd = STDIN_FILENO;
		ret->looks_only = !s->input;
	}
	if (o->no_stdin || s->input)
		return 0;
	text = xasprintf("only the output: service '%s' takes no input without 'stdin_open: true'",
			 o->args.v[0]);
	cli_say((void *)&t, SUP_NOTE, NULL, text);
	return 0;
}

static int stay(const struct cli_options *o, struct session *s, struct cli_console *console,
		struct detachkeys *keys, struct err *err)
{
	const struct cli_far far = {
		.in = &s->in,
		.out = &s->out,
		.err_out = &s->err_out,
		.sock = s->sock,
		.hear = hear,
		.signal = pass_signal,
		.leave = leave,
		.arg = s,
		.term = &s->term,
		.stays = true,
	};
	_cleanup_fd_ int signals = cli_signals_take();
	struct cli_attached a = { &far, console, keys, signals };
	struct cli_termguard guard;
	int status = 0, rc;

	if (signals < 0 || (!o->sig_proxy && let_signals_through() < 0))
		return err_sys(err, errno, "attach: signals");
	if (cli_termguard_begin(&guard, console->looks_only ? -1 : console->fd, err) < 0)
		return err_wrap(err, "attach");
	give_size(s, console);
	rc = cli_attached_run(&a, &status, err);
	cli_termguard_end(&guard);
	if (rc < 0)
		return err_wrap(err, "attach: service '%s'", o->args.v[0]);
	return rc == CLI_LEFT ? 0 : cli_exit_code(status);
}

static void tell_lost(const struct cli_options *o, const struct session *s)
{
	const struct cli_term t = cli_term_get(o);
	_cleanup_free_ char *text = NULL;

	if (!s->lost)
		return;
	text = xasprintf(
		"%llu bytes were not shown because the reader was too slow; 'mstack logs' has them",
		(unsigned long long)s->lost);
	cli_say((void *)&t, SUP_WARNING, NULL, text);
}

static int check_service(const struct cli_options *o, const struct cli_project *p, struct err *err)
{
	json_t *rows;
	int rc = cli_slots(p->name, &rows, err);

	if (rc < 0)
		return err_wrap(err, "attach");
	/* With neither a supervisor nor a file it is the stack that there is not. */
	rc = rc && !p->stack ? 0 : cli_services_check(o, p, rows, "attach", err);
	json_decref(rows);
	return rc;
}

int cli_attach(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(session_fini) struct session s = { -1, 0, -1, -1, -1, -1, false, false, 0 };
	struct cli_console console;
	struct detachkeys keys;
	json_int_t index = 1;
	int rc;

	if (check(o, &index, err) < 0 ||
	    detachkeys_parse(o->detach_keys ? o->detach_keys : DETACHKEYS_DEFAULT, &keys, err) <
		    0 ||
	    cli_project_find(o, &p, err) < 0 || check_service(o, &p, err) < 0 ||
	    ask(o, p.name, index, &s, err) < 0 || want_console(o, &s, &console, err) < 0)
		return -1;
	rc = stay(o, &s, &console, &keys, err);
	tell_lost(o, &s);
	return rc;
}
