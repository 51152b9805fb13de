/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * obedient: a made-up process with real streams. What it understands stands in fake.h.
 */
#ifndef FAKE_OBEDIENT_H
#define FAKE_OBEDIENT_H

#include <ev.h>

#include "mstack/box.h"

struct obedient;
typedef void obedient_fn(void *arg);

/* Takes what the spec gives it, or opens a terminal; `bye` is called when it was told to end. All functions accept NULL. */
struct obedient *obedient_new(struct ev_loop *loop, const struct box_spec *spec, size_t flood, obedient_fn *bye,
			      void *arg);
void obedient_begin(struct obedient *o);
/* It has ended: its ends are closed, ours stays. */
void obedient_end(struct obedient *o);
void obedient_free(struct obedient *o);
int obedient_console(const struct obedient *o); /* -1: none */

#endif
