/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * active: profiles and selection. A service that nobody asked for is gone from here on, with all
 * that only it used; what is left gets its implicit dependencies, its default network and the
 * contents of its env files. Called once by load.
 */
#include "stack/active.h"
#include "stack/active_link.h"
#include "stack/form.h"
#include "stack/form_env.h"
#include "stack/impl.h"

/* The services of the file, and which of them stay. */
struct choice {
	struct reader *r;
	const struct node *services;
	struct node **kept;   /* by the index of the service; NULL: it goes */
	struct strmap wanted; /* profiles */
	bool all;	      /* of the profiles */
	bool no_deps;
};

static const struct where section = { .key = "services" };

static struct where where_service(const struct node_pair *pair)
{
	return where_key(&section, pair->key, pair->pos);
}

/* ---- profiles -------------------------------------------------------------------------------- */

static void want(struct choice *c, const char *name, size_t len)
{
	for (; len && *name == ' '; len--)
		name++;
	while (len && name[len - 1] == ' ')
		len--;
	if (len == 1 && *name == '*')
		c->all = true;
	else if (len)
		strmap_put(&c->wanted, name, len, 0, NULL);
}

static void want_profiles(struct choice *c, const struct stack_opts *opts)
{
	const struct vars *vars = reader_vars(c->r, (struct stack_pos){ 0 });
	const char *list = vars_get(vars, "MSTACK_PROFILES", 15);

	for (size_t i = 0; i < opts->n_profiles; i++)
		want(c, opts->profiles[i], strlen(opts->profiles[i]));
	if (opts->n_profiles)
		return;
	if (!list || !*list)
		list = vars_get(vars, "COMPOSE_PROFILES", 16);
	while (list && *list) {
		size_t len = strcspn(list, ",");

		want(c, list, len);
		list += len + (list[len] == ',');
	}
}

/* Whoever names a service wants it, whatever its profiles are. */
static void want_by_name(struct choice *c, const struct stack_opts *opts)
{
	for (size_t i = 0; i < opts->n_services; i++) {
		const struct node *service = node_get(c->services, opts->services[i]);
		const struct node *profiles = node_get(service, "profiles");

		if (!service)
			diags_add_words(c->r->diags,
					form_suggest(c->r, opts->services[i], c->services),
					"no such service: '%.64s'", opts->services[i]);
		for (size_t k = 0; profiles && k < profiles->n; k++)
			want(c, profiles->items[k]->text, strlen(profiles->items[k]->text));
	}
}

static bool is_active(const struct choice *c, const struct node *service)
{
	const struct node *profiles = node_get(service, "profiles");
	size_t at;

	if (!profiles || !profiles->n || c->all)
		return true;
	for (size_t i = 0; i < profiles->n; i++) {
		const char *name = profiles->items[i]->text;

		if (strmap_get(&c->wanted, name, strlen(name), &at))
			return true;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct stack_str *)a)->text, ((const struct stack_str *)b)->text);
}

/* The names of all profiles, for `config --profiles`. */
static void note_profiles(struct reader *r, const struct node *services)
{
	struct VEC(struct stack_str) all = { 0 };
	struct strmap seen = { 0 };

	for (size_t i = 0; i < services->n; i++) {
		const struct node *profiles = node_get(services->pairs[i].value, "profiles");

		for (size_t k = 0; profiles && k < profiles->n; k++) {
			const struct node *n = profiles->items[k];

			if (strmap_put(&seen, n->text, strlen(n->text), 0, NULL))
				vec_push(&all, ((struct stack_str){ n->text, n->pos }));
		}
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_text);
	r->stack->impl->profiles = (struct stack_strs){ reader_keep(r, &all), all.n, true };
	vec_fini(&all);
	strmap_fini(&seen);
}

/* ---- dependencies ---------------------------------------------------------------------------- */

static void put_text(struct reader *r, struct node_pairs *map, const char *key,
		     struct stack_pos pos, const char *text)
{
	node_pairs_put(map, key, pos, node_new(r->arena, NODE_STRING, pos, text));
}

/* What was written by hand stays as it is: it may ask for more than "started". */
static void add_implicit(struct reader *r, struct node_pairs *depends, const char *name,
			 struct stack_pos pos, bool restart)
{
	struct node_pairs one = { 0 };
	size_t at;

