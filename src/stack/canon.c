/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * canon: the canonical form of a model, in the shape of `docker compose config`: what `mstack
 * config` prints and what compose reads again as the same stack. Called by cli. It looks at nothing
 * but the model.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "stack/emitter.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- values: what was not given is not printed ----------------------------------------------- */

static void put_str(struct emitter *e, const char *key, const struct stack_str *s)
{
	if (s->text)
		emit_string(e, key, s->text);
}

static void put_strs(struct emitter *e, const char *key, const struct stack_strs *s)
{
	emit_open_list(e, key);
	for (size_t i = 0; i < s->n; i++)
		emit_string(e, NULL, s->v[i].text);
	emit_close(e);
}

static void put_given_strs(struct emitter *e, const char *key, const struct stack_strs *s)
{
	if (s->given)
		put_strs(e, key, s);
}

/* A variable without a value is null: it stays unset in the container, which empty would not. */
static void put_kvs(struct emitter *e, const char *key, const struct stack_kvs *kvs)
{
	if (!kvs->n)
		return;
	emit_open_map(e, key);
	for (size_t i = 0; i < kvs->n; i++)
		if (kvs->v[i].value)
			emit_string(e, kvs->v[i].key, kvs->v[i].value);
		else
			emit_null(e, kvs->v[i].key);
	emit_close(e);
}

static void put_duration(struct emitter *e, const char *key, int64_t ns)
{
	char text[64];

	duration_format(ns, text, sizeof(text));
	emit_string(e, key, text);
}

/* Sizes are strings of bytes: that is how compose prints them, in JSON too. */
static void put_bytes(struct emitter *e, const char *key, int64_t bytes)
{
	char text[24];

	snprintf(text, sizeof(text), "%jd", (intmax_t)bytes);
	emit_string(e, key, text);
}

static void put_ip(struct emitter *e, const char *key, struct in_addr ip)
{
	char text[INET_ADDRSTRLEN];

	if (ip.s_addr)
		emit_string(e, key, inet_ntop(AF_INET, &ip, text, sizeof(text)));
}

static void put_true(struct emitter *e, const char *key, bool value)
{
	if (value)
		emit_bool(e, key, true);
}

/* ---- parts of a service ---------------------------------------------------------------------- */

static void put_build(struct emitter *e, const struct stack_service *s)
{
	if (!s->build_context.text)
		return;
	emit_open_map(e, "build");
	emit_string(e, "context", s->build_context.text);
	emit_string(e, "dockerfile",
		    s->build_dockerfile.text ? s->build_dockerfile.text : "Dockerfile");
	emit_close(e);
}

/* As decimal with at most three places, which is all that the model keeps. */
static void put_cpus(struct emitter *e, const struct stack_num *cpus)
{
	char text[32];
	int n;

	if (!cpus->given)
		return;
	n = snprintf(text, sizeof(text), "%jd.%03d", (intmax_t)(cpus->value / 1000),
		     (int)(cpus->value % 1000));
	while (text[n - 1] == '0')
		text[--n] = '\0';
	if (text[n - 1] == '.')
		text[n - 1] = '\0';
	emit_number(e, "cpus", text);
}

/* Always the long form; a dependency that is absent, and may be, is left out. */
static void put_depends(struct emitter *e, const struct stack_service *s)
{
	static const char *const conditions[] = {
		[STACK_STARTED] = "service_started",
		[STACK_HEALTHY] = "service_healthy",
		[STACK_COMPLETED] = "service_completed_successfully",
	};

	if (!s->n_depends)
		return;
	emit_open_map(e, "depends_on");
	for (size_t i = 0; i < s->n_depends; i++) {
		const struct stack_depend *d = &s->depends[i];

		if (!d->service)
			continue;
		emit_open_map(e, d->service->name);
		emit_string(e, "condition", conditions[d->condition]);
		emit_bool(e, "required", d->required);
		put_true(e, "restart", d->restart);
		emit_close(e);
	}
	emit_close(e);
}

/*
 * What stands at its default is printed too, but for the start interval, which compose takes with a
 * period only.
 */
static void put_health(struct emitter *e, const struct stack_health *h)
{
	if (!h->given)
		return;
	emit_open_map(e, "healthcheck");
	put_given_strs(e, "test", &h->test);
	put_true(e, "disable", h->disable);
	if (!h->disable) {
		put_duration(e, "interval", h->interval_ns);
		put_duration(e, "timeout", h->timeout_ns);
		emit_int(e, "retries", h->retries);
	}
	if (!h->disable && h->start_period_ns)
		put_duration(e, "start_period", h->start_period_ns);
	if (!h->disable && (h->start_period_ns || h->start_interval_ns != 5 * NS_PER_S))
		put_duration(e, "start_interval", h->start_interval_ns);
	emit_close(e);
}

