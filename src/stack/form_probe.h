/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_probe: where a probe goes to, as its form and the model read it. */
#ifndef STACK_FORM_PROBE_H
#define STACK_FORM_PROBE_H

#include "mstack/base.h"

/* "HOST:PORT", "[::1]:PORT", "HOST": *ret_port is NULL without a colon; brackets are taken off. */
void probe_split(struct arena *arena, const char *text, const char **ret_host, const char **ret_port);

#endif
