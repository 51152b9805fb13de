/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_impair: what a link does to packets: `x-impair` of an attachment. Called through the tables of keys; what values mean is
 * known to base (mstack/base_impair.h), whose names the rows bear. Values beside `egress` and `ingress` hold for both ways,
 * those below one of them for that way only.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/model_value.h"

/* Reads what stands in one map over what `im` has already. Wrong texts were errors before. */
static void take_all(const struct node *map, struct impair *im)
{
	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++) {
		const char *text = node_text(map, impair_name(key));

		if (text)
			impair_parse(key, text, im, NULL);
	}
}

/* The text that base writes for it, so that `0.50%` and `.5%` are the same to whoever compares. */
static FORM(form_impair_value)
{
	enum impair_key key = impair_find(w->key);
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct impair im = { 0 };
	struct err err = { 0 };

	if (!*n->text)
		return NULL;
	if (impair_parse(key, n->text, &im, &err) < 0) {
		reader_error(r, w, n->pos, NULL, "%s", err.text);
		return NULL;
	}
	impair_value_text(&im, key, &text);
	return form_part(r, n, arena_strdup(r->arena, buf_str(&text)));
}

/* clang-format off */
#define VALUE(key) DONE(key, STR | NUM, AS(form_impair_value))

static const struct key one_way_rows[] = {
	VALUE("corrupt"),
	VALUE("delay"),
	VALUE("distribution"),
	VALUE("duplicate"),
	VALUE("jitter"),
	VALUE("limit"),
	VALUE("loss"),
	VALUE("rate"),
	VALUE("reorder"),
	VALUE("seed"),
};
static const struct key_table one_way_keys = TABLE(one_way_rows);

static const struct key impair_rows[] = {
	VALUE("corrupt"),
	VALUE("delay"),
	VALUE("distribution"),
	VALUE("duplicate"),
	DONE("egress", MAP, BELOW(one_way_keys)),
	DONE("ingress", MAP, BELOW(one_way_keys)),
	VALUE("jitter"),
	VALUE("limit"),
	VALUE("loss"),
	VALUE("rate"),
	VALUE("reorder"),
	VALUE("seed"),
};
const struct key_table impair_keys = TABLE(impair_rows);
/* clang-format on */

static const char *const ways[] = { [IMPAIR_EGRESS] = "egress", [IMPAIR_INGRESS] = "ingress" };

FORM(form_impair)
{
	struct node *out = form_map(r, w, n, &impair_keys);
	struct impair both = { 0 };
	struct err err = { 0 };

	take_all(out, &both);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct node *one = node_get(out, ways[i]);
		struct impair im = both;

		take_all(one, &im);
		if (impair_check(&im, &err) < 0) {
			reader_error(r, w, one ? one->pos : n->pos, NULL, "%s", err.text);
			break;
		}
	}
	return out;
}

const struct impair_ways *model_impair(struct reader *r, const struct node *n)
{
	struct impair_ways *ret;

	if (!n)
		return NULL;
	ret = arena_alloc(r->arena, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		take_all(n, &ret->way[i]);
		take_all(node_get(n, ways[i]), &ret->way[i]);
	}
	return ret;
}
