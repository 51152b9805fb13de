/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crosscheck: the rules between parts of a model, which no single key can know. Called by load at the end. */
#ifndef STACK_CROSSCHECK_H
#define STACK_CROSSCHECK_H

#include "stack/reader.h"

void crosscheck(struct reader *r);

#endif
