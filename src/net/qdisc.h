/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qdisc: the queues at one end of an impaired link, as rtnetlink messages. Building and sending are apart.
 *
 * The outer queue (tbf, handle 4d53:) holds nothing back: it takes segments apart that were sent as one (TSO, GSO), whoever made
 * them, so that the inner one (netem, or tbf for a rate alone; 4d54:) loses, delays and counts what are packets on a wire.
 */
#ifndef NET_QDISC_H
#define NET_QDISC_H

#include "net/nl.h"

/* The outer one; mtu: of the link. Until the inner one is there it is a plain queue. */
void qdisc_put_frames(struct nl_batch *b, int index, unsigned mtu);
/* The inner one. All values are told to the kernel, which keeps an old one where it is told none. */
void qdisc_put_netem(struct nl_batch *b, int index, const struct impair *im);
/* Instead of it, where there is no netem: the rate alone, or none. */
void qdisc_put_rate(struct nl_batch *b, int index, unsigned mtu, const struct impair *im);
/* Both, with what waits in them; that there are none is no error. */
void qdisc_put_delete(struct nl_batch *b, int index);
/* 1: this answer to RTM_GETQDISC is a netem that knows its seed; 0: one that does not; -1: no netem. */
void qdisc_put_list(struct nl_batch *b, int index);
int qdisc_has_seed(const struct nlmsghdr *m);

#define LO_INDEX 1 /* of every namespace, from its beginning: to try queues on */

/* How many packets may wait when nobody has said it. */
uint32_t qdisc_limit(const struct impair *im);

#endif
