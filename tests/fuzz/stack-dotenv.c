/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as an env file, in both formats. What was read, written with quotes and
 * escapes, reads as the same; an entry and a problem have a place within the text.
 */
#include "stack/dotenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct parsed {
	struct arena *arena;
	struct stack_diags *diags;
	struct vars_common common;
	struct vars vars;
	struct envset set;
};

static void parse(struct parsed *p, bool raw, const char *text, size_t len)
{
	static const char *const env[] = { "PROC=p$", "EMPTY=", NULL };

	*p = (struct parsed){ .arena = arena_new(), .diags = stack_diags_new() };
	vars_common_init(&p->common, p->arena, p->diags, env);
	p->vars.common = &p->common;
	if (raw)
		dotenv_parse_raw(&p->vars, 0, text, len, &p->set);
	else
		dotenv_parse(&p->vars, NULL, 0, text, len, &p->set);
}

static void parsed_fini(struct parsed *p)
{
	envset_fini(&p->set);
	vars_fini(&p->vars);
	vars_common_fini(&p->common);
	stack_diags_free(p->diags);
	arena_free(p->arena);
}

static void check_places(const struct parsed *p, const char *text, size_t len)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	for (size_t i = 0; i < p->set.kvs.n; i++)
		if (!p->set.kvs.v[i].pos.line || p->set.kvs.v[i].pos.line > lines)
			abort();
	for (size_t i = 0; i < stack_diags_count(p->diags); i++)
		if (!stack_diags_get(p->diags, i)->pos.line ||
		    stack_diags_get(p->diags, i)->pos.line > lines)
			abort();
}

static void put_quoted(struct buf *b, const char *value)
{
	buf_putc(b, '"');
	for (; *value; value++) {
		if (*value == '\r') {
			buf_puts(b, "\\r");
			continue;
		}
		if (strchr("\\\"", *value))
			buf_putc(b, '\\');
		if (*value == '$')
			buf_putc(b, '$');
		buf_putc(b, *value);
	}
	buf_puts(b, "\"\n");
}

static void check_again(const struct parsed *once)
{
	struct buf text = { 0 };
	struct parsed twice;

	/* A key may begin as a mark of UTF-16 does. */
	buf_puts(&text, "# again\n");
	for (size_t i = 0; i < once->set.kvs.n; i++) {
		buf_printf(&text, "%s=", once->set.kvs.v[i].key);
		put_quoted(&text, once->set.kvs.v[i].value);
	}
	parse(&twice, false, buf_str(&text), text.len);
	if (stack_diags_count(twice.diags) || twice.set.kvs.n != once->set.kvs.n)
		abort();
	for (size_t i = 0; i < once->set.kvs.n; i++)
		if (strcmp(twice.set.kvs.v[i].key, once->set.kvs.v[i].key) ||
		    strcmp(twice.set.kvs.v[i].value, once->set.kvs.v[i].value))
			abort();
	parsed_fini(&twice);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size ? size : 1, 1);
	struct parsed p;

	memcpy(text, data, size);
	parse(&p, false, text, size);
	check_places(&p, text, size);
	if (!stack_diags_errors(p.diags))
		check_again(&p);
	parsed_fini(&p);
	parse(&p, true, text, size);
	check_places(&p, text, size);
	for (size_t i = 0; i < p.set.kvs.n; i++)
		if (strchr(p.set.kvs.v[i].value, '\n'))
			abort();
	parsed_fini(&p);
	free(text);
	return 0;
}
