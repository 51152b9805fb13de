/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execall: see execall.h. Called by exec. One loop over the output of all commands; some are begun when others have ended, so
 * that a large stack costs no more processes and descriptors than PARALLEL commands have.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/attached.h"
#include "cli/execall.h"
#include "cli/execwant.h"
#include "cli/logview.h"

enum {
	PARALLEL = 32,	      /* commands at a time */
	LINE_MAX_LEN = 65536, /* a longer line is shown as several, as in logs */
	POLLED = 3,	      /* of each: its two streams, and the word of its end */
};

enum { OUT, ERR, STREAMS };

struct member {
	const char *slot;
	struct box_running *r;
	struct execwant want;
	struct box_entered entered;
	struct buf lines[STREAMS]; /* what has no newline yet */
	bool begun, over;
	int code;
};

struct crowd {
	const struct cli_options *o;
	struct cli_containers *there;
	struct cli_term term;
	struct cli_logview views[STREAMS];
	struct member *members;
	size_t n, begun, running;
	int signals;
	int told_to_end; /* the signal; no further ones are begun */
	unsigned ends;
};

/* ---- output ---------------------------------------------------------------------------------- */

static void print(struct crowd *c, const struct member *m, size_t stream, const char *text,
		  size_t len)
{
	const struct logs_line line = { .fd = stream == OUT ? LOGS_STDOUT : LOGS_STDERR,
					.text = text,
					.len = len };
	FILE *to = stream == OUT ? stdout : stderr;
	struct buf b = { 0 };

	cli_logview_add(&c->views[stream], m->slot, &line, &b);
	/* Nobody reads any more: main says so of standard output, at the end. */
	fwrite(b.data, 1, b.len, to);
	buf_fini(&b);
}

/* Whole lines, and with `all` what is left. */
static void print_lines(struct crowd *c, struct member *m, size_t stream, bool all)
{
	struct buf *b = &m->lines[stream];
	size_t at = 0;

	while (at < b->len) {
		const char *from = b->data + at, *end = memchr(from, '\n', b->len - at);
		size_t left = b->len - at;

		if (!end && left < LINE_MAX_LEN && !all)
			break;
		print(c, m, stream, from, end ? (size_t)(end - from) : left);
		at += end ? (size_t)(end - from) + 1 : left;
	}
	memmove(b->data, b->data + at, b->len - at);
	buf_cut(b, b->len - at);
}

/* Up to a block. False: there is nothing now, or never again. */
static bool read_stream(struct crowd *c, struct member *m, size_t stream)
{
	int *fd = stream == OUT ? &m->entered.out : &m->entered.err_out;
	char block[LINE_MAX_LEN];
	ssize_t n = *fd < 0 ? 0 : read(*fd, block, sizeof(block));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		cleanup_fd(fd);
		return false;
	}
	buf_add(&m->lines[stream], block, (size_t)n);
	print_lines(c, m, stream, false);
	return true;
}

/* ---- a member's life ------------------------------------------------------------------------- */

static void tell(const struct crowd *c, const struct member *m, const char *text)
{
	fflush(stdout);
	cli_say((void *)&c->term, SUP_ERROR, m->slot, text);
}

static void member_close(struct member *m)
{
	if (m->begun && !m->over)
		box_entered_close(&m->entered);
	execwant_fini(&m->want);
	box_running_free(m->r);
	m->r = NULL;
	m->want = (struct execwant){ 0 };
	for (size_t i = 0; i < STREAMS; i++)
		buf_fini(&m->lines[i]);
}

static void finish(struct crowd *c, struct member *m, int code)
{
	/* What others have inherited of its pipes is not waited for. */
	for (size_t i = 0; i < STREAMS; i++) {
		while (read_stream(c, m, i))
			;
		print_lines(c, m, i, true);
	}
	box_entered_close(&m->entered);
	m->over = true;
	m->code = code;
	c->running--;
	member_close(m);
}

static int enter(struct crowd *c, struct member *m, struct err *err)
{
	const struct cli_options *o = c->o;

	m->r = cli_containers_slot(c->there, m->slot, err);
	if (!m->r)
		return -1;
	/* It would stand still with the others, and we with it. */
	if (box_running_frozen(m->r))
		return err_set(err, "paused: 'mstack unpause' first");
	m->want.spec.user_term = -1;
	if (execwant_make(&m->want, o, m->r, m->slot, o->args.v, o->args.n, err) < 0)
		return -1;
	return box_enter(m->r, &m->want.spec, &m->entered, err);
}

static void begin(struct crowd *c, struct member *m)
{
	struct err err = { 0 };

	m->begun = true;
	if (enter(c, m, &err) < 0) {
		m->over = true;
		m->code = err_exit_code(&err);
		tell(c, m, err.text);
		member_close(m);
		return;
	}
	c->running++;
	cleanup_fd(&m->entered.in);
	if (c->o->detach)
		finish(c, m, 0);
}

