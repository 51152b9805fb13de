/* SPDX-License-Identifier: GPL-2.0-or-later */
/* active: which services of a file are meant, and what goes with them. Called by load on the canonical tree. */
#ifndef STACK_ACTIVE_H
#define STACK_ACTIVE_H

#include "stack/reader.h"

/*
 * The tree with only the services that are active by their profiles, or that are asked for by name with all that they depend
 * on; implicit dependencies are written out, networks, volumes, configs and secrets that nobody uses are gone. Also notes
 * the names of all profiles. What depends on something absent is an error.
 */
struct node *active_select(struct reader *r, const struct stack_opts *opts, struct node *root);
/* The key by which the service asks for another one: `depends_on`, or `links`, `network_mode` and the like. */
const char *active_asking_key(const struct node *service, const struct node_pair *depend);

#endif
