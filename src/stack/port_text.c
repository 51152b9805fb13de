/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * port_text: [[IP:][HOST]:]CONTAINER[/PROTOCOL], with ranges. Pure: it makes no complaints, but says
 * which part of the text is to blame.
 */
#include <ctype.h>

#include "mstack/base.h"
#include "stack/port_text.h"

/* At most six digits: enough to see that a number is too large, too few to overflow. */
static size_t parse_port(const char *s, size_t len, unsigned *ret)
{
	size_t n = 0;

	for (*ret = 0; n < len && n < 6 && isdigit((unsigned char)s[n]); n++)
		*ret = *ret * 10 + (unsigned)(s[n] - '0');
	return n;
}

bool port_range_parse(const char *s, size_t len, struct port_range *ret)
{
	size_t n = parse_port(s, len, &ret->first);

	ret->last = ret->first;
	if (n && n < len && s[n] == '-') {
		size_t more = parse_port(s + n + 1, len - n - 1, &ret->last);

		n = more ? n + 1 + more : 0;
	}
	return n && n == len && ret->first <= ret->last;
}

const char *port_protocol(const char *s, size_t len)
{
	static const char *const words[] = { "tcp", "udp", "sctp" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (len == strlen(words[i]) && !strncasecmp(s, words[i], len))
			return words[i];
	return NULL;
}

/* Zones of links (fe80::1%eth0) are no part of it: a host's links are not known to a file. */
bool port_address(const char *text)
{
	struct ip ip;

	return ip_parse(text, &ip);
}

/* Host names are refused, as compose does: what they mean may change while the stack runs. */
static bool parse_address(const char *s, size_t len, struct port_text *ret)
{
	if (len > 2 && s[0] == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	if (len >= sizeof(ret->ip))
		return false;
	memcpy(ret->ip, s, len);
	ret->ip[len] = '\0';
	return !len || port_address(ret->ip);
}

static enum port_fault check_numbers(const struct port_text *p)
{
	unsigned ports = p->target.last - p->target.first,
		 host_ports = p->published.last - p->published.first;

	if (!p->target.first || p->target.last > UINT16_MAX || p->published.last > UINT16_MAX)
		return PORT_NUMBER;
	if (!p->published.first && p->published.last)
		return PORT_NUMBER;
	/* A range of the host for one port: any free one of them. */
	return p->published.first && ports && ports != host_ports ? PORT_LENGTHS : PORT_FINE;
}

/* The last `sep` of the first `len` bytes, or NULL. The text is never cut: parts of it are shown. */
static const char *find_last(const char *s, size_t len, char sep)
{
	return len ? memrchr(s, sep, len) : NULL;
}

static enum port_fault blame(struct port_text *ret, enum port_fault fault, const char *part,
			     size_t len)
{
	ret->part = part;
	ret->part_len = len;
	return fault;
}

/*
 * Cut from the right, because only the right end is always there, and because an address may hold
 * colons too.
 */
enum port_fault port_text_parse(const char *text, struct port_text *ret)
{
	size_t len = strlen(text);
	const char *slash = find_last(text, len, '/'), *target, *host;

	*ret = (struct port_text){ .protocol = "tcp" };
	if (slash) {
		len = (size_t)(slash - text);
		ret->protocol = port_protocol(slash + 1, strlen(slash + 1));
		if (!ret->protocol)
			return blame(ret, PORT_PROTOCOL, slash + 1, strlen(slash + 1));
	}
	target = find_last(text, len, ':');
	target = target ? target + 1 : text;
	if (!port_range_parse(target, (size_t)(text + len - target), &ret->target))
		return PORT_SHAPE;
	if (target == text)
		return check_numbers(ret);
	len = (size_t)(target - 1 - text);
	host = find_last(text, len, ':');
	host = host ? host + 1 : text;
	if (host > text && !parse_address(text, (size_t)(host - 1 - text), ret))
		return blame(ret, PORT_ADDRESS, text, (size_t)(host - 1 - text));
	/* An empty HOST means any free port: `IP::80`. */
	ret->published_given = text + len > host;
	if (ret->published_given &&
	    !port_range_parse(host, (size_t)(text + len - host), &ret->published))
		return PORT_SHAPE;
	return check_numbers(ret);
}
