/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shellwords: a command string split into words as a shell would, without expanding anything. */
#ifndef STACK_SHELLWORDS_H
#define STACK_SHELLWORDS_H

#include "mstack/base.h"

#define SHELLWORDS_MAX 10000

struct shellwords VEC(char *);

/*
 * Each word goes into the arena. *ret_operator: an unquoted `;`, `&`, `|`, `<` or `>`, or 0. -1: an open quote; -2: more than
 * SHELLWORDS_MAX words.
 */
int shellwords_split(struct arena *arena, const char *text, struct shellwords *words, char *ret_operator);

#endif
