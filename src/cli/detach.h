/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detach: `up -d`. The supervisor goes on in a process of its own, in the background; the command waits for its word.
 */
#ifndef CLI_DETACH_H
#define CLI_DETACH_H

#include "mstack/base.h"

/*
 * Forks. In the new process: 0; it leads a session of its own, without terminal, standard input and output; of other
 * descriptors it keeps `keep` only (-1: none); *ret_fd is where cli_detach_tell speaks. In the old one: 1, and *ret_code is the exit code that it told, or -1 with the error that it told.
 * SIGINT and SIGTERM to the old one are passed on. After timeout_ms (-1: never) the old one gives up waiting: -1, ERR_TIMEOUT.
 */
int cli_detach(int64_t timeout_ms, int keep, int *ret_fd, int *ret_code, struct err *err);

/* Tells the exit code, or with err the error; closes *fd. Only the first call says anything. */
void cli_detach_tell(int *fd, int code, const struct err *err);

/* Nobody waits at the other end of it any more (it gave up, or was killed). */
bool cli_detach_alone(int fd);

/* From now on standard error is this file (made anew), or /dev/null when it cannot be. */
void cli_detach_stderr(const char *path);

#endif