static void hear(struct crowd *c, struct member *m)
{
	struct err err = { 0 };
	int status = 0, rc = box_entered_hear(&m->entered, &status, &err);

	if (!rc)
		return;
	if (rc < 0) {
		tell(c, m, err.text);
		finish(c, m, err_exit_code(&err));
		return;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && box_running_ended(m->r))
		tell(c, m, "the container ended, and the command with it");
	finish(c, m, cli_exit_code(status));
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool runs(const struct member *m)
{
	return m->begun && !m->over;
}

static void pass_signals(struct crowd *c)
{
	struct signalfd_siginfo si;

	while (read(c->signals, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if (sig == SIGWINCH || sig == SIGCONT)
			continue;
		c->ends += sig == SIGTERM || sig == SIGHUP;
		if (sig == SIGTERM || sig == SIGHUP || sig == SIGINT)
			c->told_to_end = sig;
		for (size_t i = 0; i < c->n; i++)
			if (runs(&c->members[i]))
				box_entered_signal(&c->members[i].entered, sig);
	}
}

static void begin_some(struct crowd *c)
{
	while (c->begun < c->n && c->running < PARALLEL && !c->told_to_end)
		begin(c, &c->members[c->begun++]);
}

/* One round: waits for anything, and takes it. */
static int turn(struct crowd *c, struct err *err)
{
	struct pollfd polled[PARALLEL * POLLED + 1] = { { c->signals, POLLIN, 0 } };
	struct member *who[PARALLEL];
	size_t n = 0;

	for (size_t i = 0; i < c->begun && n < PARALLEL; i++) {
		struct member *m = &c->members[i];
		struct pollfd *p = &polled[1 + n * POLLED];

		if (!runs(m))
			continue;
		p[OUT] = (struct pollfd){ m->entered.out, POLLIN, 0 };
		p[ERR] = (struct pollfd){ m->entered.err_out, POLLIN, 0 };
		p[STREAMS] = (struct pollfd){ m->entered.sock, POLLIN, 0 };
		who[n++] = m;
	}
	if (poll(polled, 1 + n * POLLED, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, errno, "exec: poll");
	for (size_t i = 0; i < n; i++) {
		const struct pollfd *p = &polled[1 + i * POLLED];

		for (size_t k = 0; k < STREAMS; k++)
			if (p[k].revents)
				read_stream(c, who[i], k);
		if (p[STREAMS].revents)
			hear(c, who[i]);
	}
	pass_signals(c);
	fflush(stdout);
	if (c->ends > 1)
		return err_set(err, "exec: told twice to end: the commands are ended too");
	return 0;
}

static int run(struct crowd *c, struct err *err)
{
	for (begin_some(c); c->running; begin_some(c))
		if (turn(c, err) < 0)
			return -1;
	for (size_t i = 0; i < c->n; i++) {
		const struct member *m = &c->members[i];
		int code = m->over ? m->code : 128 + c->told_to_end;

		if (code)
			return code;
	}
	return 0;
}

/* ---- who they are ---------------------------------------------------------------------------- */

static bool is_meant(const struct cli_options *o, const char *slot)
{
	for (size_t i = 0; i < o->only.n; i++)
		if (cli_slot_index(slot, o->only.v[i]))
			return true;
	return !o->only.n;
}

static int choose(struct crowd *c, struct err *err)
{
	for (size_t i = 0; i < c->o->only.n; i++)
		if (cli_containers_known(c->there, c->o->only.v[i], err) < 0)
			return -1;
	for (char **slot = c->there->slots; *slot; slot++)
		c->n += is_meant(c->o, *slot);
	if (!c->n)
		return err_set(err, "exec: none of the services is running: see 'mstack ps -a'");
	c->members = xcalloc(c->n, sizeof(*c->members));
	for (char **slot = c->there->slots; *slot; slot++)
		if (is_meant(c->o, *slot))
			c->members[c->begun++].slot = *slot;
	c->begun = 0;
	return 0;
}

static void look(struct crowd *c)
{
	_cleanup_free_ const char **names = xcalloc(c->n, sizeof(*names));

	for (size_t i = 0; i < c->n; i++)
		names[i] = c->members[i].slot;
	for (size_t i = 0; i < STREAMS; i++)
		cli_logview_init(&c->views[i], c->o, &c->term, names, c->n);
	c->views[ERR].harmless = isatty(STDERR_FILENO);
	c->views[ERR].prefix_colour = c->views[ERR].text_colour = c->term.err_colour;
}

int execall(const struct cli_options *o, const struct cli_project *p, struct err *err)
{
	_cleanup_(cli_containers_fini) struct cli_containers there = { 0 };
	struct crowd c = { .o = o, .there = &there, .term = cli_term_get(o) };
	int rc;

	if (cli_containers_open(&there, "exec", p, err) < 0 || choose(&c, err) < 0)
		return -1;
	look(&c);
	c.signals = cli_signals_take();
	rc = c.signals < 0 ? err_sys(err, errno, "exec: signals") : run(&c, err);
	for (size_t i = 0; i < c.n; i++)
		member_close(&c.members[i]);
	free(c.members);
	for (size_t i = 0; i < STREAMS; i++)
		cli_logview_fini(&c.views[i]);
	cleanup_fd(&c.signals);
	return rc;
}
