/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sections: the tables and forms of the sections of a file, for the table above them. Each stands beside what it is made
 * of: services.c, form_net.c, form_volume.c, form_asset.c (configs and secrets), form_cluster.c, form_link.c.
 */
#ifndef STACK_SECTIONS_H
#define STACK_SECTIONS_H

#include "stack/form.h"

#define SERVICES_MAX 1000	/* a bridge of the kernel has 1,024 ports */

extern const struct key_table services_keys, service_keys, networks_keys, volumes_keys, configs_keys, secrets_keys,
	models_keys, link_keys;

FORM(form_services);	/* and names checked */
FORM(form_service);
FORM(form_networks);
FORM(form_volumes_top);
FORM(form_configs);
FORM(form_wires);	/* x-links: form_link.c */
FORM(form_secrets);

#endif
