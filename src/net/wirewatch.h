/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wirewatch: listens to the kernel's events about the host ends of wires: tells when a wire carries
 * frames, and lets one end lose its carrier when the other one has lost it, as a cable does.
 */
#ifndef NET_WIREWATCH_H
#define NET_WIREWATCH_H

#include "net/net.h"

struct wirewatch *wirewatch_open(struct net *n, net_event_fn *fn, void *arg, struct err *err);
void wirewatch_carry(const struct wirewatch *w, struct carry *to);
struct wirewatch *wirewatch_resume(struct net *n, struct carry *from, net_event_fn *fn, void *arg);
void wirewatch_close(struct wirewatch *w);
/* This wire has just been made: NET_WIRED is told from the loop, never from here. */
void wirewatch_add(struct wirewatch *w, size_t wire);
/* Sets both host ends as the wire is now. */
int wirewatch_follow(struct net *n, size_t wire, struct err *err);

#endif
