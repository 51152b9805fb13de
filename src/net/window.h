/* SPDX-License-Identifier: GPL-2.0-or-later */
/* window: sockets of another network namespace, for net_capture.h. */
#ifndef NET_WINDOW_H
#define NET_WINDOW_H

#include "mstack/net_capture.h"

/* A close-on-exec socket that was born in the namespace, or -1. */
int window_socket(struct net_window *w, int family, int type, int protocol, struct err *err);

#endif
