/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netopts: `driver` and `driver_opts` of a network, as form_net.c (forms), crosscheck_net.c and model_net.c (values) share them.
 */
#ifndef STACK_NETOPTS_H
#define STACK_NETOPTS_H

#include "mstack/stack_network.h"
#include "stack/form.h"

#define NETOPTS_MTU	  "com.docker.network.driver.mtu"
#define NETOPTS_BRIDGE	  "com.docker.network.bridge."
#define NETOPTS_MTU_LEAST 68

enum { NETOPTS_MACVLAN_MODES = STACK_MACVLAN_PASSTHRU + 1 };
/* By enum stack_macvlan. */
extern const char *const netopts_macvlan_modes[NETOPTS_MACVLAN_MODES];

FORM(form_net_driver);
extern const struct key_table netopts_keys;

/* When the whole network is known: options that its driver lacks, and what it cannot do without. */
void netopts_check(struct reader *r, const struct where *w, const struct node *network,
		   const struct node *as_written);

/* Of the canonical form of a network; BRIDGE also for drivers that are refused. */
enum stack_net_driver netopts_driver(const struct node *network);
/* An option of `driver_opts` by this name or another one of it; NULL. `all` may be NULL. */
const struct node *netopts_get(const struct node *all, const char *name);
/* The addresses of a list; 0: something is wrong with it, at *ret_wrong. */
size_t netopts_peers(struct arena *arena, const char *text, const struct ip **ret,
		     const char **ret_wrong);

#endif