	if (strmap_get(&depends->index, name, strlen(name), &at))
		return;
	put_text(r, &one, "condition", pos, "service_started");
	node_pairs_put(&one, "required", pos, node_bool(r->arena, pos, true));
	if (restart)
		node_pairs_put(&one, "restart", pos, node_bool(r->arena, pos, true));
	node_pairs_put(depends, name, pos, node_map_done(r->arena, pos, &one));
}

static void add_listed(struct reader *r, struct node_pairs *depends, const struct node *list,
		       bool restart)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *n = list->items[i];

		if (strncmp(n->text, "container:", 10) != 0)
			add_implicit(r, depends,
				     arena_strndup(r->arena, n->text, strcspn(n->text, ":")),
				     n->pos, restart);
	}
}

/* Their values may be service:NAME. */
static const char *const shared[] = { "network_mode", "ipc", "pid", "uts", "cgroup" };

/* Who uses a part of another service needs that service first. */
static struct node *with_implicit(struct reader *r, struct node *service)
{
	const struct node *given = node_get(service, "depends_on");
	struct node_pairs depends = { 0 };
	size_t explicit = given ? given->n : 0;
	struct node *out;

	for (size_t i = 0; i < explicit; i++)
		node_pairs_put(&depends, given->pairs[i].key, given->pairs[i].pos,
			       given->pairs[i].value);
	add_listed(r, &depends, node_get(service, "links"), true);
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		const struct node *n = node_get(service, shared[i]);

		if (n && !strncmp(n->text, "service:", 8))
			add_implicit(r, &depends, n->text + 8, n->pos, true);
	}
	add_listed(r, &depends, node_get(service, "volumes_from"), false);
	out = depends.list.n > explicit
		      ? node_with(r->arena, service, "depends_on",
				  node_map_done(r->arena, given ? given->pos : service->pos,
						&depends))
		      : service;
	vec_fini(&depends.list);
	strmap_fini(&depends.index);
	return out;
}

/* The index of a service, or SIZE_MAX. */
static size_t find_index(const struct node *services, const char *name)
{
	const struct node_pair *pair = node_find(services, name);

	return pair ? (size_t)(pair - services->pairs) : SIZE_MAX;
}

static bool is_required(const struct node *depend)
{
	const struct node *required = node_get(depend, "required");

	return !required || required->number;
}

static bool stands_at(const struct node *n, struct stack_pos pos)
{
	bool found =
		n && n->pos.file == pos.file && n->pos.line == pos.line && n->pos.col == pos.col;

	for (size_t i = 0; n && n->kind == NODE_LIST && i < n->n && !found; i++)
		found = stands_at(n->items[i], pos);
	return found;
}

const char *active_asking_key(const struct node *service, const struct node_pair *depend)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		if (stands_at(node_get(service, shared[i]), depend->pos))
			return shared[i];
	if (stands_at(node_get(service, "links"), depend->pos))
		return "links";
	return stands_at(node_get(service, "volumes_from"), depend->pos) ? "volumes_from"
									 : "depends_on";
}

/* True: the service is there and active. */
static bool check_dependency(struct choice *c, const struct node_pair *service,
			     const struct node_pair *depend, bool *active)
{
	const struct where here = where_service(service),
			   w = where_in(&here, active_asking_key(service->value, depend));
	size_t i = find_index(c->services, depend->key);

	if (i != SIZE_MAX && active[i])
		return true;
	if (i == SIZE_MAX)
		reader_error(c->r, &w, depend->pos, form_suggest(c->r, depend->key, c->services),
			     "no such service: '%.64s'", depend->key);
	else if (is_required(depend->value))
		reader_error(c->r, &w, depend->pos,
			     "activate it with --profile, or write 'required: false'",
			     "service '%.64s' is not active: its profiles are not, %s", depend->key,
			     reader_place(c->r, c->services->pairs[i].pos));
	return false;
}

