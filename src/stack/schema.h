/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema: every key of the compose format, one table for each kind of map. Looked up by the readers of those maps. */
#ifndef STACK_SCHEMA_H
#define STACK_SCHEMA_H

#include "stack/reader.h"

/* The top of the file: its sections are read in an order of ours, not of the file's. */
struct top_draft {
	const struct node *services, *networks, *volumes;
};

extern const struct key_table schema_top, schema_service, schema_network, schema_volume, schema_ipam,
	schema_ipam_config, schema_service_network, schema_health, schema_depend, schema_port, schema_mount,
	schema_mount_bind, schema_mount_volume, schema_mount_tmpfs, schema_build, schema_deploy, schema_env_file,
	schema_ulimit;

#endif
