/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture: `mstack capture`. The supervisor hands over the network namespaces of the services; all else happens in this process,
 * so that neither much traffic nor a slow reader is the stack's business.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/unsupervised.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/recording.h"
#include "mstack/ctl.h"

#define KIB	       1024u
#define MEMORY_ALL     (64u << 20) /* shared by all interfaces, unless -B says how much each has */
#define MEMORY_MOST    (32u << 20)
#define MEMORY_LEAST   (2u << 20)
#define MEMORY_KIB_MAX (1u << 20)
#define PLACES_MAX     10000

struct place {
	struct recording_place rec;
	char *slot, *service;
	json_t *networks;
	int netns; /* -1: it has none yet */
};

struct capturing {
	const struct cli_options *o;
	const struct cli_containers *containers;
	struct VEC(
		struct place) places; /* what the supervisor has sent; then those that are wanted */
	struct sources_spec how;
	uint64_t count;
};

/* ---- words ----------------------------------------------------------------------------------- */

static int number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		  struct err *err)
{
	size_t len = text ? strlen(text) : 0;

	if (!text)
		return 0;
	if (!len || len > 18 || strspn(text, "0123456789") != len ||
	    strtoull(text, NULL, 10) < min || strtoull(text, NULL, 10) > max)
		return err_kind(err, ERR_USAGE,
				"capture: --%s: '%s' is not a number from %llu to %llu", option,
				text, (unsigned long long)min, (unsigned long long)max);
	*ret = strtoull(text, NULL, 10);
	return 0;
}

static int parse(struct capturing *c, struct err *err)
{
	const struct cli_options *o = c->o;
	struct pcapfilter filter = { 0 };
	uint64_t snaplen = NET_CAPTURE_SNAP_ALL, kib = 0, index;
	int rc;

	if (!o->write)
		return err_kind(
			err, ERR_USAGE,
			"capture: where to? name a file with -w OUT.pcapng, or -w - for a pipe");
	if (number("count", o->count, 1, UINT64_MAX, &c->count, err) ||
	    number("snapshot-length", o->snaplen, 1, NET_CAPTURE_SNAP_MAX, &snaplen, err) ||
	    number("buffer-size", o->buffer, 1, MEMORY_KIB_MAX, &kib, err) ||
	    number("index", o->index, 1, UINT32_MAX, &index, err))
		return -1;
	c->how = (struct sources_spec){ .snaplen = (unsigned)snaplen,
					.memory = (size_t)kib * KIB,
					.filter = o->filter,
					.promiscuous = true };
	/* Wrong words are told before anything else happens. */
	rc = pcapfilter_make(o->filter, 1, c->how.snaplen, &filter, err);
	pcapfilter_fini(&filter);
	return rc ? err_wrap(err, "capture") : 0;
}

/* SERVICE of SERVICE[:IFACE], also as the file calls it: SERVICE-N. The caller frees. */
static char *service_of(const char *word)
{
	return xasprintf("%.*s", (int)strcspn(word, ":"), word);
}

static const char *ifname_of(const char *word)
{
	const char *colon = strchr(word, ':');

	return colon ? colon + 1 : NULL;
}

/* ---- what the supervisor knows --------------------------------------------------------------- */

static int take_place(void *arg, const struct ctl_msg *m)
{
	struct capturing *c = arg;
	struct place p = { .netns = -1 };

	if (!*cli_string(m->body, "slot") || c->places.n >= PLACES_MAX)
		return 0;
	p.slot = xstrdup(cli_string(m->body, "slot"));
	p.service = xstrdup(cli_string(m->body, "service"));
	p.networks = json_incref(json_object_get(m->body, "networks"));
	if (m->n_fds == 1)
		p.netns = take_fd(&((struct ctl_msg *)m)->fds[0]);
	vec_push(&c->places, p);
	return 0;
}

static void place_fini(struct place *p)
{
	net_window_close(p->rec.window);
	free(p->rec.ifnames.v);
	cleanup_fd(&p->netns);
	json_decref(p->networks);
	free(p->slot);
	free(p->service);
}

static json_t *request(const struct cli_options *o)
{
	json_t *services = json_array();

	for (size_t i = 0; i < o->args.n; i++) {
		_cleanup_free_ char *service = service_of(o->args.v[i]);

		json_array_append_new(services, json_string(service));
	}
	return o->args.n ? json_pack("{s:o}", "services", services) : (json_decref(services), NULL);
}

