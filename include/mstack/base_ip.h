/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_ip: IP addresses of both families, subnets and hardware addresses, and how they are written. A part of the door of base.
 * Pure. Reading is strict: what inet_aton(3) would take, `10.1` or `0x0a.0.0.1`, is no address here.
 */
#ifndef MSTACK_BASE_IP_H
#define MSTACK_BASE_IP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* In network order; of IPv4 the first four bytes, and the others are 0. A zeroed one is no address. */
struct ip { uint8_t family; uint8_t bytes[16]; };	/* AF_INET, AF_INET6; 0: none */
/* An address with a prefix: a subnet, or what a link has. */
struct ip_net { struct ip ip; uint8_t prefix; };

enum { IP_TEXT_MAX = INET6_ADDRSTRLEN, IP_NET_TEXT_MAX = INET6_ADDRSTRLEN + 4 };
struct ip_text { char text[IP_NET_TEXT_MAX]; };

/* false: it is no address, and *ret is as it was. No host names, no zone. */
bool ip_parse(const char *text, struct ip *ret);
/* ADDRESS/PREFIX, with the bits behind the prefix as they are written. */
bool ip_net_parse(const char *text, struct ip_net *ret);
/* Six bytes with `:` or `-` between them. */
bool mac_parse(const char *text, uint8_t ret[6]);

/* As inet_ntop(3) writes it; "" for none. By value, so that several fit into one call of printf. */
struct ip_text ip_text(const struct ip *ip);
struct ip_text ip_net_text(const struct ip_net *net);

struct ip ip_from4(struct in_addr addr);
/* 0.0.0.0 for what is not IPv4. */
struct in_addr ip_to4(const struct ip *ip);

/* 32 or 128; 0 for none. */
unsigned ip_bits(const struct ip *ip);
/* 0.0.0.0 and ::, which no host has; and no address. */
bool ip_is_zero(const struct ip *ip);
/* ::1 */
bool ip_is_loopback6(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
/* Order of addresses: IPv4 first, then by their bytes. As memcmp(3). */
int ip_compare(const struct ip *a, const struct ip *b);
/* Families that differ: false. */
bool ip_is_within(const struct ip *ip, const struct ip_net *net);
bool ip_overlap(const struct ip_net *a, const struct ip_net *b);
/* There are some behind the prefix. */
bool ip_has_host_bits(const struct ip_net *net);
/* The first and the last address of a subnet: all bits behind the prefix 0, or 1. */
struct ip ip_first(const struct ip_net *net);
struct ip ip_last(const struct ip_net *net);
/* `n` further on; wraps around at the end of the family. */
struct ip ip_plus(const struct ip *ip, uint64_t n);

#endif
