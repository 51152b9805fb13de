/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundoc: see rundoc.h. Called by run. A line for each value, because the line is what a problem with it is told by. Reads the
 * files of --env-from-file, and nothing else.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "cli/rundoc.h"

/* ---- lines ----------------------------------------------------------------------------------- */

struct writer {
	struct rundoc *d;
	const char *bad; /* the option whose value no stack file can hold */
};

static void end_line(struct writer *w, const char *label)
{
	buf_putc(&w->d->text, '\n');
	vec_push(&w->d->labels, label);
}

static void put(struct writer *w, const char *label, const char *text)
{
	buf_puts(&w->d->text, text);
	end_line(w, label);
}

static void quote(struct writer *w, const char *label, const char *text)
{
	if (!stack_quote(&w->d->text, text) && !w->bad)
		w->bad = label;
}

static void put_item(struct writer *w, const char *label, const char *text)
{
	quote(w, label, text);
	put(w, label, ",");
}

static void put_text(struct writer *w, const char *label, const char *key, const char *text)
{
	buf_printf(&w->d->text, "\"%s\": ", key);
	put_item(w, label, text);
}

/* What the file says for this key does not count. */
static void put_reset(struct writer *w, const char *key)
{
	buf_printf(&w->d->text, "\"%s\": !reset null", key);
	put(w, key, ",");
}

static void open_list(struct writer *w, const char *label, const char *key, const char *tag)
{
	buf_printf(&w->d->text, "\"%s\": %s", key, tag);
	put(w, label, "[");
}

static void put_list(struct writer *w, const char *label, const char *key, const char *tag,
		     const char *const *words, size_t n)
{
	open_list(w, label, key, tag);
	for (size_t i = 0; i < n; i++)
		put_item(w, label, words[i]);
	put(w, label, "],");
}

/* ---- options that are keys ------------------------------------------------------------------- */

enum kind { TEXT, FLAG, LIST };

static const struct row {
	const char *key, *label;
	enum kind kind;
	size_t offset;
} rows[] = {
#define ROW(key, label, kind, field)                                  \
	{                                                             \
		key, label, kind, offsetof(struct cli_options, field) \
	}
	ROW("user", "--user", TEXT, user),
	ROW("working_dir", "--workdir", TEXT, workdir),
	ROW("hostname", "--hostname", TEXT, hostname),
	ROW("entrypoint", "--entrypoint", TEXT, entrypoint),
	ROW("mem_limit", "--memory", TEXT, memory),
	ROW("cpus", "--cpus", TEXT, cpus),
	ROW("pids_limit", "--pids", TEXT, pids),
	ROW("pull_policy", "--pull", TEXT, pull),
	ROW("read_only", "--read-only", FLAG, read_only),
	ROW("init", "--init", FLAG, init),
	ROW("privileged", "--privileged", FLAG, privileged),
	ROW("volumes", "--volume", LIST, binds),
	ROW("tmpfs", "--tmpfs", LIST, tmpfs),
	ROW("labels", "--label", LIST, labels),
	ROW("cap_add", "--cap-add", LIST, cap_add),
	ROW("cap_drop", "--cap-drop", LIST, cap_drop),
	ROW("devices", "--device", LIST, devices),
#undef ROW
};

static void put_row(struct writer *w, const struct row *row, const struct cli_options *o)
{
	const void *value = (const char *)o + row->offset;
	const struct cli_words *words = value;

	if (row->kind == TEXT && *(const char *const *)value)
		put_text(w, row->label, row->key, *(const char *const *)value);
	else if (row->kind == FLAG && *(const bool *)value)
		put_text(w, row->label, row->key, "true");
	else if (row->kind == LIST && words->n)
		put_list(w, row->label, row->key, "", words->v, words->n);
}

/* ---- environment ----------------------------------------------------------------------------- */

/* -e A=1 -e A=2: the last one is meant. */
static bool is_set_again(const struct cli_words *env, size_t i)
{
	size_t len = strcspn(env->v[i], "=");

	for (size_t k = i + 1; k < env->n; k++)
		if (strcspn(env->v[k], "=") == len && !strncmp(env->v[i], env->v[k], len))
			return true;
	return false;
}

