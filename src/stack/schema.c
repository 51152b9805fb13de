/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * schema: every key of the compose specification with the kinds that it takes and what becomes of
 * it: DONE, KNOWN, WARN or REFUSE (see enum verdict). A new key is a new row; the readers named
 * here are in values.c and the read_*.c files.
 */
#include "stack/read_net.h"
#include "stack/read_port.h"
#include "stack/read_service.h"
#include "stack/schema.h"

/* clang-format off */
/* A row is a line. */

#define STR NODE_STRING
#define NUM NODE_NUMBER
#define BOO NODE_BOOL
#define LST NODE_LIST
#define MAP NODE_MAP

#define DONE(name, kinds, read, type, field) \
	{ name, kinds, KEY_DONE, NULL, read, offsetof(struct type, field) }
/* The reader fills several fields, or none. */
#define WHOLE(name, kinds, read) { name, kinds, KEY_DONE, NULL, read, 0 }
#define KNOWN(name, kinds) { name, kinds, KEY_KNOWN, NULL, NULL, 0 }
#define WARN(name, kinds, effect) { name, kinds, KEY_WARN, effect, NULL, 0 }
#define REFUSE(name, kinds, instead) { name, kinds, KEY_REFUSE, instead, NULL, 0 }
#define TABLE(table) { table, ARRAY_LEN(table) }

/* ---- top level ------------------------------------------------------------------------------- */

static const struct key top[] = {
	KNOWN("name", STR),	/* read before all others, see name_project */
	WARN("version", STR, "the format has no versions any more"),
	DONE("services", MAP, read_later, top_draft, services),
	DONE("networks", MAP, read_later, top_draft, networks),
	DONE("volumes", MAP, read_later, top_draft, volumes),
	REFUSE("include", LST, NULL),
	REFUSE("secrets", MAP, "bind the file read-only under 'volumes'"),
	REFUSE("configs", MAP, "bind the file read-only under 'volumes'"),
	WARN("models", MAP, "there is no model runner"),
};
const struct key_table schema_top = TABLE(top);

/*
 * What stands in the file for other tools to read is WARN; what would change the running container
 * is REFUSE, so that a stack never runs as something else than was asked for.
 */

/* ---- services -------------------------------------------------------------------------------- */

#define SERVICE(name, kinds, read, field) DONE(name, kinds, read, service_draft, s.field)
#define WINDOWS "it is for Windows only"
#define CGROUP_V1 "cgroup v2 has no such setting"

static const struct key service[] = {
	WARN("annotations", MAP | LST, "it only describes"),
	WARN("attach", BOO | STR, "the logs of all services are followed"),
	REFUSE("blkio_config", MAP, NULL),
	WHOLE("build", STR | MAP, read_build),
	SERVICE("cap_add", LST, read_caps, cap_add),
	SERVICE("cap_drop", LST, read_caps, cap_drop),
	REFUSE("cgroup", STR, NULL),
	REFUSE("cgroup_parent", STR, NULL),
	SERVICE("command", STR | LST, value_words, command),
	REFUSE("configs", LST, "bind the file read-only under 'volumes'"),
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
	DONE("env_file", STR | LST, read_later, service_draft, env_file),
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
	WHOLE("init", BOO | STR, read_only_false),
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
	WHOLE("privileged", BOO | STR, read_only_false),
	REFUSE("profiles", LST, NULL),
	REFUSE("provider", MAP, NULL),
	WHOLE("pull_policy", STR, read_pull_policy),
	WARN("pull_refresh_after", STR, "images are not pulled"),
	SERVICE("read_only", BOO | STR, value_bool, read_only),
	WHOLE("restart", STR, read_restart),
	WARN("runtime", STR, "mstack runs containers itself"),
	REFUSE("scale", STR | NUM, NULL),
	REFUSE("secrets", LST, "bind the file read-only under 'volumes'"),
	REFUSE("security_opt", LST, NULL),
	REFUSE("shm_size", STR | NUM, NULL),
	WHOLE("stdin_open", BOO | STR, read_only_false),
	SERVICE("stop_grace_period", STR, value_duration, stop_grace_ns),
	WHOLE("stop_signal", STR, read_stop_signal),
	WARN("storage_opt", MAP, "the size of a container's layer is not limited"),
	SERVICE("sysctls", MAP | LST, read_sysctls, sysctls),
	DONE("tmpfs", STR | LST, read_tmpfs, service_draft, mounts),
	WHOLE("tty", BOO | STR, read_only_false),
	WHOLE("ulimits", MAP, read_ulimits),
	WHOLE("use_api_socket", BOO, read_only_false),
	SERVICE("user", STR, value_string, user),
	REFUSE("userns_mode", STR, NULL),
	REFUSE("uts", STR, NULL),
	DONE("volumes", LST, read_volumes, service_draft, mounts),
	REFUSE("volumes_from", LST, "name the volumes under 'volumes'"),
	SERVICE("working_dir", STR, read_working_dir, working_dir),
};
const struct key_table schema_service = TABLE(service);

