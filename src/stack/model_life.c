/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_life: of a service, how it is asked whether it is well, what it waits for, its hooks, and what follows when it ends. Called
 * by model; everything was checked by the forms.
 */
#include "stack/find.h"
#include "stack/form_probe.h"
#include "stack/model_value.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- health ---------------------------------------------------------------------------------- */

/* "http://HOST:PORT/PATH", whose parts the form has found to be right. */
static void read_url(struct reader *r, const char *url, struct stack_probe *p)
{
	const char *at = url + strlen("http://"), *path = at + strcspn(at, "/?");
	const char *host = arena_strndup(r->arena, at, (size_t)(path - at));
	const char *name, *port;

	probe_split(r->arena, host, &name, &port);
	p->port = port ? (uint16_t)strtoul(port, NULL, 10) : 80;
	if (*name && strcmp(name, "localhost"))
		ip_parse(name, &p->ip);
	p->host = *name ? host : arena_printf(r->arena, "localhost%s", host);
	p->text = *path == '/' ? path : arena_printf(r->arena, "/%s", path);
}

static void read_address(struct reader *r, const struct node *n, struct stack_probe *p)
{
	const char *name, *port;

	p->port = (uint16_t)n->number;
	if (n->kind == NODE_NUMBER)
		return;
	probe_split(r->arena, n->text, &name, &port);
	p->port = (uint16_t)strtoul(port, NULL, 10);
	if (*name && strcmp(name, "localhost"))
		ip_parse(name, &p->ip);
}

static const struct stack_probe *read_probe(struct reader *r, const struct node *n)
{
	static const char *const kinds[] = {
		[STACK_PROBE_TCP] = "tcp",
		[STACK_PROBE_HTTP] = "http",
		[STACK_PROBE_UNIX] = "unix",
		[STACK_PROBE_LOG] = "log",
	};
	struct stack_probe *p = n ? arena_array(r->arena, struct stack_probe, 1) : NULL;
	const struct node *value;

	if (!p)
		return NULL;
	value = n->pairs[0].value;
	*p = (struct stack_probe){
		.kind = (enum stack_probe_kind)value_index(n->pairs[0].key, kinds,
							   ARRAY_LEN(kinds)),
		.text = value->text,
		.pos = value->pos,
	};
	if (p->kind == STACK_PROBE_TCP)
		read_address(r, value, p);
	else if (p->kind == STACK_PROBE_HTTP)
		read_url(r, value->text, p);
	return p;
}

static void read_health(struct reader *r, const struct node *n, struct stack_health *health)
{
	*health = (struct stack_health){
		.given = n != NULL,
		.disable = value_bool(n, "disable"),
		.test = value_strs(r, n, "test"),
		.interval_ns = value_num(n, "interval").value,
		.timeout_ns = value_num(n, "timeout").value,
		.start_period_ns = value_num(n, "start_period").value,
		.start_interval_ns = value_num(n, "start_interval").value,
		.retries = (unsigned)value_num(n, "retries").value,
	};
	if (n)
		health->pos = n->pos;
	health->probe = read_probe(r, node_get(n, "x-probe"));
	if (health->test.n && !strcmp(health->test.v[0].text, "NONE"))
		health->disable = true;
}

/* ---- order and end ----------------------------------------------------------------------------- */

static void read_depends(struct reader *r, const struct node *n, struct stack_service *s)
{
	static const char *const words[] = {
		[STACK_STARTED] = "service_started",
		[STACK_HEALTHY] = "service_healthy",
		[STACK_COMPLETED] = "service_completed_successfully",
	};
	struct stack_depend *list = arena_array(r->arena, struct stack_depend, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *one = n->pairs[i].value;

		list[i] = (struct stack_depend){
			.service = stack_find_service(r->stack, n->pairs[i].key),
			.condition = (enum stack_condition)value_index(node_text(one, "condition"),
								       words, ARRAY_LEN(words)),
			.required = value_bool(one, "required"),
			.restart = value_bool(one, "restart"),
			.pos = n->pairs[i].pos,
		};
	}
	s->depends = list;
	s->n_depends = n ? n->n : 0;
}