/* A network without details is null, which reads again as an entry of the list form. */
static void put_attachments(struct emitter *e, const struct stack_service *s)
{
	emit_open_map(e, "networks");
	for (size_t i = 0; i < s->n_networks; i++) {
		const struct stack_attach *a = &s->networks[i];

		if (!a->ipv4.s_addr && !a->aliases.n) {
			emit_null(e, a->network->key);
			continue;
		}
		emit_open_map(e, a->network->key);
		if (a->aliases.n)
			put_strs(e, "aliases", &a->aliases);
		put_ip(e, "ipv4_address", a->ipv4);
		emit_close(e);
	}
	emit_close(e);
}

/* One map for each port: ranges were expanded when they were read. */
static void put_ports(struct emitter *e, const struct stack_service *s)
{
	char published[8];

	if (!s->n_ports)
		return;
	emit_open_list(e, "ports");
	for (size_t i = 0; i < s->n_ports; i++) {
		const struct stack_port *p = &s->ports[i];

		emit_open_map(e, NULL);
		emit_string(e, "mode", "ingress");
		put_ip(e, "host_ip", p->host_ip);
		emit_int(e, "target", p->target);
		if (p->published) {
			snprintf(published, sizeof(published), "%u", p->published);
			emit_string(e, "published", published);
		}
		emit_string(e, "protocol", p->protocol == IPPROTO_UDP ? "udp" : "tcp");
		emit_close(e);
	}
	emit_close(e);
}

/* `no` is the default and left out. */
static void put_restart(struct emitter *e, const struct stack_service *s)
{
	static const char *const words[] = {
		[STACK_NO] = "no",
		[STACK_ALWAYS] = "always",
		[STACK_ON_FAILURE] = "on-failure",
		[STACK_UNLESS_STOPPED] = "unless-stopped",
	};
	char text[32];

	snprintf(text, sizeof(text), s->restart_max ? "%s:%u" : "%s", words[s->restart],
		 s->restart_max);
	if (s->restart != STACK_NO)
		emit_string(e, "restart", text);
}

static void put_ulimits(struct emitter *e, const struct stack_service *s)
{
	if (!s->n_ulimits)
		return;
	emit_open_map(e, "ulimits");
	for (size_t i = 0; i < s->n_ulimits; i++) {
		const struct stack_ulimit *u = &s->ulimits[i];

		if (u->soft == u->hard) {
			emit_int(e, u->name, u->soft);
			continue;
		}
		emit_open_map(e, u->name);
		emit_int(e, "soft", u->soft);
		emit_int(e, "hard", u->hard);
		emit_close(e);
	}
	emit_close(e);
}

/* ---- mounts ---------------------------------------------------------------------------------- */

static void put_mount_options(struct emitter *e, const struct stack_mount *m)
{
	if (m->type == STACK_BIND && !m->create_host_path) {
		emit_open_map(e, "bind");
		emit_bool(e, "create_host_path", false);
		emit_close(e);
	}
	if (m->type == STACK_VOLUME && m->nocopy) {
		emit_open_map(e, "volume");
		emit_bool(e, "nocopy", true);
		emit_close(e);
	}
	if (m->type == STACK_TMPFS && (m->tmpfs_size || m->tmpfs_mode)) {
		emit_open_map(e, "tmpfs");
		if (m->tmpfs_size)
			put_bytes(e, "size", m->tmpfs_size);
		if (m->tmpfs_mode)
			emit_int(e, "mode", m->tmpfs_mode);
		emit_close(e);
	}
}

static void put_mount(struct emitter *e, const struct stack_mount *m)
{
	static const char *const types[] = {
		[STACK_BIND] = "bind",
		[STACK_VOLUME] = "volume",
		[STACK_TMPFS] = "tmpfs",
	};

	emit_open_map(e, NULL);
	emit_string(e, "type", types[m->type]);
	if (m->source)
		emit_string(e, "source", m->source);
	emit_string(e, "target", m->target);
	put_true(e, "read_only", m->read_only);
	put_mount_options(e, m);
	emit_close(e);
}

/* PATH[:OPTIONS], what the key `tmpfs` takes. */
static void put_tmpfs(struct emitter *e, const struct stack_mount *m)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *before = ":";

	buf_puts(&text, m->target);
	if (m->tmpfs_size) {
		buf_printf(&text, "%ssize=%jd", before, (intmax_t)m->tmpfs_size);
		before = ",";
	}
	if (m->tmpfs_mode) {
		buf_printf(&text, "%smode=%o", before, m->tmpfs_mode);
		before = ",";
	}
	if (m->read_only)
		buf_printf(&text, "%sro", before);
	emit_string(e, NULL, buf_str(&text));
}