/* An attachment: one entry of a service's `networks`. */
static const struct key service_network[] = {
	DONE("aliases", LST, value_strings, stack_attach, aliases),
	WHOLE("ipv4_address", STR, read_address),
	REFUSE("driver_opts", MAP, NULL),
	REFUSE("gw_priority", NUM, NULL),
	REFUSE("interface_name", STR, NULL),
	REFUSE("ipv6_address", STR, NULL),
	REFUSE("link_local_ips", LST, NULL),
	REFUSE("mac_address", STR, NULL),
	REFUSE("priority", NUM, NULL),
};
const struct key_table schema_service_network = TABLE(service_network);

static const struct key health[] = {
	DONE("disable", BOO | STR, value_bool, health_draft, disable),
	DONE("interval", STR, value_duration, health_draft, interval),
	DONE("retries", NUM | STR, value_int, health_draft, retries),
	DONE("start_interval", STR, value_duration, health_draft, start_interval),
	DONE("start_period", STR, value_duration, health_draft, start_period),
	DONE("test", STR | LST, read_health_test, health_draft, test),
	DONE("timeout", STR, value_duration, health_draft, timeout),
};
const struct key_table schema_health = TABLE(health);

/* `required: false` is kept as its opposite, so that a zeroed draft is the default. */
static const struct key depend[] = {
	DONE("condition", STR, value_text, depend_draft, condition),
	DONE("required", BOO | STR, read_not, depend_draft, optional),
	DONE("restart", BOO | STR, value_bool, depend_draft, restart),
};
const struct key_table schema_depend = TABLE(depend);

/* `mode` is read to be checked: without a cluster both of its words mean the same. */
static const struct key port[] = {
	DONE("host_ip", STR, value_string, port_draft, host_ip),
	DONE("mode", STR, value_string, port_draft, mode),
	DONE("protocol", STR, value_string, port_draft, protocol),
	DONE("published", STR | NUM, value_text, port_draft, published),
	DONE("target", NUM | STR, value_int, port_draft, target),
	WARN("app_protocol", STR, "it only describes"),
	WARN("name", STR, "it only describes"),
};
const struct key_table schema_port = TABLE(port);

static const struct key mount[] = {
	DONE("read_only", BOO | STR, value_bool, mount_draft, read_only),
	DONE("source", STR, value_string, mount_draft, source),
	DONE("target", STR, value_string, mount_draft, target),
	DONE("type", STR, value_string, mount_draft, type),
	WHOLE("bind", MAP, read_mount_bind),
	WHOLE("tmpfs", MAP, read_mount_tmpfs),
	WHOLE("volume", MAP, read_mount_volume),
	WARN("consistency", STR, "there is only one file system here"),
	REFUSE("image", MAP, NULL),
};
const struct key_table schema_mount = TABLE(mount);

static const struct key mount_bind[] = {
	DONE("create_host_path", BOO | STR, read_not, mount_draft, no_host_path),
	DONE("propagation", STR, value_string, mount_draft, propagation),
	REFUSE("recursive", STR, NULL),
	WARN("selinux", STR, "files are not labelled"),
};
const struct key_table schema_mount_bind = TABLE(mount_bind);

static const struct key mount_volume[] = {
	DONE("nocopy", BOO | STR, value_bool, mount_draft, nocopy),
	WARN("labels", MAP | LST, "it only describes"),
	REFUSE("subpath", STR, NULL),
};
const struct key_table schema_mount_volume = TABLE(mount_volume);

static const struct key mount_tmpfs[] = {
	DONE("mode", NUM | STR, value_int, mount_draft, tmpfs_mode),
	DONE("size", NUM | STR, value_bytes, mount_draft, tmpfs_size),
};
const struct key_table schema_mount_tmpfs = TABLE(mount_tmpfs);

