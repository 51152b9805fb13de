/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * runclient: see runclient.h. Called by run. With a terminal the supervisor hands us our side of it when the container runs; without one
 * we make pipes and hand it theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/keeper.h"
#include "cli/runclient.h"
#include "cli/term.h"
#include "mstack/ctl.h"

enum { REQUEST = 1 }; /* its id; there is one for each connection */

void cli_oneoff_init(struct cli_oneoff *r, const struct cli_options *o)
{
	*r = (struct cli_oneoff){ .o = o,
				  .sock = -1,
				  .document = -1,
				  .in = -1,
				  .out = -1,
				  .err_out = -1,
				  .console = { .fd = -1 } };
}

void cli_oneoff_fini(struct cli_oneoff *r)
{
	int *const fds[] = { &r->sock, &r->document, &r->in, &r->out, &r->err_out };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		cleanup_fd(fds[i]);
	free(r->name);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int make_pipe(bool we_write, int *ours, int *theirs, struct err *err)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	*ours = pair[we_write];
	*theirs = pair[!we_write];
	return fd_nonblock(*ours, true) < 0 ? err_sys(err, errno, "pipe") : 0;
}

/* A container's own three, never ours: what it does to them does nothing to us. */
static int add_pipes(struct cli_oneoff *r, struct ctl_msg *m, struct err *err)
{
	int *const ours[] = { &r->in, &r->out, &r->err_out };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (make_pipe(i == 0, ours[i], &m->fds[m->n_fds++], err) < 0)
			return -1;
	if (!r->o->interactive)
		cleanup_fd(&r->in);
	return 0;
}

bool cli_oneoff_wants_terminal(const struct cli_options *o)
{
	return !o->no_tty && !o->detach && o->interactive && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

static void want_terminal(struct cli_oneoff *r, json_t *body)
{
	struct winsize size = { 0 };

	if (!cli_oneoff_wants_terminal(r->o))
		return;
	r->console.fd = STDIN_FILENO;
	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	json_object_set_new(body, "rows", json_integer(size.ws_row));
	json_object_set_new(body, "cols", json_integer(size.ws_col));
}

int cli_oneoff_ask(struct cli_oneoff *r, struct err *err)
{
	struct ctl_msg m = { .type = CTL_RUN, .id = REQUEST };
	int rc = 0;

	for (size_t i = 0; i < CTL_FDS_MAX; i++)
		m.fds[i] = -1;
	m.body = json_pack("{s:s, s:b, s:b, s:b, s:b}", "service", r->service, "alone", r->alone,
			   "detach", r->o->detach, "aliases", r->o->use_aliases, "document",
			   r->document >= 0);
	want_terminal(r, m.body);
	if (r->document >= 0)
		m.fds[m.n_fds++] = take_fd(&r->document);
	if (r->console.fd < 0 && !r->o->detach)
		rc = add_pipes(r, &m, err);
	if (rc == 0)
		rc = ctl_send(r->sock, &m, err);
	ctl_msg_fini(&m);
	return rc ? -1 : 0;
}

void cli_oneoff_take_back(struct cli_oneoff *r)
{
	cleanup_fd(&r->sock);
	cleanup_fd(&r->in);
	cleanup_fd(&r->out);
	cleanup_fd(&r->err_out);
}

/* Not answered: what comes of it is seen. */
static void tell(const struct cli_oneoff *r, json_t *body)
{
	const struct ctl_msg m = { .type = CTL_RUN, .id = REQUEST + 1, .body = body };

	ctl_send(r->sock, &m, &(struct err){ 0 });
	json_decref(body);
}

/* ---- hearing --------------------------------------------------------------------------------- */

enum { NOTHING, STARTED, ENDED };

/* What is not kept of what was asked for. */
static void tell_user(const struct cli_oneoff *r, const json_t *body)
{
	const struct cli_term t = cli_term_get(r->o);
	const char *note = cli_string(body, "note");

	if (*note)
		cli_say((void *)&t, SUP_NOTE, NULL, note);
}

/* One message; `status` may be NULL while none is expected. */
static int hear(struct cli_oneoff *r, int *ret_status, struct err *err)
{
	struct ctl_msg m = { 0 };
	const json_t *status;
	int rc = ctl_recv(r->sock, &m, err), what = NOTHING;

	if (rc == 2)
		rc = err_set(err, "the supervisor is gone, and the container with it");
	else if (rc == 0 && m.type == CTL_ERROR) {
		rc = ctl_error(&m, &r->failure);
		*err = r->failure;
		r->failed = true;
	}
	tell_user(r, m.body);
	status = json_object_get(m.body, "status");
	if (rc == 0 && status) {
		*ret_status = (int)json_integer_value(status);
		r->oom = json_is_true(json_object_get(m.body, "oom"));
		what = ENDED;
	} else if (rc == 0 && json_object_get(m.body, "pid")) {
		if (m.n_fds)
			r->in = take_fd(&m.fds[0]);
		what = STARTED;
	} else if (rc == 0 && *cli_string(m.body, "name") && !r->name) {
		r->name = xstrdup(cli_string(m.body, "name"));
	}
	ctl_msg_fini(&m);
	return rc < 0 ? -1 : what;
}

/*
 * Until the container runs, which may be long: what it depends on has to be healthy first. A signal ends the waiting.
 */
static int wait_started(struct cli_oneoff *r, int signals, int *ret_status, struct err *err)
{
	struct pollfd fds[] = { { r->sock, POLLIN, 0 }, { signals, POLLIN, 0 } };
	struct signalfd_siginfo si;
	int sig = 0, what = NOTHING;

	while (what == NOTHING) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
		if (read(signals, &si, sizeof(si)) == sizeof(si) && si.ssi_signo != SIGWINCH &&
		    si.ssi_signo != SIGCONT) {
			sig = (int)si.ssi_signo;
			tell(r, json_pack("{s:i}", "signal", sig));
		}
		if (fds[0].revents)
			what = hear(r, ret_status, err);
	}
	if (what < 0 && sig) {
		*ret_status = sig;
		return ENDED;
	}
	return what;
}

