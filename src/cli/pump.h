/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pump: bytes from one descriptor to another, unchanged, never waiting and never keeping more than a page. Where the kernel can
 * move them by itself (splice(2), one side is a pipe) they are not even copied.
 */
#ifndef CLI_PUMP_H
#define CLI_PUMP_H

#include <poll.h>

#include "cli/detachkeys.h"

#define PUMP_ROOM 4096 /* what a pipe that is said to be writable takes without waiting (PIPE_BUF) */

struct pump {
	int from, to; /* from -1: it is over */
	bool copies;  /* the kernel does not move them */
	bool full;    /* waits for room in `to` */
	struct detachkeys *keys; /* looked for on the way; NULL: nothing is */
	bool detach;		 /* and found */
	char buf[PUMP_ROOM + DETACHKEYS_MAX];
	size_t at, len;
};

/* Neither descriptor is closed by it. Where one is a terminal, or keys are looked for, bytes are copied. */
void pump_init(struct pump *p, int from, int to, struct detachkeys *keys);
/* What poll has to wait for. */
struct pollfd pump_wants(const struct pump *p);
/*
 * Moves what can be moved now. False when it is over: nothing more comes, or nobody reads any more. Then `from` is -1.
 */
bool pump_turn(struct pump *p);

#endif
