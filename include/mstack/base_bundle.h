/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_bundle: a tree (base_carry.h) and the descriptors that it names, on their way to another process. A part of the door of base. Who
 * keeps a bundle need not understand it: it is passed on as it came. It counts when all of it has come, and replaces the one before
 * at once; half a bundle is none.
 */
#ifndef MSTACK_BASE_BUNDLE_H
#define MSTACK_BASE_BUNDLE_H

#include "mstack/base_carry.h"

struct bundle_fds VEC(int);

/* A whole one, and the next one as far as it has come. All zero is none. */
struct bundle {
	int tree;	/* the memory file; meaningless unless `whole` */
	struct bundle_fds fds;
	bool whole;
	bool begun;
	int next_tree;
	struct bundle_fds next_fds;
	uint32_t awaited;	/* so many descriptors will have come */
	uint32_t number;	/* of the last packet's bundle, as its sender counts them */
};

/*
 * To the other end of a SOCK_SEQPACKET socket. 0; 1 that has no room, and nothing of it counts; -1. Who sends
 * without waiting begins anew after a 1. The number comes back in bundle.number.
 */
int bundle_send(int sock, uint32_t number, int tree, const int *fds, size_t n, struct err *err);
/* What was sent before does not count any more. As bundle_send. */
int bundle_send_none(int sock, uint32_t number, struct err *err);

enum bundle_got { BUNDLE_PART, BUNDLE_WHOLE, BUNDLE_NONE, BUNDLE_EMPTY, BUNDLE_CUT, BUNDLE_CLOSED };
/*
 * One packet. PART: there is more to come; WHOLE: one is complete; NONE: nothing is kept any more; EMPTY: nothing there yet (EAGAIN);
 * CUT: descriptors of it are lost, as this process may have no more open files, and it will not be whole; CLOSED: the other end is gone, or spoke another language.
 */
enum bundle_got bundle_recv(int sock, struct bundle *p);
/* Closes all of it. */
void bundle_fini(struct bundle *p);
/* The tree of a whole one with its descriptors, which it takes over. NULL with err, and then the bundle is as it was. */
struct carry *bundle_open(struct bundle *p, struct err *err);

#endif
