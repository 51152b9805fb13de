/* SPDX-License-Identifier: GPL-2.0-or-later */
/* find: things of the model by their key in the file; their names on the host may be others. NULL: there is none. */
#ifndef STACK_FIND_H
#define STACK_FIND_H

#include "mstack/stack.h"

/* Writable, because a service that is attached marks its network as used. */
struct stack_network *find_network(const struct stack *s, const char *key);
const struct stack_volume *find_volume(const struct stack *s, const char *key);

#endif
