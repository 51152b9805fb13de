/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top: the tables of keys, from the outermost map of a file down. Called by load, merge and the manual's lists. */
#ifndef STACK_TOP_H
#define STACK_TOP_H

#include "stack/form.h"

extern const struct key top_key;	/* the file itself */
extern const struct key service_key;	/* one service */

#endif
