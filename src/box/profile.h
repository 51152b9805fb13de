/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profile: a system call filter in the JSON format of Docker's profiles.
 */
#ifndef BOX_PROFILE_H
#define BOX_PROFILE_H

#include <seccomp.h>

#include "mstack/base.h"

/*
 * The filter of this text for a container with these capabilities; release it with seccomp_release. *ret_open: calls that it
 * does not name are allowed. NULL on error.
 */
scmp_filter_ctx profile_read(const char *text, uint64_t caps, bool *ret_open, struct err *err);

#endif