static void put_mounts(struct emitter *e, const struct stack_service *s, const char *key,
		       bool by_tmpfs)
{
	bool open = false;

	for (size_t i = 0; i < s->n_mounts; i++) {
		if (s->mounts[i].by_tmpfs != by_tmpfs)
			continue;
		if (!open)
			emit_open_list(e, key);
		open = true;
		if (by_tmpfs)
			put_tmpfs(e, &s->mounts[i]);
		else
			put_mount(e, &s->mounts[i]);
	}
	if (open)
		emit_close(e);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/*
 * Keys in the order of the alphabet, as compose has them. A command and an entrypoint are printed
 * in any case: null means the image's own, an empty list clears it.
 */
static void put_service(struct emitter *e, const struct stack_service *s)
{
	emit_open_map(e, s->name);
	put_build(e, s);
	put_given_strs(e, "cap_add", &s->cap_add);
	put_given_strs(e, "cap_drop", &s->cap_drop);
	if (s->command.given)
		put_strs(e, "command", &s->command);
	else
		emit_null(e, "command");
	put_str(e, "container_name", &s->container_name);
	put_cpus(e, &s->cpus);
	put_depends(e, s);
	if (s->entrypoint.given)
		put_strs(e, "entrypoint", &s->entrypoint);
	else
		emit_null(e, "entrypoint");
	put_kvs(e, "environment", &s->environment);
	put_health(e, &s->health);
	put_str(e, "hostname", &s->hostname);
	put_str(e, "image", &s->image);
	put_kvs(e, "labels", &s->labels);
	if (s->mem_limit.given)
		put_bytes(e, "mem_limit", s->mem_limit.value);
	put_attachments(e, s);
	if (s->pids_limit.given)
		emit_int(e, "pids_limit", s->pids_limit.value);
	put_ports(e, s);
	put_true(e, "read_only", s->read_only);
	put_restart(e, s);
	if (s->stop_grace_ns.given)
		put_duration(e, "stop_grace_period", s->stop_grace_ns.value);
	put_str(e, "stop_signal", &s->stop_signal);
	put_kvs(e, "sysctls", &s->sysctls);
	put_mounts(e, s, "tmpfs", true);
	put_ulimits(e, s);
	put_str(e, "user", &s->user);
	put_mounts(e, s, "volumes", false);
	put_str(e, "working_dir", &s->working_dir);
	emit_close(e);
}

/* With its name in any case, so that the output is the same stack in a project of another name. */
static void put_network(struct emitter *e, const struct stack_network *n)
{
	char ip[INET_ADDRSTRLEN], subnet[INET_ADDRSTRLEN + 4];

	emit_open_map(e, n->key);
	emit_string(e, "name", n->name);
	emit_string(e, "driver", "bridge");
	put_true(e, "internal", n->internal);
	if (n->prefix) {
		snprintf(subnet, sizeof(subnet), "%s/%u",
			 inet_ntop(AF_INET, &n->subnet, ip, sizeof(ip)), n->prefix);
		emit_open_map(e, "ipam");
		emit_open_list(e, "config");
		emit_open_map(e, NULL);
		emit_string(e, "subnet", subnet);
		put_ip(e, "gateway", n->gateway);
		emit_close(e);
		emit_close(e);
		emit_close(e);
	}
	emit_close(e);
}

/* Volumes carry no mark of their own: which are mounted is seen from the services. */
static bool is_used(const struct stack *s, const struct stack_volume *v)
{
	for (size_t i = 0; i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_mounts; k++)
			if (s->services[i].mounts[k].volume == v)
				return true;
	return false;
}

static void put_volumes(struct emitter *e, const struct stack *s)
{
	bool open = false;

	for (size_t i = 0; i < s->n_volumes; i++) {
		const struct stack_volume *v = &s->volumes[i];

		if (!is_used(s, v))
			continue;
		if (!open)
			emit_open_map(e, "volumes");
		open = true;
		emit_open_map(e, v->key);
		emit_string(e, "name", v->name);
		put_true(e, "external", v->external);
		emit_close(e);
	}
	if (open)
		emit_close(e);
}

void stack_config(const struct stack *s, enum stack_format format, struct buf *out)
{
	struct emitter e;

	emit_begin(&e, out, format);
	emit_string(&e, "name", s->name);
	emit_open_map(&e, "services");
	for (size_t i = 0; i < s->n_services; i++)
		put_service(&e, &s->services[i]);
	emit_close(&e);
	emit_open_map(&e, "networks");
	for (size_t i = 0; i < s->n_networks; i++)
		if (s->networks[i].used)
			put_network(&e, &s->networks[i]);
	emit_close(&e);
	put_volumes(&e, s);
	emit_end(&e);
}
