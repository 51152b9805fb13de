/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_service: the keys of a service that are neither ports nor mounts nor limits. Called by load
 * for all services, and through the table of service keys for each of them.
 */
#include <sys/utsname.h>

#include "stack/names.h"
#include "stack/read_net.h"
#include "stack/read_service.h"
#include "stack/schema.h"

#define SERVICES_MAX	 1000 /* a bridge of the kernel has 1,024 ports */
#define HOSTNAME_LONGEST 64
#define NS_PER_S	 INT64_C(1000000000)

/* ---- small values ---------------------------------------------------------------------------- */

/* For keys that need others of the same map: they are read when all of it was seen. */
VALUE_READER(read_later)
{
	(void)r;
	(void)w;
	*(const struct node **)field = n;
}

VALUE_READER(read_not)
{
	bool value = true;

	value_bool(r, w, n, &value);
	*(bool *)field = !value;
}

/* Switches whose "off" is what happens anyway, so that only "on" has to be refused. */
VALUE_READER(read_only_false)
{
	bool value = false;

	(void)field;
	/* `external: {name: x}` is the old way to say true. */
	if (n->kind == NODE_MAP)
		value = true;
	else
		value_bool(r, w, n, &value);
	if (value)
		reader_error(r, w, n->pos, NULL, "true: not supported yet");
}

VALUE_READER(read_environment)
{
	value_collect(r, w, n, field);
}

/* A folder of the host is found from anywhere; all other forms are the store's business. */
VALUE_READER(read_image)
{
	struct stack_str *image = field;

	value_string(r, w, n, image);
	if (image->text && (!strncmp(image->text, "./", 2) || !strncmp(image->text, "../", 3)))
		image->text = value_clean_path(r->arena, r->stack->dir, image->text);
}

VALUE_READER(read_working_dir)
{
	if (*n->text == '/')
		value_text(r, w, n, field);
	else
		reader_error(r, w, n->pos, NULL,
			     "'%.80s': the path in the container must begin with /", n->text);
}

VALUE_READER(read_container_name)
{
	if (name_check(r, w, n->pos, n->text))
		value_text(r, w, n, field);
}

/* The kernel takes any 64 bytes (uname(2)); resolvers and the hosts file do not. */
VALUE_READER(read_hostname)
{
	size_t len = strlen(n->text);

	if (!len || len > HOSTNAME_LONGEST || strspn(n->text, NAME_LETTERS ".-_") != len ||
	    *n->text == '-')
		reader_error(r, w, n->pos, NULL,
			     "'%.80s' is not a host name of at most %d letters, digits, . and -",
			     n->text, HOSTNAME_LONGEST);
	else
		value_text(r, w, n, field);
}

/* The loader of compose lets a bad policy pass, and it fails when the container is to start. */
VALUE_READER(read_restart)
{
	static const char *const words[] = { "no", "always", "on-failure", "unless-stopped" };
	struct stack_service *s = field;
	size_t len = strcspn(n->text, ":");
	int64_t max = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i]) != len || strncmp(words[i], n->text, len))
			continue;
		if (n->text[len] &&
		    (i != STACK_ON_FAILURE || value_parse_int(n->text + len + 1, &max) < 0 ||
		     max < 0 || max > INT32_MAX))
			break;
		s->restart = (enum stack_restart)i;
		s->restart_max = (unsigned)max;
		return;
	}
	reader_error(
		r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
		"'%.40s' is not a policy; write no, always, unless-stopped or on-failure[:TIMES]",
		n->text);
}

VALUE_READER(read_stop_signal)
{
	struct stack_service *s = field;
	int sig = sig_parse(n->text);

	if (sig < 0) {
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a signal; write like SIGTERM or 15", n->text);
		return;
	}
	s->stop_signal = (struct stack_str){ n->text, n->pos };
	s->stop_signal_nr = sig;
}

VALUE_READER(read_build)
{
	struct stack_service *s = field;
	struct stack_str context = { NULL, n->pos };

	if (n->kind == NODE_MAP) {
		reader_map(r, w, n, &schema_build, s);
		context = s->build_context;
	} else {
		context.text = n->text;
	}
	if (!context.text)
		context.text = ".";
	/* Folders of other machines stay as they are: only an image builder could fetch them. */
	if (!strstr(context.text, "://") && strncmp(context.text, "git@", 4))
		context.text = value_clean_path(r->arena, r->stack->dir, context.text);
	s->build_context = context;
}

