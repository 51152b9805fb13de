/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portwatch: tells when bridge ports carry traffic. A port that is not forwarding yet loses the first frames silently.
 */
#ifndef NET_PORTWATCH_H
#define NET_PORTWATCH_H

#include "mstack/net.h"

struct portwatch;

struct portwatch *portwatch_open(struct ev_loop *loop, net_event_fn *fn, void *arg, struct err *err);
void portwatch_close(struct portwatch *w);
/*
 * Calls fn with NET_READY and the token, from the loop and never from here, once these ports are forwarding; after 200 ms in
 * any case. To be called before the loop runs again, so that no event is missed.
 */
void portwatch_add(struct portwatch *w, uint64_t token, const int *ports, size_t n);

#endif
