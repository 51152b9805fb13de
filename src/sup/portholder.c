/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portholder: which of the other stacks here has published a port that we want, for an error message. Called by net through a hook, when the
 * kernel has refused the port. Asks their supervisors as `ps` does.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "mstack/ctl.h"
#include "mstack/sup_keep.h"
#include "sup/state.h"

/* For all of them together. While we run a stack nobody is to wait for us for long: two may be asking each other. */
enum { PATIENCE_MS = 5000, PATIENCE_RUNNING_MS = 300 };

struct search {
	const struct net_publish_spec *pub;
	char service[256];
};

static bool is_in_the_way(const json_t *row, const struct net_publish_spec *pub)
{
	const char *url = json_string_value(json_object_get(row, "URL"));
	const char *protocol = json_string_value(json_object_get(row, "Protocol"));
	struct ip ip;

	return url && protocol && ip_parse(url, &ip) && ip.family == pub->host_ip.family &&
	       !strcmp(protocol, pub->protocol == IPPROTO_TCP ? "tcp" : "udp") &&
	       json_integer_value(json_object_get(row, "PublishedPort")) == pub->host_port &&
	       (ip_equal(&ip, &pub->host_ip) || ip_is_zero(&ip) || ip_is_zero(&pub->host_ip));
}

static void look_at_row(struct search *s, const json_t *row)
{
	const char *service = json_string_value(json_object_get(row, "Service"));
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(row, "Publishers"), i, one)
		if (service && !*s->service && is_in_the_way(one, s->pub))
			snprintf(s->service, sizeof(s->service), "%s", service);
}

static int take_row(void *arg, const struct ctl_msg *m)
{
	look_at_row(arg, m->body);
	return 0;
}

/* Of a stack that goes on without a supervisor its guard knows the rows. */
static void look_at_kept(struct search *s, const struct carry *tree)
{
	for (const struct carry *c = NULL; (c = carry_next(tree, "slot", c));) {
		const char *text = carry_text(c, "row");
		json_t *row = text ? json_loads(text, 0, NULL) : NULL;

		if (row)
			look_at_row(s, row);
		json_decref(row);
	}
}

static void ask(struct search *s, const char *project, unsigned ms)
{
	_cleanup_free_ char *path = sup_socket_path(project);
	struct err err;
	_cleanup_fd_ int fd = ctl_connect(path, ms, &err);
	struct carry *tree;

	if (fd >= 0) {
		ctl_call(fd, CTL_PS, NULL, take_row, s, &err);
		return;
	}
	tree = sup_kept(project, &err);
	if (tree)
		look_at_kept(s, tree);
	carry_free(tree);
}

int sup_port_holder(void *arg, const struct net_publish_spec *pub, char *ret, size_t size)
{
	const struct sup *sup = arg;
	const char *own = sup->opts->stack->name;
	const uint64_t until =
		time_mono_ms() + (sup->listen_fd >= 0 ? PATIENCE_RUNNING_MS : PATIENCE_MS);
	struct search s = { .pub = pub };
	char **projects = sup_projects();

	for (char **p = projects; p && *p; p++) {
		uint64_t now = time_mono_ms();

		if (!*s.service && now < until && strcmp(*p, own) != 0) {
			ask(&s, *p, (unsigned)(until - now));
			if (*s.service)
				snprintf(ret, size, "stack '%s', service '%s'", *p, s.service);
		}
		free(*p);
	}
	free(projects);
	return *s.service ? 0 : -1;
}
