/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs, sending: where lines go beside our own files. A part of the door of logs: include mstack/logs.h.
 *
 * We wait for nobody: lines for a receiver that is slow are kept for him, 1 MiB of them, also when we die and somebody has what logs_carry names; those
 * that find no room are lost, counted, and told of in the service's own log.
 */
#ifndef MSTACK_LOGS_REMOTE_H
#define MSTACK_LOGS_REMOTE_H

#include "mstack/base.h"

enum logs_way { LOGS_SOCKET, LOGS_UDP, LOGS_TCP };
enum logs_syslog { LOGS_SYSLOG_PLAIN, LOGS_SYSLOG_3164, LOGS_SYSLOG_5424, LOGS_SYSLOG_5424_MICRO };

struct logs_remote {
	bool journald;			/* its native protocol; else syslog */
	enum logs_way way;		/* of syslog */
	const char *path;		/* LOGS_SOCKET: of datagrams, or of a stream when it is one */
	struct ip ip;
	uint16_t port;
	unsigned facility;
	enum logs_syslog format;
	const char *tag, *container, *id, *image;
	/* Who makes sockets of IP, as socket(2) does but close-on-exec and non-blocking; NULL: we. */
	int (*socket)(void *arg, int family, int type);
	void *socket_arg;
};

#endif
