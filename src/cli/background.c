/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * background: see background.h. Called by up and run. All that it decides is how things are told.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/background.h"
#include "cli/detach.h"
#include "mstack/sup_keep.h"

/* The supervisor's own log lies in memory (/run); beyond this it is begun anew. */
#define OWN_LOG_MAX (1 << 20)

struct face {
	const struct cli_background *b;
	struct cli_term term;
	int tell_fd;	/* until `up` is done: where the command waits */
	size_t own_log; /* bytes in it */
	bool began;	/* something of the stack has run */
	struct sup_carried adopted;
};

/* Standard error is the command's at first and a file later. */
static void print(struct face *f, struct buf *b)
{
	if (f->tell_fd < 0 && (f->own_log += b->len) > OWN_LOG_MAX) {
		f->own_log = b->len;
		if (ftruncate(STDERR_FILENO, 0) < 0)
			f->own_log = 0;
	}
	fputs(buf_str(b), stderr);
	buf_fini(b);
}

static void tell_diags(struct face *f)
{
	struct buf b = { 0 };

	if (cli_project_diags(f->b->project, &f->term, &b))
		print(f, &b);
}

/* The terminal, or whatever it was, belongs to somebody else from now on. */
static void begin_own_log(struct face *f)
{
	_cleanup_free_ char *path =
		xasprintf("%s/%s/supervisor.log", path_run_dir(), f->b->project->name);

	cli_detach_stderr(path);
	f->term = (struct cli_term){ .progress = PROGRESS_PLAIN };
}

static void on_say(void *arg, enum sup_say kind, const char *slot, const char *text)
{
	struct face *f = arg;
	struct buf b = { 0 };

	if (f->tell_fd >= 0 && cli_detach_alone(f->tell_fd)) {
		begin_own_log(f);
		cleanup_fd(&f->tell_fd);
	}
	/* Only a plan has slots: now the file has been looked at from all sides. */
	if (slot)
		tell_diags(f);
	f->began |= slot && kind == SUP_PROGRESS;
	if (kind == SUP_PROGRESS && f->b->quiet && f->tell_fd >= 0)
		return;
	cli_say_add(&f->term, kind, slot, text, &b);
	if (b.len)
		print(f, &b);
}

static bool is_awaited(void *arg)
{
	const struct face *f = arg;

	return f->tell_fd >= 0 && !cli_detach_alone(f->tell_fd);
}

static void on_up(void *arg, const struct err *err)
{
	struct face *f = arg;

	/* Who tries again tells it then. */
	if (err && err->sys == EBUSY)
		return;
	tell_diags(f);
	if (err || f->tell_fd < 0)
		return;
	begin_own_log(f);
	cli_detach_tell(&f->tell_fd, 0, NULL);
}

static int run_supervisor(struct face *f, int *ret_code, struct err *err)
{
	const struct cli_options *o = f->b->o;
	bool adopts = f->b->adopts;
	const struct sup_opts opts = {
		.stack = adopts ? f->adopted.stack : f->b->project->stack,
		.diags = adopts ? f->adopted.diags : f->b->project->diags,
		.hooks = { .arg = f, .say = on_say, .up = on_up, .awaited = is_awaited },
		.timeout_ms = o->timeout_s < 0 ? -1 : o->timeout_s * 1000,
		.wait_healthy = f->b->wait_healthy,
		.renew_volumes = f->b->o->renew_volumes,
		.isolated = f->b->o->isolated,
		.no_start = o->no_start,
		.turns_round = f->b->turns_round,
		.client = f->b->client,
		.carried = adopts ? &f->adopted : f->b->carried,
	};
	int r = sup_run(&opts, ret_code, err);

	tell_diags(f);
	if (r < 0 && stack_diags_errors(f->b->project->diags))
		return cli_told(err, err->kind);
	return r;
}

/* It is detached already, and its standard error is its own log. */
static int go_on(struct face *f, bool *ret_old, struct err *err)
{
	struct stat st;
	int code = 0, r;

	*ret_old = false;
	f->term = (struct cli_term){ .progress = PROGRESS_PLAIN };
	if (fstat(STDERR_FILENO, &st) == 0)
		f->own_log = (size_t)st.st_size;
	r = run_supervisor(f, &code, err);
	if (r < 0 && err->text[0])
		cli_say(&f->term, SUP_ERROR, NULL, err->text);
	return r < 0 ? cli_told(err, err->kind) : code;
}

/* Somebody else who is quicker is as good as we are: the command finds his supervisor. */
static int adopt(struct face *f, int *ret_code, struct err *err)
{
	const struct sup_hooks hooks = { .arg = f, .say = on_say };
	int r = sup_adopt(f->b->project->name, &hooks, &f->adopted, err);

	if (r <= 0)
		return r < 0 && err->sys != EBUSY ? -1 : 0;
	r = run_supervisor(f, ret_code, err);
	f->adopted.ledger = NULL; /* the supervisor's, who has closed it */
	sup_carried_close(&f->adopted);
	return r;
}

/* What had started well is gone, too, and who asked is still there to hear it: behind the error, which is told here for that. */
static void tell_taken_down(struct face *f, struct err *err)
{
	_cleanup_free_ char *text =
		xasprintf("stack '%s' was taken down again: see 'mstack logs' and 'mstack why'",
			  f->b->project->name);

	cli_say(&f->term, SUP_ERROR, NULL, err->text);
	cli_say(&f->term, SUP_NOTE, NULL, text);
	err->text[0] = '\0';
}

int cli_background(const struct cli_background *b, bool *ret_old, struct err *err)
{
	struct face f = { .b = b, .term = cli_term_get(b->o), .tell_fd = -1 };
	int code = 0, r;

	if (b->carried)
		return go_on(&f, ret_old, err);
	*ret_old = true;
	r = cli_detach(b->timeout_ms, b->client ? b->client->fd : -1, &f.tell_fd, &code, err);
	if (r)
		return r < 0 ? -1 : code;
	*ret_old = false;
	r = b->adopts ? adopt(&f, &code, err) : run_supervisor(&f, &code, err);
	if (r >= 0 && !code && !b->adopts && !b->client && f.tell_fd >= 0)
		r = err_set(err, "up: the stack was taken down before all of it was started");
	if (r < 0 && f.tell_fd < 0 && err->text[0])
		cli_say(&f.term, SUP_ERROR, NULL, err->text);
	else if (r < 0 && f.began && !b->adopts && !b->client && err->text[0])
		tell_taken_down(&f, err);
	cli_detach_tell(&f.tell_fd, code, r < 0 ? err : NULL);
	return r < 0 ? cli_told(err, err->kind) : code;
}
