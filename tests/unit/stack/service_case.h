/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * service_case: one key of one service: its canonical form as compact JSON, and what is said about it. For the tests of forms,
 * which have many short cases. Used between fixture_begin and fixture_end.
 */
#ifndef TESTS_STACK_SERVICE_CASE_H
#define TESTS_STACK_SERVICE_CASE_H

#include "unit/stack/fixture.h"

/* The text of a key in the canonical form of service `web`; "" when it is not there. Free it. */
char *service_value(const struct stack *s, const char *key);
/* `keys` beside an image, in braces: nothing is said, and the canonical form of KEY is `json`. */
void expect_form(const char *keys, const char *key, const char *json);
/* Exactly one error; `why` is in what is told. */
void expect_error(const char *keys, const char *why);
/* Exactly one warning, which holds `what`, also when the stack is to run; the canonical form of KEY is `json`. */
void expect_warning(const char *keys, const char *key, const char *json, const char *what);
/* mstack cannot run it: a warning for `config`, an error for `up`, both hold `what`; the canonical form of KEY is `json`. */
void expect_refusal(const char *keys, const char *key, const char *json, const char *what);

#endif