static int ask(struct capturing *c, int *ret_fd, struct err *err)
{
	const char *project = c->containers->project->name;
	json_t *body = NULL;
	int rc = cli_command(project, CLI_ANSWER_MS, ret_fd, err);

	if (rc > 0)
		return err_set(err, "capture: stack '%s' is on its way up or down: try again",
			       project);
	if (rc < 0)
		return -1;
	body = request(c->o);
	rc = ctl_call(*ret_fd, CTL_CAPTURE, body, take_place, c, err);
	json_decref(body);
	return rc < 0 ? err_wrap(err, "capture") : 0;
}

/* ---- what is meant --------------------------------------------------------------------------- */

static bool has_index(const struct place *p, const char *index)
{
	const char *dash = strrchr(p->slot, '-');

	return !index || (dash && !strcmp(dash + 1, index));
}

static bool is_meant(const struct capturing *c, const struct place *p, const char *service)
{
	if (!strcmp(p->slot, service))
		return true;
	return !strcmp(p->service, service) && has_index(p, c->o->index);
}

static int no_place(const struct capturing *c, const char *service, bool known, struct err *err)
{
	if (!known)
		return cli_containers_known(c->containers, service, err) < 0
			       ? -1
			       : err_set(err, "capture: service '%s' is not up", service);
	if (c->o->index)
		return err_set(err, "capture: service '%s' has no container %s", service,
			       c->o->index);
	return err_set(err, "capture: service '%s' was not started yet: see 'mstack ps -a'",
		       service);
}

static int want(struct capturing *c, const char *word, struct err *err)
{
	_cleanup_free_ char *service = service_of(word);
	const char *ifname = ifname_of(word);
	bool known = false, any = false;

	if (ifname && !*ifname)
		return err_kind(err, ERR_USAGE,
				"capture: '%s': it is written SERVICE or SERVICE:IFACE", word);
	for (size_t i = 0; i < c->places.n; i++) {
		struct place *p = &c->places.v[i];

		known |= !strcmp(p->service, service) || !strcmp(p->slot, service);
		if (!is_meant(c, p, service) || p->netns < 0)
			continue;
		any = true;
		if (ifname)
			vec_push(&p->rec.ifnames, ifname);
		else
			p->rec.all = true;
	}
	return any ? 0 : no_place(c, service, known, err);
}

static int want_all(struct capturing *c, struct err *err)
{
	bool any = false;

	for (size_t i = 0; i < c->places.n; i++) {
		struct place *p = &c->places.v[i];

		p->rec.all = p->netns >= 0 && has_index(p, c->o->index);
		any |= p->rec.all;
	}
	return any ? 0
		   : err_set(err,
			     "capture: no service of stack '%s' was started yet: see 'mstack ps -a'",
			     c->containers->project->name);
}

static bool is_wanted(const struct place *p)
{
	return p->rec.all || p->rec.ifnames.n;
}

/* ---- looking into them ----------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Both are in one network: what is wanted of `p` is looked at through the other. */
static void join(struct place *other, struct place *p)
{
	other->rec.all |= p->rec.all;
	for (size_t i = 0; i < p->rec.ifnames.n; i++)
		vec_push(&other->rec.ifnames, p->rec.ifnames.v[i]);
	p->rec.all = false;
	p->rec.ifnames.n = 0;
}

/* The network of the host is everybody's: what of it is wanted has to be said. */
static int look_at_network(struct capturing *c, size_t i, struct err *err)
{
	struct place *p = &c->places.v[i];
	struct stat mine, st;

	if (fstat(p->netns, &mine) < 0)
		return err_sys(err, errno, "capture: %s: network namespace", p->slot);
	if (p->rec.all && !stat("/proc/self/ns/net", &st) && same_file(&mine, &st)) {
		p->rec.all = false;
		return !c->o->args.n
			       ? 0
			       : err_set(err,
					 "capture: service '%s' is in the network of the host: name one "
					 "of its interfaces, as in %s:eth0",
					 p->service, p->service);
	}
	for (size_t k = 0; k < i; k++) {
		struct place *other = &c->places.v[k];

		if (is_wanted(other) && !fstat(other->netns, &st) && same_file(&mine, &st)) {
			join(other, p);
			break;
		}
	}
	return 0;
}

static const struct net_window_link *find(const struct net_window_links *links, const char *name)
{
	for (size_t i = 0; i < links->n; i++)
		if (!strcmp(links->v[i].name, name))
			return &links->v[i];
	return NULL;
}

