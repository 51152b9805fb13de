/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pulls: several images at the same time. Each is pulled by a child, so that one that waits for its registry holds up nobody;
 * the children say how far they are in messages, and end with us. Called by the commands that pull.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/remote.h"

#define PARALLEL_MAX 4

enum news_kind { NEWS_LINE, NEWS_AT, NEWS_END };

/* From a child. */
struct news {
	enum news_kind kind;
	uint64_t done, total;
	char line[512];
	struct store_pull result;
};

struct worker {
	struct store_pull *pull; /* NULL: none */
	pid_t pid;
	int sock;
	bool told; /* how it ended */
};

struct crew {
	struct store *store;
	const struct store_hooks *hooks;
	struct worker workers[PARALLEL_MAX];
	uint64_t *done, *total; /* by pull */
	struct store_pull *pulls;
	size_t n, next;
};

/* ---- in the child ---------------------------------------------------------------------------- */

static void say(int sock, const struct news *news)
{
	(void)send(sock, news, sizeof(*news), MSG_NOSIGNAL);
}

static void say_line(void *arg, const char *line)
{
	struct news news = { .kind = NEWS_LINE };

	snprintf(news.line, sizeof(news.line), "%s", line);
	say(*(int *)arg, &news);
}

static void say_progress(void *arg, uint64_t done, uint64_t total)
{
	const struct news news = { .kind = NEWS_AT, .done = done, .total = total };

	say(*(int *)arg, &news);
}

static _Noreturn void work(const struct store *s, const struct store_pull *pull, int sock,
			   pid_t parent)
{
	struct store_teller t = { .tell = say_line, .progress = say_progress, .arg = &sock };
	struct news news = { .kind = NEWS_END, .result = *pull };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	news.result.failed = store_pull_one(s, &news.result, &t, &news.result.err) < 0;
	say(sock, &news);
	_exit(0);
}

/* ---- in ours --------------------------------------------------------------------------------- */

static int start(struct crew *c, struct worker *w, struct store_pull *pull, struct err *err)
{
	pid_t parent = getpid();
	int ends[2];

	assert(pull);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "socketpair");
	*w = (struct worker){ .pull = pull, .sock = ends[0], .pid = fork() };
	if (!w->pid) {
		close(ends[0]);
		work(c->store, pull, ends[1], parent);
	}
	close(ends[1]);
	if (w->pid > 0)
		return 0;
	close(ends[0]);
	w->pull = NULL;
	return err_sys(err, errno, "fork");
}

static void end(struct worker *w, bool kill_it)
{
	int status = 0;

	if (kill_it)
		kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!w->told) {
		w->pull->failed = true;
		err_set(&w->pull->err, "image '%.200s': its process was ended by %s",
			w->pull->image,
			WIFSIGNALED(status) ? sig_name(WTERMSIG(status)) : "itself");
	}
	close(w->sock);
	w->pull = NULL;
}

static void tell_progress(const struct crew *c)
{
	uint64_t done = 0, total = 0;

	for (size_t i = 0; i < c->n; i++) {
		done += c->done[i];
		total += c->total[i];
	}
	if (c->hooks->progress && total)
		c->hooks->progress(c->hooks->arg, done, total);
}

static void hear(struct crew *c, struct worker *w)
{
	size_t nr = (size_t)(w->pull - c->pulls);
	const char *image = w->pull->image;
	struct news news;

	if (recv(w->sock, &news, sizeof(news), 0) != (ssize_t)sizeof(news)) {
		end(w, true);
		return;
	}
	if (news.kind == NEWS_END) {
		*w->pull = news.result;
		w->told = true;
	} else if (news.kind == NEWS_AT) {
		c->done[nr] = news.done;
		c->total[nr] = news.total;
		tell_progress(c);
	} else if (c->hooks->tell) {
		_cleanup_free_ char *line = xasprintf("%s: %s", image, news.line);

		c->hooks->tell(c->hooks->arg, line);
	}
}

static int hear_all(struct crew *c, struct err *err)
{
	struct pollfd p[PARALLEL_MAX];

	for (size_t i = 0; i < PARALLEL_MAX; i++)
		p[i] = (struct pollfd){ c->workers[i].pull ? c->workers[i].sock : -1, POLLIN, 0 };
	if (poll(p, PARALLEL_MAX, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, errno, "poll");
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		if (p[i].revents)
			hear(c, &c->workers[i]);
	return 0;
}

/* Fills free places. Returns how many are at work, or -1. */
static int start_more(struct crew *c, struct err *err)
{
	int busy = 0;

	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		struct worker *w = &c->workers[i];

		if (!w->pull && c->next < c->n && start(c, w, &c->pulls[c->next++], err) < 0)
			return -1;
		busy += w->pull != NULL;
	}
	return busy;
}

int store_pull(struct store *s, struct store_pull *pulls, size_t n, const struct store_hooks *hooks,
	       struct err *err)
{
	_cleanup_free_ uint64_t *done = xcalloc(n + 1, sizeof(*done)),
				*total = xcalloc(n + 1, sizeof(*total));
	struct crew c = {
		.store = s, .hooks = hooks, .pulls = pulls, .n = n, .done = done, .total = total
	};
	int rc;

	while ((rc = start_more(&c, err)) > 0)
		if (hear_all(&c, err) < 0) {
			rc = -1;
			break;
		}
	for (size_t i = 0; i < PARALLEL_MAX; i++)
		if (c.workers[i].pull)
			end(&c.workers[i], true);
	return rc;
}
