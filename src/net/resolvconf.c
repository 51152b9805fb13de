/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolvconf: see resolvconf.h. Called by helper.c; the process that asks these servers can open no file, so we do. The file may be
 * written in place, replaced, or a link whose target is: its folder, itself and the folder of its target are watched.
 */
#include <ctype.h>
#include <fcntl.h>
#include <libgen.h>
#include <net/if.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "net/resolvconf.h"

#define FILE_MAX   (64u << 10)
#define SERVER_MAX 64
/* Who writes it may do so in several steps. */
#define SETTLE_S 0.05
#define WATCHED                                                                             \
	(IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | \
	 IN_DELETE_SELF | IN_MOVE_SELF)

/* ---- the text -------------------------------------------------------------------------------- */

/* "10.0.0.1", "fe80::1%eth0" */
static bool parse_server(char *text, struct helper_server *ret)
{
	char *zone = strchr(text, '%');

	*ret = (struct helper_server){ 0 };
	if (zone) {
		*zone++ = '\0';
		ret->zone = if_nametoindex(zone);
		if (!ret->zone)
			return false;
	}
	return ip_parse(text, &ret->ip) && !ip_is_zero(&ret->ip);
}

/* The first word behind the keyword, which stands at the beginning of a line. */
static bool server_in(const char *line, size_t len, char ret[SERVER_MAX])
{
	static const char keyword[] = "nameserver";
	size_t at = sizeof(keyword) - 1, n = 0;

	if (len <= at || memcmp(line, keyword, at) != 0 || !isblank((unsigned char)line[at]))
		return false;
	while (at < len && isblank((unsigned char)line[at]))
		at++;
	while (at + n < len && !isspace((unsigned char)line[at + n]))
		n++;
	if (!n || n >= SERVER_MAX)
		return false;
	memcpy(ret, line + at, n);
	ret[n] = '\0';
	return true;
}

void resolvconf_parse(const char *text, struct helper_servers *ret)
{
	*ret = (struct helper_servers){ 0 };
	while (*text && ret->n < HELPER_SERVERS) {
		size_t len = strcspn(text, "\n");
		char server[SERVER_MAX];

		if (server_in(text, len, server) && parse_server(server, &ret->v[ret->n]))
			ret->n++;
		text += len + (text[len] == '\n');
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

/* True: there are others than before. */
static bool read_file(struct resolvconf *r)
{
	struct helper_servers servers;
	struct buf text = { 0 };
	bool changed;

	file_read(AT_FDCWD, r->path, FILE_MAX, &text);
	resolvconf_parse(buf_str(&text), &servers);
	buf_fini(&text);
	changed = memcmp(&servers, &r->servers, sizeof(servers)) != 0;
	r->servers = servers;
	return changed;
}

static void watch_folder(const struct resolvconf *r, const char *path)
{
	_cleanup_free_ char *copy = xstrdup(path);

	(void)inotify_add_watch(r->fd, dirname(copy), WATCHED);
}

/* What is watched already is so once. */
static void watch(const struct resolvconf *r)
{
	_cleanup_free_ char *target = realpath(r->path, NULL);

	watch_folder(r, r->path);
	(void)inotify_add_watch(r->fd, r->path, WATCHED);
	if (target)
		watch_folder(r, target);
}

static void on_settle(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct resolvconf *r = w->data;

	(void)loop;
	(void)revents;
	watch(r);
	if (read_file(r))
		r->changed(r->arg);
}

static void on_event(struct ev_loop *loop, ev_io *w, int revents)
{
	struct resolvconf *r = w->data;
	char events[4096] __attribute__((aligned(8)));

	(void)revents;
	while (read(w->fd, events, sizeof(events)) > 0)
		;
	if (!ev_is_active(&r->settle)) {
		ev_timer_set(&r->settle, SETTLE_S, 0);
		ev_timer_start(loop, &r->settle);
	}
}

void resolvconf_open(struct resolvconf *r, struct ev_loop *loop, const char *path,
		     void (*changed)(void *arg), void *arg)
{
	*r = (struct resolvconf){
		.loop = loop, .path = xstrdup(path), .changed = changed, .arg = arg
	};
	r->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	ev_io_init(&r->io, on_event, r->fd, EV_READ);
	ev_init(&r->settle, on_settle);
	r->io.data = r->settle.data = r;
	if (r->fd >= 0) {
		watch(r);
		ev_io_start(loop, &r->io);
	}
	read_file(r);
}

void resolvconf_close(struct resolvconf *r)
{
	if (!r->path)
		return;
	if (r->fd >= 0)
		ev_io_stop(r->loop, &r->io);
	ev_timer_stop(r->loop, &r->settle);
	cleanup_fd(&r->fd);
	free(take_ptr(&r->path));
}
