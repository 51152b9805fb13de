/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detach: the two ends of `up -d`. Called by up and run. The new process runs the supervisor; the old one only waits and passes
 * signals on, so that Ctrl-C during a slow start ends the start and not just the waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/detach.h"

/* What the new process tells the old one; both are the same program. */
struct word {
	int32_t code; /* -1: err */
	struct err err;
};

static void replace_fd(int fd, const char *path, int flags)
{
	_cleanup_fd_ int file = open(path, flags | O_CLOEXEC, 0600);

	if (file < 0)
		file = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (file >= 0)
		dup2(file, fd);
}

void cli_detach_stderr(const char *path)
{
	replace_fd(STDERR_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW);
}

void cli_detach_tell(int *fd, int code, const struct err *err)
{
	struct word word = { .code = err ? -1 : code };

	if (*fd < 0)
		return;
	if (err)
		word.err = *err;
	/* Nobody there any more to hear it: the stack goes on without. */
	send(*fd, &word, sizeof(word), MSG_NOSIGNAL);
	cleanup_fd(fd);
}

bool cli_detach_alone(int fd)
{
	struct pollfd other = { .fd = fd };

	return poll(&other, 1, 0) > 0 && (other.revents & POLLHUP);
}

/* It ended without a word. */
static int ended(pid_t child, int *ret_code, struct err *err)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "wait for the supervisor");
	/* Ctrl-C, or somebody's wish, before it could hear it: its guard clears up. */
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)) {
		*ret_code = 128 + WTERMSIG(status);
		return 1;
	}
	if (WIFSIGNALED(status))
		return err_set(err, "supervisor: ended by %s", sig_name(WTERMSIG(status)));
	return err_set(err, "supervisor: ended with code %d and without a word",
		       WEXITSTATUS(status));
}

/* A packet comes whole or not at all, so another length means that nobody spoke. */
static int take_word(int fd, pid_t child, int *ret_code, struct err *err)
{
	struct word word;
	ssize_t n = recv(fd, &word, sizeof(word), 0);

	if (n != (ssize_t)sizeof(word))
		return ended(child, ret_code, err);
	if (word.code < 0) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			; /* it has nothing more to do */
		*err = word.err;
		err->text[sizeof(err->text) - 1] = '\0';
		return -1;
	}
	*ret_code = word.code;
	return 1;
}

/* What it says while we wait comes by way of us: it never holds our standard error, which somebody may read to the end. */
static void pass_on(int words)
{
	char text[4096];
	ssize_t n;

	while ((n = read(words, text, sizeof(text))) > 0)
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			return;
}

static int wait_word(int fd, int words, pid_t child, int signals, int64_t timeout_ms, int *ret_code,
		     struct err *err)
{
	uint64_t end = time_mono_ms() + (uint64_t)timeout_ms;
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN },
				{ .fd = signals, .events = POLLIN },
				{ .fd = words, .events = POLLIN } };
	struct signalfd_siginfo info;

	for (;;) {
		uint64_t now = time_mono_ms();
		int wait = timeout_ms < 0 ? -1 : now < end ? (int)(end - now) : 0;
		int n = poll(fds, ARRAY_LEN(fds), wait);

		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "wait for the supervisor");
		if (!n)
			return err_kind(
				err, ERR_TIMEOUT,
				"not everything was running or healthy after %lld s: the stack goes on: see 'mstack ps'",
				(long long)timeout_ms / 1000);
		pass_on(words);
		if (fds[2].revents & POLLHUP)
			fds[2].fd = -1; /* it speaks to its own log now, or is gone */
		if (n > 0 && fds[0].revents)
			return take_word(fd, child, ret_code, err);
		if (n > 0 && read(signals, &info, sizeof(info)) == sizeof(info)) {
			kill(child, (int)info.ssi_signo);
			/* From here on it is the end that is waited for, however long it takes. */
			timeout_ms = -1;
		}
	}
}

static void close_between(int from, int to)
{
	if (from < to)
		close_range((unsigned)from, (unsigned)to - 1, 0);
}

/* What the caller's shell left open (a lock, a test's pipe) must not be held for as long as the stack runs. */
static int become_background(int fd, int words, int keep, const sigset_t *mask, int *ret_fd)
{
	int low = keep < 0 || fd < keep ? fd : keep, high = fd < keep ? keep : fd;

	setsid();
	signal(SIGPIPE, SIG_IGN); /* the command may be killed while we speak */
	dup2(words, STDERR_FILENO);
	close_between(STDERR_FILENO + 1, low);
	close_between(low + 1, high);
	close_range((unsigned)high + 1, ~0u, 0);
	replace_fd(STDIN_FILENO, "/dev/null", O_RDWR);
	replace_fd(STDOUT_FILENO, "/dev/null", O_RDWR);
	sigprocmask(SIG_SETMASK, mask, NULL);
	*ret_fd = fd;
	return 0;
}

int cli_detach(int64_t timeout_ms, int keep, int *ret_fd, int *ret_code, struct err *err)
{
	_cleanup_fd_ int here = -1, there = -1, signals = -1, words = -1, words_in = -1;
	sigset_t passed, before;
	int pair[2], pipe[2], r;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socket for the supervisor");
	here = pair[0];
	there = pair[1];
	if (pipe2(pipe, O_CLOEXEC) < 0)
		return err_sys(err, errno, "pipe for the supervisor's words");
	words = pipe[0];
	words_in = pipe[1];
	fd_nonblock(words, true);
	sigemptyset(&passed);
	sigaddset(&passed, SIGINT);
	sigaddset(&passed, SIGTERM);
	sigprocmask(SIG_BLOCK, &passed, &before);
	signals = signalfd(-1, &passed, SFD_CLOEXEC | SFD_NONBLOCK);
	child = signals < 0 ? -1 : fork();
	if (!child) {
		here = signals = words = -1; /* closed there with all others */
		return become_background(take_fd(&there), take_fd(&words_in), keep, &before,
					 ret_fd);
	}
	if (child < 0)
		r = err_sys(err, errno, "process for the supervisor");
	else {
		cleanup_fd(&there);
		cleanup_fd(&words_in);
		r = wait_word(here, words, child, signals, timeout_ms, ret_code, err);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
