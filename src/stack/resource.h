/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resource: what networks, volumes, configs and secrets have in common: an entry of a top-level section has a name in the world,
 * and `external` says that it exists already. Used by the forms of these sections.
 */
#ifndef STACK_RESOURCE_H
#define STACK_RESOURCE_H

#include "stack/form.h"

/*
 * An entry along its table, which has rows for `name` (resource_name) and `external` (form_bool, also a map). Always with a
 * `name`: PROJECT_KEY, of what is external KEY. NULL, with an error, when the key is not a name.
 */
struct node *resource_form(struct reader *r, const struct where *w, const struct node *n, const struct key_table *table);
FORM(resource_name);
/* An entry that resource_form made: is it somebody else's? */
bool resource_is_external(const struct node *n);
/* A pair that describes an entry: neither its name nor `external`, nor a key of others. */
bool resource_describes(const struct node_pair *pair);
/* True: not too many entries; an error otherwise. */
bool resource_count(struct reader *r, const struct where *w, const struct node *section, size_t most);

#endif