/* Keeps the service and, first, all that it depends on. */
static void keep(struct choice *c, size_t i, bool *active)
{
	const struct node_pair *pair = &c->services->pairs[i];
	struct node_pairs depends = { 0 };
	const struct node *given;

	if (c->kept[i])
		return;
	c->kept[i] = with_implicit(c->r, pair->value);
	given = node_get(c->kept[i], "depends_on");
	for (size_t k = 0; given && k < given->n && !c->no_deps; k++) {
		if (!check_dependency(c, pair, &given->pairs[k], active))
			continue;
		node_pairs_put(&depends, given->pairs[k].key, given->pairs[k].pos,
			       given->pairs[k].value);
		keep(c, find_index(c->services, given->pairs[k].key), active);
	}
	if (given)
		c->kept[i] = node_with(c->r->arena, c->kept[i], "depends_on",
				       node_map_done(c->r->arena, given->pos, &depends));
}

/* ---- how many of each ------------------------------------------------------------------------ */

/* Where both keys can stand, both say it. */
static struct node *with_count(struct reader *r, struct node *service, unsigned count)
{
	struct stack_pos none = { 0 };
	struct node *n = node_new(r->arena, NODE_NUMBER, none, arena_printf(r->arena, "%u", count));
	const struct node *deploy = node_get(service, "deploy");

	n->number = count;
	if (node_get(deploy, "replicas"))
		service = node_with(r->arena, service, "deploy",
				    node_with(r->arena, deploy, "replicas", n));
	return node_with(r->arena, service, "scale", n);
}

/* That there is none of that name has been said of it. */
static bool is_named(const struct stack_opts *opts, const char *name)
{
	for (size_t i = 0; i < opts->n_services; i++)
		if (!strcmp(opts->services[i], name))
			return true;
	return false;
}

static void scale(struct choice *c, const struct stack_opts *opts)
{
	for (size_t i = 0; i < opts->n_scales; i++) {
		const struct stack_scale *s = &opts->scales[i];
		size_t at = find_index(c->services, s->service);

		if (at == SIZE_MAX && is_named(opts, s->service))
			continue;
		if (at == SIZE_MAX)
			diags_add_words(c->r->diags, form_suggest(c->r, s->service, c->services),
					"--scale: no such service: '%.64s'", s->service);
		else if (!c->kept[at])
			diags_add_words(
				c->r->diags, "name it, or activate its profile",
				"--scale: service '%.64s' is not among those that are meant",
				s->service);
		else
			c->kept[at] = with_count(c->r, c->kept[at], s->count);
	}
}

/* ---- what a service gets without asking ------------------------------------------------------- */

static struct node *with_defaults(struct reader *r, const struct node_pair *pair,
				  struct node *service)
{
	const struct where here = where_service(pair);
	const struct node *networks = node_get(service, "networks");
	struct node_pairs map = { 0 };
	struct stack_pos none = { 0 };

	service = env_fold(r, &here, service);
	if (node_get(service, "network_mode") || (networks && networks->n))
		return service;
	node_pairs_put(&map, "default", none, node_new(r->arena, NODE_NULL, none, NULL));
	return node_with(r->arena, service, "networks", node_map_done(r->arena, none, &map));
}

static struct node *kept_services(struct choice *c)
{
	struct node_pairs all = { 0 };

	for (size_t i = 0; i < c->services->n; i++) {
		const struct node_pair *pair = &c->services->pairs[i];

		if (c->kept[i])
			node_pairs_put(&all, pair->key, pair->pos,
				       with_defaults(c->r, pair, c->kept[i]));
	}
	return node_map_done(c->r->arena, c->services->pos, &all);
}

/* They are in the file all the same: what still runs of them is not to be taken for something that was forgotten. */
static void note_inactive(const struct choice *c)
{
	struct VEC(struct stack_str) gone = { 0 };

	for (size_t i = 0; i < c->services->n; i++)
		if (!c->kept[i])
			vec_push(&gone, ((struct stack_str){ c->services->pairs[i].key,
							     c->services->pairs[i].pos }));
	c->r->stack->impl->inactive = (struct stack_strs){ reader_keep(c->r, &gone), gone.n, true };
	vec_fini(&gone);
}

/* ---- what nobody uses ------------------------------------------------------------------------ */

/* The keys of a map, the `source` of each entry of a list, or the entries themselves. */
static void note_used(struct strmap *used, const struct node *n)
{
	for (size_t i = 0; n && i < n->n; i++) {
		const char *name = n->kind == NODE_MAP ? n->pairs[i].key
				   : n->items[i]->kind == NODE_MAP
					   ? node_text(n->items[i], "source")
					   : n->items[i]->text;

		if (name)
			strmap_put(used, name, strlen(name), 0, NULL);
	}
}

