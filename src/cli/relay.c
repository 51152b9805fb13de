/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relay: printing without waiting. Used by up in the foreground only. One packet is one text, with the descriptor it is meant
 * for in its first byte, so a text is printed whole or not at all.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/relay.h"

#define CHUNK	      32768	/* of a packet; a longer text is several */
#define ROOM	      (4 << 20) /* bytes that may wait */
#define PATIENCE_MS   100
#define LAST_WORDS_MS 2000

/*
 * Ends with its supervisor, however that ends: then the socket does. Ctrl-C and the end of the terminal are the supervisor's to answer, who has
 * something to say about them. What else a terminal sends is for both: a job that is stopped prints nothing.
 */
static _Noreturn void relay_main(int fd)
{
	bool gone[STDERR_FILENO + 1] = { false };
	char packet[CHUNK + 1];
	ssize_t n;

	/* Of the supervisor's own descriptors none may be held here. */
	dup2(fd, STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	prctl(PR_SET_NAME, "mstack-relay");
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while ((n = read(STDIN_FILENO, packet, sizeof(packet))) > 0 || (n < 0 && errno == EINTR)) {
		int to = packet[0];

		/* `up | head`: the lines have no reader any more, what is told beside them has. */
		if (n > 0 && !gone[to])
			gone[to] = fd_write_all(to, packet + 1, (size_t)n - 1) < 0;
		if (gone[STDOUT_FILENO] && gone[STDERR_FILENO])
			break;
	}
	_exit(0);
}

int cli_relay_open(struct cli_relay *ret, struct err *err)
{
	int pair[2], room = ROOM;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "socket for the output");
	/* Without the right to more, what everybody may have is enough to begin with. */
	if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	pid = fork();
	if (!pid)
		relay_main(pair[1]);
	close(pair[1]);
	*ret = (struct cli_relay){ .fd = pair[0], .pidfd = pid > 0 ? pidfd_open(pid, 0) : -1 };
	if (ret->pidfd >= 0)
		return 0;
	err_sys(err, errno, "process for the output");
	close(pair[0]);
	return -1;
}

void cli_relay_carry(const struct cli_relay *r, struct carry *to)
{
	carry_put_fd(to, "relay", r->fd);
	carry_put_fd(to, "relay-process", r->pidfd);
	carry_put_num(to, "relay-dropped", (int64_t)r->dropped);
}

int cli_relay_resume(struct cli_relay *ret, struct carry *from, struct err *err)
{
	struct cli_relay r = { .fd = carry_take_fd(from, "relay"),
			       .pidfd = carry_take_fd(from, "relay-process"),
			       .dropped = (uint64_t)carry_num(from, "relay-dropped", 0) };

	if (r.pidfd < 0)
		return cli_relay_open(ret, err);
	*ret = r;
	return 0;
}

static bool send_chunk(struct cli_relay *r, int to, const char *text, size_t len)
{
	char fd = (char)to;
	struct iovec iov[] = { { &fd, 1 }, { (void *)text, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	struct pollfd room = { .fd = r->fd, .events = POLLOUT };

	for (;;) {
		if (sendmsg(r->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EPIPE || errno == ECONNRESET)
			cleanup_fd(&r->fd);
		if (r->fd < 0 || r->stuck || poll(&room, 1, PATIENCE_MS) <= 0)
			return false;
	}
}

static void tell_dropped(struct cli_relay *r)
{
	_cleanup_free_ char *text =
		xasprintf("mstack: %lu lines were not shown because the reader was too slow; "
			  "'mstack logs' has them all\n",
			  (unsigned long)r->dropped);

	if (send_chunk(r, STDERR_FILENO, text, strlen(text)))
		r->dropped = 0;
}

void cli_relay_print(struct cli_relay *r, int to, const char *text, size_t len)
{
	bool sent = r->fd >= 0;

	if (sent && r->dropped)
		tell_dropped(r);
	for (size_t at = 0; sent && at < len; at += CHUNK)
		sent = send_chunk(r, to, text + at, len - at < CHUNK ? len - at : CHUNK);
	r->stuck = !sent;
	r->dropped += !sent;
}

void cli_relay_close(struct cli_relay *r)
{
	struct pollfd end = { .fd = r->pidfd, .events = POLLIN };

	cleanup_fd(&r->fd);
	if (r->pidfd < 0)
		return;
	if (poll(&end, 1, LAST_WORDS_MS) <= 0)
		pidfd_send_signal(r->pidfd, SIGKILL, NULL, 0);
	/* The supervisor may have reaped it already, among the strangers. */
	waitid(P_PIDFD, (id_t)r->pidfd, NULL, WEXITED);
	cleanup_fd(&r->pidfd);
}
