/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ip: addresses and subnets as values. Called by stack, which reads them, by plan, which gives them out, and by net, which
 * hands them to the kernel. No input, no output.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "mstack/base.h"

/* ---- reading --------------------------------------------------------------------------------- */

bool ip_parse(const char *text, struct ip *ret)
{
	struct ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (inet_pton(ip.family, text, ip.bytes) != 1)
		return false;
	*ret = ip;
	return true;
}

/* One to three digits, as they are written everywhere else: no sign, no 024. */
static bool parse_prefix(const char *text, unsigned most, uint8_t *ret)
{
	size_t len = strspn(text, "0123456789");
	int prefix = atoi(text);

	if (!len || len > 3 || text[len] || (*text == '0' && len > 1) || prefix > (int)most)
		return false;
	*ret = (uint8_t)prefix;
	return true;
}

bool ip_net_parse(const char *text, struct ip_net *ret)
{
	const char *slash = strchr(text, '/');
	char ip[IP_TEXT_MAX];
	struct ip_net net;

	if (!slash || (size_t)(slash - text) >= sizeof(ip))
		return false;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	if (!ip_parse(ip, &net.ip) || !parse_prefix(slash + 1, ip_bits(&net.ip), &net.prefix))
		return false;
	*ret = net;
	return true;
}

bool mac_parse(const char *text, uint8_t ret[6])
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

/* ---- writing --------------------------------------------------------------------------------- */

struct ip_text ip_text(const struct ip *ip)
{
	struct ip_text out = { "" };

	if (ip->family)
		inet_ntop(ip->family, ip->bytes, out.text, sizeof(out.text));
	return out;
}

struct ip_text ip_net_text(const struct ip_net *net)
{
	struct ip_text out = ip_text(&net->ip);
	size_t len = strlen(out.text);

	if (len)
		snprintf(out.text + len, sizeof(out.text) - len, "/%u", net->prefix);
	return out;
}

struct ip ip_from4(struct in_addr addr)
{
	struct ip ip = { .family = AF_INET };

	memcpy(ip.bytes, &addr, sizeof(addr));
	return ip;
}

struct in_addr ip_to4(const struct ip *ip)
{
	struct in_addr addr = { 0 };

	if (ip->family == AF_INET)
		memcpy(&addr, ip->bytes, sizeof(addr));
	return addr;
}

/* ---- reckoning ------------------------------------------------------------------------------- */

unsigned ip_bits(const struct ip *ip)
{
	return ip->family == AF_INET ? 32 : ip->family == AF_INET6 ? 128 : 0;
}

bool ip_is_zero(const struct ip *ip)
{
	static const uint8_t zero[sizeof(ip->bytes)];

	return !memcmp(ip->bytes, zero, sizeof(zero));
}

int ip_compare(const struct ip *a, const struct ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool ip_is_loopback6(const struct ip *ip)
{
	static const struct ip loopback = { AF_INET6, { [15] = 1 } };

	return ip_equal(ip, &loopback);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return !ip_compare(a, b);
}

/* The address with all bits behind the prefix set to `value`. */
static struct ip with_rest(const struct ip_net *net, bool value)
{
	struct ip ip = net->ip;
	unsigned bytes = ip_bits(&ip) / 8;

	for (unsigned i = net->prefix / 8u; i < bytes; i++) {
		uint8_t rest = i == net->prefix / 8u ? (uint8_t)(0xff >> net->prefix % 8) : 0xff;

		ip.bytes[i] = (uint8_t)(value ? ip.bytes[i] | rest : ip.bytes[i] & ~rest);
	}
	return ip;
}

struct ip ip_first(const struct ip_net *net)
{
	return with_rest(net, false);
}

struct ip ip_last(const struct ip_net *net)
{
	return with_rest(net, true);
}

bool ip_has_host_bits(const struct ip_net *net)
{
	struct ip first = ip_first(net);

	return !ip_equal(&first, &net->ip);
}

bool ip_is_within(const struct ip *ip, const struct ip_net *net)
{
	struct ip first = ip_first(net), last = ip_last(net);

	return ip->family && ip->family == net->ip.family && ip_compare(&first, ip) <= 0 &&
	       ip_compare(ip, &last) <= 0;
}

bool ip_overlap(const struct ip_net *a, const struct ip_net *b)
{
	struct ip first_a = ip_first(a), first_b = ip_first(b);

	return ip_is_within(&first_a, b) || ip_is_within(&first_b, a);
}

struct ip ip_plus(const struct ip *ip, uint64_t n)
{
	struct ip out = *ip;

	for (unsigned i = ip_bits(ip) / 8; i-- > 0 && n;) {
		n += out.bytes[i];
		out.bytes[i] = (uint8_t)n;
		n >>= 8;
	}
	return out;
}
