/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: `mstack config`, the checked stack in its full form, or one of the lists of it. Touches
 * nothing and needs no rights; -o writes one file.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/outfile.h"
#include "cli/project.h"
#include "cli/security.h"
#include "cli/servicename.h"
#include "cli/sha256.h"
#include "cli/table.h"

struct config {
	const struct cli_options *o;
	bool json;
	struct cli_project project;
	struct cli_words services; /* that the model is restricted to */
	struct VEC(char *) hashed; /* named by --hash; none: all */
	struct buf out;
};

static void config_fini(struct config *c)
{
	for (size_t i = 0; i < c->hashed.n; i++)
		free(c->hashed.v[i]);
	vec_fini(&c->hashed);
	vec_fini(&c->services);
	cli_project_fini(&c->project);
	buf_fini(&c->out);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void add_names(struct config *c)
{
	const struct cli_options *o = c->o;
	const struct stack *s = c->project.stack;

	if (o->services)
		stack_names(s, "services", NULL, &c->out);
	if (o->networks)
		stack_names(s, "networks", NULL, &c->out);
	if (o->volumes)
		stack_names(s, "volumes", NULL, &c->out);
	if (o->images && o->no_interpolate)
		stack_names(s, "services", "image", &c->out);
	for (size_t i = 0; o->images && i < s->n_services; i++)
		buf_printf(&c->out, "%s\n", s->services[i].image.text);
	if (o->list_profiles) {
		const struct stack_strs profiles = stack_profiles(s);

		for (size_t i = 0; i < profiles.n; i++)
			buf_printf(&c->out, "%s\n", profiles.v[i].text);
	}
}

/* jansson takes UTF-8 only; an environment may hold anything. */
static json_t *json_text(const char *s)
{
	json_t *text = s ? json_string(s) : json_null();

	return text ? text : json_string("(not UTF-8)");
}

static void add_json(struct config *c, json_t *object)
{
	char *text = json_dumps(object, JSON_INDENT(2));

	buf_printf(&c->out, "%s\n", text);
	free(text);
	json_decref(object);
}

/* The keys of compose, and ours behind them. */
static void add_variables_json(struct config *c, const struct stack_variable *v, size_t n)
{
	json_t *all = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "Name", json_text(v[i].name));
		json_object_set_new(one, "Required", json_boolean(v[i].required));
		json_object_set_new(one, "DefaultValue",
				    json_text(v[i].fallback ? v[i].fallback : ""));
		json_object_set_new(one, "PresenceValue",
				    json_text(v[i].alternate ? v[i].alternate : ""));
		json_object_set_new(one, "Value", json_text(v[i].value));
		json_object_set_new(all, v[i].name, one);
	}
	add_json(c, all);
}

static void add_variables(struct config *c)
{
	static const char *const heads[] = { "NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE",
					     NULL };
	const struct stack_variable *v;
	size_t n = stack_variables(c->project.stack, &v);
	struct cli_table *t;

	if (c->json) {
		add_variables_json(c, v, n);
		return;
	}
	t = cli_table_new(heads);
	for (size_t i = 0; i < n; i++)
		cli_table_row(t, (const char *const[]){ v[i].name, v[i].required ? "true" : "false",
							v[i].fallback, v[i].alternate });
	cli_table_add(t, &c->out);
}

static void add_environment(struct config *c)
{
	const struct stack_kvs env = stack_environment(c->project.stack);
	json_t *all = c->json ? json_object() : NULL;

	for (size_t i = 0; i < env.n; i++) {
		const struct stack_kv *kv = &env.v[i];

		if (all)
			json_object_set_new(all, kv->key, json_text(kv->value));
		else if (kv->value)
			buf_printf(&c->out, "%s=%s\n", kv->key, kv->value);
	}
	if (all)
		add_json(c, all);
}

/* ---- hashes ---------------------------------------------------------------------------------- */

