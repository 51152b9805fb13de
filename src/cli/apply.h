/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apply: a stack that runs becomes what the file says now. The supervisor compares and acts; this asks it, and tells. Used by `up` when the
 * stack is up already, and by `plan`.
 */
#ifndef CLI_APPLY_H
#define CLI_APPLY_H

#include <jansson.h>

#include "cli/project.h"
#include "cli/scale.h"

struct cli_apply {
	const struct cli_options *o;
	const struct cli_project *project; /* for_run */
	const struct cli_scales *scales;
	uint64_t until; /* by time_mono_ms, of --wait-timeout; 0: never */
	json_t *slots, *nets, *keys; /* what the supervisor has told: containers, networks and wires, and what differs of them; owned */
	struct err told;      /* of cli_apply_again */
	uint64_t reset_until;
	bool worked; /* somebody else was at work on the stack */
};

/*
 * Asks for the change, or with `dry` what it would be. What somebody else has begun is waited for. 0; 1 no supervisor is there; -1, and what was told until then is in the lists.
 * Without `dry` this waits until all has arrived.
 */
int cli_apply(struct cli_apply *a, bool dry, struct err *err);
/*
 * Behind a request that has failed: true, after a moment, when it is to be tried again, because somebody else has begun something, which is told, or the
 * supervisor is about to end. False: err says why not.
 */
bool cli_apply_again(struct cli_apply *a, struct err *err);
void cli_apply_fini(struct cli_apply *a);
/* Containers, networks and wires with which something is done. */
size_t cli_apply_count(const struct cli_apply *a);
/* As people read it, with the places of the keys in the file. */
void cli_apply_print(const struct cli_apply *a, bool colour, struct buf *out);

#endif
