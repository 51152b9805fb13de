/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording: see recording.h. One loop: packets in their order into the output, interfaces as they come and go, signals. It waits
 * for the output like for all the rest, so that a reader who stands still keeps nobody from ending it; what comes in meanwhile
 * and finds no room is counted by the kernel.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/pcapng.h"
#include "cli/recording.h"

#define NS_PER_MS   UINT64_C(1000000)
#define NS_PER_S    UINT64_C(1000000000)
#define SOURCES_MAX 512
#define LATE_NS	    (2 * NET_CAPTURE_LATE_MS * NS_PER_MS)
#define PATIENCE_MS 2000 /* for the reader of what is written at the end */

bool recording_wants(const struct recording_place *p, const struct net_window_link *l)
{
	for (size_t i = 0; i < p->ifnames.n; i++)
		if (!strcmp(p->ifnames.v[i], l->name))
			return true;
	return p->all && !l->loopback;
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static char *description(const struct recording *r, const struct recording_place *p,
			 const struct net_window_link *l)
{
	const char *network = json_string_value(json_object_get(p->networks, l->name));

	if (l->loopback)
		return xasprintf("loopback of %s in stack %s", p->slot, r->project);
	return network && *network ? xasprintf("%s on network %s", p->slot, network)
				   : xasprintf("%s in stack %s", p->slot, r->project);
}

/* For a reader that resolves names: who has these addresses. Loopback's are everybody's. */
static void add_names(struct recording *r, const struct recording_place *p,
		      const struct net_window_link *l)
{
	struct VEC(struct pcapng_name) names = { 0 };

	for (size_t i = 0; !l->loopback && i < l->n_addrs; i++)
		vec_push(&names, ((struct pcapng_name){ p->slot, &l->addrs[i] }));
	if (names.n)
		pcapng_names(&r->out->buf, names.v, names.n);
	vec_fini(&names);
}

static int add(struct recording *r, const struct recording_place *p,
	       const struct net_window_link *l, struct err *err)
{
	_cleanup_free_ char *about = description(r, p, l);
	int rc;

	if (r->sources.n >= SOURCES_MAX)
		return 1;
	rc = sources_add(&r->sources, p->window, l, xasprintf("%s:%s", p->slot, l->name), about, p,
			 r->out, err);
	if (!rc)
		add_names(r, p, l);
	return rc;
}

static void say_interface(struct recording *r, const char *name, const char *what)
{
	_cleanup_free_ char *text = xasprintf("%s %s", name, what);

	cli_say(&r->term, SUP_NOTE, NULL, text);
}

static bool is_there(const struct net_window_links *links, int index)
{
	for (size_t i = 0; i < links->n; i++)
		if (links->v[i].index == index)
			return true;
	return false;
}

/* One that is gone and another one of its name are two. */
static int look(struct recording *r, const struct recording_place *p, bool first, struct err *err)
{
	struct net_window_links links;
	int rc = 0;

	if (net_window_list(p->window, &links, err))
		return err_wrap(err, "%s", p->slot);
	for (size_t i = 0; i < r->sources.n; i++) {
		struct source *s = &r->sources.v[i];

		if (s->place != p || s->gone_ns || is_there(&links, s->index))
			continue;
		sources_gone(s);
		say_interface(r, s->name, "is gone");
	}
	for (size_t i = 0; rc >= 0 && i < links.n; i++) {
		const struct net_window_link *l = &links.v[i];

		if (!recording_wants(p, l) || sources_find(&r->sources, p, l->index))
			continue;
		rc = add(r, p, l, err);
		if (!rc && !first)
			say_interface(r, r->sources.v[r->sources.n - 1].name,
				      "has come, and is recorded too");
	}
	net_window_links_fini(&links);
	return rc < 0 ? -1 : 0;
}

/* ---- begin ----------------------------------------------------------------------------------- */

static void begin_section(struct recording *r)
{
	_cleanup_free_ char *comment = xasprintf("stack '%s'", r->project), *os = NULL;
	struct utsname u;

	if (!uname(&u))
		os = xasprintf("%s %s", u.sysname, u.release);
	pcapng_section(&r->out->buf, comment, os, "mstack " MSTACK_VERSION);
}

static void say_begin(struct recording *r)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	buf_puts(&text, "recording ");
	for (size_t i = 0; i < r->sources.n; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", r->sources.v[i].name);
	if (!r->count && r->seconds < 0)
		buf_puts(&text, "; Ctrl-C ends it");
	cli_say(&r->term, SUP_PROGRESS, NULL, buf_str(&text));
}

static int take_signals(void)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		sigaddset(&set, taken[i]);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int begin(struct recording *r, struct err *err)
{
	r->sources = (struct sources){ .spec = &r->how, .max = r->count };
	r->signals = take_signals();
	begin_section(r);
	for (size_t i = 0; i < r->n_places; i++)
		if (look(r, &r->places[i], true, err) < 0)
			return -1;
	if (r->seconds >= 0)
		r->end_ns = time_mono_ns() + (uint64_t)r->seconds * NS_PER_S;
	say_begin(r);
	return 0;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Packets that are in are still written; who asks twice does not wait for them. */
static void stop(struct recording *r)
{
	if (r->stop_ns)
		r->over = true;
	else
		sources_stop(&r->sources);
	r->stop_ns = time_mono_ns() + LATE_NS;
}

static void hear_signals(struct recording *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof(si)) == sizeof(si))
		stop(r);
}

