/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as the name of an image. What is taken for one is complete, holds nothing that could be a way out of a
 * folder or of an address, and means the same when it is read again, whole or as people write it. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms store, ledger and base.
 */
#include <assert.h>
#include <ctype.h>
#include <stdint.h>

#include "store/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *whole(const struct store_reference *r)
{
	return xasprintf("%s%s%s%s%s", r->repo, r->tag ? ":" : "", r->tag ? r->tag : "",
			 *r->digest ? "@sha256:" : "", r->digest);
}

static void check_parts(const struct store_reference *r)
{
	const char *slash = strchr(r->repo, '/');

	/* It becomes part of an address and of a file. */
	assert(slash && slash > r->repo && !strstr(r->repo, "..") && !strstr(r->repo, "//"));
	for (const char *c = r->repo; *c; c++)
		assert(isalnum((unsigned char)*c) || strchr("._-/:[]", *c));
	for (const char *c = slash; *c; c++)
		assert(!isupper((unsigned char)*c) && !strchr(":[]", *c));
	assert(r->tag || *r->digest);
	assert(!r->tag || (*r->tag && strlen(r->tag) <= 128 && !strchr("./-", *r->tag)));
	for (const char *c = r->tag ? r->tag : ""; *c; c++)
		assert(isalnum((unsigned char)*c) || strchr("_.-", *c));
	assert(!*r->digest || store_is_digest(r->digest));
}

static void check_same(const struct store_reference *r, const char *text)
{
	struct store_reference again = { 0 };
	struct err err = { 0 };

	assert(!store_reference_parse(text, &again, &err));
	assert(!strcmp(again.repo, r->repo) && !strcmp(again.digest, r->digest));
	assert(!again.tag == !r->tag && (!r->tag || !strcmp(again.tag, r->tag)));
	store_reference_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xcalloc(1, size + 1), *full = NULL, *familiar = NULL;
	struct store_reference r = { 0 };
	struct err err = { 0 };

	memcpy(text, data, size);
	/* Every text has a form, though it may be nothing that there is. */
	(void)store_image_form(text);
	if (store_reference_parse(text, &r, &err) < 0) {
		assert(*err.text && err.kind == ERR_USAGE && !r.repo);
		return 0;
	}
	check_parts(&r);
	full = whole(&r);
	familiar = store_reference_familiar(full);
	check_same(&r, full);
	check_same(&r, familiar);
	store_reference_fini(&r);
	return 0;
}
