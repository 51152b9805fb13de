/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_porch: the way out and in of a stack that an ordinary user has, whose networks are in a network namespace of the user's own. A part of
 * the door of net.
 *
 * The porch is a process of ours that stays in the host's network when we leave it. It makes sockets there: those that
 * reserve published ports, which mstack-net accepts on and hands on from inside, and those by which mstack-net asks the servers of the
 * host. And it runs pasta(1), which carries what containers send outside; without that there is no way out, and ports work all
 * the same. It ends with us, pasta with it.
 *
 * Nobody of us can go back to the host's network, so the process there has a spare beside it, which takes its place when it dies and has
 * forked the next spare before it does anything else; a spare that dies is forked anew. What was made goes on: published ports, and
 * connections by them. Pasta is started again, and what went out by the old one is cut off. Only when both are killed at once, there is nobody
 * left: no way out, and no further port.
 */
#ifndef MSTACK_NET_PORCH_H
#define MSTACK_NET_PORCH_H

#include "mstack/base_carry.h"
#include "mstack/net_names.h"

struct net_porch;

/* Forks, without a spare; in the host's network, by root of a user namespace of the user's own. NULL with err. */
struct net_porch *net_porch_open(struct err *err);
/*
 * In the network namespace of our own: it forwards from now on, answers to clients of published ports find their way back, and the way
 * out and the spare are being made, which is not waited for.
 */
int net_porch_enter(struct net_porch *p, struct err *err);
/* Waits until the way out is there: NULL; else why it is not, and the command that helps. Lives as long as p. */
const char *net_porch_await(struct net_porch *p);
/* From now on fn gets NET_NOTE when the way out goes and comes again, and when the process dies, which is then replaced. */
void net_porch_hear(struct net_porch *p, struct ev_loop *loop, net_event_fn *fn, void *arg);
/* From now on net_reserve reserves ports on the host through it, all of them, also those of long ranges. Before the first. */
void net_use_porch(struct net *n, struct net_porch *p);
/* A socket of IP in the host's network that has no address and never blocks; the caller's. -1 with errno. */
int net_porch_socket(struct net_porch *p, int family, int type);
/* The processes go on without us when they are carried over (and are ended otherwise). p may be NULL, and so is what is resumed then. */
void net_porch_carry(const struct net_porch *p, struct carry *to);
/*
 * fresh: one that was opened in the host's network by who is not the process that carried it; its process becomes the spare, as of the others none may
 * be left. It is empty then, and closed by the caller. NULL: there is none.
 */
struct net_porch *net_porch_resume(struct carry *from, struct net_porch *fresh);
/* Of the process that stands there and of its spare; 0: there is none, or it has not yet said that it is there. Pasta is a child of the first. */
enum { NET_PORTERS = 2 };
void net_porch_pids(const struct net_porch *p, pid_t ret[NET_PORTERS]);
/* Are both gone, so that there is no way out any more, and no further port? p may be NULL. */
bool net_porch_is_lost(const struct net_porch *p);
/* Returns when they have ended. NULL is none. */
void net_porch_close(struct net_porch *p);

#endif