static void lower(int *timeout_ms, uint64_t end_ns)
{
	uint64_t now = time_mono_ns(), left = end_ns > now ? (end_ns - now) / NS_PER_MS + 1 : 0;

	if (end_ns && (*timeout_ms < 0 || (uint64_t)*timeout_ms > left))
		*timeout_ms = (int)(left < INT32_MAX ? left : INT32_MAX);
}

/* Signals, the stack's end, the output, then a window for each place, then packets. */
enum { SIGNALS, ALIVE, OUTPUT, FIXED };

static void hear_places(struct recording *r, const struct pollfd *fds)
{
	struct err err = { 0 };

	for (size_t i = 0; i < r->n_places; i++)
		if (fds[FIXED + i].revents && look(r, &r->places[i], false, &err) < 0)
			cli_say(&r->term, SUP_WARNING, NULL, err.text);
}

static void clear_errors(struct recording *r, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < r->sources.n; i++)
		for (size_t k = FIXED + r->n_places; k < n; k++)
			if (fds[k].revents & (POLLERR | POLLHUP) &&
			    fds[k].fd == net_capture_fd(r->sources.v[i].ring))
				net_capture_clear(r->sources.v[i].ring);
}

static void hear(struct recording *r, const struct pollfd *fds, size_t n, bool blocked)
{
	if (fds[SIGNALS].revents)
		hear_signals(r);
	if (fds[ALIVE].revents) {
		r->alive = -1;
		cli_say(&r->term, SUP_NOTE, NULL, "the stack is down");
		stop(r);
	}
	if (!blocked && fds[OUTPUT].revents & (POLLERR | POLLHUP))
		r->out->gone = true;
	hear_places(r, fds);
	clear_errors(r, fds, n);
}

/* `more`: only looks. */
static void wait_for_any(struct recording *r, bool blocked, bool more)
{
	size_t n = FIXED + r->n_places;
	_cleanup_free_ struct pollfd *fds = xcalloc(n + r->sources.n, sizeof(*fds));
	int timeout_ms = more ? 0 : -1;

	fds[SIGNALS] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
	fds[ALIVE] = (struct pollfd){ .fd = r->alive, .events = POLLIN };
	/* A reader that goes is an error of the pipe, which is heard unasked. */
	fds[OUTPUT] = (struct pollfd){ .fd = r->out->regular ? -1 : r->out->fd,
				       .events = blocked ? POLLOUT : 0 };
	for (size_t i = 0; i < r->n_places; i++)
		fds[FIXED + i] = (struct pollfd){ .fd = net_window_fd(r->places[i].window),
						  .events = POLLIN };
	if (!blocked)
		sources_poll(&r->sources, fds, &n, &timeout_ms);
	lower(&timeout_ms, r->end_ns);
	lower(&timeout_ms, r->stop_ns);
	if (poll(fds, n, timeout_ms) > 0)
		hear(r, fds, n, blocked);
}

static void look_at_end(struct recording *r)
{
	uint64_t now = time_mono_ns();

	if (r->end_ns && now >= r->end_ns) {
		r->end_ns = 0;
		stop(r);
	}
	r->over |= r->stop_ns && now >= r->stop_ns;
	r->over |= !r->sources.n || r->out->gone || sources_full(&r->sources);
}

/* All that is there, then the statistics; not for ever when nobody reads it. */
static int finish(struct recording *r, struct err *err)
{
	bool more = true;
	int rc = 0;

	r->sources.draining = true;
	while (more || rc > 0) {
		if (more && !rc)
			more = sources_merge(&r->sources, r->out);
		if (!more)
			sources_close(&r->sources, true, r->out);
		rc = capout_flush(r->out, err);
		if (rc < 0)
			return -1;
		if (rc > 0 && poll(&(struct pollfd){ .fd = r->out->fd, .events = POLLOUT }, 1,
				   PATIENCE_MS) <= 0)
			return err_set(
				err, "nobody reads from '%s': the end of the recording is missing",
				r->out->path);
	}
	return 0;
}

static void say_end(struct recording *r, uint32_t interfaces)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long written = r->sources.written, lost = r->sources.lost;

	text = xasprintf("%llu packet%s of %u interface%s recorded%s%s, %llu lost", written,
			 written == 1 ? "" : "s", interfaces, interfaces == 1 ? "" : "s",
			 strcmp(r->out->path, "-") ? " in " : "",
			 strcmp(r->out->path, "-") ? r->out->path : "", lost);
	cli_say(&r->term, lost ? SUP_WARNING : SUP_PROGRESS, NULL, text);
	if (lost)
		cli_say(&r->term, SUP_NOTE, NULL,
			"lost are packets that came faster than they could be written: record less of each (-s 128), "
			"fewer (--filter), or give it more memory (-B)");
}

static int loop(struct recording *r, struct err *err)
{
	bool more = false;
	int rc = 0;

	while (!r->over) {
		if (!rc)
			more = sources_merge(&r->sources, r->out);
		sources_close(&r->sources, false, r->out);
		rc = capout_flush(r->out, err);
		if (rc < 0)
			return -1;
		look_at_end(r);
		if (!r->over)
			wait_for_any(r, rc > 0, more);
	}
	return finish(r, err);
}

int recording_run(struct recording *r, struct err *err)
{
	int rc = begin(r, err);

	if (rc) {
		capout_drop(r->out);
	} else {
		rc = loop(r, err);
		sources_close(&r->sources, true, r->out);
		say_end(r, r->sources.ids);
	}
	sources_fini(&r->sources);
	cleanup_fd(&r->signals);
	return rc;
}