/* The services that --hash names are asked for like those of the command line. */
static void take_words(struct config *c)
{
	const char *list = c->o->hash && strcmp(c->o->hash, "*") ? c->o->hash : "";

	for (size_t i = 0; i < c->o->args.n; i++)
		vec_push(&c->services, c->o->args.v[i]);
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len) {
			vec_push(&c->hashed, xasprintf("%.*s", (int)len, list));
			vec_push(&c->services, c->hashed.v[c->hashed.n - 1]);
		}
		list += len + (list[len] == ',');
	}
}

static int add_hash(struct config *c, const char *service, struct err *err)
{
	_cleanup_free_ char *text = stack_service_text(c->project.stack, service);
	char hex[CLI_SHA256_SIZE];

	if (!text)
		return cli_services_none("config: --hash", service, &c->project, NULL, err);
	cli_sha256(text, strlen(text), hex);
	buf_printf(&c->out, "%s %s\n", service, hex);
	return 0;
}

static int add_hashes(struct config *c, struct err *err)
{
	_cleanup_(buf_fini) struct buf names = { 0 };
	char *save = NULL, *name;

	for (size_t i = 0; i < c->hashed.n; i++)
		if (add_hash(c, c->hashed.v[i], err) < 0)
			return -1;
	if (c->hashed.n)
		return 0;
	stack_names(c->project.stack, "services", NULL, &names);
	for (name = names.data ? strtok_r(names.data, "\n", &save) : NULL; name;
	     name = strtok_r(NULL, "\n", &save))
		if (add_hash(c, name, err) < 0)
			return -1;
	return 0;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* Variables of the environment may hold what a terminal would obey. */
static void make_harmless(struct config *c)
{
	struct buf raw = c->out;

	c->out = (struct buf){ 0 };
	for (const char *line = buf_str(&raw); *line;) {
		size_t len = strcspn(line, "\n");

		cli_harmless(line, len, false, &c->out);
		buf_putc(&c->out, '\n');
		line += len + (line[len] == '\n');
	}
	buf_fini(&raw);
}

static int print(struct config *c, struct err *err)
{
	if (c->o->output)
		return cli_write_file("config", c->project.stack, c->o->output, &c->out, err);
	if (cli_term_get(c->o).out_tty)
		make_harmless(c);
	/* One write, past stdio's copy. */
	if (fd_write_all(STDOUT_FILENO, buf_str(&c->out), c->out.len) < 0)
		return err_sys(err, errno, "write to standard output");
	return 0;
}

static int add_output(struct config *c, struct err *err)
{
	const struct cli_options *o = c->o;
	const enum stack_format format = c->json ? STACK_JSON : STACK_YAML;

	if (o->hash)
		return add_hashes(c, err);
	if (o->variables)
		add_variables(c);
	else if (o->environment)
		add_environment(c);
	else if (o->services || o->networks || o->volumes || o->images || o->list_profiles)
		add_names(c);
	else if (o->security)
		cli_security(c->project.stack, c->json, &c->out);
	else if (o->explain)
		stack_explain(c->project.stack, format, &c->out);
	else
		stack_config(c->project.stack, format, &c->out);
	return 0;
}

int cli_config(const struct cli_options *o, struct err *err)
{
	_cleanup_(config_fini) struct config c = { .o = o };
	const struct cli_term t = cli_term_get(o);
	/* Variables are listed so that they can be set: also those without which the files mean nothing. */
	struct cli_load how = { .no_interpolate = o->no_interpolate || o->variables,
				.services = &c.services };

	c.json = o->format && !strcmp(o->format, "json");
	if (c.json)
		how.json = o->quiet ? stdout : stderr;
	take_words(&c);
	if (cli_project_load(o, &how, &c.project, err) < 0)
		return -1;
	if (!c.json)
		cli_diags_print(c.project.diags, &t);
	if (o->quiet)
		return 0;
	return add_output(&c, err) < 0 ? -1 : print(&c, err);
}
