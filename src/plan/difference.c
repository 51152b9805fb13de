/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * difference: see mstack/plan_diff.h. Called by sup when a running stack is planned anew. First the keys of the file are compared; then
 * what the plans have of them beside the file: images, addresses, what lies in files and volumes.
 */
#include <stdio.h>

#include "mstack/plan_diff.h"
#include "mstack/stack_compare.h"
#include "plan/planner.h"

void plan_diff_fini(struct plan_diff *d)
{
	arena_free(d->arena);
	free(d->v);
	*d = (struct plan_diff){ 0 };
}

static const char *keep(struct plan_diff *d, const char *text)
{
	return text ? arena_strdup(d->arena, text) : NULL;
}

void plan_diff_add(struct plan_diff *d, const struct plan_change *c)
{
	if (!d->arena)
		d->arena = arena_new();
	d->v = xrealloc(d->v, (d->n + 1) * sizeof(*d->v));
	d->v[d->n++] = (struct plan_change){ .name = keep(d, c->name),
					     .key = keep(d, c->key),
					     .from = keep(d, c->from),
					     .to = keep(d, c->to),
					     .how = c->how,
					     .why = keep(d, c->why) };
}

/* A slot, twice. */
struct pair {
	struct plan_diff *diff;
	const struct plan *from, *to;
	const struct plan_slot *was, *is;
	enum plan_class how; /* so far */
};

