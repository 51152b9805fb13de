/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syntax: what libyaml says about a text that is not YAML, in words that say where to look and what to do. Called by yaml. */
#ifndef STACK_SYNTAX_H
#define STACK_SYNTAX_H

#include "mstack/stack.h"

struct yaml_parser_s;

/* `text` is what the parser was given: bytes are looked at to tell mistakes apart for which libyaml has one name. */
void syntax_complain(struct stack_diags *diags, uint32_t file, const char *text, size_t len,
		     const struct yaml_parser_s *parser);

#endif
