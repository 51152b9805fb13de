/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * porch.h: what the two sides of the porch say to each other, over a SOCK_SEQPACKET: porch.c on ours, porchproc.c in the host's network. Two
 * processes are there, each with a socket of its own: the porter, who is asked, and a spare, who is told nothing before it is the porter.
 */
#ifndef NET_PORCH_H
#define NET_PORCH_H

#include "mstack/base_ip.h"
#include "mstack/net_porch.h"
#include "net/porchwish.h"

#define PORCH_NAME	 "mstack-porch"
#define PORCH_SPARE_NAME "mstack-spare"

enum porch_kind {
	/* Asked, of the porter. */
	PORCH_BIND = 1, /* protocol, own: is answered by PORCH_BOUND */
	PORCH_WAY, /* with our network namespace: the way out is made; PORCH_WAY_IS follows when it is known */
	PORCH_DESK,   /* with a socket, on which sockets may be asked for: struct porch_wish */
	PORCH_SOCKET, /* wish: is answered by PORCH_BOUND */
	PORCH_SPARE,  /* with a socket: it forks a spare, which lives by that */
	/* Answered, or told. */
	PORCH_HERE,   /* the first that each of them says: pid, with a pidfd */
	PORCH_BOUND,  /* with a socket, or error and floor */
	PORCH_WAY_IS, /* error: there is none, and text says why */
	PORCH_NOTE,   /* text */
};

struct porch_message {
	uint32_t kind;
	int32_t error, pid;
	struct ip ip;
	uint16_t port, floor; /* floor: the first port that an ordinary user may have */
	uint8_t protocol;
	struct porch_wish wish;
	char text[200];
};

/* porchproc.c: lives until the other end of the socket is closed. */
_Noreturn void porch_live(int sock);

/*
 * A socket that reserves this port on the host: 0, or an errno and floor.
 */
int porch_bind(struct net_porch *p, const struct net_publish_spec *pub, int *ret_fd,
	       uint16_t *ret_floor);
/* For tests. 0: it has not been heard of yet, or there is none. */
pid_t porch_pid(const struct net_porch *p);
pid_t porch_spare_pid(const struct net_porch *p);
/* From now on fn is called when there is a new porter, who knows of no desk. NULL: no more. */
void porch_on_renewal(struct net_porch *p, void (*fn)(void *arg), void *arg);
/* A new desk: the end for who may ask. -1 with errno. */
int porch_desk(const struct net_porch *p);

#endif
