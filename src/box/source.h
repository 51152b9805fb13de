/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source: where the mounts of a container come from; steps of stage one. Private to src/box. */
#ifndef BOX_SOURCE_H
#define BOX_SOURCE_H

#include "box/child.h"

/*
 * Opens folders and files of the host, volumes with file systems of their own and layers of images as detached mounts. Last of
 * what looks at the host's mounts: it may leave them.
 */
int source_open_all(struct child *c);

#endif
