/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wayout: runs pasta(1), in the process that is in the host's network. Pasta is told a network namespace and carries what is sent there to
 * sockets of the host; it opens no port by itself, and leads nobody to the host's own loopback.
 */
#ifndef NET_WAYOUT_H
#define NET_WAYOUT_H

#include <sys/types.h>

#include "mstack/base.h"

enum wayout_news {
	WAYOUT_NOTHING,
	WAYOUT_IS,   /* it is there */
	WAYOUT_NOT,  /* it could not be made: words say why */
	WAYOUT_GONE, /* it was there: likewise */
};

struct wayout {
	bool has_net;	 /* wayout_begin */
	pid_t pid;	 /* 0: none runs */
	int ready, said; /* what pasta says when it is, and what it complains of */
	bool up, hopeless;
	double wait_s;
	uint64_t again_ms; /* 0: nothing is waited for */
	char words[160];
};

/* `net`: the namespace. Once; changes the mounts of the caller, who must have them for itself. 0, or -1 and words say why. */
int wayout_begin(struct wayout *w, int net);
/* Something can be read of `ready` or `said`, pasta may have ended, or again_ms has come. */
enum wayout_news wayout_look(struct wayout *w);
void wayout_end(struct wayout *w);

#endif