static bool is_given(const struct cli_words *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strcspn(env->v[i], "=") == len && !strncmp(env->v[i], name, len))
			return true;
	return false;
}

/* A service with nothing but these files: the stack room reads them, with all that the format allows there. */
static int read_env_files(struct writer *w, const struct cli_options *o, struct stack **ret,
			  struct err *err)
{
	struct rundoc doc = { 0 };
	struct writer files = { .d = &doc };
	struct stack_diags *diags = stack_diags_new();
	struct stack_opts opts = { .project_name = "env", .env = (const char *const *)environ };
	int r;

	put(&files, "", "{\"services\": {\"env\": {\"image\": \"env\",");
	put_list(&files, "--env-from-file", "env_file", "", o->env_from_file.v, o->env_from_file.n);
	put(&files, "", "}}}");
	w->bad = files.bad;
	doc.stack =
		(struct stack_text){ buf_str(&doc.text), w->d->dir, doc.labels.v, doc.labels.n };
	opts.text = &doc.stack;
	r = files.bad ? 0 : stack_load(&opts, ret, diags, err);
	if (r > 0)
		err_kind(err, ERR_USAGE, "%s", stack_diags_get(diags, 0)->text);
	stack_diags_free(diags);
	rundoc_fini(&doc);
	return r ? -1 : 0;
}

/* Over what the service has, but below what stands on the command line itself. */
static int put_environment(struct writer *w, const struct cli_options *o, struct err *err)
{
	struct stack *files = NULL;

	if (!o->env.n && !o->env_from_file.n)
		return 0;
	if (o->env_from_file.n && read_env_files(w, o, &files, err) < 0)
		return -1;
	open_list(w, "--env", "environment", "");
	for (size_t i = 0; files && i < files->services[0].environment.n; i++) {
		const struct stack_kv *kv = &files->services[0].environment.v[i];
		_cleanup_free_ char *word = xasprintf("%s%s%s", kv->key, kv->value ? "=" : "",
						      kv->value ? kv->value : "");

		if (!is_given(&o->env, kv->key))
			put_item(w, "--env-from-file", word);
	}
	for (size_t i = 0; i < o->env.n; i++)
		if (!is_set_again(&o->env, i))
			put_item(w, "--env", o->env.v[i]);
	put(w, "--env", "],");
	stack_free(files);
	return 0;
}

/* ---- what is more than a key ----------------------------------------------------------------- */

static bool is_mode(const char *network)
{
	return !strcmp(network, "none") || !strcmp(network, "host") || !strcmp(network, "bridge") ||
	       strchr(network, ':');
}

static void put_network(struct writer *w, const char *network, bool whole)
{
	const char *label = "--network";

	if (!network)
		return;
	if (!whole)
		put_reset(w, is_mode(network) ? "networks" : "network_mode");
	if (is_mode(network))
		put_text(w, label, "network_mode", network);
	else
		put_list(w, label, "networks", whole ? "" : "!override ", &network, 1);
}

/* As compose: without -P the ports of the file belong to the service's own container. */
static void put_ports(struct writer *w, const struct cli_options *o, bool whole)
{
	bool replace = !whole && !o->service_ports;

	if (o->publish.n)
		put_list(w, "--publish", "ports", replace ? "!override " : "", o->publish.v,
			 o->publish.n);
	else if (replace)
		put_reset(w, "ports");
}

/* An entrypoint of its own clears the command of the file; that of the image plan clears. */
static void put_command(struct writer *w, const struct cli_options *o, const char *const *cmd,
			size_t n)
{
	if (n || o->entrypoint)
		put_list(w, "CMD", "command", "", cmd, n);
}

static int put_image(struct writer *w, const struct cli_options *o, struct err *err)
{
	_cleanup_free_ char *here = NULL;

	if (o->image) {
		put_text(w, "--image", "image", o->image);
		return 0;
	}
	if (access(o->rootfs, F_OK) < 0)
		return err_kind(err, ERR_CREATE, "run: --rootfs: '%s': %s", o->rootfs,
				strerror(errno));
	/* Only what begins with a dot or a slash is a path and no name. */
	here = xasprintf("%s%s", *o->rootfs == '/' ? "" : "./", o->rootfs);
	put_text(w, "--rootfs", "image", here);
	return 0;
}

