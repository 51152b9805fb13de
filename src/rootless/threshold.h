/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threshold: what forbids an ordinary user to have namespaces, in words.
 */
#ifndef ROOTLESS_THRESHOLD_H
#define ROOTLESS_THRESHOLD_H

#include "mstack/base.h"

/* Why a user namespace was refused with this errno, and the command that would allow it; "" unknown. */
void threshold_why(int refused, char *why, size_t why_size, char *cure, size_t cure_size);

#endif
