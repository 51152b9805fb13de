/* SPDX-License-Identifier: GPL-2.0-or-later */
/* task: a child that walks its steps while we wait for it, for what is done before anything runs. Private to src/box. */
#ifndef BOX_TASK_H
#define BOX_TASK_H

#include "box/child.h"

/*
 * Runs the steps in a child with these namespaces (CLONE_NEW...); it ends with us. The last step says task_answer. Returns the
 * answer, or -1 with the child's error. ret_fd (may be NULL): the descriptor that came with it, -1 none.
 */
int task_run(struct child *c, uint64_t namespaces, const struct child_step *steps, int *ret_fd, struct err *err);
/* For the child: not negative; fd -1: none. */
int task_answer(struct child *c, int answer, int fd);

#endif
