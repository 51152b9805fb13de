/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck_scale: several containers of one service have one definition, so what only one of them can have is told here: a name, an
 * address, a port of the host. Called by crosscheck with the canonical tree; reads nothing but that.
 */
#include "stack/crosscheck_scale.h"
#include "stack/form.h"

/*
 * A bridge has room for some thousand; and every container of a service waits for every one of those that it depends on, so
 * their number counts twice.
 */
enum { SCALE_MAX = 1000, CONTAINERS_MAX = 4000 };

static const struct node *replicas_of(const struct node *service)
{
	return node_get(node_get(service, "deploy"), "replicas");
}

static const struct node *count_of(const struct node *service)
{
	const struct node *scale = node_get(service, "scale");

	return scale ? scale : replicas_of(service);
}

int64_t service_scale(const struct node *service)
{
	const struct node *count = count_of(service);

	return count ? count->number : 1;
}

/* ---- the number itself ----------------------------------------------------------------------- */

static void check_twins(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *scale = node_get(service, "scale"), *replicas = replicas_of(service);

	if (scale && replicas && scale->number != replicas->number)
		reader_error(r, w, scale->pos, "give it once",
			     "is %s here and %s in deploy.replicas, %s", scale->text,
			     replicas->text, reader_place(r, replicas->pos));
}

static void check_name(struct reader *r, const struct where *w, const struct node *service,
		       const struct node *count)
{
	const struct node *name = node_get(service, "container_name");

	if (name)
		reader_error(r, w, count->pos, NULL,
			     "%s containers cannot all be called '%.64s', %s: take away "
			     "'container_name'",
			     count->text, name->text, reader_place(r, name->pos));
}

/* ---- on networks ----------------------------------------------------------------------------- */

static void check_addresses(struct reader *r, const struct where *w, const struct node *service,
			    const struct node *count)
{
	static const char *const keys[] = { "ipv4_address", "ipv6_address", "mac_address",
					    "link_local_ips" };
	const struct node *networks = node_get(service, "networks"),
			  *mac = node_get(service, "mac_address");

	for (size_t i = 0; networks && i < networks->n; i++)
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const struct node *one = node_get(networks->pairs[i].value, keys[k]);

			if (one && (one->kind != NODE_LIST || one->n))
				reader_forbid(
					r, w, one->pos, "take it away: each gets one of its own",
					"%s containers cannot all have the %s of network '%s'",
					count->text, keys[k], networks->pairs[i].key);
		}
	if (mac)
		reader_forbid(r, w, mac->pos, "take it away: each gets one of its own",
			      "%s containers cannot all have the mac_address %s", count->text,
			      mac->text);
}

/* How many ports of the host it has to choose from: a range for one port of the container is shared out. */
static int64_t host_ports(const struct node *published)
{
	const char *dash = strchr(published->text, '-');

	return dash ? strtol(dash + 1, NULL, 10) - published->number + 1 : 1;
}

static void check_ports(struct reader *r, const struct where *w, const struct node *service,
			const struct node *count)
{
	const struct node *ports = node_get(service, "ports");

	for (size_t i = 0; ports && i < ports->n; i++) {
		const struct node *port = ports->items[i], *published = node_get(port, "published");
		int64_t last;

		if (!published || !published->number || host_ports(published) >= count->number)
			continue;
		last = published->number + count->number - 1;
		reader_forbid(r, w, port->pos,
			      last > UINT16_MAX
				      ? "publish it to any free port"
				      : arena_printf(r->arena,
						     "publish it to a range, '%jd-%jd:%s', or to "
						     "any free port, '%s'",
						     (intmax_t)published->number, (intmax_t)last,
						     node_text(port, "target"),
						     node_text(port, "target")),
			      "%s containers cannot share port %s of the host", count->text,
			      published->text);
	}
}

/* ---- nobody there ---------------------------------------------------------------------------- */

static void check_shared(struct reader *r, const struct where *w, const struct node *n,
			 const char *name, const struct node *services)
{
	const struct node *other = node_get(services, name);

	if (other && !service_scale(other))
		reader_forbid(r, w, n->pos, NULL, "service '%s' has no container", name);
}

/* Whose namespaces or volumes are to be shared must be there. */
static void check_joined(struct reader *r, const struct where *section,
			 const struct node_pair *service, const struct node *services)
{
	static const char *const keys[] = { "network_mode", "ipc", "pid", "uts", "cgroup" };
	const struct where w = where_in(section, service->key), from = where_in(&w, "volumes_from");
	const struct node *volumes = node_get(service->value, "volumes_from");

	if (!service_scale(service->value))
		return;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct node *n = node_get(service->value, keys[i]);
		const struct where here = where_in(&w, keys[i]);

		if (n && !strncmp(n->text, "service:", 8))
			check_shared(r, &here, n, n->text + 8, services);
	}
	for (size_t i = 0; volumes && i < volumes->n; i++) {
		const struct node *n = volumes->items[i];
		const char *name = arena_strndup(r->arena, n->text, strcspn(n->text, ":"));

		check_shared(r, &from, n, name, services);
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static void check_service(struct reader *r, const struct where *section,
			  const struct node_pair *pair)
{
	const struct node *service = pair->value, *count = count_of(service);
	const struct where w = where_in(section, pair->key),
			   here = where_in(&w, node_get(service, "scale") ? "scale" : "deploy"),
			   networks = where_in(&w, "networks"), ports = where_in(&w, "ports");

	if (!count)
		return;
	check_twins(r, &here, service);
	if (count->number > SCALE_MAX)
		reader_forbid(r, &here, count->pos, NULL,
			      "%s containers: a service can have up to %d", count->text, SCALE_MAX);
	if (count->number <= 1)
		return;
	check_name(r, &here, service, count);
	check_addresses(r, &networks, service, count);
	check_ports(r, &ports, service, count);
}

void crosscheck_scale(struct reader *r, const struct node *services)
{
	const struct where section = { .key = "services" };
	int64_t sum = 0;

	for (size_t i = 0; i < services->n; i++) {
		const struct node_pair *pair = &services->pairs[i];
		int64_t n = service_scale(pair->value);

		check_service(r, &section, pair);
		check_joined(r, &section, pair, services);
		sum += n > SCALE_MAX ? 0 : n;
	}
	if (sum > CONTAINERS_MAX)
		reader_forbid(r, &section, services->pos, NULL,
			      "%jd containers: a stack can have up to %d", (intmax_t)sum,
			      CONTAINERS_MAX);
}
