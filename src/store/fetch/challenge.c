/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge: see challenge.h. Called by exchange.c with the headers of answers, and by the fuzz target.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "store/fetch/challenge.h"

#define RETRY_MAX 120

/* ---- WWW-Authenticate ------------------------------------------------------------------------ */

static bool is_token(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip(const char *s, const char *what)
{
	return s + strspn(s, what);
}

/* A token or a quoted text, put into `ret`, which is NULL for what nobody asks for. Longer ones are left out: "". */
static const char *take_value(const char *s, char *ret, size_t size)
{
	bool quoted = *s == '"', fits = true;
	size_t n = 0;

	for (s += quoted; *s && (quoted ? *s != '"' : is_token(*s) || strchr("/:=@", *s)); s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		fits = fits && n + 1 < size && (unsigned char)*s >= ' ' && *s != 0x7f;
		if (ret && fits)
			ret[n++] = *s;
	}
	if (ret && size)
		ret[fits ? n : 0] = '\0';
	return s + (quoted && *s == '"');
}

static const char *take_param(const char *s, const char *name, size_t len, struct challenge *c)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
		{ "realm", c->realm, sizeof(c->realm) },
		{ "service", c->service, sizeof(c->service) },
		{ "scope", c->scope, sizeof(c->scope) },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i].name) == len && !strncasecmp(name, known[i].name, len))
			return take_value(s, known[i].to, known[i].size);
	return take_value(s, NULL, 0);
}

/* One challenge: its scheme, then NAME=VALUE until a word stands alone, which is the next one's scheme. */
static const char *take_challenge(const char *s, struct challenge *c)
{
	const char *word = s;

	while (is_token(*s))
		s++;
	if (s - word == 6 && !strncasecmp(word, "bearer", 6))
		c->scheme = CHALLENGE_BEARER;
	else if (s - word == 5 && !strncasecmp(word, "basic", 5))
		c->scheme = CHALLENGE_BASIC;
	for (s = skip(s, " \t,"); is_token(*s); s = skip(s, " \t,")) {
		const char *name = s, *behind;
		size_t len;

		while (is_token(*s))
			s++;
		len = (size_t)(s - name);
		behind = skip(s, " \t");
		if (*behind != '=')
			return name;
		s = take_param(skip(behind + 1, " \t"), name, len, c);
	}
	return s;
}

void challenge_parse(const char *header, struct challenge *ret)
{
	const char *s = skip(header, " \t,");

	*ret = (struct challenge){ 0 };
	while (is_token(*s)) {
		struct challenge c = { 0 };

		s = take_challenge(s, &c);
		if (c.scheme == CHALLENGE_BEARER && *c.realm) {
			*ret = c;
			return;
		}
		if (c.scheme == CHALLENGE_BASIC && !ret->scheme)
			*ret = c;
	}
}

/* ---- others ---------------------------------------------------------------------------------- */

int challenge_range(const char *header, uint64_t *ret_from)
{
	uint64_t from;
	char *end;

	if (strncasecmp(header, "bytes ", 6) || !isdigit((unsigned char)header[6]) ||
	    strspn(header + 6, "0123456789") > 18)
		return -1;
	from = strtoull(header + 6, &end, 10);
	if (*end != '-')
		return -1;
	*ret_from = from;
	return 0;
}

unsigned challenge_retry(const char *header)
{
	size_t digits = strspn(header, "0123456789");
	unsigned long s;

	if (!digits || digits > 9 || header[digits])
		return 0;
	s = strtoul(header, NULL, 10);
	return s > RETRY_MAX ? RETRY_MAX : (unsigned)s;
}

void challenge_type(const char *header, char *ret, size_t size)
{
	size_t len = strcspn(header, "; \t"), n = 0;

	for (; n < len && n + 1 < size; n++)
		ret[n] = (char)tolower((unsigned char)header[n]);
	ret[n] = '\0';
}

void challenge_digest(const char *header, char ret[65])
{
	*ret = '\0';
	if (!strncmp(header, "sha256:", 7) && strspn(header + 7, "0123456789abcdef") == 64 &&
	    !header[71])
		memcpy(ret, header + 7, 65);
}

bool challenge_is_loopback(const char *host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(host + (*host == '['), "]"),
		 host + (*host == '['));
	return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}
