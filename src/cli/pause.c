/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pause: `mstack pause` and `unpause`. The supervisor freezes and thaws; whether all processes stand still is seen here.
 */
#include <poll.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/unsupervised.h"
#include "cli/command.h"
#include "cli/container.h"
#include "mstack/ctl.h"

#define PATIENCE_MS 10000
#define LOOK_MS	    5

struct pausing {
	struct cli_containers *containers;
	struct cli_term term;
	bool on;
	bool failed;
	json_t *rows;
};

static void fail(struct pausing *p, const char *slot, const char *why)
{
	_cleanup_free_ char *text = xasprintf("%s: %s %s", p->containers->command, slot, why);

	cli_say(&p->term, SUP_ERROR, NULL, text);
	p->failed = true;
}

static int take_slot(void *arg, const struct ctl_msg *m)
{
	struct pausing *p = arg;

	if (json_object_get(m->body, "slot"))
		json_array_append(p->rows, m->body);
	return 0;
}

/* A process that hangs in the kernel (a dead NFS server) stands still, but the kernel does not count it as frozen. */
static void wait_for(struct pausing *p, const char *slot)
{
	struct box_running *r =
		cli_containers_slot(p->containers, slot, &(struct err){ 0 });
	uint64_t end = time_mono_ms() + PATIENCE_MS;
	struct pollfd ended = { .fd = r ? r->pidfd : -1, .events = POLLIN };
	int wanted = p->on ? 1 : 0;
	bool done;

	if (!r)
		return; /* it ended meanwhile, and there is nobody left to stand still */
	while (!(done = box_running_frozen(r) == wanted) && time_mono_ms() < end &&
	       !poll(&ended, 1, LOOK_MS))
		;
	if (!done && !box_running_ended(r))
		fail(p, slot,
		     p->on ? "does not stand still: one of its processes hangs in the kernel"
			   : "does not go on: see what 'mstack up' says");
	else
		cli_say(&p->term, SUP_PROGRESS, slot, p->on ? "paused" : "unpaused");
	box_running_free(r);
}

static bool has_slot_of(const json_t *rows, const char *service)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (cli_slot_index(cli_string(row, "slot"), service))
			return true;
	return false;
}

static void look(struct pausing *p, const struct cli_options *o)
{
	const json_t *row;
	size_t i;

	json_array_foreach(p->rows, i, row) {
		if (json_is_true(json_object_get(row, "changed")))
			wait_for(p, cli_string(row, "slot"));
		else if (o->args.n) /* of all, what is so already needs no word */
			fail(p, cli_string(row, "slot"),
			     p->on ? "is paused already" : "is not paused");
	}
	for (i = 0; i < o->args.n; i++)
		if (!has_slot_of(p->rows, o->args.v[i]))
			fail(p, o->args.v[i], "is not running: see 'mstack ps -a'");
}

static json_t *body_of(const struct cli_options *o)
{
	json_t *services = json_array();

	for (size_t i = 0; i < o->args.n; i++)
		json_array_append_new(services, json_string(o->args.v[i]));
	return o->args.n ? json_pack("{s:o}", "services", services) : (json_decref(services), NULL);
}

static int ask(struct pausing *p, const struct cli_options *o, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	json_t *body;
	int rc = cli_command(p->containers->project->name, CLI_ANSWER_MS, &fd, err);

	if (rc)
		return rc < 0 ? -1
			      : err_set(err, "%s: stack '%s' is on its way up or down: try again",
					p->containers->command, p->containers->project->name);
	body = body_of(o);
	rc = ctl_call(fd, p->on ? CTL_PAUSE : CTL_UNPAUSE, body, take_slot, p, err);
	json_decref(body);
	return rc < 0 ? err_wrap(err, "%s", p->containers->command) : 0;
}

static int run(const struct cli_options *o, bool on, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	_cleanup_(cli_containers_fini) struct cli_containers c = { 0 };
	struct pausing p = { .containers = &c, .term = cli_term_get(o), .on = on };
	int rc;

	if (cli_project_find(o, &project, err) < 0 ||
	    cli_containers_open(&c, on ? "pause" : "unpause", &project, err) < 0 ||
	    cli_containers_check(&c, o, err) < 0)
		return -1;
	p.rows = json_array();
	rc = ask(&p, o, err);
	if (!rc)
		look(&p, o);
	json_decref(p.rows);
	return rc < 0 ? -1 : p.failed;
}

int cli_pause(const struct cli_options *o, struct err *err)
{
	return run(o, true, err);
}

int cli_unpause(const struct cli_options *o, struct err *err)
{
	return run(o, false, err);
}
