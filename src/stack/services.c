/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * services: the section `services`: every key that the compose specification knows in a service. What
 * stands below a key, and its form, is in the form_*.c file of its subject.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/names.h"
#include "stack/sections.h"

/* clang-format off */
#define CGROUP_V1 "cgroup v2 has no such setting"

static const struct key rootfs_rows[] = {
	DONE("upper", STR, AS(form_upper)),
	DONE("writable", BOO | STR, AS(form_bool)),
};
static const struct key_table rootfs_keys = TABLE(rootfs_rows);

static const struct key service_rows[] = {
	WARN("annotations", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("attach", BOO | STR, AS(form_bool)),
	DONE("blkio_config", MAP, BELOW(blkio_keys)),
	DONE("build", STR | MAP, AS(form_build), BELOW(build_keys), MERGES(BUILD)),
	DONE("cap_add", LST, AS(form_caps), MERGES(SET)),
	DONE("cap_drop", LST, AS(form_caps), MERGES(SET)),
	DONE("cgroup", STR, AS(form_namespace)),
	REFUSE("cgroup_parent", STR, "groups are made below mstack's own"),
	DONE("command", NUL | STR | LST, AS(form_words), MERGES(REPLACE)),
	DONE("configs", LST, AS(form_asset_refs), BELOW(asset_ref_keys)),
	DONE("container_name", STR, AS(form_container_name)),
	WARN("cpu_count", STR | NUM, WINDOWS, AS(form_count)),
	WARN("cpu_percent", STR | NUM, WINDOWS, AS(form_number)),
	DONE("cpu_period", STR | NUM, AS(form_count)),
	DONE("cpu_quota", STR | NUM, AS(form_int)),
	WARN("cpu_rt_period", STR | NUM, CGROUP_V1),
	WARN("cpu_rt_runtime", STR | NUM, CGROUP_V1),
	DONE("cpu_shares", STR | NUM, AS(form_count)),
	DONE("cpus", STR | NUM, AS(form_cpus)),
	DONE("cpuset", STR, AS(form_cpuset)),
	WARN("credential_spec", MAP, WINDOWS, BELOW(credential_keys)),
	DONE("depends_on", LST | MAP, AS(form_depends), BELOW(depends_keys), MERGES(DEPENDS)),
	DONE("deploy", MAP, BELOW(deploy_keys)),
	WARN("develop", MAP, "files are not watched", BELOW(develop_keys)),
	DONE("device_cgroup_rules", LST, AS(form_device_rules), MERGES(SET)),
	DONE("devices", LST, AS(form_devices), BELOW(device_keys), ONLY("paths; CDI names are refused")),
	DONE("dns", STR | LST, AS(form_addresses), MERGES(SET)),
	DONE("dns_opt", LST, AS(form_resolv_words), MERGES(SET)),
	DONE("dns_search", STR | LST, AS(form_resolv_words), MERGES(SET)),
	DONE("domainname", STR, AS(form_hostname)),
	DONE("entrypoint", NUL | STR | LST, AS(form_words), MERGES(REPLACE)),
	DONE("env_file", STR | LST, AS(form_env_files), BELOW(env_file_keys), MERGES_BY("path")),
	DONE("environment", MAP | LST, AS(form_environment), MERGES(PAIRS)),
	WARN("expose", LST, "all ports are open to services on the same network", AS(form_expose), MERGES(SET)),
	DONE("extends", STR | MAP),	/* done by then, see assemble */
	WARN("external_links", LST, "there are no containers outside of the stack", AS(form_set), MERGES(SET)),
	DONE("extra_hosts", LST | MAP, AS(form_hosts), MERGES(HOSTS)),
	REFUSE("gpus", STR | LST, "there are no drivers for GPUs here", AS(form_gpus), BELOW(gpu_keys)),
	DONE("group_add", LST, AS(form_groups), MERGES(SET)),
	DONE("healthcheck", MAP, AS(form_health), BELOW(health_keys)),
	DONE("hostname", STR, AS(form_hostname)),
	DONE("image", STR, AS(form_image)),
	DONE("init", BOO | STR, AS(form_bool)),
	DONE("ipc", STR, AS(form_namespace), ONLY("the container's own, the host's or that of a service; container:NAME is refused")),
	WARN("isolation", STR, WINDOWS),
	DONE("label_file", STR | LST, AS(form_label_files), MERGES(SET)),
	DONE("labels", MAP | LST, AS(form_pairs), MERGES(PAIRS)),
	DONE("links", LST, AS(form_links), MERGES(SET)),
	DONE("logging", MAP, AS(form_logging), BELOW(logging_keys), MERGES(LOGGING)),
	DONE("mac_address", STR, AS(form_mac)),
	DONE("mem_limit", STR | NUM, AS(form_bytes)),
	DONE("mem_reservation", STR | NUM, AS(form_bytes)),
	WARN("mem_swappiness", STR | NUM, CGROUP_V1, AS(form_bytes)),
	DONE("memswap_limit", STR | NUM, AS(form_bytes_or_all)),
	WARN("models", MAP | LST, "there is no model runner", AS(form_service_models), BELOW(service_models_keys), MERGES(NAMES)),
	DONE("network_mode", STR, AS(form_network_mode), ONLY("bridge, none, the host's or that of a service; container:NAME and networks of an engine are refused")),
	DONE("networks", LST | MAP, AS(form_attachments), BELOW(attachments_keys), MERGES(NAMES)),
	WARN("oom_kill_disable", BOO | STR, CGROUP_V1, AS(form_bool)),
	DONE("oom_score_adj", STR | NUM, AS(form_oom_score)),
	DONE("pid", STR, AS(form_namespace), ONLY("the container's own, the host's or that of a service; container:NAME is refused")),
	DONE("pids_limit", STR | NUM, AS(form_pids)),
	DONE("platform", STR, AS(form_platform), ONLY("this machine's; others are refused")),
	DONE("ports", LST, AS(form_ports), BELOW(port_keys)),
	DONE("post_start", LST, AS(form_hooks), BELOW(hook_keys)),
	DONE("pre_start", LST, AS(form_hooks), BELOW(pre_start_keys)),
	DONE("pre_stop", LST, AS(form_hooks), BELOW(hook_keys)),
	DONE("privileged", BOO | STR, AS(form_bool)),
	DONE("profiles", LST, AS(form_set), MERGES(SET)),
	REFUSE("provider", MAP, "there are no plugins of other engines here", AS(form_provider), BELOW(provider_keys)),
	DONE("pull_policy", STR, AS(form_pull_policy)),
	DONE("pull_refresh_after", STR, AS(form_duration)),
	DONE("read_only", BOO | STR, AS(form_bool)),
	DONE("restart", STR, AS(form_restart)),
	WARN("runtime", STR, "mstack runs containers itself"),
	DONE("scale", STR | NUM, AS(form_count)),
	DONE("secrets", LST, AS(form_asset_refs), BELOW(asset_ref_keys)),
	DONE("security_opt", LST, AS(form_security_opts)),
	DONE("shm_size", STR | NUM, AS(form_bytes)),
	DONE("stdin_open", BOO | STR, AS(form_bool)),
	DONE("stop_grace_period", STR, AS(form_duration)),
	DONE("stop_signal", STR, AS(form_stop_signal)),
	WARN("storage_opt", MAP, "the size of a container's layer is not limited", AS(form_pairs), MERGES(PAIRS)),
	DONE("sysctls", MAP | LST, AS(form_sysctls), MERGES(PAIRS)),
	DONE("tmpfs", STR | LST, AS(form_tmpfs), MERGES(SET)),
	DONE("tty", BOO | STR, AS(form_bool)),
	DONE("ulimits", MAP, AS(form_ulimits), BELOW(ulimits_keys), MERGES(VALUES)),
	REFUSE("use_api_socket", BOO, "there is no daemon with a socket", AS(form_bool)),
	DONE("user", STR, AS(form_user)),
	DONE("userns_mode", STR, AS(form_namespace)),
	DONE("uts", STR, AS(form_namespace), ONLY("the container's own, the host's or that of a service; container:NAME is refused")),
	DONE("volumes", LST, AS(form_mounts), BELOW(mount_keys)),
	DONE("volumes_from", LST, AS(form_shares), MERGES(SET), ONLY("services")),
	DONE("working_dir", STR, AS(form_working_dir)),
	DONE("x-exec", LST, AS(form_node_exec)),
	DONE("x-on-unhealthy", STR, AS(form_on_unhealthy)),
	DONE("x-rootfs", MAP, BELOW(rootfs_keys)),
};
const struct key_table service_keys = TABLE(service_rows);

static const struct key any_service = DONE("NAME", NUL | MAP, AS(form_service), BELOW(service_keys));
const struct key_table services_keys = CHOSEN(any_service);
/* clang-format on */

/* There is a service in any case, also when nothing is right about it: others may name it. */
FORM(form_service)
{
	struct node_pairs none = { 0 };

	if (!name_check(r, w, w->at, w->key))
		return node_map_done(r->arena, n->pos, &none);
	if (n->kind == NODE_NULL) {
		reader_error(r, w, w->at, NULL, "is empty: it needs at least 'image'");
		return node_map_done(r->arena, n->pos, &none);
	}
	if (!node_given(n, "image") && !node_given(n, "build") && !node_given(n, "provider"))
		reader_error(r, w, w->at, NULL, "neither 'image' nor 'build' is given");
	return form_map(r, w, n, &service_keys);
}

FORM(form_services)
{
	/* What is left when no profile is chosen may be none; that is fine to look at. */
	if (!n->n && r->for_run)
		reader_error(r, w, n->pos, NULL, "there is no service");
	else if (n->n > SERVICES_MAX)
		reader_error(r, w, n->pos, NULL, "%u services: more than %d are not taken", n->n,
			     SERVICES_MAX);
	else
		return form_map(r, w, n, &services_keys);
	return NULL;
}
