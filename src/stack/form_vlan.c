/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_vlan: `x-vlan` of an attachment: the VLAN of its untagged frames, and those that pass with their tags. Called through the
 * tables of keys, and by the model, which reads the same texts again.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/model_value.h"

#define VLAN_LAST 4094 /* 4095 is reserved (IEEE 802.1Q) */

/* N or FIRST-LAST. */
static bool parse(const char *text, struct stack_vids *ret)
{
	unsigned long v[2];
	char *end;

	for (size_t i = 0; i < 2; i++) {
		if (*text < '0' || *text > '9' || strlen(text) > 9)
			return false;
		v[i] = strtoul(text, &end, 10);
		if (!i && !*end)
			v[1] = v[0];
		if (!*end)
			break;
		if (i || *end != '-')
			return false;
		text = end + 1;
	}
	if (!v[0] || v[0] > v[1] || v[1] > VLAN_LAST)
		return false;
	*ret = (struct stack_vids){ (uint16_t)v[0], (uint16_t)v[1] };
	return true;
}

static FORM(form_pvid)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= 1 && out->number <= VLAN_LAST))
		return out;
	reader_error(r, w, n->pos, NULL, "'%.40s' is no VLAN: they go from 1 to %d", n->text,
		     VLAN_LAST);
	return NULL;
}

static FORM(form_trunk)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = where_item(w, i);
		const struct node *item = n->items[i];
		struct stack_vids vids;

		if (!reader_check_kind(r, &here, item, STR | NUM))
			continue;
		if (parse(item->text, &vids))
			vec_push(&items, form_text(r, &here, item));
		else
			reader_error(
				r, &here, item->pos, NULL,
				"'%.40s' is no VLAN; write a number from 1 to %d, or FIRST-LAST",
				item->text, VLAN_LAST);
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* clang-format off */
static const struct key vlan_rows[] = {
	DONE("pvid", NUM, AS(form_pvid)),
	DONE("trunk", LST, AS(form_trunk)),
};
const struct key_table vlan_keys = TABLE(vlan_rows);
/* clang-format on */

void model_vlan(struct reader *r, const struct node *n, struct stack_vlan *ret)
{
	const struct node *trunk = node_get(n, "trunk");
	struct stack_vids *list = arena_array(r->arena, struct stack_vids, trunk ? trunk->n : 0);

	if (!n)
		return;
	ret->given = true;
	ret->pos = n->pos;
	ret->pvid = (uint16_t)value_num(n, "pvid").value;
	for (size_t i = 0; trunk && i < trunk->n; i++)
		ret->n_trunk += parse(trunk->items[i]->text, &list[ret->n_trunk]);
	ret->trunk = list;
}
