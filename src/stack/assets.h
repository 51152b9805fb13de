/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assets: what the secrets and configs of the stack hold. Called by crosscheck, when it is known which of them are used, and by
 * model.c. Their values are in no tree, so that nothing which prints trees can print them.
 */
#ifndef STACK_ASSETS_H
#define STACK_ASSETS_H

#include "stack/reader.h"

/* Where one appears when the service does not say it, or says it with a relative path. `section`: secrets, configs. */
const char *asset_base(const char *section);

/*
 * Says what cannot be had here. When the stack is to run, also reads the files and variables; what is missing is an error at
 * its place.
 */
void assets_read(struct reader *r, const struct node *root);
/* What was read for the entry `name`; NULL: nothing. */
const struct asset *assets_find(const struct reader *r, const char *section, const char *name);

/* model_asset.c */
void model_assets(struct reader *r, const struct node *service, struct stack_service *ret);

#endif