/* ---- while it runs --------------------------------------------------------------------------- */

/* A failure that the supervisor tells is the end of the container: what that has written comes first. */
static int far_hear(void *arg, int *ret_status, struct err *err)
{
	const struct cli_oneoff *r = arg;
	int what = hear(arg, ret_status, err);

	if (r->failed)
		return 1;
	return what < 0 ? -1 : what == ENDED;
}

static void far_signal(void *arg, int sig)
{
	tell(arg, json_pack("{s:i}", "signal", sig));
}

static void far_leave(void *arg)
{
	tell(arg, json_pack("{s:b}", "leave", true));
}

static void tell_left(const struct cli_oneoff *r)
{
	const struct cli_term t = cli_term_get(r->o);
	_cleanup_free_ char *text = xasprintf("'%s' goes on, and writes to its log", r->name);

	cli_say((void *)&t, SUP_NOTE, NULL, text);
}

static int stay(struct cli_oneoff *r, int signals, int *ret_status, struct err *err)
{
	const struct cli_far far = { .in = &r->in,
				     .out = &r->out,
				     .err_out = &r->err_out,
				     .sock = r->sock,
				     .hear = far_hear,
				     .signal = far_signal,
				     .leave = far_leave,
				     .arg = r };
	struct cli_attached a = { &far, &r->console, &r->keys, signals };
	int keeper, rc;

	/* Of a terminal there is one descriptor, which is both ways. */
	if (r->console.fd >= 0) {
		r->out = dup(r->in);
		if (r->in < 0 || r->out < 0)
			return err_set(err, "the container has no terminal");
		fd_nonblock(r->in, true);
	}
	keeper = keeper_start(r->console.fd);
	rc = cli_attached_run(&a, ret_status, err);
	keeper_release(keeper);
	if (rc == CLI_LEFT)
		tell_left(r);
	return rc;
}

static int code_of(const struct cli_oneoff *r, int status)
{
	const struct cli_term t = cli_term_get(r->o);

	if (r->oom)
		cli_say((void *)&t, SUP_ERROR, NULL, "run: killed: out of memory");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cli_oneoff(struct cli_oneoff *r, struct err *err)
{
	_cleanup_fd_ int signals = cli_signals_take();
	int status = 0, rc;

	if (signals < 0)
		return err_sys(err, errno, "run: signals");
	if (detachkeys_parse(DETACHKEYS_DEFAULT, &r->keys, err) < 0)
		return -1;
	rc = wait_started(r, signals, &status, err);
	if (rc == STARTED && r->o->detach) {
		puts(r->name);
		return 0;
	}
	if (rc == STARTED && stay(r, signals, &status, err) < 0)
		rc = -1;
	if (rc == STARTED && r->failed) {
		*err = r->failure;
		rc = -1;
	}
	return rc < 0 ? err_wrap(err, "run") : code_of(r, status);
}
