/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * enter: a client's side of a further command in a running container. Called by cli through box.h.
 * Everything that allocates is done here; the escort and the child only read it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/escort.h"
#include "box/running.h"
#include "box/sys.h"

#define DEADLINE_MS 30000
#define MAP_MAX	    65536
#define PIPE_SIZE   (1 << 20)

/* ---- ids ------------------------------------------------------------------------------------- */

uint32_t enter_map_id(const char *map, uint32_t id)
{
	unsigned inside, outside, count;
	int used;

	while (sscanf(map, " %u %u %u%n", &inside, &outside, &count, &used) == 3) {
		if (id >= inside && id - inside < count)
			return outside + (id - inside);
		map += used;
	}
	return UINT32_MAX;
}

/* *ret: what its ids are for us; *ret_user: that of `uid`. */
static int find_ids(pid_t pid, uid_t uid, struct ids_map *ret, uint32_t *ret_user, struct err *err)
{
	_cleanup_(buf_fini) struct buf map = { 0 };
	char path[48];
	int other = running_elsewhere(pid, "user");

	*ret = (struct ids_map){ .count = UINT32_MAX };
	*ret_user = uid;
	if (other <= 0)
		return other < 0 ? err_sys(err, errno, "look at user namespaces") : 0;
	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
	if (file_read(AT_FDCWD, path, MAP_MAX, &map) < 0)
		return err_sys(err, errno, "read its map of ids");
	ret->own = true;
	ret->first = enter_map_id(buf_str(&map), 0);
	ret->count = level_count_ids(buf_str(&map));
	*ret_user = enter_map_id(buf_str(&map), uid);
	if (ret->count && *ret_user == UINT32_MAX)
		return err_kind(err, ERR_CREATE, "user %u: the container has the ids 0 to %u only",
				uid, ret->count - 1);
	if (ret->first == UINT32_MAX)
		return err_kind(err, ERR_CREATE, "its user namespace has no root of its own");
	return 0;
}

/* ---- what the command gets ------------------------------------------------------------------- */

/*
 * Here and not in the child, since who has joined a user namespace may lower limits only. What the
 * stack file does not speak of and we may not raise stays as low as ours.
 */
static const struct box_rlimit *raise_limits(struct arena *a, const struct launch *l)
{
	struct box_rlimit *list = arena_array(a, struct box_rlimit, l->n_rlimits);

	for (size_t i = 0; i < l->n_rlimits; i++) {
		struct box_rlimit *r = &list[i];
		struct rlimit own;

		*r = l->rlimits[i];
		if (getrlimit((__rlimit_resource_t)r->resource, &own) < 0 ||
		    own.rlim_max >= r->hard)
			continue;
		own.rlim_max = r->hard;
		if (!setrlimit((__rlimit_resource_t)r->resource, &own) || r->line)
			continue;
		getrlimit((__rlimit_resource_t)r->resource, &own);
		r->hard = own.rlim_max;
		if (r->soft > r->hard)
			r->soft = r->hard;
	}
	return list;
}

/* The container's own, and what the caller wants otherwise. */
static struct launch launch_of(const struct running *r, const struct box_enter_spec *spec)
{
	struct launch l = r->memo->launch;

	l.rlimits = raise_limits(r->memo->arena, &l);
	l.last_cap = launch_last_cap();
	launch_differ(
		&l, &(struct launch_other){ spec->envp, spec->cwd, spec->user, spec->privileged });
	return l;
}

/*
 * Its two ends as *ours and *theirs. The user that the command runs as may open what it has as
 * /dev/stdout.
 */
static int make_pipe(bool we_write, uint32_t owner, int *ours, int *theirs, struct err *err)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	/* Fewer turns for whoever moves much; what the system allows will do. */
	fcntl(pair[0], F_SETPIPE_SZ, PIPE_SIZE);
	*ours = pair[we_write];
	*theirs = pair[!we_write];
	if (fchown(*theirs, owner, (gid_t)-1) < 0 || fd_nonblock(*ours, true) < 0)
		return err_sys(err, errno, "pipe");
	return 0;
}

static int make_pipes(struct box_entered *e, struct child *c, uint32_t owner, struct err *err)
{
	if (make_pipe(true, owner, &e->in, &c->in, err) < 0 ||
	    make_pipe(false, owner, &e->out, &c->out, err) < 0)
		return -1;
	return make_pipe(false, owner, &e->err_out, &c->err_out, err);
}

/* ---- the beginning --------------------------------------------------------------------------- */

static int fill(struct escort *s, const struct running *r, const struct box_enter_spec *spec,
		struct box_entered *e, struct err *err)
{
	struct child *c = &s->child;
	uint32_t owner;

