/* SPDX-License-Identifier: GPL-2.0-or-later */
/* form_limits: what the words of limits mean, for model.c: in the canonical form they stay as the user wrote them. */
#ifndef STACK_FORM_LIMITS_H
#define STACK_FORM_LIMITS_H

#include "mstack/base.h"

/* cap_net_admin, NET_ADMIN and the like in one spelling: upper case, without CAP_. */
const char *caps_name(struct arena *arena, const char *text);

#endif
