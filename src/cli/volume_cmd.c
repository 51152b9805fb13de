/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume_cmd: `mstack volumes`, what volumes a stack has, and `mstack volume`, all volumes of the host, in the words of docker's
 * commands. Volumes with `driver_opts` are not among them: they are the stack file's, and there is nothing of them here.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/random.h>

#include "cli/command.h"
#include "cli/project.h"
#include "cli/rows.h"
#include "cli/servicename.h"
#include "cli/storecmd.h"

/* ---- printing -------------------------------------------------------------------------------- */

static json_t *labels(const struct store_volume_listed *v)
{
	json_t *o = json_object();

	if (*v->project)
		json_object_set_new(o, "com.docker.compose.project", json_string(v->project));
	if (v->anonymous)
		json_object_set_new(o, "com.docker.volume.anonymous", json_string(""));
	return o;
}

/* `KEY=VALUE,KEY=VALUE`, as docker has them in lists. */
static json_t *label_text(const struct store_volume_listed *v)
{
	json_t *all = labels(v), *text;
	struct buf b = { 0 };
	const char *key;
	json_t *value;

	json_object_foreach(all, key, value)
		buf_printf(&b, "%s%s=%s", b.len ? "," : "", key, json_string_value(value));
	text = json_string(buf_str(&b));
	buf_fini(&b);
	json_decref(all);
	return text;
}

/* The keys of docker that have no meaning here have its word for that. */
static json_t *row_of(const struct store_volume_listed *v)
{
	static const char *const without[] = { "Availability", "Group", "Links", "Size", "Status" };
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:b}", "Name", v->name, "Driver",
			      "local", "Scope", "local", "Mountpoint", v->path, "Labels",
			      label_text(v), "Project", v->project, "InUse", v->in_use);

	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		json_object_set_new(o, without[i], json_string("N/A"));
	return o;
}

/* Those for which `wanted` holds. */
static int print_list(const struct cli_options *o, const struct store_volume_listing *all,
		      bool (*wanted)(void *arg, const struct store_volume_listed *v), void *arg,
		      struct err *err)
{
	static const struct cli_column columns[] = { { "DRIVER", "Driver" },
						     { "VOLUME NAME", "Name" },
						     { "STACK", "Project" },
						     { "IN USE", "InUse" },
						     { NULL, NULL } };
	json_t *rows = json_array();
	int rc = 0;

	for (size_t i = 0; i < all->n; i++) {
		if (!wanted(arg, &all->v[i]))
			continue;
		if (o->quiet)
			puts(all->v[i].name);
		else
			json_array_append_new(rows, row_of(&all->v[i]));
	}
	if (!o->quiet)
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	return rc;
}

/* ---- of a stack ------------------------------------------------------------------------------ */

struct chosen {
	const struct cli_options *o;
	const struct cli_project *p;
};

static bool is_asked_for(const struct cli_options *o, const char *service)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (!strcmp(o->args.v[i], service))
			return true;
	return !o->args.n;
}

/* By the file, when there is one: it also tells who uses a volume besides the service that it was made for. */
static bool is_named(const struct chosen *c, const char *name)
{
	const struct stack *s = c->p->stack;

	for (size_t i = 0; s && i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_mounts; k++) {
			const struct stack_volume *v = s->services[i].mounts[k].volume;

			if (v && !v->device && !strcmp(v->name, name) &&
			    is_asked_for(c->o, s->services[i].name))
				return true;
		}
	return false;
}

static bool is_of_stack(void *arg, const struct store_volume_listed *v)
{
	const struct chosen *c = arg;

	return (!strcmp(v->project, c->p->name) && is_asked_for(c->o, v->service)) ||
	       is_named(c, v->name);
}

int cli_volumes(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct chosen chosen = { o, &p };
	struct store_volume_listing all = { 0 };
	struct store *s;
	int rc;

	if (cli_project_find(o, &p, err) < 0 ||
	    (p.stack && cli_services_check(o, &p, NULL, "volumes", err) < 0))
		return -1;
	s = store_open(path_data_dir(), err);
	rc = s ? store_volume_list(s, &all, err) : -1;
	if (!rc)
		rc = print_list(o, &all, is_of_stack, &chosen, err);
	store_volume_listing_fini(&all);
	store_close(s);
	return rc;
}

/* ---- of the host ----------------------------------------------------------------------------- */

static bool is_any(void *arg, const struct store_volume_listed *v)
{
	(void)arg;
	(void)v;
	return true;
}

