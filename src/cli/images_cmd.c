/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images_cmd: `mstack images`, what the containers of a stack were made of. Which image that is the supervisor says, by its id: a
 * name may mean another one by now. The rest is in the catalog, or nowhere for folders.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/imagewords.h"
#include "cli/project.h"
#include "cli/rows.h"
#include "cli/servicename.h"

static const struct cli_column columns[] = {
	{ "CONTAINER", "ContainerName" },
	{ "REPOSITORY", "Repository" },
	{ "TAG", "Tag" },
	{ "PLATFORM", "Platform" },
	{ "IMAGE ID", "ID" },
	{ "SIZE", "Size" },
	{ "CREATED", "Created" },
	{ NULL, NULL },
};

static const struct store_listed *find(const struct store_listing *all, const char *id)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strncmp(id, "sha256:", 7) && !strcmp(all->v[i].id, id + 7))
			return &all->v[i];
	return NULL;
}

/* Of all its names the one that the service has for it. */
static const char *name_of(const struct store_listed *l, const char *asked)
{
	size_t len = strlen(asked);

	for (char **name = l->names; *name; name++)
		if (!strncmp(*name, asked, len) &&
		    (!(*name)[len] || !strcmp(*name + len, ":latest")))
			return *name;
	return l->names[0];
}

/* A name that is not in the catalog: only the built-in image has one, and it is always the latest. */
static void split_unlisted(const char *image, char **ret_repo, char **ret_tag)
{
	_cleanup_free_ char *full = xasprintf("%s:latest", image);
	bool tagged = strchr(image, ':') || store_image_form(image) != STORE_NAME;

	cli_image_split(tagged ? image : full, ret_repo, ret_tag);
}

/* The keys of `docker compose images --format json`. */
static json_t *row_of(const json_t *slot, const struct store_listed *l)
{
	const char *image = cli_string(slot, "Image");
	_cleanup_free_ char *repo = NULL, *tag = NULL;
	json_t *row = json_object();

	if (l)
		cli_image_split(name_of(l, image), &repo, &tag);
	else
		split_unlisted(image, &repo, &tag);
	json_object_set(row, "ID", json_object_get(slot, "ImageID"));
	json_object_set(row, "ContainerName", json_object_get(slot, "Name"));
	json_object_set(row, "Service", json_object_get(slot, "Service"));
	json_object_set_new(row, "Repository", json_string(repo));
	json_object_set_new(row, "Tag", json_string(tag));
	json_object_set_new(row, "Platform", json_string(l ? l->platform : ""));
	json_object_set_new(row, "Size", l ? json_integer((json_int_t)l->size) : json_null());
	json_object_set_new(row, "Created",
			    l && *l->created ? json_string(l->created) : json_null());
	json_object_set_new(row, "LastTagTime", l ? json_string(l->imported) : json_null());
	return row;
}

/* For people: an id's beginning, sizes and ages in words. */
static void say(json_t *row)
{
	const char *id = cli_string(row, "ID");
	const json_t *bytes = json_object_get(row, "Size");
	char size[32] = "N/A", ago[40];

	if (json_is_integer(bytes))
		size_format((uint64_t)json_integer_value(bytes), size, sizeof(size));
	cli_image_since(cli_string(row, "Created"), ago, sizeof(ago));
	json_object_set_new(row, "ID",
			    *id ? json_sprintf("%.*s", IMAGE_ID_SHOWN, id + strlen("sha256:"))
				: json_string(IMAGE_NONE));
	if (!*cli_string(row, "Platform"))
		json_object_set_new(row, "Platform", json_string("N/A"));
	json_object_set_new(row, "Size", json_string(size));
	json_object_set_new(row, "Created", json_string(ago));
}

/* As compose: whole, without the name of the digest, and each once. */
static void print_ids(const json_t *rows)
{
	json_t *seen = json_object(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *id = cli_string(row, "ID");

		if (*id && !json_object_get(seen, id))
			puts(id + strlen("sha256:"));
		json_object_set_new(seen, id, json_true());
	}
	json_decref(seen);
}

static bool is_wanted(const struct cli_options *o, const json_t *slot)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (!strcmp(o->args.v[i], cli_string(slot, "Service")))
			return true;
	return !o->args.n;
}

static int print(const struct cli_options *o, const json_t *slots, const struct store_listing *all,
		 struct err *err)
{
	json_t *rows = json_array(), *slot;
	size_t i;
	int rc = 0;

	json_array_foreach(slots, i, slot) {
		json_t *row;

		if (!is_wanted(o, slot))
			continue;
		row = row_of(slot, find(all, cli_string(slot, "ImageID")));
		if (!o->quiet && cli_rows_is_table(o))
			say(row);
		json_array_append_new(rows, row);
	}
	if (o->quiet)
		print_ids(rows);
	else
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	return rc;
}

/* The list of containers is taken first: an image that comes or goes meanwhile is seen as it is then. */
int cli_images(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct store_listing all = { 0 };
	struct store *s = NULL;
	json_t *slots = NULL;
	int rc = -1;

	if (cli_project_find(o, &p, err) == 0 && cli_slots(p.name, &slots, err) >= 0 &&
	    cli_services_check(o, &p, slots, "images", err) == 0)
		rc = 0;
	/* Without containers it is not asked what there is. */
	if (!rc && json_array_size(slots)) {
		s = store_open(path_data_dir(), err);
		rc = s ? store_list(s, &all, err) : -1;
	}
	if (!rc)
		rc = print(o, slots, &all, err);
	store_listing_fini(&all);
	store_close(s);
	json_decref(slots);
	return rc;
}
