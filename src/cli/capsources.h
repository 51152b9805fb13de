/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capsources: the interfaces of a recording, and their packets in one order. Called by the recording. Interfaces come and go while
 * it runs; what they had to say is written in any case.
 */
#ifndef CLI_CAPSOURCES_H
#define CLI_CAPSOURCES_H

#include <poll.h>

#include "cli/capout.h"
#include "cli/pcapfilter.h"
#include "mstack/net.h"

/* How packets are taken. */
struct sources_spec {
	unsigned snaplen;
	size_t memory;	    /* for each interface */
	const char *filter; /* NULL: all */
	bool promiscuous;
};

struct source {
	struct net_capture *ring;
	const void *place; /* the caller's */
	int index;
	char *name;
	struct pcapfilter filter;
	uint32_t id;
	uint64_t begin_ns, written;
	uint64_t gone_ns; /* 0: it is there */
	const struct net_packet *head;
};

struct sources {
	const struct sources_spec *spec;
	struct source *v;
	size_t n, cap;
	uint32_t ids; /* so many there have been */
	uint64_t written, lost;
	uint64_t max;  /* packets; 0: no end */
	bool draining; /* nothing comes any more: what is there is all */
};

/* Adds an interface. `name` is taken over in any case. 1: it is gone already, or none whose packets could be written down. */
int sources_add(struct sources *s, struct net_window *w, const struct net_window_link *link,
		char *name, const char *description, const void *place, struct capout *out,
		struct err *err);
struct source *sources_find(struct sources *s, const void *place, int index);
/* It is not there any more; what it has left is still written. */
void sources_gone(struct source *source);
/*
 * Writes packets, the oldest of all first, until the output has enough of them, or it is not known yet which one is the next: an
 * interface shows packets up to NET_CAPTURE_LATE_MS late. True: the output has enough, and there are more.
 */
bool sources_merge(struct sources *s, struct capout *out);
/* Adds what poll has to wait for; how long at most is lowered when only time can tell the order. */
void sources_poll(struct sources *s, struct pollfd *fds, size_t *n, int *timeout_ms);
/* Closes those that are gone and have been read to their end, or all of them; with their statistics. */
void sources_close(struct sources *s, bool all, struct capout *out);
void sources_stop(struct sources *s);
bool sources_full(const struct sources *s); /* as many packets as were asked for */
void sources_fini(struct sources *s);

/* Can packets of this type of interface (ARPHRD_) be written down? */
bool sources_known_type(unsigned type);

#endif
