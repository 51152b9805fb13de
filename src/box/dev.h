/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dev: what every container has in /dev, for who wants to add to it.
 */
#ifndef BOX_DEV_H
#define BOX_DEV_H

#include <sys/types.h>

#define DEV_NODES 6 /* that each container has */

enum dev_place {
	DEV_FREE,
	DEV_THERE, /* this very device is there */
	DEV_TAKEN, /* by another one, a link or a file system */
};

/* What is at `name`, a path below /dev, that a node of this number shall be made at. */
enum dev_place dev_place(const char *name, dev_t number);

#endif
