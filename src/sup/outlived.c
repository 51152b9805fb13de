/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outlived: a stack that goes on without a supervisor, from outside: looked at, taken up, let go. Called by cli through sup_keep.h, by `up` before it builds
 * anew and by whoever cleans up. Talks to the guard that has it (minding.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "sup/document.h"
#include "sup/keeping.h"
#include "sup/reexec.h"

/* A guard does nothing else: one that does not answer is stopped or hangs. */
enum { ANSWER_MS = 10000 };

char *sup_keeper_path(const char *project)
{
	_cleanup_free_ char *dir = sup_project_dir(project);

	return xasprintf("%s/keeper", dir);
}

static int connect_keeper(const char *project, struct err *err)
{
	_cleanup_free_ char *path = sup_keeper_path(project);
	int fd = ctl_connect(path, ANSWER_MS, err);

	if (fd < 0 && (err->sys == ECONNREFUSED || err->sys == ENOTDIR))
		err->sys = ENOENT;
	return fd;
}

/* 0: nobody. */
static pid_t peer_of(int sock)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ? 0 : who.pid;
}

static int no_answer(int sock, const char *project, struct err *err)
{
	int pid = (int)peer_of(sock);

	return err_kind(
		err, ERR_TIMEOUT,
		"who keeps stack '%s' (process %d) does not answer: it is stopped (`kill -CONT %d`) "
		"or hung (`kill -9 %d`: then `mstack up` builds the stack anew, and `mstack down` removes it)",
		project, pid, pid, pid);
}

static int ask(int sock, const char *project, enum ctl_type what,
	       int (*each)(void *arg, const struct ctl_msg *m), void *arg, struct err *err)
{
	int rc = ctl_call(sock, what, NULL, each, arg, err);

	return rc < 0 && err->kind == ERR_TIMEOUT ? no_answer(sock, project, err) : rc;
}

/* ---- looking --------------------------------------------------------------------------------- */

static int take_tree(void *arg, const struct ctl_msg *m)
{
	int *fd = arg;

	if (m->n_fds && *fd < 0)
		*fd = fcntl(m->fds[0], F_DUPFD_CLOEXEC, 3);
	return 0;
}

struct carry *sup_kept(const char *project, struct err *err)
{
	_cleanup_fd_ int fd = connect_keeper(project, err), text = -1;
	struct carry *tree;

	if (fd < 0 || ask(fd, project, CTL_KEPT, take_tree, &text, err) < 0)
		return NULL;
	tree = carry_read(text, err);
	if (tree)
		carry_forget_fds(tree);
	return tree;
}

pid_t sup_keeper(const char *project)
{
	_cleanup_fd_ int fd = connect_keeper(project, &(struct err){ 0 });

	return fd < 0 ? 0 : peer_of(fd);
}

