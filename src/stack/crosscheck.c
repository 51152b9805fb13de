/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck: things that are right alone and wrong together: references, cycles, names, ports, limits that are given twice.
 * Each error names the other place as well. Called once by load, on the canonical tree; addresses have a file of their own.
 */
#include "stack/crosscheck.h"
#include "stack/active.h"
#include "stack/assets.h"
#include "stack/crosscheck_attach.h"
#include "stack/crosscheck_link.h"
#include "stack/crosscheck_namespace.h"
#include "stack/crosscheck_net.h"
#include "stack/crosscheck_scale.h"
#include "stack/form.h"
#include "stack/form_mount.h"

/* ---- references ------------------------------------------------------------------------------ */

/* What a service names in its key of the same name as the section; kinds of references differ in where the name stands. */
static void check_names(struct reader *r, const struct where *service, const struct node *list,
			const char *section, const struct node *declared)
{
	const struct where w = where_in(service, section);

	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *item = list->kind == NODE_LIST ? list->items[i] : NULL;
		const struct node *named =
			item && item->kind == NODE_MAP ? node_get(item, "source") : item;
		const char *name = item ? (named ? named->text : NULL) : list->pairs[i].key;
		const struct where here = item ? where_item(&w, i) : w;

		if (!name || node_find(declared, name))
			continue;
		/* It is there without being declared. */
		if (!strcmp(section, "networks") && !strcmp(name, "default"))
			continue;
		reader_error(r, &here, item ? named->pos : list->pairs[i].pos,
			     form_suggest(r, name, declared),
			     "%.*s '%.80s' is not declared under the top-level '%s'",
			     (int)strlen(section) - 1, section, name, section);
	}
}

static void check_volumes(struct reader *r, const struct where *service, const struct node *list,
			  const struct node *declared)
{
	const struct where w = where_in(service, "volumes");

	for (size_t i = 0; list && i < list->n; i++) {
		const struct where here = where_item(&w, i);
		const char *type = node_text(list->items[i], "type");
		const struct node *source = node_get(list->items[i], "source");

		if (!type || strcmp(type, "volume") || !source || node_find(declared, source->text))
			continue;
		reader_error(r, &here, source->pos,
			     strchr(source->text, '/') ? "a path begins with ./ or /"
						       : form_suggest(r, source->text, declared),
			     "volume '%.80s' is not declared under the top-level 'volumes'",
			     source->text);
	}
}

static void check_references(struct reader *r, const struct where *w, const struct node *service,
			     const struct node *tree)
{
	const struct where build = where_in(w, "build");

	check_names(r, w, node_get(service, "networks"), "networks", node_get(tree, "networks"));
	check_volumes(r, w, node_get(service, "volumes"), node_get(tree, "volumes"));
	check_names(r, w, node_get(service, "configs"), "configs", node_get(tree, "configs"));
	check_names(r, w, node_get(service, "secrets"), "secrets", node_get(tree, "secrets"));
	check_names(r, w, node_get(service, "models"), "models", node_get(tree, "models"));
	check_names(r, &build, node_get(node_get(service, "build"), "secrets"), "secrets",
		    node_get(tree, "secrets"));
}

/* ---- inside of one service ------------------------------------------------------------------- */

/* An image that is built for other machines only could not run as what is asked for. */
static void check_platform(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node_pair *platform = node_find(service, "platform"),
			       *built = node_find(node_get(service, "build"), "platforms");
	const struct where here = where_in(w, "platform");

	if (!platform || !built || !built->value->n)
		return;
	for (size_t i = 0; i < built->value->n; i++)
		if (!strcmp(built->value->items[i]->text, platform->value->text))
			return;
	reader_error(r, &here, platform->value->pos, NULL,
		     "'%.60s' is not among 'build.platforms', %s", platform->value->text,
		     reader_place(r, built->pos));
}

/* The same limit twice, in its short key and under `deploy`, must be the same number. */
static void check_twin(struct reader *r, const struct where *w, const struct node *service,
		       const char *key, const char *group, const char *below)
{
	const struct node *resources = node_get(node_get(service, "deploy"), "resources");
	const struct node *other = node_get(node_get(resources, group), below);
	const struct node *own = node_get(service, key);
	const struct where here = where_in(w, key);

	if (own && other && own->number != other->number)
		reader_error(r, &here, own->pos, "give it once",
			     "is %s here and %s in deploy.resources.%s.%s, %s", own->text,
			     other->text, group, below, reader_place(r, other->pos));
}

/*
 * The kernel would take any numbers; engines refuse these when they make the container, and with them nothing of what was meant
 * could hold.
 */
