/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model: reads the canonical tree into the structs that plan works with. Everything was checked by the forms and by crosscheck,
 * so there is nothing left to complain about; what nobody can run yet was refused, and is not looked at here.
 */
#include <sys/resource.h>

#include "stack/assets.h"
#include "stack/crosscheck_scale.h"
#include "stack/find.h"
#include "stack/form.h"
#include "stack/form_limits.h"
#include "stack/impl.h"
#include "stack/model.h"
#include "stack/model_value.h"

#define CPU_PERIOD_US INT64_C(100000) /* what cpu.max has when only a quota is given */

/* ---- parts of a service ---------------------------------------------------------------------- */

/* Zero is as good as nothing here: moby takes its default for it as well. */
static int64_t given_or(const struct node *map, const char *key, int64_t fallback)
{
	struct stack_num n = value_num(map, key);

	return n.value ? n.value : fallback;
}

/* `daily` and its like are `refresh` with an age. */
static void read_pull(const struct node *n, struct stack_service *s)
{
	static const char *const words[] = {
		[STACK_PULL_UNSET] = "",	[STACK_PULL_MISSING] = "missing",
		[STACK_PULL_ALWAYS] = "always", [STACK_PULL_NEVER] = "never",
		[STACK_PULL_BUILD] = "build",	[STACK_PULL_REFRESH] = "refresh",
	};
	const struct node *policy = node_get(n, "pull_policy");

	s->pull = (enum stack_pull)value_index(policy ? policy->text : NULL, words, ARRAY_LEN(words));
	if (s->pull == STACK_PULL_REFRESH) {
		s->pull_after_ns = value_num(n, "pull_refresh_after").value;
	} else if (policy && !strcmp(policy->text, "if_not_present")) {
		s->pull = STACK_PULL_MISSING;
	} else if (policy && policy->number > 0) {
		s->pull = STACK_PULL_REFRESH;
		s->pull_after_ns = policy->number;
	}
}

/* The short key and its twin under `deploy` are equal when both are given. */
static struct stack_num get_limit(const struct node *service, const char *key, const char *below)
{
	const struct node *limits =
		node_get(node_get(node_get(service, "deploy"), "resources"), "limits");
	struct stack_num own = value_num(service, key);

	return own.given ? own : value_num(limits, below);
}

/* A quota of microseconds in each period is the older way to say `cpus`. */
static struct stack_num get_cpus(const struct node *service)
{
	struct stack_num cpus = get_limit(service, "cpus", "cpus"),
			 quota = value_num(service, "cpu_quota");
	int64_t period = given_or(service, "cpu_period", CPU_PERIOD_US);

	if (cpus.given || quota.value <= 0)
		return cpus;
	quota.value = quota.value * 1000 / period;
	return quota;
}

/* 0 has always meant "no limit" in moby, where a pids.max of 0 would let nothing run at all. */
static struct stack_num get_pids(const struct node *service)
{
	struct stack_num pids = get_limit(service, "pids_limit", "pids");

	if (pids.given && !pids.value)
		pids.value = -1;
	return pids;
}

static void read_ulimits(struct reader *r, const struct node *n, struct stack_service *s)
{
	struct stack_ulimit *list = arena_array(r->arena, struct stack_ulimit, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *one = n->pairs[i].value;
		bool map = one->kind == NODE_MAP;

		list[i] = (struct stack_ulimit){
			.name = n->pairs[i].key,
			.resource = rlimit_parse(n->pairs[i].key),
			.soft = map ? value_num(one, "soft").value : one->number,
			.hard = map ? value_num(one, "hard").value : one->number,
			.pos = n->pairs[i].pos,
		};
	}
	s->ulimits = list;
	s->n_ulimits = n ? n->n : 0;
}

static struct stack_strs get_caps(struct reader *r, const struct node *service, const char *key)
{
	struct stack_strs caps = value_strs(r, service, key);

	for (size_t i = 0; i < caps.n; i++)
		((struct stack_str *)caps.v)[i].text = caps_name(r->arena, caps.v[i].text);
	return caps;
}

/* ---- services -------------------------------------------------------------------------------- */

static void read_limits(struct reader *r, const struct node *n, struct stack_service *s)
{
	s->mem_limit = get_limit(n, "mem_limit", "memory");
	s->cpus = get_cpus(n);
	s->pids_limit = get_pids(n);
	model_shares(r, n, s);
	s->cap_add = get_caps(r, n, "cap_add");
	s->cap_drop = get_caps(r, n, "cap_drop");
	model_security(r, n, s);
	model_devices(r, n, s);
	s->sysctls = value_kvs(r, n, "sysctls");
	read_ulimits(r, node_get(n, "ulimits"), s);
}

