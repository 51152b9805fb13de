/* SPDX-License-Identifier: GPL-2.0-or-later */
/* propagation: may a bind of this path be what it is asked to be? Private to src/box. */
#ifndef BOX_PROPAGATION_H
#define BOX_PROPAGATION_H

#include "mstack/box_spec.h"

/* 0, or -1: the mount that the path is on is not shared, so that nothing could ever come or go. */
int propagation_check(const char *path, enum box_propagation want, struct err *err);

#endif