static void check_memory(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *resources = node_get(node_get(service, "deploy"), "resources");
	const struct node *limit = node_get(service, "mem_limit"),
			  *kept = node_get(service, "mem_reservation"),
			  *swap = node_get(service, "memswap_limit");
	const struct where in_swap = where_in(w, "memswap_limit"),
			   in_kept = where_in(w, "mem_reservation");

	limit = limit ? limit : node_get(node_get(resources, "limits"), "memory");
	kept = kept ? kept : node_get(node_get(resources, "reservations"), "memory");
	if (swap && swap->number > 0 && (!limit || !limit->number))
		reader_forbid(r, &in_swap, swap->pos, "give a 'mem_limit' too",
			      "%s without a limit of memory", swap->text);
	else if (swap && swap->number > 0 && swap->number < limit->number)
		reader_forbid(r, &in_swap, swap->pos, "it is the sum of memory and swap",
			      "%s is less than the limit of memory, %s", swap->text,
			      reader_place(r, limit->pos));
	if (kept && limit && limit->number && kept->number > limit->number)
		reader_forbid(r, &in_kept, kept->pos, NULL,
			      "%s is more than the limit of memory, %s", kept->text,
			      reader_place(r, limit->pos));
}

/* Both are said to leave something out, and each is of no effect beside what it stands with. */
static void check_rights(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *privileged = node_get(service, "privileged"),
			  *mode = node_get(service, "userns_mode");
	const struct where here = where_in(w, "userns_mode");

	if (privileged && privileged->number && mode && !strcmp(mode->text, "private"))
		reader_error(r, &here, mode->pos, "take one of the two away",
			     "'private' excludes 'privileged', %s",
			     reader_place(r, privileged->pos));
}

static const struct node *find_tmpfs(const struct node *service, const struct node *mount)
{
	const struct node *list = node_get(service, "tmpfs");
	const char *target = node_text(mount, "target");

	for (size_t i = 0; list && target && i < list->n; i++) {
		struct tmpfs_wish wish;

		if (tmpfs_parse(list->items[i]->text, &wish) && !strcmp(wish.target, target))
			return list->items[i];
	}
	return NULL;
}

/* Told at the volume, which is the one that would lose its data. */
static void check_targets(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *list = node_get(service, "volumes");
	const struct where key = where_in(w, "volumes");

	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *tmpfs = find_tmpfs(service, list->items[i]);
		const struct where here = where_item(&key, i);

		if (tmpfs)
			reader_error(r, &here, list->items[i]->pos, NULL,
				     "'%.80s' is the target of a volume and of a tmpfs, see %s "
				     "(volumes, tmpfs)",
				     node_text(list->items[i], "target"),
				     reader_place(r, tmpfs->pos));
	}
}

/* MAX_ARG_STRLEN of the kernel, see execve(2): no start of such a container could ever succeed. */
#define STRING_MAX (128u << 10)

static void check_environment(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *environment = node_get(service, "environment");
	const struct where here = where_in(w, "environment");

	for (size_t i = 0; environment && i < environment->n; i++) {
		const struct node_pair *pair = &environment->pairs[i];
		size_t len = strlen(pair->key) + strlen(pair->value->text) + 2;

		if (len > STRING_MAX)
			reader_error(r, &here, pair->pos, "put it into a file and bind that",
				     "'%.64s' has %zu bytes: the kernel takes %u of one variable",
				     pair->key, len, STRING_MAX);
	}
}

static void check_words(struct reader *r, const struct where *w, const struct node *service,
			const char *key)
{
	const struct node *list = node_get(service, key);
	const struct where there = where_in(w, key);

	for (size_t i = 0; list && i < list->n; i++) {
		const struct where here = where_item(&there, i);
		size_t len = strlen(list->items[i]->text) + 1;

		if (len > STRING_MAX)
			reader_error(r, &here, list->items[i]->pos,
				     "put it into a file and bind that",
				     "has %zu bytes: the kernel takes %u of one argument", len,
				     STRING_MAX);
	}
}

/* There is no layer to be read-only, or to lie somewhere. */
static void check_rootfs(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *rootfs = node_get(service, "x-rootfs"),
			  *writable = node_get(rootfs, "writable"),
			  *read_only = node_get(service, "read_only"),
			  *upper = node_get(rootfs, "upper");
	const struct where here = where_in(w, "x-rootfs");

	if (!writable || !writable->number)
		return;
	if (read_only && read_only->number)
		reader_error(r, &here, writable->pos, "take one of the two away",
			     "'writable' excludes 'read_only', %s",
			     reader_place(r, read_only->pos));
	if (upper)
		reader_error(r, &here, upper->pos, "take one of the two away",
			     "'upper' is the place of a layer, and with 'writable' there is none");
}

static void check_service(struct reader *r, const struct where *w, const struct node *service)
{
	check_environment(r, w, service);
	check_words(r, w, service, "command");
	check_words(r, w, service, "entrypoint");
	check_platform(r, w, service);
	check_rights(r, w, service);
	check_twin(r, w, service, "cpus", "limits", "cpus");
	check_twin(r, w, service, "mem_limit", "limits", "memory");
	check_twin(r, w, service, "pids_limit", "limits", "pids");
	check_twin(r, w, service, "mem_reservation", "reservations", "memory");
	check_memory(r, w, service);
	check_targets(r, w, service);
	check_rootfs(r, w, service);
}