static int list(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_volume_listing all = { 0 };
	int rc;

	if (o->args.n > 1)
		return err_kind(err, ERR_USAGE, "volume ls: too many words");
	if (store_volume_list(s, &all, err) < 0)
		return -1;
	rc = print_list(o, &all, is_any, NULL, err);
	store_volume_listing_fini(&all);
	return rc;
}

/* As docker: one that is there already is no error; without a name it gets one that nobody else has. */
static int create(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_volume_origin origin = { .anonymous = o->args.n < 2 };
	_cleanup_free_ char *path = NULL;
	char name[65];
	uint64_t random[4];

	if (o->args.n > 2)
		return err_kind(err, ERR_USAGE, "volume create: one name, or none");
	if (o->args.n < 2 && getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_set(err, "volume create: no random numbers");
	for (size_t i = 0; o->args.n < 2 && i < ARRAY_LEN(random); i++)
		snprintf(name + 16 * i, 17, "%016llx", (unsigned long long)random[i]);
	if (store_volume(s, o->args.n < 2 ? name : o->args.v[1], &origin, &path, err) < 0)
		return -1;
	puts(o->args.n < 2 ? name : o->args.v[1]);
	return 0;
}

static const struct store_volume_listed *find(const struct store_volume_listing *all,
					      const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, name))
			return &all->v[i];
	return NULL;
}

/* All that can go goes; the first reason is the answer. */
static int rm(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_volume_listing all = { 0 };
	struct err first = { 0 };
	int rc = 0;

	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE, "volume rm: which one?");
	if (store_volume_list(s, &all, err) < 0)
		return -1;
	for (size_t i = 1; i < o->args.n; i++) {
		const char *name = o->args.v[i];
		bool there = find(&all, name);
		int this = there ? store_volume_remove(s, name, err) : 0;

		if (!there && !o->force)
			this = err_set(err, "volume '%s': there is none of this name", name);
		else if (!this && there)
			puts(name);
		if (this < 0 && !rc)
			first = *err;
		rc = this < 0 ? -1 : rc;
	}
	store_volume_listing_fini(&all);
	if (rc < 0)
		*err = first;
	return rc;
}

static int prune(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_volume_listing all = { 0 };
	int rc = 0;

	if (o->args.n > 1)
		return err_kind(err, ERR_USAGE,
				"volume prune: takes no names (see 'mstack volume rm')");
	if (!cli_store_confirmed("volume prune",
				 o->all ? "all volumes that no running stack uses, with their data"
					: "all anonymous volumes that no running stack uses, with "
					  "their data",
				 o, err))
		return -1;
	if (store_volume_list(s, &all, err) < 0)
		return -1;
	for (size_t i = 0; !rc && i < all.n; i++) {
		if (all.v[i].in_use || !(o->all || all.v[i].anonymous))
			continue;
		rc = store_volume_remove(s, all.v[i].name, err);
		if (!rc && !o->quiet)
			puts(all.v[i].name);
		/* Somebody began to use it just now. */
		rc = rc < 0 && err->sys == EBUSY ? 0 : rc;
	}
	store_volume_listing_fini(&all);
	return rc;
}

static int inspect(struct store *s, const struct cli_options *o, struct err *err)
{
	struct store_volume_listing all = { 0 };
	json_t *found = json_array();
	int rc = 0;

	if (o->args.n < 2)
		rc = err_kind(err, ERR_USAGE, "volume inspect: which one?");
	else
		rc = store_volume_list(s, &all, err);
	for (size_t i = 1; !rc && i < o->args.n; i++) {
		const struct store_volume_listed *v = find(&all, o->args.v[i]);

		if (!v)
			rc = err_set(err, "volume '%s': there is none of this name", o->args.v[i]);
		else
			json_array_append_new(found,
					      json_pack("{s:s, s:s, s:o, s:s, s:s, s:n, s:s, s:b}",
							"CreatedAt", v->created, "Driver", "local",
							"Labels", labels(v), "Mountpoint", v->path,
							"Name", v->name, "Options", "Scope",
							"local", "InUse", v->in_use));
	}
	if (!rc) {
		json_dumpf(found, stdout, JSON_INDENT(4));
		putchar('\n');
	}
	json_decref(found);
	store_volume_listing_fini(&all);
	return rc;
}

int cli_volume(const struct cli_options *o, struct err *err)
{
	static const struct cli_sub subs[] = {
		{ "ls", list },	  { "list", list },   { "create", create },   { "rm", rm },
		{ "remove", rm }, { "prune", prune }, { "inspect", inspect },
	};

	return cli_store_run("volume", "ls, create, rm, prune or inspect", subs, ARRAY_LEN(subs), o,
			     err);
}
