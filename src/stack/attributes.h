/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attributes: the forms and tables of what stands in a service, for the table in services.c. Each stands in the form_*.c
 * file of its subject.
 */
#ifndef STACK_ATTRIBUTES_H
#define STACK_ATTRIBUTES_H

#include "stack/form.h"

/* form_service.c: names, words, paths in the container */
FORM(form_image);
FORM(form_working_dir);
FORM(form_container_name);
FORM(form_hostname);
FORM(form_upper);
FORM(form_user);
FORM(form_groups);
FORM(form_restart);
FORM(form_stop_signal);
FORM(form_platform);
FORM(form_pull_policy);
FORM(form_namespace);		/* pid, ipc, uts, cgroup, userns_mode: host, private, service:NAME */
FORM(form_network_mode);
FORM(form_security_opts);
FORM(form_label_files);

/* form_limits.c: what a container may use and do */
FORM(form_cpus);
FORM(form_pids);
FORM(form_cpuset);
FORM(form_oom_score);
FORM(form_caps);
FORM(form_ulimits);
FORM(form_sysctls);
extern const struct key_table ulimits_keys, blkio_keys;

/* form_health.c, form_depends.c, form_env.c, form_hook.c, form_logging.c */
FORM(form_health);
FORM(form_on_unhealthy);
FORM(form_probe);	/* form_probe.c */
FORM(form_depends);
FORM(form_env_files);
FORM(form_environment);
FORM(form_hooks);
FORM(form_node_exec);
FORM(form_logging);
extern const struct key_table health_keys, probe_keys, depends_keys, env_file_keys, hook_keys, pre_start_keys, logging_keys;

/* form_build.c, form_deploy.c, form_gpu.c, form_cluster.c: what is for image builders, clusters and other engines */
FORM(form_build);
FORM(form_gpus);
FORM(form_device_requests);	/* the same below deploy.resources.reservations */
FORM(form_provider);
FORM(form_service_models);
extern const struct key_table build_keys, deploy_keys, develop_keys, gpu_keys, provider_keys, credential_keys,
	service_models_keys;

/* form_mount.c, form_share.c, form_port.c, form_device.c, form_host.c, form_asset.c */
FORM(form_mounts);
FORM(form_shares);		/* volumes_from */
FORM(form_tmpfs);
FORM(form_ports);
FORM(form_expose);
FORM(form_devices);
FORM(form_device_rules);
FORM(form_hosts);
FORM(form_addresses);		/* dns: a list of IP addresses */
FORM(form_resolv_words);	/* dns_search, dns_opt */
FORM(form_links);
FORM(form_host_names);		/* aliases of a service on a network */
FORM(form_asset_refs);		/* configs and secrets of a service */
extern const struct key_table mount_keys, port_keys, device_keys, asset_ref_keys;

/* form_attach.c */
FORM(form_attachments);
FORM(form_mac);
FORM(form_interface);	/* a name that the kernel takes for a link */
extern const struct key_table attachments_keys;

/* form_impair.c: what a link does to packets */
FORM(form_impair);
extern const struct key_table impair_keys;

/* form_vlan.c: x-vlan of an attachment */
extern const struct key_table vlan_keys;

#endif
