/* SPDX-License-Identifier: GPL-2.0-or-later */
/* active_link: which of `x-links` are left when it is known which services are active. Called by active. */
#ifndef STACK_ACTIVE_LINK_H
#define STACK_ACTIVE_LINK_H

#include "stack/reader.h"

/* `kept`: the services that are active; `all`: those of the files. A link to one of the others goes; if its other end is active, with a warning. */
struct node *active_links(struct reader *r, const struct node *links, const struct node *kept,
			  const struct node *all);

#endif
