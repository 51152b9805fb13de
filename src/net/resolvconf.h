/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolvconf.h: whom the host asks for names, and when that changes (resolv.conf(5)).
 */
#ifndef NET_RESOLVCONF_H
#define NET_RESOLVCONF_H

#include <ev.h>

#include "net/helper.h"

/* The servers of a text like /etc/resolv.conf, in their order, those of the host itself too. What is no address is left out. */
void resolvconf_parse(const char *text, struct helper_servers *ret);

struct resolvconf {
	struct ev_loop *loop;
	char *path;
	struct helper_servers servers;
	int fd;
	ev_io io;
	ev_timer settle;
	void (*changed)(void *arg);
	void *arg;
};

/* Reads it. `changed` is called when there are other servers. A host without the file has none; nothing here is an error. */
void resolvconf_open(struct resolvconf *r, struct ev_loop *loop, const char *path,
		     void (*changed)(void *arg), void *arg);
void resolvconf_close(struct resolvconf *r);

#endif
