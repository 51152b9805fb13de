/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reexec: see reexec.h. Called by settle.c for the signal and by queue.c in each turn. Nothing here waits: the try-out is a child whose end is
 * a watcher's to tell, and what it says is read when it has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "sup/reexec.h"

/* Until a moment comes in which nothing is on its way; that long starts and health checks may be held up. */
static const ev_tstamp PATIENCE_S = 10;
/* A try-out reads the document and opens what is there: hundredths of a second. */
static const ev_tstamp TRY_OUT_S = 30;

enum { WORDS_MAX = 4096 };

enum phase { WAITS, IS_TRIED, MAY_GO };

struct sup_reexec {
	struct sup *sup;
	enum phase phase;
	char *program;
	char *why; /* it waits, in words; NULL: it does not */
	enum sup_busy how;
	ev_timer patience;
	pid_t pid; /* of the try-out */
	int pidfd, words;
	ev_io ended;
};

static void say(const struct sup *s, enum sup_say kind, const char *text)
{
	sup_say(&s->opts->hooks, kind, NULL, "SIGUSR2: %s", text);
}

void sup_reexec_stop(struct sup *s)
{
	struct sup_reexec *r = take_ptr(&s->reexec);

	if (!r)
		return;
	ev_timer_stop(s->loop, &r->patience);
	ev_io_stop(s->loop, &r->ended);
	if (r->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, r->pidfd, SIGKILL, NULL, 0);
	while (r->pid > 0 && waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		; /* ECHILD: it was reaped as a stranger */
	cleanup_fd(&r->pidfd);
	cleanup_fd(&r->words);
	free(r->program);
	free(r->why);
	free(r);
}

static void give_up(struct sup *s, const char *why)
{
	_cleanup_free_ char *text =
		xasprintf("%s: this program goes on; send it again when that has changed", why);

	sup_reexec_stop(s);
	say(s, SUP_WARNING, text);
}

bool sup_reexec_holds(const struct sup *s)
{
	return s->reexec && s->reexec->phase != IS_TRIED && s->reexec->how == BUSY_SHORT;
}

/* ---- the other program ----------------------------------------------------------------------- */

/* Returns with an error only. */
static int execute(const char *program, const struct carry *tree, const char *how, struct err *err)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	_cleanup_free_ char **words = program_words(&text), *value = NULL;
	_cleanup_fd_ int fd = carry_write(tree, err);

	if (fd < 0)
		return -1;
	if (!words)
		return err_set(err, "how we were called is not known");
	value = xasprintf("%d%s", fd, how);
	if (setenv(SUP_CARRIED_VARIABLE, value, 1) < 0)
		return err_sys(err, errno, "environment");
	if (carry_inherit(tree, true, err) == 0) {
		execv(program, words);
		err_sys(err, errno, "execute '%s'", program);
	}
	unsetenv(SUP_CARRIED_VARIABLE);
	carry_inherit(tree, false, &(struct err){ 0 });
	return -1;
}

/*
 * Locks on images and volumes belong to open files that nobody carries over: this process has them as well, until the next program has
 * locks of its own and lets go of its end of the pipe. Without it somebody could remove an image in between.
 */
static int hold_files(struct carry *tree)
{
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct pollfd p = { .fd = pair[0], .events = POLLIN };

		close(pair[1]);
		prctl(PR_SET_NAME, "mstack-holder");
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)poll(&p, 1, (int)(TRY_OUT_S * 1000));
		_exit(0);
	}
	close(pair[0]);
	if (pid < 0)
		cleanup_fd(&pair[1]);
	else
		carry_put_fd(tree, "holder", pair[1]);
	return pid < 0 ? -1 : pair[1];
}

/* Does not return when it works. */
static void go(struct sup *s)
{
	_cleanup_free_ char *program = take_ptr(&s->reexec->program);
	_cleanup_fd_ int holder = -1;
	struct err err = { 0 };
	struct carry *tree = sup_carry(s, false, &err);

	sup_reexec_stop(s);
	if (tree) {
		holder = hold_files(tree);
		execute(program, tree, "", &err);
	}
	carry_free(tree);
	give_up(s, err.text);
}

/* ---- the try-out ----------------------------------------------------------------------------- */

