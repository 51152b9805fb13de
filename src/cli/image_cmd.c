/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image: `mstack image ls | pull | import | rm | prune | inspect`: the catalog of images. Asks the store directly; no stack and no
 * supervisor is needed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/bar.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/storecmd.h"
#include "cli/table.h"
#include "mstack/store.h"

#define ID_SHOWN 12
#define NONE	 "<none>"

/* ---- ls -------------------------------------------------------------------------------------- */

/* A name in two; where an image came from is no repository with a tag. */
static void split(const char *name, char **ret_repo, char **ret_tag)
{
	const char *at = name ? strchr(name, '@') : NULL;
	const char *colon = at ? at : name ? strrchr(name, ':') : NULL;
	bool tagged = colon && !strchr(colon, '/') && store_image_form(name) == STORE_NAME;

	*ret_repo = !name    ? xstrdup(NONE)
		    : tagged ? xasprintf("%.*s", (int)(colon - name), name)
			     : xstrdup(name);
	/* The digest has a column of its own. */
	*ret_tag = xstrdup(tagged && !at ? colon + 1 : NONE);
}

/* "3 weeks ago", as Docker says it; images without a date are old. */
static void since(const char *stamp, char *ret, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *word;
	} units[] = { { 31536000, "year" }, { 2592000, "month" }, { 604800, "week" },
		      { 86400, "day" },	    { 3600, "hour" },	  { 60, "minute" },
		      { 1, "second" } };
	uint64_t then, age;

	snprintf(ret, size, "N/A");
	if (time_parse_stamp(stamp, &then) < 0 || then > time_wall_ns())
		return;
	age = (time_wall_ns() - then) / 1000000000;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (age >= units[i].seconds) {
			uint64_t n = age / units[i].seconds;

			snprintf(ret, size, "%llu %s%s ago", (unsigned long long)n, units[i].word,
				 n == 1 ? "" : "s");
			return;
		}
	snprintf(ret, size, "now");
}

static void print_json(const struct store_listed *l, const char *repo, const char *tag,
		       const char *ago, const char *size)
{
	json_t *o = json_object();

	json_object_set_new(o, "ID", json_sprintf("sha256:%s", l->id));
	json_object_set_new(o, "Repository", json_string(repo));
	json_object_set_new(o, "Tag", json_string(tag));
	json_object_set_new(o, "Digest",
			    *l->digest ? json_sprintf("sha256:%s", l->digest) : json_string(NONE));
	json_object_set_new(o, "CreatedAt", json_string(l->created));
	json_object_set_new(o, "CreatedSince", json_string(ago));
	json_object_set_new(o, "ImportedAt", json_string(l->imported));
	json_object_set_new(o, "Size", json_string(size));
	json_object_set_new(o, "Bytes", json_integer((json_int_t)l->size));
	json_object_set_new(o, "Layers", json_integer((json_int_t)l->n_layers));
	json_object_set_new(o, "InUse", json_boolean(l->in_use));
	json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void add_row(const struct store_listed *l, const char *name, struct cli_table *table)
{
	_cleanup_free_ char *repo = NULL, *tag = NULL, *id = xasprintf("%.*s", ID_SHOWN, l->id);
	_cleanup_free_ char *digest =
		*l->digest ? xasprintf("sha256:%.*s", ID_SHOWN, l->digest) : xstrdup(NONE);
	char size[32], ago[40];

	split(name, &repo, &tag);
	size_format(l->size, size, sizeof(size));
	since(l->created, ago, sizeof(ago));
	if (table)
		cli_table_row(table, (const char *const[]){ repo, tag, digest, id, ago, size,
							    l->in_use ? "yes" : "" });
	else
		print_json(l, repo, tag, ago, size);
}

static int list(struct store *s, const struct cli_options *o, struct err *err)
{
	static const char *const heads[] = { "REPOSITORY", "TAG",  "DIGEST", "IMAGE ID",
					     "CREATED",	   "SIZE", "IN USE", NULL };
	bool json = o->format && !strcmp(o->format, "json");
	struct cli_table *table = NULL;
	struct store_listing all;

	if (o->args.n > 1)
		return err_kind(err, ERR_USAGE, "image ls: too many words");
	if (store_list(s, &all, err) < 0)
		return -1;
	if (!json && !o->quiet)
		table = cli_table_new(heads);
	for (size_t i = 0; i < all.n; i++) {
		const struct store_listed *l = &all.v[i];

		if (o->quiet)
			printf("%.*s\n", ID_SHOWN, l->id);
		for (size_t k = 0; !o->quiet && (!k || l->names[k]); k++)
			add_row(l, l->names[k], table);
	}
	if (table)
		cli_table_print(table);
	store_listing_fini(&all);
	return 0;
}

/* ---- inspect --------------------------------------------------------------------------------- */

static int inspect(struct store *s, const struct cli_options *o, struct err *err)
{
	struct buf all = { 0 };
	int rc = 0;

	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE, "image inspect: which one?");
	for (size_t i = 1; !rc && i < o->args.n; i++) {
		buf_puts(&all, i > 1 ? ",\n" : "");
		rc = store_inspect(s, o->args.v[i], &all, err);
	}
	if (!rc)
		printf("[\n%s\n]\n", buf_str(&all));
	buf_fini(&all);
	return rc;
}

