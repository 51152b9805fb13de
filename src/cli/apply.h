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
	json_t *slots, *nets, *keys; /* what the supervisor has told: containers, networks and wires, and what differs of them; owned */
};

/*
 * Asks for the change, or with `dry` what it would be. 0; 1 no supervisor is there; -1, and what was told until then is in the lists.
 * Without `dry` this waits until all has arrived.
 */
int cli_apply(struct cli_apply *a, bool dry, struct err *err);
void cli_apply_fini(struct cli_apply *a);
/* Containers, networks and wires with which something is done. */
size_t cli_apply_count(const struct cli_apply *a);
/* As people read it, with the places of the keys in the file. */
void cli_apply_print(const struct cli_apply *a, bool colour, struct buf *out);

#endif
