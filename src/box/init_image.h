/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init_image: the program of src/box/init, carried in our own file, as something that can be executed from a descriptor. It
 * needs no place in any container's file system, so nothing there can be put in its stead.
 */
#ifndef BOX_INIT_IMAGE_H
#define BOX_INIT_IMAGE_H

#include "mstack/base.h"

/* A sealed file in memory. A descriptor of the caller's, or -1. */
int init_image_open(struct err *err);
/* Bytes of the program. */
size_t init_image_size(void);

#endif
