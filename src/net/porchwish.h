/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * porchwish.h: what mstack-net says at the desk of the porch (porchproc.c).
 */
#ifndef NET_PORCHWISH_H
#define NET_PORCHWISH_H

#include <stdint.h>

/* Who asks questions for containers wishes for a socket of the host's. The answer is one byte, with the socket if there is one. */
struct porch_wish {
	int32_t family, type;
};

#endif
