/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes.h: DNS messages in tests, written as hexadecimal digits with letters of names in quotes: "0001 0100 'web' 00".
 */
#ifndef TESTS_NET_NAMES_BYTES_H
#define TESTS_NET_NAMES_BYTES_H

#include "net/names/dns.h"

struct bytes {
	uint8_t v[2048];
	size_t n;
};

struct bytes bytes(const char *text);
/* A whole question: header with this id and RD, the name, the type, class IN; edns: 0, or the size of an OPT. */
struct bytes bytes_question(uint16_t id, const char *name, uint16_t type, unsigned edns);

#endif
