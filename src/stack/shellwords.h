/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shellwords: a command string split into words as docker compose does, without expanding anything. */
#ifndef STACK_SHELLWORDS_H
#define STACK_SHELLWORDS_H

#include "mstack/base.h"

#define SHELLWORDS_MAX 10000

struct shellwords VEC(char *);

/*
 * Each word goes into the arena. *ret_operator: an unquoted `;`, `&`, `|`, `<` or `>`, or 0. -1: *ret_operator is a quote that
 * is never closed, or a parenthesis or backslash that does not belong there; -2: more than SHELLWORDS_MAX words.
 */
int shellwords_split(struct arena *arena, const char *text, struct shellwords *words, char *ret_operator);

#endif