static const struct key env_file[] = {
	REFUSE("format", STR, NULL),
	DONE("path", STR, value_string, env_file_draft, path),
	DONE("required", BOO | STR, read_not, env_file_draft, optional),
};
const struct key_table schema_env_file = TABLE(env_file);

static const struct key ulimit[] = {
	DONE("hard", NUM | STR, value_int, ulimit_draft, hard),
	DONE("soft", NUM | STR, value_int, ulimit_draft, soft),
};
const struct key_table schema_ulimit = TABLE(ulimit);

/* Nothing is built here, so only what is needed to say how to build is kept. */
static const struct key build[] = {
	DONE("context", STR, value_string, stack_service, build_context),
	DONE("dockerfile", STR, value_string, stack_service, build_dockerfile),
	KNOWN("additional_contexts", MAP | LST), KNOWN("args", MAP | LST), KNOWN("cache_from", LST),
	KNOWN("cache_to", LST), KNOWN("dockerfile_inline", STR), KNOWN("entitlements", LST),
	KNOWN("extra_hosts", MAP | LST), KNOWN("isolation", STR), KNOWN("labels", MAP | LST),
	KNOWN("network", STR), KNOWN("no_cache", BOO | STR), KNOWN("no_cache_filter", STR | LST),
	KNOWN("platforms", LST), KNOWN("privileged", BOO | STR), KNOWN("provenance", BOO | STR),
	KNOWN("pull", BOO | STR), KNOWN("sbom", BOO | STR), KNOWN("secrets", LST),
	KNOWN("shm_size", NUM | STR), KNOWN("ssh", MAP | LST), KNOWN("tags", LST),
	KNOWN("target", STR), KNOWN("ulimits", MAP),
};
const struct key_table schema_build = TABLE(build);

#define CLUSTER "it is for clusters"

static const struct key deploy[] = {
	WARN("endpoint_mode", STR, CLUSTER),
	WARN("labels", MAP | LST, CLUSTER),
	WARN("mode", STR, CLUSTER),
	WARN("placement", MAP, CLUSTER),
	REFUSE("replicas", NUM | STR, NULL),
	REFUSE("resources", MAP, "use 'cpus', 'mem_limit' and 'pids_limit'"),
	REFUSE("restart_policy", MAP, "use 'restart'"),
	WARN("rollback_config", MAP, CLUSTER),
	WARN("update_config", MAP, CLUSTER),
};
const struct key_table schema_deploy = TABLE(deploy);

/* ---- networks and volumes -------------------------------------------------------------------- */

/* Bridges with IPv4 only for now. */
static const struct key network[] = {
	DONE("internal", BOO | STR, value_bool, stack_network, internal),
	DONE("name", STR, read_net_name, stack_network, name),
	WHOLE("driver", STR, read_net_driver),
	WHOLE("enable_ipv6", BOO | STR, read_only_false),
	WHOLE("external", BOO | STR | MAP, read_only_false),
	WHOLE("ipam", MAP, read_ipam),
	WARN("attachable", BOO | STR, CLUSTER),
	REFUSE("driver_opts", MAP, NULL),
	REFUSE("enable_ipv4", BOO | STR, NULL),
	WARN("labels", MAP | LST, "it only describes"),
};
const struct key_table schema_network = TABLE(network);

static const struct key ipam[] = {
	WHOLE("config", LST, read_ipam_config),
	WHOLE("driver", STR, read_ipam_driver),
	REFUSE("options", MAP, NULL),
};
const struct key_table schema_ipam = TABLE(ipam);

static const struct key ipam_config[] = {
	WHOLE("gateway", STR, read_gateway),
	WHOLE("subnet", STR, read_subnet),
	REFUSE("aux_addresses", MAP, NULL),
	REFUSE("ip_range", STR, NULL),
};
const struct key_table schema_ipam_config = TABLE(ipam_config);

/* Folders below the data folder only for now. */
static const struct key volume[] = {
	DONE("driver", STR, value_text, volume_draft, driver),
	DONE("external", BOO | STR, value_bool, volume_draft, v.external),
	DONE("name", STR, value_string, volume_draft, name),
	REFUSE("driver_opts", MAP, NULL),
	WARN("labels", MAP | LST, "it only describes"),
};
const struct key_table schema_volume = TABLE(volume);
