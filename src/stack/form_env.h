/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_env: env files folded into `environment`, label files into `labels`. Called by active for the services that are meant. */
#ifndef STACK_FORM_ENV_H
#define STACK_FORM_ENV_H

#include "stack/reader.h"

/*
 * The service without `env_file` and `label_file`; what these files say stands under `environment` and `labels`: the keys of
 * those win over all files, later files over earlier ones. Files that are missing or wrong are errors.
 */
struct node *env_fold(struct reader *r, const struct where *w, struct node *service);

#endif