static _Noreturn void try_out(const struct sup *s, const struct carry *tree, int words)
{
	struct err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(words, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	execute(s->reexec->program, tree, "?", &err);
	fprintf(stderr, "%s\n", err.text);
	fflush(stderr);
	_exit(1);
}

/* Its last line says why. */
static char *take_words(int fd)
{
	char text[WORDS_MAX + 1];
	ssize_t n = read(fd, text, WORDS_MAX);
	char *line, *next;

	text[n > 0 ? n : 0] = '\0';
	for (line = text; (next = strchr(line, '\n')) && next[1]; line = next + 1)
		;
	line[strcspn(line, "\n")] = '\0';
	return xstrdup(line);
}

static void has_ended(struct sup *s)
{
	struct sup_reexec *r = s->reexec;
	_cleanup_free_ char *words = take_words(r->words), *why = NULL;
	siginfo_t si = { 0 };
	bool reaped = waitid(P_PIDFD, (id_t)r->pidfd, &si, WEXITED) == 0;

	r->pid = 0;
	cleanup_fd(&r->pidfd);
	if (reaped && si.si_code == CLD_EXITED && si.si_status == 0) {
		r->phase = MAY_GO;
		ev_timer_stop(s->loop, &r->patience);
		ev_timer_set(&r->patience, PATIENCE_S, 0);
		ev_timer_start(s->loop, &r->patience);
		return;
	}
	why = xasprintf("'%s' cannot go on for us%s%s", r->program, *words ? ": " : "", words);
	give_up(s, why);
}

static void ended_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)revents;
	ev_io_stop(loop, w);
	has_ended(w->data);
}

static int begin_try_out(struct sup *s, struct err *err)
{
	struct sup_reexec *r = s->reexec;
	_cleanup_fd_ int theirs = -1;
	struct carry *tree = sup_carry(s, false, err);
	int pair[2];

	if (!tree)
		return -1;
	if (pipe2(pair, O_CLOEXEC) < 0) {
		carry_free(tree);
		return err_sys(err, errno, "pipe");
	}
	r->words = pair[0];
	theirs = pair[1];
	fd_nonblock(r->words, true);
	r->pid = fork();
	if (r->pid == 0)
		try_out(s, tree, theirs);
	carry_free(tree);
	if (r->pid < 0)
		return err_sys(err, errno, "fork");
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->pidfd < 0)
		return err_sys(err, errno, "pidfd_open");
	r->phase = IS_TRIED;
	ev_io_set(&r->ended, r->pidfd, EV_READ);
	ev_io_start(s->loop, &r->ended);
	ev_timer_stop(s->loop, &r->patience);
	ev_timer_set(&r->patience, TRY_OUT_S, 0);
	ev_timer_start(s->loop, &r->patience);
	return 0;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void patience_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct sup *s = w->data;
	_cleanup_free_ char *why =
		xstrdup(s->reexec->phase == IS_TRIED ? "the new program does not come to an end"
			: s->reexec->why	     ? s->reexec->why
						     : "no moment came in which nothing happens");

	(void)loop;
	(void)revents;
	give_up(s, why);
}

void sup_reexec_request(struct sup *s)
{
	struct sup_reexec *r;

	if (s->reexec || s->ending != ENDING_NO)
		return;
	r = s->reexec = xcalloc(1, sizeof(*r));
	*r = (struct sup_reexec){
		.sup = s, .pidfd = -1, .words = -1, .program = path_self(), .how = BUSY_LONG
	};
	ev_init(&r->ended, ended_cb);
	ev_timer_init(&r->patience, patience_cb, PATIENCE_S, 0);
	r->ended.data = r->patience.data = s;
	ev_timer_start(s->loop, &r->patience);
	if (!r->program)
		give_up(s, "where our program lies is not known");
}

static void look(struct sup *s)
{
	struct sup_reexec *r = s->reexec;
	struct err err = { 0 };

	free(r->why);
	r->why = sup_carry_busy(s, &r->how);
	if (r->why && r->how == BUSY_NEVER) {
		_cleanup_free_ char *why = take_ptr(&r->why);

		give_up(s, why);
	} else if (!r->why && r->phase == MAY_GO) {
		go(s);
	} else if (!r->why && begin_try_out(s, &err) < 0) {
		give_up(s, err.text);
	}
}

void sup_look_at_reexec(struct sup *s)
{
	if (s->reexec && s->ending != ENDING_NO)
		sup_reexec_stop(s);
	if (s->reexec && s->reexec->phase != IS_TRIED)
		look(s);
}
