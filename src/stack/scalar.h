/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scalar: how a text may be written, so that every reader takes it for what it is. Used by emitter and explain. */
#ifndef STACK_SCALAR_H
#define STACK_SCALAR_H

#include "mstack/base.h"

/* Does YAML read this text as a string when it has no quotes, in a block, as key and as value? */
bool scalar_is_plain(const char *s);
/* May it stand as a block of lines (`|`)? */
bool scalar_has_lines(const char *s);
/* The text of a truth value, in any of YAML's words. */
bool scalar_is_true(const char *s);
/* Adds a YAML number as JSON writes it. False, and nothing: JSON has no such number, or it is none. */
bool scalar_put_number(struct buf *out, const char *s);

#endif