static int check_ifname(const struct place *p, const struct net_window_links *links,
			const char *name, struct err *err)
{
	const struct net_window_link *l = find(links, name);
	_cleanup_(buf_fini) struct buf list = { 0 };

	if (l && sources_known_type(l->type))
		return 0;
	if (l)
		return err_set(
			err,
			"capture: %s:%s: an interface of its kind cannot be recorded (type %u)",
			p->slot, name, l->type);
	for (size_t i = 0; i < links->n; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", links->v[i].name);
	return err_set(err, "capture: '%s' has no interface '%s'; it has: %s", p->slot, name,
		       buf_str(&list));
}

/* *n grows by the interfaces that are recorded at once. */
static int open_window(struct place *p, size_t *n, struct err *err)
{
	struct net_window_links links;
	int rc = 0;

	p->rec.window = net_window_open(p->netns, err);
	if (!p->rec.window || net_window_list(p->rec.window, &links, err))
		return err_wrap(err, "capture: %s", p->slot);
	for (size_t i = 0; !rc && i < p->rec.ifnames.n; i++)
		rc = check_ifname(p, &links, p->rec.ifnames.v[i], err);
	for (size_t i = 0; i < links.n; i++)
		*n += recording_wants(&p->rec, &links.v[i]) && sources_known_type(links.v[i].type);
	net_window_links_fini(&links);
	return rc;
}

static size_t memory_for(size_t interfaces)
{
	size_t each = MEMORY_ALL / interfaces;

	return each > MEMORY_MOST ? MEMORY_MOST : each < MEMORY_LEAST ? MEMORY_LEAST : each;
}

static int choose(struct capturing *c, struct err *err)
{
	for (size_t i = 0; i < c->o->args.n; i++)
		if (want(c, c->o->args.v[i], err) < 0)
			return -1;
	if (!c->o->args.n && want_all(c, err) < 0)
		return -1;
	for (size_t i = 0; i < c->places.n; i++)
		if (is_wanted(&c->places.v[i]) && look_at_network(c, i, err) < 0)
			return -1;
	return 0;
}

/* *ret: those that are wanted, the caller frees it alone. */
static int open_all(struct capturing *c, struct recording_place **ret, size_t *ret_n,
		    struct err *err)
{
	size_t interfaces = 0;

	*ret = xcalloc(c->places.n, sizeof(**ret));
	for (size_t i = 0; i < c->places.n; i++) {
		struct place *p = &c->places.v[i];

		if (!is_wanted(p))
			continue;
		if (open_window(p, &interfaces, err) < 0)
			return -1;
		p->rec.slot = p->slot;
		p->rec.networks = p->networks;
		(*ret)[(*ret_n)++] = p->rec;
	}
	if (!interfaces)
		return err_set(
			err,
			"capture: there are no interfaces but lo, which has to be named: SERVICE:lo");
	if (!c->how.memory)
		c->how.memory = memory_for(interfaces);
	return 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int record(struct capturing *c, struct err *err)
{
	_cleanup_(capout_fini) struct capout out = { .fd = -1 };
	_cleanup_free_ struct recording_place *places = NULL;
	_cleanup_fd_ int fd = -1;
	struct recording r = {
		.term = cli_term_get(c->o),
		.project = c->containers->project->name,
		.count = c->count,
		.seconds = c->o->duration_s,
		.out = &out,
	};

	if (ask(c, &fd, err) < 0 || choose(c, err) < 0 ||
	    open_all(c, &places, &r.n_places, err) < 0)
		return -1;
	if (capout_open(c->o->write, c->o->force, &out, err) < 0)
		return err_wrap(err, "capture");
	r.how = c->how;
	r.places = places;
	r.alive = fd;
	return recording_run(&r, err) < 0 ? err_wrap(err, "capture") : 0;
}

int cli_capture(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	_cleanup_(cli_containers_fini) struct cli_containers containers = { 0 };
	struct capturing c = { .o = o, .containers = &containers };
	int rc = -1;

	if (parse(&c, err) == 0 && cli_project_find(o, &project, err) == 0 &&
	    cli_containers_open(&containers, "capture", &project, err) == 0)
		rc = record(&c, err);
	for (size_t i = 0; i < c.places.n; i++)
		place_fini(&c.places.v[i]);
	vec_fini(&c.places);
	return rc;
}
