/* SPDX-License-Identifier: GPL-2.0-or-later */
/* services: the section `services`, from its map to the list of struct stack_service. */
#ifndef STACK_SERVICES_H
#define STACK_SERVICES_H

#include "stack/reader.h"

/* Networks and volumes are in the model by then. */
void read_services(struct reader *r, const struct where *w, const struct node *n);

#endif
