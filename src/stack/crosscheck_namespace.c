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

void crosscheck_namespaces(struct reader *r, const struct where *w, const struct node *service,
			   const struct node *services)
{
	check_name(r, w, service, "hostname");
	check_name(r, w, service, "domainname");
	check_ipc(r, w, service, services);
	check_shm_size(r, w, service);
}
