/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify: what a service manager that started us wants to know (sd_notify(3), systemd.service(5)): READY=1 when all that `up --wait`
 * waits for holds, and an `up` that has taken the stack up has made what the file asks for; RELOADING=1 and READY=1 around a reload, STATUS= when it changes, WATCHDOG=1 from the loop, STOPPING=1. Called by run.c and at the end of each turn. A
 * manager that does not listen costs nothing: nothing here waits or fails.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sup/state.h"

struct sup_notify {
	int fd;
	ev_timer watchdog;
	bool ready, reloading, stopping;
	char status[160]; /* the last one that was told */
};

static void send_text(const struct sup_notify *n, const char *text)
{
	/* A full queue of the manager's is no reason to wait: the next turn tells more. */
	(void)!send(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

/* An absolute path, or a name with @ in front for one that is in no folder. */
static int connect_manager(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd;

	if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, name, len);
	if (*name == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		cleanup_fd(&fd);
	return fd;
}

/* In seconds; 0: nobody watches us. It may be another process of ours that is meant. */
static ev_tstamp watched(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;
	unsigned long long n = usec ? strtoull(usec, &end, 10) : 0;

	if (!n || *end || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return (ev_tstamp)n / 1000000;
}

/* Half of what it allows, so that one turn that takes long is not the end. */
static void watchdog_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	send_text(w->data, "WATCHDOG=1");
}

void sup_notify_open(struct sup *s)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int fd = name ? connect_manager(name) : -1;
	ev_tstamp every = watched() / 2;
	struct sup_notify *n;

	if (fd < 0)
		return;
	n = s->notify = xcalloc(1, sizeof(*n));
	n->fd = fd;
	ev_timer_init(&n->watchdog, watchdog_cb, every, every);
	n->watchdog.data = n;
	if (every > 0)
		ev_timer_start(s->loop, &n->watchdog);
}

void sup_notify_close(struct sup *s)
{
	struct sup_notify *n = take_ptr(&s->notify);

	if (!n)
		return;
	ev_timer_stop(s->loop, &n->watchdog);
	cleanup_fd(&n->fd);
	free(n);
}

/* ---- what there is to tell ------------------------------------------------------------------- */

/* "2 of 3 containers run, 1 waiting" */
static void status_words(const struct sup *s, struct buf *ret)
{
	static const struct {
		const char *state, *word;
	} others[] = {
		{ "created", "waiting" }, { "restarting", "restarting" }, { "exited", "ended" },
		{ "dead", "dead" },	  { "paused", "paused" },
	};
	size_t count[ARRAY_LEN(others)] = { 0 }, all = 0, run = 0, bad = 0;

	for (size_t i = 0; i < s->n_slots; i++) {
		const struct sup_slot *slot = &s->slots[i];
		const char *state = sup_is_service(slot) ? svc_compose_state(&slot->svc) : NULL;

		for (size_t k = 0; state && k < ARRAY_LEN(others); k++)
			count[k] += !strcmp(state, others[k].state);
		all += state != NULL;
		run += state && !strcmp(state, "running");
		bad += state && slot->health.state == HEALTH_BAD;
	}
	buf_printf(ret, "%zu of %zu containers run", run, all);
	for (size_t k = 0; k < ARRAY_LEN(others); k++)
		if (count[k])
			buf_printf(ret, ", %zu %s", count[k], others[k].word);
	if (bad)
		buf_printf(ret, ", %zu unhealthy", bad);
}

static void tell_status(struct sup *s)
{
	_cleanup_(buf_fini) struct buf words = { 0 }, text = { 0 };
	struct sup_notify *n = s->notify;

	if (s->ending == ENDING_NO)
		status_words(s, &words);
	else
		buf_puts(&words, "stopping");
	if (!strcmp(buf_str(&words), n->status))
		return;
	snprintf(n->status, sizeof(n->status), "%s", buf_str(&words));
	buf_printf(&text, "STATUS=%s", n->status);
	send_text(n, buf_str(&text));
}

/* sd_notify(3): by the time a manager of 253 and later tells this reload from an earlier one. */
static void tell_reload(const struct sup *s, struct sup_notify *n)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	n->reloading = s->reload != NULL;
	if (n->reloading)
		buf_printf(&text, "RELOADING=1\nMONOTONIC_USEC=%llu",
			   (unsigned long long)time_mono_ms() * 1000);
	else
		buf_puts(&text, "READY=1");
	send_text(n, buf_str(&text));
}

void sup_notify_look(struct sup *s)
{
	struct sup_notify *n = s->notify;

	if (!n)
		return;
	tell_status(s);
	if (s->ending != ENDING_NO && !n->stopping) {
		n->stopping = true;
		send_text(n, "STOPPING=1");
	} else if (s->ending == ENDING_NO && !n->ready && !s->reload && sup_is_well(s)) {
		n->ready = true;
		send_text(n, "READY=1");
	} else if (s->ending == ENDING_NO && n->ready && n->reloading != (s->reload != NULL)) {
		tell_reload(s, n);
	}
}
