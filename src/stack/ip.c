/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip: strict reading of addresses. Called by form_net and form_attach. What inet_aton(3) would take, `10.1` or `0x0a.0.0.1`, is
 * refused: it would be read as something else in other places.
 */
#include "stack/ip.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int ip_family(const char *text)
{
	struct in6_addr ip;

	if (inet_pton(AF_INET, text, &ip) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, &ip) == 1 ? AF_INET6 : 0;
}

bool ip_is_zero(const char *text)
{
	static const struct in6_addr zero;
	struct in6_addr ip = zero;
	int family = ip_family(text);

	return family && inet_pton(family, text, &ip) == 1 && !memcmp(&ip, &zero, sizeof(ip));
}

/* The byte that the prefix ends in, and all behind it. */
static bool has_host_bits(const uint8_t *ip, size_t bytes, unsigned prefix)
{
	for (size_t i = prefix / 8; i < bytes; i++)
		if (ip[i] & (i == prefix / 8 ? 0xff >> prefix % 8 : 0xff))
			return true;
	return false;
}

bool ip_subnet(const char *text, struct subnet *ret)
{
	const char *slash = strchr(text, '/');
	char ip[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	size_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(ip))
		return false;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	/* One to three digits, as they are written everywhere else: no sign, no 024. */
	len = strspn(slash + 1, "0123456789");
	if (!len || len > 3 || slash[1 + len] || (slash[1] == '0' && len > 1))
		return false;
	ret->prefix = (unsigned)atoi(slash + 1);
	ret->family = ip_family(ip);
	if (!ret->family || ret->prefix > (ret->family == AF_INET ? 32 : 128))
		return false;
	inet_pton(ret->family, ip, bytes);
	ret->host_bits = has_host_bits(bytes, ret->family == AF_INET ? 4 : 16, ret->prefix);
	return true;
}

bool ip_mac(const char *text, uint8_t ret[6])
{
	char between = strlen(text) == 17 ? text[2] : '\0';

	if (between != ':' && between != '-')
		return false;
	for (size_t i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != between : !isxdigit((unsigned char)text[i]))
			return false;
	for (size_t i = 0; i < 6; i++)
		ret[i] = (uint8_t)strtoul(text + 3 * i, NULL, 16);
	return true;
}
