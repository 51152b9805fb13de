/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_text: the grammar of a published port, as pure functions. Called by form_port, and by the fuzzer. */
#ifndef STACK_PORT_TEXT_H
#define STACK_PORT_TEXT_H

#include <arpa/inet.h>
#include <stdbool.h>

struct port_range {
	unsigned first, last;
};

struct port_text {
	char ip[INET6_ADDRSTRLEN];	/* without brackets; "": any */
	bool published_given;
	struct port_range published;	/* 0: any free one */
	struct port_range target;
	const char *protocol;		/* a static word in small letters */
	const char *part;		/* what is to blame, in the text, when it is not the whole */
	size_t part_len;
};

enum port_fault {
	PORT_FINE,
	PORT_SHAPE,	/* it is not of that shape at all */
	PORT_ADDRESS,	/* `part` is no IP address */
	PORT_PROTOCOL,	/* `part` is no protocol */
	PORT_NUMBER,	/* a number is 0 or above 65535 */
	PORT_LENGTHS,	/* ranges that do not belong together */
};

/* [[IP:][HOST]:]CONTAINER[/PROTOCOL] */
enum port_fault port_text_parse(const char *text, struct port_text *ret);

/* N or N-M, in the right order, of at most six digits each; the text ends behind it. */
bool port_range_parse(const char *s, size_t len, struct port_range *ret);
/* "tcp", "udp" or "sctp" for any spelling of it; NULL: none of them. */
const char *port_protocol(const char *s, size_t len);
/* An address without brackets, of either kind. */
bool port_address(const char *text);

#endif
