/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * challenge.h: what a registry's headers say, as values. Pure: texts of strangers in, values with limits out.
 */
#ifndef STORE_FETCH_CHALLENGE_H
#define STORE_FETCH_CHALLENGE_H

#include "mstack/base.h"

/* What a WWW-Authenticate asks for (RFC 9110, 11.6.1; distribution/spec/auth/token.md). */
enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_scheme scheme;
	char realm[1024], service[256], scope[1024];
};

/* Of several challenges the first that is Bearer with a realm, else Basic. Whatever is no challenge is none. */
void challenge_parse(const char *header, struct challenge *ret);

/* "bytes 100-199/200": where it begins. 0, or -1 when it is something else. */
int challenge_range(const char *header, uint64_t *ret_from);
/* Retry-After in seconds; 0 when it says none, or a date. */
unsigned challenge_retry(const char *header);
/* The first word of a Content-Type, small letters. */
void challenge_type(const char *header, char *ret, size_t size);
/* The digits of a Docker-Content-Digest of SHA-256; "" for anything else. */
void challenge_digest(const char *header, char ret[65]);

/* This machine itself, by the text alone: localhost, 127.0.0.0/8, ::1 (in brackets or not). */
bool challenge_is_loopback(const char *host);

#endif