/* 0: it is gone. */
static pid_t parent_of(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *name_end;
	int parent = 0;

	if (file_read(AT_FDCWD, path, 4096, &text) < 0)
		return 0;
	name_end = strrchr(buf_str(&text), ')');
	return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

pid_t sup_holder(const char *project)
{
	pid_t owner = sup_owner(project), keeper = sup_keeper(project);

	/* The guard of a supervisor is its child. Another one keeps the stack still, which the owner is only about to take up. */
	return keeper && (!owner || parent_of(keeper) != owner) ? keeper : owner;
}

/* ---- letting go ------------------------------------------------------------------------------ */

int sup_kept_release(const char *project, enum ctl_type why, struct err *err)
{
	_cleanup_fd_ int fd = connect_keeper(project, err);

	if (fd < 0)
		return err->sys == ENOENT ? 0 : -1;
	if (ask(fd, project, why, NULL, NULL, err) == 0 || err->sys == ECONNRESET)
		return 0;
	return err->kind == ERR_TIMEOUT ? -1 : err_wrap(err, "who keeps stack '%s'", project);
}

int sup_end_left(const char *project, struct err *err)
{
	struct ledger *l = sup_ledger_open(project, false, SUP_GUARD_MS, err);
	const struct ledger_item *item = NULL, *next;
	int rc = 0;

	/* Somebody who was quicker has a supervisor for it. */
	if (!l)
		return err->sys == ENOENT || err->sys == EBUSY ? 0 : -1;
	for (item = ledger_next(l, "process", NULL); rc >= 0 && item; item = next) {
		next = ledger_next(l, "process", item);
		rc = ledger_undo_item(l, item->id, ANSWER_MS, err);
	}
	ledger_close(l);
	return rc < 0 ? err_wrap(err, "stack '%s'", project) : 0;
}

/* ---- taking up ------------------------------------------------------------------------------- */

static int ask_for_it(const char *project, int *ret_fd, struct bundle *p, struct err *err)
{
	const struct ctl_msg request = { .type = CTL_ADOPT, .id = 1 };
	_cleanup_fd_ int fd = connect_keeper(project, err);
	enum bundle_got got = BUNDLE_PART;

	if (fd < 0)
		return err->sys == ENOENT ? 0 : -1;
	if (ctl_send(fd, &request, err) != 0)
		return -1;
	while (got == BUNDLE_PART)
		got = bundle_recv(fd, p);
	if (got == BUNDLE_EMPTY)
		return no_answer(fd, project, err);
	if (got == BUNDLE_CUT)
		return err_sys(
			err, EMFILE,
			"take up stack '%s' (raise it with `ulimit -n`, or LimitNOFILE= of a unit)",
			project);
	if (got != BUNDLE_WHOLE) {
		err_set(err, "who keeps stack '%s' does not hand it over", project);
		err->sys = ECONNRESET;
		return -1;
	}
	*ret_fd = take_fd(&fd);
	return 1;
}

/* One that is just dying answers nobody, and its door is shut in a moment: then nobody keeps it. */
static int take_over(const char *project, int *ret_fd, struct bundle *p, struct err *err)
{
	const uint64_t end = time_mono_ms() + SUP_GUARD_MS;
	int rc;

	while ((rc = ask_for_it(project, ret_fd, p, err)) < 0 &&
	       (err->sys == ECONNRESET || err->sys == EPIPE) && time_mono_ms() < end) {
		bundle_fini(p);
		usleep(10000);
	}
	return rc;
}

static int is_fit(const struct carry *tree, const struct sup_hooks *hooks)
{
	const char *unfit = carry_text(tree, "unfit");

	if (unfit)
		sup_say(hooks, SUP_NOTE, NULL,
			"the supervisor died when %s: the stack is built anew", unfit);
	return !unfit;
}

/* Until here the network was the host's: for images that had to be pulled, and for who stays there. */
static int enter_network(struct sup_carried *c, struct err *err)
{
	if (!rootless_net_is_foreign())
		return 0;
	c->porch = net_porch_open(err);
	return c->porch ? rootless_net_of(peer_of(c->keeper), err) : -1;
}

/* Who keeps it goes on with it when we do not. */
static int check_reach(const struct sup_carried *c, const char *project, struct err *err)
{
	const struct carry *box = carry_next(c->tree, "box", NULL);

	return box && box_resume_check(box, err) < 0
		       ? err_wrap(
				 err,
				 "stack '%s' goes on without a supervisor, and cannot be taken up from here",
				 project)
		       : 0;
}

static int adopt(const char *project, const struct sup_hooks *hooks, struct sup_carried *c,
		 struct err *err)
{
	struct bundle p = { 0 };
	int rc = take_over(project, &c->keeper, &p, err);

	if (rc > 0) {
		c->tree = bundle_open(&p, err);
		rc = c->tree ? is_fit(c->tree, hooks) : -1;
	}
	if (rc > 0 && sup_carried_read(c, err) < 0)
		rc = err_wrap(
			err,
			"stack '%s' goes on without a supervisor, and this mstack cannot take it up "
			"(`mstack down -p %s` ends it; or take the mstack that started it)",
			project, project);
	if (rc > 0 && (check_reach(c, project, err) < 0 || enter_network(c, err) < 0))
		rc = -1;
	/* Who goes on without it, in this process, is not to hold its ports and tables. */
	if (rc <= 0 && c->tree)
		carry_close_rest(c->tree);
	bundle_fini(&p);
	return rc;
}

int sup_adopt(const char *project, const struct sup_hooks *hooks, struct sup_carried *ret,
	      struct err *err)
{
	struct sup_carried c = { .document = -1, .keeper = -1 };
	int rc;

	c.ledger = sup_ledger_open(project, false, SUP_GUARD_MS, err);
	if (!c.ledger)
		return err->sys == ENOENT ? 0 : -1;
	/* All that its supervisor had comes to us, who may be called by a shell with the usual 1024. */
	sup_raise_files();
	rc = adopt(project, hooks, &c, err);
	if (rc > 0)
		*ret = c;
	else
		sup_carried_close(&c);
	return rc;
}
