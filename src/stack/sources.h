/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: what can be asked about files and variables when a load is over. Called by load at its end. */
#ifndef STACK_SOURCES_H
#define STACK_SOURCES_H

#include "stack/reader.h"

void sources_keep(struct reader *r, const struct vars *vars);

#endif
