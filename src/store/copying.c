/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * copying: a tree of one owner into a folder of another: runs mstack-store at both ends, with a pipe between them. Called by cli
 * through store.h. Neither process has rights over the other's end, so what is at one end, or changes it meanwhile, reaches
 * the other as the bytes of a tar only.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "store/store.h"
#include "store/voice.h"

#define PIPE_SIZE (1 << 20)

enum { PACKER, FILLER };

struct party {
	const struct store_end *end;
	pid_t pid; /* 0: none */
	int status;
	struct store_voice voice;
	const struct store_hooks *hooks;
	bool counts; /* its progress is that of the copy */
};

/* ---- beginning ------------------------------------------------------------------------------- */

/* In the child. What goes wrong is said as the program itself would. */
static _Noreturn void become(const struct party *p, int program, int in, int out, int say,
			     char *const *argv)
{
	char *const env[] = { (char *)"LC_ALL=C.UTF-8", NULL };
	sigset_t none;

	sigemptyset(&none);
	for (int sig = 1; sig < _NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Above what they become, so that none is written over before it was copied. */
	in = fcntl(in, F_DUPFD_CLOEXEC, 10);
	out = fcntl(out, F_DUPFD_CLOEXEC, 10);
	say = fcntl(say, F_DUPFD_CLOEXEC, 10);
	program = fcntl(program, F_DUPFD_CLOEXEC, 10);
	if (say >= 0 && fchdir(p->end->folder) < 0)
		dprintf(say, UNPACKER_ERROR "open the folder: %s\n", strerror(errno));
	else if (say >= 0 && p->end->enter && p->end->enter(p->end->arg) < 0)
		dprintf(say, UNPACKER_ERROR "take on the container's rights: %s\n",
			strerror(errno));
	else if (dup2(in, 0) == 0 && dup2(out < 0 ? say : out, 1) == 1 && dup2(say, 2) == 2) {
		fexecve(program, argv, env);
		dprintf(2, UNPACKER_ERROR "execute " UNPACKER_NAME ": %s\n", strerror(errno));
	}
	_exit(1);
}

static int start(struct party *p, int program, int in, int out, char *const *argv, struct err *err)
{
	_cleanup_fd_ int say = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	p->voice.in = ends[0];
	say = ends[1];
	p->pid = fork();
	if (!p->pid)
		become(p, program, in, out, say, argv);
	if (p->pid > 0)
		return 0;
	p->pid = 0;
	return err_sys(err, errno, "fork");
}

static int start_packer(const struct store_copy *c, struct party *p, int program, int null, int to,
			struct err *err)
{
	char *const argv[] = { (char *)UNPACKER_NAME, (char *)UNPACKER_MODE_PACK, (char *)c->name,
			       (char *)c->as, NULL };

	return start(p, program, null, to, argv, err);
}

static int start_filler(const struct store_copy *c, struct party *p, int program, int from,
			struct err *err)
{
	const char *keep = c->owners && c->set_id ? "os" : c->owners ? "o" : c->set_id ? "s" : "-";
	char *const argv[] = { (char *)UNPACKER_NAME, (char *)UNPACKER_MODE_COPY, (char *)c->as,
			       (char *)keep, NULL };

	return start(p, program, from, -1, argv, err);
}

static int start_both(const struct store_copy *c, struct party *parties, int program,
		      struct err *err)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC), from = -1, to = -1;
	int ends[2];

	if (null < 0)
		return err_sys(err, errno, "open /dev/null");
	if (c->from.folder < 0)
		return start_filler(c, &parties[FILLER], program, c->from.tar, err);
	if (c->to.folder < 0)
		return start_packer(c, &parties[PACKER], program, null, c->to.tar, err);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe");
	from = ends[0];
	to = ends[1];
	/* Fewer turns; what the system allows will do. */
	fcntl(from, F_SETPIPE_SZ, PIPE_SIZE);
	if (start_packer(c, &parties[PACKER], program, null, to, err) < 0)
		return -1;
	return start_filler(c, &parties[FILLER], program, from, err);
}

/* ---- while it goes on ------------------------------------------------------------------------ */

static void take_line(void *arg, const char *line)
{
	const struct party *p = arg;
	const char *text = store_behind(line, UNPACKER_AT);

	if (text && p->counts && p->hooks->progress)
		p->hooks->progress(p->hooks->arg, strtoull(text, NULL, 10), 0);
	text = store_behind(line, UNPACKER_NOTE);
	if (text && p->hooks->tell)
		p->hooks->tell(p->hooks->arg, text);
}

static int hear(struct party *parties, struct err *err)
{
	for (;;) {
		struct pollfd p[2];

		for (int i = 0; i < 2; i++)
			p[i] = (struct pollfd){ parties[i].voice.in, POLLIN, 0 };
		if (p[PACKER].fd < 0 && p[FILLER].fd < 0)
			return 0;
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return err_sys(err, errno, "poll");
		for (int i = 0; i < 2; i++)
			if (p[i].fd >= 0 && p[i].revents &&
			    !store_voice_read(&parties[i].voice, take_line, &parties[i]))
				cleanup_fd(&parties[i].voice.in);
	}
}

static void end(struct party *p, bool kill_it)
{
	if (p->pid && kill_it)
		kill(p->pid, SIGKILL);
	while (p->pid && waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
		;
	cleanup_fd(&p->voice.in);
}

/*
 * When both failed, one did because of the other. A packer that nobody listens to any more says so, and a tar that breaks off is no
 * news when its writer says why.
 */
static int judge(const struct party *parties, struct err *err)
{
	const struct party *p = &parties[PACKER], *f = &parties[FILLER];
	struct err packing = { 0 }, filling = { 0 };
	int rc = p->pid ? store_voice_judge(&p->voice, p->status, &packing) : 0;
	int filled = f->pid ? store_voice_judge(&f->voice, f->status, &filling) : 0;

	if (rc < 0 && (!filled || !strstr(packing.text, UNPACKER_DEAF))) {
		*err = packing;
		return -1;
	}
	if (filled < 0) {
		*err = filling;
		return -1;
	}
	return rc < 0 ? (*err = packing, -1) : 0;
}

int store_copy(const struct store_copy *c, const struct store_hooks *hooks, struct err *err)
{
	_cleanup_free_ char *path = program_find(UNPACKER_NAME, UNPACKER_VARIABLE);
	_cleanup_fd_ int program = path ? open(path, O_PATH | O_CLOEXEC) : -1;
	struct party parties[2] = { { .end = &c->from, .voice.in = -1, .hooks = hooks },
				    { .end = &c->to, .voice.in = -1, .hooks = hooks } };
	int rc;

	parties[c->to.folder < 0 ? PACKER : FILLER].counts = true;
	if (program < 0)
		return err_sys(err, ENOENT,
			       UNPACKER_NAME " is not beside the mstack program "
					     "(set MSTACK_STORE_BIN, or install mstack anew)");
	rc = start_both(c, parties, program, err);
	if (!rc)
		rc = hear(parties, err);
	end(&parties[PACKER], rc < 0);
	end(&parties[FILLER], rc < 0);
	return rc < 0 ? -1 : judge(parties, err);
}
