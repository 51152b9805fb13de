/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetching: runs mstack-fetch, the process without rights that talks to registries, tells it what we want, and hears what it
 * says. It gets files to write into as descriptors. What it brings is looked at again by those who read it: this process
 * trusts neither the registry nor the fetcher. Called by pull.c. Waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "store/remote.h"

/* It gives up by itself long before; this is for one that hangs. */
#define HANGS_MS 600000

/* ---- the process ----------------------------------------------------------------------------- */

/* What libcurl looks at. Names of proxies only: nothing else of our environment is its business. */
static const char *const handed_on[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					 "ALL_PROXY",  "no_proxy",    "NO_PROXY" };

/* Returns 0 or an errno. */
static int spawn(const char *program, int sock, pid_t *ret_pid)
{
	char *const argv[] = { (char *)FETCHER_NAME, NULL };
	char *env[ARRAY_LEN(handed_on) + 2] = { xstrdup("LC_ALL=C.UTF-8") };
	posix_spawn_file_actions_t files;
	size_t n = 1;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(handed_on); i++)
		if (getenv(handed_on[i]))
			env[n++] = xasprintf("%s=%s", handed_on[i], getenv(handed_on[i]));
	posix_spawn_file_actions_init(&files);
	if (posix_spawn_file_actions_adddup2(&files, sock, 0) ||
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_RDWR, 0) ||
	    posix_spawn_file_actions_addchdir_np(&files, "/"))
		rc = ENOMEM;
	else
		rc = program_spawn(program, &files, argv, env, ret_pid);
	posix_spawn_file_actions_destroy(&files);
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	return rc;
}

static int send_message(int sock, const void *message, size_t size, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)message, size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

void store_fetcher_close(struct store_fetcher *f)
{
	if (f->pid) {
		kill(f->pid, SIGKILL);
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	f->pid = 0;
	cleanup_fd(&f->sock);
}

int store_fetcher_open(const struct fetch_open *open, const struct store_teller *t,
		       struct store_fetcher *ret, struct err *err)
{
	_cleanup_free_ char *program = program_find(FETCHER_NAME, FETCHER_VARIABLE);
	struct store_fetcher f = { .sock = -1, .teller = t };
	_cleanup_fd_ int theirs = -1;
	int ends[2], rc;

	if (!program)
		return err_sys(err, ENOENT,
			       FETCHER_NAME " is not beside the mstack program "
					    "(set MSTACK_FETCH_BIN, or install mstack anew)");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "socketpair");
	f.sock = ends[0];
	theirs = ends[1];
	memcpy(f.registry, open->registry, sizeof(f.registry));
	rc = spawn(program, theirs, &f.pid);
	if (rc) {
		f.pid = 0;
		store_fetcher_close(&f);
		return err_sys(err, rc, "start '%s'", program);
	}
	if (send_message(f.sock, open, sizeof(*open), -1) < 0) {
		rc = errno;
		store_fetcher_close(&f);
		return err_sys(err, rc, "talk to " FETCHER_NAME);
	}
	*ret = f;
	return 0;
}

/* ---- what it says ---------------------------------------------------------------------------- */

/* Of strangers, by way of a process that they may have taken over. */
static void make_harmless(struct fetch_reply *r)
{
	char *const texts[] = { r->digest, r->type, r->text };
	const size_t sizes[] = { sizeof(r->digest), sizeof(r->type), sizeof(r->text) };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		texts[i][sizes[i] - 1] = '\0';
		for (char *c = texts[i]; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = '?';
	}
}

static int ended(struct store_fetcher *f, struct err *err)
{
	int status = 0;

	kill(f->pid, SIGKILL);
	while (waitpid(f->pid, &status, 0) < 0 && errno == EINTR)
		;
	f->pid = 0;
	if (WIFSIGNALED(status))
		return err_set(err, FETCHER_NAME " was ended by %s", sig_name(WTERMSIG(status)));
	return err_set(err, FETCHER_NAME " ended with status %d", WEXITSTATUS(status));
}

static int hear(struct store_fetcher *f, struct fetch_reply *r, struct err *err)
{
	struct pollfd p = { .fd = f->sock, .events = POLLIN };
	ssize_t n;
	int rc;

	do
		rc = poll(&p, 1, HANGS_MS);
	while (rc < 0 && errno == EINTR);
	if (rc <= 0)
		return rc < 0 ? err_sys(err, errno, "poll")
			      : err_set(err, FETCHER_NAME " does not answer any more");
	n = recv(f->sock, r, sizeof(*r), 0);
	if (n != (ssize_t)sizeof(*r))
		return ended(f, err);
	make_harmless(r);
	return 0;
}

/* What to do about it, by what HTTP calls it. */
static const char *advice(int status)
{
	static const struct {
		int from, to;
		const char *text;
	} rows[] = {
		{ 401, 403,
		  ": log in with `docker login`, see to it that the account may pull, and that the name is right" },
		{ 404, 404, ": look at the spelling of the name and the tag" },
		{ 429, 429, ": it limits how much is pulled; log in with `docker login`, or wait" },
		{ 500, 599, ": the registry has a problem; try again later" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (status >= rows[i].from && status <= rows[i].to)
			return rows[i].text;
	return "";
}

static int failed(const struct store_fetcher *f, const struct fetch_reply *r, struct err *err)
{
	err_set(err, "registry '%s': %s%s", f->registry, r->text,
		r->unreachable ? " (is it up, and can it be reached from here?)"
			       : advice(r->status));
	err->sys = r->status == 404 ? ENOENT : r->sys;
	return -1;
}

static void tell_progress(const struct store_fetcher *f, const struct store_fetch *jobs, size_t n)
{
	uint64_t done = 0, total = 0;

	for (size_t i = 0; i < n; i++) {
		if (!jobs[i].counts)
			return;
		done += jobs[i].at;
		total += jobs[i].req.size;
	}
	if (f->teller->progress)
		f->teller->progress(f->teller->arg, done, total);
}

/* 1 one is done, 0 not, -1. */
static int take_reply(struct store_fetcher *f, struct store_fetch *jobs, size_t n, struct err *err)
{
	struct fetch_reply r;
	struct store_fetch *j;

	if (hear(f, &r, err) < 0)
		return -1;
	j = r.nr < n ? &jobs[r.nr] : NULL;
	if (r.kind == FETCH_FAILED)
		return failed(f, &r, err);
	if (!j)
		return err_set(err, FETCHER_NAME " speaks of what nobody asked for");
	if (r.kind == FETCH_NOTE) {
		store_tell(f->teller, "registry '%s': %s", f->registry, r.text);
		return 0;
	}
	j->at = r.bytes < j->req.size ? r.bytes : j->req.size;
	if (r.kind == FETCH_DONE)
		j->reply = r;
	return r.kind == FETCH_DONE;
}

int store_fetch_all(struct store_fetcher *f, struct store_fetch *jobs, size_t n, struct err *err)
{
	size_t asked = 0, done = 0;

	while (done < n) {
		int rc;

		while (asked < n && asked - done < FETCH_PARALLEL) {
			struct store_fetch *j = &jobs[asked];

			j->req.nr = (uint32_t)asked++;
			if (send_message(f->sock, &j->req, sizeof(j->req), j->fd) < 0)
				return ended(f, err);
		}
		rc = take_reply(f, jobs, n, err);
		if (rc < 0)
			return -1;
		done += (size_t)rc;
		tell_progress(f, jobs, n);
	}
	return 0;
}
