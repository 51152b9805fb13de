/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload: see reload.h. Called by settle.c for the signal, by queue.c in each turn, and by changereq.c when the child asks. Waits while the
 * stack is started or changed; signals that come meanwhile are one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "sup/reload.h"

struct sup_reload {
	struct sup *sup;
	bool first; /* no signal: `up` has taken the stack up, and this is what it was called for */
	struct sup_cause cause;
	pid_t pid; /* of the child; 0: it waits for its time */
	int pidfd;
	ev_io ended;
	bool again;	/* once more, when the child has ended */
	bool asked;	/* a change has begun */
	bool signalled; /* SIGHUP came while it ran */
};

static void say(const struct sup *s, enum sup_say kind, const char *text)
{
	bool first = s->reload && s->reload->first;

	sup_say(&s->opts->hooks, kind, NULL, "%s: %s", first ? "up" : "SIGHUP", text);
}

/* The controlling one, which who is sent away by its end has, and a unit of systemd has not. nohup(1) says that nobody is to end with it. */
bool sup_has_terminal(void)
{
	_cleanup_fd_ int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
	struct sigaction sa;

	return fd >= 0 && sigaction(SIGHUP, NULL, &sa) == 0 && sa.sa_handler != SIG_IGN;
}

void sup_reload_stop(struct sup *s)
{
	struct sup_reload *r = take_ptr(&s->reload);

	if (!r)
		return;
	ev_io_stop(s->loop, &r->ended);
	if (r->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
	while (r->pid > 0 && waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
	cleanup_fd(&r->pidfd);
	free(r);
}

/* ---- the child ------------------------------------------------------------------------------- */

/*
 * The program that we are, not the one that lies there now: both ends of a request are of one version then. What it says goes where our
 * own words go.
 */
static _Noreturn void read_again(const struct sup *s)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	_cleanup_free_ char **words = program_words(&text);
	const char *name = s->opts->stack->name;
	_cleanup_free_ char *what =
		s->reload->first ? xstrdup(name) : xasprintf("%s:%s", name, sup_file(s));
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	unsetenv("NOTIFY_SOCKET");
	if (words && setenv(SUP_RELOAD_VARIABLE, what, 1) == 0)
		execv("/proc/self/exe", words);
	fprintf(stderr, "mstack: read the stack file again: execute ourselves: %s\n",
		strerror(errno));
	_exit(1);
}

static const char *words_of(const struct sup_reload *r, bool killed)
{
	if (killed)
		return r->asked ? "who read the file was killed: the change goes on without it"
				: "who read the file was killed: the stack goes on as it was";
	return r->asked ? "not all of the change could be made: see above"
			: "the stack goes on as it was: see above";
}

static void has_ended(struct sup *s, const siginfo_t *si)
{
	struct sup_reload *r = s->reload;

	if (si->si_code != CLD_EXITED || si->si_status)
		say(s, SUP_WARNING, words_of(r, si->si_code != CLD_EXITED));
	cleanup_fd(&r->pidfd);
	r->pid = 0;
	if (!r->again) {
		sup_reload_stop(s);
	} else {
		r->first = r->first && !r->signalled;
		r->again = r->asked = r->signalled = false;
	}
}

static void ended_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	struct sup *s = w->data;
	siginfo_t si = { 0 };

	(void)revents;
	ev_io_stop(loop, w);
	if (waitid(P_PIDFD, (id_t)s->reload->pidfd, &si, WEXITED) == 0)
		s->reload->pid = 0;
	has_ended(s, &si);
}

static int begin(struct sup *s, struct err *err)
{
	struct sup_reload *r = s->reload;

	if (!r->first) {
		say(s, SUP_NOTE, "reading the stack file again");
		sup_note_reload(s, &r->cause);
	}
	r->pid = fork();
	if (r->pid == 0)
		read_again(s);
	if (r->pid < 0) {
		r->pid = 0;
		return err_sys(err, errno, "fork");
	}
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0)
		return err_sys(err, errno, "pidfd_open");
	ev_io_set(&r->ended, r->pidfd, EV_READ);
	ev_io_start(s->loop, &r->ended);
	return 0;
}

/* ---- asking for it --------------------------------------------------------------------------- */

static const char *why_not(const struct sup *s)
{
	if (s->opts->client)
		return "this supervisor was started by `mstack run`, and has no file to read again";
	if (!strcmp(sup_file(s), "-"))
		return "the stack was read from standard input, which cannot be read again: `mstack up -d` with the file changes it";
	return NULL;
}

static void ask(struct sup *s, const struct sup_cause *cause, bool first)
{
	struct sup_reload *r = s->reload = xcalloc(1, sizeof(*r));

	*r = (struct sup_reload){ .sup = s, .first = first, .pidfd = -1, .cause = *cause };
	ev_init(&r->ended, ended_cb);
	r->ended.data = s;
}

void sup_reload_first(struct sup *s)
{
	struct sup_cause cause = sup_because_started("up");

	ask(s, &cause, true);
}

void sup_reload_request(struct sup *s, const struct sup_fact *fact)
{
	struct sup_cause cause = sup_because_signal(SIGHUP, fact->sender, fact->sender_uid);
	const char *why = why_not(s);

	if (s->ending != ENDING_NO)
		return;
	if (why) {
		say(s, SUP_WARNING, why);
		return;
	}
	if (!s->reload) {
		ask(s, &cause, false);
		return;
	}
	/* Who reads it already may have read too much of it; and what comes then is not what `up` was told. */
	if (s->reload->pid > 0)
		s->reload->again = s->reload->signalled = true;
}

void sup_look_at_reload(struct sup *s)
{
	struct err err = { 0 };

	if (s->reload && s->ending != ENDING_NO)
		sup_reload_stop(s);
	if (!s->reload || s->reload->pid || s->change || !s->up_told)
		return;
	if (begin(s, &err) < 0) {
		say(s, SUP_WARNING, err.text);
		sup_reload_stop(s);
	}
}

bool sup_reload_asks(struct sup *s, struct sup_cause *c)
{
	if (!s->reload || !s->reload->pid || c->pid != s->reload->pid)
		return false;
	*c = s->reload->cause;
	return true;
}

void sup_reload_began(struct sup *s)
{
	s->reload->asked = true;
}

void sup_reload_later(struct sup *s)
{
	s->reload->again = true;
}
