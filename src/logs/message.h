/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: one line as journald and syslog want it. Pure but for the local time of older syslog formats. Used by delivery.
 */
#ifndef LOGS_MESSAGE_H
#define LOGS_MESSAGE_H

#include "mstack/logs.h"

struct message_from {
	const char *host; /* name of this one */
	int pid;	  /* ours */
};

/* A datagram of journald's native protocol: systemd's "Native Journal Protocol". */
void message_journald(struct buf *out, const struct logs_remote *to, const struct logs_line *line);
/* Formats as docker has them: the plain one is that of syslog(3), RFC 3164, RFC 5424. Without a newline. */
void message_syslog(struct buf *out, const struct logs_remote *to, const struct message_from *from,
		    const struct logs_line *line);

#endif
