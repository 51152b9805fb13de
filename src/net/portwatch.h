/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portwatch: tells when slots carry traffic. A bridge port that does not forward yet, or a
 * bridge that the kernel has not put to work after its first port came up, loses frames
 * silently; the kernel gets both done on its own time.
 */
#ifndef NET_PORTWATCH_H
#define NET_PORTWATCH_H

#include "mstack/base_carry.h"
#include "mstack/net.h"

struct portwatch;

struct portwatch_link {
	int port; /* index of the host end */
	int bridge;
};

struct portwatch *portwatch_open(struct ev_loop *loop, net_event_fn *fn, void *arg,
				 struct err *err);
void portwatch_close(struct portwatch *w);
/* Does anybody wait? */
bool portwatch_busy(const struct portwatch *w);
void portwatch_carry(const struct portwatch *w, struct carry *to);
/* NULL: its socket was not carried over. */
struct portwatch *portwatch_resume(struct ev_loop *loop, struct carry *from, net_event_fn *fn,
				   void *arg);
/* Which bridges there are; before any of them has a port. */
int portwatch_bridges(struct portwatch *w, const int *bridges, size_t n, struct err *err);
/*
 * Calls fn with NET_READY and the token, from the loop and never from here, once all these
 * carry traffic; after 200 ms in any case. To be called before the loop runs again, so
 * that no event is missed. fn must not close the watch.
 */
void portwatch_add(struct portwatch *w, uint64_t token, const struct portwatch_link *links,
		   size_t n);

#endif
