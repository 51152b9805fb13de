/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: asking the supervisor of a project.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "mstack/base.h"

enum { CLI_ANSWER_MS = 10000 }; /* a supervisor that takes longer is stopped or hung */

/*
 * 0 and *ret_fd; 1 there is no supervisor; -1, with err->sys ENOENT if there is one whose socket was removed, and EBUSY if its run-time folder is
 * not this one. Answers may take ms (0: for ever).
 */
int cli_connect(const char *project, unsigned ms, int *ret_fd, struct err *err);
/* The same, but 1 in that case as well: for who has another way to reach it, or need not. */
int cli_knock(const char *project, unsigned ms, int *ret_fd, struct err *err);
/* Has the other side of a connection ended? */
bool cli_has_gone(int connection);
/*
 * What CTL_PS answers, as an array of objects; of a stack that goes on without a supervisor (unsupervised.h) what is known of it. 0; 1 nobody knows anything
 * (*ret_rows is an empty array); -1.
 */
int cli_slots(const char *project, json_t **ret_rows, struct err *err);
/* The string under `key`, "" when there is none. */
const char *cli_string(const json_t *object, const char *key);
/* Where a port is published: "0.0.0.0:8080", "[::]:8080". */
void cli_add_published(struct buf *out, const json_t *publisher);

#endif
