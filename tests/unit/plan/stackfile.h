/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stackfile: a stack made of a text, by way of a file: there is no other way in. */
#ifndef TESTS_PLAN_STACKFILE_H
#define TESTS_PLAN_STACKFILE_H

#include "mstack/stack.h"

/* The stack `demo`. What is wrong with the text fails the test. Both are the caller's. */
struct stack *stackfile_load(const char *yaml, struct stack_diags **ret_diags);

#endif
