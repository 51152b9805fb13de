/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recording: packets of several network namespaces, written down until somebody or something ends it. Called by capture.
 */
#ifndef CLI_RECORDING_H
#define CLI_RECORDING_H

#include <jansson.h>

#include "cli/capsources.h"
#include "cli/term.h"

/* A slot, and what of it is wanted. */
struct recording_place {
	const char *slot;
	const json_t *networks; /* name of an interface: of its network */
	struct net_window *window;
	bool all; /* interfaces, but loopback */
	struct cli_words ifnames;
};

struct recording {
	struct cli_term term;
	const char *project;
	struct sources_spec how;
	uint64_t count;	 /* packets, 0: no end */
	int64_t seconds; /* -1: no end */
	int alive;	 /* readable when the stack is down */
	struct recording_place *places;
	size_t n_places;
	struct capout *out;
	/* its own */
	struct sources sources;
	int signals;
	uint64_t end_ns, stop_ns; /* 0: not yet */
	bool over;
};

/* Is this interface one of those that are wanted? */
bool recording_wants(const struct recording_place *p, const struct net_window_link *l);
/* 0 it was ended, and all is written; -1. */
int recording_run(struct recording *r, struct err *err);

#endif
