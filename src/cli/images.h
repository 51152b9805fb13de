/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images: the images of services that come from registries: which have to be pulled, by the policies, and telling how that
 * goes.
 */
#ifndef CLI_IMAGES_H
#define CLI_IMAGES_H

#include "cli/option.h"
#include "mstack/stack.h"
#include "mstack/store.h"

struct cli_pulls VEC(struct store_pull);

/* By the policy of the service, or by `policy` (a word of pull_policy) when it is not NULL. 1 yes, 0 no, -1. */
int cli_images_due(const struct store *s, const struct stack_service *service, const char *policy, struct err *err);
/* Adds the image, unless it is in the list. */
void cli_images_add(struct cli_pulls *pulls, const char *image, bool check);

/* Pulls them; with `quiet` only failures are told. How each went is in `pulls`. 0 or -1. */
int cli_images_pull(struct store *s, const struct cli_options *o, struct cli_pulls *pulls, bool quiet, struct err *err);
/* -1 when any has failed: the error of the only one, or how many; those of several have been printed then. */
int cli_images_judge(const struct cli_options *o, const struct cli_pulls *pulls, struct err *err);

/* Is all here that the services need, of whatever age? 1 yes, 0 no, -1. */
int cli_images_are_here(const struct cli_options *o, const struct stack *stack, struct err *err);
/* For --build: there is nothing to build, or an error that says so. 0 or -1. */
int cli_images_check_build(const struct cli_options *o, const struct stack *stack, struct err *err);
/* For `up`: all that the services need and is not here, or is to be newer, comes before anything starts. 0 or -1. */
int cli_images_get(const struct cli_options *o, const struct stack *stack, struct err *err);

#endif
