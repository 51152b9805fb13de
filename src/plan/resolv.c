/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolv: whom a container asks for names: resolv.conf(5) of the host, where `dns`, `dns_search` and `dns_opt` each take the
 * place of what the host says of the same. Called by hosts.c.
 */
#include "plan/planner.h"

/* Lines that a key replaces; `domain` is the older word for `search`. */
static bool is_replaced(const struct stack_service *s, const char *line)
{
	size_t len = strcspn(line, " \t\n");

	if (len == strlen("nameserver") && !strncmp(line, "nameserver", len))
		return s->n_dns;
	if (len == strlen("options") && !strncmp(line, "options", len))
		return s->dns_opt.n;
	if (len == strlen("search") &&
	    (!strncmp(line, "search", len) || !strncmp(line, "domain", len)))
		return s->dns_search.n;
	return false;
}

static void put_kept(struct buf *b, const struct stack_service *s, const char *base)
{
	while (*base) {
		size_t len = strcspn(base, "\n");

		if (len && !is_replaced(s, base))
			buf_printf(b, "%.*s\n", (int)len, base);
		base += len + (base[len] == '\n');
	}
}

static void put_words(struct buf *b, const char *what, const struct stack_strs *words)
{
	if (!words->n)
		return;
	buf_puts(b, what);
	for (size_t i = 0; i < words->n; i++)
		buf_printf(b, " %s", words->v[i].text);
	buf_putc(b, '\n');
}

const char *planner_resolv_conf(struct planner *p, const struct stack_service *s, const char *base)
{
	struct buf b = { 0 };
	const char *text;

	if (!s->n_dns && !s->dns_search.n && !s->dns_opt.n)
		return base;
	put_kept(&b, s, base);
	for (size_t i = 0; i < s->n_dns; i++)
		buf_printf(&b, "nameserver %s\n", ip_text(&s->dns[i]).text);
	put_words(&b, "search", &s->dns_search);
	put_words(&b, "options", &s->dns_opt);
	text = arena_strdup(p->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}