/* ---- dependencies ---------------------------------------------------------------------------- */

struct chain {
	const struct chain *up;
	const struct node_pair *service;
};

/* From the service up the chain to itself: "a -> b -> a". */
static void complain_cycle(struct reader *r, const struct chain *c, const struct node_pair *last)
{
	const struct where section = { .key = "services" },
			   service = where_in(&section, c->service->key),
			   w = where_in(&service, active_asking_key(c->service->value, last));
	_cleanup_(buf_fini) struct buf text = { 0 };

	buf_puts(&text, last->key);
	for (bool found = false; c && !found; c = c->up) {
		_cleanup_free_ char *tail = buf_take(&text);

		found = !strcmp(c->service->key, last->key);
		buf_printf(&text, "%s -> %s", c->service->key, tail);
	}
	reader_error(r, &w, last->pos, NULL, "a cycle: %s: none of them could ever start",
		     buf_str(&text));
}

enum colour { WHITE, GREY, BLACK };

static void visit(struct reader *r, const struct node *services, const struct chain *c,
		  uint8_t *colours)
{
	const struct node *depends = node_get(c->service->value, "depends_on");

	colours[c->service - services->pairs] = GREY;
	for (size_t i = 0; depends && i < depends->n; i++) {
		const struct node_pair *other = node_find(services, depends->pairs[i].key);
		struct chain next = { c, other };

		if (!other)
			continue;
		if (colours[other - services->pairs] == GREY)
			complain_cycle(r, c, &depends->pairs[i]);
		else if (colours[other - services->pairs] == WHITE)
			visit(r, services, &next, colours);
	}
	colours[c->service - services->pairs] = BLACK;
}

static void check_cycles(struct reader *r, const struct node *services)
{
	_cleanup_free_ uint8_t *colours = xcalloc(services->n, 1);

	for (size_t i = 0; i < services->n; i++) {
		struct chain c = { NULL, &services->pairs[i] };

		if (colours[i] == WHITE)
			visit(r, services, &c, colours);
	}
}

/* Without a test of its own a service may have that of its image. */
static bool is_turned_off(const struct node *service)
{
	const struct node *health = node_get(service, "healthcheck"),
			  *test = node_get(health, "test"), *off = node_get(health, "disable");

	return (off && off->number) || (test && test->n && !strcmp(test->items[0]->text, "NONE"));
}

/*
 * Nobody would ever say that the other service is healthy, and the wait would be for ever. Whether its image brings a check
 * along is seen when the image is there, by plan.
 */
static void check_conditions(struct reader *r, const struct where *w, const struct node *service,
			     const struct node *services)
{
	const struct node *depends = node_get(service, "depends_on");
	const struct where here = where_in(w, "depends_on");

	for (size_t i = 0; depends && i < depends->n; i++) {
		const struct node_pair *d = &depends->pairs[i],
				       *other = node_find(services, d->key);
		const char *condition = node_text(d->value, "condition");

		if (!other || !condition || strcmp(condition, "service_healthy") ||
		    !is_turned_off(other->value))
			continue;
		reader_refuse(r, &here, d->pos, "give it a 'healthcheck' with a 'test'",
			      "waits for '%s', %s, to be healthy, but its check is turned off",
			      d->key, reader_place(r, other->pos));
	}
}

/* ---- names ----------------------------------------------------------------------------------- */

static void check_container_names(struct reader *r, const struct node *services)
{
	_cleanup_(strmap_fini) struct strmap seen = { 0 };
	const struct where section = { .key = "services" };

	for (size_t i = 0; i < services->n; i++) {
		const struct node_pair *pair = &services->pairs[i];
		const struct node *name = node_get(pair->value, "container_name");
		const struct where service = where_in(&section, pair->key),
				   here = where_in(&service, "container_name");
		size_t first;

		if (name && !strmap_put(&seen, name->text, strlen(name->text), i, &first))
			reader_error(r, &here, name->pos, NULL,
				     "'%s' is also the name of service '%s', %s", name->text,
				     services->pairs[first].key,
				     reader_place(r, node_get(services->pairs[first].value,
							      "container_name")
							     ->pos));
	}
}

void crosscheck(struct reader *r, const struct node *root, const struct node *tree)
{
	const struct node *services = node_get(root, "services");
	const struct where section = { .key = "services" };

	for (size_t i = 0; i < services->n; i++) {
		const struct node_pair *pair = &services->pairs[i];
		const struct where w = where_key(&section, pair->key, pair->pos);

		check_references(r, &w, pair->value, tree);
		check_service(r, &w, pair->value);
		check_conditions(r, &w, pair->value, services);
		crosscheck_namespaces(r, &w, pair->value, services);
		crosscheck_attachments(r, &w, pair->value);
	}
	assets_read(r, root);
	check_cycles(r, services);
	check_container_names(r, services);
	crosscheck_scale(r, services);
	crosscheck_net(r, root);
	crosscheck_links(r, root);
}
