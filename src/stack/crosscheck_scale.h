/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck_scale: how many containers each service has, and what several of one cannot share. Called by crosscheck. */
#ifndef STACK_CROSSCHECK_SCALE_H
#define STACK_CROSSCHECK_SCALE_H

#include "stack/node.h"
#include "stack/reader.h"

/* Containers that a service of the canonical tree asks for: `scale`, else `deploy.replicas`, else one. */
int64_t service_scale(const struct node *service);
void crosscheck_scale(struct reader *r, const struct node *services);

#endif
