/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wayout: see wayout.h. Called by porchproc.c.
 *
 * Pasta opens everything by path, and newer ones close what they inherit; so both the namespace and the FIFO in which it says that it is
 * ready are in a /tmp that nobody else sees, where Debian's profile of AppArmor lets it write. The address that it gives to
 * its end is of a block that no network has (RFC 5737, RFC 3849): by default it would be the host's own, and then nobody inside could reach
 * the host by that.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/wayout.h"

#define NET_PATH     "/tmp/net"
#define READY_PATH   "/tmp/ready"
#define TUN_PATH     "/dev/net/tun"
#define AGAIN_S	     0.1
#define AGAIN_LAST_S 60.0

/* clang-format off */
static const char *const words[] = {
	"pasta", "--foreground", "--quiet", "--config-net", "--no-map-gw",
	"-t", "none", "-u", "none", "-T", "none", "-U", "none",
	"-I", "up0", "-a", "192.0.2.2", "-n", "30", "-g", "192.0.2.1",
	"-a", "2001:db8:0:6d73::2", "-g", "2001:db8:0:6d73::1",
	"--pid", READY_PATH, "--no-netns-quit", "--netns", NET_PATH, NULL,
};
/* clang-format on */

/* ---- pasta ----------------------------------------------------------------------------------- */

/* It shall not live longer than we do: it holds the namespace. */
static _Noreturn void become_pasta(int said, pid_t parent)
{
	sigset_t none;

	/* What is ignored stays so over an execve, and pasta of 2023 takes SIGPIPE that was for a failure. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    dup2(said, STDERR_FILENO) < 0)
		_exit(126);
	execvp(words[0], (char *const *)(uintptr_t)words);
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct wayout *w)
{
	_cleanup_fd_ int theirs = -1;
	pid_t self = getpid();
	int pair[2];

	w->again_ms = 0;
	/* Open for reading before there is who writes: it would wait for us. */
	w->ready = open(READY_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (w->ready < 0 || pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	w->said = pair[0];
	theirs = pair[1];
	w->words[0] = '\0';
	w->pid = fork();
	if (w->pid == 0)
		become_pasta(theirs, self);
	return w->pid < 0 ? -1 : 0;
}

/* The last of its lines is the reason; in harmless letters. */
static void hear(struct wayout *w)
{
	char text[4096];
	ssize_t n;

	while (w->said >= 0 && (n = read(w->said, text, sizeof(text) - 1)) >= 0) {
		char *last = text;

		/* It has closed it, which poll would tell again and again. */
		if (!n)
			cleanup_fd(&w->said);
		text[n] = '\0';
		while (n > 0 && text[n - 1] == '\n')
			text[--n] = '\0';
		for (char *c = text; *c; c++) {
			if (*c == '\n')
				last = c + 1;
			else if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
				*c = '?';
		}
		if (*last)
			snprintf(w->words, sizeof(w->words), "pasta: %.140s", last);
	}
}

static enum wayout_news has_ended(struct wayout *w, int status)
{
	bool was = w->up;

	hear(w);
	cleanup_fd(&w->ready);
	cleanup_fd(&w->said);
	w->pid = 0;
	w->up = false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		w->hopeless = true;
		snprintf(w->words, sizeof(w->words),
			 "pasta is not installed: sudo apt-get install passt");
	} else if (access(TUN_PATH, R_OK | W_OK) < 0) {
		snprintf(w->words, sizeof(w->words),
			 TUN_PATH " is not for this user: sudo chmod 666 " TUN_PATH);
	} else if (!*w->words) {
		snprintf(w->words, sizeof(w->words), "pasta ended with %s %d",
			 WIFSIGNALED(status) ? "signal" : "exit code",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
	if (was)
		w->wait_s = AGAIN_S;
	if (!w->hopeless)
		w->again_ms = time_mono_ms() + (uint64_t)(w->wait_s * 1000);
	w->wait_s = w->wait_s * 2 < AGAIN_LAST_S ? w->wait_s * 2 : AGAIN_LAST_S;
	return was ? WAYOUT_GONE : WAYOUT_NOT;
}

static bool is_ready(struct wayout *w)
{
	char pid[32];

	if (w->up || w->ready < 0 || read(w->ready, pid, sizeof(pid)) <= 0)
		return false;
	cleanup_fd(&w->ready);
	return true;
}

enum wayout_news wayout_look(struct wayout *w)
{
	int status;

	if (!w->pid) {
		if (w->again_ms && w->again_ms <= time_mono_ms() && start(w) < 0) {
			snprintf(w->words, sizeof(w->words), "start pasta: %s", strerror(errno));
			return has_ended(w, 0);
		}
		return WAYOUT_NOTHING;
	}
	hear(w);
	if (is_ready(w)) {
		w->up = true;
		return WAYOUT_IS;
	}
	return waitpid(w->pid, &status, WNOHANG) == w->pid ? has_ended(w, status) : WAYOUT_NOTHING;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static int bind_net(int net)
{
	_cleanup_free_ char *from = xasprintf("/proc/self/fd/%d", net);
	_cleanup_fd_ int file = open(NET_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return file < 0 ? -1 : mount(from, NET_PATH, NULL, MS_BIND, NULL);
}

int wayout_begin(struct wayout *w, int net)
{
	*w = (struct wayout){ .ready = -1, .said = -1, .wait_s = AGAIN_S };
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("mstack", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=700,size=64k") < 0 ||
	    bind_net(net) < 0 || mkfifo(READY_PATH, 0600) < 0) {
		snprintf(w->words, sizeof(w->words), "a place for pasta: %s", strerror(errno));
		return -1;
	}
	w->has_net = true;
	w->again_ms = 1;
	return 0;
}

void wayout_end(struct wayout *w)
{
	if (w->pid <= 0)
		return;
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
