/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * down: `mstack down`. With a supervisor it is asked to end; without one its ledger is replayed. Either way nothing of the stack
 * is left afterwards but volumes, images and logs.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/project.h"
#include "cli/rmi.h"
#include "cli/unsupervised.h"
#include "mstack/ctl.h"

#define RETRY_MS 50
#define PATIENCE_MS \
	10000 /* with a supervisor that is alive but does not listen: it is coming or going */

/*
 * Asks it to go, and waits until it is gone: the next command must not find it still there. 0, 1 no supervisor (any more), -1.
 */
static int on_answer(void *arg, const struct ctl_msg *m)
{
	static const struct timeval for_ever = { 0 };
	const int *fd = arg;

	(void)m;
	/* It heard us. The stop itself takes as long as the services' grace periods. */
	setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	return 0;
}

/* Nobody is asked: a process that does not answer may be stopped (Ctrl-Z), and then it is that which has to be said. */
static int no_answer(int fd, const char *project, struct err *err)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int pid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ? 0 : (int)peer.pid;

	return err_kind(
		err, ERR_TIMEOUT,
		"supervisor of '%s' (process %d) does not answer: it is stopped (`kill -CONT "
		"%d`) or hung (`kill -9 %d`: its guard then removes the stack)",
		project, pid, pid, pid);
}

static int ask(const struct cli_options *o, const char *project, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int r = cli_knock(project, CLI_ANSWER_MS, &fd, err);
	struct pollfd gone = { .events = POLLRDHUP };
	json_t *body;

	if (r)
		return r;
	body = o->timeout_s < 0 ? json_object()
				: json_pack("{s:I}", "timeout", (json_int_t)o->timeout_s);
	r = ctl_call(fd, CTL_DOWN, body, on_answer, &fd, err);
	json_decref(body);
	if (r < 0 && err->kind == ERR_TIMEOUT)
		return no_answer(fd, project, err);
	if (r < 0)
		return err->sys == ECONNRESET ? 1 : -1;
	gone.fd = fd;
	poll(&gone, 1, PATIENCE_MS);
	return 0;
}

/* 0 all is gone, 1 something is left, -1. */
static int take_down(const struct cli_options *o, const char *project,
		     const struct sup_hooks *hooks, struct err *err)
{
	uint64_t end = time_mono_ms() + PATIENCE_MS;
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	bool told = false;

	for (;;) {
		int r = ask(o, project, err);

		if (r <= 0)
			return r;
		/* Alive, but not listening yet: it may unpack an image for minutes. Told twice it would kill. */
		told = told || sup_interrupt(project) == 0;
		r = sup_cleanup(project, hooks, err);
		if (r >= 0 || err->sys != EBUSY || time_mono_ms() > end)
			return r;
		nanosleep(&pause, NULL);
	}
}

int cli_down(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(cli_rmi_fini) struct cli_rmi images = { 0 };
	_cleanup_free_ char *done = NULL;
	struct cli_term t = cli_term_get(o);
	const struct sup_hooks hooks = { .arg = &t, .say = cli_say };
	int r;

	if (cli_project_find(o, &p, err) < 0)
		return -1;
	if (o->rmi && !strcmp(o->rmi, "all"))
		cli_rmi_find(&p, &t, &images);
	/* Only a supervisor ends it as it should: in order, with hooks and grace periods. Without one it is removed all the same. */
	if (cli_kept_adopt(p.name, err) < 0) {
		/* Who keeps it does not answer: nor would it let go. */
		if (err->kind == ERR_TIMEOUT && sup_owner(p.name) <= 0)
			return -1;
		/* It lives, and its socket was removed: a signal reaches it. */
		if (err->sys != ENOENT)
			cli_say(&t, SUP_WARNING, NULL, err->text);
	}
	r = take_down(o, p.name, &hooks, err);
	if (r < 0)
		return -1;
	if (r)
		return cli_told(err, ERR_LEFTOVER);
	if (o->volumes && sup_remove_volumes(p.name, &hooks, err) < 0)
		return -1;
	if (cli_rmi_remove(&images, &t, err) < 0)
		return -1;
	done = xasprintf("stack '%s' is down", p.name);
	cli_say(&t, SUP_PROGRESS, NULL, done);
	return 0;
}