static int put_service(struct writer *w, const struct cli_options *o, bool whole, bool tty,
		       const char *container, const char *const *cmd, size_t n, struct err *err)
{
	if (whole && put_image(w, o, err) < 0)
		return -1;
	if (container)
		put_text(w, "--name", "container_name", container);
	else
		put_reset(w, "container_name");
	/* The name by which it is known outside says more than that of a service of no file. */
	if (whole && !o->hostname)
		put_text(w, "--name", "hostname", container);
	/* Whether there is a terminal is for who is at it to say. */
	if (tty)
		put_text(w, "--tty", "tty", "true");
	else if (!whole && !o->detach)
		put_reset(w, "tty");
	if (!whole) {
		put_reset(w, "stdin_open");
		put_text(w, "run", "restart", "no");
		if (o->no_deps)
			put_reset(w, "depends_on");
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put_row(w, &rows[i], o);
	if (put_environment(w, o, err) < 0)
		return -1;
	put_network(w, o->network, whole);
	put_ports(w, o, whole);
	put_command(w, o, cmd, n);
	return 0;
}

/* "data" of "data:/x:ro"; 0: it is a path, or there is none. */
static size_t volume_name(const char *bind)
{
	size_t len = strcspn(bind, ":");

	return bind[len] && !strchr("./~", *bind) ? len : 0;
}

static bool is_named_again(const struct cli_words *binds, size_t i, size_t len)
{
	for (size_t k = i + 1; k < binds->n; k++)
		if (volume_name(binds->v[k]) == len && !strncmp(binds->v[i], binds->v[k], len))
			return true;
	return false;
}

/* Without a file there is no project that a volume could be called after. */
static void put_volumes(struct writer *w, const struct cli_words *binds)
{
	put(w, "--volume", ",\"volumes\": {");
	for (size_t i = 0; i < binds->n; i++) {
		size_t len = volume_name(binds->v[i]);
		_cleanup_free_ char *name = xasprintf("%.*s", (int)len, binds->v[i]);

		if (!len || is_named_again(binds, i, len))
			continue;
		quote(w, "--volume", name);
		put(w, "--volume", ": {");
		put_text(w, "--volume", "name", name);
		put(w, "--volume", "},");
	}
	put(w, "--volume", "}");
}

/* A network that is not the project's own must be there already. */
static void put_networks(struct writer *w, const char *network)
{
	if (!network || is_mode(network))
		return;
	put(w, "--network", ",\"networks\": {");
	quote(w, "--network", network);
	put(w, "--network", ": {");
	put_text(w, "--network", "name", network);
	put(w, "--network", "\"external\": true}}");
}

int rundoc_make(struct rundoc *d, const struct cli_options *o, bool tty, const char *service,
		const char *container, const char *const *cmd, size_t n, struct err *err)
{
	bool whole = o->image || o->rootfs;
	struct writer w = { .d = d };
	char cwd[PATH_MAX];

	*d = (struct rundoc){ 0 };
	if (path_current(cwd, err) < 0)
		return err_wrap(err, "run");
	d->dir = xstrdup(cwd);
	put(&w, "run", "{\"services\": {");
	quote(&w, "SERVICE", service);
	put(&w, "SERVICE", ": {");
	if (put_service(&w, o, whole, tty, container, cmd, n, err) < 0)
		return -1;
	put(&w, "run", "}}");
	if (whole) {
		put_volumes(&w, &o->binds);
		put_networks(&w, o->network);
	}
	put(&w, "run", "}");
	if (w.bad)
		return err_kind(err, ERR_USAGE, "run: %s: its text is not UTF-8", w.bad);
	d->stack = (struct stack_text){ buf_str(&d->text), d->dir, d->labels.v, d->labels.n };
	return 0;
}

void rundoc_fini(struct rundoc *d)
{
	buf_fini(&d->text);
	vec_fini(&d->labels);
	free(d->dir);
	d->dir = NULL;
}
