/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_asset: the secrets and configs that a service takes. Called by model.c.
 */
#include "stack/assets.h"
#include "stack/form.h"
#include "stack/model_value.h"

#define MODE_DEFAULT 0444

static size_t read_list(struct reader *r, const struct node *service, const char *section,
			struct stack_asset *to)
{
	const struct node *list = node_get(service, section);

	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *one = list->items[i];
		const char *source = node_text(one, "source"), *target = node_text(one, "target");
		const struct asset *asset = assets_find(r, section, source);
		const struct stack_num mode = value_num(one, "mode");

		to[i] = (struct stack_asset){
			.source = source,
			.target =
				path_clean(r->arena, asset_base(section), target ? target : source),
			.data = asset ? asset->data : NULL,
			.len = asset ? asset->len : 0,
			.uid = (uid_t)value_num(one, "uid").value,
			.gid = (gid_t)value_num(one, "gid").value,
			.mode = mode.given ? (uint32_t)mode.value : MODE_DEFAULT,
			.pos = one->pos,
		};
	}
	return list ? list->n : 0;
}

void model_assets(struct reader *r, const struct node *n, struct stack_service *s)
{
	const struct node *secrets = node_get(n, "secrets"), *configs = node_get(n, "configs");
	struct stack_asset *to =
		arena_array(r->arena, struct stack_asset,
			    (secrets ? secrets->n : 0) + (configs ? configs->n : 0));

	s->assets = to;
	s->n_assets = read_list(r, n, "secrets", to);
	s->n_assets += read_list(r, n, "configs", to + s->n_assets);
}
