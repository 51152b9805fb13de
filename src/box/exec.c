/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: a further command in a running container, for health probes and hooks. Called by sup through box.h.
 * The child is cloned into the slot's cgroup, joins the namespaces of PID 1 by its pidfd, and walks
 * the same steps as a start from there on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/runtime.h"

struct box_exec {
	struct guest guest;
	uint64_t token;
	struct arena *arena;
	int pipe;
	struct ev_io io;
	bool cancelled;
	size_t len;
	char output[BOX_OUTPUT_MAX];
};

/* ---- output ---------------------------------------------------------------------------------- */

/* Keeps the beginning, throws the rest away. */
static void read_output(struct box_slot *s)
{
	struct box_exec *x = s->exec;
	char rest[BOX_OUTPUT_MAX];
	ssize_t n;

	for (;;) {
		bool full = x->len == sizeof(x->output);

		n = read(x->pipe, full ? rest : x->output + x->len,
			 full ? sizeof(rest) : sizeof(x->output) - x->len);
		if (n > 0 && !full)
			x->len += (size_t)n;
		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0)
			ev_io_stop(s->rt->loop, &x->io);
		return;
	}
}

static void on_output(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	read_output(w->data);
}

/* ---- the end --------------------------------------------------------------------------------- */

void exec_free(struct box_slot *s)
{
	struct box_exec *x = s->exec;

	if (!x)
		return;
	ev_io_stop(s->rt->loop, &x->io);
	guest_fini(&x->guest);
	cleanup_fd(&x->pipe);
	arena_free(x->arena);
	free(x);
	s->exec = NULL;
}

/* As a shell would say it: 127 not found, 126 not executable, 125 could not be set up. */
static int exec_status(const struct guest *g)
{
	if (g->failed)
		return W_EXITCODE(err_exit_code(&g->err), 0);
	if (g->two.pid)
		return g->two.status;
	return g->one.status ? g->one.status : SIGKILL;
}

static void done(struct box_slot *s)
{
	struct box_exec *x = s->exec;
	struct box_event ev = { .kind = BOX_EXEC_DONE, .status = exec_status(&x->guest) };

	read_output(s);
	ev.pid = x->guest.two.pid;
	ev.err = x->guest.err;
	ev.output = x->len || !x->guest.failed ? x->output : ev.err.text;
	ev.output_len = x->len || !x->guest.failed ? x->len : strlen(ev.err.text);
	ev.token = x->token;
	if (guest_is_untold(&x->guest))
		runtime_expect_stray(s);
	runtime_emit(s, &ev);
	exec_free(s);
	start_advance(s);
}

/* Its children too: it leads a session, and its pid is not free before we have reaped it. */
static void kill_all(struct box_exec *x)
{
	if (x->guest.two.pid && !x->guest.two.gone)
		kill(-x->guest.two.pid, SIGKILL);
	guest_kill(&x->guest);
}

static void changed(struct guest *g)
{
	/* Stage one may have ended of it when stage two was there already, and we did not know. */
	if (g->slot->exec->cancelled)
		kill_all(g->slot->exec);
	if (g->eof)
		ev_timer_stop(g->slot->rt->loop, &g->deadline);
	/* The last: stage two without a pid that we know ends when it cannot report. */
	if (guest_settled(g) || (g->one.gone && !g->two.pid))
		done(g->slot);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static int begin(struct box_slot *s, const struct box_exec_spec *spec, struct err *err)
{
	struct box_exec *x = s->exec;
	struct launch_command command;
	struct launch launch =
		*s->launch; /* the child has a copy of our memory, so it may lie here */
	struct child c = runtime_child(s);
	_cleanup_fd_ int to = -1;
	int pair[2];

	launch_differ(&launch, &(struct launch_other){ spec->envp, spec->cwd, spec->user,
						       spec->privileged });
	if (launch_command(&launch, x->arena, spec->argv, &command, err) < 0)
		return -1;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	x->pipe = pair[0];
	to = pair[1];
	if (fd_nonblock(x->pipe, true) < 0)
		return err_sys(err, errno, "pipe");
	ev_io_init(&x->io, on_output, x->pipe, EV_READ);
	x->io.data = s;
	ev_io_start(s->rt->loop, &x->io);
	c.launch = &launch;
	c.command = &command;
	c.join = s->guest.two.fd;
	c.out = c.err_out = to;
	return guest_begin(&x->guest, s, changed, 0, &c, s->rt->tables->exec_one, false, err);
}

int box_exec(struct box_slot *s, const struct box_exec_spec *spec, struct err *err)
{
	if (s->state != SLOT_RUNNING)
		return err_set(err, "slot '%s' runs no container", s->name);
	if (s->exec)
		return err_set(err, "slot '%s' executes a command already", s->name);
	s->exec = xcalloc(1, sizeof(*s->exec));
	s->exec->token = spec->token;
	s->exec->pipe = -1;
	s->exec->arena = arena_new();
	if (begin(s, spec, err) < 0) {
		exec_free(s);
		return -1;
	}
	return 0;
}

void box_exec_cancel(struct box_slot *s)
{
	struct box_exec *x = s->exec;

	if (!x)
		return;
	x->cancelled = true;
	kill_all(x);
}

struct guest *exec_guest(struct box_slot *s)
{
	return s->exec ? &s->exec->guest : NULL;
}