	if (find_ids(r->memo->pid, c->launch->uid, &c->ids, &owner, err) < 0)
		return -1;
	c->level = level_get();
	if (*r->memo->cgroup)
		s->cgroup = open(r->memo->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*r->memo->cgroup && s->cgroup < 0)
		return err_sys(err, errno, "open cgroup '%s'", r->memo->cgroup);
	c->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->proc < 0)
		return err_sys(err, errno, "open /proc");
	c->want_term = spec->tty && !spec->detach;
	c->size = (struct winsize){ .ws_row = spec->rows, .ws_col = spec->cols };
	s->stays = spec->detach;
	/* Not by its own number, which may be one of the three that the escort has of its own. */
	if (spec->user_term >= 0 && !tcgetattr(spec->user_term, &s->saved))
		s->user_term = fcntl(spec->user_term, F_DUPFD_CLOEXEC, 3);
	if (spec->detach || spec->tty)
		return 0;
	return make_pipes(e, c, owner, err);
}

/* The terminal comes as one descriptor; two of it can be closed one by one. */
static int take_term(struct box_entered *e, int *fd, struct err *err)
{
	e->out = take_fd(fd);
	e->in = fcntl(e->out, F_DUPFD_CLOEXEC, 3);
	if (e->in < 0 || fd_nonblock(e->out, true) < 0)
		return err_sys(err, errno, "terminal of the command");
	return 0;
}

static int wait_begun(struct box_entered *e, struct err *err)
{
	uint64_t end = time_mono_ms() + DEADLINE_MS;
	struct pollfd p = { .fd = e->sock, .events = POLLIN };

	for (;;) {
		uint64_t now = time_mono_ms();
		struct child_msg m;
		int fd = -1;
		ssize_t n;

		if (now >= end || !poll(&p, 1, (int)(end - now)))
			return err_kind(err, ERR_CREATE, "not ready after %d s",
					DEADLINE_MS / 1000);
		n = sys_recv(e->sock, &m, sizeof(m), &fd, 1);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n != (ssize_t)sizeof(m) || m.type == CHILD_END)
			return err_kind(err, ERR_CREATE, "killed while being set up");
		if (m.type == CHILD_TERM && fd >= 0 && take_term(e, &fd, err) < 0)
			return -1;
		cleanup_fd(&fd);
		if (m.type == CHILD_READY)
			return 0;
		if (m.type != CHILD_FAIL)
			continue;
		if (err)
			*err = m.err;
		return -1;
	}
}

static int begin(struct escort *s, struct box_entered *e, struct err *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_sys(err, errno, "socket pair");
	e->sock = pair[0];
	s->client = pair[1];
	/* What is cloned from here on can be looked into by nobody, from its first instruction. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, errno, "prctl");
	pid = sys_clone(0, -1, NULL);
	if (!pid)
		escort_run(s);
	return pid < 0 ? err_sys(err, errno, "clone") : 0;
}

static void close_theirs(struct escort *s)
{
	struct child *c = &s->child;

	cleanup_fd(&s->client);
	cleanup_fd(&s->cgroup);
	cleanup_fd(&s->user_term);
	cleanup_fd(&c->proc);
	cleanup_fd(&c->in);
	cleanup_fd(&c->out);
	cleanup_fd(&c->err_out);
}

int box_enter(const struct box_running *shown, const struct box_enter_spec *spec,
	      struct box_entered *ret, struct err *err)
{
	const struct running *r = (const struct running *)shown;
	struct box_entered e = { -1, -1, -1, -1 };
	struct launch l = launch_of(r, spec);
	struct launch_command command;
	struct escort s = { .client = -1, .cgroup = -1, .user_term = -1 };
	int rc = -1;

	s.child = child_blank();
	s.child.launch = &l;
	s.child.command = &command;
	s.child.join = shown->pidfd;
	if (!launch_command(&l, r->memo->arena, spec->argv, &command, err) &&
	    !fill(&s, r, spec, &e, err))
		rc = begin(&s, &e, err);
	close_theirs(&s);
	if (!rc)
		rc = wait_begun(&e, err);
	if (!rc) {
		*ret = e;
		return 0;
	}
	box_entered_close(&e);
	if (sys_pidfd_ended(shown->pidfd))
		err_set(err, "its container has just ended");
	if (err && err->kind == ERR_RUN)
		err->kind = ERR_CREATE;
	return -1;
}

/* ---- while it runs --------------------------------------------------------------------------- */

int box_entered_hear(struct box_entered *e, int *ret_status, struct err *err)
{
	struct child_msg m;
	ssize_t n = sys_recv(e->sock, &m, sizeof(m), NULL, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != (ssize_t)sizeof(m))
		return err_set(
			err, "the process beside the command was killed, and the command with it");
	if (m.type != CHILD_END)
		return 0;
	*ret_status = m.pid;
	return 1;
}

static void say(const struct box_entered *e, enum child_msg_type type, int number)
{
	struct child_msg m = { .type = type, .pid = number };

	(void)sys_send(e->sock, &m, sizeof(m), NULL, 0);
}

void box_entered_signal(const struct box_entered *e, int sig)
{
	say(e, CHILD_SIGNAL, sig);
}

void box_entered_leave(const struct box_entered *e)
{
	say(e, CHILD_LEAVE, 0);
}

void box_entered_close(struct box_entered *e)
{
	cleanup_fd(&e->sock);
	cleanup_fd(&e->in);
	cleanup_fd(&e->out);
	cleanup_fd(&e->err_out);
}
