/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mstack-fetch: the process that talks to registries, so that nobody else has to. Started by the room store, see
 * store/fetcher.h for what they say to each other. A program of its own beside the one that unpacks, so that each has only
 * the rights and the libraries of its own work.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/fetch/fetch.h"

#define SOCK STDIN_FILENO

/* The message, and the descriptor that came with it or -1. 1, 0 at the end, -1. */
static int receive(void *message, size_t size, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { message, size };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(SOCK, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*ret_fd = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return n <= 0 ? 0 : (size_t)n == size ? 1 : -1;
}

static struct task *free_task(struct session *s)
{
	for (size_t i = 0; i < FETCH_PARALLEL; i++)
		if (!s->tasks[i].busy)
			return &s->tasks[i];
	return NULL;
}

/* 1, 0 at the end, -1 what came is no request of ours. */
static int take_request(struct session *s)
{
	struct fetch_request req = { 0 };
	int fd, rc = receive(&req, sizeof(req), &fd);
	struct task *t = free_task(s);

	if (rc <= 0 || !t)
		return rc <= 0 ? rc : -1;
	req.digest[sizeof(req.digest) - 1] = req.what[sizeof(req.what) - 1] = '\0';
	task_begin(t, s, &req, fd);
	return 1;
}

static void go_on(struct session *s)
{
	int running, left;
	const CURLMsg *m;
	struct task *t;

	curl_multi_perform(s->multi, &running);
	while ((m = curl_multi_info_read(s->multi, &left))) {
		CURLcode how = m->data.result;

		if (m->msg == CURLMSG_DONE &&
		    !curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t))
			task_go_on(t, how);
	}
}

/* Wakes whose time has come. Returns how long nothing need be done. */
static int wake(struct session *s)
{
	uint64_t now = time_mono_ms(), next = now + 60000;

	for (size_t i = 0; i < FETCH_PARALLEL; i++) {
		struct task *t = &s->tasks[i];

		if (t->busy && t->wake_ms && t->wake_ms <= now)
			task_wake(t);
		if (t->busy && t->wake_ms && t->wake_ms < next)
			next = t->wake_ms;
	}
	return (int)(next - now);
}

static int run(struct session *s)
{
	for (;;) {
		struct curl_waitfd requests = { .fd = SOCK, .events = CURL_WAIT_POLLIN };
		int ms = wake(s), rc;

		go_on(s);
		/* An answer may have led to a wait, or to the next question. */
		rc = wake(s);
		if (curl_multi_poll(s->multi, &requests, 1, rc < ms ? rc : ms, NULL))
			return 1;
		rc = requests.revents ? take_request(s) : 1;
		if (rc <= 0)
			return rc < 0;
	}
}

static int complain(const char *why)
{
	struct fetch_reply r = { .kind = FETCH_FAILED };

	snprintf(r.text, sizeof(r.text), "%s", why);
	(void)send(SOCK, &r, sizeof(r), MSG_NOSIGNAL);
	return 1;
}

/* Store ends its texts; nothing follows from it if one day it should not. */
static void end_texts(struct fetch_open *o)
{
	o->registry[sizeof(o->registry) - 1] = '\0';
	o->repository[sizeof(o->repository) - 1] = '\0';
	o->user[sizeof(o->user) - 1] = '\0';
	o->secret[sizeof(o->secret) - 1] = '\0';
	o->ca_file[sizeof(o->ca_file) - 1] = '\0';
}

static int set_up(struct session *s, struct err *err)
{
	_cleanup_free_ char *host = NULL;

	end_texts(&s->open);
	host = xstrdup(s->open.registry);
	/* [::1]:5000, localhost:5000 */
	host[*host == '[' ? strcspn(host, "]") : strcspn(host, ":")] = '\0';
	s->loopback = s->plain = challenge_is_loopback(host);
	if (fetch_isolate(s->open.ca_file, err) < 0)
		return -1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(s->multi = curl_multi_init()))
		return err_sys(err, ENOMEM, "libcurl");
	return 0;
}

int main(void)
{
	struct task tasks[FETCH_PARALLEL] = { 0 };
	struct session s = { .sock = SOCK, .tasks = tasks };
	struct err err = { 0 };
	int fd;

	if (receive(&s.open, sizeof(s.open), &fd) != 1) {
		fputs(FETCHER_NAME ": this program is started by mstack\n", stderr);
		return 2;
	}
	if (set_up(&s, &err) < 0)
		return complain(err.text);
	/* What is under way ends with the process. */
	return run(&s);
}
