/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * services: the section `services`: every key that the compose specification knows in a service,
 * and the walk over all of them. Called by load when networks and volumes are in the model. The
 * keys of maps inside a service stand beside their readers, in the read_*.c files.
 */
#include "stack/services.h"
#include "stack/find.h"
#include "stack/keys.h"
#include "stack/names.h"
#include "stack/read_mount.h"
#include "stack/read_port.h"
#include "stack/read_service.h"

#define SERVICES_MAX 1000 /* a bridge of the kernel has 1,024 ports */
#define NS_PER_S     INT64_C(1000000000)

/* A service while its keys are read: what needs several of them is made at the end. */
struct service_draft {
	struct stack_service s;
	struct mount_list mounts;
	struct envset environment;
	const struct node *env_file;
};

static VALUE_READER(read_environment)
{
	value_collect(r, w, n, field);
}

/* clang-format off */
#define SERVICE(name, kinds, read, field) DONE(name, kinds, read, service_draft, s.field)
#define WINDOWS "it is for Windows only"
#define CGROUP_V1 "cgroup v2 has no such setting"

static const struct key service_rows[] = {
	WARN("annotations", MAP | LST, DESCRIBES),
	WARN("attach", BOO | STR, "the logs of all services are followed"),
	REFUSE("blkio_config", MAP, NULL),
	WHOLE("build", STR | MAP, read_build),
	SERVICE("cap_add", LST, read_caps, cap_add),
	SERVICE("cap_drop", LST, read_caps, cap_drop),
	REFUSE("cgroup", STR, NULL),
	REFUSE("cgroup_parent", STR, NULL),
	SERVICE("command", STR | LST, value_words, command),
	REFUSE("configs", LST, BIND_INSTEAD),
	SERVICE("container_name", STR, read_container_name, container_name),
	WARN("cpu_count", STR | NUM, WINDOWS),
	WARN("cpu_percent", STR | NUM, WINDOWS),
	REFUSE("cpu_period", STR | NUM, "use 'cpus'"),
	REFUSE("cpu_quota", STR | NUM, "use 'cpus'"),
	WARN("cpu_rt_period", STR | NUM, CGROUP_V1),
	WARN("cpu_rt_runtime", STR | NUM, CGROUP_V1),
	REFUSE("cpu_shares", STR | NUM, "use 'cpus'"),
	SERVICE("cpus", STR | NUM, read_cpus, cpus),
	REFUSE("cpuset", STR, "use 'cpus'"),
	WARN("credential_spec", MAP, WINDOWS),
	WHOLE("depends_on", LST | MAP, read_depends),
	WHOLE("deploy", MAP, read_deploy),
	WARN("develop", MAP, "files are not watched"),
	REFUSE("device_cgroup_rules", LST, NULL),
	REFUSE("devices", LST, NULL),
	REFUSE("dns", STR | LST, NULL),
	REFUSE("dns_opt", LST, NULL),
	REFUSE("dns_search", STR | LST, NULL),
	REFUSE("domainname", STR, NULL),
	SERVICE("entrypoint", STR | LST, value_words, entrypoint),
	DONE("env_file", STR | LST, value_later, service_draft, env_file),
	DONE("environment", MAP | LST, read_environment, service_draft, environment),
	WARN("expose", LST, "all ports are open to services on the same network"),
	REFUSE("extends", STR | MAP, "use a YAML anchor and the merge key '<<'"),
	WARN("external_links", LST, "there are no containers outside of the stack"),
	REFUSE("extra_hosts", LST | MAP, NULL),
	REFUSE("gpus", STR | LST, NULL),
	REFUSE("group_add", LST, NULL),
	SERVICE("healthcheck", MAP, read_health, health),
	SERVICE("hostname", STR, read_hostname, hostname),
	SERVICE("image", STR, read_image, image),
	WHOLE("init", BOO | STR, value_only_false),
	REFUSE("ipc", STR, NULL),
	WARN("isolation", STR, WINDOWS),
	REFUSE("label_file", STR | LST, "use 'labels'"),
	SERVICE("labels", MAP | LST, value_pairs, labels),
	REFUSE("links", LST, "use 'networks' with 'aliases'"),
	WARN("logging", MAP, "logs are always kept by mstack itself, see 'mstack logs'"),
	REFUSE("mac_address", STR, NULL),
	SERVICE("mem_limit", STR | NUM, value_bytes, mem_limit),
	REFUSE("mem_reservation", STR | NUM, NULL),
	WARN("mem_swappiness", STR | NUM, CGROUP_V1),
	REFUSE("memswap_limit", STR | NUM, NULL),
	WARN("models", MAP | LST, "there is no model runner"),
	REFUSE("network_mode", STR, NULL),
	WHOLE("networks", LST | MAP, read_attachments),
	WARN("oom_kill_disable", BOO | STR, CGROUP_V1),
	REFUSE("oom_score_adj", STR | NUM, NULL),
	REFUSE("pid", STR, NULL),
	SERVICE("pids_limit", STR | NUM, read_pids, pids_limit),
	WHOLE("platform", STR, read_platform),
	WHOLE("ports", LST, read_ports),
	REFUSE("post_start", LST, NULL),
	REFUSE("pre_start", LST, NULL),
	REFUSE("pre_stop", LST, NULL),
	WHOLE("privileged", BOO | STR, value_only_false),
	REFUSE("profiles", LST, NULL),
	REFUSE("provider", MAP, NULL),
	WHOLE("pull_policy", STR, read_pull_policy),
	WARN("pull_refresh_after", STR, "images are not pulled"),
	SERVICE("read_only", BOO | STR, value_bool, read_only),
	WHOLE("restart", STR, read_restart),
	WARN("runtime", STR, "mstack runs containers itself"),
	REFUSE("scale", STR | NUM, NULL),
	REFUSE("secrets", LST, BIND_INSTEAD),
	REFUSE("security_opt", LST, NULL),
	REFUSE("shm_size", STR | NUM, NULL),
	WHOLE("stdin_open", BOO | STR, value_only_false),
	SERVICE("stop_grace_period", STR, value_duration, stop_grace_ns),
	WHOLE("stop_signal", STR, read_stop_signal),
	WARN("storage_opt", MAP, "the size of a container's layer is not limited"),
	SERVICE("sysctls", MAP | LST, read_sysctls, sysctls),
	DONE("tmpfs", STR | LST, read_tmpfs, service_draft, mounts),
	WHOLE("tty", BOO | STR, value_only_false),
	WHOLE("ulimits", MAP, read_ulimits),
	WHOLE("use_api_socket", BOO, value_only_false),
	SERVICE("user", STR, value_string, user),
	REFUSE("userns_mode", STR, NULL),
	REFUSE("uts", STR, NULL),
	DONE("volumes", LST, read_volumes, service_draft, mounts),
	REFUSE("volumes_from", LST, "name the volumes under 'volumes'"),
	SERVICE("working_dir", STR, read_working_dir, working_dir),
	REFUSE("x-on-unhealthy", STR, NULL),
	REFUSE("x-rootfs", MAP, NULL),
};
static const struct key_table service_keys = TABLE(service_rows);
/* clang-format on */

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
		struct stack_network *network = find_network(r->stack, "default");
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
		reader_map(r, w, n, &service_keys, &d);
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
