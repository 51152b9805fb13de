/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck_namespace: namespaces that a service shares, and what else it asks for. Called by crosscheck.c. */
#ifndef STACK_CROSSCHECK_NAMESPACE_H
#define STACK_CROSSCHECK_NAMESPACE_H

#include "stack/reader.h"

void crosscheck_namespaces(struct reader *r, const struct where *w, const struct node *service,
			   const struct node *services);

#endif
