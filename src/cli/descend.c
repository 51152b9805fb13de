/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * descend: see descend.h. Called by main. A stack that went on without its supervisor (`x-on-supervisor-death: keep`) has a level of its own, which nobody
 * reaches from one beside it: so a command that goes on with it goes there.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/descend.h"
#include "cli/project.h"
#include "cli/reread.h"
#include "cli/unsupervised.h"
#include "mstack/rootless.h"
#include "mstack/sup.h"
#include "mstack/sup_keep.h"

#define MOMENT_MS 2000

/* Called with each stack of this user that has no supervisor. */
static void each_alone(void (*found)(void *arg, const char *project), void *arg)
{
	char **all = sup_projects();

	for (char **p = all; *p; p++) {
		if (sup_owner(*p) <= 0)
			found(arg, *p);
		free(*p);
	}
	free(all);
}

static void note_any(void *arg, const char *project)
{
	(void)project;
	*(bool *)arg = true;
}

static bool any_alone(void)
{
	bool any = false;

	each_alone(note_any, &any);
	return any;
}

/* Who keeps it is asked: the door of one that is dying is open still, but it does not answer any more. */
static void end_unkept(void *arg, const char *project)
{
	struct err err = { 0 };
	struct carry *kept = sup_kept(project, &err);

	(void)arg;
	if (!kept && (err.sys == ENOENT || err.sys == ECONNRESET))
		sup_end_left(project, &err);
	carry_free(kept);
}

void cli_end_dead(void)
{
	each_alone(end_unkept, NULL);
}

/*
 * Who keeps it is where its containers are. Of one that nobody keeps only processes are left: for those that come next they would be in the
 * way, and out of reach.
 */
static int go_to(const char *project, struct err *err)
{
	const uint64_t until = time_mono_ms() + MOMENT_MS;
	pid_t keeper;

	while ((keeper = sup_keeper(project)) > 0) {
		if (rootless_follow(keeper, err) == 0)
			return 0;
		/* It may just have let go, or be dying, where nobody is let in any more. */
		if (err->sys != ESRCH && (err->sys != EPERM || time_mono_ms() > until))
			return -1;
		if (time_mono_ms() > until)
			break;
		usleep(10000);
	}
	if (keeper <= 0 && sup_owner(project) <= 0 && sup_end_left(project, err) < 0)
		return -1;
	return rootless_enter(err);
}

int cli_descend(const struct cli_options *o, const struct cli_command *c, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	const char *adopts = getenv(CLI_ADOPT_VARIABLE);

	if (adopts)
		return go_to(adopts, err);
	/* A one-off of an image is nobody's but this command's. */
	if (!(c->flags & COMMAND_ADOPTS) || (c->run == cli_run && (o->image || o->rootfs)) ||
	    !any_alone())
		return rootless_enter(err);
	/* What comes by standard input is read once more by the command itself. */
	if (cli_reread_keep(o, err) < 0 || cli_project_find(o, &p, err) < 0 ||
	    cli_reread_again(o, err) < 0)
		return -1;
	return go_to(p.name, err);
}
