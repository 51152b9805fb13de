/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * adopt: see adopt.h. Called by up when nobody answers. What was kept gets a supervisor, with the stack as it was read then: in the background,
 * and after that `up` is one on a stack that runs, and changes what is to be changed; or in the process of `up` itself.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "cli/adopt.h"
#include "cli/background.h"
#include "cli/client.h"
#include "cli/reup.h"
#include "mstack/ctl.h"
#include "mstack/sup_keep.h"

/* Two commands at once: one of them takes it up, and the other one waits for his door to open. */
#define OTHER_MS 10000

static void wait_for_door(const char *project)
{
	static const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t until = time_mono_ms() + OTHER_MS;

	while (time_mono_ms() < until) {
		_cleanup_free_ char *path = sup_socket_path(project);
		_cleanup_fd_ int fd = ctl_connect(path, 0, &(struct err){ 0 });

		if (fd >= 0 || sup_owner(project) <= 0)
			return;
		nanosleep(&pause, NULL);
	}
}

bool cli_adoptable(const char *project)
{
	struct carry *tree = sup_kept(project, &(struct err){ 0 });
	bool fit = tree && !carry_text(tree, "unfit");

	carry_free(tree);
	return fit;
}

int cli_adopt_here(const struct cli_options *o, const char *project, const struct sup_hooks *hooks,
		   struct sup_carried *ret, struct err *err)
{
	int r;

	if (!sup_keeper(project))
		return 0;
	if (cli_reup_check(o, err) < 0)
		return err_wrap(err, "up");
	r = sup_adopt(project, hooks, ret, err);
	if (r >= 0 || err->sys != EBUSY)
		return r;
	wait_for_door(project);
	return 0;
}

int cli_adopt(const struct cli_options *o, struct cli_project *project, struct err *err)
{
	const struct cli_background b = {
		.o = o, .project = project, .timeout_ms = -1, .adopts = true
	};
	bool old;
	int r;

	if (!sup_keeper(project->name))
		return CLI_ADOPT_GO_ON;
	r = cli_background(&b, &old, err);
	if (!old || r)
		return r;
	wait_for_door(project->name);
	return CLI_ADOPT_GO_ON;
}