/* ---- pull ------------------------------------------------------------------------------------ */

/* As docker: one name in each line, of those that are here now. */
static int pull(struct store *s, const struct cli_options *o, struct err *err)
{
	struct cli_pulls pulls = { 0 };
	int rc;

	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE, "image pull: which one?");
	for (size_t i = 1; i < o->args.n; i++)
		cli_images_add(&pulls, o->args.v[i], false);
	rc = cli_images_pull(s, o, &pulls, o->quiet, err);
	for (size_t i = 0; !rc && i < pulls.n; i++)
		if (!pulls.v[i].failed)
			puts(pulls.v[i].name);
	if (!rc)
		rc = cli_images_judge(o, &pulls, err);
	vec_fini(&pulls);
	return rc;
}

/* ---- import ---------------------------------------------------------------------------------- */

static void hear_line(void *arg, const char *line)
{
	struct cli_bar *bar = arg;

	cli_bar_clear(bar);
	cli_say((void *)bar->term, SUP_NOTE, NULL, line);
}

static void hear_progress(void *arg, uint64_t done, uint64_t total)
{
	cli_bar_set(arg, done, total);
}

static int import(struct store *s, const struct cli_options *o, struct err *err)
{
	struct cli_term term = cli_term_get(o);
	struct cli_bar bar = { .term = &term, .what = "import" };
	struct store_hooks hooks = { hear_line, hear_progress, &bar };
	struct store_imported done = { 0 };
	_cleanup_free_ char *here = getcwd(NULL, 0);
	int rc;

	if (o->args.n < 2 || o->args.n > 3)
		return err_kind(
			err, ERR_USAGE,
			"image import: say what, and perhaps its name: oci:DIR[:REF] [NAME]");
	rc = store_import(s, o->args.v[1], here ? here : "/", o->args.n > 2 ? o->args.v[2] : NULL,
			  &hooks, &done, err);
	cli_bar_clear(&bar);
	if (!rc && (o->quiet || !done.names.n))
		printf("sha256:%s\n", done.id);
	for (size_t i = 0; !rc && !o->quiet && i < done.names.n; i++)
		printf("Imported: %s\n", done.names.v[i]);
	store_imported_fini(&done);
	return rc;
}

/* ---- rm, prune ------------------------------------------------------------------------------- */

static void print_removed(const struct cli_options *o, const struct store_removed *r)
{
	for (size_t i = 0; !o->quiet && i < r->lines.n; i++)
		puts(r->lines.v[i]);
}

/* All that can go goes; the first reason is the answer. */
static int rm(struct store *s, const struct cli_options *o, struct err *err)
{
	struct err first = { 0 };
	int rc = 0;

	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE, "image rm: which one?");
	for (size_t i = 1; i < o->args.n; i++) {
		struct store_removed done = { 0 };
		int this = store_remove(s, o->args.v[i], o->force, &done, err);

		print_removed(o, &done);
		store_removed_fini(&done);
		if (this < 0 && !rc)
			first = *err;
		rc = this < 0 ? -1 : rc;
	}
	if (rc < 0)
		*err = first;
	return rc;
}

static int prune(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_removed done = { 0 };
	char size[32];
	int rc;

	if (o->args.n > 1)
		return err_kind(err, ERR_USAGE,
				"image prune: takes no names (see 'mstack image rm')");
	if (!cli_store_confirmed("image prune",
				 o->all ? "all images that no running stack uses"
					: "all images without a name",
				 o, err))
		return -1;
	rc = store_prune(s, o->all, &done, err);
	print_removed(o, &done);
	size_format(done.bytes, size, sizeof(size));
	if (!rc)
		printf("Total reclaimed space: %s\n", size);
	store_removed_fini(&done);
	return rc;
}

/* ---- which ----------------------------------------------------------------------------------- */

int cli_image(const struct cli_options *o, struct err *err)
{
	static const struct cli_sub subs[] = {
		{ "ls", list },	      { "list", list },	  { "pull", pull },
		{ "import", import }, { "load", import }, { "rm", rm },
		{ "remove", rm },     { "prune", prune }, { "inspect", inspect },
	};

	return cli_store_run("image", "ls, pull, import, rm, prune or inspect", subs,
			     ARRAY_LEN(subs), o, err);
}
