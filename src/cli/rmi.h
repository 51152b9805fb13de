/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rmi: the images that go with a stack, by `down --rmi all`. `local` means those that were built for it, of which there are none.
 */
#ifndef CLI_RMI_H
#define CLI_RMI_H

#include "cli/project.h"

/* Names and ids. */
struct cli_rmi VEC(char *);

/* Asked before the stack goes: what its containers were made of; when nobody tells, what its file names. */
void cli_rmi_find(const struct cli_project *project, struct cli_term *term, struct cli_rmi *ret);
/* Afterwards. What another stack uses that runs, stays, and that is told. 0 or -1. */
int cli_rmi_remove(const struct cli_rmi *images, struct cli_term *term, struct err *err);
void cli_rmi_fini(struct cli_rmi *images);

#endif
