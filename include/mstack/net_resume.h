/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net_resume: the network of a stack and its names, handed to the program that takes our place by execve (base_carry.h). A part of the
 * door of net. Traffic notices nothing: rules, links and reserved ports are held by sockets that stay open.
 */
#ifndef MSTACK_NET_RESUME_H
#define MSTACK_NET_RESUME_H

#include "mstack/base_carry.h"
#include "mstack/net_names.h"

/* An event that somebody was promised has not been told yet: not the moment to carry it over. */
bool net_busy(const struct net *n);
void net_carry(const struct net *n, struct carry *to);
/* As net_open, net_reserve and net_up for what is there. Of the spec bridges and wires count by their names on the host; all bridges that are not gone must be there. */
struct net *net_resume(struct ev_loop *loop, const struct net_spec *spec, struct carry *from, struct ledger *ledger,
		       net_event_fn *fn, void *arg, struct err *err);
/* Then, where its supervisor died: wires that it had made and nobody knows of go; tables of such wires are ours. */
void net_forgotten(struct net *n);

/*
 * The process that answers goes on when it was started from the program of ours, else another one is started; questions wait meanwhile. net_names_resume is
 * net_names_open up to where the process is told something: what net_names_networks, _add, _up, _proxy and net_names_listens say is noted
 * until net_names_resumed. That fails when no process can be started. exact: what was carried is all that the process was told; else it is told all
 * again, and goes on with what it hands on.
 */
void net_names_carry(const struct net_names *n, struct carry *to);
struct net_names *net_names_resume(struct ev_loop *loop, const char *resolv_conf, struct net_porch *porch, bool outlives,
				   net_event_fn *fn, void *arg);
/* It was listened to before: as net_names_listen, but the way to its sockets is there. */
void net_names_listens(struct net_names *n, uint32_t slot, const struct net_names_sockets *sockets);
int net_names_resumed(struct net_names *n, struct carry *from, bool exact, struct err *err);

#endif
