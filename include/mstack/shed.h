/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shed: what programs without rights do to lose them; each decides by itself which are left. All return 0, or -1
 * with errno, and none can be taken back.
 */
#ifndef MSTACK_SHED_H
#define MSTACK_SHED_H

#include <seccomp.h>
#include <sys/capability.h>

#include "mstack/base.h"

/* Closes all from this number on. */
int shed_descriptors(unsigned first);
/* Of all capabilities these are left; none can come back, by whatever is executed. */
int shed_caps(const cap_value_t *left, size_t n);
/*
 * From root to nobody, without any capability. Who is not root stays who he is: he has no more than he could hand on anyway. So does
 * root of a user namespace in which there is no such id as nobody's.
 */
int shed_identity(void);
/*
 * No ptrace, no new rights by execve, and no life after the parent's, unless it `outlives` that. A change of ids later would take
 * the last back.
 */
int shed_rights(bool outlives);

/*
 * A filter that refuses all but these calls; names that an architecture does not have are left out. NULL: no memory. Rules
 * with conditions can be added before it is loaded.
 */
scmp_filter_ctx shed_filter_new(const char *const *calls, size_t n);
/* Loads and releases it. `rc`: what adding rules to it has come to, 0 or -errno. */
int shed_filter_load(scmp_filter_ctx ctx, int rc);

#endif