static void read_restart(const struct node *n, struct stack_service *s)
{
	static const char *const words[] = {
		[STACK_NO] = "no",
		[STACK_ALWAYS] = "always",
		[STACK_ON_FAILURE] = "on-failure",
		[STACK_UNLESS_STOPPED] = "unless-stopped",
	};
	const char *colon = n ? strchr(n->text, ':') : NULL;

	if (colon) {
		s->restart = STACK_ON_FAILURE;
		s->restart_max = (unsigned)strtoul(colon + 1, NULL, 10);
	} else if (n) {
		s->restart = (enum stack_restart)value_index(n->text, words, ARRAY_LEN(words));
	}
}

/* In place of `restart`. Nothing but a limit, say, means "after every end". */
static void read_retry(struct reader *r, const struct node *n, struct stack_service *s)
{
	static const char *const words[] = {
		[STACK_NO] = "none",
		[STACK_ALWAYS] = "any",
		[STACK_ON_FAILURE] = "on-failure",
		[STACK_UNLESS_STOPPED] = "unless-stopped",
	};
	const char *condition = node_text(n, "condition");
	struct stack_retry *retry;

	if (!n)
		return;
	retry = arena_array(r->arena, struct stack_retry, 1);
	*retry = (struct stack_retry){ value_num(n, "delay"), value_num(n, "window").value };
	s->retry = retry;
	s->restart = STACK_ALWAYS;
	if (condition && !strcmp(condition, "no"))
		s->restart = STACK_NO;
	else if (condition && strcmp(condition, "always") != 0)
		s->restart = (enum stack_restart)value_index(condition, words, ARRAY_LEN(words));
	s->restart_max = (unsigned)value_num(n, "max_attempts").value;
}

static const struct stack_hook *read_hooks(struct reader *r, const struct node *n, size_t *ret_n)
{
	struct stack_hook *list = arena_array(r->arena, struct stack_hook, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++)
		list[i] = (struct stack_hook){
			.command = value_strs(r, n->items[i], "command"),
			.environment = value_kvs(r, n->items[i], "environment"),
			.user = value_str(n->items[i], "user"),
			.working_dir = value_str(n->items[i], "working_dir"),
			.privileged = value_bool(n->items[i], "privileged"),
			.image = value_str(n->items[i], "image"),
			.per_replica = value_bool(n->items[i], "per_replica"),
			.pos = n->items[i]->pos,
		};
	*ret_n = n ? n->n : 0;
	return list;
}

static const struct stack_hook *read_exec(struct reader *r, const struct node *n, size_t *ret_n)
{
	struct stack_hook *list = arena_array(r->arena, struct stack_hook, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++)
		list[i] = (struct stack_hook){ .command = value_strs_of(r, n->items[i]),
					       .pos = n->items[i]->pos };
	*ret_n = n ? n->n : 0;
	return list;
}

static enum stack_unhealthy read_unhealthy(const struct node *service)
{
	static const char *const words[] = {
		[STACK_UNHEALTHY_NONE] = "none",
		[STACK_UNHEALTHY_RESTART] = "restart",
		[STACK_UNHEALTHY_STOP] = "stop",
		[STACK_UNHEALTHY_KILL] = "kill",
	};

	return (enum stack_unhealthy)value_index(node_text(service, "x-on-unhealthy"), words,
						 ARRAY_LEN(words));
}

void model_life(struct reader *r, const struct node *n, struct stack_service *s)
{
	read_health(r, node_get(n, "healthcheck"), &s->health);
	read_depends(r, node_get(n, "depends_on"), s);
	read_restart(node_get(n, "restart"), s);
	read_retry(r, node_get(node_get(n, "deploy"), "restart_policy"), s);
	s->on_unhealthy = read_unhealthy(n);
	s->pre_start = read_hooks(r, node_get(n, "pre_start"), &s->n_pre_start);
	s->post_start = read_hooks(r, node_get(n, "post_start"), &s->n_post_start);
	s->pre_stop = read_hooks(r, node_get(n, "pre_stop"), &s->n_pre_stop);
	s->exec = read_exec(r, node_get(n, "x-exec"), &s->n_exec);
	s->stop_signal = value_str(n, "stop_signal");
	s->stop_signal_nr = s->stop_signal.text ? sig_parse(s->stop_signal.text) : 0;
	s->stop_grace_ns = value_num(n, "stop_grace_period");
	if (!s->stop_grace_ns.given)
		s->stop_grace_ns.value = 10 * NS_PER_S;
}
