/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck_link: `x-links` against the services and against each other. Called by crosscheck. */
#ifndef STACK_CROSSCHECK_LINK_H
#define STACK_CROSSCHECK_LINK_H

#include "stack/reader.h"

void crosscheck_links(struct reader *r, const struct node *root);

#endif
