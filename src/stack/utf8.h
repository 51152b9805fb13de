/* SPDX-License-Identifier: GPL-2.0-or-later */
/* utf8: characters of a text, and which of them must not be shown as they are. Used by what prints: diag, emitter. */
#ifndef STACK_UTF8_H
#define STACK_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* U+FFFD, for bytes that are no character. Written as they are, so that what was printed and read again is printed as before. */
#define UTF8_LOST 0xfffdU

/* The bytes of the character that stands at `s`, which ends with a NUL; 0: none stands there. */
size_t utf8_decode(const char *s, uint32_t *ret);
/*
 * A control character, a line end that is none for others, a mark that turns the direction of what follows, or one that
 * nobody sees: a terminal and a reader are misled by it.
 */
bool utf8_is_hidden(uint32_t c);

#endif
