/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helperproc: mstack-net as a process and as a file. */
#ifndef NET_HELPERPROC_H
#define NET_HELPERPROC_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns 0 or an errno. It has our end of nothing but the socket. */
int helper_spawn(const char *program, int sock, bool outside, bool outlives, pid_t *ret_pid);
/* Was this process started from the file that lies there now? */
bool helper_runs(pid_t pid, const char *program);

#endif
