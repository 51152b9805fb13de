/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolv: whom a container asks for names: resolv.conf(5), where `dns`, `dns_search` and `dns_opt` each take the place of what the
 * host says of the same. On networks it asks a server of ours, and `dns` is for that one. Called by hosts.c.
 */
#include "plan/planner.h"

/* Lines that a key replaces; `domain` is the older word for `search`. */
static bool is_replaced(const struct stack_service *s, const char *line, bool ours)
{
	size_t len = strcspn(line, " \t\n");

	if (len == strlen("nameserver") && !strncmp(line, "nameserver", len))
		return s->n_dns && !ours;
	if (len == strlen("options") && !strncmp(line, "options", len))
		return s->dns_opt.n;
	if (len == strlen("search") &&
	    (!strncmp(line, "search", len) || !strncmp(line, "domain", len)))
		return s->dns_search.n;
	return false;
}

static void put_kept(struct buf *b, const struct stack_service *s, const char *base, bool ours)
{
	while (*base) {
		size_t len = strcspn(base, "\n");

		if (len && !is_replaced(s, base, ours))
			buf_printf(b, "%.*s\n", (int)len, base);
		base += len + (base[len] == '\n');
	}
}

static void put_words(struct buf *b, const char *what, const struct stack_strs *words,
		      const char *more)
{
	if (!words->n)
		return;
	buf_puts(b, what);
	for (size_t i = 0; i < words->n; i++)
		buf_printf(b, " %s", words->v[i].text);
	buf_printf(b, "%s\n", more);
}

/* A name without dots may be a service: it is looked for as it is first, unless they say otherwise. */
static bool says_ndots(const struct stack_strs *options)
{
	for (size_t i = 0; i < options->n; i++)
		if (!strncmp(options->v[i].text, "ndots:", 6))
			return true;
	return false;
}

const char *planner_resolv_conf(struct planner *p, const struct stack_service *s, const char *base,
				bool ours)
{
	struct buf b = { 0 };
	const char *text;

	if (!s->n_dns && !s->dns_search.n && !s->dns_opt.n)
		return base;
	put_kept(&b, s, base, ours);
	for (size_t i = 0; !ours && i < s->n_dns; i++)
		buf_printf(&b, "nameserver %s\n", ip_text(&s->dns[i]).text);
	put_words(&b, "search", &s->dns_search, "");
	put_words(&b, "options", &s->dns_opt, ours && !says_ndots(&s->dns_opt) ? " ndots:0" : "");
	text = arena_strdup(p->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}
