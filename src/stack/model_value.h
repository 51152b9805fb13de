/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_value: what the files of the model share. All strings live with the tree, lists in the arena of the reader.
 */
#ifndef STACK_MODEL_VALUE_H
#define STACK_MODEL_VALUE_H

#include "mstack/stack.h"
#include "stack/node.h"
#include "stack/reader.h"

/* The value of a key in a map, which may be NULL. */
struct stack_str value_str(const struct node *map, const char *key);
struct stack_num value_num(const struct node *map, const char *key);
bool value_bool(const struct node *map, const char *key);
struct stack_strs value_strs(struct reader *r, const struct node *map, const char *key);
struct stack_strs value_strs_of(struct reader *r, const struct node *n); /* a list, or NULL */
struct stack_kvs value_kvs(struct reader *r, const struct node *map, const char *key);

/* Which of these words it is; none, and NULL, is the first. */
size_t value_index(const char *text, const char *const *words, size_t n);

/* model_net.c: the networks of the stack; those of a service, and its published ports. */
void model_networks(struct reader *r, const struct node *networks, const struct node *services);
void model_attachments(struct reader *r, const struct node *service, struct stack_service *ret);
void model_ports(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_names.c: `extra_hosts`, `links`, `dns` and its kin. */
void model_names(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_mount.c: the volumes of the stack; what a service finds through `volumes`, `tmpfs` and `volumes_from`. */
void model_volumes(struct reader *r, const struct node *volumes);
void model_mounts(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_limits.c: what a service gets when it is crowded: kept memory, swap, shares, disks. */
void model_shares(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_device.c */
void model_devices(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_security.c */
void model_security(struct reader *r, const struct node *service, struct stack_service *ret);

/* form_vlan.c: `n` may be NULL. */
void model_vlan(struct reader *r, const struct node *n, struct stack_vlan *ret);
/* form_impair.c: of the map that form_impair made; NULL: none. */
const struct impair_ways *model_impair(struct reader *r, const struct node *n);

/* model_life.c */
void model_life(struct reader *r, const struct node *service, struct stack_service *s);
/* model_logging.c */
void model_logging(struct reader *r, const struct node *service, struct stack_service *ret);
/* model_link.c */
void model_links(struct reader *r, const struct node *links, const struct node *services);

/* model_namespace.c */
void model_namespaces(struct reader *r, const struct node *service, struct stack_service *ret);

#endif
