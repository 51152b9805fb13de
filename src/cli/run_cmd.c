/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: `mstack run`: a one-off container, of a service of the stack or of an image alone. Says what it is to be, finds the supervisor
 * that runs it or starts one, and stays with it. The bytes go between the container and us.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/background.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/runclient.h"
#include "cli/rundoc.h"
#include "cli/unsupervised.h"
#include "mstack/box.h"

/* By which a supervisor is known when its ledger was lost (box_supervisor). */
#define PROCESS_NAME "mstack"
#define RETRY_MS     50
#define PATIENCE_MS  10000
/* The one service of a project that is nothing but this container. */
#define ALONE "run"

struct run {
	const struct cli_options *o;
	struct cli_term term;
	const char *service;
	char *alone;  /* name of the project that is made for it; NULL: it is one of a stack file */
	bool unheard; /* its name was made up by chance */
	struct rundoc doc;
	struct cli_project project;
	struct cli_oneoff oneoff;
	bool goes_on; /* what it depends on was started for it, and stays */
};

/* ---- words ----------------------------------------------------------------------------------- */

static int check(const struct cli_options *o, struct err *err)
{
	bool alone = o->image || o->rootfs;

	if (o->image && o->rootfs)
		return err_kind(err, ERR_USAGE, "run: --image and --rootfs: only one of them");
	if (alone && o->files.n)
		return err_kind(err, ERR_USAGE,
				"run: --%s goes without a stack file, not with '%s'",
				o->image ? "image" : "rootfs", o->files.v[0]);
	if (alone && o->env_files.n)
		return err_kind(
			err, ERR_USAGE,
			"run: --env-file is for the variables of a stack file: --env-from-file is for those of the container");
	if (!alone && !o->args.n)
		return err_kind(
			err, ERR_USAGE,
			"run: SERVICE is missing, or --image IMAGE, or --rootfs DIR (see 'mstack help run')");
	return 0;
}

/* A project needs a name; nobody will ask for this one again. */
static char *random_name(void)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint32_t)time_mono_ns();
	return xasprintf("run-%08x", n);
}

static int choose_name(struct run *r, struct err *err)
{
	const char *given = r->o->name ? r->o->name : r->o->project;

	if (given && !stack_name_valid(given))
		return err_kind(
			err, ERR_USAGE,
			"run: --name: '%s': only a-z, 0-9, - and _ can stand in it, and a letter or digit comes first",
			given);
	r->alone = given ? xstrdup(given) : random_name();
	r->unheard = !given;
	r->service = ALONE;
	return 0;
}

/* ---- the stack ------------------------------------------------------------------------------- */

static int load(struct run *r, struct err *err)
{
	const struct cli_options *o = r->o;
	size_t skip = r->alone ? 0 : 1;
	struct cli_words services = { .v = &r->service, .n = 1 };
	const struct cli_load how = {
		.for_run = true, .services = &services, .text = &r->doc.stack, .alone = r->alone
	};

	if (rundoc_make(&r->doc, o, cli_oneoff_wants_terminal(o), r->service,
			r->alone ? r->alone : o->name, o->args.v + skip, o->args.n - skip, err) < 0)
		return -1;
	return cli_project_load(o, &how, &r->project, err);
}

static void tell_diags(struct run *r)
{
	struct buf b = { 0 };

	if (cli_project_diags(&r->project, &r->term, &b))
		fputs(buf_str(&b), stderr);
	buf_fini(&b);
}

/* ---- a supervisor ---------------------------------------------------------------------------- */

/* One that runs: what takes long is done before it is asked, because it has others to look after. */
static int use_running(struct run *r, struct err *err)
{
	const struct sup_opts opts = {
		.stack = r->project.stack,
		.hooks = { .arg = &r->term, .say = cli_say },
	};

	tell_diags(r);
	if (sup_fetch_image(&opts, r->service, err) < 0)
		return -1;
	r->oneoff.document = sup_document(r->project.stack, err);
	return r->oneoff.document < 0 ? -1 : cli_oneoff_ask(&r->oneoff, err);
}

/* Two processes come out of it; *ret_old is the one that goes on. */
static int start_one(struct run *r, bool *ret_old, struct err *err)
{
	struct sup_client client = { .service = r->service, .unheard = r->unheard };
	const struct cli_background b = { .o = r->o,
					  .project = &r->project,
					  .timeout_ms = -1,
					  .quiet = r->alone || r->o->quiet,
					  .client = &client };
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socket for the supervisor");
	r->oneoff.sock = pair[0];
	client.fd = pair[1];
	if (cli_oneoff_ask(&r->oneoff, err) < 0) {
		close(pair[1]);
		return -1;
	}
	rc = cli_background(&b, ret_old, err);
	if (*ret_old)
		close(pair[1]);
	r->goes_on = r->project.stack->n_services > 1;
	return rc;
}

/*
 * 0 there is one; else what is to be returned with, also by the process that was the supervisor. One that somebody else has just
 * started is alive before it can be asked.
 */
static int find_supervisor(struct run *r, bool *ret_done, struct err *err)
{
	uint64_t end = time_mono_ms() + PATIENCE_MS;
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	bool old = true;
	int rc;

	for (;;) {
		rc = r->alone ? 1 : cli_command(r->project.name, 0, &r->oneoff.sock, err);
		if (rc == 0)
			rc = use_running(r, err);
		else if (rc > 0)
			rc = start_one(r, &old, err);
		if (rc >= 0 || !old || r->alone || err->sys != EBUSY || time_mono_ms() > end)
			break;
		cli_oneoff_take_back(&r->oneoff);
		nanosleep(&pause, NULL);
	}
	*ret_done = rc || !old;
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void tell_goes_on(const struct run *r)
{
	_cleanup_free_ char *text = NULL;

	if (!r->goes_on || r->o->quiet)
		return;
	text = xasprintf("what '%s' depends on goes on: end it with 'mstack down -p %s'",
			 r->service, r->project.name);
	cli_say((void *)&r->term, SUP_NOTE, NULL, text);
}

static int run(struct run *r, struct err *err)
{
	bool done = false;
	int rc;

	if (load(r, err) < 0 || cli_images_check_build(r->o, r->project.stack, err) < 0 ||
	    cli_images_get(r->o, r->project.stack, err) < 0)
		return -1;
	rc = find_supervisor(r, &done, err);
	/* Whatever it was: there is no container. */
	if (rc < 0 && err->kind == ERR_RUN)
		err->kind = ERR_CREATE;
	if (done)
		return rc;
	rc = cli_oneoff(&r->oneoff, err);
	tell_goes_on(r);
	return rc;
}

int cli_run(const struct cli_options *o, struct err *err)
{
	struct run r = { .o = o, .term = cli_term_get(o) };
	int rc = -1;

	if (check(o, err) < 0)
		return -1;
	if (box_seal_self(PROCESS_NAME, err) < 0)
		return err_wrap(err, "run");
	r.service = o->args.n ? o->args.v[0] : NULL;
	cli_oneoff_init(&r.oneoff, o);
	if ((!o->image && !o->rootfs) || choose_name(&r, err) == 0) {
		r.oneoff.service = r.service;
		r.oneoff.alone = r.alone;
		rc = run(&r, err);
	}
	cli_oneoff_fini(&r.oneoff);
	cli_project_fini(&r.project);
	rundoc_fini(&r.doc);
	free(r.alone);
	return rc;
}
