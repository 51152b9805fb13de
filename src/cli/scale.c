/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale: see scale.h. Called by `up` and `scale`. Whether there is such a service, and how many of it may be, says the stack room.
 */
#include "cli/scale.h"

/* More digits than any number that is allowed. */
enum { DIGITS_MAX = 6 };

int cli_scales_parse(const char *command, const struct cli_words *words, struct cli_scales *ret,
		     struct err *err)
{
	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i], *sign = strrchr(word, '='),
			   *count = sign ? sign + 1 : "";
		size_t digits = strlen(count);

		if (!sign || sign == word || !digits || digits > DIGITS_MAX ||
		    strspn(count, "0123456789") != digits)
			return err_kind(err, ERR_USAGE,
					"%s: '%s': write SERVICE=NUMBER, as in web=3", command,
					word);
		vec_push(ret, ((struct stack_scale){ xasprintf("%.*s", (int)(sign - word), word),
						     (unsigned)strtoul(count, NULL, 10) }));
	}
	return 0;
}

void cli_scales_fini(struct cli_scales *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((char *)s->v[i].service);
	vec_fini(s);
}
