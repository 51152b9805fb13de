/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portowner: who has a port of this host, for an error message. */
#ifndef NET_PORTOWNER_H
#define NET_PORTOWNER_H

#include <stddef.h>
#include <stdint.h>

/*
 * "nginx (pid 123)"; -1 when it cannot be told (another user's namespace, no rights,
 * gone). Reads /proc.
 */
int port_owner(uint8_t protocol, uint16_t port, char *ret, size_t size);

#endif
