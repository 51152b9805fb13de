/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_mount: the volumes of the stack, and what a service finds in its file system. Called by model.c.
 */
#include "stack/find.h"
#include "stack/form.h"
#include "stack/form_mount.h"
#include "stack/form_share.h"
#include "stack/model_value.h"

static struct stack_volume read_volume(const struct node_pair *pair)
{
	const struct node *options = node_get(pair->value, "driver_opts");
	const char *device = node_text(options, "device"), *o = node_text(options, "o");

	return (struct stack_volume){
		.key = pair->key,
		.name = node_text(pair->value, "name"),
		.pos = pair->pos,
		.external = value_bool(pair->value, "external"),
		.device = device,
		.type = device ? node_text(options, "type") : NULL,
		.options = device ? o : NULL,
		.bind = device && o && volume_is_bind(o),
	};
}

void model_volumes(struct reader *r, const struct node *n)
{
	size_t count = n ? n->n : 0;
	struct stack_volume *volumes = arena_array(r->arena, struct stack_volume, count);

	for (size_t i = 0; i < count; i++)
		volumes[i] = read_volume(&n->pairs[i]);
	r->stack->volumes = volumes;
	r->stack->n_volumes = count;
}

static enum stack_propagation read_propagation(const struct node *bind)
{
	const char *word = node_text(bind, "propagation");

	return !word || strstr(word, "private") ? STACK_PRIVATE
	       : strstr(word, "slave")		? STACK_SLAVE
						: STACK_SHARED;
}

static struct stack_mount read_mount(struct reader *r, const struct node *n)
{
	static const char *const types[] = { "bind", "volume", "tmpfs", "image" };
	const char *type = node_text(n, "type");
	const struct node *bind = node_get(n, "bind"), *tmpfs = node_get(n, "tmpfs");
	const struct node *create = node_get(bind, "create_host_path");
	struct stack_mount m = {
		.type = (enum stack_mount_type)value_index(type, types, ARRAY_LEN(types)),
		.source = node_text(n, "source"),
		.target = node_text(n, "target"),
		.read_only = value_bool(n, "read_only"),
		.nocopy = value_bool(node_get(n, "volume"), "nocopy"),
		.subpath = node_text(node_get(n, type), "subpath"),
		.tmpfs_size = value_num(tmpfs, "size").value,
		.tmpfs_mode = (uint32_t)value_num(tmpfs, "mode").value,
		.pos = n->pos,
	};

	m.create_host_path = m.type == STACK_BIND && (!create || create->number);
	/* compose keeps an absolute path as it is written; what is mounted is the same. */
	if (m.type == STACK_BIND && m.source)
		m.source = path_clean(r->arena, "/", m.source);
	if (m.type == STACK_BIND)
		m.propagation = read_propagation(bind);
	if (m.type == STACK_VOLUME && m.source)
		m.volume = find_volume(r->stack, m.source);
	return m;
}

static bool read_tmpfs(struct reader *r, const struct node *n, struct stack_mount *ret)
{
	struct tmpfs_wish wish;

	if (!tmpfs_parse(n->text, &wish))
		return false;
	*ret = (struct stack_mount){
		.type = STACK_TMPFS,
		.target = arena_strdup(r->arena, wish.target),
		.read_only = wish.read_only,
		.tmpfs_size = wish.size,
		.tmpfs_mode = wish.mode,
		.by_tmpfs = true,
		.pos = n->pos,
	};
	return true;
}

static void read_shares(struct reader *r, const struct node *list, struct stack_service *s)
{
	struct stack_share *to = arena_array(r->arena, struct stack_share, list ? list->n : 0);

	s->shares = to;
	for (size_t i = 0; list && i < list->n; i++) {
		const struct stack_service *other;
		struct share share;

		if (!share_parse(list->items[i]->text, &share))
			continue;
		other = stack_find_service(r->stack, share.service);
		if (other)
			to[s->n_shares++] =
				(struct stack_share){ other, share.read_only, list->items[i]->pos };
	}
}

void model_mounts(struct reader *r, const struct node *service, struct stack_service *s)
{
	const struct node *volumes = node_get(service, "volumes"),
			  *tmpfs = node_get(service, "tmpfs");
	size_t n = (volumes ? volumes->n : 0) + (tmpfs ? tmpfs->n : 0);
	struct stack_mount *list = arena_array(r->arena, struct stack_mount, n);

	s->mounts = list;
	for (size_t i = 0; volumes && i < volumes->n; i++)
		list[s->n_mounts++] = read_mount(r, volumes->items[i]);
	for (size_t i = 0; tmpfs && i < tmpfs->n; i++)
		s->n_mounts += read_tmpfs(r, tmpfs->items[i], &list[s->n_mounts]);
	read_shares(r, node_get(service, "volumes_from"), s);
}
