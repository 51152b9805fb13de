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
#include "cli/imagewords.h"
#include "cli/rows.h"
#include "cli/storecmd.h"

/* ---- ls -------------------------------------------------------------------------------------- */

/* In JSON and templates ids are whole, unlike docker's: so they can be compared with those of other commands. */
static json_t *row_of(const struct store_listed *l, const char *name)
{
	_cleanup_free_ char *repo = NULL, *tag = NULL;
	json_t *o = json_object();
	char size[32], ago[40];

	cli_image_split(name, &repo, &tag);
	size_format(l->size, size, sizeof(size));
	cli_image_since(l->created, ago, sizeof(ago));
	json_object_set_new(o, "ID", json_sprintf("sha256:%s", l->id));
	json_object_set_new(o, "Repository", json_string(repo));
	json_object_set_new(o, "Tag", json_string(tag));
	json_object_set_new(o, "Digest",
			    *l->digest ? json_sprintf("sha256:%s", l->digest)
				       : json_string(IMAGE_NONE));
	json_object_set_new(o, "Platform", json_string(l->platform));
	json_object_set_new(o, "CreatedAt", json_string(l->created));
	json_object_set_new(o, "CreatedSince", json_string(ago));
	json_object_set_new(o, "ImportedAt", json_string(l->imported));
	json_object_set_new(o, "Size", json_string(size));
	json_object_set_new(o, "Bytes", json_integer((json_int_t)l->size));
	json_object_set_new(o, "Layers", json_integer((json_int_t)l->n_layers));
	json_object_set_new(o, "InUse", json_boolean(l->in_use));
	return o;
}

/* The table has room for the beginnings of ids only. */
static void shorten(json_t *row, const struct store_listed *l)
{
	json_object_set_new(row, "ID", json_sprintf("%.*s", IMAGE_ID_SHOWN, l->id));
	if (*l->digest)
		json_object_set_new(row, "Digest",
				    json_sprintf("sha256:%.*s", IMAGE_ID_SHOWN, l->digest));
}

static int list(struct store *s, const struct cli_options *o, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "REPOSITORY", "Repository" }, { "TAG", "Tag" },
		{ "DIGEST", "Digest" },		{ "IMAGE ID", "ID" },
		{ "CREATED", "CreatedSince" },	{ "SIZE", "Size" },
		{ "IN USE", "InUse" },		{ NULL, NULL },
	};
	struct store_listing all;
	json_t *rows;
	int rc = 0;

	if (o->args.n > 1)
		return err_kind(err, ERR_USAGE, "image ls: too many words");
	if (store_list(s, &all, err) < 0)
		return -1;
	rows = json_array();
	for (size_t i = 0; i < all.n; i++) {
		const struct store_listed *l = &all.v[i];

		if (o->quiet)
			printf("%.*s\n", o->no_trunc ? 64 : IMAGE_ID_SHOWN, l->id);
		for (size_t k = 0; !o->quiet && (!k || l->names[k]); k++) {
			json_t *row = row_of(l, l->names[k]);

			if (cli_rows_is_table(o) && !o->no_trunc)
				shorten(row, l);
			json_array_append_new(rows, row);
		}
	}
	if (!o->quiet)
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	store_listing_fini(&all);
	return rc;
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
