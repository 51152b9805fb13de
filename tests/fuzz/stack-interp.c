/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a text with variables. A text without a dollar sign stays as it is, and
 * what came out, with its dollar signs doubled, comes out again. The walk names what is asked for.
 */
#include "stack/interp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct names {
	size_t asked, walked;
};

static const char *get(void *arg, const char *name, size_t len)
{
	struct names *n = arg;

	n->asked++;
	if (!len)
		abort();
	return *name == 'A' ? "va$ue" : *name == 'E' ? "" : NULL;
}

static void unset(void *arg, const char *name, size_t len)
{
	(void)arg;
	if (!len || *name == 'A')
		abort();
}

static void seen(void *arg, const struct interp_reference *ref)
{
	struct names *n = arg;

	n->walked++;
	if (!ref->len || (ref->op && (ref->arg > ref->end || ref->arg <= ref->name)))
		abort();
}

static void check_again(const struct interp_source *src, const struct buf *once)
{
	struct buf doubled = { 0 }, twice = { 0 }, why = { 0 };

	for (size_t i = 0; i < once->len; i++) {
		if (once->data[i] == '$')
			buf_putc(&doubled, '$');
		buf_putc(&doubled, once->data[i]);
	}
	if (interp_expand(src, buf_str(&doubled), doubled.len, &twice, &why) < 0 ||
	    twice.len != once->len || memcmp(buf_str(&twice), buf_str(once), once->len))
		abort();
	buf_fini(&doubled);
	buf_fini(&twice);
	buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names n = { 0 };
	struct interp_source src = { get, unset, &n };
	struct buf out = { 0 }, why = { 0 };
	/* Its own block, so that no byte behind the text is looked at without being noticed. */
	char *text = xcalloc(size ? size : 1, 1);

	memcpy(text, data, size);
	interp_walk(text, size, seen, &n);
	if (interp_expand(&src, text, size, &out, &why) < 0) {
		if (!why.len || why.len > 1024)
			abort();
	} else {
		if (why.len || out.len > INTERP_MAX || n.asked > n.walked)
			abort();
		if (!memchr(text, '$', size) &&
		    (out.len != size || memcmp(buf_str(&out), text, size)))
			abort();
		check_again(&src, &out);
	}
	buf_fini(&out);
	buf_fini(&why);
	free(text);
	return 0;
}