/* Nothing is emulated: a program for another machine would fail with a riddle at exec. */
VALUE_READER(read_platform)
{
	static const struct {
		const char *machine, *arch;
	} names[] = {
		{ "x86_64", "amd64" },
		{ "aarch64", "arm64" },
		{ "armv7l", "arm/v7" },
	};
	const char *arch = n->text + (!strncmp(n->text, "linux/", 6) ? 6 : 0);
	struct utsname host;

	(void)field;
	uname(&host);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(arch, names[i].arch) && !strcmp(host.machine, names[i].machine))
			return;
	if (strcmp(arch, host.machine) && strcmp(n->text, "linux"))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is another platform than this machine's (linux on %s)",
			     n->text, host.machine);
}

/* Images come from this machine only, so all policies that are known mean the same. */
VALUE_READER(read_pull_policy)
{
	static const char *const words[] = {
		"always", "never", "missing", "if_not_present", "build", "daily", "weekly",
	};

	(void)field;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(n->text, words[i])) {
			reader_warn(r, w, n->pos, "has no effect: images are not pulled");
			return;
		}
	if (strncmp(n->text, "every_", 6))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a policy; known are always, never and missing",
			     n->text);
}

VALUE_READER(read_deploy)
{
	(void)field;
	reader_map(r, w, n, &schema_deploy, NULL);
}

/* ---- health checks --------------------------------------------------------------------------- */

/* A string is for a shell, a list says itself what it is for. */
VALUE_READER(read_health_test)
{
	struct stack_strs *test = field, given;
	struct stack_str *words;
	const char *first;

	if (n->kind != NODE_LIST) {
		words = arena_array(r->arena, struct stack_str, 2);
		words[0] = (struct stack_str){ "CMD-SHELL", n->pos };
		words[1] = (struct stack_str){ n->text, n->pos };
		*test = (struct stack_strs){ words, 2, true };
		return;
	}
	value_strings(r, w, n, &given);
	first = given.n ? given.v[0].text : "";
	if (strcmp(first, "CMD") && strcmp(first, "CMD-SHELL") && strcmp(first, "NONE"))
		reader_error(r, w, n->pos, NULL, "the list must begin with CMD, CMD-SHELL or NONE");
	else if (strcmp(first, "NONE") && given.n < 2)
		reader_error(r, w, n->pos, NULL, "there is no command behind %s", first);
	else
		*test = given;
}

/* Zero is as good as nothing here: moby takes its default for it as well. */
static int64_t given_or(struct stack_num n, int64_t fallback)
{
	return n.given && n.value ? n.value : fallback;
}

VALUE_READER(read_health)
{
	struct stack_health *health = field;
	struct health_draft d = { 0 };

	reader_map(r, w, n, &schema_health, &d);
	if (d.retries.value < 0 || d.retries.value > INT32_MAX)
		reader_error(r, w, d.retries.pos, NULL,
			     "retries: must not be negative or larger than %d", INT32_MAX);
	*health = (struct stack_health){
		.given = true,
		.disable = d.disable || (d.test.n && !strcmp(d.test.v[0].text, "NONE")),
		.test = d.test,
		.interval_ns = given_or(d.interval, 30 * NS_PER_S),
		.timeout_ns = given_or(d.timeout, 30 * NS_PER_S),
		.start_period_ns = d.start_period.value,
		.start_interval_ns = given_or(d.start_interval, 5 * NS_PER_S),
		.retries = (unsigned)given_or(d.retries, 3),
		.pos = n->pos,
	};
}

/* ---- depends_on ------------------------------------------------------------------------------ */

struct depend_list VEC(struct stack_depend);

static bool read_condition(struct reader *r, const struct where *w, struct stack_str text,
			   enum stack_condition *ret)
{
	static const char *const words[] = {
		"service_started",
		"service_healthy",
		"service_completed_successfully",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], text.text)) {
			*ret = (enum stack_condition)i;
			return true;
		}
	reader_error(r, w, text.pos, reader_suggest(r, text.text, words, ARRAY_LEN(words)),
		     "'%.60s' is not a condition; write service_started, service_healthy or "
		     "service_completed_successfully",
		     text.text);
	return false;
}

static void add_depend(struct reader *r, const struct where *w, struct depend_list *list,
		       const char *name, struct stack_depend d)
{
	d.service = stack_find_service(r->stack, name);
	if (!d.service) {
		reader_error(r, w, d.pos, NULL, "service '%.64s' does not exist", name);
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].service == d.service) {
			reader_error(r, w, d.pos, NULL,
				     "service '%.64s' is named twice, first at %s", name,
				     reader_place(r, list->v[i].pos));
			return;
		}
	vec_push(list, d);
}

