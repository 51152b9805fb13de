/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as what a registry says in headers and answers: challenges, ranges, types, digests, redirects, tokens,
 * complaints. Whatever comes out can stand in a header or on a terminal. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms store/fetch, store/program and base.
 */
#include <assert.h>
#include <stdint.h>

#include "store/fetch/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *text)
{
	for (; *text; text++)
		assert((unsigned char)*text >= ' ' && *text != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xcalloc(1, size + 1), *token, *why;
	struct buf body = { .data = text, .len = size };
	struct challenge c;
	struct err err = { 0 };
	char type[32], digest[65];
	uint64_t from;

	memcpy(text, data, size);
	challenge_parse(text, &c);
	check_line(c.realm);
	check_line(c.service);
	check_line(c.scope);
	assert(c.scheme != CHALLENGE_BEARER || *c.realm);
	if (!challenge_range(text, &from))
		assert(from < 1000000000000000000ull);
	assert(challenge_retry(text) <= 120);
	challenge_type(text, type, sizeof(type));
	challenge_digest(text, digest);
	assert(!*digest || strlen(digest) == 64);
	(void)challenge_is_loopback(text);
	(void)exchange_may_follow("https://a.b/", text, &err);
	assert(!exchange_same_origin("https://a.b/", text) ||
	       !exchange_may_follow("https://a.b/", text, &err));
	token = login_token(text, size);
	if (token)
		check_line(token);
	why = exchange_complaint(&body);
	check_line(why);
	return 0;
}