static void add(struct pair *p, const char *key, const char *from, const char *to,
		enum plan_class how, const char *why)
{
	plan_diff_add(p->diff, &(struct plan_change){ p->is->name, key, from, to, how, why });
	p->how = how > p->how ? how : p->how;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Is `path` what `key` means, or a part of that? */
static bool holds(const char *key, const char *path)
{
	size_t len = strlen(key);

	return !strncmp(path, key, len) && (!path[len] || path[len] == '.');
}

/* One of memory is the process's; one of their number is counted in the slot's user namespace, where it has one of its own. */
static enum plan_class class_of_stand_in(const struct pair *p, const char *key,
					 const char **ret_why)
{
	const struct box_limits *a = &p->was->box_slot.limits, *b = &p->is->box_slot.limits;
	bool counted = !p->is->box_slot.host_ids && p->is->ids_of == PLAN_NO_SLOT;
	const struct {
		unsigned controller;
		const char *key, *in_deploy;
		bool differs;
		enum plan_class how;
		const char *why;
	} rows[] = {
		{ BOX_WANT_MEMORY, "mem_limit", "deploy.resources.limits.memory",
		  a->memory_max != b->memory_max, PLAN_RESTART,
		  "without a controller of memory a limit of each process stands in, from its start on" },
		{ BOX_WANT_PIDS, "pids_limit", "deploy.resources.limits.pids",
		  a->pids_max != b->pids_max, counted ? PLAN_RECREATE : PLAN_RESTART,
		  "without a controller of pids a limit of its user stands in, from the beginning on" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!(p->diff->stands_in & rows[i].controller) || !rows[i].differs ||
		    !(holds(key, rows[i].key) || holds(key, rows[i].in_deploy)))
			continue;
		*ret_why = rows[i].why;
		return rows[i].how;
	}
	return PLAN_SAME;
}

static void on_key(void *arg, const struct stack_difference *d)
{
	const char *why = NULL;
	enum plan_class as_ever = plan_class_of(d->key);
	enum plan_class here = class_of_stand_in(arg, d->key, &why);

	if (here > as_ever)
		add(arg, d->key, d->from, d->to, here, why);
	else
		add(arg, d->key, d->from, d->to, as_ever, NULL);
}

/* ---- the image ------------------------------------------------------------------------------- */

/* The name stays, and what it means does not. Folders have no id: who has one as image sees what is in it. */
static void compare_image(struct pair *p)
{
	const struct store_image *a = p->was->image, *b = p->is->image;

	if (strcmp(a->id, b->id) != 0)
		add(p, "image", a->id, b->id, PLAN_RECREATE,
		    "its name means another image than when it was started");
}

/* ---- networks -------------------------------------------------------------------------------- */

static bool same_net(const struct ip_net *a, const struct ip_net *b)
{
	return ip_equal(&a->ip, &b->ip) && a->prefix == b->prefix;
}

static bool same_sysctls(const struct net_port_spec *a, const struct net_port_spec *b)
{
	if (a->n_sysctls != b->n_sysctls)
		return false;
	for (size_t i = 0; i < a->n_sysctls; i++)
		if (strcmp(a->sysctls[i].path, b->sysctls[i].path) != 0 ||
		    strcmp(a->sysctls[i].value, b->sysctls[i].value) != 0)
			return false;
	return true;
}

static bool same_port(const struct net_port_spec *a, const struct net_port_spec *b)
{
	return same_net(&a->ip4, &b->ip4) && same_net(&a->ip6, &b->ip6) &&
	       ip_equal(&a->gateway4, &b->gateway4) && ip_equal(&a->gateway6, &b->gateway6) &&
	       !strcmp(a->ifname, b->ifname) && !strcmp(a->host_ifname, b->host_ifname) &&
	       !memcmp(a->mac, b->mac, sizeof(a->mac)) && a->pvid == b->pvid && same_sysctls(a, b);
}

static void compare_ports(struct pair *p)
{
	const struct plan_slot *a = p->was, *b = p->is;

	for (size_t i = 0; i < a->n_ports && i < b->n_ports; i++) {
		_cleanup_free_ char *key = xasprintf("networks.%s", b->links[i].network);
		_cleanup_free_ char *from = xstrdup(ip_text(&a->ports[i].ip4.ip).text);

		if (a->ports[i].bridge != b->ports[i].bridge)
			add(p, key, NULL, NULL, PLAN_RECREATE, "its network is made anew");
		else if (!same_port(&a->ports[i], &b->ports[i]))
			add(p, key, from, ip_text(&b->ports[i].ip4.ip).text, PLAN_RECREATE,
			    "its link is another one");
	}
	if (a->n_ports != b->n_ports && p->how < PLAN_RECREATE)
		add(p, "networks", NULL, NULL, PLAN_RECREATE, "it is on other networks");
}

/* Chosen ports of the host aside: they stay as they are. */
static bool same_pubs(const struct plan_slot *a, const struct plan_slot *b)
{
	bool same = a->n_pubs == b->n_pubs;

	for (size_t i = 0; same && i < a->n_pubs; i++)
		same = a->pubs[i].port == b->pubs[i].port &&
		       a->pubs[i].host_port == b->pubs[i].host_port &&
		       ip_equal(&a->pubs[i].host_ip, &b->pubs[i].host_ip);
	return same;
}

/* ---- volumes --------------------------------------------------------------------------------- */

struct changed {
	struct pair *pair;
	const char *volume;
};

static void on_volume(void *arg, const struct stack_difference *d)
{
	const struct changed *c = arg;
	_cleanup_free_ char *key =
		xasprintf("volumes.%s%s%s", c->volume, *d->key ? "." : "", d->key);

	if (!strncmp(d->key, "labels", 6))
		return;
	add(c->pair, key, d->from, d->to, PLAN_RECREATE,
	    "its volume is described in another way; what is in it stays");
}

static void compare_volumes(struct pair *p)
{
	const struct stack_service *s = p->is->service;

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct stack_volume *v = s->mounts[i].volume;
		struct changed c = { p, v ? v->key : NULL };

		if (v)
			stack_compare(p->from->stack, p->to->stack, "volumes", v->key, on_volume,
				      &c);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

/* hosts and its like follow from keys that were compared, and from the host, whose changes end no service. */
static bool is_of_system(const struct plan_slot *s, const char *target)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (!strncmp(target, "/etc/", 5) && !strcmp(target + 5, s->files[i].name))
			return true;
	return false;
}

static const struct box_mount *find_mount(const struct plan_slot *s, enum box_mount_type type,
					  const char *target)
{
	for (size_t i = 0; i < s->box.n_mounts; i++)
		if (s->box.mounts[i].type == type && !strcmp(s->box.mounts[i].target, target))
			return &s->box.mounts[i];
	return NULL;
}

/* Configs and secrets: what they hold is never told. */
static void compare_files(struct pair *p)
{
	for (size_t i = 0; i < p->is->box.n_mounts; i++) {
		const struct box_mount *m = &p->is->box.mounts[i], *was;

		if (m->type != BOX_FILE || is_of_system(p->is, m->target))
			continue;
		was = find_mount(p->was, BOX_FILE, m->target);
		if (was &&
		    (was->text_len != m->text_len || memcmp(was->text, m->text, m->text_len) != 0))
			add(p, m->target, NULL, NULL, PLAN_RESTART, "its content has changed");
	}
}

/* ---- images that mounts show ----------------------------------------------------------------- */

static bool same_layers(const struct box_mount *a, const struct box_mount *b)
{
	if (a->n_lower != b->n_lower)
		return false;
	for (size_t i = 0; i < a->n_lower; i++)
		if (strcmp(a->lower[i], b->lower[i]) != 0)
			return false;
	return true;
}

/* As with the image of the service itself; of these nothing but the layers is seen. Another name is another key of the file. */
static void compare_shown(struct pair *p)
{
	for (size_t i = 0; i < p->is->box.n_mounts; i++) {
		const struct box_mount *m = &p->is->box.mounts[i], *was;
		_cleanup_free_ char *why = NULL;

		was = m->type == BOX_IMAGE ? find_mount(p->was, BOX_IMAGE, m->target) : NULL;
		if (!was || strcmp(was->source, m->source) != 0 || same_layers(was, m))
			continue;
		why = xasprintf("the name '%s' means another image than when it was started",
				m->source);
		add(p, "volumes", NULL, NULL, PLAN_RECREATE, why);
	}
}

/* ---- whatever else --------------------------------------------------------------------------- */

static const char *name_of(const struct plan *plan, size_t nr)
{
	return nr < plan->n_slots && plan->slots[nr].name ? plan->slots[nr].name : "";
}

static void compare_namespaces(struct pair *p)
{
	bool same = !strcmp(name_of(p->from, p->was->net_of), name_of(p->to, p->is->net_of)) &&
		    !strcmp(name_of(p->from, p->was->ids_of), name_of(p->to, p->is->ids_of)) &&
		    p->was->box_slot.host_ids == p->is->box_slot.host_ids &&
		    p->was->box_slot.net == p->is->box_slot.net;

	for (size_t i = 0; same && i < BOX_NAMESPACES; i++)
		same = p->was->box.ns[i].share == p->is->box.ns[i].share &&
		       !strcmp(name_of(p->from, p->was->joins[i]), name_of(p->to, p->is->joins[i]));
	if (!same && p->how < PLAN_RECREATE)
		add(p, "", NULL, NULL, PLAN_RECREATE, "its namespaces are others");
}

/* What the container is made of, in words. */
static void put_words(const char *const *words, struct buf *out)
{
	for (size_t i = 0; words && words[i]; i++)
		buf_printf(out, "%s ", words[i]);
	buf_putc(out, '\n');
}

static void put_root(const struct plan_slot *s, struct buf *out)
{
	const struct box_spec *b = &s->box;

	put_words(b->covers, out);
	for (size_t i = 0; i < b->n_lower; i++)
		buf_printf(out, "%s\n", b->lower[i]);
	buf_printf(out, "%d%d%d%d %lld %lld\n", s->box_slot.tmp_upper, b->host_root,
		   b->writable_root, b->privileged, (long long)s->box_slot.tmp_upper_size,
		   (long long)s->box_slot.files_size);
	for (size_t i = 0; i < b->n_mounts; i++) {
		const struct box_mount *m = &b->mounts[i];

		if (m->type != BOX_FILE)
			buf_printf(out, "%d %s %s %s %d %d %lld %o\n", m->type,
				   m->source ? m->source : "", m->subpath ? m->subpath : "",
				   m->target, m->propagation, m->read_only, (long long)m->size,
				   m->mode);
	}
	for (size_t i = 0; i < b->n_devices; i++)
		buf_printf(out, "%s %s %u\n", b->devices[i].source, b->devices[i].target,
			   b->devices[i].access);
}

static void put_process(const struct plan_slot *s, struct buf *out)
{
	const struct box_spec *b = &s->box;

	put_words(b->argv, out);
	put_words(b->envp, out);
	buf_printf(out, "%u %u %llx %s %s %s %s\n", b->uid, b->gid, (unsigned long long)b->caps,
		   b->cwd ? b->cwd : "", b->seccomp ? b->seccomp : "",
		   b->apparmor ? b->apparmor : "", b->hostname ? b->hostname : "");
	for (size_t i = 0; i < b->n_groups; i++)
		buf_printf(out, "%u ", b->groups[i]);
}

/* When the keys do not say it all: what they lead to has been changed from outside of the service. */
static void compare_words(struct pair *p, void (*put)(const struct plan_slot *s, struct buf *out),
			  enum plan_class how, const char *why)
{
	struct buf a = { 0 }, b = { 0 };

