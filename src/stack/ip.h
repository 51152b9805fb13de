/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ip: IP addresses, subnets and hardware addresses as they are written. Used by the forms of networks. Pure. */
#ifndef STACK_IP_H
#define STACK_IP_H

#include <arpa/inet.h>
#include <stdbool.h>

struct subnet {
	int family;		/* AF_INET or AF_INET6 */
	unsigned prefix;
	bool host_bits;		/* there are some behind the prefix */
};

/* AF_INET, AF_INET6, or 0: it is no address. No host names, no short forms like 10.1. */
int ip_family(const char *text);
/* 0.0.0.0 and ::, which no host has. */
bool ip_is_zero(const char *text);
/* ADDRESS/PREFIX; false: it is not of that shape. */
bool ip_subnet(const char *text, struct subnet *ret);
/* Six bytes with `:` or `-` between them. */
bool ip_mac(const char *text, uint8_t ret[6]);

#endif