static void read_rootfs(const struct node *n, struct stack_service *s)
{
	const struct stack_str upper = value_str(n, "upper");

	if (!n)
		return;
	s->writable_root = value_bool(n, "writable");
	s->rootfs_pos = n->pos;
	s->upper_pos = upper.pos;
	if (upper.text)
		s->upper = strcmp(upper.text, "tmpfs") != 0 ? STACK_UPPER_DISK : STACK_UPPER_TMPFS;
}

/*
 * Of ${UID}:${GID} without values a colon is left. Engines take an empty name for root, also over
 * the image's user, and an empty group for the user's own.
 */
static struct stack_str get_user(struct reader *r, const struct node *service)
{
	struct stack_str user = value_str(service, "user");
	size_t len = user.text ? strlen(user.text) : 0;

	if (len && user.text[len - 1] == ':')
		user.text = arena_strndup(r->arena, user.text, len - 1);
	if (len && (!*user.text || *user.text == ':'))
		user.text = arena_printf(r->arena, "0%s", user.text);
	return user;
}

static void read_program(struct reader *r, const struct node *n, struct stack_service *s)
{
	const struct node *build = node_get(n, "build");
	const char *userns = node_text(n, "userns_mode");

	s->image = value_str(n, "image");
	s->image_given = s->image.text;
	s->build_context = value_str(build, "context");
	s->build_dockerfile = value_str(build, "dockerfile");
	if (!s->image.text)
		s->image = (struct stack_str){ arena_printf(r->arena, "%s-%s", r->stack->name,
							    s->name),
					       build ? build->pos : s->pos };
	read_pull(n, s);
	s->command = value_strs(r, n, "command");
	s->entrypoint = value_strs(r, n, "entrypoint");
	s->environment = value_kvs(r, n, "environment");
	s->labels = value_kvs(r, n, "labels");
	s->working_dir = value_str(n, "working_dir");
	s->user = get_user(r, n);
	s->hostname = value_str(n, "hostname");
	s->domainname = value_str(n, "domainname");
	s->group_add = value_strs(r, n, "group_add");
	s->no_attach = node_get(n, "attach") && !value_bool(n, "attach");
	s->container_name = value_str(n, "container_name");
	s->read_only = value_bool(n, "read_only");
	read_rootfs(node_get(n, "x-rootfs"), s);
	s->init = value_bool(n, "init");
	s->tty = value_bool(n, "tty");
	s->stdin_open = value_bool(n, "stdin_open");
	s->privileged = value_bool(n, "privileged");
	s->userns_host = s->privileged || (userns && !strcmp(userns, "host"));
}

/* Names first, so that a service may depend on one further down. */
static void read_services(struct reader *r, const struct node *n)
{
	struct stack_service *services = arena_array(r->arena, struct stack_service, n->n);

	for (size_t i = 0; i < n->n; i++) {
		services[i].name = n->pairs[i].key;
		services[i].pos = n->pairs[i].pos;
	}
	r->stack->services = services;
	r->stack->n_services = n->n;
	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->pairs[i].value;

		services[i].scale = (unsigned)service_scale(one);
		read_program(r, one, &services[i]);
		read_limits(r, one, &services[i]);
		model_life(r, one, &services[i]);
		model_logging(r, one, &services[i]);
		model_namespaces(r, one, &services[i]);
		model_attachments(r, one, &services[i]);
		model_ports(r, one, &services[i]);
		model_names(r, one, &services[i]);
		model_mounts(r, one, &services[i]);
		model_assets(r, one, &services[i]);
	}
}

static bool is_keep(const struct node *n)
{
	return n && !strcmp(n->text, "keep");
}

void model_make(struct reader *r, const struct node *root)
{
	model_networks(r, node_get(root, "networks"), node_get(root, "services"));
	model_volumes(r, node_get(root, "volumes"));
	read_services(r, node_get(root, "services"));
	r->stack->isolated = value_bool(root, "x-isolated");
	r->stack->hosts = value_bool(root, "x-hosts");
	if (r->stack->hosts)
		r->stack->hosts_pos = node_get(root, "x-hosts")->pos;
	r->stack->keep = is_keep(node_get(root, "x-on-supervisor-death"));
	model_links(r, node_get(root, "x-links"), node_get(root, "services"));
}
