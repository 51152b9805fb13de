/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck_namespace: who shares a namespace cannot have it his own way, and not everybody lets others share. Called by
 * crosscheck.c on the canonical tree. Whose user namespace a service is in follows from several of its keys; plan looks at that.
 */
#include "stack/crosscheck_namespace.h"
#include "stack/form.h"

static bool is_shared(const char *mode)
{
	return mode && (!strcmp(mode, "host") || !strncmp(mode, "service:", 8) ||
			!strncmp(mode, "container:", 10));
}

/* The name would be everybody's who is in the namespace. */
static void check_name(struct reader *r, const struct where *w, const struct node *service,
		       const char *key)
{
	const struct node *name = node_get(service, key), *uts = node_get(service, "uts");
	const struct where here = where_in(w, key);

	if (name && uts && is_shared(uts->text))
		reader_forbid(r, &here, name->pos, "take one of the two away",
			      "'%.64s' excludes 'uts: %.64s', %s", name->text, uts->text,
			      reader_place(r, uts->pos));
}

/* As engines have it, what a service keeps in its shared memory is for others only when it says so. */
static void check_ipc(struct reader *r, const struct where *w, const struct node *service,
		      const struct node *services)
{
	const struct node *ipc = node_get(service, "ipc");
	const char *name = ipc && !strncmp(ipc->text, "service:", 8) ? ipc->text + 8 : NULL;
	const struct node_pair *other = name ? node_find(services, name) : NULL;
	const char *theirs = other ? node_text(other->value, "ipc") : NULL;
	const struct where here = where_in(w, "ipc");

	if (other && !is_shared(theirs) && (!theirs || strcmp(theirs, "shareable") != 0))
		reader_forbid(r, &here, ipc->pos, "write 'ipc: shareable' there",
			      "service '%.64s', %s, does not share its own", name,
			      reader_place(r, other->pos));
}

static void check_shm_size(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *size = node_get(service, "shm_size"), *ipc = node_get(service, "ipc");
	const struct where here = where_in(w, "shm_size");

	if (size && ipc && (is_shared(ipc->text) || !strcmp(ipc->text, "none")))
		reader_warn(r, &here, size->pos, "has no effect beside 'ipc: %.64s', %s", ipc->text,
			    reader_place(r, ipc->pos));
}

/* ---- the network ----------------------------------------------------------------------------- */

/* Bits: NONE no network, HOST that of the host, OTHER that of another service. */
enum { NONE = 1, HOST = 2, OTHER = 4 };

static unsigned mode_of(const struct node *mode)
{
	if (!strcmp(mode->text, "none"))
		return NONE;
	if (!strcmp(mode->text, "host"))
		return HOST;
	return is_shared(mode->text) ? OTHER : 0;
}

/* What speaks of a network of the service's own; engines refuse some of it when they make the container. */
static const struct {
	const char *key;
	unsigned forbidden, idle; /* beside these modes */
} networking[] = {
	{ "dns", OTHER, NONE },
	{ "dns_opt", 0, NONE | OTHER },
	{ "dns_search", 0, NONE | OTHER },
	{ "extra_hosts", OTHER, 0 },
	{ "hostname", OTHER, 0 },
	{ "links", HOST | OTHER, NONE },
	{ "mac_address", HOST | OTHER, NONE },
	{ "ports", OTHER, NONE | HOST },
};

static void check_networking(struct reader *r, const struct where *w, const struct node *service,
			     const struct node *mode)
{
	for (size_t i = 0; i < ARRAY_LEN(networking); i++) {
		const struct node_pair *pair = node_find(service, networking[i].key);
		const struct where here = where_in(w, networking[i].key);

		if (!pair || (pair->value->kind == NODE_LIST && !pair->value->n))
			continue;
		if (networking[i].forbidden & mode_of(mode))
			reader_forbid(r, &here, pair->pos, "take one of the two away",
				      "excludes 'network_mode: %.64s', %s", mode->text,
				      reader_place(r, mode->pos));
		else if (networking[i].idle & mode_of(mode))
			reader_warn(r, &here, pair->pos,
				    "has no effect beside 'network_mode: %.64s', %s", mode->text,
				    reader_place(r, mode->pos));
	}
}

static void check_network_mode(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node_pair *mode = node_find(service, "network_mode"),
			       *networks = node_find(service, "networks");
	const struct where here = where_in(w, "network_mode");

	if (!mode)
		return;
	if (networks && networks->value->n)
		reader_error(r, &here, mode->pos, "take one of the two away",
			     "'%.60s' excludes 'networks', %s", mode->value->text,
			     reader_place(r, networks->pos));
	check_networking(r, w, service, mode->value);
}

void crosscheck_namespaces(struct reader *r, const struct where *w, const struct node *service,
			   const struct node *services)
{
	check_name(r, w, service, "hostname");
	check_name(r, w, service, "domainname");
	check_ipc(r, w, service, services);
	check_shm_size(r, w, service);
	check_network_mode(r, w, service);
}
