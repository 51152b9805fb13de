/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * minding: the guard's side of keeping.h. It understands nothing of what it keeps: it holds descriptors and passes them on. While the supervisor lives,
 * its door is open already, so that who comes in the moment after its death waits instead of finding nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sup/keeping.h"

/* So often the door is tried again that an older guard still has; and how long a client may take to say what it wants. */
enum { AGAIN_MS = 20, REQUEST_S = 2, SEND_S = 10 };
/* So often it is looked whether the run-time folder is there. */
enum { LOOK_MS = 1000 };

/* An older guard has it until it is told that somebody else has the stack. */
static int open_door(const char *project)
{
	_cleanup_free_ char *path = sup_keeper_path(project);

	return ctl_listen(path, &(struct err){ 0 });
}

static void close_door(const char *project, int *door)
{
	_cleanup_free_ char *path = sup_keeper_path(project);

	if (*door < 0)
		return;
	unlink(path);
	cleanup_fd(door);
}

/* ---- while the supervisor lives -------------------------------------------------------------- */

struct minder {
	const char *project;
	int sock, door;
	struct bundle *bundle;
};

/* False: nothing more comes. Each bundle is answered by its number, or by that below zero when some of it was lost. */
static bool take_one(struct minder *m)
{
	enum bundle_got got = bundle_recv(m->sock, m->bundle);
	int64_t word;

	switch (got) {
	case BUNDLE_PART:
		return true;
	case BUNDLE_EMPTY:
	case BUNDLE_CLOSED:
		return false;
	case BUNDLE_CUT:
		break;
	case BUNDLE_NONE:
		close_door(m->project, &m->door);
		break;
	case BUNDLE_WHOLE:
		if (m->door < 0)
			m->door = open_door(m->project);
		break;
	}
	word = got == BUNDLE_CUT ? -(int64_t)m->bundle->number : m->bundle->number;
	(void)send(m->sock, &word, sizeof(word), MSG_NOSIGNAL | MSG_DONTWAIT);
	return true;
}

/* The end of the socket is no death: a supervisor that goes on as another program (SIGUSR2) has closed it, too. */
static void wait_for_death(struct minder *m, int supervisor)
{
	struct pollfd fds[] = { { .fd = supervisor, .events = POLLIN },
				{ .fd = m->sock, .events = POLLIN } };

	while (!fds[0].revents) {
		bool waits = m->bundle->whole && m->door < 0;

		if (poll(fds, ARRAY_LEN(fds), waits ? AGAIN_MS : -1) < 0)
			fds[0].revents = fds[1].revents = 0;
		if (m->bundle->whole && m->door < 0)
			m->door = open_door(m->project);
		if (fds[1].revents && !take_one(m) && fds[1].revents & POLLHUP)
			fds[1].fd = -1;
	}
	/* What it sent before its end counts. */
	while (take_one(m))
		;
}

/* Half of an `up` that was about to take it up died; who kept it before goes on to. */
static bool is_kept_by_another(const char *project)
{
	_cleanup_free_ char *path = sup_keeper_path(project);
	_cleanup_fd_ int fd = ctl_connect(path, 0, &(struct err){ 0 });

	return fd >= 0;
}

bool sup_mind(const char *project, int supervisor, int sock, struct bundle *ret, int *ret_door)
{
	struct minder m = { .project = project, .sock = sock, .door = -1, .bundle = ret };

	fd_nonblock(sock, true);
	wait_for_death(&m, supervisor);
	if (!ret->whole && is_kept_by_another(project))
		_exit(0);
	*ret_door = m.door;
	close(sock);
	return ret->whole;
}

/* ---- afterwards ------------------------------------------------------------------------------ */

static void limit(int fd, int option, int seconds)
{
	const struct timeval t = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, option, &t, sizeof(t));
}

static void show(int fd, const struct ctl_msg *request, const struct bundle *p)
{
	const struct ctl_msg m = {
		.type = CTL_OK, .id = request->id, .flags = CTL_LAST, .fds = { p->tree }, .n_fds = 1
	};

	ctl_send(fd, &m, &(struct err){ 0 });
}

/* All that is held ends before it is told: who hears it finds ports, rules and networks free. */
static _Noreturn void forget(const char *project, int fd, const struct ctl_msg *request,
			     struct bundle *p, int door)
{
	close_door(project, &door);
	bundle_fini(p);
	ctl_answer(fd, request, CTL_OK, NULL, true);
	_exit(0);
}

/* Who has given up waiting while we were stopped may have told its user that nothing was done. */
static bool is_there(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 0;
}

/* Takes one request of it. True: it takes the stack up, and is heard of again. */
static bool serve(const char *project, int fd, struct bundle *p, int door)
{
	struct ctl_msg m = { 0 };
	struct err err = { 0 };
	bool adopts = false;

	if (ctl_recv(fd, &m, &err) == 0) {
		if (m.type == CTL_KEPT)
			show(fd, &m, p);
		else if (m.type == CTL_ADOPTED || (m.type == CTL_FORGET && is_there(fd)))
			forget(project, fd, &m, p, door);
		else if (m.type == CTL_ADOPT)
			adopts = bundle_send(fd, 0, p->tree, p->fds.v, p->fds.n, &err) == 0;
		else
			ctl_answer(
				fd, &m, CTL_ERROR,
				json_pack("{s:s, s:i}", "error",
					  "nobody supervises this stack: `mstack up` takes it up",
					  "code", 1),
				true);
	}
	ctl_msg_fini(&m);
	return adopts;
}

/*
 * Who removes the run-time folder, as systemd does with a user's last session, does not end the stack: whoever comes next finds it again. The ledger
 * first, which who comes through the door asks for. What cannot be made now is tried again.
 */
static void stay_in_reach(const char *project, struct ledger *ledger, int *door)
{
	_cleanup_free_ char *dir = sup_project_dir(project), *path = sup_keeper_path(project);

	if (path_mkdirs(AT_FDCWD, dir, 0700) < 0)
		return;
	(void)ledger_put_back(ledger, &(struct err){ 0 });
	if (*door >= 0 && access(path, F_OK) == 0)
		return;
	cleanup_fd(door);
	*door = open_door(project);
	if (*door >= 0)
		return;
	/* What we have is newer: we are the guard of one that had taken it up. Whoever comes now must not find the door gone: we are quick. */
	sup_kept_release(project, CTL_ADOPTED, &(struct err){ 0 });
	*door = open_door(project);
}

_Noreturn void sup_keep(const char *project, struct ledger *ledger, struct bundle *p, int door)
{
	struct pollfd fds[] = { { .events = POLLIN }, { .fd = -1, .events = POLLIN } };

	/* Until we end. */
	(void)sup_relock_project(project);
	for (;;) {
		int fd;

		stay_in_reach(project, ledger, &door);
		fds[0].fd = door;
		if (poll(fds, ARRAY_LEN(fds), door < 0 ? AGAIN_MS : LOOK_MS) < 0)
			continue;
		/* Who adopts says that it has, or is gone again. */
		if (fds[1].fd >= 0 && fds[1].revents) {
			serve(project, fds[1].fd, p, door);
			cleanup_fd(&fds[1].fd);
		}
		fd = fds[0].revents ? ctl_accept(door, &(struct err){ 0 }) : -1;
		if (fd < 0)
			continue;
		fd_nonblock(fd, false);
		limit(fd, SO_RCVTIMEO, REQUEST_S);
		limit(fd, SO_SNDTIMEO, SEND_S);
		if (serve(project, fd, p, door) && fds[1].fd < 0)
			fds[1].fd = fd;
		else
			close(fd);
	}
}