static struct node *only_used(struct reader *r, const struct node *top, const char *section_name,
			      const struct node *services)
{
	struct node_pairs left = { 0 };
	struct strmap used = { 0 };
	const struct node *all = node_get(top, section_name);
	size_t at;

	for (size_t i = 0; i < services->n; i++) {
		const struct node *service = services->pairs[i].value;

		note_used(&used, node_get(service, section_name));
		note_used(&used, node_get(node_get(service, "build"), section_name));
	}
	for (size_t i = 0; all && i < all->n; i++)
		if (strmap_get(&used, all->pairs[i].key, strlen(all->pairs[i].key), &at))
			node_pairs_put(&left, all->pairs[i].key, all->pairs[i].pos,
				       all->pairs[i].value);
	/* The network that services are on when they say nothing. */
	if (!strcmp(section_name, "networks") && strmap_get(&used, "default", 7, &at) &&
	    !node_get(all, "default")) {
		struct node_pairs map = { 0 };
		struct stack_pos none = { 0 };

		put_text(r, &map, "name", none,
			 arena_printf(r->arena, "%s_default", r->stack->name));
		node_pairs_put(&left, "default", none, node_map_done(r->arena, none, &map));
	}
	strmap_fini(&used);
	return node_map_done(r->arena, all ? all->pos : (struct stack_pos){ 0 }, &left);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* In the order in which people read a stack file; `version` and `include` have done their work. */
static struct node *rebuild(struct reader *r, const struct node *root, struct node *services)
{
	static const char *const sections[] = { "networks", "volumes", "secrets", "configs",
						"models" };
	static const char *const gone[] = { "version", "include" };
	struct node_pairs all = { 0 };
	const char *name = node_text(root, "name");
	/* -p, the environment or the folder may have given another one than the file. */
	bool of_file = name && !strcasecmp(name, r->stack->name);
	struct stack_pos pos = of_file ? node_get(root, "name")->pos : (struct stack_pos){ 0 };

	put_text(r, &all, "name", pos, r->stack->name);
	node_pairs_put(&all, "services", services->pos, services);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		struct node *left = only_used(r, root, sections[i], services);

		if (left->n)
			node_pairs_put(&all, sections[i], left->pos, left);
	}
	for (size_t i = 0; i < root->n; i++) {
		const struct node_pair *pair = &root->pairs[i];
		struct node *value = pair->value;

		if (!strcmp(pair->key, "x-links"))
			value = active_links(r, value, services, node_get(root, "services"));
		if (!text_is_one_of(pair->key, sections, ARRAY_LEN(sections)) &&
		    !text_is_one_of(pair->key, gone, ARRAY_LEN(gone)) &&
		    strcmp(pair->key, "name") != 0 && strcmp(pair->key, "services") != 0)
			node_pairs_put(&all, pair->key, pair->pos, value);
	}
	return node_map_done(r->arena, root->pos, &all);
}

struct node *active_select(struct reader *r, const struct stack_opts *opts, struct node *root)
{
	struct choice c = { .r = r,
			    .services = node_get(root, "services"),
			    .no_deps = opts->no_deps };
	_cleanup_free_ bool *active = xcalloc(c.services->n, sizeof(*active));
	struct node *services;

	c.kept = xcalloc(c.services->n, sizeof(struct node *));
	note_profiles(r, c.services);
	want_profiles(&c, opts);
	want_by_name(&c, opts);
	for (size_t i = 0; i < c.services->n; i++)
		active[i] = is_active(&c, c.services->pairs[i].value);
	for (size_t i = 0; i < opts->n_services; i++) {
		size_t at = find_index(c.services, opts->services[i]);

		if (at != SIZE_MAX)
			keep(&c, at, active);
	}
	for (size_t i = 0; !opts->n_services && i < c.services->n; i++)
		if (active[i])
			keep(&c, i, active);
	scale(&c, opts);
	services = kept_services(&c);
	note_inactive(&c);
	free(c.kept);
	strmap_fini(&c.wanted);
	return rebuild(r, root, services);
}