/*
 * The schema wants a condition in each entry of the map although the text of the specification does
 * not say so; a file that lacks it would be refused by compose.
 */
static void read_depends_map(struct reader *r, const struct where *w, const struct node *n,
			     struct depend_list *list)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0 };
		struct stack_depend d = { .required = true, .pos = pair->pos };
		struct depend_draft draft = { 0 };

		if (!reader_check_kind(r, &here, pair->value, NODE_MAP))
			continue;
		reader_map(r, &here, pair->value, &schema_depend, &draft);
		if (!draft.condition.text) {
			reader_error(r, &here, pair->pos,
				     "service_started is what the list form means",
				     "'condition' is missing");
			continue;
		}
		d.required = !draft.optional;
		d.restart = draft.restart;
		if (read_condition(r, &here, draft.condition, &d.condition))
			add_depend(r, &here, list, pair->key, d);
	}
}

VALUE_READER(read_depends)
{
	struct stack_service *s = field;
	struct depend_list list = { 0 };

	if (n->kind == NODE_MAP)
		read_depends_map(r, w, n, &list);
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		struct where here = { w, NULL, i };
		struct stack_depend d = { .required = true, .pos = n->items[i]->pos };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			add_depend(r, &here, &list, n->items[i]->text, d);
	}
	s->depends = reader_keep(r, &list);
	s->n_depends = list.n;
	vec_fini(&list);
}

/* ---- services -------------------------------------------------------------------------------- */

/*
 * What is not in the file: the image's name of a service that is built, the default network, times.
 */
static void fill_defaults(struct reader *r, const struct where *w, struct service_draft *d)
{
	struct stack_service *s = &d->s;

	s->environment = read_env(r, w, d->env_file, &d->environment);
	s->mounts = reader_keep(r, &d->mounts);
	s->n_mounts = d->mounts.n;
	if (!s->stop_grace_ns.given)
		s->stop_grace_ns.value = 10 * NS_PER_S;
	if (!s->image.text && s->build_context.text)
		s->image = (struct stack_str){ arena_printf(r->arena, "%s-%s", r->stack->name,
							    s->name),
					       s->build_context.pos };
	else if (!s->image.pos.line)
		reader_error(r, w, s->pos, NULL, "neither 'image' nor 'build' is given");
	if (!s->n_networks) {
		struct stack_network *network = (struct stack_network *)network_default(r->stack);
		struct stack_attach *attach = arena_alloc(r->arena, sizeof(*attach));

		network->used = true;
		*attach = (struct stack_attach){ .network = network, .pos = s->pos };
		s->networks = attach;
		s->n_networks = 1;
	}
}

/* The draft begins with the name and place of the service and ends as all of it. */
static void read_service(struct reader *r, const struct where *w, const struct node *n,
			 struct stack_service *s)
{
	struct service_draft d = { .s = *s };

	if (n->kind == NODE_NULL)
		reader_error(r, w, s->pos, NULL, "is empty: it needs at least 'image'");
	else if (reader_check_kind(r, w, n, NODE_MAP)) {
		reader_map(r, w, n, &schema_service, &d);
		fill_defaults(r, w, &d);
	}
	*s = d.s;
	vec_fini(&d.mounts);
	envset_fini(&d.environment);
}

void read_services(struct reader *r, const struct where *w, const struct node *n)
{
	size_t count = n->n <= SERVICES_MAX ? n->n : 0;
	struct stack_service *services = arena_array(r->arena, struct stack_service, count);

	if (!n->n)
		reader_error(r, w, n->pos, NULL, "there is no service");
	else if (!count)
		reader_error(r, w, n->pos, NULL, "%zu services: more than %d are not taken", n->n,
			     SERVICES_MAX);
	/* Names first, so that a service may depend on one further down. */
	for (size_t i = 0; i < count; i++) {
		services[i].name = n->pairs[i].key;
		services[i].pos = n->pairs[i].pos;
	}
	r->stack->services = services;
	r->stack->n_services = count;
	for (size_t i = 0; i < count; i++) {
		struct where here = { w, services[i].name, 0 };

		if (name_check(r, &here, services[i].pos, services[i].name))
			read_service(r, &here, n->pairs[i].value, &services[i]);
	}
}
