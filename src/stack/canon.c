/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * canon: the canonical tree printed, in the shape of `docker compose config`: what `mstack config`
 * prints and what compose reads again as the same stack. Called by cli. The forms have done all the
 * work before; here nothing is decided any more.
 */
#include "stack/emitter.h"
#include "stack/impl.h"

void stack_config(const struct stack *s, enum stack_format format, struct buf *out)
{
	const struct emitter e = {
		.out = out,
		.form = format == STACK_JSON ? EMIT_JSON : EMIT_YAML,
		.literal = s->impl->literal,
	};

	emit_tree(&e, s->impl->root);
}

char *stack_service_text(const struct stack *s, const char *service)
{
	const struct node *n = node_get(node_get(s->impl->root, "services"), service);
	struct buf out = { 0 };
	const struct emitter e = { .out = &out, .form = EMIT_COMPACT, .literal = true };

	if (!n)
		return NULL;
	emit_tree(&e, n);
	return buf_take(&out);
}

void stack_names(const struct stack *s, const char *section, const char *key, struct buf *out)
{
	const struct node *map = node_get(s->impl->root, section);

	for (size_t i = 0; map && map->kind == NODE_MAP && i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];
		const char *text = key ? node_text(pair->value, key) : pair->key;

		if (text)
			buf_printf(out, "%s\n", text);
	}
}
