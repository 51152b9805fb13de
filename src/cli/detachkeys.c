/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detachkeys: see detachkeys.h. Called by exec. As with docker, what may be their beginning waits for the next key, so a
 * single ctrl-p arrives with the key after it.
 */
#include "cli/detachkeys.h"

/* The byte that a terminal sends for it, or -1. */
static int parse_key(const char *word, size_t len)
{
	if (len == 1)
		return (unsigned char)*word;
	if (len != 6 || strncmp(word, "ctrl-", 5) != 0)
		return -1;
	if (word[5] >= 'a' && word[5] <= 'z')
		return word[5] - 'a' + 1;
	return strchr("@[\\]^_", word[5]) ? word[5] - '@' : -1;
}

int detachkeys_parse(const char *text, struct detachkeys *ret, struct err *err)
{
	struct detachkeys k = { .n = 0 };

	for (const char *at = text; *text;) {
		size_t len = strcspn(at, ",");
		int key = parse_key(at, len);

		if (key < 0)
			return err_kind(
				err, ERR_USAGE,
				"--detach-keys: '%.*s' is no key: single characters or ctrl- with one of a-z @ [ \\ ] ^ _, separated by commas",
				(int)len, at);
		if (k.n == sizeof(k.keys))
			return err_kind(err, ERR_USAGE, "--detach-keys: more than %zu keys",
					sizeof(k.keys));
		k.keys[k.n++] = (char)key;
		if (!at[len])
			break;
		at += len + 1;
	}
	*ret = k;
	return 0;
}

bool detachkeys_filter(struct detachkeys *k, const char *in, size_t len, char *out, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (!k->n) {
			out[n++] = in[i];
			continue;
		}
		k->held[k->n_held++] = in[i];
		/* Of "ctrl-p ctrl-p ctrl-q" the last two are the keys: only the first goes on. */
		while (k->n_held && memcmp(k->held, k->keys, k->n_held) != 0) {
			out[n++] = k->held[0];
			memmove(k->held, k->held + 1, --k->n_held);
		}
		if (k->n_held == k->n) {
			*ret_len = n;
			return true;
		}
	}
	*ret_len = n;
	return false;
}
