/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * beside: lives with a firewall that drops what is forwarded, as docker and ufw set it: accepts our bridges there, and puts
 * that back when the firewall is flushed or loaded anew.
 */
#ifndef NET_BESIDE_H
#define NET_BESIDE_H

#include "net/net.h"

struct beside;

/* Listens, when there is a loop; changes nothing yet. */
struct beside *beside_open(struct net *n, net_event_fn *fn, void *arg, struct err *err);
void beside_close(struct beside *b);
void beside_carry(const struct beside *b, struct carry *to);
/* NULL: its socket was not carried over. */
struct beside *beside_resume(struct net *n, struct carry *from, net_event_fn *fn, void *arg);
/* The bridges from n->first on are accepted, where need be; what cannot be helped is told as NET_NOTE. */
int beside_accept(struct beside *b, struct err *err);

/* The kind "accept-rule": key "ip DOCKER-USER PROJECT". */
extern const struct ledger_kind beside_kind;
/* For net_find: enters what a project has in such chains. 1 found, 0 nothing, -1. `l` may be NULL. */
int beside_find(const char *project, struct ledger *l, struct err *err);

#endif
