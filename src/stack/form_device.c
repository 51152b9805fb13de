/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_device: `devices`, SOURCE[:TARGET[:rwm]] and the long form, and the rules of
 * `device_cgroup_rules`. Called through the table of service keys. Nothing looks at the host: the
 * file may be read on another machine than the one that it will run on.
 */
#include <ctype.h>

#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/targets.h"

#define GRAMMAR	  "write SOURCE[:TARGET[:rwm]]"
#define MAJOR_MAX 4095
#define MINOR_MAX 1048575

/* ---- what both forms have -------------------------------------------------------------------- */

/* r, w and m, each at most once, at least one of them. */
static bool is_permissions(const char *s)
{
	size_t len = strlen(s);

	if (!len || strspn(s, "rwm") != len)
		return false;
	for (; *s; s++)
		if (strchr(s + 1, *s))
			return false;
	return true;
}

/* Empty is wrong too: a device that may not be used is a slip. */
static FORM(form_permissions)
{
	if (is_permissions(n->text))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.40s' are no permissions; write some of r, w and m",
		     n->text);
	return NULL;
}

/*
 * vendor.com/class=name: a plugin of a container engine knows what is meant by that. It is neither a
 * path nor a node, so nothing but its being there can be checked.
 */
static bool is_cdi(const char *source)
{
	return *source != '/' && strchr(source, '/') && strchr(source, '=');
}

/*
 * An empty source, mostly a variable that is not set, passes compose's `config` and fails when the
 * container is made: so it is here.
 */
static struct node *finish(struct reader *r, const struct where *w, const struct node *n,
			   struct node *source, struct node *target, struct node *permissions)
{
	struct stack_pos nowhere = { 0 };
	struct node_pairs out = { 0 };

	if (!*source->text) {
		reader_refuse(r, w, source->pos, NULL, "a device without a path");
	} else if (is_cdi(source->text)) {
		reader_refuse(r, w, source->pos,
			      "its vendor's plugins for engines know what is meant: name the node "
			      "below /dev",
			      "CDI name '%.80s'", source->text);
	} else if (*source->text != '/') {
		reader_error(r, w, source->pos, NULL,
			     "'%.80s': the path of a device must begin with /", source->text);
		return NULL;
	} else {
		target = target_form(r, w, target, target->text);
	}
	if (!target)
		return NULL;
	if (!permissions)
		permissions = node_new(r->arena, NODE_STRING, nowhere, "rwm");
	node_pairs_put(&out, "permissions", n->pos, permissions);
	node_pairs_put(&out, "source", n->pos, source);
	node_pairs_put(&out, "target", n->pos, target);
	return node_map_done(r->arena, n->pos, &out);
}

/* ---- short form ------------------------------------------------------------------------------ */

static struct node *form_short(struct reader *r, const struct where *w, const struct node *n)
{
	char *s = arena_strdup(r->arena, n->text), *parts[3] = { NULL };
	struct node *source, *permissions = NULL;
	size_t n_parts = 0;

	do {
		char *colon = strchr(s, ':');

		if (colon)
			*colon++ = '\0';
		if (n_parts == ARRAY_LEN(parts)) {
			reader_error(r, w, n->pos, NULL, "'%.80s' is not a device; " GRAMMAR,
				     n->text);
			return NULL;
		}
		parts[n_parts++] = s;
		s = colon;
	} while (s);
	source = form_part(r, n, parts[0]);
	if (parts[1] && !*parts[1])
		parts[1] = NULL;
	if (parts[2] && !(permissions = form_permissions(r, w, form_part(r, n, parts[2]))))
		return NULL;
	/* As docker's own --device has it, but not compose: it would be a path. */
	if (parts[1] && is_permissions(parts[1])) {
		reader_error(r, w, n->pos, "permissions come third",
			     "'%.80s' is not a device; " GRAMMAR, n->text);
		return NULL;
	}
	return finish(r, w, n, source, parts[1] ? form_part(r, n, parts[1]) : source, permissions);
}

/* ---- long form ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct key device_rows[] = {
	DONE("permissions", STR, AS(form_permissions)),
	DONE("source", STR),
	DONE("target", STR),
};
const struct key_table device_keys = TABLE(device_rows);
/* clang-format on */

static struct node *form_long(struct reader *r, const struct where *w, const struct node *n)
{
	size_t errors = stack_diags_errors(r->diags);
	struct node *map = form_map(r, w, n, &device_keys), *source = node_get(map, "source"),
		    *target = node_get(map, "target");

	if (stack_diags_errors(r->diags) > errors)
		return NULL;
	if (source)
		return finish(r, w, n, source, target && *target->text ? target : source,
			      node_get(map, "permissions"));
	reader_error(r, w, n->pos, NULL, "'source' is missing");
	return NULL;
}

/* By the path in the container: an override gives another node of the host the same name. */
FORM(form_devices)
{
	struct targets list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		const struct node *item = n->items[i];
		struct node *device;

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_MAP))
			continue;
		device = item->kind == NODE_MAP ? form_long(r, &here, item)
						: form_short(r, &here, item);
		if (device)
			targets_put(&list, node_text(device, "target"), device);
	}
	return targets_done(r, n->pos, &list);
}

/* ---- rules: "c 1:3 rwm" ---------------------------------------------------------------------- */

/* A number or a star; how long it is, 0: neither. */
static size_t number_len(const char *s)
{
	size_t len = 0;

	if (*s == '*')
		return 1;
	while (isdigit((unsigned char)s[len]))
		len++;
	return len;
}

/* In the kernel 12 bits and 20. Of what is no rule nobody asks. */
static bool is_too_large(const char *s)
{
	const char *colon = strchr(s, ':');

	return strtoull(s + 2, NULL, 10) > MAJOR_MAX || strtoull(colon + 1, NULL, 10) > MINOR_MAX;
}

/* One blank between the parts, as the kernel's own files have it; docker takes no other spelling. */
static bool is_rule(const char *s)
{
	size_t len;

	if (!*s || !strchr("abc", *s) || s[1] != ' ')
		return false;
	len = number_len(s + 2);
	if (!len || s[2 + len] != ':')
		return false;
	s += 2 + len + 1;
	len = number_len(s);
	return len && s[len] == ' ' && is_permissions(s + len + 1);
}

FORM(form_device_rules)
{
	const struct node *all = form_set(r, w, n);
	struct node_items good = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };

		if (is_rule(all->items[i]->text) && is_too_large(all->items[i]->text))
			reader_error(r, &here, all->items[i]->pos, NULL,
				     "'%.60s': there are no such devices: numbers go up to %d:%d",
				     all->items[i]->text, MAJOR_MAX, MINOR_MAX);
		else if (is_rule(all->items[i]->text))
			vec_push(&good, all->items[i]);
		else
			reader_error(r, &here, all->items[i]->pos, NULL,
				     "'%.60s' is not a rule; write like c 1:3 rwm",
				     all->items[i]->text);
	}
	return node_list_done(r->arena, n->pos, &good);
}