	put(p->was, &a);
	put(p->is, &b);
	if (p->how < how && strcmp(buf_str(&a), buf_str(&b)) != 0)
		add(p, "", NULL, NULL, how, why);
	buf_fini(&a);
	buf_fini(&b);
}

/* A death signal is set before the program is, and nobody can take it back. */
static void compare_death(struct pair *p)
{
	static const char *const words[] = { "stop", "keep" };
	bool a = p->was->box.keep, b = p->is->box.keep;

	if (a != b)
		add(p, "x-on-supervisor-death", words[a], words[b], PLAN_RECREATE,
		    "what becomes of it when the supervisor dies is settled when it is made");
}

static void compare_hosts(struct pair *p)
{
	static const char *const words[] = { "false", "true" };
	bool a = p->from->stack->hosts, b = p->to->stack->hosts;

	if (a != b)
		add(p, "x-hosts", words[a], words[b], PLAN_LIVE, "the host's names of it follow");
}

enum plan_class plan_diff_slot(struct plan_diff *d, const struct plan *from,
			       const struct plan_slot *was, const struct plan *to,
			       const struct plan_slot *is)
{
	struct pair p = { d, from, to, was, is, PLAN_SAME };

	stack_compare(from->stack, to->stack, "services", is->service->name, on_key, &p);
	compare_image(&p);
	compare_death(&p);
	compare_hosts(&p);
	compare_ports(&p);
	compare_volumes(&p);
	compare_files(&p);
	compare_shown(&p);
	compare_namespaces(&p);
	compare_words(&p, put_root, PLAN_RECREATE, "what it is made of has changed");
	compare_words(&p, put_process, PLAN_RESTART,
		      "what its process is started with has changed");
	if (p.how < PLAN_LIVE && !same_pubs(was, is))
		add(&p, "ports", NULL, NULL, PLAN_LIVE, "they lead somewhere else");
	return p.how;
}
